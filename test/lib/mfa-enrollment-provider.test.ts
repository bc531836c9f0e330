import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NestedStack, type Stack, Stage } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { MfaEnrollmentProvider, type MfaEnrollmentProviderProps } from '../../lib';
import {
  DEVICE,
  enroll,
  enrollMade,
  enrollmentPolicies,
  enrollments,
  newApp,
  newStack,
  only,
  resources,
  statementsOf,
} from './fixture';

const FUNCTION = 'AWS::Lambda::Function';

function provide(props?: (stack: Stack) => MfaEnrollmentProviderProps): Stack {
  const stack = newStack();
  new MfaEnrollmentProvider(stack, 'Provider', props?.(stack));
  return stack;
}

function importedVpc(stack: Stack): ec2.IVpc {
  return ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: 'vpc-1',
    availabilityZones: ['eu-central-1a'],
    privateSubnetIds: ['subnet-private'],
    isolatedSubnetIds: ['subnet-isolated'],
  });
}

describe('getOrCreate', () => {
  test('gives one provider to a whole stack, wherever it is asked from', () => {
    const stack = newStack();
    const enrollment = enroll(stack);
    expect(MfaEnrollmentProvider.getOrCreate(enrollment)).toBe(MfaEnrollmentProvider.getOrCreate(stack));
    enroll(stack, { serialNumber: `${DEVICE}2` }, 'Second');
    expect(Object.keys(resources(stack, FUNCTION))).toHaveLength(1);
  });

  test('gives each stack, nested stack and stage its own', () => {
    const app = newApp();
    const parent = newStack({}, app);
    const scopes = [
      parent,
      new NestedStack(parent, 'Nested'),
      newStack({}, app, 'Other'),
      newStack({}, new Stage(app, 'Stage')),
    ];
    expect(new Set(scopes.map((scope) => MfaEnrollmentProvider.getOrCreate(scope))).size).toBe(scopes.length);
  });

  test('is not used by an enrollment that is given a provider', () => {
    const stack = newStack();
    const provider = new MfaEnrollmentProvider(stack, 'Own');
    enroll(stack, { provider });
    expect(only(stack, 'Custom::MfaEnrollment').Properties['ServiceToken']).toEqual(
      stack.resolve(provider.serviceToken),
    );
    expect(Object.keys(resources(stack, FUNCTION))).toHaveLength(1);
  });
});

describe('defaults', () => {
  const stack = provide();

  test('the function', () => {
    expect(only(stack, FUNCTION).Properties).toMatchObject({
      Handler: 'index.handler',
      Runtime: 'nodejs24.x',
      Timeout: 900,
      LoggingConfig: { LogGroup: { Ref: only(stack, 'AWS::Logs::LogGroup').logicalId } },
    });
  });

  test.each(['FunctionName', 'VpcConfig', 'Environment', 'Layers'])('the function has no %s', (property) => {
    expect(only(stack, FUNCTION).Properties).not.toHaveProperty(property);
  });

  test('a request waits for 480 seconds at most and is never delivered again by Lambda', () => {
    expect(only(stack, 'AWS::Lambda::EventInvokeConfig').Properties).toEqual({
      FunctionName: { Ref: only(stack, FUNCTION).logicalId },
      Qualifier: '$LATEST',
      MaximumEventAgeInSeconds: 480,
      MaximumRetryAttempts: 0,
    });
  });

  test('CloudFormation waits for longer than a request can be queued and run, as the template says it', () => {
    const withEnrollment = newStack();
    enroll(withEnrollment);
    const seconds = (type: string, property: string) => Number(only(withEnrollment, type).Properties[property]);
    expect(seconds('Custom::MfaEnrollment', 'ServiceTimeout')).toBeGreaterThanOrEqual(
      seconds('AWS::Lambda::EventInvokeConfig', 'MaximumEventAgeInSeconds') + seconds(FUNCTION, 'Timeout'),
    );
  });

  test('logs are kept for one year and go with the provider', () => {
    expect(only(stack, 'AWS::Logs::LogGroup')).toMatchObject({
      Properties: { RetentionInDays: 365 },
      DeletionPolicy: 'Delete',
    });
  });

  test('only Lambda may take on the role, which has no managed policy', () => {
    expect(only(stack, 'AWS::IAM::Role').Properties).toEqual({
      AssumeRolePolicyDocument: {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'lambda.amazonaws.com' } }],
      },
    });
  });

  test('the function waits for the policy of the provider', () => {
    expect(only(stack, FUNCTION).DependsOn).toContain(only(stack, 'AWS::IAM::Policy').logicalId);
  });
});

