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
  /** ARN of the secret that holds the seed: complete, partial, or a partial one with `UNKNOWN_SUFFIX`. */
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
  /** ARN of the secret that stores the seed: complete, partial, or a partial one with `UNKNOWN_SUFFIX`. */
  SeedSecretArn: 'secretArn',
  /** "true": the secret is the device's own, and is deleted with it; absent: it is the caller's. */
  OwnSecret: 'flag?',
  /** The user's own tags; absent: none. */
  Tags: 'tags?',
  /** A whole number; a higher one asks for another look at the device. Absent: 0. */
  Recheck: 'number?',
} as const satisfies PropertyTable;

/**
 * What ends the ARN of a secret whose six random characters are not known, in policies. Secrets Manager takes a partial
 * ARN that ends in a hyphen and six letters or digits for a complete one, so such an ARN is sent to the function with it.
 */
export const UNKNOWN_SUFFIX = '-??????';

/** How the ARN of a secret ends that Secrets Manager takes for a complete one. */
const COMPLETE_ARN = /-[A-Za-z0-9]{6}$/;

/** Whether Secrets Manager takes a text for a complete ARN, or for its end. */
export function isTakenForComplete(arn: string): boolean {
  return COMPLETE_ARN.test(arn);
}

/** The name of a secret that Secrets Manager finds by its name only: in its own account. */
export function nameToAskFor(secretArn: string): string | undefined {
  const partial = secretArn.endsWith(UNKNOWN_SUFFIX) ? secretArn.slice(0, -UNKNOWN_SUFFIX.length) : '';
  return isTakenForComplete(partial) ? partial.slice(partial.lastIndexOf(':') + 1) : undefined;
}

/**
 * What Secrets Manager finds a secret by.
 *
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html#ARN_secretnamehyphen
 */
export function secretIdOf(secretArn: string): string {
  return nameToAskFor(secretArn) ?? secretArn.replace(UNKNOWN_SUFFIX, '');
}

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

/**
 * A creation id says which Create a physical id, a claim or a mark belongs to: `20261126T150000Z-1a2b3c4d`, which is when
 * CloudFormation sent the Create, if that is known, and 8 hexadecimal digits.
 *
 * @param hash SHA-256 of `<RequestId> <ResponseURL>` of the Create, in hexadecimal digits
 * @param sentAt milliseconds since the epoch; absent: unknown
 */
export function creationId(hash: string, sentAt?: number): string {
  const digits = hash.slice(0, 8);
  return sentAt === undefined ? digits : `${timestamp(sentAt)}-${digits}`;
}

/** When CloudFormation sent the Create, in milliseconds since the epoch; `undefined` if the id doesn't say. */
export function sentAtOf(id: string): number | undefined {
  return id.includes('-') ? timeIn(id.split('-')[0]!) : undefined;
}

/** The digits of the Create's hash in its creation id. */
export function hashOf(id: string): string {
  return id.slice(-8);
}

/** A point in time, to the second: `20261126T150000Z`. */
export function timestamp(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(/[-:]|\.\d+/g, '');
}

/** Milliseconds since the epoch; `undefined` if the text is not a timestamp. */
export function timeIn(text: string): number | undefined {
  const epochMs = Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  return /^\d{8}T\d{6}Z$/.test(text) && !Number.isNaN(epochMs) ? epochMs : undefined;
}

/**
 * The physical id of a resource.
 *
 * @param parts what the resource is: user and serial number of an enrollment, the serial number of a device
 */
export function physicalId(parts: readonly string[], creation: string): string {
  return [...parts, creation].join('|');
}

/** Begins, in place of what the resource is, the physical id of a Create whose properties are refused: they can be anything. */
export const REFUSED = 'refused';

/** Ends the physical id with which a Create fails. Such a Create's Delete leaves the secret to CloudFormation. */
export const FAILED_SUFFIX = '|failed';

