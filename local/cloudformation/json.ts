/** A JSON value in a template or a property. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** Whether a value is an object with keys. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a value is a list. */
export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** Whether a value is a string, a number or a boolean. */
export function isScalar(value: Json | undefined): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

/** The kind of a value, for error messages. The value itself may be a secret. */
export function kindOf(value: Json | undefined): string {
  if (value === undefined || value === null) {
    return 'nothing';
  }
  if (isList(value)) {
    return 'a list';
  }
  return isObject(value) ? 'an object' : `a ${typeof value}`;
}
