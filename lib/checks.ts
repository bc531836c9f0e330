import { nameToAskFor, type PropertyKind, type PropertyTag, TAG_KEY_PREFIX } from './contract';

/*
 * Checks of values that the constructs and the function share: synthesis checks what it knows, and the function checks
 * what only the deployment knows. A check returns what is wrong, or `undefined`.
 */

/** Characters of a value that an error quotes. */
const LONGEST_QUOTE = 300;
const HIDDEN = '(not shown: it may be a seed)';

/*
 * A seed is Base32 in one case, as a word of letters and digits hardly ever is. IAM shows it as 64 capital letters and
 * digits; people copy it in lowercase, in parts, or in groups of equal length.
 */
const SHORT_SEED = /^(?:(?=[A-Z]+[2-7]+[A-Z])[A-Z2-7]{16,}|(?=(?:[a-z]+[2-7]+){2}[a-z])[a-z2-7]{16,})=*$/;
const SHORTEST_SEED = 16;

/** A seed that is a whole name. Names of users and devices that consist of Base32 characters are shorter, or have fewer digits. */
const WHOLE_SEED = /^(?:(?=[2-7]*(?:[A-Z]+[2-7]+){3})[A-Z2-7]{32,}|(?=[a-z]*[2-7])[a-z2-7]{64})$/;

/** Whether a name is a seed by mistake, in groups of equal length or not. */
export function isSeed(name: string): boolean {
  return WHOLE_SEED.test(name) || (isInGroups(name) && WHOLE_SEED.test(name.replace(/[^A-Za-z0-9]/g, '')));
}

/** Whether an ARN names something by a seed. Secrets Manager adds six random characters, or `?` stands for them. */
function endsInSeed(arn: string): boolean {
  const name = arn.split(/[:/]/).at(-1)!;
  return isSeed(name) || isSeed(name.replace(/-[A-Za-z0-9?]{6}$/, ''));
}

/** An ARN as AWS writes it, in which only the last part, a name, can be a seed. */
const ARN = /^arn:[a-z0-9-]+:[a-z0-9-]+:[a-z0-9-]*:\d*:[^\s"'{}]+$/;

/**
 * Whether a text holds what may be a seed, bare, in quotes, in groups, in a URI, in a JSON secret, or among other words.
 * Takes time in proportion to the text: no regular expression begins anywhere and then goes on without a bound.
 */
function mayHoldSeed(text: string): boolean {
  if (/otpauth(?:-migration)?:|^\s*\{/i.test(text)) {
    return true;
  }
  if (ARN.test(text)) {
    return endsInSeed(text);
  }
  return holdsLongSeed(text) || SHORT_SEED.test(text.replace(/["'\s]/g, '')) || isInGroups(text);
}

/** Whether a text holds the 32 characters of a seed or more, in one case, or the Base64 of them, as IAM's API returns it. */
function holdsLongSeed(text: string): boolean {
  const holds = (run: RegExp, isSeed: (found: string) => boolean) => text.match(run)?.some(isSeed) === true;
  return (
    holds(/[A-Z2-7]{32,}/g, (found) => /[2-7]/.test(found)) ||
    holds(/[a-z2-7]{32,}/g, (found) => /^[2-7]*(?:[a-z]+[2-7]+){3}/.test(found)) ||
    holds(/[A-Za-z0-9]{42,}/g, (found) => /^[A-Z2-7]{31}/.test(Buffer.from(found, 'base64').toString('latin1')))
  );
}

/** Whether a text consists of groups of Base32 characters that are equally long, except for the last. */
function isInGroups(text: string): boolean {
  const groups = text
    .replace(/["'=]/g, '')
    .trim()
    .split(/[\s-]+/);
  const [{ length } = ''] = groups;
  const joined = groups.join('');
  return (
    groups.length > 1 &&
    length > 2 &&
    joined.length >= SHORTEST_SEED &&
    groups.every((group, index) => group.length === length || (index === groups.length - 1 && group.length < length)) &&
    /^(?:[A-Z2-7]+|[a-z2-7]+)$/.test(joined) &&
    /^[2-7]*[a-z]+[2-7]+[a-z]/i.test(joined)
  );
}

/** A text that may hold a seed by mistake is not shown, and goes no further. */
export function withoutSeed(text: string): string {
  return mayHoldSeed(text) ? HIDDEN : text;
}

/** A value as an error shows it among other words: without control characters, shortened, and never a seed. */
export function shown(value: string): string {
  return printable(withoutSeed(value));
}

/** A name that AWS has accepted, as a text shows it: without control characters, and shortened. */
export function printable(name: string): string {
  const short = name.length > LONGEST_QUOTE ? `${name.slice(0, LONGEST_QUOTE)}…` : name;
  return short.replace(/\p{Cc}|\p{Cs}/gu, ' ');
}

/** A refused value as an error shows it. */
export function quoted(value: string): string {
  const text = shown(value);
  return text === HIDDEN ? HIDDEN : `'${text}'`;
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
  // Keys of devices are case-sensitive, but another spelling of ours would only confuse people.
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

/** IAM allows 50. A device has a tag for its seed's version, and a claim and a mark for each resource that uses it. */
const MOST_TAGS = 40;

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
  if (isSeed(userName)) {
    return `invalid IAM user name ${HIDDEN}: expected a name, never the seed`;
  }
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
  if (endsInSeed(serialNumber)) {
    return `${invalid('serial number', serialNumber, DEVICE_ARN)}, which ends in a name, never in the seed`;
  }
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

/**
 * Checks the ARN of a secret. A value that isn't an ARN is not quoted, because it may be the seed, or what an app took for
 * the name of the secret.
 *
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
 */
export function problemOfSecretArn(arn: string, { account }: Surroundings = {}): string | undefined {
  const [, itsAccount] = /^arn:[^:]+:secretsmanager:[a-z0-9-]+:(\d{12}):secret:[\w/+=.@!?-]+$/.exec(arn) ?? [];
  if (itsAccount === undefined || endsInSeed(arn)) {
    return `invalid secret ARN ${ARN.test(arn) ? quoted(arn) : HIDDEN}: expected arn:aws:secretsmanager:<region>:<account>:secret:<name>, never the seed`;
  }
  return account === undefined || itsAccount === account ? undefined : problemOfForeignName(arn);
}

/** Checks the ARN of a secret of another account, in which no secret is found by its name. */
export function problemOfForeignName(arn: string): string | undefined {
  const name = nameToAskFor(arn);
  return (
    name &&
    `invalid partial ARN of secret ${quoted(name)} in another account: expected a complete ARN, because the name ends in a hyphen and six characters`
  );
}

/** Checks the key of a JSON secret. */
export function problemOfJsonKey(key: string): string | undefined {
  if (key === '') {
    return invalid('key of a JSON secret', key, 'a key, or nothing if the whole secret is the seed');
  }
  return mayHoldSeed(key)
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
