import { ArnFormat } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { type Construct } from 'constructs';
import { invalid, quoted } from '../checks';
import { type MfaEnrollmentPathScope } from '../path-scope';
import { Stack } from './cdk';
import { type AcknowledgedWildcard } from './acknowledged-findings';
import { problemOfPath } from './device-name';
import { type DeviceName, keyOf, literal, literalText, nameInArn, resourceIn, userResourceOf } from './identity';
import { type Identity } from './logical-id';
import { allow, type Statement } from './policies';
import { problemOfKey, problemOfList, problemOfNames, problemOfType, refuse, warn } from './props';
import { arnOf, isAwsManaged, keyStatements, wildcardsOfKey } from './seed-secret';

const PROPS: Record<keyof MfaEnrollmentPathScope, true> = {
  userPath: true,
  devicePath: true,
  seedSecretPrefix: true,
  encryptionKeys: true,
};

/** The path scope of one provider: what it grants, and what is outside of it. */
export class PathScope {
  public readonly devicePath: string;
  private readonly userPath: string;
  private readonly seedSecretPrefix: string;
  private readonly encryptionKeys: readonly kms.IKey[];

  constructor(
    private readonly provider: Construct,
    pathScope: MfaEnrollmentPathScope,
  ) {
    refuse(provider, 'pathScope', problemOfType('object', pathScope) ?? problemOfNames(pathScope, PROPS));
    const { userPath, devicePath, seedSecretPrefix, encryptionKeys = [] } = pathScope;
    for (const [prop, path] of Object.entries({ userPath, devicePath })) {
      refuse(provider, `pathScope.${prop}`, problemOfType('string', path) ?? problemOfPath(path));
    }
    this.userPath = userPath;
    this.devicePath = devicePath;
    this.seedSecretPrefix = seedSecretPrefix ?? inSecretName(`mfa${devicePath}`);
    this.encryptionKeys = encryptionKeys;
    refuse(
      provider,
      'pathScope.seedSecretPrefix',
      problemOfType('string', this.seedSecretPrefix) ?? problemOfPrefix(this.seedSecretPrefix),
    );
    refuse(provider, 'pathScope.encryptionKeys', problemOfList('key', encryptionKeys));
    encryptionKeys.forEach((key) => refuse(provider, 'pathScope.encryptionKeys', problemOfKey(key)));
    if (userPath === '/') {
      warn(
        provider,
        'pathScopeOfAllUsers',
        "'pathScope.userPath' is '/': the function can enable and deactivate the MFA of every user of the account, administrators included; give the users of this provider a path of their own",
      );
    }
    if (devicePath === '/') {
      warn(
        provider,
        'pathScopeOfAllDevices',
        "'pathScope.devicePath' is '/': the function can tag every virtual MFA device of the account, and delete those that are enabled for nobody; give the devices of this provider a path of their own",
      );
    }
  }

  /** One policy of constant size, no matter how many enrollments and devices there are. */
  public statements(): Statement[] {
    const stack = Stack.of(this.provider);
    const arn = (service: string, region: string, resource: string) =>
      stack.formatArn({ service, region, resource, arnFormat: ArnFormat.NO_RESOURCE_NAME });
    return [
      allow(
        ['iam:DeactivateMFADevice', 'iam:EnableMFADevice', 'iam:ListMFADevices', 'iam:ResyncMFADevice'],
        arn('iam', '', `user${this.userPath}*`),
      ),
      allow(
        [
          'iam:CreateVirtualMFADevice',
          'iam:DeleteVirtualMFADevice',
          'iam:ListMFADeviceTags',
          'iam:TagMFADevice',
          'iam:UntagMFADevice',
        ],
        arn('iam', '', `mfa${this.devicePath}*`),
      ),
      allow(
        [
          'secretsmanager:DeleteSecret',
          'secretsmanager:DescribeSecret',
          'secretsmanager:GetSecretValue',
          'secretsmanager:PutSecretValue',
        ],
        arn('secretsmanager', stack.region, `secret:${this.seedSecretPrefix}*`),
      ),
      ...this.encryptionKeys.flatMap((key) => keyStatements(stack, stack, key, ['kms:Decrypt', 'kms:GenerateDataKey'])),
    ];
  }

  /** The wildcards of these statements. */
  public wildcards(): AcknowledgedWildcard[] {
    const reason = "The path scope that the app gives this provider, by 'pathScope'.";
    return [
      ...[`user${this.userPath}*`, `mfa${this.devicePath}*`, `secret:${this.seedSecretPrefix}*`].map((resource) => ({
        resource,
        reason,
      })),
      ...this.encryptionKeys.flatMap(wildcardsOfKey),
    ];
  }

  /** Another path scope is another policy: the old one stays until cleanup has used it. */
  public identity(serviceToken: string) {
    return (stack: Stack): Identity => ({
      key: {
        scope: [this.userPath, this.devicePath, this.seedSecretPrefix].map((text) => keyOf(stack, text)),
        keys: this.encryptionKeys.map((key) => keyOf(stack, key.keyArn)),
        provider: keyOf(stack, serviceToken),
      },
      names: [this.userPath, this.devicePath].map((path) => literalText(keyOf(stack, path))),
    });
  }

