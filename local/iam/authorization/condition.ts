import { matchesArn, matchesWildcard } from './wildcard';

/** Values of the request's condition keys, by key in lower case. A key that is absent has no entry. */
export type ConditionContext = ReadonlyMap<string, readonly string[]>;

/** One line of a `Condition` block: an operator, a key, and the values it is compared with. */
export interface Condition {
  holds(context: ConditionContext): boolean;
}

type Comparison = (pattern: string, value: string) => boolean;

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html */
const COMPARISONS: ReadonlyMap<string, Comparison> = new Map<string, Comparison>([
  ['StringEquals', (pattern, value) => pattern === value],
  ['StringEqualsIgnoreCase', (pattern, value) => pattern.toLowerCase() === value.toLowerCase()],
  ['StringLike', matchesWildcard],
  ['ArnEquals', matchesArn],
  ['ArnLike', matchesArn],
  ['Bool', (pattern, value) => pattern.toLowerCase() === value.toLowerCase()],
]);

const NEGATIONS: ReadonlyMap<string, string> = new Map([
  ['StringNotEquals', 'StringEquals'],
  ['StringNotEqualsIgnoreCase', 'StringEqualsIgnoreCase'],
  ['StringNotLike', 'StringLike'],
  ['ArnNotEquals', 'ArnEquals'],
  ['ArnNotLike', 'ArnLike'],
]);

/**
 * The condition keys that requests carry here, in lower case; what ends in a slash is followed by a name of the policy's
 * choice. A key outside of this list is not absent from AWS's requests but only from these: a policy that uses it can't
 * be judged.
 */
const KNOWN_KEYS: readonly string[] = [
  'aws:principalarn',
  'aws:requesttag/',
  'aws:securetransport',
  'aws:tagkeys',
  'kms:viaservice',
  'secretsmanager:versionid',
  'secretsmanager:versionstage',
];

const OPERATOR = /^(?:(?<quantifier>ForAllValues|ForAnyValue):)?(?<comparison>[A-Za-z]+?)(?<ifExists>IfExists)?$/;

/**
 * Reads one line of a `Condition` block.
 *
 * @throws Error naming an operator or a condition key that can't be judged here
 */
export function parseCondition(operator: string, key: string, values: readonly string[]): Condition {
  const { quantifier, comparison = '', ifExists } = OPERATOR.exec(operator)?.groups ?? {};
  const name = key.toLowerCase();
  if (!KNOWN_KEYS.some((known) => (known.endsWith('/') ? name.startsWith(known) : name === known))) {
    throw new Error(`condition key '${key}' is not known to the local IAM: teach condition.ts`);
  }
  if (comparison === 'Null' && quantifier === undefined && ifExists === undefined) {
    return nullCondition(name, values);
  }
  const negated = NEGATIONS.get(comparison);
  const compare = COMPARISONS.get(negated ?? comparison);
  if (compare === undefined) {
    throw new Error(`condition operator '${operator}' is not known to the local IAM: teach condition.ts`);
  }
  const fits = (value: string): boolean => values.some((pattern) => compare(pattern, value));
  const satisfied = negated === undefined ? fits : (value: string) => !fits(value);
  return {
    holds: (context) => {
      const present = context.get(name);
      switch (quantifier) {
        case 'ForAllValues':
          return (present ?? []).every(satisfied);
        case 'ForAnyValue':
          return present === undefined ? ifExists !== undefined : present.some(satisfied);
        default:
          return present === undefined
            ? ifExists !== undefined || negated !== undefined
            : negated === undefined
              ? present.some(satisfied)
              : present.every(satisfied);
      }
    },
  };
}

/** `Null` asks whether the key is absent. */
function nullCondition(name: string, values: readonly string[]): Condition {
  return { holds: (context) => values.some((value) => (value.toLowerCase() === 'true') === !context.has(name)) };
}
