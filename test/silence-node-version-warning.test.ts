import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const ROOT = join(__dirname, '..');
const { setupFiles } = jest.requireActual<{ readonly setupFiles: readonly string[] }>('../jest.config.js');

/** What a process prints on standard error that has the setup of a test worker, or none. */
function warningsOf(program: string, setup: readonly string[]): string {
  const files = setup.map((file) => file.replace('<rootDir>', ROOT)).flatMap((file) => ['--require', file]);
  return spawnSync(process.execPath, [...files, '--eval', program], { cwd: ROOT, encoding: 'utf8' }).stderr;
}

test("npm test does not print the SDK's warning about Node.js 20, and prints any other warning", () => {
  const client = `new (require('@aws-sdk/client-iam').IAMClient)({ region: 'us-east-1' });`;
  expect(warningsOf(client, setupFiles)).toBe('');

  const warn = `process.emitWarning('NodeVersionSupportWarning: later'); process.emitWarning('Another one');`;
  expect(warningsOf(warn, setupFiles)).toMatch(/^\(node:\d+\) Warning: Another one\n/);
  expect(warningsOf(warn, [])).toContain('NodeVersionSupportWarning');
});
