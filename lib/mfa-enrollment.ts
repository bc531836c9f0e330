import { Annotations, ArnFormat } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { RegionInfo } from 'aws-cdk-lib/region-info';
import { Construct } from 'constructs';
import { CfnResource, type RemovalPolicy, Stack, Token } from './private/cdk';
import { problemOfSerialNumber, problemOfUserName } from './checks';
import {
  ENROLLMENT_RESOURCE_TYPE,
  type EnrollmentAttributes,
  type EnrollmentProperties,
  SERVICE_TIMEOUT,
} from './contract';
import { Declarations } from './private/declarations';
import { deviceKey, enrollmentIdentity, resourceOf } from './private/identity';
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
import { applyRemoval, isDeletedDevice, isRetained } from './private/removal';
import { arnOf, readStatements, wildcardsOf } from './private/seed-secret';
import { allow, type Statement } from './private/statement';

/**
 * Properties of an `MfaEnrollment`.
 */
export interface MfaEnrollmentProps {
  /**
   * The IAM user that gets the device.
   *
   * Of an imported user with a path, the path must be known, as it is part of what the function is allowed to touch:
   * import it by `User.fromUserArn(this, 'Alice', 'arn:aws:iam::123456789012:user/staff/alice')`.
   */
  readonly user: iam.IUser;

  /**
   * The serial number of the virtual MFA device, which is its ARN: `arn:<partition>:iam::<account>:mfa/<path><name>`.
   * The device is that of a `VirtualMfaDevice`, or exists; and it is enabled for no other user.
   *
   * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateVirtualMFADevice.html
   */
  readonly serialNumber: string;

  /**
   * The secret that holds the device's seed, that of a `VirtualMfaDevice` or one of your own: Base32 text as IAM shows it once, when the device is made (any case;
   * spaces, dashes and padding are tolerated), or an `otpauth://totp/...` URI with SHA1, 6 digits and a period of 30
   * seconds. A binary secret is read as UTF-8.
   *
   * Of an imported secret with a customer-managed key, the key must be known:
   * `Secret.fromSecretAttributes(this, 'Seed', { secretCompleteArn, encryptionKey })`.
   */
  readonly seedSecret: secretsmanager.ISecret;

  /**
   * The key of a JSON secret under which the seed stands.
   *
   * @default - the whole secret string is the seed
   */
  readonly seedSecretField?: string;

  /**
   * Whether a device that is enabled for this user already, and not by this library, is adopted: the seed is proven
   * to be the device's, and deleting the enrollment leaves the device enabled.
   *
   * @default false - a device that somebody else enabled is an error
   */
  readonly adoptExisting?: boolean;

  /**
   * What happens when the enrollment is removed from the stack, or the stack is deleted.
   *
   * `DESTROY` deactivates the device, if this library enabled it. `RETAIN` and `RETAIN_ON_UPDATE_OR_DELETE` both keep
   * it enabled, and both clean up a create that rolls back. `SNAPSHOT` is an error.
   *
   * @default RemovalPolicy.DESTROY
   */
  readonly removalPolicy?: RemovalPolicy;

  /**
   * The function that enrolls.
   *
   * @default - the stack's own, made on first use
   */
  readonly provider?: MfaEnrollmentProvider;
}

/**
 * Enables a virtual MFA device for an IAM user, and deactivates it when it is removed.
 *
 * On create, a Lambda function reads the device's seed from Secrets Manager, computes two consecutive codes and calls
 * IAM `EnableMFADevice`. Neither the seed nor a code is ever in the template, in an output, a log or an event.
 *
 * An enrollment is a user and a device, for life. Renaming or moving the construct changes nothing in CloudFormation;
 * another user, device or provider is a new enrollment, and the old one is removed after the new one works. An update
 * makes sure that the device is enabled, and proves that a changed secret holds its seed.
 *
 * The policy that allows this, for this user and this secret only, is a resource of its own, next to the enrollment.
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
 * // A device that exists, with its seed in a secret.
 * declare const bob: iam.IUser;
 * declare const seed: secretsmanager.ISecret;
 * new MfaEnrollment(this, 'BobMfa', {
 *   user: bob,
 *   serialNumber: 'arn:aws:iam::123456789012:mfa/bob',
 *   seedSecret: seed,
 * });
 *
 * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableMFADevice.html
 */
