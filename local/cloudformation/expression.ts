import { isList, isObject, isScalar, kindOf, type Json, type JsonObject } from './json';
import { templateError } from './validation-error';

/** A parsed value of a template. `Fn::Sub` becomes a join of its parts. */
export type Expression =
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
  | { readonly kind: 'list'; readonly items: readonly Expression[] }
  | { readonly kind: 'object'; readonly entries: readonly (readonly [string, Expression])[] }
  | { readonly kind: 'ref'; readonly name: string }
  | { readonly kind: 'attribute'; readonly logicalId: string; readonly attribute: string }
  | { readonly kind: 'join'; readonly delimiter: string; readonly items: Expression }
  | { readonly kind: 'select'; readonly index: Expression; readonly from: Expression }
  | { readonly kind: 'split'; readonly delimiter: string; readonly source: Expression }
  | { readonly kind: 'if'; readonly condition: string; readonly yes: Expression; readonly no: Expression }
  | { readonly kind: 'findInMap'; readonly keys: readonly Expression[] }
  | { readonly kind: 'base64'; readonly source: Expression }
  | { readonly kind: 'import'; readonly name: Expression }
  | {
      readonly kind: 'stackOutput';
      readonly stackName: Expression;
      readonly outputName: Expression;
      readonly region?: Expression;
    };

type Parser = (argument: Json, where: string) => Expression;

const FUNCTIONS: Readonly<Record<string, Parser>> = {
  Ref: (argument, where) => ({ kind: 'ref', name: text(argument, `Ref in ${where}`) }),
  'Fn::GetAtt': parseGetAtt,
  'Fn::Sub': parseSub,
  'Fn::Join': (argument, where) => {
    const [delimiter, items] = list(argument, 2, `Fn::Join in ${where}`);
    return { kind: 'join', delimiter: text(delimiter, `Fn::Join in ${where}`), items: parse(items as Json, where) };
  },
  'Fn::Select': (argument, where) => {
    const [index, from] = list(argument, 2, `Fn::Select in ${where}`);
    return { kind: 'select', index: parse(index as Json, where), from: parse(from as Json, where) };
  },
  'Fn::Split': (argument, where) => {
    const [delimiter, source] = list(argument, 2, `Fn::Split in ${where}`);
    return { kind: 'split', delimiter: text(delimiter, `Fn::Split in ${where}`), source: parse(source as Json, where) };
  },
  'Fn::If': (argument, where) => {
    const [condition, yes, no] = list(argument, 3, `Fn::If in ${where}`);
    return {
      kind: 'if',
      condition: text(condition, `Fn::If in ${where}`),
      yes: parse(yes as Json, where),
      no: parse(no as Json, where),
    };
  },
  'Fn::FindInMap': (argument, where) => ({
    kind: 'findInMap',
    keys: list(argument, 3, `Fn::FindInMap in ${where}`).map((key) => parse(key, where)),
  }),
  'Fn::Base64': (argument, where) => ({ kind: 'base64', source: parse(argument, where) }),
  'Fn::ImportValue': (argument, where) => {
    const name = parse(argument, where);
    if (readsStackOutput(name)) {
      throw templateError(
        'the attribute in Fn::ImportValue must not depend on any resources, imported values, or Fn::GetAZs',
      );
    }
    return { kind: 'import', name };
  },
  'Fn::GetStackOutput': parseStackOutput,
};

/**
 * Parses a value of a template.
 *
 * @param where what the value belongs to, for error messages
 * @throws AwsError `ValidationError` that names the unknown or malformed intrinsic function
 */
export function parse(value: Json, where: string): Expression {
  if (isList(value)) {
    return { kind: 'list', items: value.map((item) => parse(item, where)) };
  }
  if (!isObject(value)) {
    return parseLiteral(value, where);
  }
  const keys = Object.keys(value);
  const name = keys.find((key) => key === 'Ref' || key.startsWith('Fn::'));
  if (name === undefined || (name === 'Ref' && keys.length > 1)) {
    return parseObject(value, where);
  }
  if (keys.length > 1) {
    throw templateError(`${name} in ${where} must be the only key of its object`);
  }
  const parser = FUNCTIONS[name];
  if (parser === undefined) {
    throw templateError(`intrinsic function ${name} in ${where} is not supported locally`);
  }
  return parser(value[name] ?? null, where);
}

/** The resources and parameters that a value refers to. The branch of an `Fn::If` that is not taken doesn't count. */
export function references(expression: Expression, conditions: ReadonlyMap<string, boolean>): Set<string> {
  const found = new Set<string>();
  const visit = (visited: Expression): void => {
    if (visited.kind === 'ref') {
      found.add(visited.name);
    }
    if (visited.kind === 'attribute') {
      found.add(visited.logicalId);
    }
    children(visited, conditions).forEach(visit);
  };
  visit(expression);
  return found;
}

/** Whether a value may read an output of another stack, in any branch of an `Fn::If`. */
export function readsStackOutput(expression: Expression): boolean {
  return expression.kind === 'stackOutput' || allChildren(expression).some(readsStackOutput);
}

