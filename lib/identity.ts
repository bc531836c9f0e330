import { createHash } from 'node:crypto';
import { CfnElement, CfnResource, Lazy, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { LOGICAL_ID_LENGTH } from './contract';

/**
 * Logical ids are derived from what an enrollment is, a user and a device for life, and not from where its construct
 * stands: a construct renamed or moved changes nothing in CloudFormation, while another user, device or provider is a
 * new resource plus a removal. CloudFormation then enables the new one before it removes the old one, and removes the
 * old one before the policy that it needs for that.
 */
export interface Identity {
  readonly user: iam.IUser;
  readonly serialNumber: string;
  readonly serviceToken: string;
}

const HASH_LENGTH = 8;

/**
 * Gives `element` the logical id `<prefix><readable part><8 hex>`. It is worked out at synthesis only: until then a
 * user of the construct may still override logical ids of the resources that the identity refers to.
 */
export function deriveLogicalId(element: CfnElement, prefix: string, identity: Identity): void {
  element.overrideLogicalId(Lazy.uncachedString({ produce: () => logicalIdOf(element.stack, prefix, identity) }));
}

function logicalIdOf(stack: Stack, prefix: string, identity: Identity): string {
  const user = userKey(stack, identity.user);
  const device = deviceKey(stack, identity.serialNumber);
  const provider: unknown = stack.resolve(identity.serviceToken);
  const hash = createHash('sha256').update(JSON.stringify({ user, device, provider })).digest('hex');
  const names = [...new Set([readable(user), readable(device)])].join('');
  return (
    prefix + names.slice(0, LOGICAL_ID_LENGTH - prefix.length - HASH_LENGTH) + hash.slice(0, HASH_LENGTH).toUpperCase()
  );
}

/**
 * The user's name where it is known. A user of the app resolves to the same `Ref` before and after a change of its
 * declared name, though CloudFormation replaces the user: there, the declared name is what tells them apart.
 */
function userKey(stack: Stack, user: iam.IUser): unknown {
  const declared: unknown = stack.resolve(resourceOf(user)?.userName);
  const reference: unknown = stack.resolve(user.userName);
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
  const resolved: unknown = stack.resolve(serialNumber);
  return /:mfa\/([^\0]+)$/.exec(literalText(resolved))?.[1] ?? resolved;
}

/** The text of a resolved string, a NUL standing for each part that only a deployment will know. */
function literalText(resolved: unknown): string {
  if (typeof resolved === 'string') {
    return resolved;
  }
  const { 'Fn::Join': join, 'Fn::Sub': sub } = (resolved ?? {}) as {
    'Fn::Join'?: [string, unknown];
    'Fn::Sub'?: unknown;
  };
  if (Array.isArray(join?.[1])) {
    return join[1].map(literalText).join(join[0]);
  }
  const template: unknown = Array.isArray(sub) ? sub[0] : sub;
  return typeof template === 'string' ? template.replace(/\$\{[^}]*\}/g, '\0') : '\0';
}

function readable(key: unknown): string {
  const { Ref: reference } = (key ?? {}) as { Ref?: unknown };
  const name = typeof key === 'string' ? key : typeof reference === 'string' ? reference : '';
  return name.replace(/[^A-Za-z0-9]+/g, '').replace(/^./, (first) => first.toUpperCase());
}
