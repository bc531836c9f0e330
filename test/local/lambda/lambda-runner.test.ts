import { InProcessEnvironments, LambdaRunner, type Delivery, type InProcessHandler } from '../../../local/lambda';
import { SkippingClock } from '../../../local/clock';
import { throttledDelayMs } from '../../../local/lambda/throttled-events';
import { VirtualClock } from '../../../local/virtual-clock';
import { configuration } from './configuration';

describe('an asynchronous invocation', () => {
  test('is delivered once without delay, and reports how it ended', async () => {
    const { clock, runner } = runnerOf((event) => Promise.resolve({ got: event }));
    const invocation = runner.invoke(configuration().functionArn, { a: 1 });
    expect(invocation.requestId).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(await clock.run(invocation.results)).toEqual([{ kind: 'returned', value: { got: { a: 1 } } }]);
  });

  test('is retried after one minute and again after two minutes by default', async () => {
    const times: number[] = [];
    const { clock, runner } = runnerOf(() => {
      times.push(clock.now());
      return Promise.reject(new TypeError('no'));
    });
    const start = clock.now();
    const endings = await clock.run(runner.invoke('fn', {}).results);
    expect(times.map((time) => time - start)).toEqual([0, 60_000, 180_000]);
    expect(endings[2]).toEqual({ kind: 'threw', errorType: 'TypeError', message: 'no' });
  });

  test.each([0, 1])('is retried as often as MaximumRetryAttempts says: %d', async (maximumRetryAttempts) => {
    const { clock, runner } = runnerOf(() => Promise.reject(new Error('no')));
    runner.putEventInvokeConfig('fn', { maximumRetryAttempts, maximumEventAgeSeconds: 21_600 });
    expect(await clock.run(runner.invoke('fn', {}).results)).toHaveLength(maximumRetryAttempts + 1);
  });

  test('has the same request id in every attempt', async () => {
    const ids = new Set<string>();
    const { clock, runner } = runnerOf((_event, { awsRequestId }) => {
      ids.add(awsRequestId);
      return Promise.reject(new Error('no'));
    });
    const { results, requestId } = runner.invoke('fn', {});
    await clock.run(results);
    expect([...ids]).toEqual([requestId]);
  });

  test('is discarded when the event is older than MaximumEventAgeInSeconds', async () => {
    const { clock, runner } = runnerOf(
      () => Promise.reject(new Error('no')),
      [{ delayMs: 30_000 }, { delayMs: 61_000 }],
    );
    runner.putEventInvokeConfig('fn', { maximumRetryAttempts: 2, maximumEventAgeSeconds: 60 });
    const kinds = (await clock.run(runner.invoke('fn', {}).results)).map(({ kind }) => kind);
    expect(kinds).toEqual(['threw', 'dropped', 'dropped']);
  });

  test('is delivered as often and as late as the delivery policy says', async () => {
    const times: number[] = [];
    const { clock, runner } = runnerOf(
      () => Promise.resolve(times.push(clock.now())),
      [{ delayMs: 0 }, { delayMs: 5_000 }],
    );
    const start = clock.now();
    await clock.run(runner.invoke('fn', {}).results);
    expect(times.map((time) => time - start)).toEqual([0, 5_000]);
  });

  test('is discarded if the function was deleted before the delivery', async () => {
    const { clock, runner } = runnerOf(() => Promise.resolve(), [{ delayMs: 1_000 }]);
    const { results } = runner.invoke('fn', {});
    runner.deleteFunction('fn');
    expect(await clock.run(results)).toEqual([{ kind: 'dropped', reason: 'function fn was deleted' }]);
  });

  test('runs with the function’s configuration at the time of the delivery', async () => {
    const { clock, runner } = runnerOf(
      (_event, { memoryLimitInMB }) => Promise.resolve(memoryLimitInMB),
      [{ delayMs: 1_000 }],
    );
    const { results } = runner.invoke('fn', {});
    runner.updateFunction(configuration({ memorySizeMb: 512 }));
    expect(await clock.run(results)).toEqual([{ kind: 'returned', value: '512' }]);
  });

  test('of a function that does not exist fails', () => {
    const { runner } = runnerOf(() => Promise.resolve());
    expect(() => runner.invoke('arn:aws:lambda:r:a:function:other', {})).toThrow(
      'Function not found: arn:aws:lambda:r:a:function:other',
    );
  });
});

