import { Annotations as CdkAnnotations, type App, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import {
  MfaEnrollment,
  type MfaEnrollmentProps,
  MfaEnrollmentProvider,
  type MfaEnrollmentProviderAttributes,
  type MfaEnrollmentProviderProps,
  VirtualMfaDevice,
  type VirtualMfaDeviceAttributes,
  type VirtualMfaDeviceProps,
} from '../../lib';
import { DEVICE, enroll, newApp, newStack } from './fixture';

/*
 * Plain JavaScript has no compiler that checks types. A value of the wrong type must not end in a TypeError: the error
 * names the construct, the prop, the value and what is expected.
 */

/** Props of any type, as plain JavaScript passes them. */
const untyped = <T>(props: unknown) => props as T;
const PATHS = { userPath: '/staff/', devicePath: '/staff/' };

const USER = 'expected an IAM user (iam.IUser)';
const SECRET = 'expected a secret (secretsmanager.ISecret)';
const KEY = 'expected a KMS key (kms.IKey)';
const ROLE = 'expected a role (iam.IRole)';
const MFA_DEVICE = 'expected a VirtualMfaDevice or an imported device (IVirtualMfaDevice)';
const PROVIDER = 'expected an MfaEnrollmentProvider or an imported provider (IMfaEnrollmentProvider)';
const REMOVAL_POLICY = 'expected RemovalPolicy.DESTROY, RETAIN or RETAIN_ON_UPDATE_OR_DELETE';
const PROPS = 'expected an object with props';
const BOOLEAN = 'expected true or false (a boolean)';
const STRING = 'expected a string';
const ARRAY = 'expected an array';

type Case = readonly [prop: string, value: unknown, shown: string, expected: string];
const titled = (cases: readonly Case[]) =>
  cases.map(([prop, value, shown, expected]) => [`${prop}: ${shown}`, prop, value, shown, expected] as const);

/** Values that are not constructs. */
const noConstruct = (prop: string, expected: string): Case[] => [
  [prop, 'alice', "'alice'", expected],
  [prop, 7, '7', expected],
  [prop, null, 'null', expected],
  [prop, () => 'alice', 'a function', expected],
  [prop, { userName: 'alice' }, 'an object', expected],
  [prop, newApp(), "''", expected],
];

function expectError(attempt: () => unknown, text: string): void {
  expect(attempt).toThrow(text);
  expect(attempt).not.toThrow(TypeError);
}

describe('MfaEnrollment', () => {
  const user = (stack: Stack) => iam.User.fromUserName(stack, 'Alice', 'alice');

  test.each(
    titled([
      ...noConstruct('user', USER),
      ['user', undefined, 'undefined', USER],
      ['user', { userName: 'alice', userArn: 'arn:aws:iam::123456789012:user/alice' }, 'an object', USER],
      ...noConstruct('device', MFA_DEVICE),
      ['device', 'x', "'x'", MFA_DEVICE],
      ['device', { serialNumber: DEVICE }, 'an object', MFA_DEVICE],
      ...noConstruct('provider', PROVIDER),
      ['provider', 'x', "'x'", PROVIDER],
      ['adoptExisting', 'true', "'true'", BOOLEAN],
      ['adoptExisting', 1, '1', BOOLEAN],
      ['adoptExisting', null, 'null', BOOLEAN],
      ['generation', '2', "'2'", 'expected a whole number from 1'],
      ['generation', null, 'null', 'expected a whole number from 1'],
      ['recheck', '7', "'7'", 'expected a whole number from 0'],
      ['recheck', -1, '-1', 'expected a whole number from 0'],
      ['removalPolicy', 'retian', "'retian'", REMOVAL_POLICY],
      ['removalPolicy', true, 'true', REMOVAL_POLICY],
      ['removalPolicy', null, 'null', REMOVAL_POLICY],
    ]),
  )('%s', (_title, prop, value, shown, expected) => {
    const stack = newStack();
    const props = untyped<MfaEnrollmentProps>({ user: user(stack), [prop]: value });
    expectError(
      () => new MfaEnrollment(stack, 'Mfa', props),
      `[Stack/Mfa] '${prop}': invalid value ${shown}: ${expected}`,
    );
  });

  test.each([
    [undefined, 'undefined'],
    [null, 'null'],
    ['alice', "'alice'"],
  ])('no props: %s', (props, shown) => {
    expectError(
      () => new MfaEnrollment(newStack(), 'Mfa', untyped(props)),
      `[Stack/Mfa] 'props': invalid value ${shown}: ${PROPS}`,
    );
  });

  test('a construct of another kind is named by its path', () => {
    const stack = newStack();
    const role = iam.Role.fromRoleName(stack, 'Role', 'alice');
    expectError(
      () => new MfaEnrollment(stack, 'Mfa', untyped({ user: role })),
      `[Stack/Mfa] 'user': invalid value 'Stack/Role': ${USER}`,
    );
  });

  test('a value that may be a seed is not shown', () => {
    const seed = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
    const attempt = () => new MfaEnrollment(newStack(), 'Mfa', untyped({ user: seed }));
    expectError(attempt, `[Stack/Mfa] 'user': invalid value (not shown: it may be a seed): ${USER}`);
    expect(attempt).not.toThrow(seed);
  });
});

describe('VirtualMfaDevice', () => {
  test.each(
    titled([
      ['virtualMfaDeviceName', 7, '7', STRING],
      ['virtualMfaDeviceName', null, 'null', STRING],
      ['path', 7, '7', STRING],
      ['path', null, 'null', STRING],
      ['generation', '2', "'2'", 'expected a whole number from 1'],
      ...noConstruct('encryptionKey', KEY),
      ['encryptionKey', 'alias/seeds', "'alias/seeds'", KEY],
      ...noConstruct('seedSecret', SECRET),
      ['removalPolicy', 'retian', "'retian'", REMOVAL_POLICY],
      ...noConstruct('provider', PROVIDER),
    ]),
  )('%s', (_title, prop, value, shown, expected) => {
    const props = untyped<VirtualMfaDeviceProps>({ [prop]: value });
    expectError(
      () => new VirtualMfaDevice(newStack(), 'Device', props),
      `[Stack/Device] '${prop}': invalid value ${shown}: ${expected}`,
    );
  });

  test.each([null, 'alice'])('no props: %s', (props) => {
    const shown = props === null ? 'null' : "'alice'";
    expectError(
      () => new VirtualMfaDevice(newStack(), 'Device', untyped(props)),
      `[Stack/Device] 'props': invalid value ${shown}: ${PROPS}`,
    );
  });

  test.each([
    ['a string', 'alice', "'alice'"],
    ['undefined', undefined, 'undefined'],
    ['null', null, 'null'],
    ['an object', {}, 'an object'],
  ])('restrictSeedReaders with %s', (_what, reader, shown) => {
    const device = new VirtualMfaDevice(newStack(), 'Device');
    expectError(
      () => device.restrictSeedReaders(untyped(reader)),
      `[Stack/Device] 'restrictSeedReaders': invalid value ${shown}: expected roles and users (iam.IRole, iam.IUser)`,
    );
  });

  test('restrictSeedReaders with a group is named by its path', () => {
    const stack = newStack();
    const device = new VirtualMfaDevice(stack, 'Device');
    expectError(
      () => device.restrictSeedReaders(new iam.Group(stack, 'Group')),
      "[Stack/Device] 'restrictSeedReaders': invalid value 'Stack/Group': expected roles and users (iam.IRole, iam.IUser)",
    );
  });
});

describe('VirtualMfaDevice.fromVirtualMfaDeviceAttributes', () => {
  test.each(
    titled([
      ['serialNumber', undefined, 'undefined', STRING],
      ['serialNumber', 7, '7', STRING],
      ...noConstruct('seedSecret', SECRET),
      ['seedSecret', undefined, 'undefined', SECRET],
      ['seedSecretField', 7, '7', STRING],
      ['seedSecretField', null, 'null', STRING],
    ]),
  )('%s', (_title, prop, value, shown, expected) => {
    const stack = newStack();
    const seedSecret = Secret.fromSecretNameV2(stack, 'Seed', 'mfa/alice');
    const attrs = untyped<VirtualMfaDeviceAttributes>({ serialNumber: DEVICE, seedSecret, [prop]: value });
    expectError(
      () => VirtualMfaDevice.fromVirtualMfaDeviceAttributes(stack, 'Device', attrs),
      `[Stack/Device] '${prop}': invalid value ${shown}: ${expected}`,
    );
  });

  test.each([undefined, null])('no attributes: %s', (attrs) => {
    expectError(
      () => VirtualMfaDevice.fromVirtualMfaDeviceAttributes(newStack(), 'Device', untyped(attrs)),
      `[Stack/Device] 'attrs': invalid value ${String(attrs)}: ${PROPS}`,
    );
  });
});

describe('MfaEnrollmentProvider', () => {
  test.each(
    titled([
      ...noConstruct('role', ROLE),
      ...noConstruct('vpc', 'expected a VPC (ec2.IVpc)'),
      ...noConstruct('logGroup', 'expected a log group (logs.ILogGroup)'),
      ['runtime', 'nodejs24.x', "'nodejs24.x'", 'expected a runtime (lambda.Runtime)'],
      ['runtime', null, 'null', 'expected a runtime (lambda.Runtime)'],
      ['recheck', '7', "'7'", 'expected a whole number from 0'],
      ['pathScope', '/staff/', "'/staff/'", PROPS],
      ['pathScope', null, 'null', PROPS],
    ]),
  )('%s', (_title, prop, value, shown, expected) => {
    expectError(
      () => new MfaEnrollmentProvider(newStack(), 'Provider', untyped<MfaEnrollmentProviderProps>({ [prop]: value })),
      `[Stack/Provider] '${prop}': invalid value ${shown}: ${expected}`,
    );
  });

  test.each(
    titled([
      ['userPath', undefined, 'undefined', STRING],
      ['userPath', 7, '7', STRING],
      ['devicePath', null, 'null', STRING],
      ['seedSecretPrefix', 7, '7', STRING],
      ['encryptionKeys', 'alias/seeds', "'alias/seeds'", ARRAY],
      ['encryptionKeys', null, 'null', ARRAY],
      ['encryptionKeys', ['alias/seeds'], "'alias/seeds'", KEY],
    ]),
  )('pathScope.%s', (_title, prop, value, shown, expected) => {
    const pathScope = untyped<MfaEnrollmentProviderProps['pathScope']>({ ...PATHS, [prop]: value });
    expectError(
      () => new MfaEnrollmentProvider(newStack(), 'Provider', { pathScope }),
      `[Stack/Provider] 'pathScope.${prop}': invalid value ${shown}: ${expected}`,
    );
  });

  test('encryptionKeys in place of a key is named by its path', () => {
    const stack = newStack();
    const encryptionKeys = untyped<kms.IKey[]>(new kms.Key(stack, 'Key'));
    expectError(
      () => new MfaEnrollmentProvider(stack, 'Provider', { pathScope: { ...PATHS, encryptionKeys } }),
      `[Stack/Provider] 'pathScope.encryptionKeys': invalid value 'Stack/Key': ${ARRAY}`,
    );
  });

  test.each([
    ['vpcSubnets', 'private', "'private'", PROPS],
    ['securityGroups', 'sg-1', "'sg-1'", ARRAY],
    ['securityGroups', ['sg-1'], "'sg-1'", 'expected a security group (ec2.ISecurityGroup)'],
  ])('%s: %j', (prop, value, shown, expected) => {
    const stack = newStack();
    const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
      vpcId: 'vpc-1',
      availabilityZones: ['eu-central-1a'],
      privateSubnetIds: ['subnet-1'],
    });
    expectError(
      () => new MfaEnrollmentProvider(stack, 'Provider', untyped({ vpc, [prop]: value })),
      `[Stack/Provider] '${prop}': invalid value ${shown}: ${expected}`,
    );
  });

  test.each([null, 'x'])('no props: %j', (props) => {
    const shown = props === null ? 'null' : "'x'";
    expectError(
      () => new MfaEnrollmentProvider(newStack(), 'Provider', untyped(props)),
      `[Stack/Provider] 'props': invalid value ${shown}: ${PROPS}`,
    );
  });
});

