import {
  ArnFormat,
  type IResource,
  type ITaggable,
  Resource,
  type ResourceEnvironment,
  TagManager,
  TagType,
} from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct, type IConstruct } from 'constructs';
import { Lazy, Stack, type CfnResource, type RemovalPolicy } from './private/cdk';
import { problemOfJsonKey, problemOfSerialNumber, problemOfTag, problemOfTagCount, quoted } from './checks';
import { DEVICE_RESOURCE_TYPE, type DeviceAttributes, type DeviceProperties, TAG_KEY_PREFIX } from './contract';
import { type IMfaEnrollmentProvider, MfaEnrollmentProvider } from './mfa-enrollment-provider';
import { customResource } from './private/custom-resource';
import { Declarations, type Declared } from './private/declarations';
import { nameOfConstruct, problemOfDevice, problemOfDeviceName, problemOfPath } from './private/device-name';
import { deviceIdentity, type DeviceName, deviceNameKey, keyOf, literal } from './private/identity';
import { problemOfLogicalId } from './private/logical-id';
import { allow, noTagKeys, type Statement } from './private/policies';
import {
  problemOfKey,
  problemOfKind,
  problemOfNames,
  problemOfNumber,
  problemOfProvider,
  problemOfRemovalPolicy,
  problemOfSecret,
  problemOfType,
  refuse,
  warn,
  warnOfForeignSecret,
} from './private/props';
import { isKept, lostWithSeed, secretIn } from './private/removal';
import { SeedReaders } from './private/seed-readers';
import { arnOf, problemOfAccount, SeedSecret, sentArnOf, wildcardsOf, writeStatements } from './private/seed-secret';

/**
 * A virtual MFA device whose seed is in a secret: a `VirtualMfaDevice`, or an imported device.
 */
export interface IVirtualMfaDevice extends IResource {
  /**
   * The serial number of the device, which is its ARN: `arn:<partition>:iam::<account>:mfa/<path><name>`. Resources
   * that reference it are created after the device exists and its seed is stored.
   *
   * @attribute
   */
  readonly serialNumber: string;

  /**
   * The secret that holds the device's seed.
   */
  readonly seedSecret: secretsmanager.ISecret;

  /**
   * The key of a JSON secret whose value is the seed.
   *
   * @default - the whole secret string is the seed
   */
  readonly seedSecretField?: string;

  /**
   * Restricts who can read the seed, and who can overwrite it.
   *
   * Grants the readers to read the secret, and adds two statements to its policy. One denies `GetSecretValue` to
   * everybody except the readers and the roles of the functions that create and enroll the device. The other denies
   * `PutSecretValue` to everybody except these functions' roles. Further calls add readers; without readers, only the
   * functions can read the seed.
   *
   * The statements don't deny `UpdateSecret`, which CloudFormation's own role needs.
   *
   * It is an error if the secret is imported, or if the secret or a provider belongs to another stack. An imported
   * provider is allowed.
   *
   * @param readers roles and users
   */
  restrictSeedReaders(...readers: iam.IGrantable[]): void;
}

/**
 * Attributes of a virtual MFA device that already exists.
 */
export interface VirtualMfaDeviceAttributes {
  /**
   * The serial number of the device, which is its ARN: `arn:<partition>:iam::<account>:mfa/<path><name>`.
   *
   * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateVirtualMFADevice.html
   */
  readonly serialNumber: string;

  /**
   * The secret that holds the device's seed: Base32 text as IAM shows it when it creates the device (any case; spaces,
   * hyphens and padding are ignored), or an `otpauth://totp/...` URI with SHA1, 6 digits and a period of 30 seconds. A
   * binary secret is read as UTF-8.
   *
   * If the secret has a customer-managed key, the imported secret must name it:
   * `Secret.fromSecretAttributes(this, 'Seed', { secretCompleteArn, encryptionKey })`.
   */
  readonly seedSecret: secretsmanager.ISecret;

  /**
   * The key of a JSON secret whose value is the seed.
   *
   * @default - the whole secret string is the seed
   */
  readonly seedSecretField?: string;
}

/**
 * Properties of a `VirtualMfaDevice`.
 */
