/** A statement of an IAM policy, as JSON. */
export interface Statement {
  readonly Action: string | readonly string[];
  readonly Effect: 'Allow';
  readonly Resource: string;
  readonly Condition?: Conditions;
}

/** Operators, and what each compares. */
export type Conditions = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Allows actions on one resource, or on those that a wildcard in its ARN covers. */
export function allow(actions: readonly string[], resource: string, conditions?: Conditions): Statement {
  const [first = '', ...others] = actions;
  return {
    Action: others.length === 0 ? first : actions,
    Effect: 'Allow',
    Resource: resource,
    ...(conditions && { Condition: conditions }),
  };
}
