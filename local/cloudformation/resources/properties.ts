import { isList, isObject, isScalar, kindOf, type Json, type JsonObject } from '../json';

/** Text, or what CloudFormation takes for text. */
export function scalarText(value: Json | undefined, property: string): string {
  if (!isScalar(value)) {
    throw new Error(`Property ${property} is ${kindOf(value)}: a string is needed`);
  }
  return String(value);
}

/** A property that must be there. */
export function requiredText(properties: JsonObject, property: string): string {
  return scalarText(properties[property], property);
}

/** A property that may be missing. */
export function optionalText(properties: JsonObject, property: string): string | undefined {
  return properties[property] === undefined ? undefined : requiredText(properties, property);
}

/** A number, given as one or as text. */
export function optionalNumber(properties: JsonObject, property: string): number | undefined {
  const text = optionalText(properties, property);
  if (text === undefined) {
    return undefined;
  }
  const number = Number(text);
  if (Number.isNaN(number)) {
    throw new Error(`Property ${property} is no number`);
  }
  return number;
}

/** A list of text; empty where the property is missing. */
export function textList(properties: JsonObject, property: string): readonly string[] {
  const value = properties[property] ?? [];
  if (!isList(value)) {
    throw new Error(`Property ${property} is ${kindOf(value)}: a list is needed`);
  }
  return value.map((item) => scalarText(item, property));
}

/** A list of objects; empty where the property is missing. */
export function objectList(properties: JsonObject, property: string): readonly JsonObject[] {
  const value = properties[property] ?? [];
  if (!isList(value) || !value.every(isObject)) {
    throw new Error(`Property ${property} is no list of objects`);
  }
  return value;
}

/** An object; empty where the property is missing. */
export function objectOf(properties: JsonObject, property: string): JsonObject {
  const value = properties[property] ?? {};
  if (!isObject(value)) {
    throw new Error(`Property ${property} is ${kindOf(value)}: an object is needed`);
  }
  return value;
}

/** Refuses, by name, what is unknown inside a property. */
export function refuseUnknown(found: JsonObject, known: readonly string[], property: string): void {
  const unknown = Object.keys(found).filter((key) => !known.includes(key));
  if (unknown.length > 0) {
    throw new Error(`Property ${property}: ${unknown.join(', ')} is not supported locally`);
  }
}
