import { App, Aspects, Aws, CfnResource, Fn, RemovalPolicy, Stack, Stage } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { AwsSolutionsChecks, NagRuleCompliance, rules } from 'cdk-nag';
import { MfaEnrollment, MfaEnrollmentProvider, type MfaEnrollmentProviderProps, VirtualMfaDevice } from '../../lib';
import { ENV } from './fixture';

/** The findings of cdk-nag's AwsSolutions pack in a stack that has nothing but what is declared. */
function findings(declare: (stack: Stack) => void, stack: Stack = newStack()): string[] {
  declare(stack);
  Aspects.of(stack).add(new AwsSolutionsChecks());
  const annotations = Annotations.fromStack(stack);
  return [annotations.findError('*', Match.anyValue()), annotations.findWarning('*', Match.anyValue())]
    .flat()
    .map(({ id, entry }) => `${id}: ${entry.data as string}`);
}

/**
 * The ids of the findings that version 3 of cdk-nag looks for in a construct's metadata, and the ids that are there.
 * Version 3 needs a later aws-cdk-lib, but its rules, and the text by which they name a resource, are those of version 2;
 * the package test runs version 3.
 */
function idsInMetadata(declare: (stack: Stack) => void, stack: Stack = newStack()) {
  declare(stack);
  Stage.of(stack)!.synth();
  const resources = stack.node.findAll().filter((construct) => CfnResource.isCfnResource(construct));
  const expected = resources.flatMap((resource) => {
    const wildcards = rules.iam.IAMNoWildcardPermissions(resource);
    const rotation = rules.secretsmanager.SecretsManagerRotationEnabled(resource);
    return [
      ...(Array.isArray(wildcards) ? wildcards.map((wildcard) => `AwsSolutions-IAM5[${wildcard}]`) : []),
      ...(rotation === NagRuleCompliance.NON_COMPLIANT ? ['AwsSolutions-SMG4'] : []),
    ].map((id) => `${resource.node.path}: ${id}`);
  });
  const acknowledged = resources.flatMap(({ node }) =>
    node.metadata
      .filter(({ type }) => type === 'aws:cdk:acknowledged-rules')
      .flatMap(({ data }) => Object.keys(data as object).map((id) => `${node.path}: ${id}`)),
  );
  return { expected: expected.sort(), acknowledged: acknowledged.sort() };
}

const newStack = () => new Stack(new App(), 'Nag', { env: ENV });
const alice = (stack: Stack) => iam.User.fromUserArn(stack, 'Alice', 'arn:aws:iam::123456789012:user/staff/alice');
const newRole = (stack: Stack) =>
  new iam.Role(stack, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
const vpc = (stack: Stack) =>
  ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: 'vpc-1',
    availabilityZones: ['eu-central-1a'],
    privateSubnetIds: ['subnet-1'],
    privateSubnetRouteTableIds: ['rtb-1'],
    isolatedSubnetIds: ['subnet-2'],
    isolatedSubnetRouteTableIds: ['rtb-2'],
  });

/** Alice's enrollment of a device that exists, beside a device that is made. */
function declareBoth(stack: Stack, props: MfaEnrollmentProviderProps): void {
  const provider = new MfaEnrollmentProvider(stack, 'Provider', props);
  new MfaEnrollment(stack, 'AliceMfa', {
    user: alice(stack),
    device: VirtualMfaDevice.fromVirtualMfaDeviceAttributes(stack, 'AliceDevice', {
      serialNumber: 'arn:aws:iam::123456789012:mfa/staff/alice',
      seedSecret: Secret.fromSecretNameV2(stack, 'Seed', 'mfa/staff/alice'),
    }),
    provider,
  });
  new VirtualMfaDevice(stack, 'Spare', { path: '/staff/', provider });
}

