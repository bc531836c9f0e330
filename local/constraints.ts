/** What a service accepts as the value of one parameter, as its service model states it. */
export type Constraint =
  StringConstraint | IntegerConstraint | BooleanConstraint | BlobConstraint | ListConstraint | StructureConstraint;

interface StringConstraint {
  readonly type: 'string';
  readonly min?: number;
  readonly max?: number;
  /** The pattern as the model spells it. Error messages quote it. */
  readonly pattern?: string;
  readonly values?: readonly string[];
  /** The value is a secret: error messages never quote it. */
  readonly sensitive?: boolean;
}

interface IntegerConstraint {
  readonly type: 'integer';
  readonly min?: number;
  readonly max?: number;
}

interface BooleanConstraint {
  readonly type: 'boolean';
}

interface BlobConstraint {
  readonly type: 'blob';
}

interface ListConstraint {
  readonly type: 'list';
  readonly of: Constraint;
  readonly max?: number;
}

interface StructureConstraint {
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

/** The constraint of a parameter, or `undefined` if the parameter is unknown. */
export function constraintOf(parameters: Parameters, name: string): Constraint | undefined {
  return Object.hasOwn(parameters, name) ? parameters[name] : undefined;
}

/**
 * Everything that is wrong with the parameters of a call, in one message as AWS writes it, or `undefined` if they are
 * valid.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
 */
export function violationsOf(
  parameters: ActionParameters,
  input: Readonly<Record<string, unknown>>,
): string | undefined {
  const found = violationsInStructure('', { type: 'structure', ...parameters }, input);
  if (found.length === 0) {
    return undefined;
  }
  const count = found.length === 1 ? '1 validation error' : `${found.length} validation errors`;
  return `${count} detected: ${found.join('; ')}`;
}

function violationsInStructure(
  path: string,
  structure: StructureConstraint,
  input: Readonly<Record<string, unknown>>,
): string[] {
  const missing = structure.required
    .filter((name) => input[name] === undefined)
    .map((name) => `Value null at '${path}${lowerFirst(name)}' failed to satisfy constraint: Member must not be null`);
  const wrong = Object.entries(input)
    .filter(([, value]) => value !== undefined)
    .flatMap(([name, value]) => {
      const constraint = constraintOf(structure.members, name);
      return constraint === undefined
        ? [`'${path}${name}' is not a supported parameter`]
        : violationsInValue(`${path}${lowerFirst(name)}`, constraint, value);
    });
  return [...missing, ...wrong];
}

function violationsInValue(at: string, constraint: Constraint, value: unknown): string[] {
  switch (constraint.type) {
    case 'string':
      return typeof value === 'string' ? violationsInString(at, constraint, value) : [wrongType(at, 'a string')];
    case 'integer':
      return Number.isInteger(value)
        ? violationsInInteger(at, constraint, value as number)
        : [wrongType(at, 'an integer')];
    case 'boolean':
      return typeof value === 'boolean' ? [] : [wrongType(at, 'a boolean')];
    case 'blob':
      return Buffer.isBuffer(value) ? [] : [wrongType(at, 'a blob')];
    case 'list':
      return Array.isArray(value) ? violationsInList(at, constraint, value as unknown[]) : [wrongType(at, 'a list')];
    case 'structure':
      return isRecord(value) ? violationsInStructure(`${at}.`, constraint, value) : [wrongType(at, 'a structure')];
  }
}

function violationsInString(
  at: string,
  { min, max, pattern, values, sensitive }: StringConstraint,
  value: string,
): string[] {
  const unmet: string[] = [];
  if (min !== undefined && value.length < min) {
    unmet.push(`Member must have length greater than or equal to ${min}`);
  }
  if (max !== undefined && value.length > max) {
    unmet.push(`Member must have length less than or equal to ${max}`);
  }
  if (pattern !== undefined && !new RegExp(`^(?:${pattern})$`, 'u').test(value)) {
    unmet.push(`Member must satisfy regular expression pattern: ${pattern}`);
  }
  if (values !== undefined && !values.includes(value)) {
    unmet.push(`Member must satisfy enum value set: [${values.join(', ')}]`);
  }
  const quoted = sensitive === true ? 'Value' : `Value '${value}'`;
  return unmet.map((requirement) => `${quoted} at '${at}' failed to satisfy constraint: ${requirement}`);
}

function violationsInInteger(at: string, { min, max }: IntegerConstraint, value: number): string[] {
  const unmet: string[] = [];
  if (min !== undefined && value < min) {
    unmet.push(`Member must have value greater than or equal to ${min}`);
  }
  if (max !== undefined && value > max) {
    unmet.push(`Member must have value less than or equal to ${max}`);
  }
  return unmet.map((requirement) => `Value '${value}' at '${at}' failed to satisfy constraint: ${requirement}`);
}

function violationsInList(at: string, { of, max }: ListConstraint, value: readonly unknown[]): string[] {
  const tooLong =
    max !== undefined && value.length > max
      ? [
          `Value of ${value.length} members at '${at}' failed to satisfy constraint: Member must have length less than or equal to ${max}`,
        ]
      : [];
  return [...tooLong, ...value.flatMap((member, index) => violationsInValue(`${at}.${index + 1}.member`, of, member))];
}

function wrongType(at: string, what: string): string {
  return `Value at '${at}' failed to satisfy constraint: Member must be ${what}`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** AWS spells the parameter `UserName` as `userName` in these messages. */
function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}
