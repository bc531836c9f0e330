import { App, Aspects, Stack } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import { ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { AwsSolutionsChecks } from 'cdk-nag';
import { MfaEnrollment, MfaEnrollmentProvider, MfaEnrollmentProviderProps } from '../../lib';

type Declare<T> = (stack: Stack) => T;

/** What cdk-nag's AwsSolutions pack finds in a stack whose enrollment is the only thing in it. */
function findings(providerProps: Declare<MfaEnrollmentProviderProps>, seedSecret: Declare<ISecret> = secret): string[] {
  const stack = stackWithEnrollment(providerProps, seedSecret);
  Aspects.of(stack).add(new AwsSolutionsChecks());
  const annotations = Annotations.fromStack(stack);
  return [annotations.findError('*', Match.anyValue()), annotations.findWarning('*', Match.anyValue())]
    .flat()
    .map(({ id, entry }) => `${id}: ${entry.data as string}`);
}

function stackWithEnrollment(
  providerProps: Declare<MfaEnrollmentProviderProps>,
  seedSecret: Declare<ISecret> = secret,
): Stack {
  const stack = new Stack(new App(), 'Nag', { env: { account: '123456789012', region: 'eu-central-1' } });
  new MfaEnrollment(stack, 'AliceMfa', {
    user: iam.User.fromUserName(stack, 'Alice', 'alice'),
    serialNumber: 'arn:aws:iam::123456789012:mfa/alice',
    seedSecret: seedSecret(stack),
    provider: new MfaEnrollmentProvider(stack, 'Provider', providerProps(stack)),
  });
  return stack;
}

const secret = (stack: Stack) => Secret.fromSecretNameV2(stack, 'Seed', 'mfa/alice');

const vpc = (stack: Stack) =>
  ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: 'vpc-1',
    availabilityZones: ['eu-central-1a'],
    privateSubnetIds: ['subnet-1'],
    privateSubnetRouteTableIds: ['rtb-1'],
  });

describe('cdk-nag finds nothing', () => {
  test.each<[string, Declare<MfaEnrollmentProviderProps>]>([
    ['in the default', () => ({})],
    ['in a VPC', (stack) => ({ vpc: vpc(stack) })],
    ['with a role of its own', (stack) => ({ role: newRole(stack) })],
    ['with a log group of its own', (stack) => ({ logGroup: new logs.LogGroup(stack, 'Logs') })],
  ])('%s', (_, providerProps) => {
    expect(findings(providerProps)).toEqual([]);
  });

  test('where the key of the secret is known by its alias only', () => {
    const encryptionKey = (stack: Stack) => kms.Alias.fromAliasName(stack, 'Key', 'alias/seeds');
    const secretCompleteArn = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:mfa/alice-AbCdEf';
    const sealed = (stack: Stack) =>
      Secret.fromSecretAttributes(stack, 'Seed', { secretCompleteArn, encryptionKey: encryptionKey(stack) });
    expect(findings(() => ({}), sealed)).toEqual([]);
  });

  test('in an app that is not bound to an account', () => {
    const stack = new Stack(new App(), 'Nag');
    new MfaEnrollment(stack, 'AliceMfa', {
      user: new iam.User(stack, 'Alice'),
      serialNumber: stack.formatArn({ service: 'iam', region: '', resource: 'mfa', resourceName: 'alice' }),
      seedSecret: secret(stack),
    });
    Aspects.of(stack).add(new AwsSolutionsChecks());
    expect(Annotations.fromStack(stack).findError('*', Match.anyValue())).toEqual([]);
  });
});

test('a reason covers its own wildcard and no other', () => {
  const stack = stackWithEnrollment(() => ({}));
  const provider = stack.node.findChild('Provider') as MfaEnrollmentProvider;
  const policy = provider.node.findChild('Policy') as iam.Policy;
  for (const resource of ['*', 'arn:aws:iam::123456789012:user/*', 'arn:aws:iam::123456789012:mfa/*/x*']) {
    policy.addStatements(new iam.PolicyStatement({ actions: ['iam:GetUser'], resources: [resource] }));
  }
  Aspects.of(stack).add(new AwsSolutionsChecks());
  expect(Annotations.fromStack(stack).findError('*', Match.stringLikeRegexp('AwsSolutions-IAM5'))).toHaveLength(3);
});

function newRole(stack: Stack): iam.Role {
  return new iam.Role(stack, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
}
