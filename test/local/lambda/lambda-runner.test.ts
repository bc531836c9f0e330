import { InProcessEnvironments, LambdaRunner, type Delivery, type InProcessHandler } from '../../../local/lambda';
import { SkippingClock } from '../../../local/clock';
import { throttledDelayMs } from '../../../local/lambda/throttled-events';
import { VirtualClock } from '../../../local/virtual-clock';
import { configuration } from './configuration';

describe('an asynchronous invocation', () => {
  test('is delivered once and at once, and tells how it ended', async () => {
    const { clock, runner } = runnerOf((event) => Promise.resolve({ got: event }));
    const invocation = runner.invoke(configuration().functionArn, { a: 1 });
    expect(invocation.requestId).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(await clock.run(invocation.ended)).toEqual([{ kind: 'returned', value: { got: { a: 1 } } }]);
  });

  test('is tried again after one minute and after two more, unless told otherwise', async () => {
    const times: number[] = [];
    const { clock, runner } = runnerOf(() => {
      times.push(clock.now());
      return Promise.reject(new TypeError('no'));
    });
    const begun = clock.now();
    const endings = await clock.run(runner.invoke('fn', {}).ended);
    expect(times.map((time) => time - begun)).toEqual([0, 60_000, 180_000]);
    expect(endings[2]).toEqual({ kind: 'threw', errorType: 'TypeError', message: 'no' });
  });

  test.each([0, 1])('is tried again %d times where MaximumRetryAttempts says so', async (maximumRetryAttempts) => {
    const { clock, runner } = runnerOf(() => Promise.reject(new Error('no')));
    runner.putEventInvokeConfig('fn', { maximumRetryAttempts, maximumEventAgeSeconds: 21_600 });
    expect(await clock.run(runner.invoke('fn', {}).ended)).toHaveLength(maximumRetryAttempts + 1);
  });

  test('is tried again with the same request id', async () => {
    const ids = new Set<string>();
    const { clock, runner } = runnerOf((_event, { awsRequestId }) => {
      ids.add(awsRequestId);
      return Promise.reject(new Error('no'));
    });
    const { ended, requestId } = runner.invoke('fn', {});
    await clock.run(ended);
    expect([...ids]).toEqual([requestId]);
  });

  test('is dropped when the event is older than MaximumEventAgeInSeconds', async () => {
    const { clock, runner } = runnerOf(
      () => Promise.reject(new Error('no')),
      [{ delayMs: 30_000 }, { delayMs: 61_000 }],
    );
    runner.putEventInvokeConfig('fn', { maximumRetryAttempts: 2, maximumEventAgeSeconds: 60 });
    const kinds = (await clock.run(runner.invoke('fn', {}).ended)).map(({ kind }) => kind);
    expect(kinds).toEqual(['threw', 'dropped', 'dropped']);
  });

  test('is delivered twice, or late, where the queue is told so', async () => {
    const times: number[] = [];
    const { clock, runner } = runnerOf(
      () => Promise.resolve(times.push(clock.now())),
      [{ delayMs: 0 }, { delayMs: 5_000 }],
    );
    const begun = clock.now();
    await clock.run(runner.invoke('fn', {}).ended);
    expect(times.map((time) => time - begun)).toEqual([0, 5_000]);
  });

  test('is dropped when the function is gone by the time it is delivered', async () => {
    const { clock, runner } = runnerOf(() => Promise.resolve(), [{ delayMs: 1_000 }]);
    const { ended } = runner.invoke('fn', {});
    runner.deleteFunction('fn');
    expect(await clock.run(ended)).toEqual([{ kind: 'dropped', reason: 'function fn is deleted' }]);
  });

  test('meets the configuration that the function has when it is delivered', async () => {
    const { clock, runner } = runnerOf(
      (_event, { memoryLimitInMB }) => Promise.resolve(memoryLimitInMB),
      [{ delayMs: 1_000 }],
    );
    const { ended } = runner.invoke('fn', {});
    runner.updateFunction(configuration({ memorySizeMb: 512 }));
    expect(await clock.run(ended)).toEqual([{ kind: 'returned', value: '512' }]);
  });

  test('of a function that is not there is refused', () => {
    const { runner } = runnerOf(() => Promise.resolve());
    expect(() => runner.invoke('arn:aws:lambda:r:a:function:other', {})).toThrow(
      'Function not found: arn:aws:lambda:r:a:function:other',
    );
  });
});

