import { CfnParameter, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import {
  MfaEnrollment,
  type MfaEnrollmentProps,
  MfaEnrollmentProvider,
  type MfaEnrollmentProviderScope,
  VirtualMfaDevice,
} from '../../lib';
import { enroll, enrollments, ENV, literalStack, newApp, newStack, resources, statementsOf } from './fixture';

const STAFF = { userPath: '/staff/', devicePath: '/staff/' };
const KEY = 'arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';

const scoped = (stack: Stack, scope: MfaEnrollmentProviderScope = STAFF) =>
  new MfaEnrollmentProvider(stack, 'Fleet', { scope });
const policies = (stack: Stack) => resources(stack, 'AWS::IAM::Policy');
const scopePolicies = (stack: Stack) =>
  Object.entries(policies(stack)).filter(([logicalId]) => logicalId.startsWith('MfaEnrollmentScope'));
const staffUser = (stack: Stack, name: string) =>
  iam.User.fromUserArn(stack, `User${name}`, `arn:aws:iam::123456789012:user/staff/${name}`);
const seedOf = (stack: Stack, name: string) => Secret.fromSecretNameV2(stack, `Seed${name}`, `mfa/staff/${name}`);
const serialNumberOf = (name: string) => `arn:aws:iam::123456789012:mfa/staff/${name}`;

/** An enrollment within the scope, unless `props` say otherwise. */
function enrollStaff(
  stack: Stack,
  provider: MfaEnrollmentProvider,
  props: Partial<MfaEnrollmentProps> = {},
  name = 'amy',
) {
  return enroll(
    stack,
    {
      provider,
      serialNumber: serialNumberOf(name),
      ...props,
      user: props.user ?? staffUser(stack, name),
      seedSecret: props.seedSecret ?? seedOf(stack, name),
    },
    `Mfa${name}`,
  );
}

describe('a provider with a scope', () => {
  test('has one policy for users, devices and secrets by paths and names, and nothing without one', () => {
    const stack = literalStack();
    scoped(stack, { ...STAFF, encryptionKeys: [kms.Key.fromKeyArn(stack, 'Key', KEY)] });
    const [[, policy] = []] = scopePolicies(stack);
    expect(statementsOf(policy)).toEqual([
      {
        Effect: 'Allow',
        Action: ['iam:DeactivateMFADevice', 'iam:EnableMFADevice', 'iam:ListMFADevices', 'iam:ResyncMFADevice'],
        Resource: 'arn:aws:iam::123456789012:user/staff/*',
      },
      {
        Effect: 'Allow',
        Action: [
          'iam:CreateVirtualMFADevice',
          'iam:DeleteVirtualMFADevice',
          'iam:ListMFADeviceTags',
          'iam:TagMFADevice',
          'iam:UntagMFADevice',
        ],
        Resource: 'arn:aws:iam::123456789012:mfa/staff/*',
      },
      {
        Effect: 'Allow',
        Action: ['secretsmanager:DescribeSecret', 'secretsmanager:GetSecretValue', 'secretsmanager:PutSecretValue'],
        Resource: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:mfa/staff/*',
      },
      {
        Effect: 'Allow',
        Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
        Resource: KEY,
        Condition: { StringLike: { 'kms:ViaService': 'secretsmanager.eu-central-1.*' } },
      },
    ]);
    const others = Object.values(policies(stack))
      .filter((each) => each !== policy)
      .flatMap(statementsOf);
    expect(others.flatMap(({ Action }) => Action).filter((action) => !action.startsWith('logs:'))).toEqual([]);
  });

  test('adds no policy for an enrollment or a device, and each depends on that of the scope', () => {
    const stack = literalStack();
    const provider = scoped(stack);
    const device = new VirtualMfaDevice(stack, 'Device', { provider, path: '/staff/', virtualMfaDeviceName: 'amy' });
    const { serialNumber, seedSecret } = device;
    enrollStaff(stack, provider, { serialNumber, seedSecret });
    const [[scopePolicy] = []] = scopePolicies(stack);
    expect(Object.keys(policies(stack)).sort()).toEqual([expect.stringMatching(/^FleetPolicy/), scopePolicy]);
    for (const resource of [
      ...Object.values(enrollments(stack)),
      ...Object.values(resources(stack, 'Custom::VirtualMfaDevice')),
    ]) {
      expect(resource.DependsOn).toEqual([scopePolicy]);
    }
  });

  test('gets another policy with another scope, so that the old grant stands until clean-up has used it', () => {
    const idOf = (scope: MfaEnrollmentProviderScope) => {
      const stack = literalStack();
      scoped(stack, scope);
      return scopePolicies(stack).map(([logicalId]) => logicalId)[0];
    };
    const ids = [
      idOf(STAFF),
      idOf({ ...STAFF, userPath: '/' }),
      idOf({ ...STAFF, devicePath: '/' }),
      idOf({ ...STAFF, seedSecretPrefix: 'seeds/' }),
    ];
    expect(new Set(ids).size).toBe(ids.length);
    expect(idOf({ ...STAFF, seedSecretPrefix: 'mfa/staff/' })).toBe(ids[0]);
  });

  test('waits for the retry settings before anything else waits for the scope', () => {
    const stack = literalStack();
    scoped(stack);
    const [[, policy] = []] = scopePolicies(stack);
    expect(policy?.DependsOn).toEqual(Object.keys(resources(stack, 'AWS::Lambda::EventInvokeConfig')));
  });

  test('grants nothing to a role that is not mutable, and its enrollments wait for the retry settings', () => {
    const stack = literalStack();
    const role = iam.Role.fromRoleArn(stack, 'Role', 'arn:aws:iam::123456789012:role/mfa', { mutable: false });
    const provider = new MfaEnrollmentProvider(stack, 'Fleet', { scope: STAFF, role });
    enrollStaff(stack, provider);
    expect(policies(stack)).toEqual({});
    const [enrollment] = Object.values(enrollments(stack));
    expect(enrollment?.DependsOn).toEqual(Object.keys(resources(stack, 'AWS::Lambda::EventInvokeConfig')));
  });

  test.each([
    ['users', { userPath: '/' }, "'userPath' is '/'.*administrators included"],
    ['devices', { devicePath: '/' }, "'devicePath' is '/'.*enabled for nobody"],
  ])('that covers all %s of the account says so', (_, path, words) => {
    const stack = literalStack();
    scoped(stack, { ...STAFF, ...path });
    Annotations.fromStack(stack).hasWarning('*', Match.stringLikeRegexp(words));
  });
});

describe('what is known to be outside of the scope is an error that names it and the scope', () => {
  const owned = (stack: Stack, props?: ConstructorParameters<typeof Secret>[2]): ISecret =>
    new Secret(stack, 'Owned', props);

  test.each<[string, (stack: Stack) => Partial<MfaEnrollmentProps>, RegExp]>([
    [
      'an imported user of another path',
      (stack) => ({ user: iam.User.fromUserArn(stack, 'U', 'arn:aws:iam::123456789012:user/guests/amy') }),
      /^'user': 'Stack\/U' has the path '\/guests\/', outside of the scope of 'Stack\/Fleet': a user below '\/staff\/'/,
    ],
    [
      'an imported user whose path is not given',
      (stack) => ({ user: iam.User.fromUserName(stack, 'U', 'amy') }),
      /^'user': 'Stack\/U' has the path '\/', outside/,
    ],
    [
      "a user of the stack's own",
      (stack) => ({ user: new iam.User(stack, 'U', { path: '/guests/' }) }),
      /^'user': 'Stack\/U' has the path '\/guests\/', outside/,
    ],
    [
      'a device of another path',
      () => ({ serialNumber: 'arn:aws:iam::123456789012:mfa/guests/amy' }),
      /^'serialNumber': device '\/guests\/amy' is outside of the scope of 'Stack\/Fleet': a device below '\/staff\/'/,
    ],
    [
      'a secret of another name',
      (stack) => ({ seedSecret: Secret.fromSecretNameV2(stack, 'S', 'seeds/amy') }),
      /^'seedSecret': 'Stack\/S' is called 'seeds\/amy', outside .*a secret whose name begins with 'mfa\/staff\/'/,
    ],
    [
      "a secret of the stack's own with another name",
      (stack) => ({ seedSecret: owned(stack, { secretName: 'seeds/amy' }) }),
      /^'seedSecret': 'Stack\/Owned' is called 'seeds\/amy', outside/,
    ],
    [
      'a secret that CloudFormation names',
      (stack) => ({ seedSecret: owned(stack) }),
      /^'seedSecret': 'Stack\/Owned' has no 'secretName', so that CloudFormation names it, outside/,
    ],
    [
      'a secret of another region',
      (stack) => ({
        seedSecret: Secret.fromSecretCompleteArn(
          stack,
          'S',
          'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mfa/staff/amy-AbCdEf',
        ),
      }),
      /^'seedSecret': 'Stack\/S' is in eu-west-1, outside of the scope .*a secret of eu-central-1 is expected/,
    ],
    [
      'a key that the scope does not name',
      (stack) => ({
        seedSecret: owned(stack, { secretName: 'mfa/staff/amy', encryptionKey: new kms.Key(stack, 'Other') }),
      }),
      /^'seedSecret': 'Stack\/Owned' is encrypted with key 'Stack\/Other', which is not among the 'encryptionKeys'/,
    ],
  ])('%s', (_, props, words) => {
    const stack = newStack({ env: ENV });
    const provider = scoped(stack);
    expect(() => enrollStaff(stack, provider, props(stack))).toThrow(words);
  });

  test('a device of another path, and so the secret that is called after it', () => {
    const stack = newStack();
    const provider = scoped(stack);
    expect(() => new VirtualMfaDevice(stack, 'Device', { provider })).toThrow(
      /^'path': device '\/' is outside of the scope of 'Stack\/Fleet': a device below '\/staff\/' is expected/,
    );
    const elsewhere = new MfaEnrollmentProvider(stack, 'Seeds', { scope: { ...STAFF, seedSecretPrefix: 'seeds/' } });
    expect(() => new VirtualMfaDevice(stack, 'Other', { provider: elsewhere, path: '/staff/' })).toThrow(
      /^'seedSecret': .* is called 'mfa\/staff\/Stack-Other.*, outside of the scope/,
    );
  });

  test.each<[string, MfaEnrollmentProviderScope, RegExp]>([
    ['a path without a slash at its end', { ...STAFF, userPath: '/staff' }, /^'scope.userPath': '\/staff' is no path/],
    ['a wildcard in a path', { ...STAFF, devicePath: '/*/' }, /^'scope.devicePath': '\/\*\/' is no path/],
    ['an empty prefix', { ...STAFF, seedSecretPrefix: '' }, /^'scope.seedSecretPrefix': '' is no beginning/],
    ['a wildcard in a prefix', { ...STAFF, seedSecretPrefix: 'mfa/*' }, /^'scope.seedSecretPrefix': 'mfa\/\*' is no/],
  ])('%s is no scope', (_, scope, words) => {
    expect(() => scoped(newStack(), scope)).toThrow(words);
  });
});

describe('what only a deployment knows is left to it', () => {
  test.each<[string, (stack: Stack) => Partial<MfaEnrollmentProps>]>([
    ['a user', (stack) => ({ user: iam.User.fromUserArn(stack, 'U', new CfnParameter(stack, 'P').valueAsString) })],
    ['a device', (stack) => ({ serialNumber: new CfnParameter(stack, 'P').valueAsString })],
    [
      'a secret',
      (stack) => ({ seedSecret: Secret.fromSecretNameV2(stack, 'S', new CfnParameter(stack, 'P').valueAsString) }),
    ],
    [
      'the end of a name',
      (stack) => ({
        seedSecret: Secret.fromSecretNameV2(stack, 'S', `mfa/staff/${new CfnParameter(stack, 'P').valueAsString}`),
      }),
    ],
  ])('%s', (_, props) => {
    const stack = newStack();
    expect(() => enrollStaff(stack, scoped(stack), props(stack))).not.toThrow();
  });
});

describe('within the scope', () => {
  test("a device's own secret, and a key by whatever construct it is named", () => {
    const stack = newStack({ env: ENV });
    const provider = scoped(stack, { ...STAFF, encryptionKeys: [kms.Key.fromKeyArn(stack, 'Key', KEY)] });
    const encryptionKey = kms.Key.fromKeyArn(stack, 'SameKey', KEY);
    const device = new VirtualMfaDevice(stack, 'Device', { provider, path: '/staff/', encryptionKey });
    const { serialNumber, seedSecret } = device;
    expect(() => enrollStaff(stack, provider, { serialNumber, seedSecret })).not.toThrow();
  });

  test('490 enrollments are one stack within the limits of CloudFormation and IAM', () => {
    const stack = newStack({ env: ENV }, newApp());
    const provider = scoped(stack);
    for (let index = 0; index < 490; index++) {
      const name = `user-${index}`;
      new MfaEnrollment(stack, `Mfa${index}`, {
        user: staffUser(stack, name),
        serialNumber: serialNumberOf(name),
        seedSecret: seedOf(stack, name),
        removalPolicy: RemovalPolicy.DESTROY,
        provider,
      });
    }
    const template = (stack.node.root as ReturnType<typeof newApp>).synth().getStackByName('Stack').template as {
      Resources: object;
    };
    expect(Object.keys(template.Resources).length).toBeLessThanOrEqual(500);
    expect(JSON.stringify(template).length).toBeLessThan(1024 * 1024);
    const lengths = Object.values(policies(stack)).map(
      ({ Properties }) => JSON.stringify(Properties['PolicyDocument']).length,
    );
    expect(lengths.reduce((sum, length) => sum + length)).toBeLessThan(10_240);
  });
});

describe('policies of their own', () => {
  const enrollMany = (count: number) => {
    const stack = newStack({ env: ENV }, newApp());
    for (let index = 0; index < count; index++) {
      const name = `user-${index}`;
      enroll(
        stack,
        { user: staffUser(stack, name), serialNumber: serialNumberOf(name), seedSecret: seedOf(stack, name) },
        name,
      );
    }
    return stack;
  };
  const warnings = (stack: Stack) =>
    Annotations.fromStack(stack).findWarning('*', Match.stringLikeRegexp('rolePolicyLength'));

  test.each([
    [8, 0],
    [14, 1],
  ])('of %i enrollments lead to %i warnings that half of what IAM allows for one role is used', (count, expected) => {
    expect(warnings(enrollMany(count))).toHaveLength(expected);
  });

  /** Of users and devices whose names only a deployment knows. */
  const warningOf = (count: number) => {
    const stack = newStack({}, newApp());
    for (let index = 0; index < count; index++) {
      const { serialNumber, seedSecret } = new VirtualMfaDevice(stack, `Device${index}`);
      new MfaEnrollment(stack, `Mfa${index}`, { user: new iam.User(stack, `User${index}`), serialNumber, seedSecret });
    }
    return warnings(stack).map(({ entry }) => entry.data)[0];
  };

  test.each([
    [5, undefined],
    [6, expect.stringMatching(/about 5\d{3} characters, .* twice as many/) as string],
    [11, expect.stringMatching(/about 9\d{3} characters, .* twice as many/) as string],
    [12, expect.stringMatching(/about 10\d{3} characters, .* will most likely fail/) as string],
  ])('of %i users with devices are counted with the ARNs that a deployment will put in', (count, expected) => {
    expect(warningOf(count)).toEqual(expected);
  });

  test('that are too much for one role are an error, which names the way on', () => {
    expect(() => (enrollMany(40).node.root as ReturnType<typeof newApp>).synth()).toThrow(
      /the policies on its role have at least \d+ characters, and IAM allows 10240 in all: give enrollments and devices a 'provider' with a 'scope'.*, or several with a role for each/,
    );
  });

  test('of several providers are counted together where they have one role', () => {
    const stack = newStack({ env: ENV }, newApp());
    const role = new iam.Role(stack, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
    for (const id of ['One', 'Other']) {
      const provider = new MfaEnrollmentProvider(stack, id, { role });
      for (let index = 0; index < 7; index++) {
        enrollStaff(stack, provider, {}, `${id}-${index}`);
      }
    }
    expect(warnings(stack)).toHaveLength(2);
  });

  test('that are not attached, as the role is not mutable, do not count', () => {
    const stack = newStack({ env: ENV }, newApp());
    const role = iam.Role.fromRoleArn(stack, 'Role', 'arn:aws:iam::123456789012:role/mfa', { mutable: false });
    const provider = new MfaEnrollmentProvider(stack, 'Fleet', { role });
    for (let index = 0; index < 40; index++) {
      enrollStaff(stack, provider, {}, `user-${index}`);
    }
    expect(warnings(stack)).toEqual([]);
  });
});
