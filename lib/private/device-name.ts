import { createHash } from 'node:crypto';
import { Tokenization } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import { type IConstruct } from 'constructs';
import { invalid, isSeed, quoted } from '../checks';
import { Stack, Token } from './cdk';
import { idsBelow, literal, outermostStackOf, userResourceOf } from './identity';

/** Longest name that IAM accepts. https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateVirtualMFADevice.html */
const NAME_LENGTH = 226;
/** Longest serial number that IAM accepts. https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableMFADevice.html */
const SERIAL_NUMBER_LENGTH = 256;
/** What precedes the path in the shortest partition. */
const ARN_START = 'arn:aws:iam::123456789012:mfa';

const PART_LENGTH = 60;
const HASH_LENGTH = 8;

/**
 * The name of a user's default device: `<stack>-<user>-<region>-<8 hex digits>-<generation>`. It follows the user, not
 * the enrollment's construct: moving or renaming the enrollment keeps the device, and a renamed user gets another one.
 * A user without a known name counts by the path of its construct, below the stack if that is the enrollment's.
 */
export function nameOfDefaultDevice(enrollment: IConstruct, user: iam.IUser, generation: number): string {
  const name = literal(user.userName) ?? literal(userResourceOf(user)?.userName);
  const stack = outermostStackOf(enrollment);
  const path =
    outermostStackOf(user) === stack ? idsBelow(stack, user).join('/') : pathIn(outermostStackOf(user), user);
  // Of two kinds, so that a user that gets its own path as its name, which is another user, gets another device.
  return generatedName(enrollment, name === undefined ? ['unnamedUser', path] : ['user', name], generation);
}

/** The path of a construct of another stack. It follows the stack's name, which CloudFormation knows, not the app. */
function pathIn(stack: Stack, construct: IConstruct): string {
  return [stack.stackName, ...idsBelow(stack, construct)].join('/');
}

/** The name of a `VirtualMfaDevice` without a `virtualMfaDeviceName`. It follows the construct. */
export function nameOfConstruct(device: IConstruct, generation: number): string {
  const path = idsBelow(Stack.of(device), device).join('/');
  return generatedName(device, ['device', path], generation);
}

/**
 * The hash makes up for what is cut off or replaced, and includes the ids of nested stacks, whose own names only a
 * deployment knows. Region and generation are in the name as they are, and therefore not in the hash: a stack whose
 * region becomes known keeps its devices.
 *
 * This format never changes. Another name is another device, which ends the one on a person's phone.
 */
function generatedName(construct: IConstruct, [kind, subject]: readonly [string, string], generation: number): string {
  const outermost = outermostStackOf(construct);
  const nested = idsBelow(outermost, Stack.of(construct));
  const hash = createHash('sha256')
    .update(JSON.stringify([outermost.stackName, kind, subject, ...nested]))
    .digest('hex')
    .slice(0, HASH_LENGTH);
  const { region } = Stack.of(construct);
  return [part(outermost.stackName), part(subject), region, hash, Tokenization.stringifyNumber(generation)].join('-');
}

function part(text: string): string {
  return text.slice(0, PART_LENGTH).replace(/[^\w+=,.@-]/g, '-');
}

/** Checks the name of a virtual MFA device. */
export function problemOfDeviceName(name: string): string | undefined {
  return name.length <= NAME_LENGTH && /^[\w+=,.@-]+$/.test(name) && !isSeed(name)
    ? undefined
    : invalid('device name', name, `1 to ${NAME_LENGTH} letters, digits and characters of +=,.@_-, never the seed`);
}

/** Checks the IAM path of a device, or of users. */
export function problemOfPath(path: string): string | undefined {
  return Token.isUnresolved(path) || /^\/([\w+=:,.@-]+\/)*$/.test(path)
    ? undefined
    : invalid(
        'path',
        path,
        "a path that begins and ends with '/', such as '/' or '/staff/', with letters, digits and characters of +=:,.@_- between slashes",
      );
}

/** Checks path and name together. */
export function problemOfDevice(path: string, name: string): string | undefined {
  const length = ARN_START.length + path.length + name.length;
  if (path + name === '/root-account-mfa-device') {
    return `${invalid('device name', name, 'a device of an IAM user')}; the MFA of the root user can't be enabled by API`;
  }
  return length <= SERIAL_NUMBER_LENGTH
    ? undefined
    : `path ${quoted(path)} and name ${quoted(name)} make a serial number of ${length} characters: expected at most ${SERIAL_NUMBER_LENGTH}`;
}