describe('role', () => {
  const attachedTo = (stack: Stack) =>
    Object.values(resources(stack, 'AWS::IAM::Policy')).map(({ Properties }) => Properties['Roles']);
  const ROLE = 'arn:aws:iam::123456789012:role/team/enroller';

  test("the app's own role gets every policy, and no other role is made", () => {
    const stack = newStack();
    const role = new iam.Role(stack, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
    enroll(stack, { provider: new MfaEnrollmentProvider(stack, 'Provider', { role }) });
    const { logicalId } = only(stack, 'AWS::IAM::Role');
    expect(attachedTo(stack)).toEqual([[{ Ref: logicalId }], [{ Ref: logicalId }]]);
    expect(only(stack, FUNCTION).Properties['Role']).toEqual({ 'Fn::GetAtt': [logicalId, 'Arn'] });
  });

  test('an imported role gets every policy by its name', () => {
    const stack = newStack();
    const role = iam.Role.fromRoleArn(stack, 'Role', ROLE);
    enroll(stack, { provider: new MfaEnrollmentProvider(stack, 'Provider', { role }) });
    expect(attachedTo(stack)).toEqual([['enroller'], ['enroller']]);
    expect(only(stack, FUNCTION).Properties['Role']).toBe(ROLE);
  });

  test.each<[string, (stack: Stack) => iam.IRole]>([
    ['imported as not mutable', (s) => iam.Role.fromRoleArn(s, 'Role', ROLE, { mutable: false })],
    [
      "the app's own, without policy updates",
      (s) =>
        new iam.Role(s, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') }).withoutPolicyUpdates(),
    ],
  ])('a role that must not be changed gets no policy, and nothing waits for one: %s', (_how, role) => {
    const stack = newStack();
    enroll(stack, { provider: new MfaEnrollmentProvider(stack, 'Provider', { role: role(stack) }) });
    expect(attachedTo(stack)).toEqual([]);
    expect(only(stack, 'Custom::MfaEnrollment').DependsOn).toEqual([
      only(stack, 'AWS::Lambda::EventInvokeConfig').logicalId,
    ]);
  });

  test.each([[{}], [{ preventSynthesis: false }]])(
    'a role that is to be made elsewhere gets no policy, and the report on it says what it needs: %j',
    (options) => {
      const app = newApp();
      const stack = newStack({}, app);
      iam.Role.customizeRoles(stack, options);
      enrollMade(stack, { provider: new MfaEnrollmentProvider(stack, 'Provider') });
      expect(attachedTo(stack)).toEqual([]);
      const report = readFileSync(join(app.outdir, 'iam-policy-report.json'), 'utf8');
      for (const action of ['logs:PutLogEvents', 'iam:CreateVirtualMFADevice', 'iam:EnableMFADevice']) {
        expect(report).toContain(action);
      }
    },
  );

  test.each<[string, (stack: Stack) => iam.IRole | undefined]>([
    ['the one that the provider makes', () => undefined],
    ["the app's own", (s) => new iam.Role(s, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') })],
  ])(
    'gets the permissions boundary that the app puts on all of its roles, and keeps its policies: %s',
    (_how, role) => {
      const BOUNDARY = 'arn:aws:iam::123456789012:policy/developers';
      const declare = (stack: Stack) => {
        enrollMade(stack, { provider: new MfaEnrollmentProvider(stack, 'Provider', { role: role(stack) }) });
        return stack;
      };
      const stack = newStack();
      iam.PermissionsBoundary.of(stack).apply(iam.ManagedPolicy.fromManagedPolicyArn(stack, 'Boundary', BOUNDARY));
      declare(stack);
      const { logicalId, Properties } = only(stack, 'AWS::IAM::Role');
      expect(Properties['PermissionsBoundary']).toBe(BOUNDARY);
      expect(attachedTo(stack)).toEqual([[{ Ref: logicalId }], [{ Ref: logicalId }], [{ Ref: logicalId }]]);
      // Nothing else of this library differs: no logical id, and so no resource, changes with a boundary.
      const plain = Object.keys(Template.fromStack(declare(newStack())).toJSON()['Resources'] as object);
      expect(Object.keys(Template.fromStack(stack).toJSON()['Resources'] as object)).toEqual(plain);
    },
  );

  test('is the one that the provider shows', () => {
    const stack = newStack();
    const role = iam.Role.fromRoleArn(stack, 'Role', ROLE);
    expect(new MfaEnrollmentProvider(stack, 'Provider', { role }).role).toBe(role);
  });
});

describe('vpc', () => {
  test('the function runs in private subnets, with a security group of its own', () => {
    const stack = provide((s) => ({ vpc: importedVpc(s) }));
    expect(only(stack, FUNCTION).Properties['VpcConfig']).toEqual({
      SubnetIds: ['subnet-private'],
      SecurityGroupIds: [{ 'Fn::GetAtt': [only(stack, 'AWS::EC2::SecurityGroup').logicalId, 'GroupId'] }],
    });
  });

  test('subnets and security groups are those that are given', () => {
    const stack = provide((s) => ({
      vpc: importedVpc(s),
      vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_ISOLATED },
      securityGroups: [ec2.SecurityGroup.fromSecurityGroupId(s, 'Group', 'sg-1')],
    }));
    expect(only(stack, FUNCTION).Properties['VpcConfig']).toEqual({
      SubnetIds: ['subnet-isolated'],
      SecurityGroupIds: ['sg-1'],
    });
  });

  test('the default security group lets nothing in', () => {
    const stack = provide((s) => ({ vpc: importedVpc(s) }));
    expect(only(stack, 'AWS::EC2::SecurityGroup').Properties).not.toHaveProperty('SecurityGroupIngress');
    expect(resources(stack, 'AWS::EC2::SecurityGroupIngress')).toEqual({});
  });

  test('a scope keeps what Lambda needs for network interfaces in the policy of the provider', () => {
    const stack = provide((s) => ({ vpc: importedVpc(s), scope: { userPath: '/staff/', devicePath: '/staff/' } }));
    const withNetwork = Object.entries(resources(stack, 'AWS::IAM::Policy'))
      .filter(([, policy]) =>
        statementsOf(policy).some(({ Action }) => [Action].flat().some((a) => a.startsWith('ec2:'))),
      )
      .map(([logicalId]) => logicalId);
    expect(withNetwork).toEqual([expect.stringMatching(/^ProviderPolicy/)]);
    expect(only(stack, FUNCTION).DependsOn).toEqual(expect.arrayContaining(withNetwork));
  });

  test('Lambda may make network interfaces before the function exists; a role with no VPC may not', () => {
    const actions = (stack: Stack) => statementsOf(only(stack, 'AWS::IAM::Policy')).flatMap(({ Action }) => Action);
    const stack = provide((s) => ({ vpc: importedVpc(s) }));
    expect(actions(stack)).toContain('ec2:CreateNetworkInterface');
    expect(only(stack, FUNCTION).DependsOn).toContain(only(stack, 'AWS::IAM::Policy').logicalId);
    expect(actions(provide()).filter((action) => action.startsWith('ec2:'))).toEqual([]);
  });
});

test('runtime is the one that is given', () => {
  expect(
    only(
      provide(() => ({ runtime: lambda.Runtime.NODEJS_22_X })),
      FUNCTION,
    ).Properties['Runtime'],
  ).toBe('nodejs22.x');
});

test('logGroup takes the log, and the role may write there only', () => {
  const stack = provide((s) => ({ logGroup: logs.LogGroup.fromLogGroupName(s, 'Log', '/team/mfa') }));
  expect(resources(stack, 'AWS::Logs::LogGroup')).toEqual({});
  expect(only(stack, FUNCTION).Properties['LoggingConfig']).toEqual({ LogGroup: '/team/mfa' });
  expect(JSON.stringify(statementsOf(only(stack, 'AWS::IAM::Policy'))[0]?.Resource)).toContain(
    ':log-group:/team/mfa:*',
  );
});

describe('a provider of another stack', () => {
  const app = newApp();
  const shared = newStack({}, app, 'Shared');
  const provider = new MfaEnrollmentProvider(shared, 'Provider');
  const users = ['One', 'Two'].map((name) => {
    const stack = newStack({}, app, name);
    enroll(stack, { provider, user: iam.User.fromUserName(stack, 'Imported', 'alice') });
    return stack;
  });

  test('serves enrollments whose policies stand beside them, on its role', () => {
    for (const stack of users) {
      expect(Object.keys(resources(stack, FUNCTION))).toEqual([]);
      expect(Object.values(enrollments(stack))).toHaveLength(1);
      expect(Object.values(enrollmentPolicies(stack))[0]?.Properties['Roles']).toEqual([
        { 'Fn::ImportValue': expect.stringMatching(/^Shared:/) as unknown },
      ]);
    }
  });

  test('is deployed before the stacks that use it', () => {
    expect(users.map((stack) => stack.dependencies)).toEqual([[shared], [shared]]);
  });

  test('the policies of one pair in two stacks do not share a name', () => {
    for (const stack of users) {
      const name = Object.values(enrollmentPolicies(stack))[0]?.Properties['PolicyName'];
      expect(JSON.stringify(name)).toContain('AWS::StackId');
    }
  });
});

describe('validation', () => {
  test.each<[string, (stack: Stack) => MfaEnrollmentProviderProps, RegExp]>([
    ['runtime', () => ({ runtime: lambda.Runtime.PYTHON_3_12 }), /'runtime' is 'python3\.12'.*'nodejs24\.x'/],
    ['vpcSubnets', () => ({ vpcSubnets: {} }), /'vpcSubnets' is given without 'vpc'/],
    ['securityGroups', () => ({ securityGroups: [] }), /'securityGroups' is given without 'vpc'/],
  ])('%s', (_prop, props, words) => {
    expect(() => provide(props)).toThrow(words);
  });
});

test('the stack carries exactly these resources for one enrollment', () => {
  const stack = newStack();
  enroll(stack);
  const types = Object.values(Template.fromStack(stack).toJSON()['Resources'] as Record<string, { Type: string }>);
  expect(types.map(({ Type }) => Type).sort()).toEqual([
    'AWS::IAM::Policy',
    'AWS::IAM::Policy',
    'AWS::IAM::Role',
    'AWS::IAM::User',
    'AWS::Lambda::EventInvokeConfig',
    'AWS::Lambda::Function',
    'AWS::Logs::LogGroup',
    'Custom::MfaEnrollment',
  ]);
});