describe('MfaEnrollmentProvider.fromMfaEnrollmentProviderAttributes', () => {
  const ATTRS = {
    serviceToken: 'arn:aws:lambda:eu-central-1:123456789012:function:mfa',
    roleArn: 'arn:aws:iam::123456789012:role/mfa',
    pathScope: PATHS,
  };

  test.each(
    titled([
      ['serviceToken', undefined, 'undefined', STRING],
      ['serviceToken', 7, '7', STRING],
      ['roleArn', undefined, 'undefined', STRING],
      ['roleArn', 7, '7', STRING],
      ['pathScope', undefined, 'undefined', PROPS],
      ['pathScope', '/staff/', "'/staff/'", PROPS],
    ]),
  )('%s', (_title, prop, value, shown, expected) => {
    const attrs = untyped<MfaEnrollmentProviderAttributes>({ ...ATTRS, [prop]: value });
    expectError(
      () => MfaEnrollmentProvider.fromMfaEnrollmentProviderAttributes(newStack(), 'Provider', attrs),
      `[Stack/Provider] '${prop}': invalid value ${shown}: ${expected}`,
    );
  });

  test.each([undefined, null])('no attributes: %s', (attrs) => {
    expectError(
      () => MfaEnrollmentProvider.fromMfaEnrollmentProviderAttributes(newStack(), 'Provider', untyped(attrs)),
      `[Stack/Provider] 'attrs': invalid value ${String(attrs)}: ${PROPS}`,
    );
  });
});

