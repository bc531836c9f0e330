import { Attempts, CallGivenUp, OutOfTime } from '../../../lambda/aws/attempts';
import { type LogFields, type Logger } from '../../../lambda/logger';
import { CallError } from '../../../lambda/aws/ports';
import { VirtualClock } from '../../../local/virtual-clock';

const DEADLINE_MS = 100_000;
const throttled = new CallError('iam:ListMFADevices', 'Throttling', 400);
const unanswered = new CallError('iam:ListMFADevices', undefined);
const denied = new CallError('iam:ListMFADevices', 'AccessDenied', 403);
const refused = new CallError('iam:TagMFADevice', 'LimitExceeded', 409);

let clock: VirtualClock;
let startedAt: number;
let logged: [string, LogFields?][];
beforeEach(() => {
  clock = new VirtualClock();
  startedAt = clock.now();
  logged = [];
});

const elapsed = () => clock.now() - startedAt;

function attempts({ random = 1, deadlineMs = DEADLINE_MS } = {}): Attempts {
  const logger: Logger = { log: (...line) => logged.push(line) };
  return new Attempts('Create', clock, () => random, logger, startedAt + deadlineMs);
}

/** A call that fails with these errors in turn, then succeeds. Records when it was attempted. */
function failing(...errors: Error[]) {
  const madeAt: number[] = [];
  const call = () => {
    madeAt.push(elapsed());
    const error = errors[madeAt.length - 1];
    return error === undefined ? Promise.resolve('value') : Promise.reject(error);
  };
  return { call, madeAt };
}

/** The result or the error. */
const endOf = (work: Promise<unknown>): Promise<unknown> => clock.run(work.catch((error: unknown) => error));

const times = <T>(count: number, value: T): T[] => Array<T>(count).fill(value);

describe('a pause', () => {
  test('after a call without a response doubles from half a second to fifteen seconds', async () => {
    const { call, madeAt } = failing(...times(8, unanswered));
    expect(await clock.run(attempts().make(call))).toEqual({ kind: 'answered', value: 'value' });
    expect(madeAt).toEqual([0, 500, 1_500, 3_500, 7_500, 15_500, 30_500, 45_500, 60_500]);
  });

  test.each([
    [0, 250],
    [0.5, 375],
  ])('varies between half and all of its length: with random number %d it is %d ms', async (random, pause) => {
    const { call, madeAt } = failing(unanswered);
    await clock.run(attempts({ random }).make(call));
    expect(madeAt).toEqual([0, pause]);
  });

  test('may end exactly at its limit', async () => {
    expect(await endOf(attempts().backOff(1, startedAt + 500))).toBeUndefined();
    expect(elapsed()).toBe(500);
  });

  test('does not start if it would end after its limit', async () => {
    expect(await endOf(attempts().backOff(1, startedAt + 499))).toBeInstanceOf(OutOfTime);
    expect(elapsed()).toBe(0);
  });

  test('may end exactly at the deadline', async () => {
    expect(await endOf(attempts({ deadlineMs: 500 }).backOff(1))).toBeUndefined();
    expect(elapsed()).toBe(500);
  });

  test('does not start if it would end after the deadline', async () => {
    expect(await endOf(attempts({ deadlineMs: 499 }).backOff(1))).toBeInstanceOf(OutOfTime);
    expect(elapsed()).toBe(0);
  });
});

describe('a pause after a throttled call', () => {
  /** The pauses between the attempts of a call. */
  const pausesOf = (madeAt: readonly number[]) => madeAt.slice(1).map((time, index) => time - madeAt[index]!);

  test('grows fourfold from a second to 45 seconds', async () => {
    const { call, madeAt } = failing(...times(6, throttled));
    expect(await clock.run(attempts({ deadlineMs: 1_000_000 }).make(call))).toMatchObject({ kind: 'answered' });
    expect(pausesOf(madeAt)).toEqual([1_000, 4_000, 16_000, 45_000, 45_000, 45_000]);
  });

  test.each([
    [0, 500],
    [0.5, 750],
  ])('varies between half and all of its length: with random number %d it is %d ms', async (random, pause) => {
    const { call, madeAt } = failing(throttled);
    await clock.run(attempts({ random }).make(call));
    expect(madeAt).toEqual([0, pause]);
  });

  test('grows over all calls of a request, and each success cuts it to a third, but not below a second', async () => {
    const request = attempts({ deadlineMs: 1_000_000 });
    const pauses: number[] = [];
    for (const errors of [3, 1, 0, 0, 0, 0, 1]) {
      const { call, madeAt } = failing(...times(errors, throttled));
      await clock.run(request.make(call));
      pauses.push(...pausesOf(madeAt));
    }
    // After the third one it is 45 s: a third is 15 s, which grows to 45 s again. Five successes end at a second.
    expect(pauses).toEqual([1_000, 4_000, 16_000, 15_000, 1_000]);
  });

  test('is a second while the call is urgent, and does not grow over it', async () => {
    const request = attempts({ deadlineMs: 1_000_000 });
    const { call, madeAt } = failing(...times(5, throttled));
    await clock.run(request.make(call, undefined, () => elapsed() < 3_000));
    expect(pausesOf(madeAt)).toEqual([1_000, 1_000, 1_000, 1_000, 4_000]);
  });

  test('ends a millisecond before the deadline if it would end later, for a last attempt', async () => {
    const { call, madeAt } = failing(...times(99, throttled));
    expect(await endOf(attempts({ deadlineMs: 10_000 }).make(call))).toMatchObject({ name: 'OutOfTime' });
    expect(madeAt).toEqual([0, 1_000, 5_000, 9_999]);
  });
});

