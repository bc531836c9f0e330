import { parse } from './expression';
import { isList, isObject, isScalar, kindOf, type Json, type JsonObject } from './json';
import { resolve, type Scope } from './resolve';
import { templateError } from './validation-error';

/** What conditions can refer to: parameters, pseudo parameters and mappings, but not resources. */
type ConditionScope = Pick<Scope, 'parameters' | 'pseudoParameters' | 'mappings'>;

/**
 * Evaluates the Conditions section.
 *
 * @throws AwsError `ValidationError` if a condition is unknown, circular or malformed
 */
export function evaluateConditions(section: JsonObject, given: ConditionScope): ReadonlyMap<string, boolean> {
  const values = new Map<string, boolean>();
  const inProgress = new Set<string>();
  const scope: Scope = {
    ...given,
    conditions: values,
    resource: () => undefined,
    importValue: () => {
      throw templateError('Fn::ImportValue cannot be used in Conditions');
    },
    stackOutput: () => {
      throw templateError('Cannot use Fn::GetStackOutput in Conditions');
    },
  };

  const named = (name: string): boolean => {
    const known = values.get(name);
    if (known !== undefined) {
      return known;
    }
    const definition = section[name];
    if (definition === undefined) {
      throw templateError(`unresolved condition '${name}'`);
    }
    if (inProgress.has(name)) {
      throw templateError(`condition '${name}' depends on itself`);
    }
    inProgress.add(name);
    const value = evaluate(definition, `condition '${name}'`);
    values.set(name, value);
    return value;
  };

  const evaluate = (condition: Json, where: string): boolean => {
    const [name, argument] = singleEntry(condition, where);
    const each = () => operands(argument, `${name} in ${where}`).map((operand) => evaluate(operand, where));
    switch (name) {
      case 'Condition':
        return named(text(argument, where));
      case 'Fn::Equals': {
        const [left, right, ...more] = operands(argument, `Fn::Equals in ${where}`).map((operand) =>
          resolve(parse(operand, where), scope),
        );
        if (right === undefined || more.length > 0) {
          throw templateError(`Fn::Equals in ${where} needs exactly two values`);
        }
        return text(left, where) === text(right, where);
      }
      case 'Fn::And':
        return each().every(Boolean);
      case 'Fn::Or':
        return each().some(Boolean);
      case 'Fn::Not': {
        const [operand, ...more] = each();
        if (operand === undefined || more.length > 0) {
          throw templateError(`Fn::Not in ${where} needs exactly one condition`);
        }
        return !operand;
      }
      default:
        throw templateError(`intrinsic function ${name} in ${where} is not supported locally`);
    }
  };

  Object.keys(section).forEach(named);
  return values;
}

function singleEntry(condition: Json, where: string): readonly [string, Json] {
  const entries = isObject(condition) ? Object.entries(condition) : [];
  const [entry] = entries;
  if (entry === undefined || entries.length > 1) {
    throw templateError(`${where} is not a single condition function`);
  }
  return entry;
}

function operands(argument: Json, what: string): readonly Json[] {
  if (!isList(argument)) {
    throw templateError(`${what}: expected a list`);
  }
  return argument;
}

function text(value: Json | undefined, where: string): string {
  if (!isScalar(value)) {
    throw templateError(`${where}: expected a string, got ${kindOf(value)}`);
  }
  return String(value);
}
