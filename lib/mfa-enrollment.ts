import { ArnFormat, Tokenization } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import { RegionInfo } from 'aws-cdk-lib/region-info';
import { Construct } from 'constructs';
import { CfnResource, Reference, Stack, Token, type RemovalPolicy } from './private/cdk';
import { problemOfSerialNumber, problemOfUserName, quoted } from './checks';
import { ENROLLMENT_RESOURCE_TYPE, type EnrollmentAttributes, type EnrollmentProperties } from './contract';
import { type IMfaEnrollmentProvider, MfaEnrollmentProvider } from './mfa-enrollment-provider';
import { customResource } from './private/custom-resource';
import { Declarations, type Declared } from './private/declarations';
import { nameOfDefaultDevice } from './private/device-name';
import {
  enrollmentIdentity,
  keyOf,
  literal,
  literalText,
  serialNumberKey,
  userKey,
  userResourceOf,
} from './private/identity';
import { problemOfLogicalId } from './private/logical-id';
import { allow, type Statement } from './private/policies';
import {
  inform,
  problemOfKind,
  problemOfNames,
  problemOfNumber,
  problemOfProvider,
  problemOfRemovalPolicy,
  problemOfType,
  refuse,
  warn,
  warnOfForeignSecret,
} from './private/props';
import { isKept, isRetained, lostKey, lostWithSeed } from './private/removal';
import { isGenerated, problemOfAccount, readStatements, sentArnOf, wildcardsOf } from './private/seed-secret';
import { type IVirtualMfaDevice, VirtualMfaDevice } from './virtual-mfa-device';

/**
 * Properties of an `MfaEnrollment`.
 */
export interface MfaEnrollmentProps {
  /**
   * The IAM user that gets MFA.
   *
   * An imported user with a path must be imported with its path, because the path is part of what the function can
   * access: `User.fromUserArn(this, 'Alice', 'arn:aws:iam::123456789012:user/staff/alice')`.
   */
  readonly user: iam.IUser;

  /**
   * The virtual MFA device that is enabled for the user.
   *
   * A device belongs to one user. It is enrolled once in a stack.
   *
   * @default - a new `VirtualMfaDevice` for this user, with the `provider` and the `removalPolicy` of the enrollment. Its
   * name is `<stack>-<user>-<region>-<8 hex digits>-<generation>`: if you rename or move the enrollment, the device
   * stays; if you rename the user, the user gets a new device
   */
  readonly device?: IVirtualMfaDevice;

  /**
   * A whole number from 1, and part of the name of the default device. Raise it to rotate: the user gets a new device
   * with a new seed in a new secret. The old ones are removed after the new ones work. It is an error together with
   * `device`.
   *
   * @default 1
   */
  readonly generation?: number;

  /**
   * Whether to adopt a device that somebody else already enabled for this user. The function verifies that the secret
   * holds the device's seed. If you delete the enrollment, the device stays enabled.
   *
   * @default false - a device that somebody else enabled is an error
   */
  readonly adoptExisting?: boolean;

  /**
   * What happens when the enrollment is removed from the stack, or the stack is deleted.
   *
   * `DESTROY` deactivates the device, if this library enabled it. `RETAIN` and `RETAIN_ON_UPDATE_OR_DELETE` keep it
   * enabled, and deactivate it if the creation of the enrollment is rolled back. The device, its secret and the
   * secret's policy must then be retained, too. `SNAPSHOT` is an error.
   *
   * @default RemovalPolicy.DESTROY
   */
  readonly removalPolicy?: RemovalPolicy;

  /**
   * The provider whose function enrolls the user.
   *
   * @default - the stack's own, created on first use
   */
  readonly provider?: IMfaEnrollmentProvider;

  /**
   * A whole number from 0. Raise it, and the next deployment checks this enrollment: a device that somebody
   * deactivated is enabled again, and a missing claim is written again. The default device is checked, too.
   *
   * @default - the `recheck` of the provider
   */
  readonly recheck?: number;
}

