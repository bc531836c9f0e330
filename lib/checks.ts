import { TAG_KEY_PREFIX } from './contract';

/**
 * Says in words what is wrong with a tag that a user gives a device.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_Tag.html
 */
export function problemOfTag({ Key, Value }: { readonly Key: string; readonly Value: string }): string | undefined {
  // IAM compares keys without regard to case.
  if (Key.toLowerCase().startsWith(TAG_KEY_PREFIX)) {
    return `'${Key}' is a tag key of this library's own: keys must not begin with '${TAG_KEY_PREFIX}'`;
  }
  if (Key.toLowerCase().startsWith('aws:')) {
    return `'${Key}' is a tag key of AWS's own: keys must not begin with 'aws:'`;
  }
  if (!/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u.test(Key)) {
    return `'${Key}' is no tag key: 1 to 128 letters, digits, spaces and characters of _.:/=+-@ are allowed`;
  }
  return /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u.test(Value)
    ? undefined
    : `the value of tag '${Key}', '${Value}', is none: up to 256 letters, digits, spaces and characters of _.:/=+-@ are allowed`;
}

/** IAM allows fifty; a device bears its seed's version, and two claims each of devices and enrollments while it moves. */
const MOST_TAGS = 45;

/** Says in words that a user gives a device too many tags. */
export function problemOfTagCount(count: number): string | undefined {
  return count > MOST_TAGS
    ? `${count} are too many: at most ${MOST_TAGS} are allowed, as IAM allows 50 with those of this library`
    : undefined;
}

/** What an ARN must say where the stack's own account or partition is known. */
export interface Surroundings {
  readonly account?: string;
  readonly partition?: string;
}

/**
 * Says in words what is wrong with the name of an IAM user.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html
 */
export function problemOfUserName(userName: string): string | undefined {
  return /^[\w+=,.@-]{1,64}$/.test(userName)
    ? undefined
    : `'${userName}' is no name of an IAM user: 1 to 64 letters, digits and characters of +=,.@_- are allowed`;
}

/**
 * A text that may be quoted: somebody may have put the seed itself where something else is expected, bare or in quotes,
 * as a URI, as a JSON secret, or among other words. The ARN of a device may have a name as long as a seed.
 */
export function withoutSeed(text: string): string {
  return /^["'A-Z2-7=\s-]{16,}$|^(?!arn:)[^]*[A-Z2-7]{32}|otpauth:|^\s*\{/i.test(text)
    ? '(not shown: it looks like a seed)'
    : text;
}

/**
 * Says in words what is wrong with the serial number of a virtual MFA device, which is its ARN.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableMFADevice.html
 */
export function problemOfSerialNumber(serialNumber: string, surroundings: Surroundings = {}): string | undefined {
  const expected = "the ARN of a virtual MFA device is expected, such as 'arn:aws:iam::123456789012:mfa/alice'";
  if (!/^[\w+=/:,.@-]{9,256}$/.test(serialNumber)) {
    return `'${withoutSeed(serialNumber)}' is no serial number: 9 to 256 letters, digits and characters of +=/:,.@_- are allowed, and ${expected}`;
  }
  const arn = /^arn:([a-z0-9-]+):iam::(\d{12}):(mfa\/(?:[\w+=:,.@-]+\/)*[\w+=,.@-]+|root)$/.exec(serialNumber);
  if (arn === null) {
    return `'${withoutSeed(serialNumber)}' is not the ARN of a virtual MFA device (hardware tokens and security keys have no seed): ${expected}`;
  }
  const [, partition, account, resource] = arn;
  if (resource === 'root' || resource === 'mfa/root-account-mfa-device') {
    return `'${serialNumber}' belongs to the root user, whose MFA can't be enabled by API: enable it in the console, and name a device of an IAM user here`;
  }
  if (surroundings.account !== undefined && account !== surroundings.account) {
    return `'${serialNumber}' is in account ${account}, not in ${surroundings.account}: the device, its user and the stack must be in one account`;
  }
  if (surroundings.partition !== undefined && partition !== surroundings.partition) {
    return `'${serialNumber}' is in partition '${partition}', but the stack is in partition '${surroundings.partition}'`;
  }
  return undefined;
}
