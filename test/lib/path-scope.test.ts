import { CfnParameter, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { MfaEnrollment, MfaEnrollmentProvider, type MfaEnrollmentPathScope, VirtualMfaDevice } from '../../lib';
import {
  type Declaration,
  enroll,
  enrollments,
  ENV,
  literalStack,
  newApp,
  newStack,
  only,
  resources,
  statementsOf,
} from './fixture';

const STAFF = { userPath: '/staff/', devicePath: '/staff/' };
const KEY = 'arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';

const scoped = (stack: Stack, pathScope: MfaEnrollmentPathScope = STAFF) =>
  new MfaEnrollmentProvider(stack, 'Fleet', { pathScope });
const policies = (stack: Stack) => resources(stack, 'AWS::IAM::Policy');
const scopePolicies = (stack: Stack) =>
  Object.entries(policies(stack)).filter(([logicalId]) => logicalId.startsWith('MfaEnrollmentPathScope'));
const staffUser = (stack: Stack, name: string) =>
  iam.User.fromUserArn(stack, `User${name}`, `arn:aws:iam::123456789012:user/staff/${name}`);
const seedOf = (stack: Stack, name: string) => Secret.fromSecretNameV2(stack, `Seed${name}`, `mfa/staff/${name}`);
const serialNumberOf = (name: string) => `arn:aws:iam::123456789012:mfa/staff/${name}`;

/** An enrollment of an imported device in the path scope, unless `props` say otherwise. */
function enrollStaff(stack: Stack, provider: MfaEnrollmentProvider, props: Declaration = {}, name = 'amy') {
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

describe('a provider with a path scope', () => {
  test('has one policy for users, devices and secrets by paths and names, and its other policies only write logs', () => {
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
        Action: [
          'secretsmanager:DeleteSecret',
          'secretsmanager:DescribeSecret',
          'secretsmanager:GetSecretValue',
          'secretsmanager:PutSecretValue',
        ],
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

  test('adds no policy for an enrollment or a device: each depends on the policies of the provider and the retry settings', () => {
    const stack = literalStack();
    const provider = scoped(stack);
    const device = new VirtualMfaDevice(stack, 'Device', { provider, virtualMfaDeviceName: 'amy' });
    enroll(stack, { provider, user: staffUser(stack, 'amy'), device });
    const [[scopePolicy] = []] = scopePolicies(stack);
    const policyIds = Object.keys(policies(stack)).sort();
    expect(policyIds).toEqual([expect.stringMatching(/^FleetPolicy/), scopePolicy]);
    const expected = [...policyIds, ...Object.keys(resources(stack, 'AWS::Lambda::EventInvokeConfig'))].sort();
    const customResources = [
      ...Object.values(enrollments(stack)),
      ...Object.values(resources(stack, 'Custom::VirtualMfaDevice')),
    ];
    expect(customResources).toHaveLength(2);
    for (const { DependsOn } of customResources) {
      expect(DependsOn).toEqual(expected);
    }
  });

  test('has another policy with another path scope, so that the old one stays until cleanup has used it', () => {
    const idOf = (scope: MfaEnrollmentPathScope) => {
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
    expect(ids).not.toContain(undefined);
    expect(new Set(ids).size).toBe(ids.length);
    expect(idOf({ ...STAFF, seedSecretPrefix: 'mfa/staff/' })).toBe(ids[0]);
  });

  test('has a policy that depends on nothing, so that CloudFormation creates it beside the retry settings', () => {
    const stack = literalStack();
    scoped(stack);
    const [[, policy] = []] = scopePolicies(stack);
    expect(policy).toBeDefined();
    expect(policy?.DependsOn).toBeUndefined();
  });

  test('grants nothing to an immutable role, and its enrollments depend only on the retry settings', () => {
    const stack = literalStack();
    const role = iam.Role.fromRoleArn(stack, 'Role', 'arn:aws:iam::123456789012:role/mfa', { mutable: false });
    const provider = new MfaEnrollmentProvider(stack, 'Fleet', { pathScope: STAFF, role });
    enrollStaff(stack, provider);
    expect(policies(stack)).toEqual({});
    const [enrollment] = Object.values(enrollments(stack));
    expect(enrollment?.DependsOn).toEqual(Object.keys(resources(stack, 'AWS::Lambda::EventInvokeConfig')));
  });

  test.each([
    ['users', { userPath: '/' }, "'pathScope.userPath' is '/'.*administrators included"],
    ['devices', { devicePath: '/' }, "'pathScope.devicePath' is '/'.*enabled for nobody"],
  ])('of all %s of the account is a warning', (_, path, words) => {
    const stack = literalStack();
    scoped(stack, { ...STAFF, ...path });
    Annotations.fromStack(stack).hasWarning('/Stack/Fleet', Match.stringLikeRegexp(words));
  });
});

const REASON = "which is the path scope of 'Stack/Fleet'";

describe('a user, device, secret or key outside of the path scope is an error that names it and the path scope', () => {
  const owned = (stack: Stack, props?: ConstructorParameters<typeof Secret>[2]): ISecret =>
    new Secret(stack, 'Owned', props);
  const PREFIX = `expected a secret whose name begins with 'mfa/staff/', ${REASON}`;

  test.each<[string, (stack: Stack) => Declaration, string]>([
    [
      'an imported user with another path',
      (stack) => ({ user: iam.User.fromUserArn(stack, 'U', 'arn:aws:iam::123456789012:user/guests/amy') }),
      `'user': invalid value 'Stack/U' with path '/guests/': expected a user below '/staff/', ${REASON}`,
    ],
    [
      'an imported user without a path',
      (stack) => ({ user: iam.User.fromUserName(stack, 'U', 'amy') }),
      `'user': invalid value 'Stack/U' with path '/': expected a user below '/staff/', ${REASON}`,
    ],
    [
      'a declared user with another path',
      (stack) => ({ user: new iam.User(stack, 'U', { path: '/guests/' }) }),
      `'user': invalid value 'Stack/U' with path '/guests/': expected a user below '/staff/', ${REASON}`,
    ],
    [
      'a device with another path',
      () => ({ serialNumber: 'arn:aws:iam::123456789012:mfa/guests/amy' }),
      `'device': invalid value '/guests/amy': expected a device below '/staff/', ${REASON}`,
    ],
    [
      'an imported secret with another name',
      (stack) => ({ seedSecret: Secret.fromSecretNameV2(stack, 'S', 'seeds/amy') }),
      `'device': invalid value 'Stack/S' with name 'seeds/amy': ${PREFIX}`,
    ],
    [
      'a declared secret with another name',
      (stack) => ({ seedSecret: owned(stack, { secretName: 'seeds/amy' }) }),
      `'device': invalid value 'Stack/Owned' with name 'seeds/amy': ${PREFIX}`,
    ],
    [
      'a secret whose name CloudFormation generates',
      (stack) => ({ seedSecret: owned(stack) }),
      `'device': invalid value 'Stack/Owned' without 'secretName': ${PREFIX}`,
    ],
    [
      'a secret in another region',
      (stack) => ({
        seedSecret: Secret.fromSecretCompleteArn(
          stack,
          'S',
          'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mfa/staff/amy-AbCdEf',
        ),
      }),
      `'device': invalid value 'Stack/S' in eu-west-1: expected a secret in eu-central-1, ${REASON}`,
    ],
    [
      'a secret in another account',
      (stack) => ({
        seedSecret: Secret.fromSecretCompleteArn(
          stack,
          'S',
          'arn:aws:secretsmanager:eu-central-1:999999999999:secret:mfa/staff/amy-AbCdEf',
        ),
      }),
      `'device': invalid value 'Stack/S' in 999999999999: expected a secret in 123456789012, ${REASON}`,
    ],
    [
      'a key that the path scope does not name',
      (stack) => ({
        seedSecret: owned(stack, { secretName: 'mfa/staff/amy', encryptionKey: new kms.Key(stack, 'Other') }),
      }),
      "'device': invalid value 'Stack/Owned' with key 'Stack/Other': expected a key among 'pathScope.encryptionKeys' of 'Stack/Fleet'",
    ],
  ])('%s', (_, props, words) => {
    const stack = newStack({ env: ENV });
    const provider = scoped(stack);
    expect(() => enrollStaff(stack, provider, props(stack))).toThrow(`[Stack/Mfaamy] ${words}`);
  });

  test.each(['/', '/guests/'])('a declared device with path %s', (path) => {
    const stack = newStack();
    expect(() => new VirtualMfaDevice(stack, 'Device', { provider: scoped(stack), path })).toThrow(
      `[Stack/Device] 'path': invalid value '${path}': expected a device below '/staff/', ${REASON}`,
    );
  });

  test("a caller's secret of a declared device", () => {
    const stack = newStack();
    const props = { provider: scoped(stack), virtualMfaDeviceName: 'amy', seedSecret: owned(stack) };
    expect(() => new VirtualMfaDevice(stack, 'Device', props)).toThrow(
      `[Stack/Device] 'seedSecret': invalid value 'Stack/Owned' without 'secretName': ${PREFIX}`,
    );
  });

  test('a key of a declared device', () => {
    const stack = newStack();
    const props = { provider: scoped(stack), encryptionKey: new kms.Key(stack, 'Other') };
    expect(() => new VirtualMfaDevice(stack, 'Device', props)).toThrow(
      "with key 'Stack/Other': expected a key among 'pathScope.encryptionKeys' of 'Stack/Fleet'",
    );
  });

  test('the user of a default device', () => {
    const stack = newStack();
    const user = iam.User.fromUserName(stack, 'U', 'amy');
    expect(() => new MfaEnrollment(stack, 'Mfa', { user, provider: scoped(stack) })).toThrow(
      "[Stack/Mfa] 'user': invalid value 'Stack/U' with path '/'",
    );
  });
});

describe('an invalid path scope is an error that names the prop', () => {
  const PATH = "expected a path that begins and ends with '/', such as '/' or '/staff/'";
  const NAME = 'expected one or more letters, digits and characters of /_+=.@-';

  test.each<[string, MfaEnrollmentPathScope, string]>([
    [
      'a path without a slash at its end',
      { ...STAFF, userPath: '/staff' },
      `'pathScope.userPath': invalid path '/staff': ${PATH}`,
    ],
    ['a path with a wildcard', { ...STAFF, devicePath: '/*/' }, `'pathScope.devicePath': invalid path '/*/': ${PATH}`],
    ['an empty prefix', { ...STAFF, seedSecretPrefix: '' }, `'pathScope.seedSecretPrefix': invalid prefix '': ${NAME}`],
    [
      'a prefix with a wildcard',
      { ...STAFF, seedSecretPrefix: 'mfa/*' },
      `'pathScope.seedSecretPrefix': invalid prefix 'mfa/*': ${NAME}`,
    ],
  ])('%s', (_, pathScope, words) => {
    expect(() => scoped(newStack(), pathScope)).toThrow(`[Stack/Fleet] ${words}`);
  });
});

describe('what only the deployment knows passes', () => {
  test.each<[string, (stack: Stack) => Declaration]>([
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

describe('a path scope whose values only the deployment knows rejects nothing', () => {
  test.each<[string, (text: string) => MfaEnrollmentPathScope]>([
    ['userPath', (text) => ({ ...STAFF, userPath: text })],
    ['userPath in part', (text) => ({ ...STAFF, userPath: `/${text}/` })],
    ['devicePath', (text) => ({ ...STAFF, devicePath: text, seedSecretPrefix: 'mfa/staff/' })],
    ['devicePath in part, and the prefix that follows from it', (text) => ({ ...STAFF, devicePath: `/${text}/` })],
    ['seedSecretPrefix', (text) => ({ ...STAFF, seedSecretPrefix: text })],
    ['seedSecretPrefix in part', (text) => ({ ...STAFF, seedSecretPrefix: `mfa/${text}/` })],
  ])('%s', (_, pathScope) => {
    const stack = newStack({ env: ENV });
    const provider = scoped(stack, pathScope(new CfnParameter(stack, 'Value').valueAsString));
    expect(() => enrollStaff(stack, provider)).not.toThrow();
    expect(() => new VirtualMfaDevice(stack, 'Named', { provider, path: '/staff/' })).not.toThrow();
    expect(() => new VirtualMfaDevice(stack, 'Default', { provider })).not.toThrow();
    expect(() => new MfaEnrollment(stack, 'Mfa', { user: staffUser(stack, 'bob'), provider })).not.toThrow();
  });

  test('an error still compares the parts of the path scope that are known', () => {
    const stack = newStack();
    const userPath = new CfnParameter(stack, 'Value').valueAsString;
    const provider = scoped(stack, { ...STAFF, userPath });
    expect(() => enrollStaff(stack, provider, { serialNumber: 'arn:aws:iam::123456789012:mfa/guests/amy' })).toThrow(
      `'device': invalid value '/guests/amy': expected a device below '/staff/', ${REASON}`,
    );
  });
});

describe('names under a path scope', () => {
  const secretName = (stack: Stack) => only(stack, 'AWS::SecretsManager::Secret').Properties['Name'];
  const device = (
    pathScope: MfaEnrollmentPathScope | undefined,
    props: { readonly path?: string; readonly virtualMfaDeviceName?: string },
  ) => {
    const stack = literalStack();
    const provider = new MfaEnrollmentProvider(stack, 'Fleet', { pathScope });
    new VirtualMfaDevice(stack, 'Device', { provider, ...props });
    return stack;
  };

  test('the default device has the devicePath as its path, and its secret has the prefix and its name', () => {
    const stack = literalStack();
    const { device } = new MfaEnrollment(stack, 'Mfa', { user: staffUser(stack, 'amy'), provider: scoped(stack) });
    const { virtualMfaDeviceName } = device as VirtualMfaDevice;
    expect(virtualMfaDeviceName).toMatch(/^Stack-amy-eu-central-1-[0-9a-f]{8}-1$/);
    expect(only(stack, 'Custom::VirtualMfaDevice').Properties['SerialNumber']).toBe(
      serialNumberOf(virtualMfaDeviceName),
    );
    expect(secretName(stack)).toBe(`mfa/staff/${virtualMfaDeviceName}`);
  });

  test('a declared device has the devicePath as its default path', () => {
    const stack = device(STAFF, { virtualMfaDeviceName: 'amy' });
    expect(only(stack, 'Custom::VirtualMfaDevice').Properties['SerialNumber']).toBe(serialNumberOf('amy'));
  });

  test.each<[string, MfaEnrollmentPathScope, string, string]>([
    ['the default prefix', STAFF, '/staff/', 'mfa/staff/amy'],
    ['the default prefix and a path below devicePath', STAFF, '/staff/eu/', 'mfa/staff/eu/amy'],
    ['a prefix', { ...STAFF, seedSecretPrefix: 'seeds/' }, '/staff/', 'seeds/amy'],
    ['a prefix and a path below devicePath', { ...STAFF, seedSecretPrefix: 'seeds/' }, '/staff/eu/', 'seeds/eu/amy'],
    ['a prefix without a slash', { ...STAFF, seedSecretPrefix: 'seed-' }, '/staff/', 'seed-amy'],
    ['devicePath /', { ...STAFF, devicePath: '/' }, '/staff/', 'mfa/staff/amy'],
    [
      "characters that a secret's name can't have",
      { ...STAFF, devicePath: '/a:b/' },
      '/a:b/c,d/',
      'mfa/a=3Ab/c=2Cd/amy',
    ],
  ])('a secret is called <prefix><path below devicePath><name>: %s', (_, pathScope, path, expected) => {
    expect(secretName(device(pathScope, { path, virtualMfaDeviceName: 'amy' }))).toBe(expected);
  });

  test('two devices never share the name of a secret, whatever characters are replaced', () => {
    const nameOf = (virtualMfaDeviceName: string) => secretName(device(STAFF, { virtualMfaDeviceName }));
    const names = ['c,d', 'c=2Cd', 'c=3D2Cd', 'c=d', 'c-d'].map(nameOf);
    expect(new Set(names).size).toBe(names.length);
  });

  test('without a path scope CloudFormation generates the name of the secret', () => {
    const stack = device(undefined, { path: '/staff/', virtualMfaDeviceName: 'amy' });
    expect(only(stack, 'AWS::SecretsManager::Secret').Properties).not.toHaveProperty('Name');
  });
});

describe('in the path scope', () => {
  test("a declared device's secret, and a key that is imported twice, pass", () => {
    const stack = newStack({ env: ENV });
    const provider = scoped(stack, { ...STAFF, encryptionKeys: [kms.Key.fromKeyArn(stack, 'Key', KEY)] });
    const encryptionKey = kms.Key.fromKeyArn(stack, 'SameKey', KEY);
    const device = new VirtualMfaDevice(stack, 'Device', { provider, path: '/staff/', encryptionKey });
    expect(() => enroll(stack, { user: staffUser(stack, 'amy'), provider, device })).not.toThrow();
  });

  test('490 enrollments fit in one stack within the limits of CloudFormation and IAM', () => {
    const stack = newStack({ env: ENV }, newApp());
    const provider = scoped(stack);
    for (let index = 0; index < 490; index++) {
      const name = `user-${index}`;
      new MfaEnrollment(stack, `Mfa${index}`, {
        user: staffUser(stack, name),
        device: VirtualMfaDevice.fromVirtualMfaDeviceAttributes(stack, `Device${index}`, {
          serialNumber: serialNumberOf(name),
          seedSecret: seedOf(stack, name),
        }),
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

describe('the policies of enrollments and devices without a path scope', () => {
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
  ])('of %i enrollments are %i warnings that they use half of what IAM allows for one role', (count, expected) => {
    expect(warnings(enrollMany(count))).toHaveLength(expected);
  });

  /** Users and devices whose names only the deployment knows. */
  const warningOf = (count: number) => {
    const stack = newStack({}, newApp());
    for (let index = 0; index < count; index++) {
      const device = new VirtualMfaDevice(stack, `Device${index}`);
      new MfaEnrollment(stack, `Mfa${index}`, { user: new iam.User(stack, `User${index}`), device });
    }
    return warnings(stack).map(({ entry }) => entry.data)[0];
  };

  test.each([
    [3, undefined],
    [4, expect.stringMatching(/about 5\d{3} characters, .* twice as many/) as string],
    [8, expect.stringMatching(/about 9\d{3} characters, .* twice as many/) as string],
    [9, expect.stringMatching(/about 10\d{3} characters, .* will most likely fail/) as string],
  ])(
    'of %i users with devices count with the likely length of ARNs that only the deployment knows',
    (count, expected) => {
      expect(warningOf(count)).toEqual(expected);
    },
  );

  test('that are too many for one role are an error that names the remedy', () => {
    expect(() => (enrollMany(40).node.root as ReturnType<typeof newApp>).synth()).toThrow(
      /the policies on its role have at least \d+ characters, and IAM allows 10240 in total: use a provider with a 'pathScope', .* or several providers, each with its own role/,
    );
  });

  test('of several providers with one role count together', () => {
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

  test('that an immutable role does not accept do not count', () => {
    const stack = newStack({ env: ENV }, newApp());
    const role = iam.Role.fromRoleArn(stack, 'Role', 'arn:aws:iam::123456789012:role/mfa', { mutable: false });
    const provider = new MfaEnrollmentProvider(stack, 'Fleet', { role });
    for (let index = 0; index < 40; index++) {
      enrollStaff(stack, provider, {}, `user-${index}`);
    }
    expect(warnings(stack)).toEqual([]);
  });
});
