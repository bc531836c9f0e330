import { AwsError } from '../../aws-error';
import { type Condition, type ConditionContext, parseCondition } from './condition';
import { matchesArn, matchesWildcard } from './wildcard';

/** What a policy says about a request. `silent` means that no statement applies. */
export type Verdict = 'allow' | 'deny' | 'silent';

/** A request as policies see it. */
export interface PolicyRequest {
  readonly action: string;
  readonly resource: string;
  readonly context: ConditionContext;
}

/** A parsed policy. */
export interface Policy {
  verdict(request: PolicyRequest): Verdict;
}

type JsonObject = Readonly<Record<string, unknown>>;

const POLICY_ELEMENTS = ['Version', 'Id', 'Statement'];
const STATEMENT_ELEMENTS = ['Sid', 'Effect', 'Action', 'NotAction', 'Resource', 'NotResource', 'Condition'];

/** An identity-based policy applies to the identity it is attached to; a resource-based policy names its principals. */
export type PolicyKind = 'identity' | 'resource';

/**
 * Parses a policy document.
 *
 * @throws AwsError `MalformedPolicyDocument` if AWS would reject the document
 * @throws Error that names an element, a policy variable, a condition operator or a condition key that can't be
 * evaluated: ignoring it would allow or deny what AWS does not
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
 */
export function parsePolicy(document: string, kind: PolicyKind = 'identity'): Policy {
  const statements = requireStatements(document).map((statement) => parseStatement(statement, kind));
  return {
    verdict: (request) => {
      const applying = statements.filter((statement) => statement.appliesTo(request));
      if (applying.some(({ effect }) => effect === 'Deny')) {
        return 'deny';
      }
      return applying.length > 0 ? 'allow' : 'silent';
    },
  };
}

/**
 * The statements of a policy document, unread. That is all that is checked of a trust policy.
 *
 * @throws AwsError `MalformedPolicyDocument` if there is none
 */
export function requireStatements(document: string): unknown[] {
  const policy = parseJson(document);
  refuseUnknownElements(policy, POLICY_ELEMENTS);
  const statements = oneOrMore(policy.Statement);
  if (statements.length === 0) {
    throw malformed('Syntax errors in policy: no Statement.');
  }
  return statements;
}

interface Statement {
  readonly effect: 'Allow' | 'Deny';
  appliesTo(request: PolicyRequest): boolean;
}

function parseStatement(statement: unknown, kind: PolicyKind): Statement {
  if (!isObject(statement)) {
    throw malformed('Syntax errors in policy: a Statement is not an object.');
  }
  refuseUnknownElements(statement, kind === 'resource' ? [...STATEMENT_ELEMENTS, 'Principal'] : STATEMENT_ELEMENTS);
  const { Effect: effect } = statement;
  if (effect !== 'Allow' && effect !== 'Deny') {
    throw malformed(`Invalid effect: ${JSON.stringify(effect)}`);
  }
  const namesAction = parseElement(statement, 'Action', (pattern, action) =>
    matchesWildcard(pattern.toLowerCase(), action.toLowerCase()),
  );
  const namesResource = parseElement(statement, 'Resource', matchesArn);
  const namesPrincipal = kind === 'resource' ? principalsOf(statement.Principal) : () => true;
  const conditions = parseConditions(statement.Condition);
  return {
    effect,
    appliesTo: ({ action, resource, context }) =>
      namesPrincipal(context.get('aws:principalarn') ?? []) &&
      namesAction(action) &&
      namesResource(resource) &&
      conditions.every((condition) => condition.holds(context)),
  };
}

/** Returns whether any of the ARNs is a principal. Supported principals are `*` and ARNs of roles. */
function principalsOf(principal: unknown): (arns: readonly string[]) => boolean {
  const principals = texts(isObject(principal) ? principal.AWS : principal, 'Principal');
  const unknown = principals.find((each) => each !== '*' && !/^arn:[a-z-]+:iam::\d{12}:role\//.test(each));
  if (principals.length === 0 || unknown !== undefined) {
    throw new Error(`principal '${unknown}' is not supported by the local IAM: add it to policy.ts`);
  }
  return (arns) => principals.some((each) => each === '*' || arns.includes(each));
}

/** Parses an element that must be given either as itself or as its `Not…` form. */
function parseElement(
  statement: JsonObject,
  element: 'Action' | 'Resource',
  matches: (pattern: string, value: string) => boolean,
): (value: string) => boolean {
  const negated = `Not${element}`;
  if ((statement[element] === undefined) === (statement[negated] === undefined)) {
    throw malformed(`Policy statement must contain either ${element} or ${negated}.`);
  }
  const patterns = texts(statement[element] ?? statement[negated], element);
  if (patterns.length === 0) {
    throw malformed(`Policy statement must contain at least one ${element}.`);
  }
  const isListed = (value: string): boolean => patterns.some((pattern) => matches(pattern, value));
  return statement[element] === undefined ? (value) => !isListed(value) : isListed;
}

function parseConditions(block: unknown): Condition[] {
  if (block === undefined) {
    return [];
  }
  if (!isObject(block)) {
    throw malformed('Syntax errors in policy: Condition is not an object.');
  }
  return Object.entries(block).flatMap(([operator, keys]) => {
    if (!isObject(keys)) {
      throw malformed(`Syntax errors in policy: Condition ${operator} is not an object.`);
    }
    return Object.entries(keys).map(([key, values]) =>
      parseCondition(operator, key, texts(values, `Condition ${operator} ${key}`)),
    );
  });
}

function refuseUnknownElements(object: JsonObject, known: readonly string[]): void {
  const unknown = Object.keys(object).find((element) => !known.includes(element));
  if (unknown !== undefined) {
    throw new Error(`policy element '${unknown}' is not supported by the local IAM: add it to policy.ts`);
  }
}

function texts(value: unknown, element: string): string[] {
  return oneOrMore(value).map((text) => {
    if (typeof text !== 'string' && typeof text !== 'boolean' && typeof text !== 'number') {
      throw malformed(`Syntax errors in policy: ${element} contains a value that is not a string.`);
    }
    if (String(text).includes('${')) {
      throw new Error(`policy variable in '${text}' is not supported by the local IAM: add it to policy.ts`);
    }
    return String(text);
  });
}

function parseJson(document: string): JsonObject {
  let policy: unknown;
  try {
    policy = JSON.parse(document);
  } catch {
    throw malformed('Syntax errors in policy.');
  }
  if (!isObject(policy)) {
    throw malformed('Syntax errors in policy.');
  }
  return policy;
}

function oneOrMore(value: unknown): unknown[] {
  if (value === undefined) {
    return [];
  }
  return Array.isArray(value) ? (value as unknown[]) : [value];
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function malformed(message: string): AwsError {
  return new AwsError('MalformedPolicyDocument', 400, message);
}
