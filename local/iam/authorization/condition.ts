import { matchesArn, matchesWildcard } from './wildcard';

/** Values of the request's condition keys, by lowercase key. An absent key has no entry. */
export type ConditionContext = ReadonlyMap<string, readonly string[]>;

/** One entry of a `Condition` block: an operator, a key, and the values to compare with. */
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
 * The condition keys that requests contain here, in lowercase. A key that ends with a slash is followed by any name.
 * AWS's requests contain more keys, so a policy that uses another key can't be evaluated.
 */
const SUPPORTED_KEYS: readonly string[] = [
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
 * Parses one entry of a `Condition` block.
 *
 * @throws Error that names the operator or condition key that can't be evaluated
 */
export function parseCondition(operator: string, key: string, values: readonly string[]): Condition {
  const { quantifier, comparison = '', ifExists } = OPERATOR.exec(operator)?.groups ?? {};
  const name = key.toLowerCase();
  if (!SUPPORTED_KEYS.some((known) => (known.endsWith('/') ? name.startsWith(known) : name === known))) {
    throw new Error(`condition key '${key}' is not supported by the local IAM: add it to condition.ts`);
  }
  if (comparison === 'Null' && quantifier === undefined && ifExists === undefined) {
    return nullCondition(name, values);
  }
  const negated = NEGATIONS.get(comparison);
  const compare = COMPARISONS.get(negated ?? comparison);
  if (compare === undefined) {
    throw new Error(`condition operator '${operator}' is not supported by the local IAM: add it to condition.ts`);
  }
  const matches = (value: string): boolean => values.some((pattern) => compare(pattern, value));
  const satisfied = negated === undefined ? matches : (value: string) => !matches(value);
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

/** `Null` tests whether the key is absent. */
function nullCondition(name: string, values: readonly string[]): Condition {
  return { holds: (context) => values.some((value) => (value.toLowerCase() === 'true') === !context.has(name)) };
}
