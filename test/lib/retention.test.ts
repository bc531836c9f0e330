import { Aspects, CfnResource, type IAspect, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { type Construct, type IConstruct } from 'constructs';
import { MfaEnrollment, MfaEnrollmentProvider, VirtualMfaDevice, type VirtualMfaDeviceProps } from '../../lib';
import {
  DEVICE,
  enroll,
  enrollmentResource,
  ENV,
  literalStack,
  newApp,
  newStack,
  only,
  type Resource,
  resources,
} from './fixture';

/*
 * A retained enrollment keeps its device enabled. Without the seed nobody can sign in with that device or verify it, so
 * the device, its secret and the secret's policy must be retained, too. Synthesis compares the deletion policies as
 * they ended up.
 */

const { RETAIN, RETAIN_ON_UPDATE_OR_DELETE, DESTROY } = RemovalPolicy;
const ENROLLMENT = 'Custom::MfaEnrollment';
const MFA_DEVICE = 'Custom::VirtualMfaDevice';
const SECRET = 'AWS::SecretsManager::Secret';
const SECRET_POLICY = 'AWS::SecretsManager::ResourcePolicy';
const RETAINED = { DeletionPolicy: 'RetainExceptOnCreate', UpdateReplacePolicy: 'Retain' };

/** What `RemovalPolicies.of(scope).apply(policy)` of later aws-cdk-lib versions does. */
function applyBelow(scope: IConstruct, policy: RemovalPolicy, type?: string): void {
  Aspects.of(scope).add(
    visiting((resource) => {
      if (type === undefined || resource.cfnResourceType === type) {
        resource.applyRemovalPolicy(policy);
      }
    }),
  );
}

/** What `MissingRemovalPolicies.of(scope).apply(policy)` does: it leaves resources with a policy alone. */
function applyIfMissing(scope: IConstruct, policy: RemovalPolicy): void {
  Aspects.of(scope).add(
    visiting((resource) => {
      if (resource.cfnOptions.deletionPolicy === undefined) {
        resource.applyRemovalPolicy(policy);
      }
    }),
  );
}

function visiting(visit: (resource: CfnResource) => void): IAspect {
  return {
    visit: (node) => {
      if (CfnResource.isCfnResource(node)) {
        visit(node);
      }
    },
  };
}

/** A user with a declared device. */
function enrollDeclared(
  stack: Stack,
  removalPolicy?: RemovalPolicy,
  props: VirtualMfaDeviceProps = {},
): { readonly enrollment: MfaEnrollment; readonly device: VirtualMfaDevice } {
  const device = new VirtualMfaDevice(stack, 'Device', props);
  return { enrollment: enroll(stack, { device, removalPolicy }), device };
}

const reader = (stack: Stack) => new iam.Role(stack, 'Reader', { assumedBy: new iam.AccountRootPrincipal() });
const synthesized = (stack: Stack) => () => Template.fromStack(stack);
const lost = (what: string, path: string) =>
  `[Stack/AliceMfa] 'removalPolicy': the enrollment is retained, but its ${what} '${path}' is not: expected RETAIN or RETAIN_ON_UPDATE_OR_DELETE for both`;
const LOST_DEVICE = lost('device', 'Stack/Device/Resource');
const LOST_SECRET = lost('secret', 'Stack/Device/SeedSecret/Resource');
const LOST_POLICY = lost("secret's policy", 'Stack/Device/SeedSecret/Policy/Resource');
const ofSeed = (stack: Stack): Resource[] =>
  [ENROLLMENT, MFA_DEVICE, SECRET, SECRET_POLICY].flatMap((type) => Object.values(resources(stack, type)));

describe('a retained enrollment needs a retained device, secret and policy of the secret', () => {
  test('a device, a secret and a policy that are not retained are one error each', () => {
    const stack = newStack();
    const { device } = enrollDeclared(stack, RETAIN);
    device.restrictSeedReaders(reader(stack));
    applyBelow(device, DESTROY);
    for (const words of [LOST_DEVICE, LOST_SECRET, LOST_POLICY]) {
      expect(synthesized(stack)).toThrow(words);
    }
  });

  test('a device that alone is not retained is an error', () => {
    const stack = newStack();
    const { device } = enrollDeclared(stack, RETAIN, { removalPolicy: RETAIN });
    (device.node.defaultChild as CfnResource).applyRemovalPolicy(DESTROY);
    expect(synthesized(stack)).toThrow(LOST_DEVICE);
    expect(synthesized(stack)).not.toThrow(LOST_SECRET);
  });

  test('a secret that alone is not retained is an error', () => {
    const stack = newStack();
    const { device } = enrollDeclared(stack, RETAIN, { removalPolicy: RETAIN });
    (device.seedSecret.node.defaultChild as CfnResource).applyRemovalPolicy(DESTROY);
    expect(synthesized(stack)).toThrow(LOST_SECRET);
    expect(synthesized(stack)).not.toThrow(LOST_DEVICE);
  });

  test("a secret's policy that alone is not retained is an error", () => {
    const stack = newStack();
    const { device } = enrollDeclared(stack, RETAIN, { removalPolicy: RETAIN });
    device.restrictSeedReaders(reader(stack));
    applyBelow(device, DESTROY, SECRET_POLICY);
    expect(synthesized(stack)).toThrow(LOST_POLICY);
    expect(synthesized(stack)).not.toThrow(LOST_SECRET);
  });

  test("a caller's secret that is not retained is an error", () => {
    const stack = newStack();
    const seedSecret = new secretsmanager.Secret(stack, 'Own', { removalPolicy: DESTROY });
    enrollDeclared(stack, RETAIN, { removalPolicy: RETAIN, seedSecret });
    expect(synthesized(stack)).toThrow(lost('secret', 'Stack/Own/Resource'));
  });

  test("a caller's secret of an imported device that is not retained is an error", () => {
    const stack = newStack();
    const seedSecret = new secretsmanager.Secret(stack, 'Own');
    enroll(stack, { removalPolicy: RETAIN, seedSecret });
    expect(synthesized(stack)).toThrow(lost('secret', 'Stack/Own/Resource'));
  });

  test("a policy of the caller's secret that is not retained is an error", () => {
    const stack = newStack();
    const seedSecret = new secretsmanager.Secret(stack, 'Own', { removalPolicy: RETAIN });
    seedSecret.denyAccountRootDelete();
    enroll(stack, { removalPolicy: RETAIN, seedSecret });
    expect(synthesized(stack)).toThrow(lost("secret's policy", 'Stack/Own/Policy/Resource'));
  });

  test.each<[string, (stack: Stack, device: VirtualMfaDevice) => string]>([
    ['by the serial number of the device', (_stack, { serialNumber }) => serialNumber],
    ['by its literal ARN', () => DEVICE],
  ])('a device that is imported %s and not retained is an error', (_how, serialNumber) => {
    const stack = newStack();
    const device = new VirtualMfaDevice(stack, 'Device', { virtualMfaDeviceName: 'alice' });
    const seedSecret = secretsmanager.Secret.fromSecretNameV2(stack, 'Seed', 'mfa/alice');
    enroll(stack, { removalPolicy: RETAIN, serialNumber: serialNumber(stack, device), seedSecret });
    expect(synthesized(stack)).toThrow(LOST_DEVICE);
  });

  test('a device of another stack that is not retained is an error', () => {
    const app = newApp();
    const device = new VirtualMfaDevice(newStack({ env: ENV }, app, 'Devices'), 'Device');
    const stack = newStack({ env: ENV }, app);
    enroll(stack, { device, removalPolicy: RETAIN });
    expect(synthesized(stack)).toThrow(lost('device', 'Devices/Device/Resource'));
  });

  test.each([RETAIN, RETAIN_ON_UPDATE_OR_DELETE])('an enrollment and a device with %s pass', (removalPolicy) => {
    const stack = newStack();
    enrollDeclared(stack, removalPolicy, { removalPolicy }).device.restrictSeedReaders(reader(stack));
    expect(ofSeed(stack)).toHaveLength(4);
    for (const resource of ofSeed(stack)) {
      expect(resource).toMatchObject(RETAINED);
    }
  });

  test('an enrollment that is not retained passes with a retained device', () => {
    const stack = newStack();
    enrollDeclared(stack, undefined, { removalPolicy: RETAIN });
    expect(synthesized(stack)).not.toThrow();
  });

  test('imported devices and secrets pass', () => {
    const stack = newStack();
    enroll(stack, { removalPolicy: RETAIN });
    expect(synthesized(stack)).not.toThrow();
  });
});

describe('the default device with removalPolicy RETAIN', () => {
  test.each([RETAIN, RETAIN_ON_UPDATE_OR_DELETE])(
    'passes with %s, and its secret and policy are retained',
    (policy) => {
      const stack = newStack();
      const user = new iam.User(stack, 'Alice');
      new MfaEnrollment(stack, 'AliceMfa', { user, removalPolicy: policy }).device.restrictSeedReaders(reader(stack));
      expect(ofSeed(stack)).toHaveLength(4);
      for (const resource of ofSeed(stack)) {
        expect(resource).toMatchObject(RETAINED);
      }
    },
  );

  test.each([undefined, DESTROY])(
    'is deleted with %s, and deletes the secret and its policy itself',
    (removalPolicy) => {
      const stack = newStack();
      const user = new iam.User(stack, 'Alice');
      new MfaEnrollment(stack, 'AliceMfa', { user, removalPolicy }).device.restrictSeedReaders(reader(stack));
      expect(ofSeed(stack)).toHaveLength(4);
      for (const resource of ofSeed(stack)) {
        expect(resource).toMatchObject(
          [SECRET, SECRET_POLICY].includes(resource.Type)
            ? RETAINED
            : { DeletionPolicy: 'Delete', UpdateReplacePolicy: 'Delete' },
        );
      }
    },
  );
});

describe('deletion policies count as aspects and L1 calls leave them', () => {
  test('RemovalPolicies.of(enrollment).retain() with a device outside of it is an error', () => {
    const stack = newStack();
    applyBelow(enrollDeclared(stack).enrollment, RETAIN);
    expect(synthesized(stack)).toThrow(LOST_DEVICE);
  });

  test('RemovalPolicies.of(enrollment).retain() reaches the default device and its secret, and passes', () => {
    const stack = newStack();
    const enrollment = new MfaEnrollment(stack, 'AliceMfa', { user: new iam.User(stack, 'Alice') });
    enrollment.device.restrictSeedReaders(reader(stack));
    applyBelow(enrollment, RETAIN);
    expect(ofSeed(stack).map(({ DeletionPolicy }) => DeletionPolicy)).toEqual(['Retain', 'Retain', 'Retain', 'Retain']);
  });

  test('RemovalPolicies.of(app).destroy() deletes what was to be retained', () => {
    const stack = newStack();
    enrollDeclared(stack, RETAIN, { removalPolicy: RETAIN });
    applyBelow(stack.node.root, DESTROY);
    expect(ofSeed(stack).map(({ DeletionPolicy }) => DeletionPolicy)).toEqual(['Delete', 'Delete', 'Delete']);
  });

  test('applyRemovalPolicy on the L1 of the enrollment is an error', () => {
    const stack = newStack();
    enrollmentResource(enrollDeclared(stack).enrollment).applyRemovalPolicy(RETAIN);
    expect(synthesized(stack)).toThrow(LOST_DEVICE);
  });

  test('applyRemovalPolicy on the L1s of enrollment, device and secret passes', () => {
    const stack = newStack();
    const { enrollment, device } = enrollDeclared(stack);
    for (const construct of [enrollment, device, device.seedSecret]) {
      (construct.node.defaultChild as CfnResource).applyRemovalPolicy(RETAIN);
    }
    expect(synthesized(stack)).not.toThrow();
  });

  test('applyRemovalPolicy on a device reaches its secret and the policy of the secret, before and after that exists', () => {
    for (const order of ['before', 'after']) {
      const stack = newStack();
      const { device } = enrollDeclared(stack, RETAIN);
      if (order === 'before') {
        device.restrictSeedReaders(reader(stack));
      }
      device.applyRemovalPolicy(RETAIN);
      if (order === 'after') {
        device.restrictSeedReaders(reader(stack));
      }
      expect(synthesized(stack)).not.toThrow();
    }
  });

  test('applyRemovalPolicy DESTROY on the L1 of a retained enrollment passes', () => {
    const stack = newStack();
    enrollmentResource(enrollDeclared(stack, RETAIN).enrollment).applyRemovalPolicy(DESTROY);
    expect(only(stack, ENROLLMENT).DeletionPolicy).toBe('Delete');
  });

  test('MissingRemovalPolicies.of(app).retain() leaves enrollment, device, secret and policy alone', () => {
    const stack = newStack();
    const { device } = enrollDeclared(stack);
    device.restrictSeedReaders(reader(stack));
    applyIfMissing(stack.node.root, RETAIN);
    const policies = ofSeed(stack).map(({ DeletionPolicy }) => DeletionPolicy);
    expect(policies).toEqual(['Delete', 'Delete', 'RetainExceptOnCreate', 'RetainExceptOnCreate']);
    // The aspect does reach what has no policy.
    expect(only(stack, 'AWS::IAM::User').DeletionPolicy).toBe('Retain');
  });
});

describe('a customer-managed key that the app destroys is a warning, because nobody can read the retained seed without it', () => {
  const warnings = (stack: Stack) =>
    Annotations.fromStack(stack)
      .findWarning('/Stack/AliceMfa', Match.stringLikeRegexp('without which nobody can read the seed'))
      .map(({ entry }) => entry.data);
  const WARNING = [
    expect.stringMatching(/'Stack\/Key\/Resource'.*\[ack: cdk-mfa-enrollment:retainedSeedWithDestroyedKey\]/),
  ];
  const withKey = (keyOf: (key: kms.Key) => kms.IKey, keyPolicy: RemovalPolicy, removalPolicy?: RemovalPolicy) => {
    const stack = newStack();
    const encryptionKey = keyOf(new kms.Key(stack, 'Key', { removalPolicy: keyPolicy }));
    enrollDeclared(stack, removalPolicy, { removalPolicy, encryptionKey });
    return stack;
  };

  test('the key of a retained enrollment', () => {
    expect(warnings(withKey((key) => key, DESTROY, RETAIN))).toEqual(WARNING);
  });

  test('the key behind an alias of a retained enrollment', () => {
    expect(warnings(withKey((key) => key.addAlias('alias/seeds'), DESTROY, RETAIN))).toEqual(WARNING);
  });

  test('a retained key gets no warning', () => {
    expect(warnings(withKey((key) => key, RETAIN, RETAIN))).toEqual([]);
  });

  test('the key of an enrollment that is not retained gets no warning', () => {
    expect(warnings(withKey((key) => key, DESTROY))).toEqual([]);
  });

  test('an imported key gets no warning', () => {
    const stack = literalStack();
    const encryptionKey = kms.Key.fromKeyArn(stack, 'Key', `arn:aws:kms:eu-central-1:${ENV.account}:key/1`);
    enrollDeclared(stack, RETAIN, { removalPolicy: RETAIN, encryptionKey });
    expect(warnings(stack)).toEqual([]);
  });
});

describe('a secret that CloudFormation deletes with its device is a warning, because the device may not be deleted', () => {
  const warnings = (stack: Stack) =>
    Annotations.fromStack(stack)
      .findWarning(
        '/Stack/Device',
        Match.stringLikeRegexp("^CloudFormation deletes the secret .* even if the device can't be deleted"),
      )
      .map(({ entry }) => entry.data as string);

  test('RemovalPolicies.of(app).destroy() gets the warning', () => {
    const stack = newStack();
    enrollDeclared(stack);
    applyBelow(stack.node.root, DESTROY);
    expect(warnings(stack)).toEqual([
      expect.stringMatching(/'Stack\/Device\/SeedSecret'.*\[ack: cdk-mfa-enrollment:seedDeletedByCloudFormation\]/),
    ]);
  });

  test.each([undefined, DESTROY, RETAIN])('the removal policy %s of the device gets none', (removalPolicy) => {
    const stack = newStack();
    enrollDeclared(stack, undefined, { removalPolicy });
    expect(warnings(stack)).toEqual([]);
  });

  test.each([
    ['in the same stack', undefined, (stack: Stack) => stack, 1],
    ['in the same stack, which is retained', RETAIN, (stack: Stack) => stack, 0],
    [
      'of another stack, which is deleted later',
      DESTROY,
      (stack: Stack) => newStack({}, stack.node.root as Construct, 'Secrets'),
      0,
    ],
  ])("a caller's secret %s", (_, removalPolicy, ownerOf, count) => {
    const stack = newStack();
    const seedSecret = new secretsmanager.Secret(ownerOf(stack), 'Own', { removalPolicy });
    enrollDeclared(stack, undefined, { seedSecret });
    expect(warnings(stack)).toHaveLength(count);
    expect(warnings(stack).filter((text) => !text.includes('to RETAIN'))).toEqual([]);
  });
});

test('a retained enrollment retains nothing of the provider', () => {
  const stack = newStack();
  enrollDeclared(stack, RETAIN, { removalPolicy: RETAIN, provider: new MfaEnrollmentProvider(stack, 'Provider') });
  const all = Object.values(Template.fromStack(stack).toJSON()['Resources'] as Record<string, Resource>);
  const retained = all.filter(({ DeletionPolicy = 'Delete' }) => DeletionPolicy !== 'Delete').map(({ Type }) => Type);
  expect(retained.sort()).toEqual([SECRET, ENROLLMENT, MFA_DEVICE].sort());
});
