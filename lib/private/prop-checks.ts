import { Annotations } from 'aws-cdk-lib';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { type Construct } from 'constructs';
import { RemovalPolicy, Stack, Token } from './cdk';
import { isRetained } from './removal';
import { arnOf } from './seed-secret';

/** Fails with the words for what is wrong with a prop, if anything is. */
export function refuse(prop: string, problem: string | undefined): void {
  if (problem !== undefined) {
    throw new Error(`'${prop}': ${problem}`);
  }
}

/** A value as far as it is known when the construct is made: tokens are never looked into. */
export function literal(value: string | undefined): string | undefined {
  return value === undefined || Token.isUnresolved(value) ? undefined : value;
}

/** Says in words that a removal policy is none for `what`. */
export function problemOfRemovalPolicy(what: string, removalPolicy?: RemovalPolicy): string | undefined {
  return removalPolicy === undefined || removalPolicy === RemovalPolicy.DESTROY || isRetained(removalPolicy)
    ? undefined
    : `'${removalPolicy}' has no meaning for ${what}: DESTROY, RETAIN and RETAIN_ON_UPDATE_OR_DELETE are allowed`;
}

/** Says in words that a secret, or its key, is none that can stand in a policy: it would be a wildcard, and grant more. */
export function problemOfSecret(secret: secretsmanager.ISecret): string | undefined {
  return /[*?]/.test(arnOf(secret))
    ? `'${arnOf(secret)}' has a '*' or a '?': one secret is expected, named without wildcards`
    : secret.encryptionKey && problemOfKey(secret.encryptionKey);
}

/** The same of a key. */
export function problemOfKey({ keyArn }: kms.IKey): string | undefined {
  return /[*?]/.test(keyArn)
    ? `'${keyArn}' has a '*' or a '?': one key is expected, named without wildcards`
    : undefined;
}

/** Says in words that a provider is one of another account or region than the scope's. */
export function problemOfProvider(scope: Construct, provider: Construct): string | undefined {
  const stack = Stack.of(scope);
  const { account, region } = Stack.of(provider);
  for (const [ours, theirs] of [
    [stack.account, account],
    [stack.region, region],
  ] as const) {
    if (literal(ours) !== undefined && literal(theirs) !== undefined && ours !== theirs) {
      return `'${provider.node.path}' is in ${theirs}, but the stack is in ${ours}: a provider serves its own account and region`;
    }
  }
  return undefined;
}

/** Warns of a secret of another account whose key is not known. */
export function warnOfForeignSecret(scope: Construct, secret: secretsmanager.ISecret): void {
  const account = literal(Stack.of(scope).account);
  const secretAccount = literal(secret.env.account);
  if (
    secretAccount !== undefined &&
    account !== undefined &&
    secretAccount !== account &&
    secret.encryptionKey === undefined
  ) {
    Annotations.of(scope).addWarningV2(
      'cdk-mfa-enrollment:secretOfAnotherAccount',
      `the seed secret is in account ${secretAccount}: the function can use it only if it is encrypted with a customer-managed key, named by 'encryptionKey' of the imported secret, and if the policies of secret and key allow the function's role`,
    );
  }
}