const STAFF = { userPath: '/staff/', devicePath: '/staff/' };
const kinds: [string, (stack: Stack) => MfaEnrollmentProviderProps][] = [
  ['of the default', () => ({})],
  ['in a VPC', (stack) => ({ vpc: vpc(stack) })],
  [
    'in chosen subnets, with a security group of its own',
    (stack) => ({
      vpc: vpc(stack),
      vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_ISOLATED },
      securityGroups: [ec2.SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-1')],
    }),
  ],
  ['with a role of its own', (stack) => ({ role: newRole(stack) })],
  ['with a log group of its own', (stack) => ({ logGroup: new logs.LogGroup(stack, 'Logs') })],
  ['with a scope', () => ({ pathScope: STAFF })],
  [
    'with a scope that names keys, one of them by its alias',
    (stack) => ({
      pathScope: {
        ...STAFF,
        encryptionKeys: [
          kms.Key.fromKeyArn(stack, 'Key', `arn:aws:kms:${ENV.region}:${ENV.account}:key/1`),
          kms.Alias.fromAliasName(stack, 'Alias', 'alias/seeds'),
        ],
      },
    }),
  ],
];

const keys: [string, (stack: Stack) => kms.IKey][] = [
  ['known', (stack) => new kms.Key(stack, 'Key', { enableKeyRotation: true })],
  ['known by its alias only', (stack) => kms.Alias.fromAliasName(stack, 'Key', 'alias/seeds')],
];

function declareWithKey(stack: Stack, encryptionKey: kms.IKey): void {
  const device = new VirtualMfaDevice(stack, 'Device', { encryptionKey });
  new MfaEnrollment(stack, 'AliceMfa', { user: alice(stack), device });
}

/** Scopes that a literal user and device would be outside of. */
const scopes: [string, MfaEnrollmentProviderProps['pathScope']][] = [
  [
    'that only a deployment knows',
    {
      userPath: `/${Aws.STACK_NAME}/`,
      devicePath: Fn.sub('/${AWS::StackName}/'),
      seedSecretPrefix: `mfa/${Aws.STACK_NAME}/`,
    },
  ],
  ['with characters that mean something in a pattern', { userPath: '/a.b+c/', devicePath: '/a.b+c/' }],
];

const unbound = () => new Stack(new App(), 'Nag');
const environments: [string, () => Stack][] = [
  ['with a literal account', newStack],
  ['that is not bound to an account', unbound],
];

describe('cdk-nag 2 finds nothing', () => {
  test.each(kinds)('in an enrollment and a device of a provider %s', (_, propsOf) => {
    expect(findings((stack) => declareBoth(stack, propsOf(stack)))).toEqual([]);
  });

  test.each(keys)('in a device and an enrollment if the key of the secret is %s', (_, keyOf) => {
    expect(findings((stack) => declareWithKey(stack, keyOf(stack)))).toEqual([]);
  });

  test.each(scopes)('in a provider with paths %s', (_, pathScope) => {
    expect(findings((stack) => new MfaEnrollmentProvider(stack, 'Provider', { pathScope }))).toEqual([]);
  });

  test('in a stack that is not bound to an account', () => {
    expect(findings((stack) => declareBoth(stack, {}), unbound())).toEqual([]);
  });
});

