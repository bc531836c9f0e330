import { NestedStack, Tags } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import * as contract from '../lib/contract';
import {
  type DeviceProperties,
  type DeviceAttributes,
  type EnrollmentAttributes,
  type EnrollmentProperties,
} from '../lib/contract';
import { MfaEnrollmentProvider, VirtualMfaDevice } from '../lib';
import {
  DEVICE,
  devicePolicies,
  devices,
  enroll,
  enrollMade,
  enrollmentPolicies,
  enrollments,
  literalStack,
  logicalIdOf,
  newStack,
  resources,
} from './lib/fixture';
import { enrollDefault, idsIn } from './lib/templates';

/*
 * Deletes carry old properties and physical ids, devices keep old claims, and a changed logical id enrolls again. So a
 * release may add to these formats but must not change any.
 */

const SENT_AT = Date.UTC(2026, 10, 26, 15);
const CREATION = '20261126T150000Z-1a2b3c4d';

const PROPERTIES: Record<keyof EnrollmentProperties, unknown> = {
  UserName: 'alice',
  SerialNumber: DEVICE,
  SeedSecretArn: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:mfa/alice',
  SeedSecretField: 'seed',
  AdoptExisting: true,
  Recheck: 3,
};
const ATTRIBUTES: Record<keyof EnrollmentAttributes, keyof EnrollmentAttributes> = {
  UserName: 'UserName',
  SerialNumber: 'SerialNumber',
};

test('the type, logical ids and properties of an enrollment', () => {
  const stack = literalStack();
  enroll(stack, {
    user: iam.User.fromUserName(stack, 'Imported', 'alice'),
    seedSecretField: 'seed',
    adoptExisting: true,
    recheck: 3,
  });
  expect(contract.ENROLLMENT_RESOURCE_TYPE).toBe('Custom::MfaEnrollment');
  expect(enrollments(stack)).toEqual({
    MfaEnrollmentAlice4A145435: expect.objectContaining({
      Properties: {
        ServiceToken: { 'Fn::GetAtt': ['MfaEnrollmentProviderFunction84DBEAB4', 'Arn'] },
        ServiceTimeout: 1410,
        ...PROPERTIES,
      },
    }) as unknown,
  });
  expect(Object.keys(enrollmentPolicies(stack))).toEqual(['MfaEnrollmentPolicyAlice4A145435']);
});

test('the attributes of an enrollment', () => {
  const stack = newStack();
  const enrollment = enroll(stack);
  const id = logicalIdOf(enrollment);
  expect(stack.resolve([enrollment.userName, enrollment.serialNumber])).toEqual([
    { 'Fn::GetAtt': [id, ATTRIBUTES.UserName] },
    { 'Fn::GetAtt': [id, ATTRIBUTES.SerialNumber] },
  ]);
});

describe('a default device', () => {
  test('of a user with a literal name has this name, and logical ids derived from it', () => {
    const stack = literalStack();
    const user = iam.User.fromUserName(stack, 'Imported', 'alice');
    const { device } = enrollDefault(stack, { user });
    expect((device as VirtualMfaDevice).virtualMfaDeviceName).toBe('Stack-alice-eu-central-1-07d9d593-1');
    expect(idsIn(stack)).toEqual({
      device: ['VirtualMfaDeviceStackalice07d9d593112BAAC31'],
      policy: ['VirtualMfaDevicePolicyStackalice07d9d593112BAAC31'],
      secret: ['VirtualMfaDeviceSeedStackalice07d9d5931442240E8'],
      enrollment: ['MfaEnrollmentAlice7DCA48B2'],
      enrollmentPolicy: ['MfaEnrollmentPolicyAlice7DCA48B2'],
    });
  });

  test('of a user whose name CloudFormation generates has this name, and logical ids derived from it', () => {
    const stack = literalStack();
    const { device } = enrollDefault(stack, { generation: 2 });
    expect((device as VirtualMfaDevice).virtualMfaDeviceName).toBe('Stack-Alice-eu-central-1-b10b83db-2');
    expect(idsIn(stack)).toEqual({
      device: ['VirtualMfaDeviceStackAliceb10b83db229DCCA33'],
      policy: ['VirtualMfaDevicePolicyStackAliceb10b83db229DCCA33'],
      secret: ['VirtualMfaDeviceSeedStackAliceb10b83db2320B2C40'],
      enrollment: ['MfaEnrollmentAliceD4D337648FB2EA95'],
      enrollmentPolicy: ['MfaEnrollmentPolicyAliceD4D337648FB2EA95'],
    });
  });

  test('in a nested stack has this name', () => {
    const nested = new NestedStack(literalStack(), 'Nested');
    const user = iam.User.fromUserName(nested, 'Imported', 'alice');
    const { device } = enrollDefault(nested, { user });
    expect((device as VirtualMfaDevice).virtualMfaDeviceName).toBe('Stack-alice-eu-central-1-6f376fba-1');
  });
});

