import {
  Aspects,
  CfnOutput,
  CfnResource,
  NestedStack,
  RemovalPolicy,
  type Stack,
  Stage,
  TagManager,
  Tags,
} from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as cxapi from 'aws-cdk-lib/cx-api';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { type IVirtualMfaDevice, MfaEnrollmentProvider, VirtualMfaDevice, type VirtualMfaDeviceProps } from '../../lib';
import {
  DEVICE,
  devicePolicies,
  devices,
  enroll,
  enrollMade,
  enrollments,
  ENV,
  literalStack,
  newApp,
  newStack,
  only,
  resources,
} from './fixture';

const TYPE = 'Custom::VirtualMfaDevice';
const SECRET = 'AWS::SecretsManager::Secret';
const SECRET_ARN = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:mfa/alice-AbCdEf';

describe('properties', () => {
  test('a device with no props has these properties and no others', () => {
    const stack = literalStack();
    const device = new VirtualMfaDevice(stack, 'AliceDevice');
    expect(only(stack, TYPE).Properties).toEqual({
      ServiceToken: { 'Fn::GetAtt': [only(stack, 'AWS::Lambda::Function').logicalId, 'Arn'] },
      ServiceTimeout: 1410,
      SerialNumber: `arn:aws:iam::123456789012:mfa/${device.virtualMfaDeviceName}`,
      SeedSecretArn: { Ref: only(stack, SECRET).logicalId },
      OwnSecret: true,
    });
  });

  test('a secret that is passed is not its own, even if another device created it', () => {
    const app = newApp();
    const other = new VirtualMfaDevice(newStack({}, app, 'Other'), 'Device', { virtualMfaDeviceName: 'shared' });
    const stack = newStack({}, app);
    new VirtualMfaDevice(stack, 'Device', { virtualMfaDeviceName: 'shared', seedSecret: other.seedSecret });
    expect(only(stack, TYPE).Properties).not.toHaveProperty('OwnSecret');
    expect(JSON.stringify(resources(stack, 'AWS::IAM::Policy'))).not.toContain('secretsmanager:DeleteSecret');
  });

  test.each([
    [undefined, 'mfa/alice'],
    ['/', 'mfa/alice'],
    ['/staff/eu/', 'mfa/staff/eu/alice'],
  ])('the serial number consists of path %s and name', (path, resource) => {
    const stack = literalStack();
    new VirtualMfaDevice(stack, 'AliceDevice', { virtualMfaDeviceName: 'alice', path });
    expect(only(stack, TYPE).Properties['SerialNumber']).toBe(`arn:aws:iam::123456789012:${resource}`);
  });

  test('a stack without a known environment refers to partition and account', () => {
    const stack = newStack();
    new VirtualMfaDevice(stack, 'AliceDevice', { virtualMfaDeviceName: 'alice' });
    expect(only(stack, TYPE).Properties['SerialNumber']).toEqual({
      'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':iam::', { Ref: 'AWS::AccountId' }, ':mfa/alice']],
    });
  });

  test('the serial number is an attribute of the device, and the name is not', () => {
    const stack = literalStack();
    const device = new VirtualMfaDevice(stack, 'Any', { virtualMfaDeviceName: 'alice' });
    expect(stack.resolve(device.serialNumber)).toEqual({ 'Fn::GetAtt': [only(stack, TYPE).logicalId, 'SerialNumber'] });
    expect(device.virtualMfaDeviceName).toBe('alice');
  });

  test('a device has the recheck of its provider', () => {
    const stack = newStack();
    new VirtualMfaDevice(stack, 'AliceDevice', { provider: new MfaEnrollmentProvider(stack, 'Own', { recheck: 3 }) });
    expect(only(stack, TYPE).Properties['Recheck']).toBe(3);
  });

  test('the function of the given provider creates the device', () => {
    const stack = newStack();
    const provider = new MfaEnrollmentProvider(stack, 'Own');
    new VirtualMfaDevice(stack, 'AliceDevice', { provider });
    expect(only(stack, TYPE).Properties['ServiceToken']).toEqual(stack.resolve(provider.serviceToken));
    expect(Object.keys(resources(stack, 'AWS::Lambda::Function'))).toHaveLength(1);
  });

  test('the devices and enrollments of a stack share one provider', () => {
    const stack = newStack();
    enrollMade(stack);
    expect(Object.keys(resources(stack, 'AWS::Lambda::Function'))).toHaveLength(1);
  });
});

