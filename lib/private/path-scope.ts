import { Annotations, ArnFormat } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { type Construct } from 'constructs';
import { Stack } from './cdk';
import { problemOfPath } from './device-name';
import { type ExplainedWildcard } from './acknowledged-findings';
import { deviceKey, literalText, resourceOf } from './identity';
import { type Identity } from './logical-id';
import type { MfaEnrollmentProviderScope } from '../mfa-enrollment-provider';
import { literal, problemOfKey, refuse } from './prop-checks';
import { arnOf, isAwsManaged, keyStatements, wildcardsOfKey } from './seed-secret';
import { allow, type Statement } from './statement';

/**
 * What a `VirtualMfaDevice` calls the secret that it makes: `mfa<path><name>`, and so different for different devices.
 * The characters that a device's name may have, and a secret's not, are spelled `=2C` and `=3A`.
 */
export function seedSecretName(path: string, virtualMfaDeviceName: string): string {
  return `mfa${path}${virtualMfaDeviceName}`.replace(
    /[=,:]/g,
    (character) => `=${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** The scope of one provider: what it grants, and what is outside of it. */
export class ProviderScope {
  private readonly userPath: string;
  private readonly devicePath: string;
  private readonly seedSecretPrefix: string;
  private readonly encryptionKeys: readonly kms.IKey[];

  constructor(
    private readonly provider: Construct,
    { userPath, devicePath, seedSecretPrefix, encryptionKeys = [] }: MfaEnrollmentProviderScope,
  ) {
    this.userPath = userPath;
    this.devicePath = devicePath;
    this.seedSecretPrefix = seedSecretPrefix ?? seedSecretName(devicePath, '');
    this.encryptionKeys = encryptionKeys;
    refuse('scope.userPath', problemOfPath(userPath));
    refuse('scope.devicePath', problemOfPath(devicePath));
    refuse('scope.seedSecretPrefix', problemOfPrefix(this.seedSecretPrefix));
    encryptionKeys.forEach((key) => refuse('scope.encryptionKeys', problemOfKey(key)));
    const warn = (id: string, words: string) =>
      Annotations.of(provider).addWarningV2(`cdk-mfa-enrollment:${id}`, words);
    if (userPath === '/') {
      warn(
        'scopeOfAllUsers',
        "the scope's 'userPath' is '/': the function may switch the MFA of every user of the account on and off, administrators included; give the users of this provider a path of their own",
      );
    }
    if (devicePath === '/') {
      warn(
        'scopeOfAllDevices',
        "the scope's 'devicePath' is '/': the function may tag every virtual MFA device of the account, and delete those that are enabled for nobody; give the devices of this provider a path of their own",
      );
    }
  }

  /** One policy of constant size, however many enrollments and devices there are. */
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
        ['secretsmanager:DescribeSecret', 'secretsmanager:GetSecretValue', 'secretsmanager:PutSecretValue'],
        arn('secretsmanager', stack.region, `secret:${this.seedSecretPrefix}*`),
      ),
      ...this.encryptionKeys.flatMap((key) => keyStatements(stack, stack, key, ['kms:Decrypt', 'kms:GenerateDataKey'])),
    ];
  }

  /** The wildcards of these statements. */
  public wildcards(): ExplainedWildcard[] {
    const reason = "The scope that the app gives to this provider, by 'scope'.";
    return [
      ...[`user${this.userPath}*`, `mfa${this.devicePath}*`, `secret:${this.seedSecretPrefix}*`].map((resource) => ({
        resource,
        reason,
      })),
      ...this.encryptionKeys.flatMap(wildcardsOfKey),
    ];
  }

  /** Another scope is another policy: the old one stands until clean-up has used it. */
  public identity(serviceToken: string) {
    return (stack: Stack): Identity => ({
      key: {
        scope: [this.userPath, this.devicePath, this.seedSecretPrefix],
        keys: this.encryptionKeys.map((key) => stack.resolve(key.keyArn) as unknown),
        provider: stack.resolve(serviceToken) as unknown,
      },
      names: [this.userPath, this.devicePath],
    });
  }

  /** Says in words that a user is known to be outside. */
  public problemOfUser(user: iam.IUser): string | undefined {
    const path = pathOf(user);
    return path === undefined || path.startsWith(this.userPath)
      ? undefined
      : `'${user.node.path}' has the path '${path}', ${this.outside('user', `below '${this.userPath}'`)}`;
  }

  /** Says in words that a device is known to be outside. */
  public problemOfDevice(stack: Stack, serialNumber: string): string | undefined {
    const key = deviceKey(stack, serialNumber);
    return typeof key === 'string' ? this.problemOfDevicePath(`/${key}`) : undefined;
  }

  /** The same of a path, with or without a name behind it. */
  public problemOfDevicePath(path: string): string | undefined {
    return literal(path) === undefined || path.startsWith(this.devicePath)
      ? undefined
      : `device '${path}' is ${this.outside('device', `below '${this.devicePath}'`)}`;
  }

  /** Says in words that a secret, or its key, is known to be outside. */
  public problemOfSecret(secret: secretsmanager.ISecret): string | undefined {
    const stack = Stack.of(this.provider);
    const { account, region } = secret.env;
    for (const [theirs, ours] of [
      [account, stack.account],
      [region, stack.region],
    ] as const) {
      if (literal(theirs) !== undefined && literal(ours) !== undefined && theirs !== ours) {
        return `'${secret.node.path}' is in ${theirs}, ${this.outside('secret', `of ${ours}`)}`;
      }
    }
    const name = nameOf(secret);
    if (name === undefined) {
      return `'${secret.node.path}' has no 'secretName', so that CloudFormation names it, ${this.outside('secret', `whose name begins with '${this.seedSecretPrefix}'`)}`;
    }
    // Of a name that only a deployment knows whole, the beginning may be known.
    const [known = ''] = name.split('\0');
    const isKnown = name === known || known.length >= this.seedSecretPrefix.length;
    if (isKnown && !known.startsWith(this.seedSecretPrefix)) {
      return `'${secret.node.path}' is called '${known}', ${this.outside('secret', `whose name begins with '${this.seedSecretPrefix}'`)}`;
    }
    return this.covers(secret.encryptionKey)
      ? undefined
      : `'${secret.node.path}' is encrypted with key '${secret.encryptionKey!.node.path}', which is not among the 'encryptionKeys' of the scope of '${this.provider.node.path}'`;
  }

  private covers(key: kms.IKey | undefined): boolean {
    const textOf = (each: kms.IKey) => JSON.stringify(Stack.of(this.provider).resolve(each.keyArn));
    return (
      key === undefined ||
      isAwsManaged(key) ||
      this.encryptionKeys.some((each) => each === key || textOf(each) === textOf(key))
    );
  }

  private outside(what: string, wanted: string): string {
    return `outside of the scope of '${this.provider.node.path}': a ${what} ${wanted} is expected`;
  }
}

function problemOfPrefix(prefix: string): string | undefined {
  return literal(prefix) === undefined || /^[\w/+=.@-]+$/.test(prefix)
    ? undefined
    : `'${prefix}' is no beginning of a secret's name: letters, digits and characters of /_+=.@- are expected, at least one`;
}

/** The path of a user, as far as it is known. */
function pathOf(user: iam.IUser): string | undefined {
  const declared = resourceOf(user);
  if (declared !== undefined) {
    return literal(declared.path ?? '/');
  }
  const arn = literalText(Stack.of(user).resolve(user.userArn));
  return /:user(\/(?:[^\0]*\/)?)[^/\0]+$/.exec(arn)?.[1];
}

/** The name of a secret, a NUL for each part that is not known; `undefined` where CloudFormation makes one up. */
function nameOf(secret: secretsmanager.ISecret): string | undefined {
  const stack = Stack.of(secret);
  const child = secret.node.defaultChild as secretsmanager.CfnSecret | undefined;
  if (child?.cfnResourceType === secretsmanager.CfnSecret.CFN_RESOURCE_TYPE_NAME) {
    const name: unknown = stack.resolve(child.name);
    return name === undefined ? undefined : literalText(name);
  }
  return /:secret:(.*)$/s.exec(literalText(stack.resolve(arnOf(secret))))?.[1] ?? '\0';
}
