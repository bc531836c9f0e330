import { ArnFormat, type ITaggable, TagManager, TagType } from 'aws-cdk-lib';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct, type IConstruct } from 'constructs';
import { CfnResource, type RemovalPolicy, Stack, Token } from './private/cdk';
import { problemOfTag, problemOfTagCount } from './checks';
import { DEVICE_RESOURCE_TYPE, type DeviceProperties, SERVICE_TIMEOUT } from './contract';
import { Declarations } from './private/declarations';
import { defaultDeviceName, problemOfDevice, problemOfDeviceName, problemOfPath } from './private/device-name';
import { explainNoRotation } from './private/acknowledged-findings';
import { deviceIdentity, type DeviceName, deviceNameKey, seedIdentity } from './private/identity';
import { deriveLogicalIds, problemOfLogicalId } from './private/logical-id';
import { MfaEnrollmentProvider } from './mfa-enrollment-provider';
import {
  literal,
  problemOfProvider,
  problemOfRemovalPolicy,
  problemOfSecret,
  refuse,
  warnOfForeignSecret,
} from './private/prop-checks';
import { applyRemoval, noteRemovalOfDevice, removalOf } from './private/removal';
import { seedSecretName } from './private/path-scope';
import { arnOf, wildcardsOf, writeStatements } from './private/seed-secret';
import { allow, type Statement } from './private/statement';

/**
 * A virtual MFA device whose seed is in a secret.
 */
export interface IVirtualMfaDevice extends IConstruct {
  /**
   * The serial number of the device, which is its ARN: `arn:<partition>:iam::<account>:mfa/<path><name>`. What refers to
   * it waits until the device exists and its seed is stored.
   *
   * @attribute
   */
  readonly serialNumber: string;

  /**
   * The name of the device. What refers to it waits for nothing.
   */
  readonly virtualMfaDeviceName: string;

  /**
   * The secret that holds the device's seed, as plain Base32 text. It has no value before the device exists.
   */
  readonly seedSecret: secretsmanager.ISecret;
}

/**
 * Properties of a `VirtualMfaDevice`.
 */
export interface VirtualMfaDeviceProps {
  /**
   * The name of the device: 1 to 226 letters, digits and characters of `+=,.@_-`, unique in the account.
   *
   * Another name is another device with another seed: the old one is deleted after whatever uses the new one works.
   *
   * @default - a name made of the stack's name, the ids of the construct and of what it stands in, the region and the
   * generation. It follows the construct: renaming or moving the construct makes a new device, and ends the one on a
   * person's phone.
   */
  readonly virtualMfaDeviceName?: string;

  /**
   * The IAM path of the device. It begins and ends with `/`. Another path is another device.
   *
   * @default '/'
   */
  readonly path?: string;

  /**
   * A number in the default name, a whole number from 1. Raise it to rotate: a new device with a new seed in a new
   * secret, and a new enrollment where one refers to this device; the old ones are removed after the new ones work.
   *
   * With `virtualMfaDeviceName`, which it is no part of, it is an error; and with `seedSecret`, where the new device's
   * seed would overwrite the only copy of the old one's. There, change the name, and the secret with it.
   *
   * @default 1
   */
  readonly generation?: number;

  /**
   * The customer-managed key that encrypts the secret made for this device. A `seedSecret` of your own brings its own
   * key: both together are an error.
   *
   * To the policy of a key that the app makes, the CDK adds that the account's IAM policies may decrypt by way of Secrets
   * Manager. Where the key is to keep them out, import it: `Key.fromKeyArn`.
   *
   * @default - the key that AWS manages for Secrets Manager in the account
   */
  readonly encryptionKey?: kms.IKey;

  /**
   * The secret that takes the seed, and nothing else: whatever its current value is, it is overwritten when the device
   * is made, unless it is the seed of another device that this library made; a device is never moved to another secret,
   * as AWS shows its seed only once.
   *
   * Of an imported secret with a customer-managed key, the key must be known:
   * `Secret.fromSecretAttributes(this, 'Seed', { secretCompleteArn, encryptionKey })`.
   *
   * @default - a secret made for this device, called `mfa<path><name>`, with no value until the device exists
   */
  readonly seedSecret?: secretsmanager.ISecret;

  /**
   * What happens to the device, and to the secret made for it, when it is removed from the stack, or the stack is
   * deleted.
   *
   * `DESTROY` deletes both. `RETAIN` and `RETAIN_ON_UPDATE_OR_DELETE` both keep them, and both clean up a create that
   * rolls back. `SNAPSHOT` is an error.
   *
   * @default RemovalPolicy.DESTROY
   */
  readonly removalPolicy?: RemovalPolicy;

  /**
   * The function that makes the device.
   *
   * @default - the stack's own, made on first use
   */
  readonly provider?: MfaEnrollmentProvider;
}

