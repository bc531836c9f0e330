import { ArnFormat } from 'aws-cdk-lib';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Stack } from './cdk';
import { type ExplainedWildcard } from './acknowledged-findings';
import { allow, type Statement } from './statement';

/** As complete an ARN as is known. */
export function arnOf(secret: secretsmanager.ISecret): string {
  return secret.secretFullArn ?? secret.secretArn;
}

/** What reading a secret takes. */
export function readStatements(secret: secretsmanager.ISecret): Statement[] {
  return statements(secret, ['secretsmanager:GetSecretValue'], ['kms:Decrypt']);
}

/**
 * What storing a value in a secret takes, and looking up which version is its current one.
 * https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
 */
export function writeStatements(secret: secretsmanager.ISecret): Statement[] {
  return statements(
    secret,
    ['secretsmanager:DescribeSecret', 'secretsmanager:PutSecretValue'],
    ['kms:Decrypt', 'kms:GenerateDataKey'],
  );
}

function statements(secret: secretsmanager.ISecret, actions: string[], keyActions: string[]): Statement[] {
  return [
    // Secrets Manager ends every ARN in a dash and six random characters, which a partial ARN leaves out.
    allow(actions, secret.secretFullArn ?? `${secret.secretArn}-??????`),
    ...(secret.encryptionKey === undefined ? [] : keyStatementsOf(secret, secret.encryptionKey, keyActions)),
  ];
}

/** The wildcards of these statements. */
export function wildcardsOf({ encryptionKey }: secretsmanager.ISecret): ExplainedWildcard[] {
  return encryptionKey === undefined ? [] : wildcardsOfKey(encryptionKey);
}

/** The wildcards of what using a key takes. */
export function wildcardsOfKey(key: kms.IKey): ExplainedWildcard[] {
  const aliasName = aliasNameOf(key);
  return aliasName === undefined || aliasName === AWS_MANAGED_ALIAS
    ? []
    : [
        {
          resource: 'key/*',
          reason: `Only the key with the alias ${aliasName}, which IAM can name in a condition only.`,
        },
      ];
}

/** The key that AWS manages allows everybody who may use the secret by itself. */
const AWS_MANAGED_ALIAS = 'alias/aws/secretsmanager';

export function isAwsManaged(key: kms.IKey): boolean {
  return aliasNameOf(key) === AWS_MANAGED_ALIAS;
}

function keyStatementsOf(secret: secretsmanager.ISecret, key: kms.IKey, actions: string[]): Statement[] {
  const stack = Stack.of(secret);
  const { account, region } = stack.splitArn(arnOf(secret), ArnFormat.COLON_RESOURCE_NAME);
  return keyStatements(stack, { account, region }, key, actions);
}

/** What using a key takes by way of the Secrets Manager of an account and region. */
export function keyStatements(
  stack: Stack,
  { account, region }: { readonly account?: string; readonly region?: string },
  key: kms.IKey,
  actions: string[],
): Statement[] {
  if (isAwsManaged(key)) {
    return [];
  }
  const aliasName = aliasNameOf(key);
  // The DNS suffix differs between partitions, and not all of them are known here.
  const viaSecretsManager = { StringLike: { 'kms:ViaService': `secretsmanager.${region}.*` } };
  if (aliasName === undefined) {
    return [allow(actions, keyArnOf(key), viaSecretsManager)];
  }
  // The ARN of an alias grants nothing: a key that is known by its alias only is named in a condition.
  // https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html
  const keys = stack.formatArn({ service: 'kms', account, region, resource: 'key', resourceName: '*' });
  const conditions = { ...viaSecretsManager, 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': aliasName } };
  return [allow(actions, keys, conditions)];
}

/** The name of an alias whose key is not known. */
function aliasNameOf(key: kms.IKey): string | undefined {
  return targetOf(key) === undefined ? (key as Partial<kms.IAlias>).aliasName : undefined;
}

function keyArnOf(key: kms.IKey): string {
  return targetOf(key)?.keyArn ?? key.keyArn;
}

/** The key behind an alias; `undefined` of a key, and of an alias that is imported by name. */
function targetOf(key: kms.IKey): kms.IKey | undefined {
  try {
    return (key as Partial<kms.IAlias>).aliasTargetKey;
  } catch {
    // aws-cdk-lib throws where it does not know the key.
    return undefined;
  }
}
