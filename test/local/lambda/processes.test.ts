import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SkippingClock, systemClock, type Clock } from '../../../local/clock';
import { LambdaRunner, Processes, type DeliveryPolicy, type FunctionConfiguration } from '../../../local/lambda';
import { configuration } from './configuration';

/** These start real processes, on machines that may be busy. */
jest.setTimeout(30_000);

describe('a function in a process of its own', () => {
  let directory: string;
  const runners: LambdaRunner[] = [];
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'function-'));
  });
  afterEach(async () => {
    await Promise.all(runners.splice(0).map((runner) => runner.close()));
    rmSync(directory, { recursive: true });
  });

  test('sees what functions see in Lambda, and nothing of this process', async () => {
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
      AWS_ENDPOINT_URL_IAM: 'http://127.0.0.1:1',
      AWS_ENDPOINT_URL_SECRETS_MANAGER: 'http://127.0.0.1:2',
      MINE: 'yes',
    });
  });

  test('has credentials that stand for its role', async () => {
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

  test('runs in another process for an event that comes at the same time', async () => {
    const { ask } = start('await new Promise((resolve) => setTimeout(resolve, 50)); return process.pid');
    const [one, two] = await Promise.all([ask(), ask()]);
    expect(one).not.toBe(two);
  });

  test('runs in a new process once its configuration changed', async () => {
    const { ask, runner } = start('return process.env.VERSION', { variables: { VERSION: '1' } });
    expect(await ask()).toBe('1');
    runner.updateFunction(configuration({ codeDirectory: directory, variables: { VERSION: '2' } }));
    expect(await ask()).toBe('2');
  });

  test('leaves its output, line by line, with all of an attempt there when that has ended', async () => {
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
  ])('that %s ended so, and the next event finds a living one', async (_how, code, expected) => {
    const { end } = start(`if (event.ok) return "fine"; ${code}`);
    expect(await end({})).toEqual([expected]);
    expect(await end({ ok: true })).toEqual([{ kind: 'returned', value: 'fine' }]);
  });

  test('whose code cannot be loaded died of that, and says so in its output', async () => {
    const { end, processes } = start('', { handler: 'missing.handler' });
    expect((await end())[0]).toMatchObject({ kind: 'died' });
    expect(processes.logs('fn').join('\n')).toContain("Cannot find module '");
  });

  test('sleeps on the clock of the test, and reads the time from it', async () => {
    const clock = new SkippingClock();
    const begun = clock.now();
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
      started: [begun, 0],
      times: [begun + 20_000, 20_000],
      left: 10_000,
    });
    expect(clock.now()).toBe(begun + 20_000);
  });

  test('gives a sleep up that is aborted, as Node.js does', async () => {
    const { ask } = start(
      `const { setTimeout: sleep } = require('node:timers/promises');
       return sleep(1, undefined, { signal: AbortSignal.abort('why') }).catch(({ name, code }) => [name, code]);`,
    );
    expect(await ask()).toEqual(['AbortError', 'ABORT_ERR']);
  });

  test('leaves timers and dates real, which the SDK lives on', async () => {
    const { ask } = start(
      'await new Promise((resolve) => setTimeout(resolve, 5)); return Math.abs(new Date().getTime() - Date.now()) > 1000',
    );
    expect(await ask()).toBe(true);
  });

  test('that sleeps past its timeout is killed when the clock says so', async () => {
    const clock = new SkippingClock();
    const begun = clock.now();
    const { end } = start(`await require('node:timers/promises').setTimeout(60_000)`, {}, { clock });
    expect(await end()).toEqual([{ kind: 'timedOut', afterSeconds: 30 }]);
    expect(clock.now()).toBe(begun + 30_000);
  });

  test('is killed at its timeout on the machine’s clock too, whatever it does', async () => {
    const { end } = start('for (;;);', { timeoutSeconds: 1 }, { clock: systemClock });
    expect(await end()).toEqual([{ kind: 'timedOut', afterSeconds: 1 }]);
  });

  test('that is to die at an AWS call dies when it is told that the call was made, counted anew for each event', async () => {
    const dying = { delayMs: 0, dies: { atCall: 2 } };
    const { runner, processes } = start(
      'console.log(process.env.AWS_ACCESS_KEY_ID); if (event.stay) await new Promise(() => setInterval(() => console.log("alive"), 5))',
      {},
      { deliveries: (event) => ((event as { stay?: boolean }).stay ? [dying] : [{ delayMs: 0 }]) },
    );
    await runner.invoke('fn', {}).ended;
    const [accessKeyId = ''] = processes.logs('fn');
    // A call of the event before, which the count of the next one leaves out.
    processes.callMade(accessKeyId);
    const { ended } = runner.invoke('fn', { stay: true });
    while (processes.logs('fn').length < 2) {
      await new Promise(setImmediate);
    }
    let isOver = false;
    void ended.then(() => (isOver = true));
    processes.callMade(accessKeyId);
    const lines = processes.logs('fn').length;
    while (!isOver && processes.logs('fn').length < lines + 10) {
      await new Promise(setImmediate);
    }
    expect(isOver).toBe(false);
    processes.callMade(accessKeyId);
    expect(await ended).toEqual([{ kind: 'died', reason: 'killed at AWS call 2' }]);
  });

  test('is gone when the runner is closed', async () => {
    const { ask, runner } = start('return process.pid');
    const pid = (await ask()) as number;
    await runner.close();
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  /** A function whose handler has this body, and ways to invoke it. */
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
    const end = (event: unknown = {}) => runner.invoke('fn', event).ended;
    const ask = async (event: unknown = {}) => {
      const [ending] = await end(event);
      if (ending?.kind !== 'returned') {
        throw new Error(`ended otherwise: ${JSON.stringify(ending)}`);
      }
      return ending.value;
    };
    return { processes, runner, end, ask };
  }
});
