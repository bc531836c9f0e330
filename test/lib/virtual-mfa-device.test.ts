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
import { Template } from 'aws-cdk-lib/assertions';
import * as cxapi from 'aws-cdk-lib/cx-api';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { type IVirtualMfaDevice, MfaEnrollmentProvider, VirtualMfaDevice } from '../../lib';
import {
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
    });
  });

  test.each([
    [undefined, 'mfa/alice'],
    ['/', 'mfa/alice'],
    ['/staff/eu/', 'mfa/staff/eu/alice'],
  ])('path %s and name make the serial number', (path, resource) => {
    const stack = literalStack();
    new VirtualMfaDevice(stack, 'AliceDevice', { virtualMfaDeviceName: 'alice', path });
    expect(only(stack, TYPE).Properties['SerialNumber']).toBe(`arn:aws:iam::123456789012:${resource}`);
  });

  test('where the stack may be deployed anywhere, partition and account are filled in there', () => {
    const stack = newStack();
    new VirtualMfaDevice(stack, 'AliceDevice', { virtualMfaDeviceName: 'alice' });
    expect(only(stack, TYPE).Properties['SerialNumber']).toEqual({
      'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':iam::', { Ref: 'AWS::AccountId' }, ':mfa/alice']],
    });
  });

  test('what refers to the serial number waits for the device, what refers to the name waits for nothing', () => {
    const stack = literalStack();
    const device: IVirtualMfaDevice = new VirtualMfaDevice(stack, 'Any', { virtualMfaDeviceName: 'alice' });
    expect(stack.resolve(device.serialNumber)).toEqual({ Ref: only(stack, TYPE).logicalId });
    expect(device.virtualMfaDeviceName).toBe('alice');
  });

  test("a provider of one's own serves the device", () => {
    const stack = newStack();
    const provider = new MfaEnrollmentProvider(stack, 'Own');
    new VirtualMfaDevice(stack, 'AliceDevice', { provider });
    expect(only(stack, TYPE).Properties['ServiceToken']).toEqual(stack.resolve(provider.serviceToken));
    expect(Object.keys(resources(stack, 'AWS::Lambda::Function'))).toHaveLength(1);
  });

  test('device and enrollment of a stack share its provider', () => {
    const stack = newStack();
    enrollMade(stack);
    expect(Object.keys(resources(stack, 'AWS::Lambda::Function'))).toHaveLength(1);
  });
});

describe('the secret that is made for a device', () => {
  test('has no value, given or generated, and says whose seed it holds', () => {
    const stack = newStack();
    new VirtualMfaDevice(stack, 'AliceDevice', { virtualMfaDeviceName: 'alice', path: '/staff/' });
    expect(only(stack, SECRET).Properties).toEqual({
      Name: 'mfa/staff/alice',
      Description: 'Seed of virtual MFA device /staff/alice',
    });
  });

  test('has a name of its own, whatever characters the device has that a secret may not', () => {
    const nameOf = (path: string, virtualMfaDeviceName: string) => {
      const stack = newStack();
      new VirtualMfaDevice(stack, 'Device', { path, virtualMfaDeviceName });
      return only(stack, SECRET).Properties['Name'];
    };
    expect(nameOf('/a:b/', 'c,d')).toBe('mfa/a=3Ab/c=2Cd');
    expect(nameOf('/a=3Ab/', 'c=2Cd')).not.toBe(nameOf('/a:b/', 'c,d'));
  });

  test('is encrypted with the key given', () => {
    const stack = newStack();
    const encryptionKey = new kms.Key(stack, 'Key');
    const device = new VirtualMfaDevice(stack, 'AliceDevice', { encryptionKey });
    expect(only(stack, SECRET).Properties['KmsKeyId']).toEqual(stack.resolve(encryptionKey.keyArn));
    expect(device.seedSecret.encryptionKey).toBe(encryptionKey);
  });

  test('is not made where the caller has one, which is left as it was declared', () => {
    const stack = newStack();
    const seedSecret = new Secret(stack, 'Own');
    const device = new VirtualMfaDevice(stack, 'AliceDevice', { seedSecret, virtualMfaDeviceName: 'alice' });
    expect(device.seedSecret).toBe(seedSecret);
    expect(only(stack, SECRET)).toMatchObject({ Properties: { GenerateSecretString: {} } });
    expect(only(stack, TYPE).Properties['SeedSecretArn']).toEqual({ Ref: only(stack, SECRET).logicalId });
  });
});