describe('an INFO annotation has an id if the installed aws-cdk-lib has addInfoV2', () => {
  type AddInfoV2 = (this: CdkAnnotations, id: string, text: string) => void;
  const prototype = CdkAnnotations.prototype as CdkAnnotations & { addInfoV2?: AddInfoV2 };
  const original = prototype.addInfoV2;
  afterEach(() => {
    if (original === undefined) {
      delete prototype.addInfoV2;
    } else {
      prototype.addInfoV2 = original;
    }
  });

  test.each([
    ['removalOfImportedUser', { user: 'imported' }],
    ['retainedWithUser', { removalPolicy: RemovalPolicy.RETAIN }],
  ] as const)('%s', (id, declaration) => {
    const given: string[] = [];
    prototype.addInfoV2 = (infoId, text) => given.push(`${infoId}: ${text}`);
    const stack = newStack();
    const user = 'user' in declaration ? iam.User.fromUserName(stack, 'Bob', 'bob') : undefined;
    enroll(stack, { user, removalPolicy: 'removalPolicy' in declaration ? declaration.removalPolicy : undefined });
    (stack.node.root as App).synth();
    expect(given).toEqual([expect.stringMatching(`^cdk-mfa-enrollment:${id}: .*'removalPolicy'`)]);
  });

  test('without addInfoV2 it has the text alone', () => {
    delete prototype.addInfoV2;
    const stack = newStack();
    enroll(stack, { user: iam.User.fromUserName(stack, 'Bob', 'bob') });
    expect(
      Annotations.fromStack(stack).findInfo('/Stack/AliceMfa', Match.stringLikeRegexp("'bob'.*'removalPolicy'")),
    ).toHaveLength(1);
  });
});

