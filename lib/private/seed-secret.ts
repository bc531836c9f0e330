import { ArnFormat } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { type Construct } from 'constructs';
import { invalid, isSeed, problemOfForeignName, quoted } from '../checks';
import { isTakenForComplete, UNKNOWN_SUFFIX } from '../contract';
import { RemovalPolicy, Stack, Token } from './cdk';
import { acknowledgeNoRotation, type AcknowledgedWildcard } from './acknowledged-findings';
import { type DeviceName, keyOf, literal, literalText, resourceIn, seedIdentity } from './identity';
import { deriveLogicalIds } from './logical-id';
import { allow, type Statement } from './policies';

/** As complete an ARN as is known. */
export function arnOf(secret: secretsmanager.ISecret): string {
  return secret.secretFullArn ?? secret.secretArn;
}

/** The ARN that a stack sends to the function: a partial one as it is only if Secrets Manager takes it for a partial one. */
export function sentArnOf(stack: Stack, secret: secretsmanager.ISecret): string {
  const arn = arnOf(secret);
  // What follows the last token.
  const end = arn.slice(arn.lastIndexOf('}') + 1);
  return isKnownInFull(stack, secret) || (end.length >= UNKNOWN_SUFFIX.length && !isTakenForComplete(end))
    ? arn
    : arn + UNKNOWN_SUFFIX;
}

/** Checks the name of a secret of another account. */
export function problemOfAccount(stack: Stack, secret: secretsmanager.ISecret): string | undefined {
  const [theirs, ours] = [literal(secret.env.account), literal(stack.account)];
  return theirs === undefined || ours === undefined || theirs === ours
    ? undefined
    : problemOfForeignName(sentArnOf(stack, secret));
}

/**
 * The secret that a device creates for its seed. It has no value until the device exists: the function would take one
 * for a seed, and aws-cdk-lib's own secret would generate one.
 */
export class SeedSecret extends secretsmanager.Secret {
  constructor(
    scope: Construct,
    id: string,
    private readonly device: DeviceName,
    props: { readonly secretName?: string; readonly encryptionKey?: kms.IKey },
  ) {
    super(scope, id, {
      ...props,
      // The function deletes it with the device. CloudFormation would delete it even if the device could not be deleted.
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
      description: `Seed of virtual MFA device ${device.path}${device.virtualMfaDeviceName}`,
    });
    const resource = this.node.defaultChild as secretsmanager.CfnSecret;
    resource.generateSecretString = undefined;
    acknowledgeNoRotation(resource);
    deriveLogicalIds(this, seedIdentity(device), { VirtualMfaDeviceSeed: resource });
  }

  /** With the logical id of another resource, CloudFormation would delete the policy of the secret that it keeps. */
  public override addToResourcePolicy(statement: iam.PolicyStatement): iam.AddToResourcePolicyResult {
    const isFirst = this.node.tryFindChild('Policy') === undefined;
    const result = super.addToResourcePolicy(statement);
    const policy = this.node.tryFindChild('Policy');
    const resource = policy && resourceIn(policy, secretsmanager.CfnResourcePolicy.CFN_RESOURCE_TYPE_NAME);
    if (isFirst && resource !== undefined) {
      deriveLogicalIds(policy as Construct, seedIdentity(this.device), {
        VirtualMfaDeviceSeedPolicy: resource,
      });
      // It goes with the secret. Without it, everybody could read the seed of a device that could not be deleted.
      resource.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
    }
    return result;
  }
}

/** Checks the name of an imported secret, as far as it is known. */
export function problemOfSecretName(secret: secretsmanager.ISecret): string | undefined {
  const arn = arnOf(secret);
  if (!Token.isUnresolved(arn) && !arn.startsWith('arn:')) {
    return invalid('secret ARN', arn, 'an ARN; import a secret by its name with Secret.fromSecretNameV2');
  }
  const known = literalText(keyOf(Stack.of(secret), arn));
  const name = /:secret:([^]*)$/.exec(known)?.[1];
  if (isOfSomethingElse(known)) {
    return `invalid secret ARN ${quoted(known.replaceAll('\0', '…'))}: expected arn:aws:secretsmanager:<region>:<account>:secret:<name>`;
  }
  if (name === undefined) {
    return undefined;
  }
  if (name.startsWith('arn:')) {
    return invalid(
      'secret name',
      name,
      'a name; import a secret by its complete ARN with Secret.fromSecretCompleteArn',
    );
  }
  if (!/^[\w/+=.@!\0-]{1,512}$/.test(name) || isSeed(name.split('/').at(-1)!)) {
    return invalid('secret name', name, '1 to 512 letters, digits and characters of /_+=.@!-, never the seed');
  }
  // aws-cdk-lib takes the end for the random characters of a complete ARN, and so does Secrets Manager.
  return secret.secretFullArn === undefined &&
    /-[A-Za-z0-9]{6}$/.test(name) &&
    literalText(keyOf(Stack.of(secret), secret.secretName)) !== name
    ? `invalid partial ARN of a secret ${quoted(known.replaceAll('\0', '…'))}: expected no hyphen and six characters at its end; import a complete ARN with Secret.fromSecretCompleteArn, and a name that ends so with Secret.fromSecretNameV2`
    : undefined;
}