/**
 * Gives an IAM user a working virtual MFA device, and deactivates it when it is removed.
 *
 * On create, a Lambda function reads the device's seed from Secrets Manager, computes two consecutive codes and calls
 * IAM `EnableMFADevice`. Neither the seed nor a code is ever in the template, in an output, in a log or in an event.
 *
 * An enrollment is identified by its user and its device. If you rename or move the construct, nothing changes in
 * CloudFormation. Another user, device or provider is a new enrollment, and the old one is removed after the new one
 * works. An update enables the device again if somebody deactivated it, and verifies the seed if the secret changes.
 *
 * Each enrollment has its own policy, which covers only its user and its secret.
 *
 * @example
 * const alice = new iam.User(this, 'Alice');
 * new MfaEnrollment(this, 'AliceMfa', { user: alice });
 *
 * // A device that already exists, with its seed in a secret.
 * declare const bob: iam.IUser;
 * const device = VirtualMfaDevice.fromVirtualMfaDeviceAttributes(this, 'BobsDevice', {
 *   serialNumber: 'arn:aws:iam::123456789012:mfa/bob',
 *   seedSecret: secretsmanager.Secret.fromSecretNameV2(this, 'BobsSeed', 'mfa/bob'),
 * });
 * new MfaEnrollment(this, 'BobMfa', { user: bob, device });
 *
 * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableMFADevice.html
 */
export class MfaEnrollment extends Construct {
  /**
   * The device. Resources that reference its attributes don't wait for the enrollment.
   */
  public readonly device: IVirtualMfaDevice;

  private readonly resource: CfnResource;

  /**
   * The name of the user. Resources that reference it are created after the device is enabled.
   *
   * @attribute
   */
  public get userName(): string {
    return attribute(this.resource, 'UserName');
  }

  /**
   * The serial number of the device, which is its ARN. Resources that reference it are created after the device is
   * enabled.
   *
   * @attribute
   */
  public get serialNumber(): string {
    return attribute(this.resource, 'SerialNumber');
  }

  constructor(scope: Construct, id: string, props: MfaEnrollmentProps) {
    super(scope, id);
    validate(this, props);

    const { user } = props;
    const provider = props.provider ?? MfaEnrollmentProvider.getOrCreate(this);
    const service = provider._service;
    const recheck = props.recheck ?? service.recheck;
    refuse(this, 'user', service.pathScope?.problemOfUser(user));
    this.device = props.device ?? defaultDevice(this, props, provider, recheck);
    const { serialNumber, seedSecret, seedSecretField } = this.device;
    if (props.device !== undefined) {
      refuse(this, 'device', service.pathScope?.problemOfSerialNumber(Stack.of(this), serialNumber));
      refuse(this, 'device', service.pathScope?.problemOfSecret(seedSecret));
    }
    if ('_seedReaders' in this.device) {
      (this.device as VirtualMfaDevice)._seedReaders.addProvider(provider);
    }

    const declarations = Declarations.of(this);
    const device = (stack: Stack) =>
      declarations.deviceKeys.get(serialNumber)?.(stack) ?? serialNumberKey(stack, serialNumber);
    this.resource = customResource(this, {
      type: ENROLLMENT_RESOURCE_TYPE,
      prefix: 'MfaEnrollment',
      identity: enrollmentIdentity(user, device, provider.serviceToken),
      service,
      properties: {
        UserName: user.userName,
        SerialNumber: serialNumber,
        SeedSecretArn: sentArnOf(Stack.of(this), seedSecret),
        SeedSecretField: seedSecretField,
        AdoptExisting: props.adoptExisting || undefined,
        Recheck: recheck || undefined,
      } satisfies Record<keyof EnrollmentProperties, unknown>,
      statements: statements(Stack.of(this), user, this.device),
      wildcards: wildcardsOf(seedSecret),
      removalPolicy: props.removalPolicy,
    });
    this.declare(props, device);
  }