/** What a physical id says; `undefined` if CloudFormation invented it, or if it is another resource's. */
export function physicalIdIn(
  id: string,
  parts: readonly string[],
): { readonly creation: string; readonly hasFailed: boolean } | undefined {
  const start = physicalId(parts, '');
  const hasFailed = id.endsWith(FAILED_SUFFIX);
  const creation = id.slice(start.length, hasFailed ? -FAILED_SUFFIX.length : undefined);
  return id.startsWith(start) && CREATION_ID.test(creation) ? { creation, hasFailed } : undefined;
}

const CREATION_ID = /^(?:\d{8}T\d{6}Z-)?[0-9a-f]{8}$/;

/**
 * Seconds. A request can wait in Lambda's queue for `EVENT_AGE` and then run for `FUNCTION_TIMEOUT`. CloudFormation
 * must wait longer than both, or a Create could run after CloudFormation has cleaned up.
 */
export const EVENT_AGE = 8 * 60;
export const FUNCTION_TIMEOUT = 15 * 60;
export const SERVICE_TIMEOUT = 1410;
/** Seconds within which a Create or an Update responds, counted from the start of the function. */
export const ANSWER_WITHIN = 5 * 60;

/** Every tag key of this library begins with this. */
export const TAG_KEY_PREFIX = 'cdk-mfa-enrollment:';

/** Begins the keys of claims of enrollments. A claim is a tag that records which stack relies on a device. */
export const ENROLLMENT_CLAIM_PREFIX = `${TAG_KEY_PREFIX}enrollment:`;

/** Begins the keys of claims of `VirtualMfaDevice`s. */
export const DEVICE_CLAIM_PREFIX = `${TAG_KEY_PREFIX}device:`;

/** Begins the keys of marks. A mark is a tag with which a Delete says that its resource leaves the device. */
export const MARK_PREFIX = `${TAG_KEY_PREFIX}leaving:`;

/** Whether this library enabled the device, and may therefore deactivate it. Claims of devices have no kind. */
export type ClaimKind = 'enabled' | 'adopted';

/**
 * Begins the key of the tag that names the version of the secret that holds the device's seed. The resource that created
 * the device ends it.
 */
export const SEED_PREFIX = `${TAG_KEY_PREFIX}seed:`;

/**
 * A seed is stored as the version of its secret that this names, and the device carries it as a tag: a secret shows
 * whose seed it holds without being read, and a device in which secret its seed is. It has as many characters as a
 * version id can have.
 *
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
 * @param deviceHash SHA-256 of the device's ARN in hexadecimal digits, of which the first 16 are used
 * @param secretHash SHA-256 of the secret's name with the random end of its ARN, of which the first 10 are used
 * @param creation the creation id of the Create that stores the seed, whose hash takes the place of the first 8 digits
 * @param uuid makes each version another one
 */
export function seedVersion(deviceHash: string, secretHash: string, creation: string, uuid: string): string {
  return `${deviceHash.slice(0, 16)}-${secretHash.slice(0, 10)}-${hashOf(creation)}${uuid.slice(8)}`;
}

