import { CfnParameter, type Environment, type Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { MfaEnrollmentProvider, VirtualMfaDevice } from '../../lib';
import {
  DEVICE,
  devicePolicies,
  enroll,
  enrollMade,
  enrollmentPolicies,
  ENV,
  literalStack,
  newApp,
  newStack,
  only,
  resources,
  type Statement,
  statementsOf,
} from './fixture';

const SECRET = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:mfa/alice';
const KEY = 'arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';

function statements(stack: Stack): Statement[] {
  return statementsOf(Object.values(enrollmentPolicies(stack))[0]);
}

function statementFor(stack: Stack, action: string): Statement | undefined {
  return statements(stack).find(({ Action }) => [Action].flat().includes(action));
}

test('the policy of an enrollment allows enrolling its user and reading its secret, and nothing else', () => {
  const stack = literalStack();
  enroll(stack);
  expect(statements(stack)).toEqual([
    {
      Effect: 'Allow',
      Action: ['iam:DeactivateMFADevice', 'iam:EnableMFADevice', 'iam:ListMFADevices', 'iam:ResyncMFADevice'],
      Resource: { 'Fn::GetAtt': [only(stack, 'AWS::IAM::User').logicalId, 'Arn'] },
    },
    { Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: `${SECRET}-??????` },
  ]);
});

test('a policy without tokens is complete, and takes overrides', () => {
  const stack = literalStack();
  const user = iam.User.fromUserArn(stack, 'Alice', 'arn:aws:iam::123456789012:user/alice');
  const policy = enroll(stack, { user }).node.findChild('Policy') as iam.CfnPolicy;
  const condition = { Bool: { 'aws:SecureTransport': 'true' } };
  policy.addPropertyOverride('PolicyDocument.Statement.1.Condition', condition);
  expect(statements(stack)).toEqual([
    expect.objectContaining({ Resource: 'arn:aws:iam::123456789012:user/alice' }),
    {
      Effect: 'Allow',
      Action: 'secretsmanager:GetSecretValue',
      Resource: `${SECRET}-??????`,
      Condition: condition,
    },
  ]);
});

/** The end of the stack's id. */
const STACK_UUID = { 'Fn::Select': [2, { 'Fn::Split': ['/', { Ref: 'AWS::StackId' }] }] };
const CLAIMS_OF_THE_STACK = { 'Fn::Join': ['', ['cdk-mfa-enrollment:*:', STACK_UUID, '/*']] };
const ofTagKeys = (operator: string, keys: unknown) => ({
  [`ForAllValues:${operator}`]: { 'aws:TagKeys': keys },
  Null: { 'aws:TagKeys': 'false' },
});
const writingClaims = (devices: string) => [
  {
    Effect: 'Allow',
    Action: 'iam:TagMFADevice',
    Resource: devices,
    Condition: ofTagKeys('StringLike', CLAIMS_OF_THE_STACK),
  },
  {
    Effect: 'Allow',
    Action: 'iam:UntagMFADevice',
    Resource: devices,
    Condition: ofTagKeys('StringLike', [CLAIMS_OF_THE_STACK, 'cdk-mfa-enrollment:leaving:*']),
  },
];

test('the policy of a provider allows writing its logs, reading the tags of devices, and writing claims of its own stack', () => {
  const stack = literalStack();
  MfaEnrollmentProvider.getOrCreate(stack);
  const devices = 'arn:aws:iam::123456789012:mfa/*';
  expect(statementsOf(only(stack, 'AWS::IAM::Policy'))).toEqual([
    {
      Effect: 'Allow',
      Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      Resource: { 'Fn::GetAtt': [only(stack, 'AWS::Logs::LogGroup').logicalId, 'Arn'] },
    },
    { Effect: 'Allow', Action: 'iam:ListMFADeviceTags', Resource: devices },
    ...writingClaims(devices),
  ]);
});

test.each<[string, (stack: Stack, provider: MfaEnrollmentProvider) => void]>([
  ['enrollment', (stack, provider) => void enroll(stack, { provider })],
  ['device', (stack, provider) => void new VirtualMfaDevice(stack, 'Device', { provider })],
])('the policy of an %s with a provider of another stack allows writing claims of its own stack', (_what, declare) => {
  const app = newApp({ '@aws-cdk/core:enablePartitionLiterals': true });
  const provider = new MfaEnrollmentProvider(newStack({ env: ENV }, app, 'Provider'), 'Provider');
  const stack = newStack({ env: ENV }, app);
  declare(stack, provider);
  const [policy] = Object.values(resources(stack, 'AWS::IAM::Policy'));
  expect(statementsOf(policy).slice(-2)).toEqual(writingClaims('arn:aws:iam::123456789012:mfa/*'));
});

describe('the user in the policy of an enrollment has its path', () => {
  test.each<[string, (stack: Stack) => iam.IUser, string]>([
    ['imported by name', (s) => iam.User.fromUserName(s, 'U', 'bob'), 'user/bob'],
    ['imported by name with a path', (s) => iam.User.fromUserName(s, 'U', 'auditors/carol'), 'user/auditors/carol'],
    [
      'imported by ARN with a path',
      (s) => iam.User.fromUserArn(s, 'U', 'arn:aws:iam::123456789012:user/staff/eu/bob'),
      'user/staff/eu/bob',
    ],
  ])('%s', (_how, user, resource) => {
    const stack = literalStack();
    enroll(stack, { user: user(stack) });
    expect(statementFor(stack, 'iam:EnableMFADevice')?.Resource).toBe(`arn:aws:iam::123456789012:${resource}`);
  });
});

describe('the secret in the policy of an enrollment', () => {
  const partial = (region = 'eu-central-1', account = '123456789012') =>
    `arn:aws:secretsmanager:${region}:${account}:secret:mfa/alice`;
  const complete = (region?: string, account?: string) => `${partial(region, account)}-AbCdEf`;
  const whole = (arn: string) => (stack: Stack) => Secret.fromSecretCompleteArn(stack, 'S', arn);

  test.each<[string, (stack: Stack) => ISecret, unknown, unknown]>([
    ['by name', (s) => Secret.fromSecretNameV2(s, 'S', 'mfa/alice'), partial(), `${partial()}-??????`],
    ['by partial ARN', (s) => Secret.fromSecretPartialArn(s, 'S', partial()), partial(), `${partial()}-??????`],
    ['by complete ARN', whole(complete()), complete(), complete()],
    ['of another region', whole(complete('us-east-1')), complete('us-east-1'), complete('us-east-1')],
    [
      'of another account',
      whole(complete('eu-central-1', '999999999999')),
      complete('eu-central-1', '999999999999'),
      complete('eu-central-1', '999999999999'),
    ],
    ['declared', (s) => new Secret(s, 'S'), { Ref: 'S509448A1' }, { Ref: 'S509448A1' }],
    ['by a parameter', (s) => whole(new CfnParameter(s, 'Arn').valueAsString)(s), { Ref: 'Arn' }, { Ref: 'Arn' }],
  ])('%s: the function can read this secret only', (_how, secret, arn, resource) => {
    const stack = literalStack();
    enroll(stack, { seedSecret: secret(stack) });
    expect(only(stack, 'Custom::MfaEnrollment').Properties['SeedSecretArn']).toEqual(arn);
    expect(statementFor(stack, 'secretsmanager:GetSecretValue')?.Resource).toEqual(resource);
  });
});

describe('a secret with a name, declared in a stack of another region or account, whose secretFullArn is not complete', () => {
  const ARN_OF = (region: string, account: string) => `arn:aws:secretsmanager:${region}:${account}:secret:mfa/alice`;
  const setUp = (env: Environment) => {
    const app = newApp({ '@aws-cdk/core:enablePartitionLiterals': true });
    const secrets = newStack({ env }, app, 'Secrets');
    return {
      seedSecret: new Secret(secrets, 'Seed', { secretName: 'mfa/alice' }),
      stack: newStack({ env: ENV }, app),
    };
  };

  test.each([
    ['region', { ...ENV, region: 'us-east-1' }],
    ['account', { ...ENV, account: '999999999999' }],
  ])('in another %s is known by a partial ARN, which the policy completes', (_what, env) => {
    const { seedSecret, stack } = setUp(env);
    enroll(stack, { seedSecret });
    const partial = ARN_OF(env.region, env.account);
    expect(only(stack, 'Custom::MfaEnrollment').Properties['SeedSecretArn']).toBe(`${partial}-??????`);
    expect(statementFor(stack, 'secretsmanager:GetSecretValue')?.Resource).toBe(`${partial}-??????`);
  });

  test.each([
    ['region', { ...ENV, region: 'us-east-1' }],
    ['account', { ...ENV, account: '999999999999' }],
  ])('in another %s takes the seed of a device by a partial ARN, which the policy completes', (_what, env) => {
    const { seedSecret, stack } = setUp(env);
    new VirtualMfaDevice(stack, 'Device', { seedSecret });
    const [policy] = Object.values(devicePolicies(stack));
    expect(statementsOf(policy)[2]?.Resource).toBe(`${ARN_OF(env.region, env.account)}-??????`);
  });

  test('in another region is known by its complete ARN with crossRegionReferences', () => {
    const app = newApp();
    const secrets = newStack({ env: { ...ENV, region: 'us-east-1' }, crossRegionReferences: true }, app, 'Secrets');
    const stack = newStack({ env: ENV, crossRegionReferences: true }, app);
    enroll(stack, { seedSecret: new Secret(secrets, 'Seed') });
    expect(JSON.stringify(statementFor(stack, 'secretsmanager:GetSecretValue')?.Resource)).not.toContain('??????');
  });

  test('in the same account and region is known by its complete ARN', () => {
    const { seedSecret, stack } = setUp(ENV);
    enroll(stack, { seedSecret });
    const complete = { 'Fn::ImportValue': expect.stringMatching(/^Secrets:ExportsOutputRefSeed/) as unknown };
    expect(only(stack, 'Custom::MfaEnrollment').Properties['SeedSecretArn']).toEqual(complete);
    expect(statementFor(stack, 'secretsmanager:GetSecretValue')?.Resource).toEqual(complete);
  });
});

describe('the key of the secret in the policy of an enrollment', () => {
  const encrypted = (stack: Stack, encryptionKey: kms.IKey, region = 'eu-central-1') =>
    Secret.fromSecretAttributes(stack, 'Seed', {
      secretCompleteArn: `arn:aws:secretsmanager:${region}:123456789012:secret:mfa/alice-AbCdEf`,
      encryptionKey,
    });

  test.each(['eu-central-1', 'us-east-1'])(
    'can be used only through Secrets Manager, in the region of the secret: %s',
    (region) => {
      const stack = literalStack();
      enroll(stack, { seedSecret: encrypted(stack, kms.Key.fromKeyArn(stack, 'Key', KEY), region) });
      expect(statementFor(stack, 'kms:Decrypt')).toEqual({
        Effect: 'Allow',
        Action: 'kms:Decrypt',
        Resource: KEY,
        Condition: { StringLike: { 'kms:ViaService': `secretsmanager.${region}.*` } },
      });
    },
  );

  test("of a declared secret can be used only in the region of the secret's ARN", () => {
    const stack = newStack();
    enroll(stack, { seedSecret: new Secret(stack, 'Seed', { encryptionKey: new kms.Key(stack, 'Key') }) });
    const arn = { Ref: only(stack, 'AWS::SecretsManager::Secret').logicalId };
    const region = { 'Fn::Select': [3, { 'Fn::Split': [':', arn] }] };
    expect(statementFor(stack, 'kms:Decrypt')).toMatchObject({
      Resource: { 'Fn::GetAtt': [only(stack, 'AWS::KMS::Key').logicalId, 'Arn'] },
      Condition: { StringLike: { 'kms:ViaService': { 'Fn::Join': ['', ['secretsmanager.', region, '.*']] } } },
    });
  });

  test('behind an alias is named by its own ARN, because the ARN of an alias grants nothing', () => {
    const stack = literalStack();
    const alias = kms.Key.fromKeyArn(stack, 'Key', KEY).addAlias('alias/seeds');
    enroll(stack, { seedSecret: encrypted(stack, alias) });
    expect(statementFor(stack, 'kms:Decrypt')).toMatchObject({ Resource: KEY });
  });

  test.each(['eu-central-1', 'us-east-1'])(
    'known only by the name of an alias is named in a condition: %s',
    (region) => {
      const stack = literalStack();
      enroll(stack, { seedSecret: encrypted(stack, kms.Alias.fromAliasName(stack, 'Key', 'alias/seeds'), region) });
      expect(statementFor(stack, 'kms:Decrypt')).toEqual({
        Effect: 'Allow',
        Action: 'kms:Decrypt',
        Resource: `arn:aws:kms:${region}:123456789012:key/*`,
        Condition: {
          StringLike: { 'kms:ViaService': `secretsmanager.${region}.*` },
          'ForAnyValue:StringEquals': { 'kms:ResourceAliases': 'alias/seeds' },
        },
      });
    },
  );

  test('that AWS manages needs no permission', () => {
    const stack = literalStack();
    enroll(stack, {
      seedSecret: encrypted(stack, kms.Alias.fromAliasName(stack, 'Key', 'alias/aws/secretsmanager')),
    });
    expect(statementFor(stack, 'kms:Decrypt')).toBeUndefined();
  });

  test('a secret without a customer-managed key needs no permission on a key', () => {
    const stack = newStack();
    enroll(stack);
    expect(statementFor(stack, 'kms:Decrypt')).toBeUndefined();
  });

  const own = '123456789012';
  const foreign = '999999999999';
  test.each([
    ['a secret in another account whose key is unknown is a warning', foreign, undefined, 1],
    ['a secret in another account whose key is known is no warning', foreign, KEY, 0],
    ["a secret in the stack's account whose key is unknown is no warning", own, undefined, 0],
  ])('%s', (_rule, account, key, warnings) => {
    const stack = literalStack();
    const seedSecret = Secret.fromSecretAttributes(stack, 'Seed', {
      secretCompleteArn: `arn:aws:secretsmanager:eu-central-1:${account}:secret:mfa/alice-AbCdEf`,
      encryptionKey: key === undefined ? undefined : kms.Key.fromKeyArn(stack, 'Key', key),
    });
    enroll(stack, { seedSecret });
    const words = Match.stringLikeRegexp('999999999999.*encryptionKey');
    expect(Annotations.fromStack(stack).findWarning('*', words)).toHaveLength(warnings);
    expect(Annotations.fromStack(stack).findWarning('*', Match.anyValue())).toHaveLength(warnings);
  });
});

describe('the policy of a device', () => {
  const statementsOfDevice = (stack: Stack) => statementsOf(Object.values(devicePolicies(stack))[0]);
  const complete = `${SECRET}-AbCdEf`;

  test('allows creating and deleting the device, the tags of the user, and storing and deleting its seed, and nothing else', () => {
    const stack = literalStack();
    new VirtualMfaDevice(stack, 'AliceDevice', { virtualMfaDeviceName: 'alice', path: '/staff/' });
    const device = 'arn:aws:iam::123456789012:mfa/staff/alice';
    const secret = { Ref: only(stack, 'AWS::SecretsManager::Secret').logicalId };
    expect(statementsOfDevice(stack)).toEqual([
      {
        Effect: 'Allow',
        Action: ['iam:CreateVirtualMFADevice', 'iam:DeleteVirtualMFADevice'],
        Resource: device,
      },
      {
        Effect: 'Allow',
        Action: ['iam:TagMFADevice', 'iam:UntagMFADevice'],
        Resource: device,
        Condition: ofTagKeys('StringNotLike', 'cdk-mfa-enrollment:*'),
      },
      {
        Effect: 'Allow',
        Action: ['secretsmanager:DeleteSecret', 'secretsmanager:DescribeSecret', 'secretsmanager:PutSecretValue'],
        Resource: secret,
      },
    ]);
  });

  test('names a device by the token in its name', () => {
    const stack = literalStack();
    new VirtualMfaDevice(stack, 'Any', { virtualMfaDeviceName: new CfnParameter(stack, 'Name').valueAsString });
    expect(statementsOfDevice(stack)[0]?.Resource).toEqual({
      'Fn::Join': ['', ['arn:aws:iam::123456789012:mfa/', { Ref: 'Name' }]],
    });
  });

  test.each<[string, (stack: Stack) => ISecret, unknown]>([
    ['by name', (s) => Secret.fromSecretNameV2(s, 'S', 'mfa/alice'), `${SECRET}-??????`],
    ['by partial ARN', (s) => Secret.fromSecretPartialArn(s, 'S', SECRET), `${SECRET}-??????`],
    ['by complete ARN', (s) => Secret.fromSecretCompleteArn(s, 'S', complete), complete],
    ['declared', (s) => new Secret(s, 'S'), { Ref: 'S509448A1' }],
  ])("allows writing the caller's secret, and not deleting it: %s", (_how, secret, resource) => {
    const stack = literalStack();
    new VirtualMfaDevice(stack, 'Any', { virtualMfaDeviceName: 'alice', seedSecret: secret(stack) });
    expect(statementsOfDevice(stack).slice(2)).toEqual([
      {
        Effect: 'Allow',
        Action: ['secretsmanager:DescribeSecret', 'secretsmanager:PutSecretValue'],
        Resource: resource,
      },
    ]);
  });

  const viaSecretsManager = { 'kms:ViaService': 'secretsmanager.eu-central-1.*' };
  test.each<[string, (stack: Stack) => kms.IKey, unknown, object]>([
    ['imported', (s) => kms.Key.fromKeyArn(s, 'Key', KEY), KEY, {}],
    ['behind an alias', (s) => kms.Key.fromKeyArn(s, 'Key', KEY).addAlias('alias/seeds'), KEY, {}],
    [
      'known only by the name of an alias',
      (s) => kms.Alias.fromAliasName(s, 'Key', 'alias/seeds'),
      'arn:aws:kms:eu-central-1:123456789012:key/*',
      { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': 'alias/seeds' } },
    ],
  ])("allows using the secret's key only through Secrets Manager: %s", (_how, key, resource, condition) => {
    const stack = literalStack();
    const seedSecret = Secret.fromSecretAttributes(stack, 'Seed', {
      secretCompleteArn: complete,
      encryptionKey: key(stack),
    });
    new VirtualMfaDevice(stack, 'Any', { seedSecret });
    expect(statementsOfDevice(stack).slice(3)).toEqual([
      {
        Effect: 'Allow',
        Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
        Resource: resource,
        Condition: { StringLike: viaSecretsManager, ...condition },
      },
    ]);
  });

  test('allows using a key that the app declares, whose key policy leaves that to IAM', () => {
    const stack = literalStack();
    const encryptionKey = new kms.Key(stack, 'Key');
    enrollMade(stack, { encryptionKey });
    const { logicalId, Properties } = only(stack, 'AWS::KMS::Key');
    const keyArn = { 'Fn::GetAtt': [logicalId, 'Arn'] };
    expect(statementsOfDevice(stack)[3]).toMatchObject({
      Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
      Resource: keyArn,
    });
    expect(statementFor(stack, 'kms:Decrypt')).toMatchObject({ Resource: keyArn });
    expect((Properties['KeyPolicy'] as { Statement: unknown[] }).Statement).toContainEqual({
      Effect: 'Allow',
      Action: 'kms:*',
      Principal: { AWS: 'arn:aws:iam::123456789012:root' },
      Resource: '*',
    });
  });

  test('allows nothing on the key that AWS manages', () => {
    const stack = literalStack();
    const encryptionKey = kms.Alias.fromAliasName(stack, 'Key', 'alias/aws/secretsmanager');
    new VirtualMfaDevice(stack, 'AliceDevice', { encryptionKey });
    expect(JSON.stringify(statementsOfDevice(stack))).not.toContain('kms:');
  });

  test('a secret in another account whose key is unknown is a warning', () => {
    const stack = literalStack();
    const foreign = complete.replace('123456789012', '999999999999');
    new VirtualMfaDevice(stack, 'Any', { seedSecret: Secret.fromSecretCompleteArn(stack, 'Seed', foreign) });
    const words = Match.stringLikeRegexp('999999999999.*encryptionKey');
    expect(Annotations.fromStack(stack).findWarning('*', words)).toHaveLength(1);
  });
});

describe('names of policies', () => {
  const namesIn = (stack: Stack) =>
    Object.entries(resources(stack, 'AWS::IAM::Policy')).map(([id, { Properties }]) => [id, Properties['PolicyName']]);
  const withUuid = (logicalId: unknown) => ({ 'Fn::Join': ['', [`${String(logicalId)}-`, STACK_UUID]] });

  test('are the logical ids, if the provider creates the role in the same stack', () => {
    const stack = newStack();
    enrollMade(stack);
    expect(namesIn(stack)).toHaveLength(3);
    for (const [logicalId, name] of namesIn(stack)) {
      expect(name).toBe(logicalId);
    }
  });

  test('include the uuid of the stack on a role that the app passes in, because another stack may add policies to it', () => {
    const stack = newStack();
    const role = new iam.Role(stack, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
    enroll(stack, { provider: new MfaEnrollmentProvider(stack, 'Provider', { role }) });
    expect(namesIn(stack)).toHaveLength(2);
    for (const [logicalId, name] of namesIn(stack)) {
      expect(name).toEqual(withUuid(logicalId));
    }
  });

  test('include the uuid of the stack on the role of another stack', () => {
    const app = newApp();
    const provider = new MfaEnrollmentProvider(newStack({}, app, 'Provider'), 'Provider');
    const stack = newStack({}, app, 'Consumer');
    enroll(stack, { provider });
    expect(namesIn(stack)).toHaveLength(1);
    for (const [logicalId, name] of namesIn(stack)) {
      expect(name).toEqual(withUuid(logicalId));
    }
  });
});

describe('no policy allows anything on a bare *', () => {
  const inVpc = (stack: Stack) => {
    const vpc = ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
      vpcId: 'vpc-1',
      availabilityZones: ['eu-central-1a'],
      privateSubnetIds: ['subnet-1'],
    });
    enroll(stack, { provider: new MfaEnrollmentProvider(stack, 'Provider', { vpc }) });
  };
  const configurations: [string, (stack: Stack) => void][] = [
    ['the defaults', (s) => enroll(s)],
    [
      'a customer-managed key',
      (s) => enroll(s, { seedSecret: new Secret(s, 'Seed', { encryptionKey: new kms.Key(s, 'Key') }) }),
    ],
    ['an imported user', (s) => enroll(s, { user: iam.User.fromUserName(s, 'Bob', 'bob') })],
    ['a token as device', (s) => enroll(s, { serialNumber: new CfnParameter(s, 'Device').valueAsString })],
    [
      'an imported role',
      (s) => {
        const role = iam.Role.fromRoleArn(s, 'Role', 'arn:aws:iam::123456789012:role/enroller');
        enroll(s, { provider: new MfaEnrollmentProvider(s, 'Provider', { role }) });
      },
    ],
    ['a declared device', (s) => void enrollMade(s)],
    ['a declared device with a key', (s) => void enrollMade(s, { encryptionKey: new kms.Key(s, 'Key') })],
    ['several devices', (s) => [1, 2].map((n) => enroll(s, { serialNumber: `${DEVICE}${n}` }, `Mfa${n}`))],
  ];
  const onEverything = (configure: (stack: Stack) => void) => {
    const stack = literalStack();
    configure(stack);
    return Object.values(resources(stack, 'AWS::IAM::Policy'))
      .flatMap(statementsOf)
      .filter(({ Resource }) => [Resource].flat().includes('*'));
  };

  test.each(configurations)('%s', (_name, configure) => {
    expect(onEverything(configure)).toEqual([]);
  });

  test("in a VPC: only two Describe actions, which accept no other resource, for Lambda and not for the function's own calls", () => {
    expect(onEverything(inVpc)).toEqual([
      {
        Effect: 'Allow',
        Action: ['ec2:DescribeNetworkInterfaces', 'ec2:DescribeSubnets'],
        Resource: '*',
        Condition: { Null: { 'lambda:SourceFunctionArn': 'true' } },
      },
    ]);
  });

  test.each([...configurations, ['a VPC', inVpc] as const])(
    'no action is a wildcard, and the role has no managed policy: %s',
    (_name, configure) => {
      const stack = literalStack();
      configure(stack);
      const actions = Object.values(resources(stack, 'AWS::IAM::Policy'))
        .flatMap(statementsOf)
        .flatMap(({ Action }) => Action);
      expect(actions.length).toBeGreaterThan(0);
      expect(actions.filter((action) => action.includes('*'))).toEqual([]);
      for (const role of Object.values(resources(stack, 'AWS::IAM::Role'))) {
        expect(role.Properties).not.toHaveProperty('ManagedPolicyArns');
      }
    },
  );
});