  /** Checks what only synthesis knows: the whole app, and what its resources ended up as. */
  private declare({ user, ...props }: MfaEnrollmentProps, deviceKey: (stack: Stack) => unknown): void {
    const { stack } = this.resource;
    const declarations = Declarations.of(this);
    const enrollment: Declared = { construct: this, stack, key: () => deviceKey(stack) };
    const enrolled: Declared = { construct: this, stack, key: () => userKey(stack, user) };
    declarations.enrollments.add(enrollment);
    declarations.users.add(enrolled);
    if (props.device === undefined) {
      declarations.defaultDevices.add(enrolled);
    }
    this.node.addValidation({
      validate: () => {
        informOfRetention(this, user, props.removalPolicy);
        const devices = declaredDevices(declarations, stack, deviceKey);
        if (devices.length === 0 && isGenerated(this.device.seedSecret, this.device.seedSecretField)) {
          warn(
            this,
            'generatedSecret',
            `Secrets Manager generates the value of '${this.device.seedSecret.node.path}', which is not the seed of a device: store the seed before you deploy the enrollment`,
          );
        }
        if (devices.some((device) => device.stack !== stack)) {
          warn(
            this,
            'deviceOfAnotherStack',
            'the device belongs to another stack: CloudFormation can delete or rotate it there without regard to this enrollment; declare both in one stack',
          );
        }
        return [
          this.problemOfSharedDevice(declarations, enrollment, enrolled),
          problemOfCount(declarations, enrolled),
          problemOfLogicalId(this.resource),
          ...this.problemsOfRetention(devices),
        ].filter((problem) => problem !== undefined);
      },
    });
  }

  private problemOfSharedDevice(
    declarations: Declarations,
    enrollment: Declared,
    enrolled: Declared,
  ): string | undefined {
    const sameUser = declarations.defaultDevices.before(enrolled);
    if (sameUser !== undefined) {
      return `'device': expected a VirtualMfaDevice, because the user already has the default device of '${sameUser.node.path}'`;
    }
    const sameDevice = declarations.enrollments.before(enrollment);
    return (
      sameDevice &&
      `'device': invalid value '${this.device.node.path}': expected a device that the stack enrolls once, but '${sameDevice.node.path}' enrolls it, too`
    );
  }

  /** A retained enrollment keeps a device enabled, so that the only copy of its seed must be kept, too. */
  private problemsOfRetention(devices: readonly Declared[]): string[] {
    if (!isKept(this.resource)) {
      return [];
    }
    const key = lostKey(this.device.seedSecret);
    if (key !== undefined) {
      warn(
        this,
        'retainedSeedWithDestroyedKey',
        `the enrollment is retained, but the app deletes the key '${key.node.path}', without which nobody can read the seed: retain the key`,
      );
    }
    const lost = [
      ...devices
        .map(({ construct }) => ({ resource: construct.node.defaultChild as CfnResource, what: 'device' }))
        .filter(({ resource }) => !isKept(resource)),
      ...lostWithSeed(this.device.seedSecret),
    ];
    return lost.map(
      ({ resource, what }) =>
        `'removalPolicy': the enrollment is retained, but its ${what} '${resource.node.path}' is not: expected RETAIN or RETAIN_ON_UPDATE_OR_DELETE for both`,
    );
  }
}

function defaultDevice(
  enrollment: Construct,
  { user, generation = 1, removalPolicy }: MfaEnrollmentProps,
  provider: IMfaEnrollmentProvider,
  recheck: number | undefined,
): VirtualMfaDevice {
  const device = new VirtualMfaDevice(enrollment, 'Device', {
    virtualMfaDeviceName: nameOfDefaultDevice(enrollment, user, generation),
    removalPolicy,
    provider,
  });
  device._setRecheck(recheck ?? 0);
  return device;
}

