/**
 * What the constructs and the function agree on: formats, and the times that both sides keep to. It imports nothing.
 *
 * These formats live forever: properties and physical ids of old versions keep arriving in Deletes, and claims of old
 * versions stay on devices. Names are only added, never changed. `test/contract.test.ts` pins them.
 */

/** Type of the custom resource that enrolls a user. */
export const ENROLLMENT_RESOURCE_TYPE = 'Custom::MfaEnrollment';

/** Type of the custom resource that creates a virtual MFA device. */
export const DEVICE_RESOURCE_TYPE = 'Custom::VirtualMfaDevice';

/** What a property holds. A `?` marks a property that may be absent. */
export type PropertyKind = 'userName' | 'deviceArn' | 'secretArn' | 'jsonKey?' | 'flag?' | 'number?' | 'tags?';

/** The properties of a resource type, by name. */
export type PropertyTable = Readonly<Record<string, PropertyKind>>;

/** Properties of an enrollment. CloudFormation sends every scalar as a string. */
export const ENROLLMENT_PROPERTIES = {
  UserName: 'userName',
  /** ARN of the virtual MFA device. */
  SerialNumber: 'deviceArn',
  /** Complete or partial ARN of the secret that holds the seed. */
  SeedSecretArn: 'secretArn',
  /** Key of a JSON secret; absent: the whole secret is the seed. */
  SeedSecretField: 'jsonKey?',
  /** "true": adopt a device that is already enabled; absent: that is an error. */
  AdoptExisting: 'flag?',
  /** A whole number; a higher one asks for another look at the device. Absent: 0. */
  Recheck: 'number?',
} as const satisfies PropertyTable;

/** Properties of a virtual MFA device. CloudFormation sends every scalar as a string. */
export const DEVICE_PROPERTIES = {
  /** ARN of the virtual MFA device; path and name are read from it. */
  SerialNumber: 'deviceArn',
  /** Complete or partial ARN of the secret that stores the seed. */
  SeedSecretArn: 'secretArn',
  /** The user's own tags; absent: none. */
  Tags: 'tags?',
  /** A whole number; a higher one asks for another look at the device. Absent: 0. */
  Recheck: 'number?',
} as const satisfies PropertyTable;

/** A tag as CloudFormation writes it. */
export interface PropertyTag {
  readonly Key: string;
  readonly Value: string;
}

type OptionalIn<Table> = { [Name in keyof Table]: Table[Name] extends `${string}?` ? Name : never }[keyof Table];
type ValueOf<Kind> = Kind extends 'tags?' ? readonly PropertyTag[] : string;

/** The properties that a table describes, as the function receives them. */
export type PropertiesIn<Table extends PropertyTable> = {
  readonly [Name in Exclude<keyof Table, OptionalIn<Table>>]: ValueOf<Table[Name]>;
} & { readonly [Name in OptionalIn<Table>]?: ValueOf<Table[Name]> };

export type EnrollmentProperties = PropertiesIn<typeof ENROLLMENT_PROPERTIES>;
export type DeviceProperties = PropertiesIn<typeof DEVICE_PROPERTIES>;

/** What an enrollment returns as `Data`, for `Fn::GetAtt`. */
export interface EnrollmentAttributes {
  readonly UserName: string;
  readonly SerialNumber: string;
}

/** What a device returns as `Data`, for `Fn::GetAtt`. */
export interface DeviceAttributes {
  readonly SerialNumber: string;
}

/** The physical id of an enrollment, in success and in failure. */
export function physicalResourceId(properties: Pick<EnrollmentProperties, 'UserName' | 'SerialNumber'>): string {
  return `${properties.UserName}|${properties.SerialNumber}`;
}

/**
 * Ends the physical id with which a Create fails that may not change anything and has not. CloudFormation returns the id
 * in the Delete that follows, which then has nothing to undo.
 */
export const REFUSED_SUFFIX = '|refused';

/**
 * Seconds. A request can wait in Lambda's queue for `EVENT_AGE` and then run for `FUNCTION_TIMEOUT`. CloudFormation
 * must wait longer than both, or a Create could run after CloudFormation has cleaned up.
 */
export const EVENT_AGE = 8 * 60;
export const FUNCTION_TIMEOUT = 15 * 60;
export const SERVICE_TIMEOUT = 1410;
/** Seconds within which a Create or an Update responds, counted from the start of the function. */
export const ANSWER_WITHIN = 5 * 60;

/** Every tag key of this library begins with this; the function may write no others. */
export const TAG_KEY_PREFIX = 'cdk-mfa-enrollment:';

/**
 * A claim is a tag that records which stack relies on a device. The value's first word says whether this library
 * enabled the device, and may therefore deactivate it.
 */
export const ENROLLMENT_CLAIM_PREFIX = `${TAG_KEY_PREFIX}enrollment:`;
export type ClaimKind = 'enabled' | 'adopted';

/** A claim of a `VirtualMfaDevice`: a stack that declares the device. The last one deletes it. */
export const DEVICE_CLAIM_PREFIX = `${TAG_KEY_PREFIX}device:`;

/** Key of the tag that names the version of the secret that holds the device's seed. */
export const SEED_VERSION_KEY = `${TAG_KEY_PREFIX}seed-version`;

/**
 * A seed is stored as the version of its secret that this names, and the device carries it as a tag: a secret shows
 * whose seed it holds without being read, and a device in which secret its seed is. It has as many characters as a
 * version id can have.
 *
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
 * @param deviceHash SHA-256 of the device's ARN in hexadecimal digits, of which the first 16 are used
 * @param secretHash SHA-256 of the secret's name with the random end of its ARN, of which the first 10 are used
 */
export function seedVersion(deviceHash: string, secretHash: string, uuid: string): string {
  return `${deviceHash.slice(0, 16)}-${secretHash.slice(0, 10)}-${uuid}`;
}

/** The hashes of device and secret in the id of a secret's version; `undefined` for a version that this library did not write. */
export function hashesIn(version: string): { readonly device: string; readonly secret: string } | undefined {
  const [, device, secret] =
    /^([0-9a-f]{16})-([0-9a-f]{10})-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.exec(version) ?? [];
  return device === undefined || secret === undefined ? undefined : { device, secret };
}

/** Longest key of an IAM tag. https://docs.aws.amazon.com/IAM/latest/APIReference/API_Tag.html */
const TAG_KEY_LENGTH = 128;
const STACK_UUID_LENGTH = 36;
/** Longest logical id that fits into a claim's key after the stack's uuid. */
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
