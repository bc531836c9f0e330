import { run } from '../../cli/commands';
import { decodedQr } from '../decoded-qr';
import { SEED, serialNumberOf, secretArnOf, StubEnvironment } from './environment';

const ENTER_SCREEN = '\x1b[?1049h';
const LEAVE_SCREEN = '\x1b[?1049l';
const BLACK_ON_WHITE = '\x1b[30;107m';
const NO_COLORS = '\x1b[0m';
const CLEAR = '\x1b[2J\x1b[H';

function setUp(environment = new StubEnvironment().withTerminal()) {
  environment.aws.values.set('mfa/alice', SEED);
  const qr = (...args: string[]) => run(['qr', ...args], '1.2.3', environment);
  return { environment, qr };
}

/** What a phone reads from a screen. */
function scanned(screen: string): string | undefined {
  const lines = screen
    .split(BLACK_ON_WHITE)
    .slice(1)
    .map((line) => [...line.slice(0, line.indexOf(NO_COLORS))]);
  return decodedQr(
    lines.flatMap((line) => [
      line.map((cell) => cell === '█' || cell === '▀'),
      line.map((cell) => cell === '█' || cell === '▄'),
    ]),
  );
}

test('shows the seed of a secret, with its label, as a code that a phone can scan', async () => {
  const { environment, qr } = setUp();
  expect(await qr('--secret', 'mfa/alice', '--label', 'alice (break-glass)')).toBe(0);
  expect(scanned(environment.shown)).toBe(`otpauth://totp/AWS:alice%20(break-glass)?secret=${SEED}&issuer=AWS`);
});

test("shows a user's device, labeled with the name of the user", async () => {
  const { environment, qr } = setUp();
  environment.aws.addDevice('alice');
  environment.aws.pages.set('eu-west-1 Staff', [[secretArnOf('alice')]]);
  expect(await qr('--user', 'alice')).toBe(0);
  expect(scanned(environment.shown)).toBe(`otpauth://totp/AWS:alice?secret=${SEED}&issuer=AWS`);
  expect(environment.aws.devices).toEqual([serialNumberOf('alice')]);
});

test('a seed of IAM fits a terminal of 80 columns and 24 rows', async () => {
  const { environment, qr } = setUp();
  const seed = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.repeat(2);
  environment.aws.values.set('mfa/alice', seed);
  expect(await qr('--secret', 'mfa/alice', '--label', 'alice@123456789012')).toBe(0);
  expect(scanned(environment.shown)).toContain(seed);
  expect(environment.shown.split('\r\n').length).toBeLessThanOrEqual(24);
});

test.each([
  ['Enter', 'enter', 0],
  ['Ctrl+C', 'interrupt', 130],
] as const)('is only on the alternate screen, which %s clears', async (_name, key, status) => {
  const { environment, qr } = setUp();
  environment.key = key;
  expect(await qr('--secret', 'mfa/alice', '--label', 'alice')).toBe(status);
  const { text } = environment.stdout;
  expect(text.startsWith(ENTER_SCREEN)).toBe(true);
  expect(text.endsWith(LEAVE_SCREEN)).toBe(true);
  expect(text.slice(environment.shown.length)).toContain(CLEAR);
  expect(environment.stderr.text).toBe('');
});

test('is cleared after 5 minutes', async () => {
  const { environment, qr } = setUp();
  environment.key = undefined;
  expect(await qr('--secret', 'mfa/alice', '--label', 'alice')).toBe(0);
  expect(environment.sleeps).toEqual([5 * 60_000]);
  expect(environment.stdout.text.endsWith(LEAVE_SCREEN)).toBe(true);
  expect(environment.stderr.text).toBe('The QR code was cleared after 5 minutes.\n');
});

test('clears the screen even if the terminal fails', async () => {
  const { environment, qr } = setUp();
  environment.key = new Error(SEED);
  expect(await qr('--secret', 'mfa/alice', '--label', 'alice')).toBe(1);
  expect(environment.stdout.text.endsWith(LEAVE_SCREEN)).toBe(true);
  expect(environment.stderr.text).toBe('cdk-mfa-enrollment qr: unexpected Error\n');
});

test.each(['stdout', 'keyboard'] as const)('refuses if %s is not a terminal, and reads no seed', async (part) => {
  const { environment, qr } = setUp();
  environment[part].isTTY = false;
  expect(await qr('--secret', 'mfa/alice', '--label', 'alice')).toBe(1);
  expect(environment.stdout.text).toBe('');
  expect(environment.connections).toEqual([]);
});

test.each([
  ['rows', 12, 80],
  ['columns', 60, 20],
])('refuses a terminal with too few %s, and says how many it needs', async (_name, rows, columns) => {
  const { environment, qr } = setUp(new StubEnvironment().withTerminal(rows, columns));
  expect(await qr('--secret', 'mfa/alice', '--label', 'alice')).toBe(1);
  expect(environment.stdout.text).toBe('');
  expect(environment.stderr.text).toMatch(/enlarge it to \d+ columns and \d+ rows/);
});
