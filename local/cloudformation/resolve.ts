import type { Expression } from './expression';
import { isList, isObject, isScalar, kindOf, type Json, type JsonObject } from './json';
import type { ParameterValues } from './parameters';
import { templateError } from './validation-error';

/** What a resource answers to `Ref` and `Fn::GetAtt`. */
export interface Referable {
  readonly physicalId: string;
  readonly attributes: JsonObject;
}

/** What names in a template stand for. */
export interface Scope {
  readonly parameters: ParameterValues;
  /** `AWS::Region` and its like; `AWS::NoValue` is not among them. */
  readonly pseudoParameters: ReadonlyMap<string, Json>;
  readonly mappings: JsonObject;
  readonly conditions: ReadonlyMap<string, boolean>;
  resource(logicalId: string): Referable | undefined;
  importValue(exportName: string): Json;
}

/**
 * The value of an expression; nothing where it is `AWS::NoValue`, which objects and lists leave out.
 *
 * @throws AwsError `ValidationError` where a name stands for nothing
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
        throw templateError(`Fn::Select cannot select index ${index} of ${items.length}`);
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
    throw templateError(`Ref '${name}' refers to nothing that has a value`);
  }
  return value;
}

function resolveAttribute(logicalId: string, attribute: string, scope: Scope): Json {
  const resource = scope.resource(logicalId);
  if (resource === undefined) {
    throw templateError(`Fn::GetAtt '${logicalId}.${attribute}' refers to no resource`);
  }
  const value = at(resource.attributes, attribute);
  if (value === undefined) {
    throw templateError(
      `CustomResource attribute error: Vendor response doesn't contain ${attribute} attribute in object ${resource.physicalId}`,
    );
  }
  return value;
}

/** The attribute of that name; or what its dots lead to, as in `Outputs.Name` of a nested stack. */
function at(attributes: JsonObject, attribute: string): Json | undefined {
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
    throw templateError(`Fn::FindInMap finds nothing under '${keys.join("', '")}'`);
  }
  return found;
}

function listOf(expression: Expression, scope: Scope, what: string): readonly Json[] {
  const value = resolve(expression, scope);
  if (!isList(value)) {
    throw templateError(`${what} needs a list where ${kindOf(value)} stands`);
  }
  return value;
}

function textOf(value: Json | undefined, what: string): string {
  if (!isScalar(value)) {
    throw templateError(`${what} needs a string where ${kindOf(value)} stands`);
  }
  return String(value);
}
