import { ArnFormat, Stack, Token } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';

/** As complete an ARN as is known. */
export function arnOf(secret: secretsmanager.ISecret): string {
  return secret.secretFullArn ?? secret.secretArn;
}

/** What reading a secret takes. */
export function readStatements(secret: secretsmanager.ISecret): iam.PolicyStatement[] {
  return [
    new iam.PolicyStatement({
      actions: ['secretsmanager:GetSecretValue'],
      // Secrets Manager ends every ARN in a dash and six random characters, which a partial ARN leaves out.
      resources: [secret.secretFullArn ?? `${secret.secretArn}-??????`],
    }),
    ...(secret.encryptionKey === undefined ? [] : decryptStatements(secret, secret.encryptionKey)),
  ];
}

function decryptStatements(secret: secretsmanager.ISecret, key: kms.IKey): iam.PolicyStatement[] {
  const aliasName = (key as Partial<kms.IAlias>).aliasName;
  if (aliasName === 'alias/aws/secretsmanager') {
    // The key that AWS manages allows every reader of the secret by itself.
    return [];
  }
  const stack = Stack.of(secret);
  const region = stack.splitArn(arnOf(secret), ArnFormat.COLON_RESOURCE_NAME).region;
  // The DNS suffix differs between partitions, and not all of them are known here.
  const viaSecretsManager = { StringLike: { 'kms:ViaService': `secretsmanager.${region}.*` } };
  return [
    aliasName === undefined
      ? new iam.PolicyStatement({
          actions: ['kms:Decrypt'],
          resources: [key.keyArn],
          conditions: viaSecretsManager,
        })
      : new iam.PolicyStatement({
          actions: ['kms:Decrypt'],
          // The ARN of an alias grants nothing: a key is named by its aliases in a condition only.
          // https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html
          resources: [keysAround(key)],
          conditions: { ...viaSecretsManager, 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': aliasName } },
        }),
  ];
}

/** All keys of the account and region that an alias is in. */
function keysAround(alias: kms.IKey): string {
  const { account, region } = Token.isUnresolved(alias.keyArn)
    ? alias.env
    : Stack.of(alias).splitArn(alias.keyArn, ArnFormat.SLASH_RESOURCE_NAME);
  return Stack.of(alias).formatArn({ service: 'kms', account, region, resource: 'key', resourceName: '*' });
}