/** The hashes in the id of a secret's version; `undefined` for a version that this library did not write. */
export function hashesIn(
  version: string,
): { readonly device: string; readonly secret: string; readonly creation: string } | undefined {
  const [, device, secret, creation] =
    /^([0-9a-f]{16})-([0-9a-f]{10})-([0-9a-f]{8})(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.exec(version) ?? [];
  return device === undefined || secret === undefined || creation === undefined
    ? undefined
    : { device, secret, creation };
}

/** Longest key of an IAM tag. https://docs.aws.amazon.com/IAM/latest/APIReference/API_Tag.html */
const TAG_KEY_LENGTH = 128;
const STACK_UUID_LENGTH = 36;
/** Longest logical id that fits into a claim's key after the stack's uuid. */
export const LOGICAL_ID_LENGTH = TAG_KEY_LENGTH - ENROLLMENT_CLAIM_PREFIX.length - STACK_UUID_LENGTH - '/'.length;

/**
 * The key of a tag of one resource. The stack's uuid makes it unique over all accounts, regions and times.
 *
 * @param prefix `ENROLLMENT_CLAIM_PREFIX`, `DEVICE_CLAIM_PREFIX`, `MARK_PREFIX` or `SEED_PREFIX`
 */
export function tagKey(prefix: string, stackUuid: string, logicalId: string): string {
  return `${prefix}${stackUuid}/${logicalId}`;
}

/** What follows the prefix in such a key. Who can tag the device can write anything in its place. */
export const OWNER = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\/[a-z0-9]+$/i;

/** What the value of a claim says. */
export interface Claim {
  /** Of an enrollment's claim. */
  readonly kind?: ClaimKind;
  /** The name of the enrollment's user. */
  readonly user?: string;
  /** The creation id of the Create that the claim belongs to. */
  readonly creation: string;
  /** The creation id of the claim that a removal policy kept and that this one replaced. */
  readonly over?: string;
  /** When CloudFormation sent a later request that can have enabled the device, in milliseconds since the epoch. */
  readonly since?: number;
}

/** Longest value of an IAM tag. https://docs.aws.amazon.com/IAM/latest/APIReference/API_Tag.html */
const TAG_VALUE_LENGTH = 256;

/**
 * The value of a claim: `[<kind> <user> ]<creation id>[ over <creation id>][ since <time>] <region> <stack name>`. The
 * end is for people. A tag can't hold a comma, so a `:` takes its place in the user's name, which can't hold that.
 */
export function claimValue({ kind, user, creation, over, since }: Claim, region: string, stackName: string): string {
  return [
    ...(user === undefined ? [] : [kind, user.replaceAll(',', ':')]),
    creation,
    ...(over === undefined ? [] : ['over', over]),
    ...(since === undefined ? [] : ['since', timestamp(since)]),
    region,
    stackName,
  ]
    .join(' ')
    .slice(0, TAG_VALUE_LENGTH);
}

/** Reads the value of a claim. A kind that this version doesn't know gives no right to deactivate, nor does an unreadable claim. */
export function claimIn(value: string, isEnrollment: boolean): Claim {
  const words = value.split(' ');
  const [kind, user] = isEnrollment ? words.splice(0, 2) : [];
  const [creation = ''] = words.splice(0, 1);
  const wordAfter = (word: string) => (words[0] === word ? words.splice(0, 2)[1] : undefined);
  const [over, since] = [wordAfter('over'), wordAfter('since')];
  return {
    kind: isEnrollment ? (kind === 'enabled' ? kind : 'adopted') : undefined,
    // A claim that somebody wrote by hand may be any user's.
    user: CREATION_ID.test(creation) ? user?.replaceAll(':', ',') : undefined,
    creation,
    over,
    since: since === undefined ? undefined : timeIn(since),
  };
}

/** What the value of a claim says for people: where the resource is that it belongs to. */
export interface ClaimPlace {
  readonly region: string;
  readonly stackName: string;
}

/** Reads the end of the value of a claim. Empty texts stand for what it doesn't say. */
export function claimPlaceIn(value: string): ClaimPlace {
  const [stackName = '', region = ''] = value.split(' ').reverse();
  return { region, stackName };
}

/** In a mark, in place of a creation id, if CloudFormation invented the physical id of what it deletes. */
export const ANY_CREATION = 'any';

/** What the value of a mark says. */
export interface Mark {
  /** The creation id of the resource that leaves, or `ANY_CREATION`. */
  readonly creation: string;
  /** When CloudFormation sent the Delete, in milliseconds since the epoch. */
  readonly time: number;
}

/** The value of a mark: `<creation id, or "any"> <time of the Delete>`. */
export function markValue({ creation, time }: Mark): string {
  return `${creation} ${timestamp(time)}`;
}

/** Reads the value of a mark; `undefined` if it isn't one. */
export function markIn(value: string): Mark | undefined {
  const [creation = '', text = ''] = value.split(' ');
  const time = timeIn(text);
  return time === undefined ? undefined : { creation, time };
}