export interface VirtualMfaDeviceProps {
  /**
   * The name of the device: 1 to 226 letters, digits and characters of `+=,.@_-`, unique in the account.
   *
   * Another name is another device with another seed. The old one is deleted after whatever uses the new one works.
   *
   * @default - `<stack>-<construct>-<region>-<8 hex digits>-<generation>`. It follows the construct: if you rename or
   * move the construct, you get a new device, and the one on a person's phone stops working.
   */
  readonly virtualMfaDeviceName?: string;

  /**
   * The IAM path of the device. It begins and ends with `/`. Another path is another device.
   *
   * @default - the `devicePath` of the provider's path scope, or `/` if it has none
   */
  readonly path?: string;

  /**
   * A whole number from 1, and part of the default name. Raise it to rotate: you get a new device with a new seed in a
   * new secret, and a new enrollment. The old ones are removed after the new ones work.
   *
   * It is an error together with `virtualMfaDeviceName`, which it is not part of, and together with `seedSecret`, where
   * the new device's seed would overwrite the only copy of the old one.
   *
   * @default 1
   */
  readonly generation?: number;

  /**
   * The customer-managed key that encrypts the secret of this device. It is an error together with `seedSecret`, which
   * has its own key.
   *
   * For keys created in the app, the CDK adds key-policy statements that let principals of the account, and any
   * `grantRead` grantee, decrypt. To keep them out, import the key: `Key.fromKeyArn`.
   *
   * @default - the key that AWS manages for Secrets Manager in the account
   */
  readonly encryptionKey?: kms.IKey;

  /**
   * The secret that stores the seed, and nothing else. Its current value is overwritten when the device is created,
   * unless it is the seed of another device that this library created. A device never changes its secret, because AWS
   * shows a seed only once.
   *
   * If the secret has a customer-managed key, an imported secret must name it:
   * `Secret.fromSecretAttributes(this, 'Seed', { secretCompleteArn, encryptionKey })`.
   *
   * @default - a new secret for this device, without a value until the device exists. CloudFormation generates its
   * name; under a path scope it is `<seedSecretPrefix><path below devicePath><device name>`
   */
  readonly seedSecret?: secretsmanager.ISecret;

  /**
   * What happens to the device, and to the secret created for it, when it is removed from the stack or the stack is
   * deleted.
   *
   * `DESTROY` deletes both. `RETAIN` and `RETAIN_ON_UPDATE_OR_DELETE` keep both, and remove them if their creation is
   * rolled back. `SNAPSHOT` is an error.
   *
   * @default RemovalPolicy.DESTROY
   */
  readonly removalPolicy?: RemovalPolicy;

  /**
   * The provider whose function creates the device.
   *
   * @default - the stack's own, created on first use
   */
  readonly provider?: IMfaEnrollmentProvider;
}

const PROPS: Record<keyof VirtualMfaDeviceProps, true> = {
  virtualMfaDeviceName: true,
  path: true,
  generation: true,
  encryptionKey: true,
  seedSecret: true,
  removalPolicy: true,
  provider: true,
};

const ATTRIBUTES: Record<keyof VirtualMfaDeviceAttributes, true> = {
  serialNumber: true,
  seedSecret: true,
  seedSecretField: true,
};

/**
 * Creates a virtual MFA device and stores its seed in a secret.
 *
 * On create, a Lambda function calls IAM `CreateVirtualMFADevice` and stores the seed, which AWS shows only then, in
 * Secrets Manager. The seed is never in the template, in an output, in a log or in an event. The device is enabled for
 * nobody until an `MfaEnrollment` uses it.
 *
 * `MfaEnrollment` creates a device by default. Declare one to choose its name, path, key or secret, or to give a user a
 * second device.
 *
 * A device is identified by its path and its name. If the device has a `virtualMfaDeviceName`, renaming or moving the
 * construct changes nothing in CloudFormation.
 *
 * `Tags.of(device)` adds tags. Keys that begin with `cdk-mfa-enrollment:` are reserved.
 *
 * @example
 * const alice = new iam.User(this, 'Alice');
 * const device = new VirtualMfaDevice(this, 'AliceDevice', { virtualMfaDeviceName: 'alice' });
 * new MfaEnrollment(this, 'AliceMfa', { user: alice, device });
 *
 * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateVirtualMFADevice.html
 */