describe('the ARN of a secret that is sent to the function', () => {
  const ARN = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:mfa';

  test('ends in -?????? if its six random characters are not known', () => {
    expect(contract.UNKNOWN_SUFFIX).toBe('-??????');
  });

  test.each([
    [`${ARN}/alice-AbCdEf`, `${ARN}/alice-AbCdEf`],
    [`${ARN}/alice`, `${ARN}/alice`],
    [`${ARN}/alice-??????`, `${ARN}/alice`],
    [`${ARN}/john-miller-??????`, 'mfa/john-miller'],
    [`${ARN}/a-B2c4D6-??????`, 'mfa/a-B2c4D6'],
    [`${ARN}/john_miller-??????`, `${ARN}/john_miller`],
    [`${ARN}-secret-??????`, 'mfa-secret'],
  ])('%s is found by %s', (sent, secretId) => {
    expect(contract.secretIdOf(sent)).toBe(secretId);
  });
});

describe('a device', () => {
  const SECRET_ARN = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:mfa/alice-AbCdEf';
  const PROPERTIES_OF_DEVICE: Record<keyof DeviceProperties, unknown> = {
    SerialNumber: DEVICE,
    SeedSecretArn: SECRET_ARN,
    OwnSecret: true,
    Tags: [{ Key: 'team', Value: 'eu' }],
    Recheck: 3,
  };
  const { OwnSecret, ...PROPERTIES_WITHOUT_OWN_SECRET } = PROPERTIES_OF_DEVICE;

  const ATTRIBUTES_OF_DEVICE: Record<keyof DeviceAttributes, keyof DeviceAttributes> = { SerialNumber: 'SerialNumber' };

  test('has this type, logical ids, properties and attribute', () => {
    const stack = literalStack();
    const device = new VirtualMfaDevice(stack, 'Any', {
      virtualMfaDeviceName: 'alice',
      seedSecret: Secret.fromSecretCompleteArn(stack, 'Seed', SECRET_ARN),
      provider: new MfaEnrollmentProvider(stack, 'MfaEnrollmentProvider', { recheck: 3 }),
    });
    Tags.of(device).add('team', 'eu');
    expect(contract.DEVICE_RESOURCE_TYPE).toBe('Custom::VirtualMfaDevice');
    expect(devices(stack)).toEqual({
      VirtualMfaDeviceAliceDA1CE2BE: expect.objectContaining({
        Properties: {
          ServiceToken: { 'Fn::GetAtt': ['MfaEnrollmentProviderFunction84DBEAB4', 'Arn'] },
          ServiceTimeout: 1410,
          ...PROPERTIES_WITHOUT_OWN_SECRET,
        },
      }) as unknown,
    });
    expect(Object.keys(devicePolicies(stack))).toEqual(['VirtualMfaDevicePolicyAliceDA1CE2BE']);
    expect(stack.resolve(device.serialNumber)).toEqual({
      'Fn::GetAtt': ['VirtualMfaDeviceAliceDA1CE2BE', ATTRIBUTES_OF_DEVICE.SerialNumber],
    });
  });

  test('has a default secret with this logical id', () => {
    const stack = newStack();
    new VirtualMfaDevice(stack, 'Any', { virtualMfaDeviceName: 'alice' });
    expect(Object.keys(resources(stack, 'AWS::SecretsManager::Secret'))).toEqual(['VirtualMfaDeviceSeedAlice56F6CDE7']);
  });

  test('has this default name, and logical ids derived from it', () => {
    const stack = literalStack();
    const device = enrollMade(stack);
    expect(device.virtualMfaDeviceName).toBe('Stack-AliceDevice-eu-central-1-a5748520-1');
    expect(idsIn(stack)).toEqual({
      device: ['VirtualMfaDeviceStackAliceDevicea57485201EFB8284A'],
      policy: ['VirtualMfaDevicePolicyStackAliceDevicea57485201EFB8284A'],
      secret: ['VirtualMfaDeviceSeedStackAliceDevicea5748520191DBB5D0'],
      enrollment: ['MfaEnrollmentAliceD4D337640AEA9554'],
      enrollmentPolicy: ['MfaEnrollmentPolicyAliceD4D337640AEA9554'],
    });
  });

  test('has a policy of its secret with this logical id', () => {
    const stack = newStack();
    new VirtualMfaDevice(stack, 'Any', { virtualMfaDeviceName: 'alice' }).restrictSeedReaders();
    expect(Object.keys(resources(stack, 'AWS::SecretsManager::ResourcePolicy'))).toEqual([
      'VirtualMfaDeviceSeedPolicyAlice56F6CDE7',
    ]);
  });

  test('has a secret with this name under a path scope, whose policy has this logical id', () => {
    const stack = newStack();
    const provider = new MfaEnrollmentProvider(stack, 'Provider', { pathScope: { userPath: '/', devicePath: '/eu/' } });
    new VirtualMfaDevice(stack, 'Any', { path: '/eu/a:b/', virtualMfaDeviceName: 'c,d=e', provider });
    expect(Object.values(resources(stack, 'AWS::SecretsManager::Secret'))[0]?.Properties['Name']).toBe(
      'mfa/eu/a=3Ab/c=2Cd=3De',
    );
    const policies = Object.keys(resources(stack, 'AWS::IAM::Policy'));
    expect(policies.filter((id) => id.startsWith('MfaEnrollmentPathScope'))).toEqual([
      'MfaEnrollmentPathScopeEu1CAA024A',
    ]);
  });

  test('has a seed version with this key and value', () => {
    expect(contract.SEED_PREFIX).toBe('cdk-mfa-enrollment:seed:');
    const hash = '0123456789abcdef'.repeat(4);
    const version = '0123456789abcdef-0123456789-1a2b3c4d-0000-4000-8000-123456789abc';
    expect(contract.seedVersion(hash, hash, CREATION, '0a1b2c3d-0000-4000-8000-123456789abc')).toBe(version);
    expect(contract.hashesIn(version)).toEqual({
      device: '0123456789abcdef',
      secret: '0123456789',
      creation: '1a2b3c4d',
    });
    // The maximum length of the id of a secret's version.
    expect(version).toHaveLength(64);
  });

  test.each([
    '0a1b2c3d-0000-4000-8000-123456789abc',
    '0123456789abcdef-0123456789-1a2b3c4d-0000-4000-8000-123456789abcd',
    'x0123456789abcdef-0123456789-1a2b3c4d-0000-4000-8000-123456789abc',
  ])('has no seed version %s', (version) => {
    expect(contract.hashesIn(version)).toBeUndefined();
  });

  test('whose secret is its own says so', () => {
    const stack = newStack();
    new VirtualMfaDevice(stack, 'Any', { virtualMfaDeviceName: 'alice' });
    expect(Object.values(devices(stack))[0]?.Properties).toMatchObject({ OwnSecret });
  });
});

