import * as fc from 'fast-check';
import {
  problemOfSecretArn,
  problemOfSerialNumber,
  problemOfUserName,
  quoted,
  shown,
  withoutSeed,
} from '../../lib/checks';

const SEED = 'R6WTJO5QYHWQSX57DNIMWDSIPBNAGDK262G4DJEVPS5VQPB4DZNAECT4SHRQOJN3';
const SHORT = 'JBSWY3DPEHPK3PXP';
const HIDDEN = '(not shown: it may be a seed)';

const groupsOf = (size: number, separator: string, seed = SEED) =>
  seed.replace(new RegExp(`.{${size}}(?!$)`, 'g'), `$&${separator}`);

test.each([
  SEED,
  SEED.toLowerCase(),
  SEED.slice(0, 32),
  SEED.slice(-32),
  SHORT,
  SHORT.toLowerCase(),
  `${SHORT}======`,
  `"${SEED}"`,
  `'${SHORT}'`,
  `${SEED}\n`,
  `${SEED.slice(0, 40)}\n${SEED.slice(40)}`,
  groupsOf(4, ' '),
  groupsOf(4, '-', SHORT),
  groupsOf(8, '-', SEED.toLowerCase()),
  groupsOf(5, ' ', SEED),
  `seed: ${SEED};`,
  `seed=${SEED.toLowerCase()}`,
  `x${SEED}`,
  `arn:aws:iam::123456789012:mfa/${SEED}`,
  `arn:${SHORT.repeat(2)}`,
  `Custom::${SEED}`,
  'otpauth://totp/alice?secret=A',
  ' OTPAUTH://hotp/',
  'otpauth-migration://offline?data=CjEKCkhlbGxvId6tvu8',
  Buffer.from(SEED).toString('base64'),
  `x/${Buffer.from(SEED).toString('base64')}`,
  Buffer.from(SEED.slice(0, 32)).toString('base64'),
  `${'A'.repeat(64)}2`,
  `2${'A'.repeat(32)}`,
  `22${SEED.toLowerCase()}`,
  '{"seed":"A"}',
  ' {}',
])('%j may hold a seed and is not shown', (text) => {
  expect(withoutSeed(text)).toBe(HIDDEN);
  expect(quoted(text)).toBe(HIDDEN);
});

test.each([
  'break-glass-administrator',
  'BREAK-GLASS-ADMINISTRATOR',
  'break-glass-administrator-2',
  'root-account-mfa-device',
  'virtual-mfa-device-seed-of-break-glass-user-2',
  'VIRTUAL_MFA_DEVICE_SEED_OF_BREAK_GLASS',
  'internationalizationadministratorsandfriends',
  'INTERNATIONALIZATIONADMINISTRATORS',
  'production2administrator',
  'alice.smith@example.com',
  'team2-eu-west-2-admin-3',
  'prod-team-west-user',
  'alice smith and bob',
  'Custom::VirtualMfaDevice',
  'VirtualMfaDeviceStackAliceDevicea57485201EFB8284A',
  '20260101T120010Z-1a2b3c4d',
  'd41d8cd98f00b204e9800998ecf8427e',
  '11111111-2222-3333-4444-555555555555',
  'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mfa/alice-AbCdEf',
  'arn:aws:iam::123456789012:mfa/Stack-AliceDevice-eu-central-1-a5748520-1',
  `arn:aws:iam::123456789012:mfa/${'a'.repeat(64)}`,
  '',
])('%j is shown', (text) => {
  expect(withoutSeed(text)).toBe(text);
  expect(quoted(text)).toBe(`'${text}'`);
});

describe('ordinary names are not taken for seeds', () => {
  const word = fc.stringMatching(/^[a-z]{2,12}[0-9]{0,2}$/);
  const words = (separator: string) =>
    fc.array(word, { minLength: 1, maxLength: 5 }).map((list) => list.join(separator));
  const name = fc.oneof(words(''), words('-'), words('.'), words('_')).map((text) => text.slice(0, 60));
  const inEitherCase = fc.oneof(
    name,
    name.map((text) => text.toUpperCase().slice(0, 31)),
  );

  test('as names of users and devices', () => {
    fc.assert(
      fc.property(inEitherCase, (text) => {
        const arn = `arn:aws:iam::123456789012:mfa/staff/${text}`;
        expect([problemOfUserName(text), problemOfSerialNumber(arn)]).toEqual([undefined, undefined]);
        expect(withoutSeed(arn)).toBe(arn);
      }),
      { seed: 1, numRuns: 2_000 },
    );
  });

  test('as parts of the names that CloudFormation gives secrets', () => {
    fc.assert(
      fc.property(fc.tuple(name, name), ([stack, user]) => {
        const logicalId = `VirtualMfaDeviceSeed${user}${stack}`.replace(/[^A-Za-z0-9]/g, '');
        const arn = `arn:aws:secretsmanager:eu-west-1:123456789012:secret:${logicalId}7223bf5c-5C77954D41ab-aB3dEf`;
        expect(problemOfSecretArn(arn)).toBeUndefined();
        expect(withoutSeed(arn)).toBe(arn);
      }),
      { seed: 1, numRuns: 2_000 },
    );
  });
});

test.each([SEED, SEED.toLowerCase(), SEED.slice(0, 32)])(
  'the seed %j is refused as the name of a user or of a device',
  (seed) => {
    for (const problem of [problemOfUserName(seed), problemOfSerialNumber(`arn:aws:iam::123456789012:mfa/${seed}`)]) {
      expect(problem).toContain(HIDDEN);
      expect(problem).not.toContain(seed);
    }
  },
);

test.each([
  'BREAK-GLASS-ADMIN-EU2-PROD3-TEAM4-PRIMARY',
  'production-team2-administration-break-glass-us-west-2-b7c2d4e6f3a5-2',
])('%s is not a seed in groups', (name) => {
  expect(problemOfSerialNumber(`arn:aws:iam::123456789012:mfa/${name}`)).toBeUndefined();
});

test.each([
  SEED,
  `${SEED}-AbCdEf`,
  `${SEED}-??????`,
  `mfa/${SEED.toLowerCase()}`,
  `otpauth://totp/alice?secret=${SEED}`,
  `{"seed":"${SEED}"}`,
  groupsOf(4, ' '),
])('the seed %j is not the name of a secret', (name) => {
  const problem = problemOfSecretArn(`arn:aws:secretsmanager:eu-west-1:123456789012:secret:${name}`);
  expect(problem).toContain(`invalid secret ARN ${HIDDEN}`);
  expect(problem).not.toContain(SEED.slice(0, 4));
});

test('a value is shown without control characters and halves of characters', () => {
  expect(shown('a\u0000b\u001fc\u0085d\ud800e')).toBe('a b c d e');
  expect(shown('🔐')).toBe('🔐');
});

test('a long value is shortened to 300 characters', () => {
  expect(shown('. '.repeat(150))).toBe('. '.repeat(150));
  expect(shown(`${'. '.repeat(150)}.`)).toBe(`${'. '.repeat(150)}…`);
});

describe('looking for a seed takes time in proportion to the text', () => {
  test.each([
    ['capital letters', 'A'.repeat(65_536)],
    ['lowercase letters', 'a'.repeat(65_536)],
    ['capital letters and a digit in turns of 31', `${'A'.repeat(31)}8`.repeat(2_048)],
    ['words', 'administrators '.repeat(4_096)],
  ])('64 kB of %s hold none', (_what, text) => {
    expect(withoutSeed(text)).toBe(text);
  });
});