describe('the secret that is created for a device', () => {
  test('has no value and no name, and a description that names the device', () => {
    const stack = newStack();
    new VirtualMfaDevice(stack, 'AliceDevice', { virtualMfaDeviceName: 'alice', path: '/staff/' });
    expect(only(stack, SECRET).Properties).toEqual({ Description: 'Seed of virtual MFA device /staff/alice' });
  });

  test.each([
    [undefined, 'mfa/staff/'],
    ['seeds/', 'seeds/'],
  ])(
    'has a name of the prefix and the path below that of the path scope, with prefix %s',
    (seedSecretPrefix, prefix) => {
      const nameOf = (path?: string) => {
        const stack = newStack();
        const pathScope = { userPath: '/', devicePath: '/staff/', seedSecretPrefix };
        const provider = new MfaEnrollmentProvider(stack, 'Provider', { pathScope });
        new VirtualMfaDevice(stack, 'Device', { path, virtualMfaDeviceName: 'alice', provider });
        return only(stack, SECRET).Properties['Name'];
      };
      expect(nameOf()).toBe(`${prefix}alice`);
      expect(nameOf('/staff/eu/')).toBe(`${prefix}eu/alice`);
    },
  );

  test('has a name that Secrets Manager accepts and that differs between any two devices, under a path scope', () => {
    const nameOf = (path: string, virtualMfaDeviceName: string) => {
      const stack = newStack();
      const provider = new MfaEnrollmentProvider(stack, 'P', { pathScope: { userPath: '/', devicePath: '/staff/' } });
      new VirtualMfaDevice(stack, 'Device', { path, virtualMfaDeviceName, provider });
      return only(stack, SECRET).Properties['Name'];
    };
    expect(nameOf('/staff/a:b/', 'c,d')).toBe('mfa/staff/a=3Ab/c=2Cd');
    expect(nameOf('/staff/a=3Ab/', 'c=2Cd')).not.toBe(nameOf('/staff/a:b/', 'c,d'));
  });

  test('is encrypted with the given key', () => {
    const stack = newStack();
    const encryptionKey = new kms.Key(stack, 'Key');
    const device = new VirtualMfaDevice(stack, 'AliceDevice', { encryptionKey });
    expect(only(stack, SECRET).Properties['KmsKeyId']).toEqual(stack.resolve(encryptionKey.keyArn));
    expect(device.seedSecret.encryptionKey).toBe(encryptionKey);
  });

  test('does not exist if the app has a secret, which stays as it is declared', () => {
    const stack = newStack();
    const seedSecret = new Secret(stack, 'Own');
    const device = new VirtualMfaDevice(stack, 'AliceDevice', { seedSecret, virtualMfaDeviceName: 'alice' });
    expect(device.seedSecret).toBe(seedSecret);
    expect(only(stack, SECRET).Properties).toEqual({ GenerateSecretString: {} });
    expect(only(stack, TYPE).Properties['SeedSecretArn']).toEqual({ Ref: only(stack, SECRET).logicalId });
  });
});

