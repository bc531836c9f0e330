import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isObject, type Json, type JsonObject } from './json';

/** A stack of a cloud assembly. */
export interface AssemblyStack {
  readonly stackName: string;
  /** The id that identifies the stack in the CDK CLI. */
  readonly displayName: string;
  readonly template: unknown;
}

/** The output of `cdk synth` in `cdk.out`: stacks, and the files that they need. */
export interface Assembly {
  readonly stacks: readonly AssemblyStack[];
  /** Paths of the file assets, by object key. */
  readonly files: ReadonlyMap<string, string>;
}

/**
 * Reads a cloud assembly, including its stages.
 *
 * @param directory `cdk.out`
 * @throws Error that names the missing or malformed file
 */
export function readAssembly(directory: string): Assembly {
  const stacks: AssemblyStack[] = [];
  const files = new Map<string, string>();
  for (const [id, artifact] of Object.entries(section(readJson(join(directory, 'manifest.json')), 'artifacts'))) {
    if (!isObject(artifact)) {
      continue;
    }
    const properties = section(artifact, 'properties');
    if (artifact.type === 'aws:cloudformation:stack') {
      stacks.push({
        stackName: text(properties.stackName) ?? id,
        displayName: text(artifact.displayName) ?? id,
        template: readJson(join(directory, text(properties.templateFile) ?? `${id}.template.json`)),
      });
    } else if (artifact.type === 'cdk:asset-manifest') {
      for (const [key, path] of assetsIn(directory, text(properties.file) ?? `${id}.json`)) {
        files.set(key, path);
      }
    } else if (artifact.type === 'cdk:cloud-assembly') {
      const stage = readAssembly(join(directory, text(properties.directoryName) ?? id));
      stacks.push(...stage.stacks);
      for (const [key, path] of stage.files) {
        files.set(key, path);
      }
    }
  }
  return { stacks, files };
}

/** An asset is published to one bucket per region. All of its object keys lead to the same file. */
function assetsIn(directory: string, file: string): [string, string][] {
  return Object.values(section(readJson(join(directory, file)), 'files')).flatMap((asset): [string, string][] => {
    if (!isObject(asset)) {
      return [];
    }
    const path = text(section(asset, 'source').path);
    if (path === undefined) {
      return [];
    }
    return Object.values(section(asset, 'destinations')).flatMap((destination): [string, string][] => {
      const key = isObject(destination) ? text(destination.objectKey) : undefined;
      return key === undefined ? [] : [[key, join(directory, path)]];
    });
  });
}

function readJson(path: string): JsonObject {
  if (!existsSync(path)) {
    throw new Error(`${path} does not exist: is this the output of 'cdk synth'?`);
  }
  const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
  if (!isObject(value)) {
    throw new Error(`${path} does not contain a JSON object`);
  }
  return value;
}

function section(object: JsonObject, name: string): JsonObject {
  const value = object[name] ?? {};
  return isObject(value) ? value : {};
}

function text(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