export class VirtualMfaDevice extends Resource implements IVirtualMfaDevice, ITaggable {
  /**
   * Imports a virtual MFA device that already exists.
   *
   * @param scope the scope of the construct
   * @param id the id of the construct
   * @param attrs its attributes
   */
  public static fromVirtualMfaDeviceAttributes(
    scope: Construct,
    id: string,
    attrs: VirtualMfaDeviceAttributes,
  ): IVirtualMfaDevice {
    return new ImportedVirtualMfaDevice(scope, id, attrs);
  }

  public readonly serialNumber: string;
  public readonly seedSecret: secretsmanager.ISecret;
  public readonly seedSecretField?: string = undefined;

  /**
   * The name of the device. Resources that reference it don't wait for the device.
   */
  public readonly virtualMfaDeviceName: string;

  /**
   * The tags of the device.
   */
  public readonly tags: TagManager;

  /**
   * @internal
   */
  public readonly _seedReaders: SeedReaders;

  private readonly resource: CfnResource;
  private recheck?: number;

  constructor(scope: Construct, id: string, props: VirtualMfaDeviceProps = {}) {
    super(scope, id);
    refuse(this, 'props', problemOfType('object', props) ?? problemOfNames(props, PROPS));
    if (props.provider !== undefined) {
      refuse(this, 'provider', problemOfKind('provider', props.provider));
    }
    const provider = props.provider ?? MfaEnrollmentProvider.getOrCreate(this);
    const { pathScope } = provider._service;
    const { path = pathScope?.devicePath ?? '/', generation = 1, seedSecret } = props;
    validate(this, props, path);
    this.virtualMfaDeviceName = props.virtualMfaDeviceName ?? nameOfConstruct(this, generation);
    const name: DeviceName = { path, virtualMfaDeviceName: this.virtualMfaDeviceName };
    if (literal(path + this.virtualMfaDeviceName) !== undefined) {
      refuse(
        this,
        props.virtualMfaDeviceName === undefined ? 'path' : 'virtualMfaDeviceName',
        problemOfDevice(path, this.virtualMfaDeviceName),
      );
    }
    refuse(this, 'path', pathScope?.problemOfDevicePath(path));
    this.seedSecret =
      seedSecret ??
      new SeedSecret(this, 'SeedSecret', name, {
        secretName: pathScope?.secretNameOf(name),
        encryptionKey: props.encryptionKey,
      });
    refuse(this, 'seedSecret', pathScope?.problemOfSecret(this.seedSecret));
    this.recheck = provider._service.recheck;
    this.tags = new TagManager(TagType.KEY_VALUE, DEVICE_RESOURCE_TYPE);

    const serialNumber = this.stack.formatArn({
      service: 'iam',
      region: '',
      resource: `mfa${path}${this.virtualMfaDeviceName}`,
      arnFormat: ArnFormat.NO_RESOURCE_NAME,
    });
    this.resource = customResource(this, {
      type: DEVICE_RESOURCE_TYPE,
      prefix: 'VirtualMfaDevice',
      identity: deviceIdentity(name, provider.serviceToken),
      service: provider._service,
      properties: {
        SerialNumber: serialNumber,
        SeedSecretArn: sentArnOf(this.stack, this.seedSecret),
        OwnSecret: seedSecret === undefined || undefined,
        Tags: this.tags.renderedTags,
        Recheck: Lazy.uncachedAny({ produce: () => this.recheck || undefined }),
      } satisfies Record<keyof DeviceProperties, unknown>,
      statements: statements(this.stack, serialNumber, this.seedSecret, seedSecret === undefined),
      wildcards: wildcardsOf(this.seedSecret),
      removalPolicy: props.removalPolicy,
    });
    this._seedReaders = new SeedReaders(this, this.seedSecret);
    this._seedReaders.addProvider(provider);
    this.serialNumber = this.resource.getAtt('SerialNumber' satisfies keyof DeviceAttributes).toString();
    this.declare(name);
  }

  public restrictSeedReaders(...readers: iam.IGrantable[]): void {
    this.resource.node.addDependency(this._seedReaders.restrict(readers));
  }

  /**
   * Replaces the provider's `recheck`.
   *
   * @internal
   */
  public _setRecheck(recheck: number): void {
    this.recheck = recheck;
  }