  /** The name of the secret of a device. Two devices never share one. */
  public secretNameOf({ path, virtualMfaDeviceName }: DeviceName): string {
    const below = path.startsWith(this.devicePath) ? path.slice(this.devicePath.length) : path;
    return this.seedSecretPrefix + inSecretName(below + virtualMfaDeviceName);
  }

  /** Whether a user is known to be outside. */
  public problemOfUser(user: iam.IUser): string | undefined {
    const path = pathOf(user);
    return path === undefined || mayBegin(path, this.userPath)
      ? undefined
      : `invalid value '${user.node.path}' with path ${quoted(path)}: expected a user below '${this.userPath}', ${this.reason}`;
  }

  /** Whether a device is known to be outside. */
  public problemOfSerialNumber(stack: Stack, serialNumber: string): string | undefined {
    const name = literalText(nameInArn(stack, serialNumber));
    const [known = ''] = name.split('\0');
    // Of a name that only a deployment knows in full, the beginning may be known.
    const isKnown = name === known || !this.devicePath.startsWith(known);
    return isKnown && name.startsWith('/') ? this.problemOfDevicePath(name.replaceAll('\0', '…')) : undefined;
  }

  /** Whether a path, with or without a device name, is known to be outside. */
  public problemOfDevicePath(path: string): string | undefined {
    return literal(path) === undefined || mayBegin(path, this.devicePath)
      ? undefined
      : `invalid value ${quoted(path)}: expected a device below '${this.devicePath}', ${this.reason}`;
  }

  /** Whether a secret, or its key, is known to be outside. */
  public problemOfSecret(secret: secretsmanager.ISecret): string | undefined {
    const stack = Stack.of(this.provider);
    const { account, region } = secret.env;
    for (const [theirs, ours] of [
      [account, stack.account],
      [region, stack.region],
    ] as const) {
      if (literal(theirs) !== undefined && literal(ours) !== undefined && theirs !== ours) {
        return `invalid value '${secret.node.path}' in ${theirs}: expected a secret in ${ours}, ${this.reason}`;
      }
    }
    const prefix = `a secret whose name begins with '${this.seedSecretPrefix}', ${this.reason}`;
    const name = nameOf(secret);
    if (name === undefined) {
      return `invalid value '${secret.node.path}' without 'secretName': expected ${prefix}`;
    }
    // Of a name that only a deployment knows in full, the beginning may be known.
    const [known = ''] = name.split('\0');
    const isKnown = name === known || known.length >= this.seedSecretPrefix.length;
    if (isKnown && !mayBegin(known, this.seedSecretPrefix)) {
      return `invalid value '${secret.node.path}' with name ${quoted(known)}: expected ${prefix}`;
    }
    return this.covers(secret.encryptionKey)
      ? undefined
      : `invalid value '${secret.node.path}' with key '${secret.encryptionKey!.node.path}': expected a key among 'pathScope.encryptionKeys' of '${this.provider.node.path}'`;
  }

  private covers(key: kms.IKey | undefined): boolean {
    const textOf = (each: kms.IKey) => JSON.stringify(Stack.of(this.provider).resolve(each.keyArn));
    return (
      key === undefined ||
      isAwsManaged(key) ||
      this.encryptionKeys.some((each) => each === key || textOf(each) === textOf(key))
    );
  }

  private get reason(): string {
    return `which is the path scope of '${this.provider.node.path}'`;
  }
}

/** Whether a text begins like this. Of a beginning with tokens, only the deployment knows. */
function mayBegin(text: string, beginning: string): boolean {
  return literal(beginning) === undefined || text.startsWith(beginning);
}

/** The characters that a device's path or name can have and a secret's name can't, as `=2C` and `=3A`. Tokens stay as they are. */
function inSecretName(text: string): string {
  return text
    .split(/(\$\{Token\[[^\]]*\]\})/)
    .map((part, index) =>
      index % 2 === 1
        ? part
        : part.replace(/[=,:]/g, (character) => `=${character.charCodeAt(0).toString(16).toUpperCase()}`),
    )
    .join('');
}

function problemOfPrefix(prefix: string): string | undefined {
  return literal(prefix) === undefined || /^[\w/+=.@-]+$/.test(prefix)
    ? undefined
    : invalid('prefix', prefix, 'one or more letters, digits and characters of /_+=.@-');
}

/** The path of a user, as far as it is known. */
function pathOf(user: iam.IUser): string | undefined {
  const declared = userResourceOf(user);
  if (declared !== undefined) {
    return literal(declared.path ?? '/');
  }
  const arn = literalText(Stack.of(user).resolve(user.userArn));
  return /:user(\/(?:[^\0]*\/)?)[^/\0]+$/.exec(arn)?.[1];
}

/** The name of a secret, with a NUL for each part that is not known; `undefined` if CloudFormation generates it. */
function nameOf(secret: secretsmanager.ISecret): string | undefined {
  const stack = Stack.of(secret);
  const resource = resourceIn(secret, secretsmanager.CfnSecret.CFN_RESOURCE_TYPE_NAME);
  if (resource !== undefined) {
    const name: unknown = stack.resolve((resource as secretsmanager.CfnSecret).name);
    return name === undefined ? undefined : literalText(name);
  }
  return /:secret:(.*)$/s.exec(literalText(stack.resolve(arnOf(secret))))?.[1] ?? '\0';
}
