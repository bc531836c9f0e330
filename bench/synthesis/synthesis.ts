import { fork } from 'node:child_process';
import { join } from 'node:path';
import { build as bundle } from 'esbuild';
import { type Conditions, type Figure, interleaved, median, type Part } from '../figure';
import type { ContenderName } from './contenders';
import { figuresOf, type Medians } from './figures';
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
/** Above this, a synthesis takes seconds, and few of them say enough. */
const OFTEN_UP_TO = 490;
const RUNS_BEYOND = 3;

/** Synthesis in processes of their own, by the compiled library, as an app has it. */
export const synthesisPart: Part = {
  name: 'synthesis',
  async measure({ runs }: Conditions): Promise<Figure[]> {
    const program = await programOf();
    const bySize = new Map<number, Medians>();
    for (const size of SIZES) {
      const rounds = size > OFTEN_UP_TO ? Math.min(runs, RUNS_BEYOND) : runs;
      const results = await interleaved(NAMES, rounds, (name) => synthesis(program, name, size));
      bySize.set(size, new Map([...results].map(([name, each]) => [name, mediansOf(each)])));
    }
    return figuresOf(bySize);
  },
};

function mediansOf(syntheses: readonly Synthesis[]): Synthesis {
  return { ms: median(syntheses.map(({ ms }) => ms)), bytes: median(syntheses.map(({ bytes }) => bytes)) };
}

/** From `dist/bench`, the path to the library is the same as from here: what is measured is the compiled one. */
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

function synthesis(program: string, name: ContenderName, enrollments: number): Promise<Synthesis> {
  // What bundling and staging say goes nowhere: it is said each time.
  const child = fork(program, [name, String(enrollments)], {
    execArgv: [],
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  return new Promise((resolve, reject) => {
    let result: Synthesis | undefined;
    child.once('message', (message) => (result = message as Synthesis));
    child.once('error', reject);
    child.once('exit', (code) =>
      result === undefined
        ? reject(new Error(`the synthesis of ${enrollments} enrollments by ${name} ended with exit status ${code}`))
        : resolve(result),
    );
  });
}