test("the logical id of the function of the stack's own provider", () => {
  const stack = newStack();
  MfaEnrollmentProvider.getOrCreate(stack);
  expect(Object.keys(resources(stack, 'AWS::Lambda::Function'))).toEqual(['MfaEnrollmentProviderFunction84DBEAB4']);
});

test('the logical id of the retry settings; a changed id would delete the settings in the cleanup', () => {
  const stack = newStack();
  MfaEnrollmentProvider.getOrCreate(stack);
  expect(Object.keys(resources(stack, 'AWS::Lambda::EventInvokeConfig'))).toEqual([
    'MfaEnrollmentProviderEventInvokeConfig7B8DC963',
  ]);
});

describe('a creation id', () => {
  test('is the time of the Create and the first digits of its hash', () => {
    const hash = '1a2b3c4d'.repeat(8);
    expect(contract.creationId(hash, SENT_AT)).toBe(CREATION);
    expect(contract.creationId(hash, SENT_AT + 999)).toBe(CREATION);
    expect(contract.creationId(hash)).toBe('1a2b3c4d');
    expect(contract.sentAtOf(CREATION)).toBe(SENT_AT);
    expect(contract.sentAtOf('1a2b3c4d')).toBeUndefined();
    expect(contract.hashOf(CREATION)).toBe('1a2b3c4d');
    expect(contract.hashOf('1a2b3c4d')).toBe('1a2b3c4d');
  });

  test.each(['20261326T150000Z', '2026-11-26T15:00:00Z', '20261126T150000', '', '20261126T150000Zx'])(
    "has no time '%s'",
    (text) => {
      expect(contract.timeIn(text)).toBeUndefined();
    },
  );
});

