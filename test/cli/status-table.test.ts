import { statusText } from '../../cli/status-table';
import type { Inspection, Row } from '../../inspection/report';
import { finding, undecided } from '../../inspection/texts';

const SERIAL = `arn:aws:iam::123456789012:mfa/mfa/${'a-very-long-stack-name-'.repeat(4)}alice-us-east-1-0a1b2c3d-17`;
const row = (overrides: Partial<Row> = {}): Row => ({
  ...{ kind: 'enrollment', region: 'us-east-1', stackName: 'Mfa', logicalId: 'AliceMfa', userName: 'alice' },
  ...{ serialNumber: SERIAL, state: 'ok', codes: [], ...overrides },
});
const inspection = (overrides: Partial<Inspection> = {}): Inspection => ({
  ...{ rows: [row()], findings: [], undecided: [], missed: [], isComplete: true, ...overrides },
});
const PLAIN = { regions: ['us-east-1'], isColored: false, isTerminal: true };
const lines = (value: Inspection) => statusText(value, PLAIN).split('\n');

test('on a terminal a table fits into 80 columns, whatever the names are', () => {
  const long = 'x'.repeat(64);
  const rows = [row({ userName: long, state: 'finding', codes: ['SECRET_SCHEDULED_FOR_DELETION', 'DEVICE_OFF'] })];
  const printed = lines(inspection({ rows, isComplete: false }));
  expect(Math.max(...printed.map((line) => line.length))).toBeLessThanOrEqual(80);
  expect(printed).toContain(`${' '.repeat(51)}DEVICE_OFF`);
});

test('without a terminal, the names of users are complete, and the columns still align', () => {
  const long = 'x'.repeat(64);
  const rows = [row({ userName: long }), row()];
  const [, head = '', ...printed] = statusText(inspection({ rows }), { ...PLAIN, isTerminal: false }).split('\n');
  expect(printed[0]).toContain(`  ${long}  `);
  expect(printed.slice(0, 2).map((line) => line.lastIndexOf('ok'))).toEqual(Array(2).fill(head.indexOf('STATE')));
});

test('a device is shown by its name, of which the end is never cut off', () => {
  expect(lines(inspection())[2]).toMatch(/^ {2}alice {13}a-very-long-st…\S*-0a1b2c3d-17 {2}ok$/);
});

test('a table begins with its stack and region, and each stack has one', () => {
  const rows = [row(), row({ stackName: 'Other', region: 'eu-west-1' }), row({ userName: 'bob' })];
  const printed = lines(inspection({ rows }));
  expect(printed.filter((line) => /^\w+ \(.*\)$/.test(line))).toEqual(['Mfa (us-east-1)', 'Other (eu-west-1)']);
});

test('a command is one line, and what is said about it is broken between words', () => {
  const subject = { region: 'us-east-1', stackName: 'Mfa', logicalId: 'X', userName: 'alice', serialNumber: SERIAL };
  const printed = lines(inspection({ findings: [finding('UNEXPECTED_DEVICE', subject)] }));
  expect(printed).toContain(`    aws iam deactivate-mfa-device --user-name alice --serial-number ${SERIAL}`);
  const prose = printed.filter((line) => !line.includes('arn:'));
  expect(Math.max(...prose.map((line) => line.length))).toBeLessThanOrEqual(80);
});

test('of many things of one kind, five are listed and the rest is counted', () => {
  const subject = { serialNumber: SERIAL, tagKey: 'k', region: 'eu-west-1', stackName: 'Other' };
  const missed = Array.from({ length: 490 }, () => ({
    ...{ code: 'NOT_ALLOWED' as const, action: 'iam:ListMFADeviceTags' as const, errorCode: 'AccessDenied', subject },
  }));
  const all = Array.from({ length: 7 }, () => undecided('CLAIM_NOT_CHECKED', subject));
  const text = statusText(inspection({ undecided: all, missed, isComplete: false }), PLAIN);
  expect(text).toContain('  and 2 more; --json lists all of them');
  expect(text).toContain('  and 485 more; --json lists all of them');
  expect(text).toContain('1 enrollment, 0 findings; incomplete: 490 lookups failed.');
});

test('an account without enrollments is told so', () => {
  expect(statusText(inspection({ rows: [] }), { ...PLAIN, regions: ['us-east-1', 'eu-west-1'] })).toBe(
    'No enrollments in us-east-1, eu-west-1.\n\n0 enrollments, 0 findings.\n',
  );
});

test('regions whose stacks could not be looked at are not said to have no enrollments', () => {
  const miss = (region: string, action: 'cloudformation:ListStacks' | 'cloudformation:ListStackResources') => ({
    ...{ code: 'FAILED' as const, action, subject: { region } },
  });
  const missed = [
    miss('eu-west-1', 'cloudformation:ListStacks'),
    miss('eu-west-2', 'cloudformation:ListStackResources'),
  ];
  const regions = ['us-east-1', 'eu-west-1', 'eu-west-2'];
  const text = statusText(inspection({ rows: [], missed, isComplete: false }), { ...PLAIN, regions });
  expect(text.split('\n').slice(0, 3)).toEqual([
    'No enrollments in us-east-1.',
    'Could not look at all stacks in eu-west-2.',
    'Could not list the stacks in eu-west-1.',
  ]);
});

test.each([
  ['ok', '32'],
  ['finding', '31'],
  ['unknown', '33'],
  ['in progress', '2'],
] as const)('the state %s has a color of its own on a terminal', (state, color) => {
  expect(statusText(inspection({ rows: [row({ state })] }), { ...PLAIN, isColored: true })).toContain(
    `\u001b[${color}m${state}\u001b[0m`,
  );
});
