import type { ParameterDeclaration, Template } from './template';
import { validationError } from './validation-error';

/** Values of a stack's parameters. A parameter without a value can't be read locally. */
export type ParameterValues = ReadonlyMap<string, string | readonly string[]>;

/** Types whose value is a name in Parameter Store, which can't be read locally. */
const PARAMETER_STORE = /^AWS::SSM::Parameter::Value<(String|CommaDelimitedList|List<String>)>$/;
const LIST = /^(CommaDelimitedList|List<(Number|String)>)$/;

/**
 * Determines the values of a stack's parameters.
 *
 * @param given the values given by the caller
 * @throws AwsError `ValidationError` if a value is missing, unknown or invalid
 */
export function parameterValues(template: Template, given: Readonly<Record<string, string>>): ParameterValues {
  const unknown = Object.keys(given).filter((name) => !template.parameters.has(name));
  if (unknown.length > 0) {
    throw validationError(`Parameters: [${unknown.join(', ')}] do not exist in the template`);
  }
  const values = new Map<string, string | readonly string[]>();
  const missing: string[] = [];
  for (const parameter of template.parameters.values()) {
    const { name, type } = parameter;
    const value = given[name] ?? (PARAMETER_STORE.test(type) ? undefined : parameter.defaultValue);
    if (value !== undefined) {
      values.set(name, typed(parameter, value));
    }
    // Only the name in Parameter Store is known: the parameter can be declared, but not referred to.
    else if (!PARAMETER_STORE.test(type) || parameter.defaultValue === undefined) {
      missing.push(name);
    }
  }
  if (missing.length > 0) {
    throw validationError(`Parameters: [${missing.join(', ')}] must have values`);
  }
  return values;
}

function typed(parameter: ParameterDeclaration, value: string): string | readonly string[] {
  const { name, type } = parameter;
  if (LIST.test(type)) {
    const items = value.split(',').map((item) => item.trim());
    for (const item of items) {
      validate(parameter, item, type === 'List<Number>');
    }
    return items;
  }
  if (type === 'String' || type === 'Number') {
    validate(parameter, value, type === 'Number');
    return value;
  }
  if (PARAMETER_STORE.test(type)) {
    return type.endsWith('<String>') ? value : value.split(',');
  }
  throw validationError(`Parameter '${name}': type '${type}' is not supported locally`);
}

function validate(parameter: ParameterDeclaration, value: string, isNumber: boolean): void {
  const { name, allowedValues, allowedPattern, minLength, maxLength, minValue, maxValue } = parameter;
  if (isNumber && (value.trim() === '' || Number.isNaN(Number(value)))) {
    throw validationError(`Parameter '${name}' must be a number`);
  }
  if (isNumber && !(Number(value) >= minValue && Number(value) <= maxValue)) {
    throw validationError(`Parameter '${name}' must be a number from ${minValue} to ${maxValue}`);
  }
  if (allowedValues !== undefined && !allowedValues.includes(value)) {
    throw validationError(`Parameter '${name}' must be one of AllowedValues`);
  }
  if (!isNumber && (value.length < minLength || value.length > maxLength)) {
    throw validationError(`Parameter '${name}' must contain from ${minLength} to ${maxLength} characters`);
  }
  if (allowedPattern !== undefined && !new RegExp(`^(?:${allowedPattern})$`).test(value)) {
    throw validationError(`Parameter '${name}' must match pattern ${allowedPattern}`);
  }
}