describe('removal policy', () => {
  const DELETED = { DeletionPolicy: 'Delete', UpdateReplacePolicy: 'Delete' };
  const RETAINED = { DeletionPolicy: 'RetainExceptOnCreate', UpdateReplacePolicy: 'Retain' };

  test.each([
    ['absent', undefined],
    ['DESTROY', RemovalPolicy.DESTROY],
  ])('%s deletes the device, and CloudFormation leaves the secret to it', (_rule, removalPolicy) => {
    const stack = newStack();
    new VirtualMfaDevice(stack, 'AliceDevice', { removalPolicy });
    expect(only(stack, TYPE)).toMatchObject(DELETED);
    expect(only(stack, SECRET)).toMatchObject(RETAINED);
  });

  test.each([RemovalPolicy.RETAIN, RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE])(
    '%s retains device and secret only, and a create that rolls back removes them',
    (removalPolicy) => {
      const stack = newStack();
      new VirtualMfaDevice(stack, 'AliceDevice', { removalPolicy });
      expect(only(stack, TYPE)).toMatchObject(RETAINED);
      expect(only(stack, SECRET)).toMatchObject(RETAINED);
      const retained = Object.values(
        Template.fromStack(stack).toJSON()['Resources'] as Record<string, { DeletionPolicy?: string }>,
      ).filter(({ DeletionPolicy = 'Delete' }) => DeletionPolicy !== 'Delete');
      expect(retained).toHaveLength(2);
    },
  );

  test.each(['before', 'after'])(
    'that is applied to the device %s its enrollment also applies to its secret',
    (when) => {
      const stack = newStack();
      const device = new VirtualMfaDevice(stack, 'AliceDevice');
      if (when === 'before') {
        device.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
      }
      enroll(stack, { device });
      if (when === 'after') {
        device.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
      }
      expect(only(stack, TYPE)).toMatchObject(RETAINED);
      expect(only(stack, SECRET)).toMatchObject(RETAINED);
    },
  );

  test("of a device does not change the app's secret", () => {
    const stack = newStack();
    const seedSecret = new Secret(stack, 'Own', { removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE });
    const device = new VirtualMfaDevice(stack, 'Any', { seedSecret });
    device.applyRemovalPolicy(RemovalPolicy.DESTROY);
    expect(only(stack, SECRET)).toMatchObject(RETAINED);
    expect(only(stack, TYPE)).toMatchObject(DELETED);
  });

  test("that retains a device whose secret in the app is deleted leads to a warning, because the device's seed would be lost", () => {
    const stack = newStack();
    const seedSecret = new Secret(stack, 'Own', { removalPolicy: RemovalPolicy.DESTROY });
    new VirtualMfaDevice(stack, 'Any', { seedSecret, removalPolicy: RemovalPolicy.RETAIN });
    const warning = Match.stringLikeRegexp("the device is retained, but its secret 'Stack/Own/Resource' is not");
    expect(Annotations.fromStack(stack).findWarning('/Stack/Any', warning)).toHaveLength(1);
  });
});