describe('a physical id', () => {
  test.each([
    [['alice', DEVICE], `alice|arn:aws:iam::123456789012:mfa/alice|${CREATION}`],
    [[DEVICE], `arn:aws:iam::123456789012:mfa/alice|${CREATION}`],
    [[contract.REFUSED], `refused|${CREATION}`],
  ])('of %j ends in the creation id, and says so if the Create has failed', (parts, id) => {
    expect(contract.physicalId(parts, CREATION)).toBe(id);
    expect(contract.physicalIdIn(id, parts)).toEqual({ creation: CREATION, hasFailed: false });
    expect(contract.FAILED_SUFFIX).toBe('|failed');
    expect(contract.physicalIdIn(`${id}|failed`, parts)).toEqual({ creation: CREATION, hasFailed: true });
  });
});

const UUID = '0a1b2c3d-0000-4000-8000-123456789abc';

test('the keys of tags', () => {
  expect(contract.TAG_KEY_PREFIX).toBe('cdk-mfa-enrollment:');
  expect(
    [contract.ENROLLMENT_CLAIM_PREFIX, contract.DEVICE_CLAIM_PREFIX, contract.MARK_PREFIX].map((prefix) =>
      contract.tagKey(prefix, UUID, 'Alice01234567'),
    ),
  ).toEqual([
    'cdk-mfa-enrollment:enrollment:0a1b2c3d-0000-4000-8000-123456789abc/Alice01234567',
    'cdk-mfa-enrollment:device:0a1b2c3d-0000-4000-8000-123456789abc/Alice01234567',
    'cdk-mfa-enrollment:leaving:0a1b2c3d-0000-4000-8000-123456789abc/Alice01234567',
  ]);
});

test('the longest key of a claim has the 128 characters that IAM allows', () => {
  const { DEVICE_CLAIM_PREFIX, ENROLLMENT_CLAIM_PREFIX, LOGICAL_ID_LENGTH, MARK_PREFIX, tagKey } = contract;
  expect(LOGICAL_ID_LENGTH).toBe(61);
  const lengths = [ENROLLMENT_CLAIM_PREFIX, DEVICE_CLAIM_PREFIX, MARK_PREFIX].map(
    (prefix) => tagKey(prefix, UUID, 'M'.repeat(61)).length,
  );
  expect(Math.max(...lengths)).toBe(128);
});

