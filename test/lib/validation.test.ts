import { CfnParameter, NestedStack, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { MfaEnrollment, MfaEnrollmentProps, MfaEnrollmentProvider } from '../../lib';
import { DEVICE, enroll, enrollments, ENV, newApp, newStack } from './fixture';

const ACCOUNT = '123456789012';
const named = (userName: string) => (stack: Stack) => ({ user: iam.User.fromUserName(stack, 'Imported', userName) });
const device = (serialNumber: string) => () => ({ serialNumber });

describe('what is wrong is named: the prop, the value and what is allowed', () => {
  test.each<[string, (stack: Stack) => Partial<MfaEnrollmentProps>, RegExp]>([
    ['a user name with a space', named('al ice'), /^'user': 'al ice' .*\+=,\.@_-/],
    ['a user name of 65 characters', named('a'.repeat(65)), /^'user': 'a{65}' .*1 to 64/],
    [
      'a declared user name that IAM does not take',
      (stack) => ({ user: new iam.User(stack, 'Owned', { userName: 'al/ice' }) }),
      /^'user': 'al\/ice' is no name/,
    ],
    [
      'a user that is a wildcard',
      (stack) => ({ user: iam.User.fromUserArn(stack, 'Imported', `arn:aws:iam::${ACCOUNT}:user/*/alice`) }),
      /^'user': '.*user\/\*\/alice' has a '\*'/,
    ],
    [
      'a secret that is a wildcard',
      (stack) => ({ seedSecret: Secret.fromSecretNameV2(stack, 'S', 'mfa/*') }),
      /^'seedSecret': '.*mfa\/\*' has a '\*'/,
    ],
    ['an empty serial number', device(''), /^'serialNumber': '' .*9 to 256.*arn:aws:iam::123456789012:mfa\/alice/],
    ['a serial number of 257', device(`${DEVICE}${'x'.repeat(257 - DEVICE.length)}`), /^'serialNumber': .*9 to 256/],
    ['a space in it', device(`${DEVICE} 2`), /^'serialNumber': '.*mfa\/alice 2' .*letters, digits/],
    ['a line break behind it', device(`${DEVICE}\n`), /^'serialNumber': .*letters, digits/s],
    ['a hardware token', device('GAHT12345678'), /^'serialNumber': 'GAHT12345678' .*hardware tokens/],
    ['a security key', device(`arn:aws:iam::${ACCOUNT}:u2f/user/alice/key-AB`), /^'serialNumber': .*security keys/],
    [
      'an SMS device',
      device(`arn:aws:iam::${ACCOUNT}:sms-mfa/alice`),
      /^'serialNumber': .*not the ARN of a virtual MFA device/,
    ],
    ['a user', device(`arn:aws:iam::${ACCOUNT}:user/alice`), /^'serialNumber': .*not the ARN of a virtual MFA device/],
    [
      'a device with no name',
      device(`arn:aws:iam::${ACCOUNT}:mfa/`),
      /^'serialNumber': .*not the ARN of a virtual MFA device/,
    ],
    [
      'a region in the ARN',
      device(`arn:aws:iam:us-east-1:${ACCOUNT}:mfa/alice`),
      /^'serialNumber': .*not the ARN of a virtual/,
    ],
    [
      'an account of 11 digits',
      device('arn:aws:iam::12345678901:mfa/alice'),
      /^'serialNumber': .*not the ARN of a virtual/,
    ],
    ['the root user', device(`arn:aws:iam::${ACCOUNT}:root`), /^'serialNumber': .*can't be enabled by API/],
    [
      "the root user's device",
      device(`arn:aws:iam::${ACCOUNT}:mfa/root-account-mfa-device`),
      /^'serialNumber': .*root-account-mfa-device' belongs to the root user.*can't be enabled by API/,
    ],
    [
      'no serial number',
      () => ({ serialNumber: undefined }),
      /^'serialNumber': is undefined: the device's ARN is needed/,
    ],
    [
      'a removal policy that is none',
      () => ({ removalPolicy: 'retian' as RemovalPolicy }),
      /^'removalPolicy': 'retian' .*DESTROY, RETAIN/,
    ],
    ['an empty field', () => ({ seedSecretField: '' }), /^'seedSecretField': '' is no key.*leave it out/],
    [
      'a snapshot',
      () => ({ removalPolicy: RemovalPolicy.SNAPSHOT }),
      /^'removalPolicy': 'snapshot' .*DESTROY, RETAIN and RETAIN_ON_UPDATE_OR_DELETE are allowed/,
    ],
  ])('%s', (_what, props, words) => {
    const stack = newStack();
    expect(() => enroll(stack, props(stack))).toThrow(words);
  });
});

test.each(['user', 'serialNumber', 'seedSecret'])('%s is needed, in languages without types too', (prop) => {
  const stack = newStack();
  const user = iam.User.fromUserName(stack, 'Imported', 'alice');
  const seedSecret = Secret.fromSecretNameV2(stack, 'S', 'mfa/alice');
  const props = { user, serialNumber: DEVICE, seedSecret, [prop]: undefined };
  expect(() => new MfaEnrollment(stack, 'Mfa', props)).toThrow(`'${prop}': is undefined: `);
});

describe('what is right passes', () => {
  test.each<[string, (stack: Stack) => Partial<MfaEnrollmentProps>]>([
    ['a user name of 64 characters of every kind', named(`${'a'.repeat(57)}_+=,.@-`)],
    ['a serial number of 256 characters', device(`${DEVICE}${'x'.repeat(256 - DEVICE.length)}`)],
    ['a device with a path', device(`arn:aws:iam::${ACCOUNT}:mfa/team/eu/alice`)],
    ['a user name that is a token', (s) => named(new CfnParameter(s, 'Name').valueAsString)(s)],
    ['a serial number that is a token', (s) => device(new CfnParameter(s, 'Device').valueAsString)()],
    ['a field that is a token', (s) => ({ seedSecretField: new CfnParameter(s, 'Field').valueAsString })],
    ['a user of whose ARN nothing is known', (s) => byToken(s)],
  ])('%s', (_what, props) => {
    for (const stack of [newStack(), newStack({ env: ENV })]) {
      enroll(stack, props(stack));
      expect(Object.keys(enrollments(stack))).toHaveLength(1);
    }
  });

  function byToken(stack: Stack): Partial<MfaEnrollmentProps> {
    return { user: iam.User.fromUserArn(stack, 'Imported', new CfnParameter(stack, 'Arn').valueAsString) };
  }
});

describe('account and partition', () => {
  const OTHER = 'arn:aws:iam::999999999999:mfa/alice';

  test("a device of another account than the stack's is an error", () => {
    expect(() => enroll(newStack({ env: ENV }), { serialNumber: OTHER })).toThrow(
      /^'serialNumber': '.*' is in account 999999999999, not in 123456789012/,
    );
  });

  test("a device of another account than its user's is an error, where only the user's is known", () => {
    const stack = newStack();
    const user = iam.User.fromUserArn(stack, 'Imported', `arn:aws:iam::${ACCOUNT}:user/alice`);
    expect(() => enroll(stack, { user, serialNumber: OTHER })).toThrow(/account 999999999999, not in 123456789012/);
  });

  test('a user imported from another account is an error', () => {
    const stack = newStack({ env: ENV });
    const user = iam.User.fromUserArn(stack, 'Imported', 'arn:aws:iam::999999999999:user/alice');
    expect(() => enroll(stack, { user })).toThrow(
      /^'user': 'Stack\/Imported' is in account 999999999999, but the stack is in account 123456789012/,
    );
  });

  test("a user of the app's stack for another account is an error", () => {
    const app = newApp();
    const users = newStack({ env: { account: '999999999999', region: 'eu-central-1' } }, app, 'Users');
    const stack = newStack({ env: ENV }, app);
    expect(() => enroll(stack, { user: new iam.User(users, 'Alice') })).toThrow(/^'user': 'Users\/Alice'/);
  });

  test('a stack that may be deployed anywhere takes any account', () => {
    expect(() => enroll(newStack(), { serialNumber: OTHER })).not.toThrow();
  });

  const PARTITIONS = [
    ['aws', 'eu-central-1'],
    ['aws-cn', 'cn-north-1'],
    ['aws-us-gov', 'us-gov-west-1'],
    ['aws-iso', 'us-iso-east-1'],
    ['aws-iso-b', 'us-isob-east-1'],
    ['aws-eusc', 'eusc-de-east-1'],
    ['aws-of-tomorrow', 'xx-nowhere-1'],
  ] as const;

  test.each(PARTITIONS)('%s: a device and a stack of it fit, with the region known or not', (partition, region) => {
    const serialNumber = `arn:${partition}:iam::${ACCOUNT}:mfa/alice`;
    for (const stack of [newStack(), newStack({ env: { account: ACCOUNT, region } })]) {
      enroll(stack, { serialNumber });
      expect(Object.keys(enrollments(stack))).toHaveLength(1);
    }
  });

  test.each(PARTITIONS.slice(0, 3))('%s: nothing in the template names the partition', (_partition, region) => {
    const stack = newStack({ env: { account: ACCOUNT, region } });
    enroll(stack, {
      serialNumber: stack.formatArn({ service: 'iam', region: '', resource: 'mfa', resourceName: 'a' }),
    });
    expect(JSON.stringify(Template.fromStack(stack).toJSON())).not.toMatch(/arn:aws|amazonaws\.com\.cn/);
  });

  test.each([true, false])(
    'a partition other than that of the region is an error, with literal partitions %s',
    (literals) => {
      const context = { '@aws-cdk/core:enablePartitionLiterals': literals };
      const stack = newStack({ env: { account: ACCOUNT, region: 'cn-north-1' } }, newApp(context));
      expect(() => enroll(stack)).toThrow(
        /^'serialNumber': '.*' is in partition 'aws', but the stack is in partition 'aws-cn'/,
      );
    },
  );
});

describe('a device that is enrolled twice in a stack is an error at synthesis', () => {
  const words = /device "alice" is enrolled by 'Stack\/First' already/;

  test.each<[string, (stack: Stack) => Partial<MfaEnrollmentProps>]>([
    ['for one user', () => ({})],
    ['for two users', (s) => ({ user: new iam.User(s, 'Bob') })],
    ['under two spellings', (s) => ({ serialNumber: `arn:${s.partition}:iam::${s.account}:mfa/alice` })],
    ['by two providers', (s) => ({ provider: new MfaEnrollmentProvider(s, 'Other') })],
  ])('%s', (_how, props) => {
    const stack = newStack();
    enroll(stack, {}, 'First');
    enroll(stack, props(stack), 'Second');
    expect(() => Template.fromStack(stack)).toThrow(words);
  });

  test('where only the deployment knows the device, too', () => {
    const stack = newStack();
    const serialNumber = new CfnParameter(stack, 'Device').valueAsString;
    enroll(stack, { serialNumber }, 'First');
    enroll(stack, { serialNumber }, 'Second');
    expect(() => Template.fromStack(stack)).toThrow(/device \{"Ref":"Device"\} is enrolled by 'Stack\/First' already/);
  });

  test('but several devices of one user are fine', () => {
    const stack = newStack();
    enroll(stack, {}, 'First');
    enroll(stack, { serialNumber: `${DEVICE}2` }, 'Second');
    expect(Object.keys(enrollments(stack))).toHaveLength(2);
  });

  test('and so is the same pair in two stacks, nested ones included', () => {
    const app = newApp();
    const stacks = [newStack({}, app, 'One'), newStack({}, app, 'Two')];
    stacks.push(...stacks.map((stack) => new NestedStack(stack, 'Nested')));
    for (const stack of stacks) {
      enroll(stack, { user: iam.User.fromUserName(stack, 'Imported', 'alice') });
    }
    for (const stack of stacks) {
      expect(Object.keys(enrollments(stack))).toHaveLength(1);
    }
  });

  test('and so is a second synthesis of the same app', () => {
    const app = newApp();
    enroll(newStack({}, app));
    app.synth();
    expect(() => app.synth({ force: true })).not.toThrow();
  });
});