  /** Checks what only synthesis knows: the whole app, tags, and logical ids as they end up. */
  private declare(name: DeviceName): void {
    const { stack } = this;
    const declarations = Declarations.of(this);
    const device: Declared = { construct: this, stack, key: () => deviceNameKey(stack, name) };
    const seed: Declared = { construct: this, stack, key: () => keyOf(stack, arnOf(this.seedSecret)) };
    declarations.devices.add(device);
    declarations.seeds.add(seed);
    // In the terms of the stack that refers to the device, as if that stack named it.
    declarations.deviceKeys.set(this.serialNumber, (reader) => deviceNameKey(reader, name));
    this.node.addValidation({
      validate: () => {
        const sameDevice = declarations.devices.before(device);
        const sameSeed = declarations.seeds.before(seed);
        this.warnOfLostSeed();
        return [
          sameDevice &&
            !(isDefault(this) && isDefault(sameDevice)) &&
            `'virtualMfaDeviceName': invalid value ${shownKey(device.key())}: expected a device that the stack declares once, but '${sameDevice.node.path}' declares it, too`,
          !sameDevice &&
            sameSeed &&
            `'seedSecret': invalid value '${this.seedSecret.node.path}': expected a secret for this device only, but it takes the seed of '${sameSeed.node.path}'`,
          problemOfLogicalId(this.resource),
          ...problemsOfTags(this.tags),
          ...this._seedReaders.problems(),
        ].filter((problem) => typeof problem === 'string');
      },
    });
  }

  /** CloudFormation deletes what it isn't told to keep, even if the device stays. */
  private warnOfLostSeed(): void {
    if (isKept(this.resource)) {
      // Another stack may enroll a device that is retained here.
      for (const { resource, what } of lostWithSeed(this.seedSecret)) {
        warn(
          this,
          'retainedDeviceWithoutSeed',
          `the device is retained, but its ${what} '${resource.node.path}' is not: retain both, or the seed is lost`,
        );
      }
      return;
    }
    const secret = secretIn(this.seedSecret);
    if (secret?.stack === this.stack && !isKept(secret)) {
      const remedy =
        this.seedSecret instanceof SeedSecret
          ? 'do not set the removal policy DESTROY on it; the device deletes its secret itself'
          : 'set its removal policy to RETAIN, or let the device create its secret, which it deletes itself';
      warn(
        this,
        'seedDeletedByCloudFormation',
        `CloudFormation deletes the secret '${this.seedSecret.node.path}' even if the device can't be deleted, and then the seed is lost: ${remedy}`,
      );
    }
  }
}

/** Whether a device is the default device of an enrollment, which reports a second one for its user. */
function isDefault(device: IConstruct): boolean {
  return (device.node.scope as { readonly device?: unknown }).device === device;
}

/** Not a `Resource`, whose physical names no imported device needs, and which doubles the time to declare one. */
class ImportedVirtualMfaDevice extends Construct implements IVirtualMfaDevice {
  public readonly stack: Stack;
  public readonly env: ResourceEnvironment;
  public readonly serialNumber: string;
  public readonly seedSecret: secretsmanager.ISecret;
  public readonly seedSecretField?: string;
  public readonly _seedReaders: SeedReaders;

  constructor(scope: Construct, id: string, attrs: VirtualMfaDeviceAttributes) {
    super(scope, id);
    refuse(this, 'attrs', problemOfType('object', attrs) ?? problemOfNames(attrs, ATTRIBUTES));
    const { serialNumber, seedSecret, seedSecretField } = attrs;
    refuse(this, 'serialNumber', problemOfType('string', serialNumber) ?? problemOfKnown(serialNumber));
    refuse(this, 'seedSecret', problemOfKind('secret', seedSecret) ?? problemOfSecret(seedSecret));
    if (seedSecretField !== undefined) {
      refuse(this, 'seedSecretField', problemOfType('string', seedSecretField) ?? problemOfJsonKey(seedSecretField));
    }
    this.stack = Stack.of(this);
    this.env = { account: this.stack.account, region: this.stack.region };
    this.serialNumber = serialNumber;
    this.seedSecret = seedSecret;
    this.seedSecretField = seedSecretField;
    this._seedReaders = new SeedReaders(this, seedSecret);
  }