describe('removal policy', () => {
  const RETAINED = { DeletionPolicy: 'RetainExceptOnCreate', UpdateReplacePolicy: 'Retain' };

  test.each([
    ['absent', undefined],
    ['DESTROY', RemovalPolicy.DESTROY],
  ])('%s: device and secret are deleted', (_rule, removalPolicy) => {
    const stack = newStack();
    new VirtualMfaDevice(stack, 'AliceDevice', { removalPolicy });
    const { DeletionPolicy, UpdateReplacePolicy } = only(stack, TYPE);
    expect([DeletionPolicy, UpdateReplacePolicy]).toEqual([undefined, undefined]);
    expect(only(stack, SECRET)).toMatchObject({ DeletionPolicy: 'Delete', UpdateReplacePolicy: 'Delete' });
  });

  test.each([RemovalPolicy.RETAIN, RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE])(
    '%s: device and secret are kept, but cleaned up when the create rolls back, and nothing else is',
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

  test("leaves the caller's secret as the caller declared it", () => {
    const stack = newStack();
    const seedSecret = new Secret(stack, 'Own', { removalPolicy: RemovalPolicy.DESTROY });
    new VirtualMfaDevice(stack, 'Any', { seedSecret, removalPolicy: RemovalPolicy.RETAIN });
    expect(only(stack, SECRET)).toMatchObject({ DeletionPolicy: 'Delete' });
    expect(only(stack, TYPE)).toMatchObject(RETAINED);
  });
});

describe('order', () => {
  test('the custom resource depends on its policy, which depends on the retry settings, and on nothing else', () => {
    const stack = newStack();
    new VirtualMfaDevice(stack, 'AliceDevice');
    const [[policyId, policy] = []] = Object.entries(devicePolicies(stack));
    expect(only(stack, TYPE).DependsOn).toEqual([policyId]);
    expect(policy?.DependsOn).toEqual([only(stack, 'AWS::Lambda::EventInvokeConfig').logicalId]);
  });

  test("each of several devices depends on its own policy, and on no other's", () => {
    const stack = newStack();
    new VirtualMfaDevice(stack, 'One');
    new VirtualMfaDevice(stack, 'Two');
    const made = Object.entries(devices(stack));
    expect(made).toHaveLength(2);
    for (const [logicalId, { DependsOn }] of made) {
      const [policyId = ''] = DependsOn ?? [];
      expect(DependsOn).toHaveLength(1);
      expect(policyId.slice(-8)).toBe(logicalId.slice(-8));
    }
  });

  test('an enrollment of the device waits for it, by its serial number', () => {
    const stack = newStack();
    enrollMade(stack);
    expect(only(stack, 'Custom::MfaEnrollment').Properties).toMatchObject({
      SerialNumber: { Ref: only(stack, TYPE).logicalId },
      SeedSecretArn: { Ref: only(stack, SECRET).logicalId },
    });
  });

  test('with a role that takes no policies, the custom resource depends on the retry settings', () => {
    const stack = newStack();
    const role = iam.Role.fromRoleArn(stack, 'Role', 'arn:aws:iam::123456789012:role/r', { mutable: false });
    new VirtualMfaDevice(stack, 'AliceDevice', { provider: new MfaEnrollmentProvider(stack, 'Own', { role }) });
    expect(resources(stack, 'AWS::IAM::Policy')).toEqual({});
    expect(only(stack, TYPE).DependsOn).toEqual([only(stack, 'AWS::Lambda::EventInvokeConfig').logicalId]);
  });
});

describe('tags', () => {
  const tagsOf = (stack: Stack) => only(stack, TYPE).Properties['Tags'];

  test('of the device stand in its properties, sorted by key', () => {
    const stack = newStack();
    const device = new VirtualMfaDevice(stack, 'AliceDevice');
    Tags.of(device).add('team', 'eu');
    Tags.of(device).add('cost', '42');
    expect(tagsOf(stack)).toEqual([
      { Key: 'cost', Value: '42' },
      { Key: 'team', Value: 'eu' },
    ]);
  });

  test('of the stack reach device and secret', () => {
    const stack = newStack();
    new VirtualMfaDevice(stack, 'AliceDevice');
    Tags.of(stack).add('team', 'eu');
    expect(tagsOf(stack)).toEqual([{ Key: 'team', Value: 'eu' }]);
    expect(only(stack, SECRET).Properties['Tags']).toEqual([{ Key: 'team', Value: 'eu' }]);
  });

  test('of a scope are removed for the device, and chosen by its type', () => {
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

  test('overrideLogicalId renames the device, in what refers to it too', () => {
    const stack = newStack();
    const device = new VirtualMfaDevice(stack, 'AliceDevice');
    new CfnOutput(stack, 'Which', { value: device.serialNumber });
    (device.node.defaultChild as CfnResource).overrideLogicalId('Mine');
    expect(only(stack, TYPE).logicalId).toBe('Mine');
    Template.fromStack(stack).hasOutput('Which', { Value: { Ref: 'Mine' } });
  });

  test('an aspect sees the device and may change it', () => {
    const stack = newStack();
    new VirtualMfaDevice(stack, 'AliceDevice');
    Aspects.of(stack).add({
      visit: (node) => {
        if (CfnResource.isCfnResource(node) && node.cfnResourceType === TYPE) {
          node.applyRemovalPolicy(RemovalPolicy.RETAIN);
        }
      },
    });
    expect(only(stack, TYPE).DeletionPolicy).toBe('Retain');
  });
});

describe('where a stack may stand', () => {
  test('in a nested stack, which has a provider and a secret of its own', () => {
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

  test('in two stages, which come out alike', () => {
    const app = newApp();
    const [beta, production] = ['Beta', 'Production'].map((name) => {
      const stack = newStack({ env: ENV, stackName: 'Users' }, new Stage(app, name));
      enrollMade(stack);
      return Template.fromStack(stack).toJSON();
    });
    expect(beta).toEqual(production);
  });

  test('in another stack than the enrollment, which is deployed after it', () => {
    const app = newApp();
    const makers = newStack({}, app, 'Devices');
    const device = new VirtualMfaDevice(makers, 'AliceDevice', { encryptionKey: new kms.Key(makers, 'Key') });
    const readers = newStack({}, app, 'Enrollments');
    const { serialNumber, seedSecret } = device;
    enroll(readers, { serialNumber, seedSecret });
    const exported = Object.values(Template.fromStack(makers).findOutputs('*')).map(({ Value }) => Value as unknown);
    expect(exported).toContainEqual({ Ref: only(makers, TYPE).logicalId });
    expect(exported).toContainEqual({ Ref: only(makers, SECRET).logicalId });
    expect(readers.dependencies).toContain(makers);
    expect(only(readers, 'Custom::MfaEnrollment').Properties['SerialNumber']).toEqual({
      'Fn::ImportValue': expect.stringContaining(only(makers, TYPE).logicalId) as unknown,
    });
  });

  test('with its secret in another stack', () => {
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
    const made = new VirtualMfaDevice(stack, 'Made');
    const named = new VirtualMfaDevice(stack, 'Named', { virtualMfaDeviceName: 'alice', seedSecret });
    return {
      names: [made.virtualMfaDeviceName, named.virtualMfaDeviceName],
      ids: [devices, devicePolicies, enrollments].map((of) => Object.keys(of(stack)).sort()),
      secrets: resources(stack, SECRET),
    };
  };

  test.each([
    ['recommended', recommended],
    ['off', off],
  ])('a device comes out the same with all of them %s', (_setting, context) => {
    expect(flags.length).toBeGreaterThan(50);
    expect(synthesized(context)).toEqual(synthesized({}));
  });
});

describe('an enrollment that is kept', () => {
  const keep = (removalPolicy?: RemovalPolicy) => () => {
    const stack = newStack();
    const { serialNumber, seedSecret } = new VirtualMfaDevice(stack, 'Device', { removalPolicy });
    enroll(stack, { serialNumber, seedSecret, removalPolicy: RemovalPolicy.RETAIN });
  };

  test('is refused where its device and the only copy of the seed are deleted', () => {
    expect(keep()).toThrow(/^'removalPolicy': RETAIN keeps a device enabled that its 'VirtualMfaDevice' is to delete/);
  });

  test('passes where its device is kept, too', () => {
    expect(keep(RemovalPolicy.RETAIN)).not.toThrow();
  });
});

test('more tags than there is room for are an error', () => {
  const app = newApp();
  const device = new VirtualMfaDevice(newStack({}, app), 'Device');
  for (let index = 0; index < 46; index++) {
    Tags.of(device).add(`tag${index}`, '');
  }
  expect(() => app.synth()).toThrow(/'tags': 46 are too many: at most 45 are allowed/);
});