/** Whether enough of an ARN is known to tell that it names no secret. A token can stand for several of its parts. */
function isOfSomethingElse(arn: string): boolean {
  const [, , service = '', region, account, type = '', name] = arn.split(':');
  return (
    !service.includes('\0') &&
    account !== undefined &&
    (service !== 'secretsmanager' ||
      region === '' ||
      account === '' ||
      (!type.includes('\0') && (type !== 'secret' || name === undefined)))
  );
}

/** Whether the app lets Secrets Manager generate the value, which is then no seed. */
export function isGenerated(secret: secretsmanager.ISecret, field: string | undefined): boolean {
  const resource = resourceIn(secret, secretsmanager.CfnSecret.CFN_RESOURCE_TYPE_NAME) as
    secretsmanager.CfnSecret | undefined;
  const generated = resource?.generateSecretString as secretsmanager.CfnSecret.GenerateSecretStringProperty | undefined;
  return generated !== undefined && (field === undefined || generated.generateStringKey === field);
}

/** What reading a secret takes, for a function that a stack grants it to. */
export function readStatements(stack: Stack, secret: secretsmanager.ISecret): Statement[] {
  return statements(stack, secret, ['secretsmanager:GetSecretValue'], ['kms:Decrypt']);
}

/**
 * What storing a value in a secret takes, and looking up which version is the current one.
 *
 * @param isOwn whether the device deletes it
 * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
 */
export function writeStatements(stack: Stack, secret: secretsmanager.ISecret, isOwn: boolean): Statement[] {
  return statements(
    stack,
    secret,
    [
      ...(isOwn ? ['secretsmanager:DeleteSecret'] : []),
      'secretsmanager:DescribeSecret',
      'secretsmanager:PutSecretValue',
    ],
    ['kms:Decrypt', 'kms:GenerateDataKey'],
  );
}

function statements(
  stack: Stack,
  secret: secretsmanager.ISecret,
  actions: string[],
  keyActions: string[],
): Statement[] {
  return [
    // Secrets Manager ends every ARN in a hyphen and six random characters, which a partial ARN leaves out.
    allow(actions, isKnownInFull(stack, secret) ? arnOf(secret) : arnOf(secret) + UNKNOWN_SUFFIX),
    ...(secret.encryptionKey === undefined ? [] : keyStatementsOf(secret, secret.encryptionKey, keyActions)),
  ];
}

/**
 * Whether a stack knows the complete ARN of a secret. aws-cdk-lib builds the ARN of a secret that another region or
 * account declares from its name, and calls it complete.
 */
function isKnownInFull(stack: Stack, secret: secretsmanager.ISecret): boolean {
  const owner = Stack.of(secret);
  const isReferenced =
    owner.account === stack.account && (owner.region === stack.region || stack._crossRegionReferences);
  const isDeclared = resourceIn(secret, secretsmanager.CfnSecret.CFN_RESOURCE_TYPE_NAME) !== undefined;
  return secret.secretFullArn !== undefined && (isReferenced || !isDeclared);
}

/** The wildcards of these statements. */
export function wildcardsOf({ encryptionKey }: secretsmanager.ISecret): AcknowledgedWildcard[] {
  return encryptionKey === undefined ? [] : wildcardsOfKey(encryptionKey);
}

/** The wildcards of what using a key takes. */
export function wildcardsOfKey(key: kms.IKey): AcknowledgedWildcard[] {
  const aliasName = aliasNameOf(key);
  return aliasName === undefined || aliasName === AWS_MANAGED_ALIAS
    ? []
    : [
        {
          resource: 'key/*',
          reason: `Only the key with the alias ${aliasName}, which IAM can name only in a condition.`,
        },
      ];
}

/** The key that AWS manages needs no grant: it allows everybody who may use the secret. */
const AWS_MANAGED_ALIAS = 'alias/aws/secretsmanager';

export function isAwsManaged(key: kms.IKey): boolean {
  return aliasNameOf(key) === AWS_MANAGED_ALIAS;
}

/** What decrypting a secret takes. */
export function decryptStatements(secret: secretsmanager.ISecret): Statement[] {
  return secret.encryptionKey === undefined ? [] : keyStatementsOf(secret, secret.encryptionKey, ['kms:Decrypt']);
}

function keyStatementsOf(secret: secretsmanager.ISecret, key: kms.IKey, actions: string[]): Statement[] {
  const stack = Stack.of(secret);
  const { account, region } = stack.splitArn(arnOf(secret), ArnFormat.COLON_RESOURCE_NAME);
  return keyStatements(stack, { account, region }, key, actions);
}

/** What using a key through the Secrets Manager of an account and region takes. */
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
  // The ARN of an alias grants nothing: a key of which only the alias is known is named in a condition.
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
export function targetOf(key: kms.IKey): kms.IKey | undefined {
  try {
    return (key as Partial<kms.IAlias>).aliasTargetKey;
  } catch {
    // aws-cdk-lib throws where it does not know the key.
    return undefined;
  }
}