  public restrictSeedReaders(...readers: iam.IGrantable[]): void {
    this._seedReaders.restrict(readers);
    this.node.addValidation({ validate: () => this._seedReaders.problems() });
  }

  public applyRemovalPolicy(): void {
    throw new Error(`[${this.node.path}] an imported device takes no removal policy`);
  }
}

/** Checks a serial number as far as it is known. The account and the partition are those of the enrollment. */
function problemOfKnown(serialNumber: string): string | undefined {
  return literal(serialNumber) === undefined ? undefined : problemOfSerialNumber(serialNumber);
}

/**
 * What the function can do for one device: create and delete it with its tags, and store its seed. Tags are part of the
 * call that creates the device, which needs the permission to tag, too.
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
 */
function statements(
  stack: Stack,
  serialNumber: string,
  seedSecret: secretsmanager.ISecret,
  isOwn: boolean,
): Statement[] {
  return [
    allow(['iam:CreateVirtualMFADevice', 'iam:DeleteVirtualMFADevice'], serialNumber),
    // The user's own tags. Those of this library are granted for all devices together.
    allow(['iam:TagMFADevice', 'iam:UntagMFADevice'], serialNumber, noTagKeys(`${TAG_KEY_PREFIX}*`)),
    ...writeStatements(stack, seedSecret, isOwn),
  ];
}

/** Checks what is known when the construct is created. Tokens are never inspected. */
function validate(scope: Construct, props: VirtualMfaDeviceProps, path: string): void {
  const fail = (prop: keyof VirtualMfaDeviceProps, problem: string | undefined) => refuse(scope, prop, problem);
  const { virtualMfaDeviceName, generation, encryptionKey, seedSecret, removalPolicy, provider } = props;
  if (virtualMfaDeviceName !== undefined) {
    const problem = problemOfType('string', virtualMfaDeviceName);
    fail('virtualMfaDeviceName', problem ?? problemOfLiteral(virtualMfaDeviceName));
  }
  fail('path', problemOfType('string', path) ?? problemOfPath(path));
  if (generation !== undefined) {
    fail('generation', problemOfNumber(generation, 1) ?? problemOfGeneration(props));
  }
  if (encryptionKey !== undefined) {
    fail('encryptionKey', problemOfKey(encryptionKey));
  }
  if (seedSecret !== undefined) {
    fail(
      'seedSecret',
      problemOfKind('secret', seedSecret) ??
        problemOfSecret(seedSecret) ??
        problemOfAccount(Stack.of(scope), seedSecret),
    );
    if (encryptionKey !== undefined) {
      fail('encryptionKey', "is set together with 'seedSecret', which has its own key: expected one of them");
    }
    warnOfForeignSecret(scope, seedSecret);
  }
  if (removalPolicy !== undefined) {
    fail('removalPolicy', problemOfRemovalPolicy(removalPolicy));
  }
  fail('provider', problemOfProvider(scope, provider ?? scope));
}

function problemOfLiteral(name: string): string | undefined {
  return literal(name) === undefined ? undefined : problemOfDeviceName(name);
}

function problemOfGeneration({ virtualMfaDeviceName, seedSecret }: VirtualMfaDeviceProps): string | undefined {
  if (virtualMfaDeviceName !== undefined) {
    return "is set together with 'virtualMfaDeviceName', which it is not part of: to rotate, use another name";
  }
  return seedSecret === undefined
    ? undefined
    : "is set together with 'seedSecret', where the new seed would overwrite the only copy of the old one: to rotate, use another secret and another 'virtualMfaDeviceName'";
}

function problemsOfTags(tags: TagManager): string[] {
  const problems: string[] = [];
  // Their number only: each is checked below, as far as it is known.
  const tooMany = problemOfTagCount(Object.keys(tags.tagValues()).length);
  if (tooMany !== undefined) {
    problems.push(`'tags': ${tooMany}`);
  }
  for (const [key, value] of Object.entries(tags.tagValues())) {
    // The key can be checked even if only a deployment knows the value.
    const problem = literal(key) === undefined ? undefined : problemOfTag({ Key: key, Value: literal(value) ?? '' });
    if (problem !== undefined) {
      problems.push(`'tags': ${problem}`);
    }
  }
  return problems;
}

function shownKey(key: unknown): string {
  return typeof key === 'string' ? quoted(key) : JSON.stringify(key);
}