/**
 * Makes a virtual MFA device and puts its seed into a secret.
 *
 * On create, a Lambda function calls IAM `CreateVirtualMFADevice` and stores the seed, which AWS shows only then, in
 * Secrets Manager. The seed is never in the template, in an output, a log or an event. The device is enabled for nobody:
 * hand its serial number and its secret to an `MfaEnrollment`.
 *
 * A device is a path and a name, for life. Renaming or moving the construct of a device with a `virtualMfaDeviceName`
 * changes nothing in CloudFormation. The default name follows the construct: renaming or moving the construct makes a
 * new device, and ends the one on a person's phone. To rename it and keep the device, write the device's name down as
 * its `virtualMfaDeviceName` (where the stack's region is not known, with `Aws.REGION` in its place).
 *
 * Tags are added by `Tags.of(device)`. Keys that begin with `cdk-mfa-enrollment:` are this library's own and an error.
 *
 * The policy that allows this, for this device and this secret only, is a resource of its own, next to the device.
 *
 * @example
 * const alice = new iam.User(this, 'Alice');
 * const device = new VirtualMfaDevice(this, 'AliceDevice');
 * new MfaEnrollment(this, 'AliceMfa', {
 *   user: alice,
 *   serialNumber: device.serialNumber,
 *   seedSecret: device.seedSecret,
 * });
 *
 * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateVirtualMFADevice.html
 */
export class VirtualMfaDevice extends Construct implements IVirtualMfaDevice, ITaggable {
  public readonly serialNumber: string;
  public readonly virtualMfaDeviceName: string;
  public readonly seedSecret: secretsmanager.ISecret;

  /**
   * The tags of the device. Keys differ in more than case, and none begins with `cdk-mfa-enrollment:`.
   */
  public readonly tags: TagManager;

  constructor(scope: Construct, id: string, props: VirtualMfaDeviceProps = {}) {
    super(scope, id);
    validate(this, props);

    const stack = Stack.of(this);
    const { path = '/', generation = 1 } = props;
    this.virtualMfaDeviceName = props.virtualMfaDeviceName ?? defaultDeviceName(this, stack.region, generation);
    const name: DeviceName = { path, virtualMfaDeviceName: this.virtualMfaDeviceName };
    this.seedSecret = props.seedSecret ?? makeSeedSecret(this, name, props);
    this.tags = new TagManager(TagType.KEY_VALUE, DEVICE_RESOURCE_TYPE);

    const provider = props.provider ?? MfaEnrollmentProvider.getOrCreate(this);
    const identity = deviceIdentity(name, provider.serviceToken);
    const serialNumber = stack.formatArn({
      service: 'iam',
      region: '',
      resource: `mfa${path}${this.virtualMfaDeviceName}`,
      arnFormat: ArnFormat.NO_RESOURCE_NAME,
    });
    fail('path', provider._scope?.problemOfDevicePath(path));
    fail('seedSecret', provider._scope?.problemOfSecret(this.seedSecret));
    const grant = provider._grant(this, statements(serialNumber, this.seedSecret), wildcardsOf(this.seedSecret));

    const resource = new CfnResource(this, 'Resource', {
      type: DEVICE_RESOURCE_TYPE,
      properties: {
        ServiceToken: provider.serviceToken,
        ServiceTimeout: SERVICE_TIMEOUT,
        SerialNumber: serialNumber,
        SeedSecretArn: arnOf(this.seedSecret),
        Tags: this.tags.renderedTags,
      } satisfies Record<keyof DeviceProperties, unknown> & Record<string, unknown>,
    });
    deriveLogicalIds(this, identity, { VirtualMfaDevice: resource, VirtualMfaDevicePolicy: grant.policy });
    applyRemoval(resource, props.removalPolicy);
    resource.node.addDependency(grant.inForce);

    this.serialNumber = resource.ref;
    noteRemovalOfDevice(this, this.serialNumber, props.removalPolicy);
    this.node.addValidation({ validate: () => problemsAtSynthesis(this, resource, name) });
  }
}

/** A secret that has no value, as one would be taken for a seed: aws-cdk-lib's own would generate one. */
function makeSeedSecret(
  scope: Construct,
  name: DeviceName,
  { encryptionKey, removalPolicy }: VirtualMfaDeviceProps,
): secretsmanager.ISecret {
  const secret = new secretsmanager.Secret(scope, 'SeedSecret', {
    secretName: seedSecretName(name.path, name.virtualMfaDeviceName),
    description: `Seed of virtual MFA device ${name.path}${name.virtualMfaDeviceName}`,
    encryptionKey,
    removalPolicy: removalOf(removalPolicy),
  });
  const resource = secret.node.defaultChild as secretsmanager.CfnSecret;
  resource.generateSecretString = undefined;
  explainNoRotation(resource);
  deriveLogicalIds(secret, seedIdentity(name), { VirtualMfaDeviceSeed: resource });
  return secret;
}

/**
 * What one device may do, and nothing else: come and go with its tags, and store its seed. Tags come with the call that
 * makes the device, which needs the permission to tag, too.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
 */
