import { isList, isObject, isScalar, type Json, type JsonObject } from './json';
import { templateError } from './validation-error';

/** What happens to a resource that is removed from the stack, or to the old half of a replaced one. */
export type Removal = 'Delete' | 'Retain' | 'RetainExceptOnCreate';

/** A resource as declared in the template, with unresolved intrinsic functions. */
export interface ResourceDeclaration {
  readonly logicalId: string;
  readonly type: string;
  readonly properties: JsonObject;
  readonly dependsOn: readonly string[];
  readonly condition?: string;
  readonly deletionPolicy: Removal;
  readonly updateReplacePolicy: Removal;
}

/** A parameter as declared in the template. */
export interface ParameterDeclaration {
  readonly name: string;
  readonly type: string;
  readonly defaultValue?: string;
  readonly allowedValues?: readonly string[];
  readonly allowedPattern?: string;
  readonly minLength: number;
  readonly maxLength: number;
  readonly minValue: number;
  readonly maxValue: number;
}

/** An output as declared in the template. */
export interface OutputDeclaration {
  readonly value: Json;
  readonly condition?: string;
  readonly exportName?: Json;
}

/** A template with a validated shape. */
export interface Template {
  readonly parameters: ReadonlyMap<string, ParameterDeclaration>;
  readonly mappings: JsonObject;
  readonly conditions: JsonObject;
  readonly resources: ReadonlyMap<string, ResourceDeclaration>;
  readonly outputs: ReadonlyMap<string, OutputDeclaration>;
}

/** The rule that the CDK's default synthesizer adds to every template. It checks the account, not the template. */
const BOOTSTRAP_RULE = 'CheckBootstrapVersion';

const SECTIONS = [
  'AWSTemplateFormatVersion',
  'Description',
  'Metadata',
  'Parameters',
  'Mappings',
  'Conditions',
  'Rules',
  'Resources',
  'Outputs',
];
const RESOURCE_ATTRIBUTES = [
  'Type',
  'Properties',
  'DependsOn',
  'Condition',
  'DeletionPolicy',
  'UpdateReplacePolicy',
  'Metadata',
];
const PARAMETER_ATTRIBUTES = [
  'Type',
  'Default',
  'Description',
  'NoEcho',
  'AllowedValues',
  'AllowedPattern',
  'ConstraintDescription',
  'MinLength',
  'MaxLength',
  'MinValue',
  'MaxValue',
];

/**
 * Reads and validates the shape of a template.
 *
 * @param source the template, parsed as JSON
 * @throws AwsError `ValidationError` that names what is unknown or wrong
 */
export function readTemplate(source: unknown): Template {
  if (!isObject(source)) {
    throw templateError('the template is not a JSON object');
  }
  rejectUnknown(source, SECTIONS, 'template section');
  for (const rule of Object.keys(section(source, 'Rules'))) {
    if (rule !== BOOTSTRAP_RULE) {
      throw templateError(`rule '${rule}' is not supported locally`);
    }
  }
  const resources = entries(source, 'Resources', readResource);
  if (resources.size === 0) {
    throw templateError('at least one Resources member must be defined');
  }
  return {
    parameters: entries(source, 'Parameters', readParameter),
    mappings: section(source, 'Mappings'),
    conditions: section(source, 'Conditions'),
    resources,
    outputs: entries(source, 'Outputs', readOutput),
  };
}

function section(source: JsonObject, name: string): JsonObject {
  const found = source[name] ?? {};
  if (!isObject(found)) {
    throw templateError(`section '${name}' is not an object`);
  }
  return found;
}

function entries<T>(
  source: JsonObject,
  name: string,
  read: (id: string, declaration: JsonObject) => T,
): ReadonlyMap<string, T> {
  return new Map(
    Object.entries(section(source, name)).map(([id, declaration]) => {
      if (!isObject(declaration)) {
        throw templateError(`'${id}' in section '${name}' is not an object`);
      }
      return [id, read(id, declaration)];
    }),
  );
}

