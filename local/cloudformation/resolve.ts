import type { Expression } from './expression';
import { isList, isObject, isScalar, kindOf, type Json, type JsonObject } from './json';
import type { ParameterValues } from './parameters';
import { templateError } from './validation-error';

/** The values of a resource for `Ref` and `Fn::GetAtt`. */
export interface Referable {
  readonly physicalId: string;
  readonly attributes: JsonObject;
}

/** The values of names in a template. */
export interface Scope {
  readonly parameters: ParameterValues;
  /** `AWS::Region` and the others, except `AWS::NoValue`. */
  readonly pseudoParameters: ReadonlyMap<string, Json>;
  readonly mappings: JsonObject;
  readonly conditions: ReadonlyMap<string, boolean>;
  resource(logicalId: string): Referable | undefined;
  importValue(exportName: string): Json;
  /** The value of an output of another stack. @param region absent for the region of this stack */
  stackOutput(stackName: string, outputName: string, region?: string): Json;
}

/**
 * The value of an expression, or `undefined` for `AWS::NoValue`, which objects and lists omit.
 *
 * @throws AwsError `ValidationError` if a name has no value
 */
export function resolve(expression: Expression, scope: Scope): Json | undefined {
  switch (expression.kind) {
    case 'literal':
      return expression.value;
    case 'list':
      return expression.items.map((item) => resolve(item, scope)).filter((item) => item !== undefined);
    case 'object':
      return Object.fromEntries(
        expression.entries
          .map(([key, entry]) => [key, resolve(entry, scope)] as const)
          .filter((entry): entry is [string, Json] => entry[1] !== undefined),
      );
    case 'ref':
      return resolveRef(expression.name, scope);
    case 'attribute':
      return resolveAttribute(expression.logicalId, expression.attribute, scope);
    case 'join':
      return listOf(expression.items, scope, 'Fn::Join')
        .map((item) => textOf(item, 'Fn::Join'))
        .join(expression.delimiter);
    case 'select': {
      const items = listOf(expression.from, scope, 'Fn::Select');
      const index = Number(resolve(expression.index, scope));
      const selected = items[index];
      if (selected === undefined) {
        throw templateError(`Fn::Select: index ${index} is out of range, the list has ${items.length} values`);
      }
      return selected;
    }
    case 'split':
      return textOf(resolve(expression.source, scope), 'Fn::Split').split(expression.delimiter);
    case 'if':
      return resolve(conditionHolds(expression.condition, scope.conditions) ? expression.yes : expression.no, scope);
    case 'findInMap':
      return findInMap(
        expression.keys.map((key) => textOf(resolve(key, scope), 'Fn::FindInMap')),
        scope.mappings,
      );
    case 'base64':
      return Buffer.from(textOf(resolve(expression.source, scope), 'Fn::Base64')).toString('base64');
    case 'import':
      return scope.importValue(textOf(resolve(expression.name, scope), 'Fn::ImportValue'));
    case 'stackOutput': {
      const text = (part: Expression) => textOf(resolve(part, scope), 'Fn::GetStackOutput');
      const { stackName, outputName, region } = expression;
      return scope.stackOutput(text(stackName), text(outputName), region && text(region));
    }
  }
}

/** Whether a condition of the template holds. */
export function conditionHolds(name: string, conditions: ReadonlyMap<string, boolean>): boolean {
  const holds = conditions.get(name);
  if (holds === undefined) {
    throw templateError(`unresolved condition '${name}'`);
  }
  return holds;
}

function resolveRef(name: string, scope: Scope): Json | undefined {
  if (name === 'AWS::NoValue') {
    return undefined;
  }
  const value = scope.pseudoParameters.get(name) ?? scope.parameters.get(name) ?? scope.resource(name)?.physicalId;
  if (value === undefined) {
    throw templateError(`Ref '${name}' has no value`);
  }
  return value;
}

function resolveAttribute(logicalId: string, attribute: string, scope: Scope): Json {
  const resource = scope.resource(logicalId);
  if (resource === undefined) {
    throw templateError(`Fn::GetAtt '${logicalId}.${attribute}' does not refer to a resource`);
  }
  const value = valueAt(resource.attributes, attribute);
  if (value === undefined) {
    throw templateError(
      `CustomResource attribute error: Vendor response doesn't contain ${attribute} attribute in object ${resource.physicalId}`,
    );
  }
  return value;
}

/** The attribute with this name, or the value at this path, as for `Outputs.Name` of a nested stack. */
function valueAt(attributes: JsonObject, attribute: string): Json | undefined {
  if (attributes[attribute] !== undefined) {
    return attributes[attribute];
  }
  return attribute
    .split('.')
    .reduce<Json | undefined>((found, key) => (isObject(found) ? found[key] : undefined), attributes);
}

function findInMap(keys: readonly string[], mappings: JsonObject): Json {
  const found = keys.reduce<Json | undefined>((level, key) => (isObject(level) ? level[key] : undefined), mappings);
  if (found === undefined) {
    throw templateError(`Fn::FindInMap: no value found under '${keys.join("', '")}'`);
  }
  return found;
}

function listOf(expression: Expression, scope: Scope, what: string): readonly Json[] {
  const value = resolve(expression, scope);
  if (!isList(value)) {
    throw templateError(`${what}: expected a list, got ${kindOf(value)}`);
  }
  return value;
}

function textOf(value: Json | undefined, what: string): string {
  if (!isScalar(value)) {
    throw templateError(`${what}: expected a string, got ${kindOf(value)}`);
  }
  return String(value);
}
