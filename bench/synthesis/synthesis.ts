import { fork } from 'node:child_process';
import { join } from 'node:path';
import { build as bundle } from 'esbuild';
import { type Conditions, type Figure, interleaved, median, type Part } from '../figure';
import type { ContenderName } from './contenders';
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

/** The most that ours may be, in parts of the other's; at `sizes` only. */
interface Bound {
  readonly quantity: keyof Synthesis;
  readonly ours: ContenderName;
  readonly other: ContenderName;
  readonly sizes: (enrollments: number) => boolean;
  readonly atMost: number;
}
const BOUNDS: readonly Bound[] = [
  { quantity: 'bytes', ours: 'scoped', other: 'awsCustomResource', sizes: (size) => size >= 100, atMost: 0.32 },
  { quantity: 'bytes', ours: 'ownPolicy', other: 'awsCustomResource', sizes: (size) => size >= 100, atMost: 0.75 },
  { quantity: 'ms', ours: 'scoped', other: 'awsCustomResource', sizes: (size) => size === 247, atMost: 0.6 },
  { quantity: 'ms', ours: 'ownPolicy', other: 'awsCustomResource', sizes: (size) => size === 247, atMost: 0.75 },
  { quantity: 'ms', ours: 'scoped', other: 'nodejsFunction', sizes: (size) => size <= 10, atMost: 0.45 },
  { quantity: 'ms', ours: 'ownPolicy', other: 'nodejsFunction', sizes: (size) => size <= 10, atMost: 0.45 },
];
/** Time per enrollment at 490 against that at 100. */
const MOST_GROWTH = 1.2;

/** Medians of each contender at one size. */
export type Medians = ReadonlyMap<ContenderName, Synthesis>;

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

export function figuresOf(bySize: ReadonlyMap<number, Medians>): Figure[] {
  return [...[...bySize].flatMap(([size, medians]) => atSize(size, medians)), ...growth(bySize)];
}

function atSize(size: number, medians: Medians): Figure[] {
  const prefix = (name: string) => `synthesis.${name}.${size}`;
  const absolute = [...medians].flatMap(([name, { ms, bytes }]): Figure[] => [
    { name: `${prefix(name)}.time`, value: ms, unit: 'ms' },
    { name: `${prefix(name)}.bytesPerEnrollment`, value: bytes / size, unit: 'bytes' },
  ]);
  const ratios = BOUNDS.map(({ quantity, ours, other, sizes, atMost }): Figure => {
    const what = quantity === 'ms' ? 'time' : 'bytesPerEnrollment';
    return {
      name: `${prefix(ours)}.${what}.to.${other}`,
      value: medians.get(ours)![quantity] / medians.get(other)![quantity],
      unit: 'ratio',
      ...(sizes(size) && { atMost }),
    };
  });
  return [...absolute, ...ratios];
}

function growth(bySize: ReadonlyMap<number, Medians>): Figure[] {
  return (['scoped', 'ownPolicy'] as const).map((name) => {
    const perEnrollment = (size: number) => bySize.get(size)!.get(name)!.ms / size;
    return {
      name: `synthesis.${name}.timePerEnrollment.490.to.100`,
      value: perEnrollment(490) / perEnrollment(100),
      unit: 'ratio',
      atMost: MOST_GROWTH,
    };
  });
}

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