describe('dependencies', () => {
  const retrySettings = (stack: Stack) => only(stack, 'AWS::Lambda::EventInvokeConfig').logicalId;

  test('a device depends on its policy, the policy of the role and the retry settings, side by side', () => {
    const stack = newStack();
    new VirtualMfaDevice(stack, 'AliceDevice');
    const policies = resources(stack, 'AWS::IAM::Policy');
    expect(Object.keys(policies)).toHaveLength(2);
    expect(only(stack, TYPE).DependsOn).toEqual([...Object.keys(policies), retrySettings(stack)].sort());
    expect(Object.values(policies).map(({ DependsOn }) => DependsOn)).toEqual([undefined, undefined]);
    expect(only(stack, 'AWS::Lambda::EventInvokeConfig').DependsOn).toBeUndefined();
  });

  test('a device does not depend on the policy of another device', () => {
    const stack = newStack();
    new VirtualMfaDevice(stack, 'One');
    new VirtualMfaDevice(stack, 'Two');
    const policyIds = Object.keys(devicePolicies(stack));
    const created = Object.entries(devices(stack));
    expect(created).toHaveLength(2);
    for (const [logicalId, { DependsOn = [] }] of created) {
      const own = policyIds.filter((policyId) => DependsOn.includes(policyId));
      expect(own).toHaveLength(1);
      expect(own[0]?.slice(-8)).toBe(logicalId.slice(-8));
    }
  });

  test('an enrollment refers to the serial number of its device, which is created first', () => {
    const stack = newStack();
    enrollMade(stack);
    expect(only(stack, 'Custom::MfaEnrollment').Properties).toMatchObject({
      SerialNumber: { 'Fn::GetAtt': [only(stack, TYPE).logicalId, 'SerialNumber'] },
      SeedSecretArn: { Ref: only(stack, SECRET).logicalId },
    });
  });

  test('a device depends on the retry settings only if the role accepts no policies', () => {
    const stack = newStack();
    const role = iam.Role.fromRoleArn(stack, 'Role', 'arn:aws:iam::123456789012:role/r', { mutable: false });
    new VirtualMfaDevice(stack, 'AliceDevice', { provider: new MfaEnrollmentProvider(stack, 'Own', { role }) });
    expect(resources(stack, 'AWS::IAM::Policy')).toEqual({});
    expect(only(stack, TYPE).DependsOn).toEqual([retrySettings(stack)]);
  });

  test('a device of an imported provider depends on nothing', () => {
    const stack = newStack();
    const provider = MfaEnrollmentProvider.fromMfaEnrollmentProviderAttributes(stack, 'Imported', {
      serviceToken: 'arn:aws:lambda:eu-central-1:123456789012:function:mfa',
      roleArn: 'arn:aws:iam::123456789012:role/mfa',
      pathScope: { userPath: '/', devicePath: '/staff/' },
    });
    new VirtualMfaDevice(stack, 'AliceDevice', { provider });
    expect(only(stack, TYPE)).not.toHaveProperty('DependsOn');
  });

  test('a dependency that the app adds is one of a device', () => {
    const stack = newStack();
    const user = new iam.User(stack, 'Alice');
    const device = new VirtualMfaDevice(stack, 'AliceDevice');
    device.node.addDependency(user);
    const { DependsOn = [] } = only(stack, TYPE);
    expect(DependsOn).toContain(stack.getLogicalId(user.node.defaultChild as CfnResource));
    expect(DependsOn).toEqual([...DependsOn].sort());
  });
});

describe('tags', () => {
  const tagsOf = (stack: Stack) => only(stack, TYPE).Properties['Tags'];

  test('of the device are in its properties, sorted by key', () => {
    const stack = newStack();
    const device = new VirtualMfaDevice(stack, 'AliceDevice');
    Tags.of(device).add('team', 'eu');
    Tags.of(device).add('cost', '42');
    expect(tagsOf(stack)).toEqual([
      { Key: 'cost', Value: '42' },
      { Key: 'team', Value: 'eu' },
    ]);
  });

  test('of the stack are those of device and secret, too', () => {
    const stack = newStack();
    new VirtualMfaDevice(stack, 'AliceDevice');
    Tags.of(stack).add('team', 'eu');
    expect(tagsOf(stack)).toEqual([{ Key: 'team', Value: 'eu' }]);
    expect(only(stack, SECRET).Properties['Tags']).toEqual([{ Key: 'team', Value: 'eu' }]);
  });

  test('of a scope can be removed from the device, and included or excluded by its type', () => {
    const stack = newStack();
    const device = new VirtualMfaDevice(stack, 'AliceDevice');
    Tags.of(stack).add('team', 'eu');
    Tags.of(stack).add('not', 'here', { excludeResourceTypes: [TYPE] });
    Tags.of(stack).add('only', 'here', { includeResourceTypes: [TYPE] });
    Tags.of(device).remove('team');
    expect(tagsOf(stack)).toEqual([{ Key: 'only', Value: 'here' }]);
    expect(TagManager.isTaggable(device)).toBe(true);
  });
});

