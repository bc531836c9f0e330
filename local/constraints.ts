/** What a service accepts for one parameter, as its service model states it. */
export type Constraint = Text | Whole | Flag | Blob | ListOf | Structure;

interface Text {
  readonly type: 'string';
  readonly min?: number;
  readonly max?: number;
  /** The pattern as the model spells it: it is quoted in the refusal. */
  readonly pattern?: string;
  readonly values?: readonly string[];
  /** The value is a secret: a refusal never quotes it. */
  readonly sensitive?: boolean;
}

interface Whole {
  readonly type: 'integer';
  readonly min?: number;
  readonly max?: number;
}

interface Flag {
  readonly type: 'boolean';
}

interface Blob {
  readonly type: 'blob';
}

interface ListOf {
  readonly type: 'list';
  readonly of: Constraint;
  readonly max?: number;
}

interface Structure {
  readonly type: 'structure';
  readonly members: Parameters;
  readonly required: readonly string[];
}

/** Constraints by parameter name. */
export type Parameters = Readonly<Record<string, Constraint>>;

/** The parameters of one action. */
export interface ActionParameters {
  readonly members: Parameters;
  readonly required: readonly string[];
}

/** The constraint of a parameter; `undefined` for one that is not known. */
export function constraintOf(parameters: Parameters, name: string): Constraint | undefined {
  return Object.hasOwn(parameters, name) ? parameters[name] : undefined;
}

/**
 * What is wrong with the parameters of a call, all of it in one sentence, as AWS words it; `undefined` where nothing is.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
 */
export function violationsOf(
  parameters: ActionParameters,
  input: Readonly<Record<string, unknown>>,
): string | undefined {
  const found = inStructure('', { type: 'structure', ...parameters }, input);
  if (found.length === 0) {
    return undefined;
  }
  const count = found.length === 1 ? '1 validation error' : `${found.length} validation errors`;
  return `${count} detected: ${found.join('; ')}`;
}

function inStructure(path: string, structure: Structure, input: Readonly<Record<string, unknown>>): string[] {
  const missing = structure.required
    .filter((name) => input[name] === undefined)
    .map((name) => `Value null at '${path}${lowerFirst(name)}' failed to satisfy constraint: Member must not be null`);
  const wrong = Object.entries(input)
    .filter(([, value]) => value !== undefined)
    .flatMap(([name, value]) => {
      const constraint = constraintOf(structure.members, name);
      return constraint === undefined
        ? [`'${path}${name}' is not a parameter known here`]
        : inValue(`${path}${lowerFirst(name)}`, constraint, value);
    });
  return [...missing, ...wrong];
}

function inValue(at: string, constraint: Constraint, value: unknown): string[] {
  switch (constraint.type) {
    case 'string':
      return typeof value === 'string' ? inText(at, constraint, value) : [mustBe(at, 'a string')];
    case 'integer':
      return Number.isInteger(value) ? inWhole(at, constraint, value as number) : [mustBe(at, 'an integer')];
    case 'boolean':
      return typeof value === 'boolean' ? [] : [mustBe(at, 'a boolean')];
    case 'blob':
      return Buffer.isBuffer(value) ? [] : [mustBe(at, 'a blob')];
    case 'list':
      return Array.isArray(value) ? inList(at, constraint, value as unknown[]) : [mustBe(at, 'a list')];
    case 'structure':
      return isRecord(value) ? inStructure(`${at}.`, constraint, value) : [mustBe(at, 'a structure')];
  }
}

function inText(at: string, { min, max, pattern, values, sensitive }: Text, value: string): string[] {
  const demands: string[] = [];
  if (min !== undefined && value.length < min) {
    demands.push(`Member must have length greater than or equal to ${min}`);
  }
  if (max !== undefined && value.length > max) {
    demands.push(`Member must have length less than or equal to ${max}`);
  }
  if (pattern !== undefined && !new RegExp(`^(?:${pattern})$`, 'u').test(value)) {
    demands.push(`Member must satisfy regular expression pattern: ${pattern}`);
  }
  if (values !== undefined && !values.includes(value)) {
    demands.push(`Member must satisfy enum value set: [${values.join(', ')}]`);
  }
  const quoted = sensitive === true ? 'Value' : `Value '${value}'`;
  return demands.map((demand) => `${quoted} at '${at}' failed to satisfy constraint: ${demand}`);
}

function inWhole(at: string, { min, max }: Whole, value: number): string[] {
  const demands: string[] = [];
  if (min !== undefined && value < min) {
    demands.push(`Member must have value greater than or equal to ${min}`);
  }
  if (max !== undefined && value > max) {
    demands.push(`Member must have value less than or equal to ${max}`);
  }
  return demands.map((demand) => `Value '${value}' at '${at}' failed to satisfy constraint: ${demand}`);
}

function inList(at: string, { of, max }: ListOf, value: readonly unknown[]): string[] {
  const tooLong =
    max !== undefined && value.length > max
      ? [
          `Value of ${value.length} members at '${at}' failed to satisfy constraint: Member must have length less than or equal to ${max}`,
        ]
      : [];
  return [...tooLong, ...value.flatMap((member, index) => inValue(`${at}.${index + 1}.member`, of, member))];
}

function mustBe(at: string, what: string): string {
  return `Value at '${at}' failed to satisfy constraint: Member must be ${what}`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** AWS names the parameter `UserName` as `userName` in these sentences. */
function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}