/** The attributes that a value reads, as pairs of logical id and attribute name. */
export function attributesRead(
  expression: Expression,
  conditions: ReadonlyMap<string, boolean>,
): readonly (readonly [string, string])[] {
  const direct = expression.kind === 'attribute' ? [[expression.logicalId, expression.attribute] as const] : [];
  return [...direct, ...children(expression, conditions).flatMap((child) => attributesRead(child, conditions))];
}

/** The parts of a value, with only the branch of an `Fn::If` that is taken. */
function children(expression: Expression, conditions: ReadonlyMap<string, boolean>): readonly Expression[] {
  if (expression.kind !== 'if') {
    return allChildren(expression);
  }
  const holds = conditions.get(expression.condition);
  if (holds === undefined) {
    throw templateError(`unresolved condition '${expression.condition}'`);
  }
  return [holds ? expression.yes : expression.no];
}

function allChildren(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'literal':
    case 'ref':
    case 'attribute':
      return [];
    case 'list':
      return expression.items;
    case 'object':
      return expression.entries.map(([, entry]) => entry);
    case 'join':
      return [expression.items];
    case 'select':
      return [expression.index, expression.from];
    case 'split':
    case 'base64':
      return [expression.source];
    case 'if':
      return [expression.yes, expression.no];
    case 'findInMap':
      return expression.keys;
    case 'import':
      return [expression.name];
    case 'stackOutput': {
      const { stackName, outputName, region } = expression;
      return [stackName, outputName, ...(region === undefined ? [] : [region])];
    }
  }
}

function parseLiteral(value: string | number | boolean | null, where: string): Expression {
  if (typeof value === 'string' && value.includes('{{resolve:')) {
    throw templateError(`dynamic reference '{{resolve:…}}' in ${where} is not supported locally`);
  }
  return { kind: 'literal', value };
}

function parseObject(value: JsonObject, where: string): Expression {
  return { kind: 'object', entries: Object.entries(value).map(([key, entry]) => [key, parse(entry, where)]) };
}

function parseGetAtt(argument: Json, where: string): Expression {
  const path = typeof argument === 'string' ? splitAttribute(argument) : list(argument, 2, `Fn::GetAtt in ${where}`);
  const [logicalId, attribute] = path.map((part) => text(part, `Fn::GetAtt in ${where}`));
  if (!logicalId || !attribute) {
    throw templateError(`Fn::GetAtt in ${where} does not name an attribute`);
  }
  return { kind: 'attribute', logicalId, attribute };
}

function parseStackOutput(argument: Json, where: string): Expression {
  if (!isObject(argument)) {
    throw templateError(`Fn::GetStackOutput in ${where}: expected an object, got ${kindOf(argument)}`);
  }
  const { StackName: stackName, OutputName: outputName, Region: region, RoleArn: roleArn } = argument;
  if (stackName === undefined || outputName === undefined) {
    throw templateError(`Fn::GetStackOutput in ${where} must have StackName and OutputName`);
  }
  if (roleArn !== undefined) {
    throw templateError(`RoleArn of Fn::GetStackOutput in ${where} is not supported locally`);
  }
  return {
    kind: 'stackOutput',
    stackName: parse(stackName, where),
    outputName: parse(outputName, where),
    ...(region !== undefined && { region: parse(region, where) }),
  };
}

function splitAttribute(path: string): readonly [string, string] {
  const dot = path.indexOf('.');
  return dot < 0 ? [path, ''] : [path.slice(0, dot), path.slice(dot + 1)];
}

/** Supports both forms: text alone, and text with its own variables. */
function parseSub(argument: Json, where: string): Expression {
  const [source, variables]: readonly Json[] = isList(argument)
    ? list(argument, 2, `Fn::Sub in ${where}`)
    : [argument, {}];
  if (!isObject(variables)) {
    throw templateError(`Fn::Sub in ${where}: the variables must be an object`);
  }
  const template = text(source, `Fn::Sub in ${where}`);
  const items: Expression[] = [];
  let end = 0;
  for (const match of template.matchAll(/\$\{(!?)\s*([^}]*?)\s*\}/g)) {
    const [whole, literally, name = ''] = match;
    items.push(parseLiteral(template.slice(end, match.index), where));
    end = match.index + whole.length;
    const variable = variables[name];
    if (literally) {
      items.push({ kind: 'literal', value: whole.replace('!', '') });
    } else if (variable !== undefined) {
      items.push(parse(variable, where));
    } else if (name.includes('.')) {
      items.push(parseGetAtt(name, where));
    } else {
      items.push({ kind: 'ref', name });
    }
  }
  items.push(parseLiteral(template.slice(end), where));
  return { kind: 'join', delimiter: '', items: { kind: 'list', items } };
}

function list(argument: Json, length: number, what: string): readonly Json[] {
  if (!isList(argument) || argument.length !== length) {
    throw templateError(`${what}: expected a list of ${length} values`);
  }
  return argument;
}

function text(value: Json | undefined, what: string): string {
  if (!isScalar(value)) {
    throw templateError(`${what}: expected a string, got ${kindOf(value)}`);
  }
  return String(value);
}