/**
 * The declarations of a device, however an enrollment refers to it: those in the enrollment's own stack or, if there are
 * none, those in other stacks. The key is computed for each stack, because a name can contain the stack's region.
 */
function declaredDevices(
  { devices }: Declarations,
  stack: Stack,
  keyIn: (stack: Stack) => unknown,
): readonly Declared[] {
  const declaredIn = (owner: Stack) => devices.withKey(keyIn(owner)).filter((device) => device.stack === owner);
  const own = declaredIn(stack);
  return own.length > 0
    ? own
    : [...devices.stacks].filter((other) => mayShareAccount(stack, other)).flatMap(declaredIn);
}

/** One name in two accounts is two devices. */
function mayShareAccount(stack: Stack, other: Stack): boolean {
  const [ours, theirs] = [literal(stack.account), literal(other.account)];
  return ours === undefined || theirs === undefined || ours === theirs;
}

/** IAM allows a user eight devices. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
const MOST_DEVICES = 8;

function problemOfCount(declarations: Declarations, enrolled: Declared): string | undefined {
  const { length } = declarations.users.sameAs(enrolled);
  return length > MOST_DEVICES
    ? `'user': ${length} devices for one user are too many: expected at most ${MOST_DEVICES}, which is IAM's limit`
    : undefined;
}

function attribute(resource: CfnResource, name: keyof EnrollmentAttributes): string {
  return Token.asString(resource.getAtt(name));
}

/**
 * What the function can do for one enrollment: enroll this user, and read this secret.
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
 */
function statements(stack: Stack, user: iam.IUser, { seedSecret }: IVirtualMfaDevice): Statement[] {
  return [
    allow(
      ['iam:DeactivateMFADevice', 'iam:EnableMFADevice', 'iam:ListMFADevices', 'iam:ResyncMFADevice'],
      user.userArn,
    ),
    ...readStatements(stack, seedSecret),
  ];
}

const PROPS: Record<keyof MfaEnrollmentProps, true> = {
  user: true,
  device: true,
  generation: true,
  adoptExisting: true,
  removalPolicy: true,
  provider: true,
  recheck: true,
};

/** Checks what is known when the construct is created. Tokens are never inspected. */
function validate(scope: Construct, props: MfaEnrollmentProps): void {
  const fail = (prop: string, problem: string | undefined) => refuse(scope, prop, problem);
  fail('props', problemOfType('object', props) ?? problemOfNames(props, PROPS));
  const { user, device, generation, adoptExisting, removalPolicy, provider, recheck } = props;
  fail('user', problemOfKind('user', user));
  if (device !== undefined) {
    fail('device', problemOfKind('device', device) ?? problemOfKind('secret', device.seedSecret));
    if (generation !== undefined) {
      fail('generation', "is set together with 'device': expected one of them; rotate the device itself");
    }
  }
  for (const [prop, value, from] of [
    ['generation', generation, 1],
    ['recheck', recheck, 0],
  ] as const) {
    if (value !== undefined) {
      fail(prop, problemOfNumber(value, from));
    }
  }
  if (adoptExisting !== undefined) {
    fail('adoptExisting', problemOfType('boolean', adoptExisting));
  }
  if (removalPolicy !== undefined) {
    fail('removalPolicy', problemOfRemovalPolicy(removalPolicy));
  }
  if (provider !== undefined) {
    fail('provider', problemOfKind('provider', provider) ?? problemOfProvider(scope, provider));
  }
  fail('user', problemOfUser(scope, user));
  if (device !== undefined) {
    fail('device', problemOfDevice(scope, user, device) ?? problemOfAccount(Stack.of(scope), device.seedSecret));
    warnOfForeignSecret(scope, device.seedSecret);
  }
  informOfRemoval(scope, props);
}