describe('above the concurrency limit', () => {
  test('events wait in the queue with increasing delays', async () => {
    let running = 0;
    let maxRunning = 0;
    const { clock, runner } = runnerOf(
      async (_event, _context, life) => {
        maxRunning = Math.max(maxRunning, ++running);
        await life.clock.sleep(5_000);
        running -= 1;
      },
      undefined,
      { concurrency: 2 },
    );
    const start = clock.now();
    const invocations = [1, 2, 3, 4, 5].map(() => runner.invoke('fn', {}));
    const endings = await clock.run(Promise.all(invocations.map(({ results }) => results)));
    expect(endings.flat().map(({ kind }) => kind)).toEqual(Array(5).fill('returned'));
    expect(maxRunning).toBe(2);
    expect(clock.now() - start).toBeGreaterThan(15_000);
  });

  test('an event is discarded when it is too old, and throttling does not count as an attempt', async () => {
    const { clock, runner } = runnerOf((_event, _context, life) => life.clock.sleep(29_000), undefined, {
      concurrency: 1,
      retries: 0,
      maximumEventAgeSeconds: 60,
    });
    const [firstInvocation, ...others] = [1, 2, 3, 4, 5].map(() => runner.invoke('fn', {}));
    expect(await clock.run(firstInvocation!.results)).toEqual([{ kind: 'returned', value: undefined }]);
    const kinds = (await clock.run(Promise.all(others.map(({ results }) => results)))).flat().map(({ kind }) => kind);
    expect(kinds).toContain('returned');
    expect(kinds).toContain('dropped');
  });
});

test.each([
  [1, 0, 500],
  [1, 255, 1_000],
  [4, 0, 4_000],
  [9, 255, 256_000],
  [30, 255, 300_000],
])('an event that was throttled %d times, with random bytes of %d, waits %d ms', (times, byte, ms) => {
  expect(throttledDelayMs(times, (count) => Buffer.alloc(count, byte))).toBeCloseTo(ms, -1);
});

