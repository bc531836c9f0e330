import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { gzipSync } from 'node:zlib';
import { type Conditions, type Figure, interleaved, median, medianRatio, type Part } from '../figure';
import { Account } from '../requests/account';
import { isInstalled, run, TOOLS } from '../script/script';

const COMMAND_LINE = join(__dirname, '..', '..', 'dist', 'cli', 'cdk-mfa-enrollment.js');
/** Bytes, and the time of `code` relative to the script. */
const BOUNDS = { size: 400_000, code: 0.5 };

/** The command line: its size, and `code` from start to end on the local AWS, compared with a shell script. */
export const cliPart: Part = {
  name: 'cli',
  async measure({ runs, note }: Conditions): Promise<Figure[]> {
    const content = readFileSync(COMMAND_LINE);
    const sizes: Figure[] = [
      { name: 'cli.size', value: content.length, unit: 'bytes', atMost: BOUNDS.size },
      { name: 'cli.gzip', value: gzipSync(content, { level: 9 }).length, unit: 'bytes' },
    ];
    const missing = TOOLS.filter((tool) => !isInstalled(tool));
    if (missing.length > 0) {
      note(`cli: code is not compared with a script, because these are not installed: ${missing.join(', ')}`);
    }
    const account = await Account.open();
    try {
      const { secretArn } = account.newSubject('cli');
      const contenders = {
        // Without waiting for the next code: the script does not wait either.
        code: () => run(process.execPath, [COMMAND_LINE, 'code', '--secret', secretArn, '--valid-for', '0'], account),
        script: () => run('bash', [join(__dirname, 'code.sh'), secretArn], account),
      };
      const names = missing.length > 0 ? (['code'] as const) : (['code', 'script'] as const);
      const times = await interleaved<keyof typeof contenders, number>(names, runs, async (name) => {
        const start = performance.now();
        await contenders[name]();
        return performance.now() - start;
      });
      return [...sizes, ...timesOf(times)];
    } finally {
      await account.close();
    }
  },
};

function timesOf(times: ReadonlyMap<string, readonly number[]>): Figure[] {
  const figures = [...times].map(([name, ms]): Figure => ({ name: `cli.${name}.time`, value: median(ms), unit: 'ms' }));
  const script = times.get('script');
  if (script === undefined) {
    return figures;
  }
  const value = medianRatio(times.get('code')!, script);
  return [...figures, { name: 'cli.code.time.to.script', value, unit: 'ratio', atMost: BOUNDS.code }];
}