export class MfaEnrollment extends Construct {
  private readonly resource: CfnResource;

  /**
   * The name of the user. What refers to it waits until the device is enabled.
   *
   * @attribute
   */
  public get userName(): string {
    return attribute(this.resource, 'UserName');
  }

  /**
   * The serial number of the device, its ARN. What refers to it waits until the device is enabled.
   *
   * @attribute
   */
  public get serialNumber(): string {
    return attribute(this.resource, 'SerialNumber');
  }

  constructor(scope: Construct, id: string, props: MfaEnrollmentProps) {
    super(scope, id);
    validate(this, props);

    const provider = props.provider ?? MfaEnrollmentProvider.getOrCreate(this);
    const { user, serialNumber } = props;
    const identity = enrollmentIdentity({ user, serialNumber, serviceToken: provider.serviceToken });
    fail('user', provider._scope?.problemOfUser(user));
    fail('serialNumber', provider._scope?.problemOfDevice(Stack.of(this), serialNumber));
    fail('seedSecret', provider._scope?.problemOfSecret(props.seedSecret));
    const grant = provider._grant(this, statements(props), wildcardsOf(props.seedSecret));

    this.resource = new CfnResource(this, 'Resource', {
      type: ENROLLMENT_RESOURCE_TYPE,
      properties: {
        ServiceToken: provider.serviceToken,
        ServiceTimeout: SERVICE_TIMEOUT,
        UserName: user.userName,
        SerialNumber: serialNumber,
        SeedSecretArn: arnOf(props.seedSecret),
        SeedSecretField: props.seedSecretField,
        AdoptExisting: props.adoptExisting === true ? true : undefined,
      } satisfies EnrollmentProperties<boolean> & Record<string, unknown>,
    });
    deriveLogicalIds(this, identity, { MfaEnrollment: this.resource, MfaEnrollmentPolicy: grant.policy });
    applyRemoval(this.resource, props.removalPolicy);
    this.resource.node.addDependency(grant.inForce);

    this.node.addValidation({ validate: () => problemsAtSynthesis(this, this.resource, serialNumber) });
  }
}

function attribute(resource: CfnResource, name: keyof EnrollmentAttributes): string {
  return Token.asString(resource.getAtt(name));
}

/**
 * What one enrollment may do, and nothing else: enroll this user, and read this secret.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
 */
function statements(props: MfaEnrollmentProps): Statement[] {
  return [
    allow(
      ['iam:DeactivateMFADevice', 'iam:EnableMFADevice', 'iam:ListMFADevices', 'iam:ResyncMFADevice'],
      props.user.userArn,
    ),
    ...readStatements(props.seedSecret),
  ];
}

