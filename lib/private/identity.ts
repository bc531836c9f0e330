import { Aws } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { CfnResource, type Stack, Token } from './cdk';
import { type Identity } from './logical-id';

/*
 * Logical ids are derived from what a resource is, for life, and not from where its construct stands: a construct
 * renamed or moved changes nothing in CloudFormation, while another user, device or provider is a new resource plus a
 * removal. CloudFormation then makes the new one before it removes the old one, and removes the old one before the
 * policy that it needs for that.
 */

/** What an enrollment is: a user and a device, served by a provider. */
export interface EnrollmentIdentity {
  readonly user: iam.IUser;
  readonly serialNumber: string;
  readonly serviceToken: string;
}

export function enrollmentIdentity({ user, serialNumber, serviceToken }: EnrollmentIdentity) {
  return (stack: Stack): Identity => {
    const names = [userKey(stack, user), deviceKey(stack, serialNumber)] as const;
    return { key: { user: names[0], device: names[1], provider: resolved(stack, serviceToken) }, names };
  };
}

/** Which device a `VirtualMfaDevice` is: its path and its name. */
export interface DeviceName {
  readonly path: string;
  readonly virtualMfaDeviceName: string;
}

/** What a device is: a path and a name, served by a provider. */
export function deviceIdentity(name: DeviceName, serviceToken: string) {
  return (stack: Stack): Identity => ({
    key: { device: deviceNameKey(stack, name), provider: resolved(stack, serviceToken) },
    names: [literalText(deviceNameKey(stack, name))],
  });
}

/** What the seed's secret is: that of a device, whichever provider serves it. */
export function seedIdentity(name: DeviceName) {
  return (stack: Stack): Identity => ({
    key: { seed: deviceNameKey(stack, name) },
    names: [literalText(deviceNameKey(stack, name))],
  });
}

/**
 * Path and name of a device. The stack's region counts as one name, spelled out or not: a stack whose region becomes
 * known, and a default name that is spelled out to hold it, keep the device.
 */
export function deviceNameKey(stack: Stack, { path, virtualMfaDeviceName }: DeviceName): unknown {
  const name = path + virtualMfaDeviceName;
  return resolved(stack, Token.isUnresolved(stack.region) ? name : name.replaceAll(stack.region, Aws.REGION));
}

/**
 * The user's name where it is known. A user of the app resolves to the same `Ref` before and after a change of its
 * declared name, though CloudFormation replaces the user: there, the declared name is what tells them apart.
 */
function userKey(stack: Stack, user: iam.IUser): unknown {
  const declared = resolved(stack, resourceOf(user)?.userName);
  const reference = resolved(stack, user.userName);
  if (declared === undefined) {
    return reference;
  }
  return typeof declared === 'string' ? declared : { reference, declared };
}

/** The resource of a user that the app declares; `undefined` of an imported one. */
export function resourceOf(user: iam.IUser): iam.CfnUser | undefined {
  const child = user.node.defaultChild;
  // Not by instanceof, which fails across two copies of aws-cdk-lib.
  return child !== undefined &&
    CfnResource.isCfnResource(child) &&
    child.cfnResourceType === iam.CfnUser.CFN_RESOURCE_TYPE_NAME
    ? (child as iam.CfnUser)
    : undefined;
}

/**
 * The device's path and name where they are known, however the rest of its ARN is spelled; two spellings of one device
 * are one device.
 */
export function deviceKey(stack: Stack, serialNumber: string): unknown {
  const arn = resolved(stack, serialNumber);
  return /:mfa\/([^\0]+)$/.exec(literalText(arn))?.[1] ?? arn;
}

/** As `stack.resolve`, which takes its time even where there is nothing to resolve, as in a fleet of literal names. */
function resolved(stack: Stack, value: string | undefined): unknown {
  return Token.isUnresolved(value) ? stack.resolve(value) : value;
}

/** The text of a resolved string, a NUL standing for each part that only a deployment will know. */
export function literalText(value: unknown): string {
  if (typeof value === 'string') {
    return value;
  }
  const { 'Fn::Join': join, 'Fn::Sub': sub } = (value ?? {}) as {
    'Fn::Join'?: [string, unknown];
    'Fn::Sub'?: unknown;
  };
  if (Array.isArray(join?.[1])) {
    return join[1].map(literalText).join(join[0]);
  }
  const template: unknown = Array.isArray(sub) ? sub[0] : sub;
  return typeof template === 'string' ? template.replace(/\$\{[^}]*\}/g, '\0') : '\0';
}
