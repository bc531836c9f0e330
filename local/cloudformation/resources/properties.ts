import { isList, isObject, isScalar, kindOf, type Json, type JsonObject } from '../json';

/** A string, or a scalar that CloudFormation converts to a string. */
export function scalarText(value: Json | undefined, property: string): string {
  if (!isScalar(value)) {
    throw new Error(`Property ${property}: expected a string, got ${kindOf(value)}`);
  }
  return String(value);
}

/** A required string property. */
export function requiredText(properties: JsonObject, property: string): string {
  return scalarText(properties[property], property);
}

/** An optional string property. */
export function optionalText(properties: JsonObject, property: string): string | undefined {
  return properties[property] === undefined ? undefined : requiredText(properties, property);
}

/** An optional number property, given as a number or a string. */
export function optionalNumber(properties: JsonObject, property: string): number | undefined {
  const text = optionalText(properties, property);
  if (text === undefined) {
    return undefined;
  }
  const number = Number(text);
  if (Number.isNaN(number)) {
    throw new Error(`Property ${property}: expected a number`);
  }
  return number;
}

/** A list of strings; empty if the property is absent. */
export function textList(properties: JsonObject, property: string): readonly string[] {
  const value = properties[property] ?? [];
  if (!isList(value)) {
    throw new Error(`Property ${property}: expected a list, got ${kindOf(value)}`);
  }
  return value.map((item) => scalarText(item, property));
}

/** A list of objects; empty if the property is absent. */
export function objectList(properties: JsonObject, property: string): readonly JsonObject[] {
  const value = properties[property] ?? [];
  if (!isList(value) || !value.every(isObject)) {
    throw new Error(`Property ${property}: expected a list of objects`);
  }
  return value;
}

/** An object; empty if the property is absent. */
export function objectOf(properties: JsonObject, property: string): JsonObject {
  const value = properties[property] ?? {};
  if (!isObject(value)) {
    throw new Error(`Property ${property}: expected an object, got ${kindOf(value)}`);
  }
  return value;
}

/** Rejects unknown keys inside a property by name. */
export function rejectUnknown(found: JsonObject, known: readonly string[], property: string): void {
  const unknown = Object.keys(found).filter((key) => !known.includes(key));
  if (unknown.length > 0) {
    throw new Error(`Property ${property}: ${unknown.join(', ')} is not supported locally`);
  }
}
