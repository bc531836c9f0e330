import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build as bundle } from 'esbuild';
import { type Conditions, type Figure, median, medianRatio, type Part } from '../figure';
import { Account } from './account';
import { requestEvent, type RequestEvent, type RequestType } from './request-event';

const ROOT = join(__dirname, '..', '..');
const TYPES: readonly RequestType[] = ['Create', 'Update', 'Delete'];
/** Enrollments before the measurement starts, until the code is compiled. */
const WARM_UP = 50;

/** CPU time in milliseconds and number of calls to AWS of one request. */
interface Request {
  readonly ms: number;
  readonly calls: number;
}
type Requests = Record<RequestType, Request[]>;

/**
 * Create, Update and Delete of an enrollment in a warm function, compared with a program that only sends the same
 * requests.
 */
export const requestsPart: Part = {
  name: 'requests',
  async measure({ runs }: Conditions): Promise<Figure[]> {
    const folder = mkdtempSync(join(tmpdir(), 'bench-requests-'));
    const account = await Account.open();
    const bareFile = join(folder, 'bare.js');
    await bundle({
      entryPoints: [join(__dirname, 'bare.ts')],
      outfile: bareFile,
      bundle: true,
      platform: 'node',
      logLevel: 'error',
    });
    const contenders = {
      function: start(join(ROOT, 'dist', 'function', 'index.js'), account),
      bare: start(bareFile, account),
    };
    try {
      const results = { function: none(), bare: none() };
      for (let round = 0; round < WARM_UP + runs; round++) {
        for (const name of ['function', 'bare'] as const) {
          const requests = await lifecycle(contenders[name], account, `${name}-${round}`);
          if (round >= WARM_UP) {
            TYPES.forEach((type) => results[name][type].push(requests[type]));
          }
        }
      }
      return figuresOf(results);
    } finally {
      Object.values(contenders).forEach((child) => child.kill());
      await account.close();
      rmSync(folder, { recursive: true });
    }
  },
};

function none(): Requests {
  return { Create: [], Update: [], Delete: [] };
}

export function figuresOf(results: Record<'function' | 'bare', Requests>): Figure[] {
  return TYPES.flatMap((type): Figure[] => {
    const ms = (name: 'function' | 'bare') => results[name][type].map((request) => request.ms);
    const prefix = `requests.${type.toLowerCase()}`;
    return [
      { name: `${prefix}.function.processor`, value: median(ms('function')), unit: 'ms' },
      { name: `${prefix}.bare.processor`, value: median(ms('bare')), unit: 'ms' },
      { name: `${prefix}.processor.to.bare`, value: medianRatio(ms('function'), ms('bare')), unit: 'ratio' },
      { name: `${prefix}.calls`, value: median(results.function[type].map(({ calls }) => calls)), unit: 'count' },
    ];
  });
}

/** Creates, updates and deletes an enrollment. */
async function lifecycle(child: ChildProcess, account: Account, name: string): Promise<Record<RequestType, Request>> {
  const subject = account.newSubject(name);
  const createdAt = Date.now();
  const request = async (type: RequestType): Promise<Request> => {
    const [calls, failures] = [account.calls, account.failures];
    const event = requestEvent(type, subject, account.responseUrl, account.codesOf(subject), createdAt);
    const ms = await serve(child, event);
    if (account.failures > failures) {
      throw new Error(`AWS refused a call in ${type} of ${name}`);
    }
    return { ms, calls: account.calls - calls };
  };
  return { Create: await request('Create'), Update: await request('Update'), Delete: await request('Delete') };
}

function start(file: string, { url }: Account): ChildProcess {
  return fork(join(__dirname, 'invoke.js'), [file], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: {
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'ASIABENCH',
      AWS_SECRET_ACCESS_KEY: 'bench',
      AWS_SESSION_TOKEN: 'bench',
      AWS_ENDPOINT_URL: url,
      // The responses go to this machine.
      CDK_MFA_ENROLLMENT_LOCAL: 'true',
    },
  });
}

function serve(child: ChildProcess, event: RequestEvent): Promise<number> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`the function exited with status ${code}`));
    child.once('exit', onExit);
    child.once('message', (ms) => {
      child.off('exit', onExit);
      resolve(Number(ms));
    });
    child.send(event);
  });
}