describe('an unknown prop is an error that names it and the known ones', () => {
  test.each<[string, (stack: Stack) => unknown, RegExp]>([
    [
      'of an enrollment',
      (stack) => new MfaEnrollment(stack, 'X', { user: new iam.User(stack, 'U'), serialNumber: DEVICE } as never),
      /^\[Stack\/X\] 'props': invalid prop 'serialNumber': expected one of user, device, generation/,
    ],
    [
      'of a device',
      (stack) => new VirtualMfaDevice(stack, 'X', { name: 'alice' } as never),
      /^\[Stack\/X\] 'props': invalid prop 'name': expected one of virtualMfaDeviceName, path/,
    ],
    [
      'of an imported device',
      (stack) => VirtualMfaDevice.fromVirtualMfaDeviceAttributes(stack, 'X', { arn: DEVICE } as never),
      /^\[Stack\/X\] 'attrs': invalid prop 'arn': expected one of serialNumber, seedSecret, seedSecretField/,
    ],
    [
      'of a provider',
      (stack) => new MfaEnrollmentProvider(stack, 'X', { scope: { userPath: '/', devicePath: '/' } } as never),
      /^\[Stack\/X\] 'props': invalid prop 'scope': expected one of role, vpc.*, pathScope/,
    ],
  ])('%s', (_, declare, error) => {
    expect(() => declare(newStack())).toThrow(error);
  });
});
