import { createHash } from 'node:crypto';
import { Tokenization } from 'aws-cdk-lib';
import { type Construct } from 'constructs';
import { Stack, Token } from './cdk';

/** Longest name that IAM takes. https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateVirtualMFADevice.html */
const NAME_LENGTH = 226;
/** Longest serial number that IAM takes. https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableMFADevice.html */
const SERIAL_NUMBER_LENGTH = 256;
/** What stands before the path in the shortest partition. */
const ARN_START = 'arn:aws:iam::123456789012:mfa';

/** Characters of a default name that show where the construct stands. */
const READABLE_LENGTH = 64;
const HASH_LENGTH = 8;

/**
 * `<stack>-<ids>-<region>-<8 hex>-<generation>`: no other construct of the account has it. IAM is global, hence the
 * region. A nested stack's own name is known to a deployment only, so it counts by its place in the outermost stack.
 *
 * It never changes: another name is another device, and ends the one on a person's phone.
 */
export function defaultDeviceName(scope: Construct, region: string, generation: number): string {
  const stack = outermostStack(scope);
  const ids = scope.node.scopes.slice(scope.node.scopes.indexOf(stack) + 1).map(({ node }) => node.id);
  const place = [stack.stackName, ...ids];
  const hash = createHash('sha256').update(JSON.stringify(place)).digest('hex').slice(0, HASH_LENGTH);
  const readable = place.map((part) => part.replace(/[^\w+=,.@-]+/g, '')).join('-');
  return [shortened(readable), region, hash, Tokenization.stringifyNumber(generation)].join('-');
}

function outermostStack(scope: Construct): Stack {
  let stack = Stack.of(scope);
  while (stack.nestedStackParent !== undefined) {
    stack = stack.nestedStackParent;
  }
  return stack;
}

/** Without the middle, as what tells apart stands at both ends. */
function shortened(text: string): string {
  return text.length <= READABLE_LENGTH
    ? text
    : text.slice(0, READABLE_LENGTH / 2) + text.slice(text.length - READABLE_LENGTH / 2);
}

/** Says in words what is wrong with the name of a virtual MFA device. */
export function problemOfDeviceName(name: string): string | undefined {
  return name.length <= NAME_LENGTH && /^[\w+=,.@-]+$/.test(name)
    ? undefined
    : `'${name}' is no name of a virtual MFA device: 1 to ${NAME_LENGTH} letters, digits and characters of +=,.@_- are allowed`;
}

/** Says in words what is wrong with the path of a device, or of a user. */
export function problemOfPath(path: string): string | undefined {
  return Token.isUnresolved(path) || /^\/([\w+=:,.@-]+\/)*$/.test(path)
    ? undefined
    : `'${path}' is no path: it begins and ends with '/', such as '/' or '/staff/', and between them letters, digits and characters of +=:,.@_- are allowed`;
}

/** Says in words that a device of this path and name can't be. */
export function problemOfDevice(path: string, name: string): string | undefined {
  const length = ARN_START.length + path.length + name.length;
  if (path + name === '/root-account-mfa-device') {
    return `'${name}' is the root user's device, whose MFA can't be enabled by API: name a device of an IAM user`;
  }
  return length <= SERIAL_NUMBER_LENGTH
    ? undefined
    : `path '${path}' and name '${name}' make a serial number of ${length} characters: at most ${SERIAL_NUMBER_LENGTH} are allowed`;
}
