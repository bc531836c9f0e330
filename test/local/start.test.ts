import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const ROOT = join(__dirname, '../..');

describe('npm start', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'start-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  test.each<[NodeJS.Signals, string, number, RegExp]>([
    ['SIGTERM', 'synthesis', 143, /^Synthesizing/],
    ['SIGINT', 'deployment', 130, /"event":"call"/],
  ])('on %s during %s exits with %d, without its temporary folder and child processes', async (...args) => {
    const [signal, , status, line] = args;
    const child = start();
    const closed = once(child, 'close');
    await printed(child, line);
    expect(temporaryFolders()).toHaveLength(1);
    // The process group gets the signal, as after Ctrl+C in a terminal.
    process.kill(-child.pid!, signal);
    expect(await closed).toEqual([status, null]);
    expect(temporaryFolders()).toEqual([]);
    expect(() => process.kill(-child.pid!, 0)).toThrow('ESRCH');
  });

  function temporaryFolders(): string[] {
    // tsx keeps what it has compiled.
    return readdirSync(directory).filter((name) => !name.startsWith('tsx-'));
  }

  /** Starts what `npm start` starts, as the leader of a process group, with its temporary folder in the directory. */
  function start(): ChildProcessWithoutNullStreams {
    return spawn(process.execPath, ['--import', 'tsx', 'local/start.ts', '--no-build', '--json'], {
      cwd: ROOT,
      env: { ...process.env, TMPDIR: directory },
      detached: true,
    });
  }

  /** Resolves when a process prints a matching line; rejects if it ends before. */
  function printed(child: ChildProcessWithoutNullStreams, expected: RegExp): Promise<void> {
    return new Promise((resolve, reject) => {
      const lines: string[] = [];
      for (const input of [child.stdout, child.stderr]) {
        createInterface({ input }).on('line', (line) => {
          lines.push(line);
          if (expected.test(line)) {
            resolve();
          }
        });
      }
      child.once('close', () => reject(new Error(`ended without ${expected}:\n${lines.join('\n')}`)));
    });
  }
});
