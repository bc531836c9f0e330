import { ArnFormat, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { ExplainedWildcard } from './explained-wildcards';

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

/** The wildcards of these statements. */
export function wildcardsOf(secret: secretsmanager.ISecret): ExplainedWildcard[] {
  const aliasName = secret.encryptionKey && aliasNameOf(secret.encryptionKey);
  return aliasName === undefined || aliasName === AWS_MANAGED_ALIAS
    ? []
    : [
        {
          resource: 'key/*',
          reason: `Only the key with the alias ${aliasName}, which IAM can name in a condition only.`,
        },
      ];
}

/** The key that AWS manages allows every reader of the secret by itself. */
const AWS_MANAGED_ALIAS = 'alias/aws/secretsmanager';

function decryptStatements(secret: secretsmanager.ISecret, key: kms.IKey): iam.PolicyStatement[] {
  const aliasName = aliasNameOf(key);
  if (aliasName === AWS_MANAGED_ALIAS) {
    return [];
  }
  const { account, region } = Stack.of(secret).splitArn(arnOf(secret), ArnFormat.COLON_RESOURCE_NAME);
  // The DNS suffix differs between partitions, and not all of them are known here.
  const viaSecretsManager = { StringLike: { 'kms:ViaService': `secretsmanager.${region}.*` } };
  if (aliasName === undefined) {
    return [
      new iam.PolicyStatement({ actions: ['kms:Decrypt'], resources: [keyArnOf(key)], conditions: viaSecretsManager }),
    ];
  }
  // The ARN of an alias grants nothing: a key that is known by its alias only is named in a condition.
  // https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html
  const keys = Stack.of(secret).formatArn({ service: 'kms', account, region, resource: 'key', resourceName: '*' });
  return [
    new iam.PolicyStatement({
      actions: ['kms:Decrypt'],
      resources: [keys],
      conditions: { ...viaSecretsManager, 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': aliasName } },
    }),
  ];
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
