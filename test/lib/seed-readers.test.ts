import { type CfnElement, Fn, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { type IVirtualMfaDevice, MfaEnrollmentProvider, VirtualMfaDevice, type VirtualMfaDeviceProps } from '../../lib';
import { DEVICE, enroll, ENV, newApp, newStack, only, resources } from './fixture';
import { bareTemplate, enrollDefault } from './templates';

const POLICY = 'AWS::SecretsManager::ResourcePolicy';
const PATH_SCOPE = { userPath: '/', devicePath: '/staff/' };

/** A stack with a device and a role that may read its seed. */
function withReader(props: VirtualMfaDeviceProps = {}) {
  const stack = newStack({ env: ENV });
  const reader = new iam.Role(stack, 'Reader', { assumedBy: new iam.AccountRootPrincipal() });
  const device = new VirtualMfaDevice(stack, 'Device', { virtualMfaDeviceName: 'alice', ...props });
  return { stack, reader, device };
}

/** The statements of the policy of the stack's only secret with a policy. */
function statementsIn(stack: Stack): unknown[] {
  return (only(stack, POLICY).Properties['ResourcePolicy'] as { Statement: unknown[] }).Statement;
}

/** A statement of a secret's policy that denies an action to all but these ARNs. */
function denial(stack: Stack, action: string, arns: string[]): unknown {
  return {
    Action: `secretsmanager:${action}`,
    Condition: { ArnNotEquals: { 'aws:PrincipalArn': stack.resolve(arns) as unknown } },
    Effect: 'Deny',
    Principal: { AWS: '*' },
    Resource: '*',
  };
}

/** The ARNs that a denial excepts, as synthesis knows them. */
function exceptedFrom(stack: Stack, action: string): unknown {
  const statement = statementsIn(stack).find(
    (each) => (each as { Action: unknown }).Action === `secretsmanager:${action}`,
  );
  const { Condition } = statement as { Condition: { ArnNotEquals: Record<string, unknown> } };
  return Condition.ArnNotEquals['aws:PrincipalArn'];
}

/** The actions on the secret that the policies of the stack's roles and users allow to readers. */
function grantsIn(stack: Stack, reader: Construct): unknown[] {
  return Object.values(resources(stack, 'AWS::IAM::Policy'))
    .filter(({ Properties }) => {
      const { Roles = [], Users = [], Groups = [] } = Properties as Record<string, unknown[]>;
      const names = JSON.stringify([Roles, Users, Groups]);
      return names.includes(`"${stack.getLogicalId(reader.node.defaultChild as CfnElement)}"`);
    })
    .flatMap(({ Properties }) => (Properties['PolicyDocument'] as { Statement: unknown[] }).Statement);
}

describe('the policy of the secret', () => {
  test('denies reading to all but the readers and the function, and writing to all but the function', () => {
    const { stack, reader, device } = withReader();
    device.restrictSeedReaders(reader);
    const { roleArn } = MfaEnrollmentProvider.getOrCreate(stack).role;
    expect(statementsIn(stack)).toEqual([
      denial(stack, 'GetSecretValue', [reader.roleArn, roleArn]),
      denial(stack, 'PutSecretValue', [roleArn]),
    ]);
    expect(only(stack, POLICY).Properties['SecretId']).toEqual(stack.resolve(device.seedSecret.secretArn));
  });

  test('has two statements after any number of calls, with all readers in them, each once', () => {
    const { stack, reader, device } = withReader();
    const user = new iam.User(stack, 'Auditor');
    device.restrictSeedReaders(reader);
    device.restrictSeedReaders(reader, user);
    device.restrictSeedReaders();
    const { roleArn } = MfaEnrollmentProvider.getOrCreate(stack).role;
    expect(statementsIn(stack)).toEqual([
      denial(stack, 'GetSecretValue', [reader.roleArn, user.userArn, roleArn]),
      denial(stack, 'PutSecretValue', [roleArn]),
    ]);
  });

  test('without any reader allows reading to the function only', () => {
    const { stack, device } = withReader();
    device.restrictSeedReaders();
    const { roleArn } = MfaEnrollmentProvider.getOrCreate(stack).role;
    expect(statementsIn(stack)).toEqual([
      denial(stack, 'GetSecretValue', [roleArn]),
      denial(stack, 'PutSecretValue', [roleArn]),
    ]);
  });

  test.each(['before', 'after'])(
    'excepts the roles of the functions that create and enroll a device, restricted %s it is enrolled',
    (when) => {
      const { stack, reader, device } = withReader();
      const creating = MfaEnrollmentProvider.getOrCreate(stack);
      const enrolling = new MfaEnrollmentProvider(stack, 'Enrolling');
      if (when === 'before') {
        device.restrictSeedReaders(reader);
      }
      enroll(stack, { device, provider: enrolling });
      if (when === 'after') {
        device.restrictSeedReaders(reader);
      }
      const functions = [creating.role.roleArn, enrolling.role.roleArn];
      expect(statementsIn(stack)).toEqual([
        denial(stack, 'GetSecretValue', [reader.roleArn, ...functions]),
        denial(stack, 'PutSecretValue', functions),
      ]);
    },
  );

  test('excepts the role of a provider once that both creates and enrolls the device', () => {
    const { stack, device } = withReader();
    enroll(stack, { device });
    device.restrictSeedReaders();
    expect(exceptedFrom(stack, 'PutSecretValue')).toEqual([
      stack.resolve(MfaEnrollmentProvider.getOrCreate(stack).role.roleArn),
    ]);
  });

  test.each(['the same', 'another'])(
    'excepts the role of a provider that %s stack imports by its attributes',
    (where) => {
      const app = newApp();
      const stack = newStack({ env: ENV }, app);
      const importing = where === 'another' ? newStack({ env: ENV }, app, 'Importing') : stack;
      const roleArn = 'arn:aws:iam::123456789012:role/mfa';
      const provider = MfaEnrollmentProvider.fromMfaEnrollmentProviderAttributes(importing, 'Imported', {
        serviceToken: 'arn:aws:lambda:eu-central-1:123456789012:function:mfa',
        roleArn,
        pathScope: PATH_SCOPE,
      });
      const device = new VirtualMfaDevice(stack, 'Bob', { virtualMfaDeviceName: 'bob', provider });
      device.restrictSeedReaders();
      expect(exceptedFrom(stack, 'GetSecretValue')).toEqual([roleArn]);
      expect(exceptedFrom(stack, 'PutSecretValue')).toEqual([roleArn]);
    },
  );

  test('also has the statements that the app adds', () => {
    const { stack, device } = withReader();
    device.seedSecret.denyAccountRootDelete();
    device.restrictSeedReaders();
    expect(statementsIn(stack)).toHaveLength(3);
  });

  test('can be restricted for a default device, through its enrollment', () => {
    const stack = newStack();
    enrollDefault(stack).device.restrictSeedReaders();
    expect(exceptedFrom(stack, 'GetSecretValue')).toEqual([
      stack.resolve(MfaEnrollmentProvider.getOrCreate(stack).role.roleArn),
    ]);
  });

  test("restricts a caller's secret", () => {
    const stack = newStack();
    const seedSecret = new Secret(stack, 'Own');
    new VirtualMfaDevice(stack, 'Device', { virtualMfaDeviceName: 'alice', seedSecret }).restrictSeedReaders();
    expect(only(stack, POLICY).Properties['SecretId']).toEqual(stack.resolve(seedSecret.secretArn));
    expect(statementsIn(stack)).toHaveLength(2);
  });

  test('restricts a secret of the app that holds the seed of an imported device', () => {
    const stack = newStack();
    const device = VirtualMfaDevice.fromVirtualMfaDeviceAttributes(stack, 'Imported', {
      serialNumber: DEVICE,
      seedSecret: new Secret(stack, 'Own'),
    });
    device.restrictSeedReaders();
    const enrollment = enroll(stack, { device });
    expect(enrollment.device).toBe(device);
    expect(exceptedFrom(stack, 'PutSecretValue')).toEqual([
      stack.resolve(MfaEnrollmentProvider.getOrCreate(stack).role.roleArn),
    ]);
  });
});

describe('readers', () => {
  const READERS: [string, (stack: Stack) => iam.IGrantable, (stack: Stack) => Construct][] = [
    [
      'a role',
      (s) => new iam.Role(s, 'R', { assumedBy: new iam.AccountRootPrincipal() }),
      (s) => s.node.findChild('R'),
    ],
    ['a user', (s) => new iam.User(s, 'R'), (s) => s.node.findChild('R')],
    [
      'a function, whose principal is a role',
      (s) =>
        new lambda.Function(s, 'R', {
          code: lambda.Code.fromInline('//'),
          handler: 'index.handler',
          runtime: lambda.Runtime.NODEJS_20_X,
        }),
      (s) => s.node.findChild('R').node.findChild('ServiceRole'),
    ],
  ];

  test.each(READERS)('%s can read the secret', (_what, make, principal) => {
    const { stack, device } = withReader();
    device.restrictSeedReaders(make(stack));
    expect(grantsIn(stack, principal(stack))).toEqual([
      {
        Action: ['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'],
        Effect: 'Allow',
        Resource: stack.resolve(device.seedSecret.secretArn) as unknown,
      },
    ]);
    const reader = principal(stack) as Construct & { roleArn?: string; userArn?: string };
    expect(exceptedFrom(stack, 'GetSecretValue')).toContainEqual(stack.resolve(reader.roleArn ?? reader.userArn));
    expect(exceptedFrom(stack, 'PutSecretValue')).not.toContainEqual(stack.resolve(reader.roleArn ?? reader.userArn));
  });

  test('can decrypt with an imported key, for Secrets Manager only', () => {
    const stack = newStack({ env: ENV });
    const encryptionKey = kms.Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:eu-central-1:123456789012:key/1');
    const device = new VirtualMfaDevice(stack, 'Device', { virtualMfaDeviceName: 'alice', encryptionKey });
    const reader = new iam.User(stack, 'Reader');
    device.restrictSeedReaders(reader);
    const region = Fn.select(3, Fn.split(':', device.seedSecret.secretArn));
    expect(grantsIn(stack, reader)).toContainEqual({
      Action: 'kms:Decrypt',
      Condition: { StringLike: { 'kms:ViaService': stack.resolve(`secretsmanager.${region}.*`) as unknown } },
      Effect: 'Allow',
      Resource: encryptionKey.keyArn,
    });
  });

  test.each<[string, (stack: Stack) => iam.IGrantable]>([
    ['an imported role', (s) => iam.Role.fromRoleArn(s, 'R', 'arn:aws:iam::123456789012:role/team/reader')],
    [
      'an imported role that is immutable',
      (s) => iam.Role.fromRoleArn(s, 'R', 'arn:aws:iam::123456789012:role/team/reader', { mutable: false }),
    ],
    ['an imported user', (s) => iam.User.fromUserArn(s, 'R', 'arn:aws:iam::123456789012:user/team/reader')],
  ])('%s is excepted by its ARN', (_what, make) => {
    const { stack, device } = withReader();
    device.restrictSeedReaders(make(stack));
    expect(exceptedFrom(stack, 'GetSecretValue')).toContainEqual(
      expect.stringMatching(/^arn:aws:iam::123456789012:(role|user)\/team\/reader$/),
    );
  });

  test.each<[string, (stack: Stack) => unknown, RegExp]>([
    ['a group', (s) => new iam.Group(s, 'Group'), /invalid value 'Stack\/Group'/],
    ['a service', () => new iam.ServicePrincipal('lambda.amazonaws.com'), /invalid value an object/],
    ['an account', () => new iam.AccountPrincipal('123456789012'), /invalid value an object/],
    ['everybody', () => new iam.AnyPrincipal(), /invalid value an object/],
    ['an ARN', () => new iam.ArnPrincipal('arn:aws:iam::123456789012:role/reader'), /invalid value an object/],
    ['a plain object', () => ({ roleArn: 'arn:aws:iam::123456789012:role/reader' }), /invalid value an object/],
    [
      'a string',
      () => 'arn:aws:iam::123456789012:role/reader',
      /invalid value 'arn:aws:iam::123456789012:role\/reader'/,
    ],
    ['a list', (s) => [new iam.User(s, 'User')], /invalid value an object/],
    ['nothing', () => undefined, /invalid value undefined/],
    ['null', () => null, /invalid value null/],
  ])('%s is an error', (_what, make, value) => {
    const { stack, device } = withReader();
    const reader = make(stack) as iam.IGrantable;
    const restrict = () => device.restrictSeedReaders(reader);
    expect(restrict).toThrow(
      /^\[Stack\/Device\] 'restrictSeedReaders': invalid value .*: expected roles and users \(iam\.IRole, iam\.IUser\)$/,
    );
    expect(restrict).toThrow(value);
  });

  test.each<[string, (stack: Stack) => iam.IGrantable]>([
    ['a role', (s) => iam.Role.fromRoleArn(s, 'R', 'arn:aws:iam::123456789012:role/team-*')],
    [
      'a role of which one character is open',
      (s) => iam.Role.fromRoleArn(s, 'R', 'arn:aws:iam::123456789012:role/team-?'),
    ],
    ['a user', (s) => iam.User.fromUserArn(s, 'R', 'arn:aws:iam::123456789012:user/*')],
    ['a role in an account that only a deployment knows', (s) => iam.Role.fromRoleName(s, 'R', 'team-*')],
  ])('a wildcard in the ARN of %s is an error', (_what, make) => {
    const stack = newStack();
    const device = new VirtualMfaDevice(stack, 'Device');
    expect(() => device.restrictSeedReaders(make(stack))).toThrow(
      /^\[Stack\/Device\] 'restrictSeedReaders': invalid reader '.*[*?]': expected one role or user, without wildcards$/,
    );
  });

  test('a call with an invalid reader changes nothing', () => {
    const { stack, reader, device } = withReader();
    expect(() => device.restrictSeedReaders(reader, 'reader' as unknown as iam.IGrantable)).toThrow(
      /expected roles and users/,
    );
    expect(resources(stack, POLICY)).toEqual({});
    expect(grantsIn(stack, reader)).toEqual([]);
  });
});

describe('errors at synthesis', () => {
  test('an imported secret, which takes no policy', () => {
    const stack = newStack();
    const seedSecret = Secret.fromSecretNameV2(stack, 'Imported', 'mfa/alice');
    const restrict = (device: IVirtualMfaDevice) => () => device.restrictSeedReaders();
    const error =
      /'restrictSeedReaders': invalid secret 'Stack\/Imported': expected a secret that the app declares, because an imported one takes no resource policy$/;
    expect(restrict(new VirtualMfaDevice(stack, 'Device', { virtualMfaDeviceName: 'alice', seedSecret }))).toThrow(
      error,
    );
    expect(
      restrict(VirtualMfaDevice.fromVirtualMfaDeviceAttributes(stack, 'D', { serialNumber: DEVICE, seedSecret })),
    ).toThrow(error);
  });

  test('a secret of another stack', () => {
    const app = newApp();
    const seedSecret = new Secret(newStack({}, app, 'Secrets'), 'Seed');
    const device = new VirtualMfaDevice(newStack({}, app), 'Device', { virtualMfaDeviceName: 'alice', seedSecret });
    expect(() => device.restrictSeedReaders()).toThrow(
      /^\[Stack\/Device\] 'restrictSeedReaders': invalid secret 'Secrets\/Seed' in another stack: expected a secret in the stack of the device$/,
    );
  });

  /** A device whose creating and enrolling provider are each of its own stack or of another one. */
  const synthesis =
    (creates: 'own' | 'other', enrolls: 'own' | 'other', restrict = true) =>
    () => {
      const app = newApp();
      const other = new MfaEnrollmentProvider(newStack({}, app, 'Other'), 'Provider');
      const stack = newStack({}, app);
      const own = MfaEnrollmentProvider.getOrCreate(stack);
      const device = new VirtualMfaDevice(stack, 'Device', { provider: { own, other }[creates] });
      if (restrict) {
        device.restrictSeedReaders();
      }
      enroll(stack, { device, provider: { own, other }[enrolls] });
      app.synth();
    };

  test('a provider of another stack, whether it creates or enrolls the device', () => {
    const error =
      /\[Stack\/Device\] 'restrictSeedReaders': invalid provider 'Other\/Provider' in another stack: expected a provider in the stack of the secret, or one that is imported/;
    expect(synthesis('other', 'own')).toThrow(error);
    expect(synthesis('own', 'other')).toThrow(error);
    expect(synthesis('other', 'other')).toThrow(error);
    expect(synthesis('own', 'own')).not.toThrow();
  });

  test('a provider of another stack is no error without restricted readers', () => {
    expect(synthesis('other', 'other', false)).not.toThrow();
  });

  test('a provider of another stack that enrolls an imported device', () => {
    const app = newApp();
    const provider = new MfaEnrollmentProvider(newStack({}, app, 'Other'), 'Provider');
    const stack = newStack({}, app);
    const seedSecret = new Secret(stack, 'Seed');
    const device = VirtualMfaDevice.fromVirtualMfaDeviceAttributes(stack, 'D', { serialNumber: DEVICE, seedSecret });
    device.restrictSeedReaders();
    enroll(stack, { device, provider });
    expect(() => app.synth()).toThrow(/\[Stack\/D\] 'restrictSeedReaders': invalid provider 'Other\/Provider'/);
  });
});

describe('the resource of the policy', () => {
  test('exists before the device', () => {
    const { stack, reader, device } = withReader();
    device.restrictSeedReaders(reader);
    const { DependsOn = [] } = only(stack, 'Custom::VirtualMfaDevice');
    expect(DependsOn).toContain(only(stack, POLICY).logicalId);
    expect(DependsOn).toEqual([...DependsOn].sort());
  });

  test("exists before the device with a caller's secret", () => {
    const stack = newStack();
    const seedSecret = new Secret(stack, 'Own');
    new VirtualMfaDevice(stack, 'Device', { virtualMfaDeviceName: 'alice', seedSecret }).restrictSeedReaders();
    expect(only(stack, 'Custom::VirtualMfaDevice').DependsOn).toContain(only(stack, POLICY).logicalId);
  });

  test.each<[string, (stack: Stack) => VirtualMfaDevice]>([
    ['renaming the device', (s) => new VirtualMfaDevice(s, 'Renamed', { virtualMfaDeviceName: 'alice' })],
    [
      'moving the device',
      (s) => new VirtualMfaDevice(new Construct(s, 'Zoe'), 'Device', { virtualMfaDeviceName: 'alice' }),
    ],
  ])('%s changes nothing but metadata', (_change, declare) => {
    const stackWith = (make: (stack: Stack) => IVirtualMfaDevice) => {
      const stack = newStack();
      const reader = new iam.User(stack, 'Reader');
      make(stack).restrictSeedReaders(reader);
      return stack;
    };
    const before = stackWith((s) => new VirtualMfaDevice(s, 'Device', { virtualMfaDeviceName: 'alice' }));
    const { logicalId } = only(before, POLICY);
    expect(logicalId).toMatch(/^VirtualMfaDeviceSeedPolicyAlice[0-9A-F]{8}$/);
    expect(bareTemplate(stackWith(declare))).toBe(bareTemplate(before));
  });

  test('moving an enrollment whose default device is restricted changes nothing but metadata', () => {
    const stackWith = (place: (stack: Stack) => Construct) => {
      const stack = newStack();
      enrollDefault(place(stack)).device.restrictSeedReaders(new iam.User(stack, 'Reader'));
      return stack;
    };
    expect(bareTemplate(stackWith((stack) => new Construct(stack, 'Zoe')))).toBe(
      bareTemplate(stackWith((stack) => stack)),
    );
  });

  const RETAINED = { DeletionPolicy: 'RetainExceptOnCreate', UpdateReplacePolicy: 'Retain' };

  test.each([undefined, RemovalPolicy.DESTROY, RemovalPolicy.RETAIN, RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE])(
    'is retained with the secret if the removal policy of the device is %s',
    (removalPolicy) => {
      const { stack, device } = withReader({ removalPolicy });
      device.restrictSeedReaders();
      // The function deletes both with the device. If it can't, nobody else may read the seed.
      expect(only(stack, POLICY)).toMatchObject(RETAINED);
      expect(only(stack, 'AWS::SecretsManager::Secret')).toMatchObject(RETAINED);
    },
  );

  test('is retained with a retained enrollment of the default device', () => {
    const stack = newStack();
    enrollDefault(stack, { removalPolicy: RemovalPolicy.RETAIN }).device.restrictSeedReaders();
    expect(only(stack, POLICY)).toMatchObject(RETAINED);
    expect(() => Template.fromStack(stack)).not.toThrow();
  });
});