describe('beyond the concurrency', () => {
  test('events wait in the queue, longer each time, and no more run at once', async () => {
    let running = 0;
    let most = 0;
    const { clock, runner } = runnerOf(
      async (_event, _context, life) => {
        most = Math.max(most, ++running);
        await life.clock.sleep(5_000);
        running -= 1;
      },
      undefined,
      { concurrency: 2 },
    );
    const begun = clock.now();
    const invocations = [1, 2, 3, 4, 5].map(() => runner.invoke('fn', {}));
    const endings = await clock.run(Promise.all(invocations.map(({ ended }) => ended)));
    expect(endings.flat().map(({ kind }) => kind)).toEqual(Array(5).fill('returned'));
    expect(most).toBe(2);
    expect(clock.now() - begun).toBeGreaterThan(15_000);
  });

  test('an event is dropped once it is too old, and throttling counts as no attempt', async () => {
    const { clock, runner } = runnerOf((_event, _context, life) => life.clock.sleep(29_000), undefined, {
      concurrency: 1,
      retries: 0,
      maximumEventAgeSeconds: 60,
    });
    const [first, ...others] = [1, 2, 3, 4, 5].map(() => runner.invoke('fn', {}));
    expect(await clock.run(first!.ended)).toEqual([{ kind: 'returned', value: undefined }]);
    const kinds = (await clock.run(Promise.all(others.map(({ ended }) => ended)))).flat().map(({ kind }) => kind);
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
])('an event throttled %d times waits, by random bytes of %d, %d ms', (times, byte, ms) => {
  expect(throttledDelayMs(times, (count) => Buffer.alloc(count, byte))).toBeCloseTo(ms, -1);
});

describe('a function in this process', () => {
  test('sees its context, and the time that it has left', async () => {
    const { clock, runner } = runnerOf(async (_event, context, life) => {
      await life.clock.sleep(10_000);
      const { functionName, memoryLimitInMB, invokedFunctionArn, logGroupName } = context;
      return [functionName, memoryLimitInMB, invokedFunctionArn, logGroupName, context.getRemainingTimeInMillis()];
    });
    const [ending] = await clock.run(runner.invoke('fn', {}).ended);
    expect(ending).toEqual({
      kind: 'returned',
      value: ['fn', '256', 'arn:aws:lambda:eu-central-1:123456789012:function:fn', 'fn-logs', 20_000],
    });
  });

  test.each<[string, (life: Parameters<InProcessHandler>[2]) => Promise<unknown>]>([
    ['sleeps past its timeout', (life) => life.clock.sleep(60_000)],
    ['waits for ever', () => new Promise(() => undefined)],
  ])('times out when it %s, and does nothing more', async (_how, stall) => {
    const effects: string[] = [];
    const { clock, runner } = runnerOf(
      async (_event, _context, life) => {
        await stall(life);
        await life.call(() => effects.push('after'));
      },
      undefined,
      { retries: 0 },
    );
    const begun = clock.now();
    expect(await clock.run(runner.invoke('fn', {}).ended)).toEqual([{ kind: 'timedOut', afterSeconds: 30 }]);
    expect(clock.now() - begun).toBe(30_000);
    await clock.run(clock.sleep(120_000));
    expect(effects).toEqual([]);
  });

  test('times out where it sleeps past its timeout on a skipping clock', async () => {
    const clock = new SkippingClock();
    const begun = clock.now();
    const environments = new InProcessEnvironments(clock, (_event, _context, life) => life.clock.sleep(60_000));
    const runner = new LambdaRunner({ clock, environments });
    runner.createFunction(configuration());
    runner.putEventInvokeConfig('fn', { maximumRetryAttempts: 0, maximumEventAgeSeconds: 21_600 });
    expect(await runner.invoke('fn', {}).ended).toEqual([{ kind: 'timedOut', afterSeconds: 30 }]);
    expect(clock.now()).toBe(begun + 30_000);
  });

  test('makes no AWS call once it has timed out, however it got there', async () => {
    const effects: string[] = [];
    const handler: InProcessHandler = async (_event, _context, life) => {
      await clock.sleep(60_000);
      await life.call(() => effects.push('after'));
    };
    const { clock, runner } = runnerOf(handler, undefined, { retries: 0 });
    await clock.run(runner.invoke('fn', {}).ended);
    await clock.run(clock.sleep(60_000));
    expect(effects).toEqual([]);
  });

  test('that is to die before its first line never runs', async () => {
    const effects: string[] = [];
    const handler: InProcessHandler = () => Promise.resolve(effects.push('ran'));
    const { clock, runner } = runnerOf(handler, [{ delayMs: 0, dies: 'before' }], { retries: 0 });
    const [ending] = await clock.run(runner.invoke('fn', {}).ended);
    expect(ending?.kind).toBe('died');
    expect(effects).toEqual([]);
  });

  test('that is to die at its n-th AWS call has made that call, and does not hear of it', async () => {
    const effects: string[] = [];
    const handler: InProcessHandler = async (_event, _context, life) => {
      await life.call(() => effects.push('first'));
      await life.call(() => effects.push('second')).finally(() => effects.push('heard'));
      await life.call(() => effects.push('third'));
    };
    const { clock, runner } = runnerOf(handler, [{ delayMs: 0, dies: { atCall: 2 } }], { retries: 0 });
    const [ending] = await clock.run(runner.invoke('fn', {}).ended);
    expect(ending).toEqual({ kind: 'died', reason: 'killed at AWS call 2' });
    expect(effects).toEqual(['first', 'second']);
  });

  test('that died is tried again, and then lives', async () => {
    const handler: InProcessHandler = (_event, _context, life) => life.call(() => 'lived');
    const { clock, runner } = runnerOf(handler, [{ delayMs: 0, dies: { atCall: 1 } }]);
    expect((await clock.run(runner.invoke('fn', {}).ended)).map(({ kind }) => kind)).toEqual(['died', 'returned']);
  });

  test('keeps what it does to the event to itself', async () => {
    const { clock, runner } = runnerOf((event) => Promise.resolve(((event as { a: number }).a = 2)));
    const event = { a: 1 };
    await clock.run(runner.invoke('fn', event).ended);
    expect(event).toEqual({ a: 1 });
  });
});

test('the runner is idle when nothing waits or runs any more', async () => {
  const done: string[] = [];
  const { clock, runner } = runnerOf(() => Promise.resolve(done.push('delivered')), [{ delayMs: 5_000 }]);
  runner.invoke('fn', {});
  await clock.run(runner.idle());
  expect(done).toEqual(['delivered']);
});

test('two functions of one name are refused', () => {
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
