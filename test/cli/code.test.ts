import { run } from '../../cli/commands';
import { codeAt } from './account';
import { SEED, StubEnvironment } from './environment';

const STEP = Date.UTC(2026, 0, 1, 12, 0, 0);

/** The command line at this many seconds after the start of a time step. */
function at(seconds: number) {
  const environment = new StubEnvironment(STEP + seconds * 1000);
  environment.aws.values.set('mfa/alice', SEED);
  const code = (...args: string[]) => run(['code', '--secret', 'mfa/alice', ...args], '1.2.3', environment);
  return { environment, code };
}

test.each([
  ['24 s after the start of a step, which leaves 5 s for sure', 24, []],
  ['at the start of a step if 29 s are asked for', 0, ['--valid-for', '29']],
  ['at the end of a step if 0 s are asked for', 29, ['--valid-for', '0']],
])('prints the current code %s', async (_name, seconds, args) => {
  const { environment, code } = at(seconds);
  expect(await code(...args)).toBe(0);
  expect(environment.stdout.text).toBe(`${codeAt(SEED, STEP)}\n`);
  expect(environment.sleeps).toEqual([]);
  expect(environment.stderr.text).toBe('');
});

test.each([
  ['25 s after the start of a step', 25, [], 5_000],
  ['1 s after the start of a step if 29 s are asked for', 1, ['--valid-for', '29'], 29_000],
  ['30 s before the end if that is all of a step but 15 s are asked for', 16, ['--valid-for', '15'], 14_000],
])('waits for the next code %s', async (_name, seconds, args, wait) => {
  const { environment, code } = at(seconds);
  expect(await code(...args)).toBe(0);
  expect(environment.stdout.text).toBe(`${codeAt(SEED, STEP + 30_000)}\n`);
  expect(environment.sleeps).toEqual([wait]);
  expect(environment.stderr.text).toBe('');
});

test('tells a person how long it waits and how long the code is valid, and prints only the code', async () => {
  const { environment, code } = at(28);
  environment.stderr.isTTY = true;
  await code();
  expect(environment.stdout.text).toMatch(/^\d{6}\n$/);
  expect(environment.stderr.text).toBe('Waiting 2 s for the next code.\nValid for 29 s.\n');
});

test('exits with 130 and prints nothing if it is interrupted while it waits', async () => {
  const { environment, code } = at(28);
  environment.onSleep = () => environment.abort.abort();
  expect(await code()).toBe(130);
  expect(environment.stdout.text).toBe('');
});

test('calls AWS in the region of --region', async () => {
  const { environment, code } = at(0);
  await code('--region', 'eu-central-1');
  expect(environment.connections).toEqual(['eu-central-1']);
});