describe('an in-process function', () => {
  test('gets its context and its remaining time', async () => {
    const { clock, runner } = runnerOf(async (_event, context, life) => {
      await life.clock.sleep(10_000);
      const { functionName, memoryLimitInMB, invokedFunctionArn, logGroupName } = context;
      return [functionName, memoryLimitInMB, invokedFunctionArn, logGroupName, context.getRemainingTimeInMillis()];
    });
    const [ending] = await clock.run(runner.invoke('fn', {}).results);
    expect(ending).toEqual({
      kind: 'returned',
      value: ['fn', '256', 'arn:aws:lambda:eu-central-1:123456789012:function:fn', 'fn-logs', 20_000],
    });
  });

  test.each<[string, (life: Parameters<InProcessHandler>[2]) => Promise<unknown>]>([
    ['sleeps past its timeout', (life) => life.clock.sleep(60_000)],
    ['never finishes', () => new Promise(() => undefined)],
  ])('times out if it %s, and makes no further AWS calls', async (_how, stall) => {
    const effects: string[] = [];
    const { clock, runner } = runnerOf(
      async (_event, _context, life) => {
        await stall(life);
        await life.call(() => effects.push('after'));
      },
      undefined,
      { retries: 0 },
    );
    const start = clock.now();
    expect(await clock.run(runner.invoke('fn', {}).results)).toEqual([{ kind: 'timedOut', afterSeconds: 30 }]);
    expect(clock.now() - start).toBe(30_000);
    await clock.run(clock.sleep(120_000));
    expect(effects).toEqual([]);
  });

  test('times out if it sleeps past its timeout on a skipping clock', async () => {
    const clock = new SkippingClock();
    const start = clock.now();
    const environments = new InProcessEnvironments(clock, (_event, _context, life) => life.clock.sleep(60_000));
    const runner = new LambdaRunner({ clock, environments });
    runner.createFunction(configuration());
    runner.putEventInvokeConfig('fn', { maximumRetryAttempts: 0, maximumEventAgeSeconds: 21_600 });
    expect(await runner.invoke('fn', {}).results).toEqual([{ kind: 'timedOut', afterSeconds: 30 }]);
    expect(clock.now()).toBe(start + 30_000);
  });

  test('makes no AWS calls after its timeout, even if it slept on another clock', async () => {
    const effects: string[] = [];
    const handler: InProcessHandler = async (_event, _context, life) => {
      await clock.sleep(60_000);
      await life.call(() => effects.push('after'));
    };
    const { clock, runner } = runnerOf(handler, undefined, { retries: 0 });
    await clock.run(runner.invoke('fn', {}).results);
    await clock.run(clock.sleep(60_000));
    expect(effects).toEqual([]);
  });

  test('never runs if it is killed before its first line', async () => {
    const effects: string[] = [];
    const handler: InProcessHandler = () => Promise.resolve(effects.push('ran'));
    const { clock, runner } = runnerOf(handler, [{ delayMs: 0, kill: 'before' }], { retries: 0 });
    const [ending] = await clock.run(runner.invoke('fn', {}).results);
    expect(ending?.kind).toBe('died');
    expect(effects).toEqual([]);
  });

  test('never gets the response to the AWS call at which it is killed', async () => {
    const effects: string[] = [];
    const handler: InProcessHandler = async (_event, _context, life) => {
      await life.call(() => effects.push('first'));
      await life.call(() => effects.push('second')).finally(() => effects.push('heard'));
      await life.call(() => effects.push('third'));
    };
    const { clock, runner } = runnerOf(handler, [{ delayMs: 0, kill: { atCall: 2 } }], { retries: 0 });
    const [ending] = await clock.run(runner.invoke('fn', {}).results);
    expect(ending).toEqual({ kind: 'died', reason: 'killed at AWS call 2' });
    expect(effects).toEqual(['first', 'second']);
  });

  test('is retried after it was killed', async () => {
    const handler: InProcessHandler = (_event, _context, life) => life.call(() => 'lived');
    const { clock, runner } = runnerOf(handler, [{ delayMs: 0, kill: { atCall: 1 } }]);
    expect((await clock.run(runner.invoke('fn', {}).results)).map(({ kind }) => kind)).toEqual(['died', 'returned']);
  });

  test('can’t change the caller’s event', async () => {
    const { clock, runner } = runnerOf((event) => Promise.resolve(((event as { a: number }).a = 2)));
    const event = { a: 1 };
    await clock.run(runner.invoke('fn', event).results);
    expect(event).toEqual({ a: 1 });
  });
});

test('the runner is idle when no event is queued or running', async () => {
  const done: string[] = [];
  const { clock, runner } = runnerOf(() => Promise.resolve(done.push('delivered')), [{ delayMs: 5_000 }]);
  runner.invoke('fn', {});
  await clock.run(runner.idle());
  expect(done).toEqual(['delivered']);
});

test('creating a function fails if its name is in use', () => {
  const { runner } = runnerOf(() => Promise.resolve());
  expect(() => runner.createFunction(configuration())).toThrow('Function already exist: fn');
});

interface Settings {
  readonly retries?: number;
  readonly maximumEventAgeSeconds?: number;
  readonly concurrency?: number;
}

function runnerOf(
  handler: InProcessHandler,
  deliveries?: readonly Delivery[],
  { retries = 2, maximumEventAgeSeconds = 21_600, concurrency }: Settings = {},
) {
  const clock = new VirtualClock();
  const runner = new LambdaRunner({
    clock,
    environments: new InProcessEnvironments(clock, handler),
    concurrency,
    ...(deliveries && { deliveries: () => deliveries }),
  });
  runner.createFunction(configuration());
  runner.putEventInvokeConfig('fn', { maximumRetryAttempts: retries, maximumEventAgeSeconds });
  return { clock, runner };
}
