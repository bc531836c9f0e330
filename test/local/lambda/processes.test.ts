import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SkippingClock, systemClock, type Clock } from '../../../local/clock';
import { LambdaRunner, Processes, type DeliveryPolicy, type FunctionConfiguration } from '../../../local/lambda';
import { configuration } from './configuration';

/** These tests start real processes, on machines that may be busy. */
jest.setTimeout(30_000);

describe('a function in a child process', () => {
  let directory: string;
  const runners: LambdaRunner[] = [];
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'function-'));
  });
  afterEach(async () => {
    await Promise.all(runners.splice(0).map((runner) => runner.close()));
    rmSync(directory, { recursive: true });
  });

  test('sees the environment variables of Lambda, and none of the parent process', async () => {
    process.env.OF_THE_PARENT = 'secret';
    const { ask } = start('return process.env', { variables: { MINE: 'yes', AWS_REGION: 'mine' } });
    const environment = (await ask()) as Record<string, string>;
    delete process.env.OF_THE_PARENT;
    expect(environment).toEqual({
      PATH: '/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin',
      _HANDLER: 'index.handler',
      LAMBDA_TASK_ROOT: directory,
      AWS_REGION: 'eu-central-1',
      AWS_DEFAULT_REGION: 'eu-central-1',
      AWS_LAMBDA_FUNCTION_NAME: 'fn',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
      AWS_ACCESS_KEY_ID: expect.stringMatching(/^ASIA[0-9A-F]{16}$/) as string,
      AWS_SECRET_ACCESS_KEY: expect.stringMatching(/^[0-9a-f]{40}$/) as string,
      AWS_SESSION_TOKEN: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      CDK_MFA_ENROLLMENT_LOCAL: 'true',
      AWS_ENDPOINT_URL_IAM: 'http://127.0.0.1:1',
      AWS_ENDPOINT_URL_SECRETS_MANAGER: 'http://127.0.0.1:2',
      MINE: 'yes',
    });
  });

  test('has the credentials of its role', async () => {
    const { ask, processes } = start('return process.env.AWS_ACCESS_KEY_ID');
    expect(processes.callerOf((await ask()) as string)).toEqual({
      arn: 'arn:aws:sts::123456789012:assumed-role/fn-role/fn',
      roleName: 'fn-role',
    });
    expect(processes.callerOf('ASIAUNKNOWN')).toBeUndefined();
  });

  test('gets its event and its context', async () => {
    const { ask } = start('return [event, { ...context, left: context.getRemainingTimeInMillis() }]');
    expect(await ask({ a: 1 })).toEqual([
      { a: 1 },
      {
        functionName: 'fn',
        functionVersion: '$LATEST',
        invokedFunctionArn: 'arn:aws:lambda:eu-central-1:123456789012:function:fn',
        memoryLimitInMB: '256',
        awsRequestId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
        logGroupName: 'fn-logs',
        logStreamName: expect.stringMatching(/^\[\$LATEST\][0-9a-f]{32}$/) as string,
        callbackWaitsForEmptyEventLoop: true,
        left: 30_000,
      },
    ]);
  });

  test('stays warm for the next event', async () => {
    const { ask } = start('globalThis.count = (globalThis.count ?? 0) + 1; return [globalThis.count, process.pid]');
    const [first, second] = [await ask(), await ask()] as [number, number][];
    expect(second).toEqual([2, first?.[1]]);
  });

  test('runs concurrent events in separate processes', async () => {
    const { ask } = start('await new Promise((resolve) => setTimeout(resolve, 50)); return process.pid');
    const [one, two] = await Promise.all([ask(), ask()]);
    expect(one).not.toBe(two);
  });

  test('runs in a new process after its configuration changed', async () => {
    const { ask, runner } = start('return process.env.VERSION', { variables: { VERSION: '1' } });
    expect(await ask()).toBe('1');
    runner.updateFunction(configuration({ codeDirectory: directory, variables: { VERSION: '2' } }));
    expect(await ask()).toBe('2');
  });

  test('logs all lines of an attempt’s output before the attempt ends', async () => {
    const { end, processes } = start(
      'for (let line = 0; line < 5000; line++) console.log(`out ${line}`); console.error("err"); process.stdout.write("unfinished")',
    );
    await end();
    const logs = processes.logs('fn');
    expect(logs).toHaveLength(5_002);
    expect(logs).toEqual(expect.arrayContaining(['out 4999', 'err', 'unfinished']));
  });

  test.each([
    ['threw', 'throw new TypeError("no")', { kind: 'threw', errorType: 'TypeError', message: 'no' }],
    ['exited', 'process.exit(3)', { kind: 'died', reason: 'Runtime exited: exit status 3' }],
    [
      'was killed',
      'process.kill(process.pid, "SIGKILL"); await new Promise(() => {})',
      { kind: 'died', reason: 'Runtime exited: signal SIGKILL' },
    ],
    [
      'crashed in the background',
      'setTimeout(() => { throw new Error("x") }); await new Promise(() => {})',
      { kind: 'died', reason: 'Runtime exited: exit status 1' },
    ],
  ])('that %s is reported so, and the next event runs in a new process', async (_how, code, expected) => {
    const { end } = start(`if (event.ok) return "fine"; ${code}`);
    expect(await end({})).toEqual([expected]);
    expect(await end({ ok: true })).toEqual([{ kind: 'returned', value: 'fine' }]);
  });

  test('whose code can’t be loaded ends, and logs why', async () => {
    const { end, processes } = start('', { handler: 'missing.handler' });
    expect((await end())[0]).toMatchObject({ kind: 'died' });
    expect(processes.logs('fn').join('\n')).toContain("Cannot find module '");
  });

  test('sleeps on the parent’s clock, and reads the time from it', async () => {
    const clock = new SkippingClock();
    const startTime = clock.now();
    const { ask } = start(
      `const { setTimeout: sleep } = require('node:timers/promises');
       const started = [Date.now(), performance.now()];
       const value = await sleep(20_000, 'slept');
       return { value, started, times: [Date.now(), performance.now()], left: context.getRemainingTimeInMillis() };`,
      {},
      { clock },
    );
    expect(await ask()).toEqual({
      value: 'slept',
      started: [startTime, 0],
      times: [startTime + 20_000, 20_000],
      left: 10_000,
    });
    expect(clock.now()).toBe(startTime + 20_000);
  });

  test('gets an AbortError from a sleep that is aborted, as from Node.js', async () => {
    const { ask } = start(
      `const { setTimeout: sleep } = require('node:timers/promises');
       return sleep(1, undefined, { signal: AbortSignal.abort('why') }).catch(({ name, code }) => [name, code]);`,
    );
    expect(await ask()).toEqual(['AbortError', 'ABORT_ERR']);
  });

  test('has real timers and dates, which the SDK needs', async () => {
    const { ask } = start(
      'await new Promise((resolve) => setTimeout(resolve, 5)); return Math.abs(new Date().getTime() - Date.now()) > 1000',
    );
    expect(await ask()).toBe(true);
  });

  test('is killed at its timeout on the parent’s clock', async () => {
    const clock = new SkippingClock();
    const startTime = clock.now();
    const { end } = start(`await require('node:timers/promises').setTimeout(60_000)`, {}, { clock });
    expect(await end()).toEqual([{ kind: 'timedOut', afterSeconds: 30 }]);
    expect(clock.now()).toBe(startTime + 30_000);
  });

  test('is killed at its timeout on the machine’s clock, even in an endless loop', async () => {
    const { end } = start('for (;;);', { timeoutSeconds: 1 }, { clock: systemClock });
    expect(await end()).toEqual([{ kind: 'timedOut', afterSeconds: 1 }]);
  });

  test('is killed when its n-th AWS call of an event is reported', async () => {
    const dying = { delayMs: 0, kill: { atCall: 2 } };
    const { runner, processes } = start(
      'console.log(process.env.AWS_ACCESS_KEY_ID); if (event.stay) await new Promise(() => setInterval(() => console.log("alive"), 5))',
      {},
      { deliveries: (event) => ((event as { stay?: boolean }).stay ? [dying] : [{ delayMs: 0 }]) },
    );
    await runner.invoke('fn', {}).results;
    const [accessKeyId = ''] = processes.logs('fn');
    // A late call of the previous event must not count for the next event.
    processes.recordCall(accessKeyId);
    const { results } = runner.invoke('fn', { stay: true });
    while (processes.logs('fn').length < 2) {
      await new Promise(setImmediate);
    }
    let isOver = false;
    void results.then(() => (isOver = true));
    processes.recordCall(accessKeyId);
    const lines = processes.logs('fn').length;
    while (!isOver && processes.logs('fn').length < lines + 10) {
      await new Promise(setImmediate);
    }
    expect(isOver).toBe(false);
    processes.recordCall(accessKeyId);
    expect(await results).toEqual([{ kind: 'died', reason: 'killed at AWS call 2' }]);
  });

  test('has ended when the runner is closed', async () => {
    const { ask, runner } = start('return process.pid');
    const pid = (await ask()) as number;
    await runner.close();
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  test('does not run after the runner is closed', async () => {
    const { end, runner } = start('return "ran"');
    await runner.close();
    expect(await end()).toEqual([{ kind: 'died', reason: 'the execution environments are closed' }]);
  });

  /** Creates a function with this handler body, and returns ways to invoke it. */
  function start(
    body: string,
    change: Partial<FunctionConfiguration> = {},
    { clock = new SkippingClock(), deliveries }: { clock?: Clock; deliveries?: DeliveryPolicy } = {},
  ) {
    writeFileSync(join(directory, 'index.js'), `exports.handler = async (event, context) => { ${body} };`);
    const endpoints = { iam: 'http://127.0.0.1:1', secretsManager: 'http://127.0.0.1:2' };
    const processes = new Processes({ clock, region: 'eu-central-1', endpoints });
    const runner = new LambdaRunner({
      clock,
      environments: processes,
      ...(deliveries && { deliveries }),
    });
    runners.push(runner);
    runner.createFunction(configuration({ codeDirectory: directory, ...change }));
    runner.putEventInvokeConfig('fn', { maximumRetryAttempts: 0, maximumEventAgeSeconds: 21_600 });
    const end = (event: unknown = {}) => runner.invoke('fn', event).results;
    const ask = async (event: unknown = {}) => {
      const [ending] = await end(event);
      if (ending?.kind !== 'returned') {
        throw new Error(`unexpected result: ${JSON.stringify(ending)}`);
      }
      return ending.value;
    };
    return { processes, runner, end, ask };
  }
});
