import { execFileSync, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build as bundle } from 'esbuild';
import { type Conditions, type Figure, interleaved, type Part } from '../figure';
import type { ContenderName } from './contenders';
import { figuresOf, type Rounds } from './figures';
import type { Synthesis } from './synthesize';

const ROOT = join(__dirname, '..', '..');

const NAMES: readonly ContenderName[] = [
  'scoped',
  'ownPolicy',
  'awsCustomResource',
  'awsCustomResourceSharedRole',
  'nodejsFunction',
];
const SIZES = [1, 10, 100, 247, 490, 5_000];
/** Larger syntheses take seconds, so they run only a few times. */
const MAX_SIZE_OF_ALL_RUNS = 490;
const RUNS_OF_LARGER_SIZES = 3;

/** The newest version of constructs. */
const CONSTRUCTS = 'constructs@10.8.1';

/** Runs each synthesis in its own process with the compiled library, like an app. */
export const synthesisPart: Part = {
  name: 'synthesis',
  async measure({ runs }: Conditions): Promise<Figure[]> {
    const program = await programOf();
    const folder = mkdtempSync(join(tmpdir(), 'bench-constructs-'));
    try {
      execFileSync('npm', ['install', '--prefix', folder, CONSTRUCTS], { stdio: 'ignore' });
      const constructs = join(folder, 'node_modules', 'constructs');
      const bySize = new Map<number, Rounds>();
      for (const size of SIZES) {
        const rounds = size > MAX_SIZE_OF_ALL_RUNS ? Math.min(runs, RUNS_OF_LARGER_SIZES) : runs;
        bySize.set(size, await interleaved(NAMES, rounds, (name) => synthesis(program, constructs, name, size)));
      }
      return figuresOf(bySize);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

/**
 * Bundles the program into `dist/bench`, from where the relative path of `lib` is the same: it loads the compiled
 * library.
 */
async function programOf(): Promise<string> {
  const outfile = join(ROOT, 'dist', 'bench', 'synthesize.js');
  await bundle({
    entryPoints: [join(__dirname, 'synthesize.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    packages: 'external',
    external: ['../../lib'],
    logLevel: 'error',
  });
  return outfile;
}

function synthesis(program: string, constructs: string, name: ContenderName, enrollments: number): Promise<Synthesis> {
  // Ignores what bundling and staging print on each run.
  const child = fork(program, [name, String(enrollments)], {
    execArgv: ['--require', join(__dirname, 'newest-constructs.js')],
    cwd: ROOT,
    env: { ...process.env, CONSTRUCTS: constructs },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  return new Promise((resolve, reject) => {
    let result: Synthesis | undefined;
    child.once('message', (message) => (result = message as Synthesis));
    child.once('error', reject);
    child.once('exit', (code) =>
      result === undefined
        ? reject(new Error(`the synthesis of ${enrollments} enrollments by ${name} exited with status ${code}`))
        : resolve(result),
    );
  });
}
