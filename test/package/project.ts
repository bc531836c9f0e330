import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
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

const VALIDATION: Readonly<Record<Validation, Readonly<Record<string, string>>>> = {
  strict: { CDK_CONTEXT_JSON: JSON.stringify({ '@aws-cdk/core:validateAgainstDefaultRules': true }) },
  none: { CDK_VALIDATION: 'false' },
};

/** Runs a file of a project, which synthesizes into a directory of its own. Returns that directory and what it prints. */
export async function synthesize(
  { directory, nodeOnly }: Project,
  file: string,
  out: string,
  validation: Validation,
): Promise<{ readonly out: string; readonly stdout: string }> {
  const assembly = path.join(directory, out);
  const { stdout } = await run(process.execPath, [file], {
    cwd: directory,
    env: { PATH: nodeOnly, CDK_OUTDIR: assembly, ...VALIDATION[validation] },
  });
  return { out: assembly, stdout };
}

/** Runs an app, and returns the JSON that it prints. */
export async function outputOf<T>(project: Project, name: string, app: string): Promise<T> {
  const file = `${name}.cjs`;
  await writeFile(path.join(project.directory, file), app);
  const { stdout } = await synthesize(project, file, `cdk.out.${name}`, 'none');
  return JSON.parse(stdout) as T;
}
