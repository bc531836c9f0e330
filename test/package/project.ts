import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import * as path from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';

export const run = promisify(execFile);

/** A project of its own. */
export interface Project {
  readonly directory: string;
  readonly cdkVersion: string;
  /** A path with nothing but Node.js on it. */
  readonly nodeOnly: string;
}

/**
 * Whether an app fails if a template breaks the schemas that the newest aws-cdk-lib has. It then takes seconds longer.
 * Older versions have no such schemas.
 */
export type Validation = 'strict' | 'none';

/** Whether an app has the feature flags that the installed aws-cdk-lib recommends for new apps. */
export type Flags = 'recommended' | 'none';

/** Runs a file of a project, which synthesizes into a directory of its own. Returns that directory and what it prints. */
export async function synthesize(
  { directory, nodeOnly }: Project,
  file: string,
  out: string,
  validation: Validation,
  flags: Flags,
): Promise<{ readonly out: string; readonly stdout: string }> {
  const assembly = path.join(directory, out);
  const context = {
    ...(flags === 'recommended' ? await recommendedFlags(directory) : {}),
    ...(validation === 'strict' ? { '@aws-cdk/core:validateAgainstDefaultRules': true } : {}),
  };
  const { stdout } = await run(process.execPath, [file], {
    cwd: directory,
    env: {
      PATH: nodeOnly,
      CDK_OUTDIR: assembly,
      CDK_CONTEXT_JSON: JSON.stringify(context),
      ...(validation === 'none' ? { CDK_VALIDATION: 'false' } : {}),
    },
  });
  return { out: assembly, stdout };
}

async function recommendedFlags(directory: string): Promise<object> {
  const file = path.join(directory, 'node_modules', 'aws-cdk-lib', 'recommended-feature-flags.json');
  return JSON.parse(await readFile(file, 'utf8')) as object;
}

/** Runs an app, and returns the JSON that it prints. */
export async function outputOf<T>(project: Project, name: string, app: string, flags: Flags = 'none'): Promise<T> {
  const file = `${name}.${flags}.cjs`;
  await writeFile(path.join(project.directory, file), app);
  const { stdout } = await synthesize(project, file, `cdk.out.${name}.${flags}`, 'none', flags);
  return JSON.parse(stdout) as T;
}