describe('escape hatches', () => {
  test('the default child is the CfnResource called Resource', () => {
    const device = new VirtualMfaDevice(newStack(), 'AliceDevice');
    const resource = device.node.defaultChild as CfnResource;
    expect(resource).toBe(device.node.findChild('Resource'));
    expect(CfnResource.isCfnResource(resource) && resource.cfnResourceType).toBe(TYPE);
  });

  test('overriding the logical id also changes the references to the device', () => {
    const stack = newStack();
    const device = new VirtualMfaDevice(stack, 'AliceDevice');
    new CfnOutput(stack, 'Which', { value: device.serialNumber });
    (device.node.defaultChild as CfnResource).overrideLogicalId('Mine');
    expect(only(stack, TYPE).logicalId).toBe('Mine');
    Template.fromStack(stack).hasOutput('Which', { Value: { 'Fn::GetAtt': ['Mine', 'SerialNumber'] } });
  });

  test('an aspect can change the device', () => {
    const stack = newStack();
    new VirtualMfaDevice(stack, 'AliceDevice');
    Aspects.of(stack).add({
      visit: (node) => {
        if (CfnResource.isCfnResource(node) && [TYPE, SECRET].includes(node.cfnResourceType)) {
          node.applyRemovalPolicy(RemovalPolicy.RETAIN);
        }
      },
    });
    expect(only(stack, TYPE)).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
  });
});

describe('a device', () => {
  test('in a nested stack has a provider and a secret there', () => {
    const parent = newStack();
    const nested = new NestedStack(parent, 'Nested');
    enrollMade(parent);
    enrollMade(nested);
    for (const stack of [parent, nested]) {
      expect(only(stack, TYPE).Properties).toMatchObject({
        ServiceToken: { 'Fn::GetAtt': [only(stack, 'AWS::Lambda::Function').logicalId, 'Arn'] },
        SeedSecretArn: { Ref: only(stack, SECRET).logicalId },
      });
    }
  });

  test('is the same in two stages', () => {
    const app = newApp();
    const [beta, production] = ['Beta', 'Production'].map((name) => {
      const stack = newStack({ env: ENV, stackName: 'Users' }, new Stage(app, name));
      enrollMade(stack);
      return Template.fromStack(stack).toJSON();
    });
    expect(beta).toEqual(production);
  });

  test('of another stack than its enrollment is deployed first', () => {
    const app = newApp();
    const makers = newStack({}, app, 'Devices');
    const device = new VirtualMfaDevice(makers, 'AliceDevice', { encryptionKey: new kms.Key(makers, 'Key') });
    const readers = newStack({}, app, 'Enrollments');
    enroll(readers, { device });
    const exported = Object.values(Template.fromStack(makers).findOutputs('*')).map(({ Value }) => Value as unknown);
    expect(exported).toContainEqual({ 'Fn::GetAtt': [only(makers, TYPE).logicalId, 'SerialNumber'] });
    expect(exported).toContainEqual({ Ref: only(makers, SECRET).logicalId });
    expect(readers.dependencies).toContain(makers);
    expect(only(readers, 'Custom::MfaEnrollment').Properties['SerialNumber']).toEqual({
      'Fn::ImportValue': expect.stringContaining(only(makers, TYPE).logicalId) as unknown,
    });
  });

  test.each<[string, VirtualMfaDeviceProps]>([
    ['a literal name', { virtualMfaDeviceName: 'alice' }],
    ['the default name', {}],
  ])('of another stack than its enrollment, with %s, is a warning', (_name, props) => {
    const app = newApp();
    const device = new VirtualMfaDevice(newStack({}, app, 'Owner'), 'Device', props);
    const stack = newStack({}, app);
    enroll(stack, { device });
    Annotations.fromStack(stack).hasWarning(
      '/Stack/AliceMfa',
      Match.stringLikeRegexp('the device belongs to another stack'),
    );
  });

  test('can have its secret in another stack', () => {
    const app = newApp();
    const secrets = newStack({}, app, 'Secrets');
    const stack = newStack({}, app, 'Devices');
    new VirtualMfaDevice(stack, 'Any', { seedSecret: new Secret(secrets, 'Seed') });
    expect(only(stack, TYPE).Properties['SeedSecretArn']).toEqual({
      'Fn::ImportValue': expect.stringMatching(/^Secrets:/) as unknown,
    });
    expect(stack.dependencies).toContain(secrets);
  });
});

