import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type App, Fn, NestedStack, type Stack, Stage } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import {
  MfaEnrollment,
  MfaEnrollmentProvider,
  type MfaEnrollmentProviderAttributes,
  type MfaEnrollmentProviderProps,
  VirtualMfaDevice,
} from '../../lib';
import {
  DEVICE,
  enroll,
  enrollMade,
  enrollmentPolicies,
  enrollments,
  ENV,
  newApp,
  newStack,
  only,
  type Resource,
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
    vpcCidrBlock: '10.0.0.0/16',
    availabilityZones: ['eu-central-1a'],
    privateSubnetIds: ['subnet-private'],
    isolatedSubnetIds: ['subnet-isolated'],
  });
}

describe('MfaEnrollmentProvider.getOrCreate', () => {
  test('returns one provider per stack, from any scope in the stack', () => {
    const stack = newStack();
    const enrollment = enroll(stack);
    expect(MfaEnrollmentProvider.getOrCreate(enrollment)).toBe(MfaEnrollmentProvider.getOrCreate(stack));
    enroll(stack, { serialNumber: `${DEVICE}2` }, 'Second');
    expect(Object.keys(resources(stack, FUNCTION))).toHaveLength(1);
  });

  test('returns another provider for each stack, nested stack and stage', () => {
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

  test('is not used by an enrollment with a provider', () => {
    const stack = newStack();
    const provider = new MfaEnrollmentProvider(stack, 'Own');
    enroll(stack, { provider });
    expect(only(stack, 'Custom::MfaEnrollment').Properties['ServiceToken']).toEqual(
      stack.resolve(provider.serviceToken),
    );
    expect(Object.keys(resources(stack, FUNCTION))).toHaveLength(1);
  });
});

describe('the defaults of a provider', () => {
  const stack = provide();

  test('the function has Node.js 24, a timeout of 900 s and the log group of the provider', () => {
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

  test('a request waits at most 480 s in the queue, and Lambda never retries it', () => {
    expect(only(stack, 'AWS::Lambda::EventInvokeConfig').Properties).toEqual({
      FunctionName: { Ref: only(stack, FUNCTION).logicalId },
      Qualifier: '$LATEST',
      MaximumEventAgeInSeconds: 480,
      MaximumRetryAttempts: 0,
    });
  });

  test('ServiceTimeout in the template is at least the maximum age of an event and the timeout of the function together', () => {
    const withEnrollment = newStack();
    enroll(withEnrollment);
    const seconds = (type: string, property: string) => Number(only(withEnrollment, type).Properties[property]);
    expect(seconds('Custom::MfaEnrollment', 'ServiceTimeout')).toBeGreaterThanOrEqual(
      seconds('AWS::Lambda::EventInvokeConfig', 'MaximumEventAgeInSeconds') + seconds(FUNCTION, 'Timeout'),
    );
  });

  test('logs are kept for one year and deleted with the provider', () => {
    expect(only(stack, 'AWS::Logs::LogGroup')).toMatchObject({
      Properties: { RetentionInDays: 365 },
      DeletionPolicy: 'Delete',
    });
  });

  test('only Lambda can assume the role, which has no managed policy', () => {
    expect(only(stack, 'AWS::IAM::Role').Properties).toEqual({
      AssumeRolePolicyDocument: {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'lambda.amazonaws.com' } }],
      },
    });
  });

  test('the function depends on the role, and outside of a VPC on no policy, so that CloudFormation creates both in parallel', () => {
    expect(only(stack, FUNCTION).DependsOn).toEqual([only(stack, 'AWS::IAM::Role').logicalId]);
    expect(only(stack, 'AWS::IAM::Policy').DependsOn).toBeUndefined();
    expect(only(stack, 'AWS::Lambda::EventInvokeConfig').DependsOn).toBeUndefined();
  });
});

describe('role of a provider', () => {
  const attachedTo = (stack: Stack) =>
    Object.values(resources(stack, 'AWS::IAM::Policy')).map(({ Properties }) => Properties['Roles']);
  const ROLE = 'arn:aws:iam::123456789012:role/team/enroller';

  test('a role that the app declares gets every policy, and the provider creates no other role', () => {
    const stack = newStack();
    const role = new iam.Role(stack, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
    enroll(stack, { provider: new MfaEnrollmentProvider(stack, 'Provider', { role }) });
    const { logicalId } = only(stack, 'AWS::IAM::Role');
    expect(attachedTo(stack)).toEqual([[{ Ref: logicalId }], [{ Ref: logicalId }]]);
    expect(only(stack, FUNCTION).Properties['Role']).toEqual({ 'Fn::GetAtt': [logicalId, 'Arn'] });
  });

  test('an imported role gets every policy, by its name', () => {
    const stack = newStack();
    const role = iam.Role.fromRoleArn(stack, 'Role', ROLE);
    enroll(stack, { provider: new MfaEnrollmentProvider(stack, 'Provider', { role }) });
    expect(attachedTo(stack)).toEqual([['enroller'], ['enroller']]);
    expect(only(stack, FUNCTION).Properties['Role']).toBe(ROLE);
  });

  test.each<[string, (stack: Stack) => iam.IRole]>([
    ['imported as immutable', (s) => iam.Role.fromRoleArn(s, 'Role', ROLE, { mutable: false })],
    [
      'declared, without policy updates',
      (s) =>
        new iam.Role(s, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') }).withoutPolicyUpdates(),
    ],
  ])('an immutable role gets no policy, and nothing depends on one: %s', (_how, role) => {
    const stack = newStack();
    enroll(stack, { provider: new MfaEnrollmentProvider(stack, 'Provider', { role: role(stack) }) });
    expect(attachedTo(stack)).toEqual([]);
    expect(only(stack, 'Custom::MfaEnrollment').DependsOn).toEqual([
      only(stack, 'AWS::Lambda::EventInvokeConfig').logicalId,
    ]);
  });

  test.each([[{}], [{ preventSynthesis: false }]])(
    'a role of Role.customizeRoles gets no policy, and the report says what it needs: %j',
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
    ['the role that the provider creates', () => undefined],
    [
      'a role that the app declares',
      (s) => new iam.Role(s, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') }),
    ],
  ])('a permissions boundary of the app applies to the role and changes nothing else: %s', (_how, role) => {
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
    // A boundary changes no logical id, and so replaces no resource.
    const plain = Object.keys(Template.fromStack(declare(newStack())).toJSON()['Resources'] as object);
    expect(Object.keys(Template.fromStack(stack).toJSON()['Resources'] as object)).toEqual(plain);
  });

  test('the role is a member of the provider', () => {
    const stack = newStack();
    const role = iam.Role.fromRoleArn(stack, 'Role', ROLE);
    expect(new MfaEnrollmentProvider(stack, 'Provider', { role }).role).toBe(role);
  });
});

describe('vpc of a provider', () => {
  test('by default the function runs in the private subnets, with a new security group', () => {
    const stack = provide((s) => ({ vpc: importedVpc(s) }));
    expect(only(stack, FUNCTION).Properties['VpcConfig']).toEqual({
      SubnetIds: ['subnet-private'],
      SecurityGroupIds: [{ 'Fn::GetAtt': [only(stack, 'AWS::EC2::SecurityGroup').logicalId, 'GroupId'] }],
    });
  });

  test('vpcSubnets and securityGroups replace the defaults', () => {
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

  test('the default security group allows no inbound traffic', () => {
    const stack = provide((s) => ({ vpc: importedVpc(s) }));
    expect(only(stack, 'AWS::EC2::SecurityGroup').Properties).not.toHaveProperty('SecurityGroupIngress');
    expect(resources(stack, 'AWS::EC2::SecurityGroupIngress')).toEqual({});
  });

  test('under a path scope, what Lambda needs for network interfaces stays in the policy of the provider', () => {
    const stack = provide((s) => ({ vpc: importedVpc(s), pathScope: { userPath: '/staff/', devicePath: '/staff/' } }));
    const withNetwork = Object.entries(resources(stack, 'AWS::IAM::Policy'))
      .filter(([, policy]) =>
        statementsOf(policy).some(({ Action }) => [Action].flat().some((a) => a.startsWith('ec2:'))),
      )
      .map(([logicalId]) => logicalId);
    expect(withNetwork).toEqual([expect.stringMatching(/^ProviderPolicy/)]);
    expect(only(stack, FUNCTION).DependsOn).toEqual(expect.arrayContaining(withNetwork));
  });

  test('the function depends on the policy that lets Lambda create network interfaces, which a role without VPC does not have', () => {
    const actions = (stack: Stack) => statementsOf(only(stack, 'AWS::IAM::Policy')).flatMap(({ Action }) => Action);
    const stack = provide((s) => ({ vpc: importedVpc(s) }));
    expect(actions(stack)).toContain('ec2:CreateNetworkInterface');
    expect(only(stack, FUNCTION).DependsOn).toContain(only(stack, 'AWS::IAM::Policy').logicalId);
    expect(actions(provide()).filter((action) => action.startsWith('ec2:'))).toEqual([]);
  });
});

describe('what connects the function of a VPC to AWS', () => {
  const SECRETS_MANAGER = ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER;

  /** What the enrollment of a stack depends on, directly or not. */
  function dependenciesOf(stack: Stack): string[] {
    const all = Template.fromStack(stack).toJSON()['Resources'] as Record<string, Resource>;
    const found = new Set<string>();
    const follow = (logicalId: string) => {
      for (const each of [all[logicalId]?.DependsOn ?? []].flat().filter((id) => !found.has(id))) {
        found.add(each);
        follow(each);
      }
    };
    follow(only(stack, 'Custom::MfaEnrollment').logicalId);
    return [...found].sort();
  }
  const idsOf = (stack: Stack, ...types: string[]) => types.flatMap((type) => Object.keys(resources(stack, type)));

  test('exists before an enrollment, although the VPC is the scope of the provider', () => {
    const stack = newStack({ env: ENV });
    const vpc = new ec2.Vpc(stack, 'Vpc');
    enroll(stack, { provider: new MfaEnrollmentProvider(vpc, 'Provider', { vpc }) });
    expect(dependenciesOf(stack)).toEqual(expect.arrayContaining(idsOf(stack, 'AWS::EC2::Route')));
  });

  test('exists before an enrollment: routes, gateways, and VPC endpoints of the same stack with their rules', () => {
    const stack = newStack({ env: ENV });
    const vpc = new ec2.Vpc(stack, 'Vpc');
    const securityGroup = new ec2.SecurityGroup(stack, 'Group', { vpc, allowAllOutbound: false });
    const provider = new MfaEnrollmentProvider(stack, 'Provider', { vpc, securityGroups: [securityGroup] });
    enroll(stack, { provider });
    vpc.addGatewayEndpoint('S3', { service: ec2.GatewayVpcEndpointAwsService.S3 });
    const endpoint = new ec2.InterfaceVpcEndpoint(stack, 'Endpoint', { vpc, service: SECRETS_MANAGER, open: false });
    endpoint.connections.allowDefaultPortFrom(provider.function);
    new ec2.CfnVPCEndpoint(stack, 'Plain', { vpcId: vpc.vpcId, serviceName: 'com.amazonaws.eu-central-1.kms' });
    new ec2.CfnVPCEndpoint(stack, 'OfOtherVpc', { vpcId: 'vpc-2', serviceName: 'com.amazonaws.eu-central-1.kms' });

    const endpoints = idsOf(stack, 'AWS::EC2::VPCEndpoint').filter((id) => id !== 'OfOtherVpc');
    expect(endpoints).toHaveLength(3);
    expect(dependenciesOf(stack)).toEqual(
      expect.arrayContaining([
        ...endpoints,
        ...idsOf(stack, 'AWS::EC2::Route', 'AWS::EC2::NatGateway', 'AWS::EC2::SubnetRouteTableAssociation'),
        ...idsOf(stack, 'AWS::EC2::SecurityGroupIngress', 'AWS::EC2::SecurityGroupEgress'),
      ]),
    );
    expect(dependenciesOf(stack)).not.toContain('OfOtherVpc');
  });

  test('can be a VPC endpoint of an imported VPC', () => {
    const stack = newStack();
    const vpc = importedVpc(stack);
    enroll(stack, { provider: new MfaEnrollmentProvider(stack, 'Provider', { vpc }) });
    new ec2.InterfaceVpcEndpoint(stack, 'Endpoint', { vpc, service: SECRETS_MANAGER });
    expect(dependenciesOf(stack)).toEqual(expect.arrayContaining(idsOf(stack, 'AWS::EC2::VPCEndpoint')));
  });

  test('makes no stack depend on an endpoint that another stack adds to the VPC', () => {
    const app = newApp();
    const network = newStack({}, app, 'Network');
    const vpc = new ec2.Vpc(network, 'Vpc');
    const stack = newStack({}, app);
    enroll(stack, { provider: new MfaEnrollmentProvider(stack, 'Provider', { vpc }) });
    const endpoints = newStack({}, app, 'Endpoints');
    new ec2.InterfaceVpcEndpoint(endpoints, 'Endpoint', { vpc, service: SECRETS_MANAGER });
    app.synth();
    expect(stack.dependencies).toEqual([network]);
  });
});

describe('a second EventInvokeConfig of the function is an error', () => {
  test.each<[string, (stack: Stack, handler: lambda.IFunction) => unknown]>([
    ['provider.function.configureAsyncInvoke(…)', (_, handler) => handler.configureAsyncInvoke({ retryAttempts: 1 })],
    [
      'new EventInvokeConfig(…)',
      (stack, handler) => new lambda.EventInvokeConfig(stack, 'Second', { function: handler, retryAttempts: 1 }),
    ],
    [
      'new CfnEventInvokeConfig(…) with the ARN',
      (stack, handler) =>
        new lambda.CfnEventInvokeConfig(stack, 'Second', { functionName: handler.functionArn, qualifier: '$LATEST' }),
    ],
  ])('%s', (_how, configure) => {
    const stack = newStack();
    const provider = new MfaEnrollmentProvider(stack, 'Provider');
    configure(stack, provider.function);
    expect(() => Template.fromStack(stack)).toThrow(
      /'function': second EventInvokeConfig 'Stack\/.*': expected the provider's own only, because Lambda allows one per function/,
    );
  });

  test('but not one of another function, or of an alias', () => {
    const stack = newStack();
    const provider = new MfaEnrollmentProvider(stack, 'Provider');
    const alias = new lambda.CfnAlias(stack, 'Alias', {
      functionName: provider.function.functionName,
      functionVersion: '$LATEST',
      name: 'live',
    });
    new lambda.CfnEventInvokeConfig(stack, 'OfAlias', { functionName: alias.functionName, qualifier: alias.name });
    lambda.Function.fromFunctionName(stack, 'Other', 'other').configureAsyncInvoke({ retryAttempts: 1 });
    expect(Object.keys(resources(stack, 'AWS::Lambda::EventInvokeConfig'))).toHaveLength(3);
  });
});

test('runtime replaces the default runtime', () => {
  expect(
    only(
      provide(() => ({ runtime: lambda.Runtime.NODEJS_22_X })),
      FUNCTION,
    ).Properties['Runtime'],
  ).toBe('nodejs22.x');
});

test('logGroup replaces the default log group, and the role can write only there', () => {
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

  test('serves enrollments whose policies are in their own stack, on its role', () => {
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

  test('the policies of one user and device in two stacks have different names', () => {
    for (const stack of users) {
      const name = Object.values(enrollmentPolicies(stack))[0]?.Properties['PolicyName'];
      expect(JSON.stringify(name)).toContain('AWS::StackId');
    }
  });
});

describe('an invalid prop of a provider is an error that names it', () => {
  test.each<[string, (stack: Stack) => MfaEnrollmentProviderProps, string]>([
    [
      'a runtime of another language',
      () => ({ runtime: lambda.Runtime.PYTHON_3_12 }),
      "'runtime': invalid value 'python3.12': expected a Node.js runtime from version 20, such as 'nodejs24.x'",
    ],
    [
      'an older Node.js',
      () => ({ runtime: lambda.Runtime.NODEJS_18_X }),
      "'runtime': invalid value 'nodejs18.x': expected a Node.js runtime from version 20",
    ],
    [
      'vpcSubnets without vpc',
      () => ({ vpcSubnets: {} }),
      "'vpcSubnets': is set without 'vpc': expected both or neither",
    ],
    [
      'securityGroups without vpc',
      () => ({ securityGroups: [] }),
      "'securityGroups': is set without 'vpc': expected both or neither",
    ],
    ['recheck -1', () => ({ recheck: -1 }), "'recheck': invalid value -1: expected a whole number from 0"],
    ['recheck 1.5', () => ({ recheck: 1.5 }), "'recheck': invalid value 1.5: expected a whole number from 0"],
  ])('%s', (_prop, props, words) => {
    expect(() => provide(props)).toThrow(`[Stack/Provider] ${words}`);
  });
});

describe('MfaEnrollmentProvider.fromMfaEnrollmentProviderAttributes', () => {
  const ATTRS: MfaEnrollmentProviderAttributes = {
    serviceToken: 'arn:aws:lambda:eu-central-1:123456789012:function:mfa',
    roleArn: 'arn:aws:iam::123456789012:role/mfa',
    pathScope: { userPath: '/staff/', devicePath: '/staff/' },
  };
  const imported = (stack: Stack, attrs: Partial<MfaEnrollmentProviderAttributes> = {}) =>
    MfaEnrollmentProvider.fromMfaEnrollmentProviderAttributes(stack, 'Provider', { ...ATTRS, ...attrs });
  const amy = (stack: Stack) => iam.User.fromUserArn(stack, 'Amy', 'arn:aws:iam::123456789012:user/staff/amy');
  const bob = (stack: Stack) => iam.User.fromUserArn(stack, 'Bob', 'arn:aws:iam::123456789012:user/staff/bob');

  test('grants nothing: the template has only the custom resources with its ServiceToken, and the secret', () => {
    const stack = newStack({ env: ENV });
    const provider = imported(stack);
    new MfaEnrollment(stack, 'AmyMfa', { user: amy(stack), provider });
    enroll(
      stack,
      {
        user: bob(stack),
        provider,
        serialNumber: 'arn:aws:iam::123456789012:mfa/staff/bob',
        seedSecret: Secret.fromSecretNameV2(stack, 'BobsSeed', 'mfa/staff/bob'),
      },
      'BobMfa',
    );
    const all = Object.values(Template.fromStack(stack).toJSON()['Resources'] as Record<string, Resource>);
    expect(all.map(({ Type }) => Type).sort()).toEqual([
      'AWS::SecretsManager::Secret',
      'Custom::MfaEnrollment',
      'Custom::MfaEnrollment',
      'Custom::VirtualMfaDevice',
    ]);
    const customResources = all.filter(({ Type }) => Type.startsWith('Custom::'));
    expect(customResources.map(({ Properties }) => Properties['ServiceToken'])).toEqual(
      customResources.map(() => ATTRS.serviceToken),
    );
    // There is nothing in the template to depend on.
    expect(customResources.flatMap(({ DependsOn = [] }) => DependsOn)).toEqual([]);
  });

  test('attributes that only the deployment knows pass', () => {
    const stack = newStack({ env: ENV });
    const provider = imported(stack, {
      serviceToken: Fn.importValue('MfaServiceToken'),
      roleArn: Fn.importValue('MfaRoleArn'),
    });
    new MfaEnrollment(stack, 'AmyMfa', { user: amy(stack), provider });
    expect(only(stack, 'Custom::MfaEnrollment').Properties['ServiceToken']).toEqual({
      'Fn::ImportValue': 'MfaServiceToken',
    });
  });

  test('the members are those of the attributes', () => {
    const provider = imported(newStack());
    expect(provider.serviceToken).toBe(ATTRS.serviceToken);
    expect(provider.role.roleArn).toBe(ATTRS.roleArn);
  });

  test('the path scope applies to users and devices', () => {
    const stack = newStack();
    const provider = imported(stack);
    expect(() => new MfaEnrollment(stack, 'Mfa', { user: new iam.User(stack, 'Guest'), provider })).toThrow(
      "[Stack/Mfa] 'user': invalid value 'Stack/Guest' with path '/': expected a user below '/staff/', which is the path scope of 'Stack/Provider'",
    );
    expect(() => new VirtualMfaDevice(stack, 'Device', { provider, path: '/guests/' })).toThrow(
      "[Stack/Device] 'path': invalid value '/guests/': expected a device below '/staff/'",
    );
  });

  test('the role of the imported function can read a seed that restrictSeedReaders restricts', () => {
    const stack = newStack({ env: ENV });
    const reader = new iam.Role(stack, 'Reader', { assumedBy: new iam.AccountRootPrincipal() });
    const { device } = new MfaEnrollment(stack, 'AmyMfa', { user: amy(stack), provider: imported(stack) });
    device.restrictSeedReaders(reader);
    const { ResourcePolicy: policy } = only(stack, 'AWS::SecretsManager::ResourcePolicy').Properties;
    expect(JSON.stringify(policy)).toContain(ATTRS.roleArn);
  });

  test('an enrollment keeps its logical id if the construct of the provider is renamed', () => {
    const ids = ['One', 'Other'].map((id) => {
      const stack = newStack({ env: ENV });
      const provider = MfaEnrollmentProvider.fromMfaEnrollmentProviderAttributes(stack, id, ATTRS);
      new MfaEnrollment(stack, 'AmyMfa', { user: amy(stack), provider });
      return only(stack, 'Custom::MfaEnrollment').logicalId;
    });
    expect(ids[0]).toBe(ids[1]);
  });

  const FUNCTION_ARN = 'expected the ARN of a Lambda function';
  const ROLE_ARN = 'expected the ARN of a role';
  test.each<[string, Partial<MfaEnrollmentProviderAttributes>, string]>([
    ['a serviceToken that is a name', { serviceToken: 'mfa' }, `'serviceToken': invalid value 'mfa': ${FUNCTION_ARN}`],
    [
      'a serviceToken of a topic',
      { serviceToken: 'arn:aws:sns:eu-central-1:123456789012:mfa' },
      `'serviceToken': invalid value 'arn:aws:sns:eu-central-1:123456789012:mfa': ${FUNCTION_ARN}`,
    ],
    [
      'a serviceToken in another region',
      { serviceToken: 'arn:aws:lambda:us-east-1:123456789012:function:mfa' },
      "'serviceToken': invalid value 'arn:aws:lambda:us-east-1:123456789012:function:mfa' in region us-east-1: expected a function in region eu-central-1, which is the stack's",
    ],
    [
      'a serviceToken in another account',
      { serviceToken: 'arn:aws:lambda:eu-central-1:999999999999:function:mfa' },
      "'serviceToken': invalid value 'arn:aws:lambda:eu-central-1:999999999999:function:mfa' in account 999999999999: expected a function in account 123456789012, which is the stack's",
    ],
    ['a roleArn that is a name', { roleArn: 'mfa' }, `'roleArn': invalid value 'mfa': ${ROLE_ARN}`],
    [
      'a roleArn of a user',
      { roleArn: 'arn:aws:iam::123456789012:user/mfa' },
      `'roleArn': invalid value 'arn:aws:iam::123456789012:user/mfa': ${ROLE_ARN}`,
    ],
    [
      'a roleArn with a wildcard',
      { roleArn: 'arn:aws:iam::123456789012:role/*' },
      `'roleArn': invalid value 'arn:aws:iam::123456789012:role/*': ${ROLE_ARN}`,
    ],
    [
      'a roleArn in another account',
      { roleArn: 'arn:aws:iam::999999999999:role/mfa' },
      "'roleArn': invalid value 'arn:aws:iam::999999999999:role/mfa': expected a role in account 123456789012, which is the function's",
    ],
    [
      'a mistyped prop of the path scope',
      { pathScope: { userPath: '/staff/', devicePath: '/staff/', seedSecretprefix: 'seeds/' } as never },
      "'pathScope': invalid prop 'seedSecretprefix': expected one of userPath, devicePath, seedSecretPrefix, encryptionKeys",
    ],
    [
      'a prop that imported providers do not have',
      { recheck: 1 } as never,
      "'attrs': invalid prop 'recheck': expected one of serviceToken, roleArn, pathScope",
    ],
    [
      'a path without a slash at its end',
      { pathScope: { userPath: '/staff', devicePath: '/staff/' } },
      "'pathScope.userPath': invalid path '/staff': expected a path that begins and ends with '/'",
    ],
  ])('wrong attributes are errors: %s', (_what, attrs, words) => {
    expect(() => imported(newStack({ env: ENV }), attrs)).toThrow(`[Stack/Provider] ${words}`);
  });

  test('a stack without region and account accepts a function in any', () => {
    expect(() => imported(newStack())).not.toThrow();
  });
});

test('a stack with one enrollment of an imported device has exactly these resources', () => {
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

describe('DependsOn names resources of the same stack only', () => {
  const dependenciesIn = (stack: Stack) => {
    const { Resources } = Template.fromStack(stack).toJSON() as { Resources: Record<string, Resource> };
    const dependencies = Object.values(enrollments(stack)).flatMap(({ DependsOn = [] }) => DependsOn);
    return dependencies.map((logicalId) => [logicalId, logicalId in Resources]);
  };

  test.each<[string, (app: App) => Stack, (stack: Stack) => Stack]>([
    ['another stack', (app) => newStack({}, app, 'Provider'), (stack) => newStack({}, stack.node.root, 'Users')],
    ['the parent of a nested stack', (app) => newStack({}, app), (stack) => new NestedStack(stack, 'Users')],
  ])('with a provider of %s', (_, stackOfProvider, stackOfUsers) => {
    const owner = stackOfProvider(newApp());
    const provider = new MfaEnrollmentProvider(owner, 'Mfa');
    const stack = stackOfUsers(owner);
    enroll(stack, { provider });
    expect(dependenciesIn(stack)).toEqual([[expect.stringMatching(/^MfaEnrollmentPolicy/), true]]);
  });

  test('with a provider of another stack that has a path scope', () => {
    const owner = newStack({}, newApp(), 'Provider');
    const provider = new MfaEnrollmentProvider(owner, 'Mfa', { pathScope: { userPath: '/', devicePath: '/' } });
    const stack = newStack({}, owner.node.root, 'Users');
    enroll(stack, { provider, seedSecret: Secret.fromSecretNameV2(stack, 'Seed', 'mfa/alice') });
    expect(dependenciesIn(stack)).toEqual([]);
  });
});
