import { Calls, CredentialsRefused, forEach } from '../../inspection/calls';
import { ReadError } from '../../inspection/ports';
import { TokenBucket } from '../../local/iam/token-bucket';
import { numbers } from '../../local/random';
import { VirtualClock } from '../../local/virtual-clock';

const ACTION = 'iam:ListMFADeviceTags';
const error = (code: string | undefined, httpStatus?: number) => new ReadError(ACTION, code, httpStatus);

function setUp() {
  const clock = new VirtualClock();
  const calls = new Calls(clock, numbers(1));
  /** A call that fails with these errors, one after the other, and then succeeds. */
  const failing = (...errors: ReadError[]) => {
    const left = [...errors];
    return () => {
      const next = left.shift();
      return next === undefined ? Promise.resolve('answer') : Promise.reject(next);
    };
  };
  const look = (call: () => Promise<string>, absent?: string[]) => clock.run(calls.look('iam', call, absent));
  return { clock, calls, failing, look };
}

test.each([
  ['throttled', error('Throttling', 400)],
  ['throttled, as the status says', error('Whatever', 429)],
  ['answered by a failure of AWS', error('ServiceFailure', 500)],
  ['not answered', error(undefined)],
])('a call that is %s is tried again', async (_, failure) => {
  const { calls, failing, look } = setUp();
  expect(await look(failing(failure, failure))).toEqual({ isSeen: true, value: 'answer' });
  expect(calls.sent).toBe(3);
});

test.each([
  ['is denied', error('AccessDenied', 403), 'NOT_ALLOWED'],
  ['is invalid', error('ValidationError', 400), 'FAILED'],
])('a call that %s is not tried again', async (_, failure, why) => {
  const { calls, failing, look } = setUp();
  expect(await look(failing(failure))).toMatchObject({ isSeen: false, why });
  expect(calls.sent).toBe(1);
});

test('what does not exist is seen as undefined, if the caller says which code means that', async () => {
  const { failing, look } = setUp();
  expect(await look(failing(error('NoSuchEntity', 404)), ['NoSuchEntity'])).toEqual({ isSeen: true, value: undefined });
  expect(await look(failing(error('NoSuchEntity', 404)))).toMatchObject({ isSeen: false, why: 'FAILED' });
});

test('a call that AWS never answers fails after four attempts', async () => {
  const { calls, look } = setUp();
  expect(await look(() => Promise.reject(error(undefined)))).toMatchObject({ isSeen: false, why: 'FAILED' });
  expect(calls.sent).toBe(4);
});

test('a call that AWS throttles for minutes is given as throttled', async () => {
  const { clock, look } = setUp();
  const startedAt = clock.now();
  expect(await look(() => Promise.reject(error('Throttling', 400)))).toMatchObject({ isSeen: false, why: 'THROTTLED' });
  expect(clock.now() - startedAt).toBeGreaterThan(180_000);
});

test.each([
  'ExpiredToken',
  'InvalidClientTokenId',
  'InvalidSignature',
  'UnrecognizedClient',
  'CredentialsProviderError',
])('%s ends everything, because no other call can succeed', async (code) => {
  const { failing, look } = setUp();
  await expect(look(failing(error(code, 403)))).rejects.toThrow(CredentialsRefused);
});

test('any other error is thrown', async () => {
  const { look } = setUp();
  await expect(look(() => Promise.reject(new TypeError('a bug')))).rejects.toThrow('a bug');
});

test('a list is read to its last page, and is missing as a whole if a page is', async () => {
  const { clock, calls } = setUp();
  const pages = (fails: boolean) => (next?: string) =>
    next === undefined
      ? Promise.resolve({ items: [1, 2], next: 'b' })
      : fails
        ? Promise.reject(error('AccessDenied', 403))
        : Promise.resolve({ items: [3] });
  expect(await clock.run(calls.list('iam', pages(false)))).toEqual({ isSeen: true, value: [1, 2, 3] });
  expect(await clock.run(calls.list('iam', pages(true)))).toMatchObject({ isSeen: false, why: 'NOT_ALLOWED' });
});

test.each([3, 10, 30])('calls keep to a limit of %i a second, with little time lost', async (perSecond) => {
  const { clock, calls } = setUp();
  const bucket = new TokenBucket(clock, { perSecond, burst: perSecond });
  const startedAt = clock.now();
  const call = async () => {
    await clock.sleep(40);
    if (!bucket.take()) {
      throw error('Throttling', 400);
    }
    await clock.sleep(40);
    return 'answer';
  };
  await clock.run(forEach(Array.from({ length: 600 }), async () => void (await calls.look('iam', call))));
  expect((clock.now() - startedAt) / 1000).toBeLessThan((1.2 * 600) / perSecond);
  expect(calls.sent).toBeLessThan(600 * 1.5);
});

test('calls of one lane do not wait for those of another', async () => {
  const { clock, calls } = setUp();
  const startedAt = clock.now();
  await clock.run(calls.look('iam', () => Promise.resolve(1)));
  await clock.run(calls.look('secretsmanager us-east-1', () => Promise.resolve(1)));
  expect(clock.now()).toBe(startedAt);
});