describe('a wait', () => {
  test('may end exactly at the deadline', async () => {
    expect(await endOf(attempts().wait(DEADLINE_MS))).toBeUndefined();
    expect(elapsed()).toBe(DEADLINE_MS);
  });

  test('fails with the last error of a call instead of ending after the deadline', async () => {
    const request = attempts();
    await clock.run(request.make(failing(throttled).call));
    const before = elapsed();
    expect(await endOf(request.wait(DEADLINE_MS - before + 1))).toMatchObject({ name: 'OutOfTime', last: throttled });
    expect(elapsed()).toBe(before);
  });
});

describe('a call', () => {
  test('that needs an answer fails with an error that other calls accept', async () => {
    const gone = new CallError('iam:UntagMFADevice', 'NoSuchEntity', 404);
    expect(await endOf(attempts().answerTo(failing(gone).call))).toMatchObject({ name: 'CallGivenUp', error: gone });
  });

  test('is not attempted at the deadline', async () => {
    const { call, madeAt } = failing();
    const request = attempts();
    await clock.run(clock.sleep(DEADLINE_MS));
    expect(await endOf(request.make(call))).toMatchObject({ name: 'OutOfTime', last: undefined });
    expect(madeAt).toEqual([]);
  });

  test('is attempted up to the last millisecond before the deadline', async () => {
    const { call } = failing();
    const request = attempts();
    await clock.run(clock.sleep(DEADLINE_MS - 1));
    expect(await endOf(request.make(call))).toEqual({ kind: 'answered', value: 'value' });
  });

  test('without a response is not retried if the next pause would end after the deadline', async () => {
    const { call, madeAt } = failing(...times(99, unanswered));
    const end = await endOf(attempts({ deadlineMs: 10_000 }).make(call));
    expect(end).toBeInstanceOf(CallGivenUp);
    expect(end).toMatchObject({ error: unanswered });
    expect(madeAt).toEqual([0, 500, 1_500, 3_500, 7_500]);
  });

  test('that stays throttled until the deadline ends with the last error of the request', async () => {
    const { call } = failing(...times(99, throttled));
    expect(await endOf(attempts({ deadlineMs: 10_000 }).make(call))).toMatchObject({ last: throttled });
  });

  test('that is denied is retried for two minutes after the first attempt', async () => {
    const { call, madeAt } = failing(...times(99, denied));
    const request = attempts({ deadlineMs: 1_000_000 });
    await clock.run(clock.sleep(60_000));
    expect(await endOf(request.make(call))).toMatchObject({ error: denied });
    // The next pause would end half a second too late.
    expect(madeAt.at(-1)).toBe(60_000 + 105_500);
  });

  test('that is refused permanently is not retried', async () => {
    const { call, madeAt } = failing(refused);
    expect(await endOf(attempts().make(call))).toMatchObject({ name: 'CallGivenUp', error: refused });
    expect(madeAt).toEqual([0]);
  });

  test('passes on errors that are not from AWS without logging them', async () => {
    const error = new RangeError('mine');
    expect(await endOf(attempts().make(failing(error).call))).toBe(error);
    expect(logged).toEqual([]);
  });

  test.each([
    [
      'is not logged as failed if it checks for something that does not exist',
      'NoSuchEntity',
      'asks whether it exists',
      0,
    ],
    ['is logged as failed if it checks for something and is throttled', 'Throttling', 'asks whether it exists', 1],
    ['is logged as failed if it finds nothing to undo', 'NoSuchEntity', undefined, 1],
  ] as const)('%s', async (_, code, relation, lines) => {
    const { call } = failing(new CallError('iam:ListMFADeviceTags', code, 404));
    const logger: Logger = { log: (...line) => logged.push(line) };
    const made = new Attempts('Delete', clock, () => 1, logger, startedAt + DEADLINE_MS);
    await endOf(made.make(call, relation));
    expect(logged).toHaveLength(lines);
  });

  test('is logged with action, code and attempt each time it fails', async () => {
    await clock.run(attempts().make(failing(throttled, unanswered).call));
    expect(logged).toEqual([
      ['call failed', { action: 'iam:ListMFADevices', errorCode: 'Throttling', attempt: 1 }],
      ['call failed', { action: 'iam:ListMFADevices', errorCode: 'NoResponse', attempt: 2 }],
    ]);
  });
});
