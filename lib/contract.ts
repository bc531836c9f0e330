/**
 * What the construct and the function agree on. It imports nothing.
 *
 * These formats live for ever: properties and physical ids of old versions keep arriving in Deletes, and claims of old
 * versions keep standing on devices. Names are only ever added; `test/contract.test.ts` pins them.
 */

/** Type of the enrollment's custom resource. */
export const ENROLLMENT_RESOURCE_TYPE = 'Custom::MfaEnrollment';

/** Type of the custom resource that makes a virtual MFA device. */
export const DEVICE_RESOURCE_TYPE = 'Custom::VirtualMfaDevice';

/** Properties of an enrollment as they stand in the template. CloudFormation hands every scalar over as a string. */
export interface EnrollmentProperties<Flag = string> {
  readonly UserName: string;
  /** ARN of the virtual MFA device. */
  readonly SerialNumber: string;
  /** Complete or partial ARN of the secret. */
  readonly SeedSecretArn: string;
  /** Key of a JSON secret; absent: the whole secret is the seed. */
  readonly SeedSecretField?: string;
  /** "true": a device that is enabled already is adopted; absent: that is an error. */
  readonly AdoptExisting?: Flag;
}

/** What an enrollment answers as `Data`, for `Fn::GetAtt`. */
export interface EnrollmentAttributes {
  readonly UserName: string;
  readonly SerialNumber: string;
}

/** The physical id of an enrollment, in success and in failure. */
export function physicalResourceId(properties: Pick<EnrollmentProperties, 'UserName' | 'SerialNumber'>): string {
  return `${properties.UserName}|${properties.SerialNumber}`;
}

/**
 * Ends the physical id with which a Create fails that has changed nothing and may change nothing: what exists is not its
 * own. CloudFormation hands the id back in the Delete that follows, which then has nothing to undo.
 */
export const REFUSED_SUFFIX = '|refused';

/** Properties of a virtual MFA device as they stand in the template. Its physical id is its ARN. */
export interface DeviceProperties {
  /** ARN of the virtual MFA device; path and name are read out of it. */
  readonly SerialNumber: string;
  /** Complete or partial ARN of the secret that takes the seed. */
  readonly SeedSecretArn: string;
  /** Tags of the user's; absent: none. */
  readonly Tags?: readonly { readonly Key: string; readonly Value: string }[];
}

/**
 * Seconds. A request may wait in Lambda's queue for `EVENT_AGE` and then run for `FUNCTION_TIMEOUT`; CloudFormation
 * must not give up before the queue does, or a Create could run after its clean-up.
 */
export const EVENT_AGE = 8 * 60;
export const FUNCTION_TIMEOUT = 15 * 60;
export const SERVICE_TIMEOUT = 1410;
/** Seconds within which a Create or an Update answers, counted from the start of the function. */
export const ANSWER_WITHIN = 5 * 60;

/** Every tag key of this library begins with this; the function may write no others. */
export const TAG_KEY_PREFIX = 'cdk-mfa-enrollment:';

/**
 * A claim of an enrollment on a device is a tag: somebody's enrollment relies on the device being enabled. The value's
 * first word says whether this library enabled it, and may therefore disable it.
 */
export const ENROLLMENT_CLAIM_PREFIX = `${TAG_KEY_PREFIX}enrollment:`;
export type ClaimKind = 'enabled' | 'adopted';

/** A claim of a `VirtualMfaDevice`: some stack declares the device, and the last of them deletes it. */
export const DEVICE_CLAIM_PREFIX = `${TAG_KEY_PREFIX}device:`;

/** Key of the tag that names the version of the secret that holds the device's seed. */
export const SEED_VERSION_KEY = `${TAG_KEY_PREFIX}seed-version`;

/**
 * A seed is stored as the version of its secret that this names, and the device bears it as a tag: so that a secret
 * says whose seed it holds without being read, and a device in which secret its seed is. It is as long as the id of a
 * version may be.
 * https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
 *
 * @param deviceHash SHA-256 of the device's ARN in hexadecimal digits, of which the first 16 count
 * @param secretHash SHA-256 of the secret's name with the random end of its ARN likewise, of which the first 10 count
 */
export function seedVersion(deviceHash: string, secretHash: string, uuid: string): string {
  return `${deviceHash.slice(0, 16)}-${secretHash.slice(0, 10)}-${uuid}`;
}

/** The digits that stand for device and secret in the id of a secret's version; `undefined` of a version that is no seed of ours. */
export function hashesIn(version: string): { readonly device: string; readonly secret: string } | undefined {
  const [, device, secret] =
    /^([0-9a-f]{16})-([0-9a-f]{10})-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.exec(version) ?? [];
  return device === undefined || secret === undefined ? undefined : { device, secret };
}

/** Longest key of an IAM tag. https://docs.aws.amazon.com/IAM/latest/APIReference/API_Tag.html */
const TAG_KEY_LENGTH = 128;
const STACK_UUID_LENGTH = 36;
/** Longest logical id that still fits into a claim's key behind the stack's uuid. */
export const LOGICAL_ID_LENGTH = TAG_KEY_LENGTH - ENROLLMENT_CLAIM_PREFIX.length - STACK_UUID_LENGTH - '/'.length;

/** The claim key of one enrollment: the stack's uuid makes it unique over all accounts, regions and times. */
export function enrollmentClaimKey(stackUuid: string, logicalId: string): string {
  return `${ENROLLMENT_CLAIM_PREFIX}${stackUuid}/${logicalId}`;
}

/** The claim key of one declaration of a device. */
export function deviceClaimKey(stackUuid: string, logicalId: string): string {
  return `${DEVICE_CLAIM_PREFIX}${stackUuid}/${logicalId}`;
}

/** Region and stack name are there for people who look at the device's tags. */
export function deviceClaimValue(region: string, stackName: string): string {
  return `${region} ${stackName}`;
}

/** Region and stack name are there for people who look at the device's tags. */
export function enrollmentClaimValue(kind: ClaimKind, region: string, stackName: string): string {
  return `${kind} ${region} ${stackName}`;
}
