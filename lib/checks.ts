import { type PropertyKind, type PropertyTag, TAG_KEY_PREFIX } from './contract';

/*
 * Checks of values that the constructs and the function share: synthesis checks what it knows, and the function checks
 * what only the deployment knows. A check returns what is wrong, or `undefined`.
 */

/** Characters of a value that an error quotes. */
const LONGEST_QUOTE = 300;
const HIDDEN = '(not shown: it may be a seed)';

/**
 * Text that may hold a seed by mistake, bare, in quotes, in a URI, in a JSON secret, or among other words, is not
 * shown. The ARN of a device may have a name as long as a seed.
 */
export function withoutSeed(text: string): string {
  return /^["'A-Z2-7=\s-]{16,}$|^(?!arn:[a-z0-9-]+:[a-z0-9-]+:)[^]*[A-Z2-7]{32}|otpauth:|^\s*\{/i.test(text)
    ? HIDDEN
    : text;
}

/** A refused value as an error shows it: quoted, without control characters, shortened, and never a seed. */
export function quoted(value: string): string {
  const shown = withoutSeed(value);
  if (shown === HIDDEN) {
    return HIDDEN;
  }
  const short = shown.length > LONGEST_QUOTE ? `${shown.slice(0, LONGEST_QUOTE)}…` : shown;
  return `'${short.replace(/\p{Cc}/gu, ' ')}'`;
}

/** An error's text about a value. */
export function invalid(what: string, value: string, expected: string): string {
  return `invalid ${what} ${quoted(value)}: expected ${expected}`;
}

/**
 * Checks a tag that a user gives a device.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_Tag.html
 */
export function problemOfTag({ Key, Value }: PropertyTag): string | undefined {
  // IAM compares keys without regard to case.
  if (Key.toLowerCase().startsWith(TAG_KEY_PREFIX)) {
    return invalid('tag key', Key, `a key that does not begin with '${TAG_KEY_PREFIX}', which this library reserves`);
  }
  if (Key.toLowerCase().startsWith('aws:')) {
    return invalid('tag key', Key, "a key that does not begin with 'aws:', which AWS reserves");
  }
  if (!/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u.test(Key)) {
    return invalid('tag key', Key, '1 to 128 letters, digits, spaces and characters of _.:/=+-@');
  }
  return /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u.test(Value)
    ? undefined
    : `invalid value ${quoted(Value)} for tag ${quoted(Key)}: expected up to 256 letters, digits, spaces and characters of _.:/=+-@`;
}

/** IAM allows 50; a device carries its seed's version, and two claims each of devices and enrollments while it moves. */
const MOST_TAGS = 45;

/** Checks how many tags a user gives a device. */
export function problemOfTagCount(count: number): string | undefined {
  return count > MOST_TAGS
    ? `${count} tags are too many: expected at most ${MOST_TAGS}, because IAM allows 50 with those of this library`
    : undefined;
}

/** What an ARN must say if the stack's own account or partition is known. */
export interface Surroundings {
  readonly account?: string;
  readonly partition?: string;
}

/**
 * Checks the name of an IAM user.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html
 */
export function problemOfUserName(userName: string): string | undefined {
  return /^[\w+=,.@-]{1,64}$/.test(userName)
    ? undefined
    : invalid('IAM user name', userName, '1 to 64 letters, digits and characters of +=,.@_-');
}

const DEVICE_ARN = "the ARN of a virtual MFA device, such as 'arn:aws:iam::123456789012:mfa/alice'";

/**
 * Checks the serial number of a virtual MFA device, which is its ARN.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableMFADevice.html
 */
export function problemOfSerialNumber(
  serialNumber: string,
  { account, partition }: Surroundings = {},
): string | undefined {
  if (!/^[\w+=/:,.@-]{9,256}$/.test(serialNumber)) {
    return `${invalid('serial number', serialNumber, DEVICE_ARN)}, of 9 to 256 letters, digits and characters of +=/:,.@_-`;
  }
  const arn = /^arn:([a-z0-9-]+):iam::(\d{12}):(mfa\/(?:[\w+=:,.@-]+\/)*[\w+=,.@-]+|root)$/.exec(serialNumber);
  if (arn === null) {
    return `${invalid('serial number', serialNumber, DEVICE_ARN)}; hardware tokens and security keys have no seed`;
  }
  const [, itsPartition, itsAccount, resource] = arn;
  if (resource === 'root' || resource === 'mfa/root-account-mfa-device') {
    return `${invalid('serial number', serialNumber, 'a device of an IAM user')}; the MFA of the root user can't be enabled by API, only in the console`;
  }
  if (account !== undefined && itsAccount !== account) {
    return `${invalid('serial number', serialNumber, `a device in account ${account}`)}; device, user and stack must be in one account`;
  }
  return partition !== undefined && itsPartition !== partition
    ? invalid('serial number', serialNumber, `a device in partition '${partition}', which is the stack's`)
    : undefined;
}

/** Checks the ARN of a secret. A value that is no ARN is not quoted, because it may be the seed. */
export function problemOfSecretArn(arn: string): string | undefined {
  const shown = arn.startsWith('arn:') ? arn : HIDDEN;
  return /^arn:[^:]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:./.test(arn)
    ? undefined
    : `invalid secret ARN ${shown === HIDDEN ? HIDDEN : quoted(shown)}: expected arn:aws:secretsmanager:<region>:<account>:secret:<name>`;
}

/** Checks the key of a JSON secret. */
export function problemOfJsonKey(key: string): string | undefined {
  if (key === '') {
    return invalid('key of a JSON secret', key, 'a key, or nothing if the whole secret is the seed');
  }
  // As IAM shows a seed. With lowercase letters or dashes it may be a key that people have chosen.
  return /^[A-Z2-7]{32,}=*$/.test(key)
    ? invalid('key of a JSON secret', key, 'the name of the key; the seed itself belongs only in the secret')
    : undefined;
}

/** The check of each kind of property. The function applies them; synthesis applies them to what it knows. */
export const PROBLEM_OF: {
  readonly [Kind in Exclude<PropertyKind, 'tags?'>]: (value: string, surroundings?: Surroundings) => string | undefined;
} = {
  userName: problemOfUserName,
  deviceArn: problemOfSerialNumber,
  secretArn: problemOfSecretArn,
  'jsonKey?': problemOfJsonKey,
  // What is not "true" counts as false, and a number is only compared.
  'flag?': () => undefined,
  'number?': () => undefined,
};

/** Checks all tags that a user gives a device. */
export function problemOfTags(tags: readonly PropertyTag[]): string | undefined {
  return problemOfTagCount(tags.length) ?? tags.map(problemOfTag).find((problem) => problem !== undefined);
}
