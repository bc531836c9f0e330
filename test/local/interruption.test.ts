import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** Ignores the first signal, as work does that takes long to clean up. Removes what it has created when it exits. */
const PROGRAM = `
  const { Interruption } = require('./local/interruption.ts');
  const { signal } = new Interruption();
  signal.addEventListener('abort', () => process.stdout.write(signal.reason.message + '\\n'));
  process.once('exit', () => require('node:fs').writeSync(1, 'folder removed\\n'));
  setInterval(() => undefined, 60_000);
  process.stdout.write('started\\n');
`;

test('a second Ctrl+C exits immediately, and still removes the folder that the program has created', async () => {
  const child = spawn(process.execPath, ['--import', 'tsx', '--eval', PROGRAM], { cwd: join(__dirname, '../..') });
  const closed = once(child, 'close');
  const lines: string[] = [];
  child.stdout.on('data', (chunk) => {
    for (const line of String(chunk).split('\n').slice(0, -1)) {
      lines.push(line);
      if (lines.length <= 2) {
        child.kill('SIGINT');
      }
    }
  });
  expect(await closed).toEqual([130, null]);
  expect(lines).toEqual(['started', 'interrupted by SIGINT', 'folder removed']);
});
