import { Annotations } from 'aws-cdk-lib';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct, type IConstruct } from 'constructs';
import { quoted } from '../checks';
import { RemovalPolicy, Stack, Token } from './cdk';
import { literal } from './identity';
import { isRetained } from './removal';
import { arnOf, problemOfSecretName } from './seed-secret';

/** Throws what is wrong with a prop, if anything is. */
export function refuse(scope: IConstruct, prop: string, problem: string | undefined): void {
  if (problem !== undefined) {
    throw new Error(`[${scope.node.path}] '${prop}': ${problem}`);
  }
}

/** The text about a value of the wrong type, which plain JavaScript and `process.env` let through. */
export function wrongType(value: unknown, expected: string): string {
  return `invalid value ${shown(value)}: expected ${expected}`;
}

function shown(value: unknown): string {
  if (typeof value === 'string') {
    return quoted(value);
  }
  if (Construct.isConstruct(value)) {
    return `'${value.node.path}'`;
  }
  return typeof value === 'function'
    ? 'a function'
    : typeof value === 'object' && value !== null
      ? 'an object'
      : String(value);
}

/** The members by which interfaces of aws-cdk-lib are recognized, and what an error calls them. */
const KINDS = {
  user: { members: ['node', 'userName', 'userArn'], what: 'an IAM user (iam.IUser)' },
  secret: { members: ['node', 'secretArn'], what: 'a secret (secretsmanager.ISecret)' },
  key: { members: ['node', 'keyArn'], what: 'a KMS key (kms.IKey)' },
  role: { members: ['node', 'roleArn'], what: 'a role (iam.IRole)' },
  logGroup: { members: ['node', 'logGroupArn'], what: 'a log group (logs.ILogGroup)' },
  vpc: { members: ['node', 'vpcId'], what: 'a VPC (ec2.IVpc)' },
  securityGroup: { members: ['node', 'securityGroupId'], what: 'a security group (ec2.ISecurityGroup)' },
  runtime: { members: ['name'], what: 'a runtime (lambda.Runtime)' },
  device: { members: ['node', 'serialNumber'], what: 'a VirtualMfaDevice or an imported device (IVirtualMfaDevice)' },
  provider: {
    members: ['node', 'serviceToken', '_service'],
    what: 'an MfaEnrollmentProvider or an imported provider (IMfaEnrollmentProvider)',
  },
} as const;

/** Checks that a value is of a type of aws-cdk-lib, or of this library. */
export function problemOfKind(kind: keyof typeof KINDS, value: unknown): string | undefined {
  const { members, what } = KINDS[kind];
  return typeof value === 'object' && value !== null && members.every((member) => member in value)
    ? undefined
    : wrongType(value, what);
}

/** Checks a value of a type of the language. */
export function problemOfType(type: 'string' | 'boolean' | 'object', value: unknown): string | undefined {
  const what = { string: 'a string', boolean: 'true or false (a boolean)', object: 'an object with props' }[type];
  return typeof value === type && value !== null ? undefined : wrongType(value, what);
}

/** Checks a list of constructs of one kind. */
export function problemOfList(kind: keyof typeof KINDS, value: unknown): string | undefined {
  return Array.isArray(value)
    ? value.map((each) => problemOfKind(kind, each)).find((problem) => problem !== undefined)
    : wrongType(value, 'an array');
}

/** Checks that there are no other props than these: plain JavaScript ignores a mistyped one, and the default applies. */
export function problemOfNames(props: object, names: Readonly<Record<string, true>>): string | undefined {
  const unknown = Object.keys(props).find((name) => !Object.hasOwn(names, name));
  return unknown === undefined
    ? undefined
    : `invalid prop ${quoted(unknown)}: expected one of ${Object.keys(names).join(', ')}`;
}

/** Checks a whole number, or a token. */
export function problemOfNumber(value: unknown, from: number): string | undefined {
  return Token.isUnresolved(value) || (Number.isSafeInteger(value) && (value as number) >= from)
    ? undefined
    : wrongType(value, `a whole number from ${from}`);
}

/** Checks a removal policy. */
export function problemOfRemovalPolicy(removalPolicy: RemovalPolicy): string | undefined {
  return removalPolicy === RemovalPolicy.DESTROY || isRetained(removalPolicy)
    ? undefined
    : wrongType(removalPolicy, 'RemovalPolicy.DESTROY, RETAIN or RETAIN_ON_UPDATE_OR_DELETE');
}

/** Checks a secret and its key. A wildcard in a policy would grant more than the one secret. */
export function problemOfSecret(secret: secretsmanager.ISecret): string | undefined {
  if (/[*?]/.test(arnOf(secret))) {
    return `invalid secret ARN ${quoted(arnOf(secret))}: expected one secret, without wildcards`;
  }
  return problemOfSecretName(secret) ?? (secret.encryptionKey && problemOfKey(secret.encryptionKey));
}

/** Checks a key. */
export function problemOfKey(key: kms.IKey): string | undefined {
  return (
    problemOfKind('key', key) ??
    (/[*?]/.test(key.keyArn) ? `invalid key ARN ${quoted(key.keyArn)}: expected one key, without wildcards` : undefined)
  );
}

/** Checks that a provider is in the account and region of the stack that uses it. */
export function problemOfProvider(scope: Construct, provider: IConstruct): string | undefined {
  const stack = Stack.of(scope);
  const { account, region } = Stack.of(provider);
  for (const [what, ours, theirs] of [
    ['account', stack.account, account],
    ['region', stack.region, region],
  ] as const) {
    if (literal(ours) !== undefined && literal(theirs) !== undefined && ours !== theirs) {
      return `invalid value '${provider.node.path}' in ${what} ${theirs}: expected a provider in ${what} ${ours}, which is the stack's`;
    }
  }
  return undefined;
}

/** Warns about a secret of another account whose key is not known. */
export function warnOfForeignSecret(scope: Construct, secret: secretsmanager.ISecret): void {
  const account = literal(Stack.of(scope).account);
  const secretAccount = literal(secret.env.account);
  if (
    secretAccount !== undefined &&
    account !== undefined &&
    secretAccount !== account &&
    secret.encryptionKey === undefined
  ) {
    warn(
      scope,
      'secretOfAnotherAccount',
      `the seed secret is in account ${secretAccount}: the function can use it only if a customer-managed key encrypts it, 'encryptionKey' of the imported secret names the key, and the policies of secret and key allow the function's role`,
    );
  }
}

/** A warning that the app can acknowledge by its id. */
export function warn(scope: IConstruct, id: string, text: string): void {
  Annotations.of(scope).addWarningV2(`cdk-mfa-enrollment:${id}`, text);
}

/** A note; with an id by which the app can acknowledge it, if the installed aws-cdk-lib knows that. */
export function inform(scope: IConstruct, id: string, text: string): void {
  const annotations = Annotations.of(scope) as Annotations & { addInfoV2?: (id: string, text: string) => void };
  if (annotations.addInfoV2 === undefined) {
    annotations.addInfo(text);
  } else {
    annotations.addInfoV2(`cdk-mfa-enrollment:${id}`, text);
  }
}