describe('feature flags', () => {
  const flags = Object.keys(cxapi.FLAGS).filter((flag) => !cxapi.CURRENT_VERSION_EXPIRED_FLAGS.includes(flag));
  const recommended = Object.fromEntries(flags.map((flag) => [flag, cxapi.FLAGS[flag]?.recommendedValue]));
  const off = Object.fromEntries(flags.map((flag) => [flag, false]));
  const synthesized = (context: Record<string, unknown>) => {
    const stack = newStack({ env: ENV }, newApp(context));
    const seedSecret = Secret.fromSecretCompleteArn(stack, 'Seed', SECRET_ARN);
    const unnamed = new VirtualMfaDevice(stack, 'Made');
    const named = new VirtualMfaDevice(stack, 'Named', { virtualMfaDeviceName: 'alice', seedSecret });
    return {
      names: [unnamed.virtualMfaDeviceName, named.virtualMfaDeviceName],
      ids: [devices, devicePolicies, enrollments].map((of) => Object.keys(of(stack)).sort()),
      secrets: resources(stack, SECRET),
    };
  };

  test.each([
    ['recommended', recommended],
    ['off', off],
  ])("don't change a device, with all of them %s", (_setting, context) => {
    expect(flags.length).toBeGreaterThan(50);
    expect(synthesized(context)).toEqual(synthesized({}));
  });
});

describe('a retained enrollment', () => {
  const synthesis = (removalPolicy?: RemovalPolicy) => () => {
    const stack = newStack();
    const device = new VirtualMfaDevice(stack, 'Device', { removalPolicy });
    enroll(stack, { device, removalPolicy: RemovalPolicy.RETAIN });
    Template.fromStack(stack);
  };

  test('is an error if its device is deleted', () => {
    expect(synthesis()).toThrow(
      "[Stack/AliceMfa] 'removalPolicy': the enrollment is retained, but its device 'Stack/Device/Resource' is not: expected RETAIN or RETAIN_ON_UPDATE_OR_DELETE for both",
    );
  });

  test.each([RemovalPolicy.RETAIN, RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE])(
    'is no error if its device has the removal policy %s',
    (removalPolicy) => {
      expect(synthesis(removalPolicy)).not.toThrow();
    },
  );
});

describe('an imported device', () => {
  test('has the attributes that it is given, and creates no resource', () => {
    const stack = newStack();
    const attributes = {
      serialNumber: DEVICE,
      seedSecret: Secret.fromSecretNameV2(stack, 'Seed', 'mfa/alice'),
      seedSecretField: 'seed',
    };
    const device: IVirtualMfaDevice = VirtualMfaDevice.fromVirtualMfaDeviceAttributes(stack, 'Device', attributes);
    expect(device).toMatchObject({ ...attributes, stack });
    expect(Template.fromStack(stack).toJSON()).not.toHaveProperty('Resources');
  });

  test('is not retained or deleted by the app', () => {
    const stack = newStack();
    const device = VirtualMfaDevice.fromVirtualMfaDeviceAttributes(stack, 'Device', {
      serialNumber: DEVICE,
      seedSecret: Secret.fromSecretNameV2(stack, 'Seed', 'mfa/alice'),
    });
    expect(() => device.applyRemovalPolicy(RemovalPolicy.RETAIN)).toThrow();
  });
});

test('more than 40 tags are an error', () => {
  const app = newApp();
  const device = new VirtualMfaDevice(newStack({}, app), 'Device');
  for (let index = 0; index < 41; index++) {
    Tags.of(device).add(`tag${index}`, '');
  }
  expect(() => app.synth()).toThrow(/'tags': 41 tags are too many: expected at most 40/);
});