function problemOfUser(scope: Construct, user: iam.IUser): string | undefined {
  const userName = literal(user.userName) ?? literal(userResourceOf(user)?.userName);
  const problem = userName === undefined ? undefined : problemOfUserName(userName);
  if (problem !== undefined) {
    return problem;
  }
  const account = literal(Stack.of(scope).account);
  const userAccount = accountOf(scope, user);
  if (account !== undefined && userAccount !== undefined && account !== userAccount) {
    return `invalid value '${user.node.path}' in account ${userAccount}: expected a user in account ${account}, which is the stack's`;
  }
  // They would be wildcards in the policy, and grant more than this user.
  if (/[*?]/.test(user.userArn)) {
    return `invalid user ARN ${quoted(user.userArn)}: expected one user, without wildcards`;
  }
  return user.userArn.includes(':user/arn:')
    ? `invalid user name in ${quoted(user.userArn)}: expected a name; import a user by its ARN with User.fromUserArn`
    : undefined;
}

function problemOfDevice(scope: Construct, user: iam.IUser, { serialNumber }: IVirtualMfaDevice): string | undefined {
  const stack = Stack.of(scope);
  if (literal(serialNumber) !== undefined) {
    const account = literal(stack.account) ?? accountOf(scope, user);
    return problemOfSerialNumber(serialNumber, { account, partition: partitionOf(stack) });
  }
  const target = targetOf(serialNumber);
  if (
    target !== undefined &&
    /^AWS::(IAM::(?!VirtualMFADevice$)|SecretsManager::|KMS::)/.test(target.cfnResourceType)
  ) {
    return `invalid value '${target.node.path}': expected the ARN of a virtual MFA device`;
  }
  // Of an ARN with tokens, enough may be known to tell that it belongs to something else.
  const text = literalText(keyOf(stack, serialNumber));
  return /^[^/]*:(user|group|role|policy|secret|function)[:/]/.test(text)
    ? `invalid serial number ${quoted(text.replaceAll('\0', '…'))}: expected the ARN of a virtual MFA device`
    : undefined;
}

/** The resource that a token refers to. */
function targetOf(token: string): CfnResource | undefined {
  const reference = Tokenization.reverse(token, { failConcat: false });
  const target = Reference.isReference(reference) ? reference.target : undefined;
  return target !== undefined && CfnResource.isCfnResource(target) ? target : undefined;
}

/** The account of a user, as far as it is known. */
function accountOf(scope: Construct, user: iam.IUser): string | undefined {
  return literal(
    user.principalAccount ?? Stack.of(scope).splitArn(user.userArn, ArnFormat.SLASH_RESOURCE_NAME).account,
  );
}

/** By the region, because `stack.partition` is a token unless a feature flag asks for literals. */
function partitionOf(stack: Stack): string | undefined {
  const region = literal(stack.region);
  return region === undefined ? undefined : RegionInfo.get(region).partition;
}

function informOfRemoval(scope: Construct, { user, adoptExisting, removalPolicy }: MfaEnrollmentProps): void {
  if (removalPolicy === undefined && userResourceOf(user) === undefined) {
    const unlessAdopted = adoptExisting === true ? ', unless it was adopted' : '';
    inform(
      scope,
      'removalOfImportedUser',
      `removing this enrollment leaves the imported user '${literal(user.userName) ?? user.node.path}' without this MFA device${unlessAdopted}; set 'removalPolicy' to RETAIN to keep it enabled, or to DESTROY to confirm`,
    );
  }
}

function informOfRetention(scope: Construct, user: iam.IUser, removalPolicy?: RemovalPolicy): void {
  const resource = userResourceOf(user);
  if (isRetained(removalPolicy) && resource !== undefined && !isKept(resource)) {
    inform(
      scope,
      'retainedWithUser',
      `with 'removalPolicy' RETAIN the device stays enabled, and CloudFormation can't delete the user '${user.node.path}' while it is: deleting the stack fails until somebody deactivates the device`,
    );
  }
}
