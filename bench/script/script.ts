import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { promisify } from 'node:util';
import { type Conditions, type Figure, interleaved, median, type Part } from '../figure';
import { Account } from '../requests/account';
import { requestEvent, type Subject } from '../requests/request-event';

const FUNCTION = join(__dirname, '..', '..', 'dist', 'function', 'index.js');
/** What the scripts use. */
export const TOOLS = ['aws', 'oathtool'];
/** The commonly recommended pause between two codes. */
const RECOMMENDED_SLEEP_S = 30;
/** Runs with that pause. */
const SLEEPING_RUNS = 1;

/** One enrollment on the local AWS: the function from a cold start, compared with a shell script. */
export const scriptPart: Part = {
  name: 'script',
  async measure({ runs, note }: Conditions): Promise<Figure[]> {
    const missing = TOOLS.filter((tool) => !isInstalled(tool));
    if (missing.length > 0) {
      note(`script: not measured, because these are not installed: ${missing.join(', ')}`);
      return [];
    }
    const account = await Account.open();
    try {
      const times = await interleaved(['function', 'script'] as const, runs, (name) =>
        timed(account, (subject) =>
          name === 'function' ? byFunction(account, subject) : byScript(account, subject, 0),
        ),
      );
      const sleeping = await interleaved(['script'] as const, SLEEPING_RUNS, () =>
        timed(account, (subject) => byScript(account, subject, RECOMMENDED_SLEEP_S)),
      );
      const ours = median(times.get('function')!);
      const scripts = { script: median(times.get('script')!), scriptWithSleep: median(sleeping.get('script')!) };
      return [
        { name: 'script.function.time', value: ours, unit: 'ms' },
        ...Object.entries(scripts).flatMap(([name, value]): Figure[] => [
          { name: `script.${name}.time`, value, unit: 'ms' },
          { name: `script.function.time.to.${name}`, value: ours / value, unit: 'ratio' },
        ]),
      ];
    } finally {
      await account.close();
    }
  },
};

export function isInstalled(tool: string): boolean {
  try {
    execFileSync(tool, ['--version'], { stdio: 'ignore', env: process.env });
    return true;
  } catch {
    return false;
  }
}

let subjects = 0;

async function timed(account: Account, enroll: (subject: Subject) => Promise<void>): Promise<number> {
  const subject = account.newSubject(`script-${subjects++}`);
  const start = performance.now();
  await enroll(subject);
  const ms = performance.now() - start;
  if (!account.isEnabled(subject)) {
    throw new Error(`${subject.serialNumber} was not enabled`);
  }
  return ms;
}

function byFunction(account: Account, subject: Subject): Promise<void> {
  const event = requestEvent('Create', subject, account.responseUrl, account.codesOf(subject), Date.now());
  const start = `require(process.argv[1]).handler(${JSON.stringify(event)}, { getRemainingTimeInMillis: () => 900000 })`;
  return run(process.execPath, ['--eval', start, FUNCTION], account);
}

function byScript(account: Account, { userName, serialNumber, secretArn }: Subject, sleep: number): Promise<void> {
  return run('bash', [join(__dirname, 'enroll.sh'), userName, serialNumber, secretArn, String(sleep)], account);
}

/** Runs a program against the local AWS. */
export async function run(program: string, args: readonly string[], { url }: Account): Promise<void> {
  await promisify(execFile)(program, args, {
    env: {
      PATH: process.env.PATH,
      AWS_REGION: 'us-east-1',
      // AWS CLI 1 reads only this one.
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'ASIABENCH',
      AWS_SECRET_ACCESS_KEY: 'bench',
      AWS_SESSION_TOKEN: 'bench',
      AWS_ENDPOINT_URL: url,
      // The responses go to this machine.
      CDK_MFA_ENROLLMENT_LOCAL: 'true',
    },
  });
}