/** Checks what is known when the construct is made. Tokens are never looked into. */
function validate(scope: Construct, props: MfaEnrollmentProps): void {
  // Not all languages check types, and `process.env` knows undefined only at run time.
  const required = { user: 'an IAM user', serialNumber: "the device's ARN", seedSecret: 'a secret' } as const;
  for (const prop of ['user', 'serialNumber', 'seedSecret'] as const) {
    if (props[prop] === undefined || props[prop] === null) {
      fail(prop, `is ${String(props[prop])}: ${required[prop]} is needed`);
    }
  }
  const stack = Stack.of(scope);
  const account = literal(stack.account);
  const userAccount = literal(accountOf(stack, props.user));

  const userName = literal(props.user.userName) ?? literal(resourceOf(props.user)?.userName);
  if (userName !== undefined) {
    fail('user', problemOfUserName(userName));
  }
  if (account !== undefined && userAccount !== undefined && account !== userAccount) {
    fail(
      'user',
      `'${props.user.node.path}' is in account ${userAccount}, but the stack is in account ${account}: a user is enrolled by a stack of its own account`,
    );
  }
  if (literal(props.serialNumber) !== undefined) {
    const surroundings = { account: account ?? userAccount, partition: partitionOf(stack) };
    fail('serialNumber', problemOfSerialNumber(props.serialNumber, surroundings));
  }
  // They would stand as wildcards in the policy, and grant more than this user and this secret.
  if (/[*?]/.test(props.user.userArn)) {
    fail('user', `'${props.user.userArn}' has a '*' or a '?': one user is expected, named by its whole ARN`);
  }
  if (props.user.userArn.includes(':user/arn:')) {
    fail('user', `'${props.user.userArn}' has an ARN in place of the user's name: import it by 'User.fromUserArn'`);
  }
  fail('seedSecret', problemOfSecret(props.seedSecret));
  if (props.seedSecretField === '') {
    fail(
      'seedSecretField',
      "'' is no key of a JSON secret: name the key, or leave it out where the whole secret is the seed",
    );
  }
  // As IAM shows it; with small letters or dashes, it may be a key that people have chosen.
  if (/^[A-Z2-7]{32,}=*$/.test(props.seedSecretField ?? '')) {
    fail(
      'seedSecretField',
      'looks like a seed, which stands in the secret only: name the key under which it stands there',
    );
  }
  fail('removalPolicy', problemOfRemovalPolicy('an MFA enrollment', props.removalPolicy));
  if (isRetained(props.removalPolicy) && isDeletedDevice(scope, props.serialNumber)) {
    fail(
      'removalPolicy',
      "RETAIN keeps a device enabled that its 'VirtualMfaDevice' is to delete, together with the only copy of its seed: give the device the same 'removalPolicy'",
    );
  }
  fail('provider', problemOfProvider(scope, props.provider ?? scope));
  if (props.removalPolicy === undefined && resourceOf(props.user) === undefined) {
    Annotations.of(scope).addInfo(
      `removing this enrollment leaves the imported user '${literal(props.user.userName) ?? props.user.node.path}' without this MFA device; set 'removalPolicy' to RETAIN to keep it enabled, or to DESTROY to say that this is meant`,
    );
  }
  if (isRetained(props.removalPolicy) && resourceOf(props.user) !== undefined) {
    Annotations.of(scope).addInfo(
      `with 'removalPolicy' RETAIN the device stays enabled, and CloudFormation can't delete the user '${props.user.node.path}' while it is: deleting the stack fails until somebody deactivates it`,
    );
  }
  warnOfForeignSecret(scope, props.seedSecret);
}

function accountOf(stack: Stack, user: iam.IUser): string | undefined {
  return user.principalAccount ?? stack.splitArn(user.userArn, ArnFormat.SLASH_RESOURCE_NAME).account;
}

/** By the region, as `stack.partition` is a token unless a feature flag asks for literals. */
function partitionOf(stack: Stack): string | undefined {
  const region = literal(stack.region);
  return region === undefined ? undefined : RegionInfo.get(region).partition;
}

const fail: (prop: keyof MfaEnrollmentProps, problem: string | undefined) => void = refuse;

/** The enrollment of each device. */
const enrollments = new Declarations();

/** Checks what only synthesis knows: the whole stack, and logical ids as they end up. */
function problemsAtSynthesis(enrollment: Construct, resource: CfnResource, serialNumber: string): string[] {
  const device = JSON.stringify(deviceKey(resource.stack, serialNumber));
  const earlier = enrollments.earlier(enrollment, device);
  return [
    earlier &&
      `'serialNumber': device ${device} is enrolled by '${earlier.node.path}' already: a device belongs to one user and is enrolled once in a stack`,
    problemOfLogicalId(resource),
  ].filter((problem) => problem !== undefined);
}