describe('the metadata for cdk-nag 3', () => {
  describe.each(environments)('holds exactly the ids of its findings, in a stack %s', (_, stackOf) => {
    test.each(kinds)('in an enrollment and a device of a provider %s', (__, propsOf) => {
      const { acknowledged, expected } = idsInMetadata((stack) => declareBoth(stack, propsOf(stack)), stackOf());
      expect(acknowledged).toEqual(expected);
      expect(expected).not.toEqual([]);
    });

    test.each(keys)('in a device and an enrollment if the key of the secret is %s', (__, keyOf) => {
      const { acknowledged, expected } = idsInMetadata((stack) => declareWithKey(stack, keyOf(stack)), stackOf());
      expect(acknowledged).toEqual(expected);
      expect(expected).not.toEqual([]);
    });
  });

  test.each(scopes)('holds exactly the ids of its findings in a provider with paths %s', (_, pathScope) => {
    const { acknowledged, expected } = idsInMetadata(
      (stack) => new MfaEnrollmentProvider(stack, 'Provider', { pathScope }),
    );
    expect(acknowledged).toEqual(expected);
    expect(expected).toHaveLength(3);
  });

  test('is written in a stack of a stage', () => {
    const stack = new Stack(new Stage(new App(), 'Stage'), 'Nag', { env: ENV });
    const { acknowledged, expected } = idsInMetadata((each) => declareBoth(each, {}), stack);
    expect(acknowledged).toEqual(expected);
  });

  test('names references as cdk-nag does', () => {
    const { acknowledged } = idsInMetadata((stack) => declareBoth(stack, {}), unbound());
    expect(acknowledged).toContain(
      'Nag/Provider/Policy: AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:iam::<AWS::AccountId>:mfa/*]',
    );
  });

  test('is written once, however often the app is synthesized', () => {
    const stack = newStack();
    declareBoth(stack, {});
    const app = Stage.of(stack)!;
    const entries = () => stack.node.findAll().flatMap(({ node }) => node.metadata);
    app.synth();
    const once = entries();
    app.synth({ force: true });
    expect(entries()).toEqual(once);
  });
});

describe('a reason covers what it is about, and nothing else', () => {
  const grantMore = (stack: Stack, id: string, resource: string) => {
    const policy = stack.node.findChild('Provider').node.findChild(id) as iam.CfnPolicy;
    const { Statement } = policy.policyDocument as { Statement: unknown[] };
    Statement.push({ Action: 'iam:GetUser', Effect: 'Allow', Resource: resource });
  };

  /** The ids that the metadata for version 3 lacks. */
  const missing = (declare: (stack: Stack) => void) => {
    const { acknowledged, expected } = idsInMetadata(declare);
    return expected.filter((id) => !acknowledged.includes(id));
  };

  test.each<[string, (stack: Stack) => MfaEnrollmentProviderProps, string, string[]]>([
    [
      'all devices',
      () => ({}),
      'Policy',
      ['*', 'arn:aws:iam::123456789012:user/*', 'arn:aws:iam::123456789012:mfa/*/x*'],
    ],
    [
      'all network interfaces',
      (stack) => ({ vpc: vpc(stack) }),
      'Policy',
      ['arn:aws:logs:eu-central-1:123456789012:*'],
    ],
    ['a path scope', () => ({ pathScope: STAFF }), 'PathScopePolicy', ['arn:aws:iam::123456789012:user/*']],
  ])('%s', (_, propsOf, policy, added) => {
    const declare = (stack: Stack) => {
      declareBoth(stack, propsOf(stack));
      added.forEach((resource) => grantMore(stack, policy, resource));
    };
    const ids = added.map((resource) => `AwsSolutions-IAM5[Resource::${resource}]`);
    expect(findings(declare)).toEqual(ids.map((id) => expect.stringContaining(id) as string));
    expect(missing(declare)).toEqual(ids.map((id) => `Nag/Provider/${policy}: ${id}`).sort());
  });

  test("the secret that is created for a device, but no secret of the caller's that nothing rotates", () => {
    const declare = (stack: Stack) => {
      new VirtualMfaDevice(stack, 'Device');
      const seedSecret = new Secret(stack, 'Own', { removalPolicy: RemovalPolicy.RETAIN });
      new VirtualMfaDevice(stack, 'Other', { virtualMfaDeviceName: 'other', seedSecret });
    };
    expect(findings(declare)).toEqual([expect.stringMatching(/^\/Nag\/Own\/Resource: AwsSolutions-SMG4/)]);
    expect(missing(declare)).toEqual(['Nag/Own/Resource: AwsSolutions-SMG4']);
  });
});