test.each<[contract.Claim, string]>([
  [{ kind: 'enabled', user: 'alice', creation: CREATION }, `enabled alice ${CREATION} eu-central-1 Stack`],
  [{ kind: 'adopted', user: 'al,ice', creation: '1a2b3c4d' }, 'adopted al:ice 1a2b3c4d eu-central-1 Stack'],
  [
    { kind: 'enabled', user: 'alice', creation: CREATION, over: '20260101T000000Z-ffffffff' },
    `enabled alice ${CREATION} over 20260101T000000Z-ffffffff eu-central-1 Stack`,
  ],
  [
    { kind: 'enabled', user: 'alice', creation: CREATION, since: Date.UTC(2026, 11, 1, 9, 30, 15) },
    `enabled alice ${CREATION} since 20261201T093015Z eu-central-1 Stack`,
  ],
  [
    {
      kind: 'enabled',
      user: 'alice',
      creation: CREATION,
      over: '20260101T000000Z-ffffffff',
      since: Date.UTC(2026, 11, 1),
    },
    `enabled alice ${CREATION} over 20260101T000000Z-ffffffff since 20261201T000000Z eu-central-1 Stack`,
  ],
  [{ creation: CREATION }, `${CREATION} eu-central-1 Stack`],
  [
    { creation: CREATION, over: '20260101T000000Z-ffffffff' },
    `${CREATION} over 20260101T000000Z-ffffffff eu-central-1 Stack`,
  ],
])('the claim %j has this value', (claim, value) => {
  expect(contract.claimValue(claim, 'eu-central-1', 'Stack')).toBe(value);
  expect(contract.claimIn(value, claim.kind !== undefined)).toEqual({
    kind: undefined,
    user: undefined,
    over: undefined,
    since: undefined,
    ...claim,
  });
});

test('the value of a claim has at most the 256 characters that IAM allows, and the stack name is cut', () => {
  const claim = {
    kind: 'adopted',
    user: 'u'.repeat(64),
    creation: CREATION,
    over: CREATION,
    since: Date.UTC(2026, 11, 1),
  } as const;
  const value = contract.claimValue(claim, 'ap-southeast-1', 'S'.repeat(128));
  expect(value).toHaveLength(256);
  expect(contract.claimIn(value, true)).toEqual(claim);
});

test('a claim of a kind that this version does not know gives no right to deactivate', () => {
  expect(contract.claimIn(`rotated alice ${CREATION} eu-central-1 Stack`, true)).toMatchObject({ kind: 'adopted' });
});

test('the value of a mark', () => {
  const time = Date.UTC(2026, 10, 26, 16);
  expect(contract.ANY_CREATION).toBe('any');
  for (const [creation, value] of [
    [CREATION, `${CREATION} 20261126T160000Z`],
    ['any', 'any 20261126T160000Z'],
  ] as const) {
    expect(contract.markValue({ creation, time })).toBe(value);
    expect(contract.markIn(value)).toEqual({ creation, time });
  }
  expect(contract.markIn(CREATION)).toBeUndefined();
});

test('the timeouts, in seconds', () => {
  const { ANSWER_WITHIN, EVENT_AGE, FUNCTION_TIMEOUT, SERVICE_TIMEOUT } = contract;
  expect({ ANSWER_WITHIN, EVENT_AGE, FUNCTION_TIMEOUT, SERVICE_TIMEOUT }).toEqual({
    ANSWER_WITHIN: 300,
    EVENT_AGE: 480,
    FUNCTION_TIMEOUT: 900,
    SERVICE_TIMEOUT: 1410,
  });
});

test('CloudFormation waits at least as long as an event can be queued and handled', () => {
  expect(contract.SERVICE_TIMEOUT).toBeGreaterThanOrEqual(contract.EVENT_AGE + contract.FUNCTION_TIMEOUT);
});
