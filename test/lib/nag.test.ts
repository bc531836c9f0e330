import { App, Aspects, Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { AwsSolutionsChecks } from 'cdk-nag';
import { MfaEnrollment, MfaEnrollmentProvider, type MfaEnrollmentProviderProps, VirtualMfaDevice } from '../../lib';
import { ENV } from './fixture';

/** What cdk-nag's AwsSolutions pack finds in a stack that has nothing but what is declared. */
function findings(declare: (stack: Stack) => void, stack: Stack = newStack()): string[] {
  declare(stack);
  Aspects.of(stack).add(new AwsSolutionsChecks());
  const annotations = Annotations.fromStack(stack);
  return [annotations.findError('*', Match.anyValue()), annotations.findWarning('*', Match.anyValue())]
    .flat()
    .map(({ id, entry }) => `${id}: ${entry.data as string}`);
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
    serialNumber: 'arn:aws:iam::123456789012:mfa/staff/alice',
    seedSecret: Secret.fromSecretNameV2(stack, 'Seed', 'mfa/staff/alice'),
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
  ['with a scope', () => ({ scope: STAFF })],
  [
    'with a scope that names keys, one of them by its alias',
    (stack) => ({
      scope: {
        ...STAFF,
        encryptionKeys: [
          kms.Key.fromKeyArn(stack, 'Key', `arn:aws:kms:${ENV.region}:${ENV.account}:key/1`),
          kms.Alias.fromAliasName(stack, 'Alias', 'alias/seeds'),
        ],
      },
    }),
  ],
];

describe('cdk-nag finds nothing', () => {
  test.each(kinds)('in an enrollment and a device, by a provider %s', (_, propsOf) => {
    expect(findings((stack) => declareBoth(stack, propsOf(stack)))).toEqual([]);
  });

  test.each<[string, (stack: Stack) => kms.IKey]>([
    ['known', (stack) => new kms.Key(stack, 'Key', { enableKeyRotation: true })],
    ['known by its alias only', (stack) => kms.Alias.fromAliasName(stack, 'Key', 'alias/seeds')],
  ])('where the key of a secret is %s', (_, keyOf) => {
    const declare = (stack: Stack) => {
      const { serialNumber, seedSecret } = new VirtualMfaDevice(stack, 'Device', { encryptionKey: keyOf(stack) });
      new MfaEnrollment(stack, 'AliceMfa', { user: alice(stack), serialNumber, seedSecret });
    };
    expect(findings(declare)).toEqual([]);
  });

  test('in an app that is not bound to an account', () => {
    const declare = (stack: Stack) => {
      const { serialNumber, seedSecret } = new VirtualMfaDevice(stack, 'Device');
      new MfaEnrollment(stack, 'AliceMfa', { user: new iam.User(stack, 'Alice'), serialNumber, seedSecret });
    };
    expect(findings(declare, new Stack(new App(), 'Nag'))).toEqual([]);
  });
});

describe('a reason covers what it is about, and nothing else', () => {
  const grantMore = (stack: Stack, id: string, resource: string) => {
    const policy = stack.node.findChild('Provider').node.findChild(id) as iam.CfnPolicy;
    const { Statement } = policy.policyDocument as { Statement: unknown[] };
    Statement.push({ Action: 'iam:GetUser', Effect: 'Allow', Resource: resource });
  };

  test('a wildcard', () => {
    const added = ['*', 'arn:aws:iam::123456789012:user/*', 'arn:aws:iam::123456789012:mfa/*/x*'];
    const found = findings((stack) => {
      declareBoth(stack, {});
      for (const resource of added) {
        grantMore(stack, 'Policy', resource);
      }
    });
    expect(found).toEqual(added.map(() => expect.stringMatching('AwsSolutions-IAM5') as string));
  });

  test('the scope', () => {
    const found = findings((stack) => {
      declareBoth(stack, { scope: STAFF });
      grantMore(stack, 'ScopePolicy', 'arn:aws:iam::123456789012:user/*');
    });
    expect(found).toEqual([expect.stringContaining('arn:aws:iam::123456789012:user/*')]);
  });

  test("the secret that is made for a device, and not one of the caller's that nothing rotates", () => {
    const found = findings((stack) => {
      new VirtualMfaDevice(stack, 'Device');
      const seedSecret = new Secret(stack, 'Own');
      new VirtualMfaDevice(stack, 'Other', { virtualMfaDeviceName: 'other', seedSecret });
    });
    expect(found).toEqual([expect.stringMatching(/^\/Nag\/Own\/Resource: AwsSolutions-SMG4/)]);
  });
});
