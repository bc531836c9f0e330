import { CfnParameter, Lazy, NestedStack, RemovalPolicy, type Stack, Tags } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import {
  MfaEnrollment,
  type MfaEnrollmentProps,
  MfaEnrollmentProvider,
  VirtualMfaDevice,
  type VirtualMfaDeviceProps,
} from '../../lib';
import { DEVICE, devices, enroll, enrollMade, enrollments, ENV, newApp, newStack } from './fixture';

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

  test('a user imported by an ARN in place of its name is an error', () => {
    const stack = newStack({ env: ENV });
    const user = iam.User.fromUserName(stack, 'Imported', `arn:aws:iam::${ACCOUNT}:user/alice`);
    expect(() => enroll(stack, { user })).toThrow(
      /^'user': '.*:user\/arn:aws:iam::123456789012:user\/alice' has an ARN in place of the user's name: import it by 'User.fromUserArn'/,
    );
  });

  test('a key that would stand as a wildcard is an error', () => {
    const stack = newStack({ env: ENV });
    const encryptionKey = kms.Key.fromKeyArn(stack, 'Key', `arn:aws:kms:eu-central-1:${ACCOUNT}:key/*`);
    const secretCompleteArn = `arn:aws:secretsmanager:eu-central-1:${ACCOUNT}:secret:mfa/alice-AbCdEf`;
    const seedSecret = Secret.fromSecretAttributes(stack, 'Seed', { secretCompleteArn, encryptionKey });
    expect(() => enroll(stack, { seedSecret })).toThrow(/^'seedSecret': '.*:key\/\*' has a '\*' or a '\?': one key/);
    const scope = { userPath: '/staff/', devicePath: '/staff/', encryptionKeys: [encryptionKey] };
    expect(() => new MfaEnrollmentProvider(stack, 'Provider', { scope })).toThrow(/^'scope.encryptionKeys': '/);
  });

  test('a seed as the key of a JSON secret is an error, and quoted nowhere', () => {
    const seed = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
    const attempt = () => enroll(newStack(), { seedSecretField: seed });
    expect(attempt).toThrow(/^'seedSecretField': looks like a seed/);
    expect(attempt).not.toThrow(seed);
  });

  test('a long key of a JSON secret is none', () => {
    const enrollWith = (seedSecretField: string) => () => enroll(newStack(), { seedSecretField });
    expect(enrollWith('virtual-mfa-device-seed-of-break-glass-user-2')).not.toThrow();
    expect(enrollWith('VIRTUAL_MFA_DEVICE_SEED_OF_BREAK_GLASS')).not.toThrow();
  });

  test("a function's role of another account is an error", () => {
    const stack = newStack({ env: ENV });
    const role = iam.Role.fromRoleArn(stack, 'Role', 'arn:aws:iam::999999999999:role/mfa');
    expect(() => new MfaEnrollmentProvider(stack, 'Provider', { role })).toThrow(
      "'role' is in account 999999999999, but the stack is in account 123456789012: a function runs as a role of its own account",
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

describe('of a device that is made, what is wrong is named: the prop, the value and what is allowed', () => {
  const secretNamed = (stack: Stack, name = 'mfa/alice') => Secret.fromSecretNameV2(stack, 'S', name);

  test.each<[string, (stack: Stack) => VirtualMfaDeviceProps, RegExp]>([
    ['an empty name', () => ({ virtualMfaDeviceName: '' }), /^'virtualMfaDeviceName': '' is no name .*1 to 226/],
    [
      'a name with a space',
      () => ({ virtualMfaDeviceName: 'al ice' }),
      /^'virtualMfaDeviceName': 'al ice' .*\+=,\.@_-/,
    ],
    ['a name with a path', () => ({ virtualMfaDeviceName: 'staff/alice' }), /^'virtualMfaDeviceName': 'staff\/alice'/],
    ['a name that is a wildcard', () => ({ virtualMfaDeviceName: '*' }), /^'virtualMfaDeviceName': '\*' is no name/],
    ['a line break behind it', () => ({ virtualMfaDeviceName: 'alice\n' }), /^'virtualMfaDeviceName': 'alice\n' is no/],
    [
      'a name of 227 characters',
      () => ({ virtualMfaDeviceName: 'a'.repeat(227) }),
      /^'virtualMfaDeviceName': 'a{227}'/,
    ],
    [
      'a name that makes the serial number too long',
      () => ({ virtualMfaDeviceName: 'a'.repeat(221), path: '/staff/' }),
      /^'virtualMfaDeviceName': path '\/staff\/' and name 'a{221}' make a serial number of 257 characters: at most 256/,
    ],
    [
      "the root user's device",
      () => ({ virtualMfaDeviceName: 'root-account-mfa-device' }),
      /^'virtualMfaDeviceName': 'root-account-mfa-device' is the root user's device/,
    ],
    ['a path that does not begin with a slash', () => ({ path: 'staff/' }), /^'path': 'staff\/' is no path: it begins/],
    ['a path that does not end with one', () => ({ path: '/staff' }), /^'path': '\/staff' is no path/],
    ['an empty path', () => ({ path: '' }), /^'path': '' is no path/],
    ['a path with an empty part', () => ({ path: '/staff//eu/' }), /^'path': '\/staff\/\/eu\/' is no path/],
    ['a path that is a wildcard', () => ({ path: '/*/' }), /^'path': '\/\*\/' is no path/],
    [
      'a path that leaves no room for the default name',
      () => ({ path: `/${'a'.repeat(220)}/` }),
      /^'path': path '.*' and name 'Stack-AliceDevice-.*' make a serial number of/,
    ],
    ['generation 0', () => ({ generation: 0 }), /^'generation': 0 is no generation: a whole number from 1/],
    ['generation -1', () => ({ generation: -1 }), /^'generation': -1 is no generation/],
    ['generation 1.5', () => ({ generation: 1.5 }), /^'generation': 1.5 is no generation/],
    ['no number as generation', () => ({ generation: NaN }), /^'generation': NaN is no generation/],
    ['an endless generation', () => ({ generation: Infinity }), /^'generation': Infinity is no generation/],
    ['a generation too big to count', () => ({ generation: 2 ** 53 }), /^'generation': 9007199254740992 is no/],
    [
      'a generation of a named device',
      () => ({ generation: 2, virtualMfaDeviceName: 'alice' }),
      /^'generation': has no meaning with 'virtualMfaDeviceName'.*to rotate, give another name/,
    ],
    [
      "a generation with the caller's secret",
      (stack) => ({ generation: 1, seedSecret: secretNamed(stack) }),
      /^'generation': is refused with 'seedSecret'.*only copy.*to rotate, give another secret/,
    ],
    [
      "a key for the caller's secret",
      (stack) => ({ encryptionKey: new kms.Key(stack, 'Key'), seedSecret: secretNamed(stack) }),
      /^'encryptionKey': has no meaning with 'seedSecret'/,
    ],
    [
      'a secret that is a wildcard',
      (stack) => ({ seedSecret: secretNamed(stack, 'mfa/*') }),
      /^'seedSecret': '.*mfa\/\*' has a '\*'/,
    ],
    [
      'a snapshot',
      () => ({ removalPolicy: RemovalPolicy.SNAPSHOT }),
      /^'removalPolicy': 'snapshot' has no meaning for a virtual MFA device: DESTROY, RETAIN and/,
    ],
  ])('%s', (_what, props, words) => {
    const stack = newStack();
    expect(() => new VirtualMfaDevice(stack, 'AliceDevice', props(stack))).toThrow(words);
  });

  test.each<[string, (stack: Stack) => VirtualMfaDeviceProps]>([
    ['a name of every kind of character', () => ({ virtualMfaDeviceName: 'Az09_+=,.@-' })],
    ['the longest name', () => ({ virtualMfaDeviceName: 'a'.repeat(226) })],
    ['a path of every kind of character', () => ({ path: '/Az09_+=:,.@-/eu/' })],
    ['a serial number of 256 characters', () => ({ virtualMfaDeviceName: 'a'.repeat(220), path: '/staff/' })],
    ['a name and a path that are tokens', (s) => tokens(s)],
    ['the highest generation', () => ({ generation: Number.MAX_SAFE_INTEGER })],
  ])('%s passes', (_what, props) => {
    for (const stack of [newStack(), newStack({ env: ENV })]) {
      enrollMade(stack, props(stack));
      expect(Object.keys(devices(stack))).toHaveLength(1);
    }
  });

  test('the region is part of the default name, and counts where it is known', () => {
    const path = `/${'a'.repeat(185)}/`;
    expect(() => new VirtualMfaDevice(newStack(), 'AliceDevice', { path })).not.toThrow();
    expect(() => new VirtualMfaDevice(newStack({ env: ENV }), 'AliceDevice', { path })).toThrow(
      /^'path': .* make a serial number of 257 characters/,
    );
  });

  function tokens(stack: Stack): VirtualMfaDeviceProps {
    return {
      virtualMfaDeviceName: new CfnParameter(stack, 'Name').valueAsString,
      path: Lazy.string({ produce: () => '/staff/' }),
    };
  }

  test.each([
    ['region', { account: ACCOUNT, region: 'us-east-1' }, 'us-east-1', 'eu-central-1'],
    ['account', { account: '999999999999', region: 'eu-central-1' }, '999999999999', ACCOUNT],
  ])('a provider of another %s', (_what, env, theirs, ours) => {
    const app = newApp();
    const provider = new MfaEnrollmentProvider(newStack({ env }, app, 'Elsewhere'), 'Provider');
    expect(() => new VirtualMfaDevice(newStack({ env: ENV }, app), 'AliceDevice', { provider })).toThrow(
      `'provider': 'Elsewhere/Provider' is in ${theirs}, but the stack is in ${ours}: a provider serves its own`,
    );
  });
});

describe('tags of a device are checked at synthesis', () => {
  const tagged = (tags: Record<string, string>) => {
    const stack = newStack();
    const device = new VirtualMfaDevice(stack, 'AliceDevice');
    for (const [key, value] of Object.entries(tags)) {
      Tags.of(device).add(key, value, { includeResourceTypes: ['Custom::VirtualMfaDevice'] });
    }
    return () => Template.fromStack(stack);
  };

  test.each<[string, Record<string, string>, RegExp]>([
    [
      'our own key',
      { 'cdk-mfa-enrollment:mine': 'x' },
      /'tags': 'cdk-mfa-enrollment:mine' is a tag key of this library's/,
    ],
    [
      'our own key in another case',
      { 'CDK-mfa-Enrollment:x': 'x' },
      /'tags': 'CDK-mfa-Enrollment:x' is a tag key of this/,
    ],
    ['a key that IAM does not take', { 'team#': 'x' }, /'tags': 'team#' is no tag key/],
    ['a key of 129 characters', { ['k'.repeat(129)]: 'x' }, /'tags': 'k{129}' is no tag key/],
    ['a value that IAM does not take', { team: 'x;y' }, /'tags': the value of tag 'team', 'x;y', is none/],
    [
      'keys that differ in case only',
      { Team: 'x', team: 'y' },
      /'tags': '(Team|team)' and '(team|Team)' differ in case only/,
    ],
  ])('%s', (_what, tags, words) => {
    expect(tagged(tags)).toThrow(words);
  });

  test('every one that is wrong is named', () => {
    expect(tagged({ 'a#': 'x', 'b#': 'x' })).toThrow(/'a#' is no tag key[^]*'b#' is no tag key/);
  });

  test('keys and values of letters, digits, spaces and what else IAM takes pass, and so does a token as value', () => {
    const value = Lazy.string({ produce: () => 'x;y' });
    expect(tagged({ 'Kostenstelle Süd_.:/=+-@': '', team: value })).not.toThrow();
  });
});

describe('a device that is declared twice in a stack is an error at synthesis', () => {
  const words =
    /'virtualMfaDeviceName': device "\/alice" is declared by 'Stack\/First' already, and by 'Stack\/Second' again/;

  test.each<[string, (stack: Stack) => VirtualMfaDeviceProps]>([
    ['alike', () => ({})],
    ['with two providers', (s) => ({ provider: new MfaEnrollmentProvider(s, 'Other') })],
    ['with two secrets', (s) => ({ seedSecret: new Secret(s, 'Own') })],
  ])('%s', (_how, props) => {
    const stack = newStack();
    new VirtualMfaDevice(stack, 'First', { virtualMfaDeviceName: 'alice' });
    new VirtualMfaDevice(stack, 'Second', { virtualMfaDeviceName: 'alice', ...props(stack) });
    expect(() => Template.fromStack(stack)).toThrow(words);
  });

  test('in words once, with one secret too', () => {
    const stack = newStack();
    const props = { virtualMfaDeviceName: 'alice', seedSecret: new Secret(stack, 'Own') };
    new VirtualMfaDevice(stack, 'First', props);
    new VirtualMfaDevice(stack, 'Second', props);
    expect(() => Template.fromStack(stack)).toThrow(words);
    expect(() => Template.fromStack(stack)).not.toThrow(/'seedSecret'/);
  });

  test('and so are two devices that would take turns in one secret', () => {
    const stack = newStack();
    const seedSecret = new Secret(stack, 'Own');
    new VirtualMfaDevice(stack, 'First', { seedSecret });
    new VirtualMfaDevice(stack, 'Second', { seedSecret });
    expect(() => Template.fromStack(stack)).toThrow(
      /'seedSecret': secret \{"Ref":"Own[^"]*"\} takes the seed of 'Stack\/First' already, and 'Stack\/Second' would overwrite/,
    );
  });

  test('but devices of one name on two paths are two, and the same device may stand in two stacks', () => {
    const app = newApp();
    const stacks = [newStack({}, app, 'One'), newStack({}, app, 'Two')];
    for (const stack of [...stacks, ...stacks.map((one) => new NestedStack(one, 'Nested'))]) {
      new VirtualMfaDevice(stack, 'First', { virtualMfaDeviceName: 'alice' });
      new VirtualMfaDevice(stack, 'Second', { virtualMfaDeviceName: 'alice', path: '/staff/' });
    }
    expect(Object.keys(devices(stacks[0] as Stack))).toHaveLength(2);
  });

  test('and a second synthesis of the same app passes', () => {
    const app = newApp();
    enrollMade(newStack({}, app));
    app.synth();
    expect(() => app.synth({ force: true })).not.toThrow();
  });
});