function statements(serialNumber: string, seedSecret: secretsmanager.ISecret): Statement[] {
  return [
    allow(
      ['iam:CreateVirtualMFADevice', 'iam:DeleteVirtualMFADevice', 'iam:TagMFADevice', 'iam:UntagMFADevice'],
      serialNumber,
    ),
    ...writeStatements(seedSecret),
  ];
}

/** Checks what is known when the construct is made. Tokens are never looked into. */
function validate(scope: Construct, props: VirtualMfaDeviceProps): void {
  const { virtualMfaDeviceName, path = '/', generation, encryptionKey, seedSecret, removalPolicy, provider } = props;
  fail('virtualMfaDeviceName', ifKnown(virtualMfaDeviceName, problemOfDeviceName));
  fail('path', problemOfPath(path));
  if (generation !== undefined) {
    fail('generation', problemOfGeneration(generation, props));
  }
  // The region may be unknown, and only adds to the length.
  const region = literal(Stack.of(scope).region) ?? '';
  const name = virtualMfaDeviceName ?? defaultDeviceName(scope, region, generation ?? 1);
  if (literal(path + name) !== undefined) {
    fail(virtualMfaDeviceName === undefined ? 'path' : 'virtualMfaDeviceName', problemOfDevice(path, name));
  }
  if (seedSecret !== undefined) {
    if (encryptionKey !== undefined) {
      fail('encryptionKey', "has no meaning with 'seedSecret': a secret that exists brings its own key");
    }
    fail('seedSecret', problemOfSecret(seedSecret));
    warnOfForeignSecret(scope, seedSecret);
  }
  fail('removalPolicy', problemOfRemovalPolicy('a virtual MFA device', removalPolicy));
  fail('provider', problemOfProvider(scope, provider ?? scope));
}

function ifKnown(value: string | undefined, problemOf: (value: string) => string | undefined): string | undefined {
  const known = literal(value);
  return known === undefined ? undefined : problemOf(known);
}

function problemOfGeneration(
  generation: number,
  { virtualMfaDeviceName, seedSecret }: VirtualMfaDeviceProps,
): string | undefined {
  if (virtualMfaDeviceName !== undefined) {
    return "has no meaning with 'virtualMfaDeviceName', as it is a part of the default name only: to rotate, give another name";
  }
  if (seedSecret !== undefined) {
    return "is refused with 'seedSecret': the new device's seed would overwrite the only copy of the old one's; to rotate, give another secret and another 'virtualMfaDeviceName'";
  }
  return Token.isUnresolved(generation) || (Number.isSafeInteger(generation) && generation >= 1)
    ? undefined
    : `${generation} is no generation: a whole number from 1 is expected`;
}

const fail: (prop: keyof VirtualMfaDeviceProps, problem: string | undefined) => void = refuse;

/** The declaration of each device, and of the device in each secret. */
const devices = new Declarations();
const seeds = new Declarations();

/** Checks what only synthesis knows: the whole stack, tags, and logical ids as they end up. */
function problemsAtSynthesis(device: VirtualMfaDevice, resource: CfnResource, name: DeviceName): string[] {
  const key = JSON.stringify(deviceNameKey(resource.stack, name));
  const sameDevice = devices.earlier(device, key);
  const secret = JSON.stringify(resource.stack.resolve(arnOf(device.seedSecret)));
  const sameSecret = seeds.earlier(device, secret);
  return [
    sameDevice &&
      `'virtualMfaDeviceName': device ${key} is declared by '${sameDevice.node.path}' already, and by '${device.node.path}' again: a device is declared once in a stack`,
    !sameDevice &&
      sameSecret &&
      `'seedSecret': secret ${secret} takes the seed of '${sameSecret.node.path}' already, and '${device.node.path}' would overwrite it: a secret holds the seed of one device`,
    problemOfLogicalId(resource),
    ...problemsOfTags(device.tags),
  ].filter((problem) => typeof problem === 'string');
}

function problemsOfTags(tags: TagManager): string[] {
  const problems: string[] = [];
  // Their number only: each is judged below, as far as it is known.
  const tooMany = problemOfTagCount(Object.keys(tags.tagValues()).length);
  if (tooMany !== undefined) {
    problems.push(`'tags': ${tooMany}`);
  }
  const keys = new Map<string, string>();
  for (const [key, value] of Object.entries(tags.tagValues())) {
    const known = literal(key);
    if (known === undefined) {
      continue;
    }
    // Where only a deployment knows the value, the key can be judged nevertheless.
    const problem = problemOfTag({ Key: key, Value: literal(value) ?? '' });
    const other = keys.get(key.toLowerCase());
    keys.set(key.toLowerCase(), key);
    if (problem !== undefined) {
      problems.push(`'tags': ${problem}`);
    } else if (other !== undefined) {
      problems.push(`'tags': '${other}' and '${key}' differ in case only: IAM takes them for one key`);
    }
  }
  return problems;
}