function readResource(logicalId: string, declaration: JsonObject): ResourceDeclaration {
  if (!/^[A-Za-z0-9]+$/.test(logicalId)) {
    throw templateError(`resource name '${logicalId}' is not alphanumeric`);
  }
  rejectUnknown(declaration, RESOURCE_ATTRIBUTES, `attribute of resource '${logicalId}'`);
  const { Type: type, Properties: properties = {}, DependsOn: dependsOn = [], Condition: condition } = declaration;
  if (typeof type !== 'string') {
    throw templateError(`resource '${logicalId}' has no Type`);
  }
  if (!isObject(properties)) {
    throw templateError(`Properties of resource '${logicalId}' are not an object`);
  }
  if (condition !== undefined && typeof condition !== 'string') {
    throw templateError(`Condition of resource '${logicalId}' is not the name of a condition`);
  }
  return {
    logicalId,
    type,
    properties,
    dependsOn: isList(dependsOn) ? dependsOn.map(String) : [textOf(dependsOn, `DependsOn of '${logicalId}'`)],
    condition,
    deletionPolicy: readRemoval(declaration, 'DeletionPolicy', logicalId),
    updateReplacePolicy: readRemoval(declaration, 'UpdateReplacePolicy', logicalId),
  };
}

function readRemoval(declaration: JsonObject, attribute: string, logicalId: string): Removal {
  const value = declaration[attribute] ?? 'Delete';
  if (value === 'Delete' || value === 'Retain') {
    return value;
  }
  if (value === 'RetainExceptOnCreate' && attribute === 'DeletionPolicy') {
    return value;
  }
  throw templateError(`${attribute} ${JSON.stringify(value)} of resource '${logicalId}' is not supported locally`);
}

function readParameter(name: string, declaration: JsonObject): ParameterDeclaration {
  rejectUnknown(declaration, PARAMETER_ATTRIBUTES, `attribute of parameter '${name}'`);
  const { Default: defaultValue, AllowedValues: allowedValues, AllowedPattern: allowedPattern } = declaration;
  return {
    name,
    type: textOf(declaration.Type, `Type of parameter '${name}'`),
    ...(defaultValue !== undefined && { defaultValue: textOf(defaultValue, `Default of parameter '${name}'`) }),
    ...(isList(allowedValues) && { allowedValues: allowedValues.map(String) }),
    ...(allowedPattern !== undefined && {
      allowedPattern: textOf(allowedPattern, `AllowedPattern of parameter '${name}'`),
    }),
    minLength: Number(declaration.MinLength ?? 0),
    maxLength: Number(declaration.MaxLength ?? Infinity),
    minValue: Number(declaration.MinValue ?? -Infinity),
    maxValue: Number(declaration.MaxValue ?? Infinity),
  };
}

function readOutput(name: string, declaration: JsonObject): OutputDeclaration {
  rejectUnknown(declaration, ['Description', 'Value', 'Export', 'Condition'], `attribute of output '${name}'`);
  const { Value: value, Condition: condition, Export: exported } = declaration;
  if (value === undefined) {
    throw templateError(`output '${name}' has no Value`);
  }
  if (exported !== undefined && (!isObject(exported) || exported.Name === undefined)) {
    throw templateError(`Export of output '${name}' has no Name`);
  }
  return {
    value,
    ...(condition !== undefined && { condition: textOf(condition, `Condition of output '${name}'`) }),
    ...(isObject(exported) && { exportName: exported.Name }),
  };
}

function textOf(value: Json | undefined, what: string): string {
  if (!isScalar(value)) {
    throw templateError(`${what} is not a string`);
  }
  return String(value);
}

function rejectUnknown(found: JsonObject, known: readonly string[], what: string): void {
  for (const key of Object.keys(found)) {
    if (!known.includes(key)) {
      throw templateError(`${what} '${key}' is not supported locally`);
    }
  }
}
