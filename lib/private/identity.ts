import { DefaultTokenResolver, type IResolvable, type IResolveContext, type IPostProcessor } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { type IConstruct } from 'constructs';
import { CfnResource, Reference, Stack, Token, Tokenization } from './cdk';
import { type Identity } from './logical-id';

/*
 * Logical ids derive from what a resource is, not from its construct's path. Renaming or moving a construct therefore
 * changes nothing in CloudFormation, while another user, device or provider is a new resource and the removal of the old
 * one: CloudFormation creates the new one first, and removes the old one before the policy that it still needs.
 */

/** Path and name of a device. */
export interface DeviceName {
  readonly path: string;
  readonly virtualMfaDeviceName: string;
}

/** An enrollment is a user and a device, served by a provider. */
export function enrollmentIdentity(user: iam.IUser, device: (stack: Stack) => unknown, serviceToken: string) {
  return (stack: Stack): Identity => {
    const names = [userKey(stack, user), device(stack)] as const;
    return { key: { user: names[0], device: names[1], provider: keyOf(stack, serviceToken) }, names };
  };
}

/** A device is a path and a name, served by a provider. */
export function deviceIdentity(name: DeviceName, serviceToken: string) {
  return (stack: Stack): Identity => ({
    key: { device: deviceNameKey(stack, name), provider: keyOf(stack, serviceToken) },
    names: [literalText(deviceNameKey(stack, name))],
  });
}

/** A seed is that of a device, whichever provider serves it. */
export function seedIdentity(name: DeviceName) {
  return (stack: Stack): Identity => ({
    key: { seed: deviceNameKey(stack, name) },
    names: [literalText(deviceNameKey(stack, name))],
  });
}

/**
 * Path and name of a device. The stack's region counts as one name, known or not, so that a stack whose region becomes
 * known keeps its devices.
 */
export function deviceNameKey(stack: Stack, { path, virtualMfaDeviceName }: DeviceName): unknown {
  return withOneRegion(stack, keyOf(stack, path + virtualMfaDeviceName));
}

/** Path and name of a device as far as its ARN tells them; two ways to write one ARN are one device. */
export function serialNumberKey(stack: Stack, serialNumber: string): unknown {
  return withOneRegion(stack, nameInArn(stack, serialNumber) ?? keyOf(stack, serialNumber));
}

/** Path and name in the ARN of a device; `undefined` if only a deployment knows where they begin. */
export function nameInArn(stack: Stack, serialNumber: string): unknown {
  const parts = partsOf(keyOf(stack, serialNumber));
  const start = /:mfa(?=\/|$)/;
  const index = parts.findIndex((part) => typeof part === 'string' && start.test(part));
  if (index === -1) {
    return undefined;
  }
  const [first, ...following] = parts.slice(index) as [string, ...unknown[]];
  return joined([first.slice(first.search(start) + ':mfa'.length), ...following]);
}

/** A name with the stack's region as a reference, wherever the name contains it. */
function withOneRegion(stack: Stack, key: unknown): unknown {
  const region = literal(stack.region);
  return region === undefined
    ? key
    : joined(partsOf(key).flatMap((part) => (typeof part === 'string' ? replaced(part, region) : [part])));
}

function replaced(text: string, region: string): unknown[] {
  return text.split(region).flatMap((part, index) => (index === 0 ? [part] : [{ Ref: 'AWS::Region' }, part]));
}

/**
 * The user's name if it is known. A user of the app resolves to the same `Ref` before and after its declared name
 * changes, although CloudFormation replaces the user: then the declared name tells the two apart.
 */
export function userKey(stack: Stack, user: iam.IUser): unknown {
  const declared = keyOf(stack, userResourceOf(user)?.userName);
  const reference = keyOf(stack, user.userName);
  if (declared === undefined) {
    return reference;
  }
  return typeof declared === 'string' ? declared : { reference, declared };
}

/** The resource of a user that the app declares; `undefined` for an imported one. */
export function userResourceOf(user: iam.IUser): iam.CfnUser | undefined {
  return resourceIn(user, iam.CfnUser.CFN_RESOURCE_TYPE_NAME) as iam.CfnUser | undefined;
}

/** The CloudFormation resource behind a construct, if it is of this type. */
export function resourceIn(construct: IConstruct, type: string): CfnResource | undefined {
  const child = construct.node.defaultChild;
  // Not by instanceof, which fails across two copies of aws-cdk-lib.
  return child !== undefined && CfnResource.isCfnResource(child) && child.cfnResourceType === type ? child : undefined;
}

/**
 * A value as the stack that owns it resolves it: how a reference crosses stacks (strong, weak, both) then makes no
 * difference. A reference to another stack also names that stack.
 */
export function keyOf(stack: Stack, value: string | undefined): unknown {
  return Token.isUnresolved(value)
    ? joined(
        partsOf(Tokenization.resolve(value, { scope: stack, resolver: new OwnerResolver(stack), preparing: false })),
      )
    : value;
}

class OwnerResolver extends DefaultTokenResolver {
  constructor(private readonly stack: Stack) {
    super({ join: (left: unknown, right: unknown) => joined([...partsOf(left), ...partsOf(right)]) });
  }

  public override resolveToken(token: IResolvable, context: IResolveContext, postProcessor: IPostProcessor): unknown {
    const reference = referenceIn(token);
    if (reference === undefined) {
      return super.resolveToken(token, context, postProcessor) as unknown;
    }
    const owner = Stack.of(reference.target);
    const resolved: unknown = owner.resolve(reference);
    return owner === this.stack || isEnvironment(resolved) ? resolved : { stack: identityOf(owner), value: resolved };
  }
}

/** The reference that a token is, or that `Stack.consumeReference` of newer aws-cdk-lib versions has wrapped. */
function referenceIn(token: IResolvable & { readonly reference?: unknown }): Reference | undefined {
  return [token, token.reference].find((each): each is Reference => Reference.isReference(each));
}

/** The parts of a resolved string, however it is put together: text, and what only a deployment knows. */
function partsOf(value: unknown): unknown[] {
  const { 'Fn::Join': join, 'Fn::Sub': sub } = Object(value) as { 'Fn::Join'?: [string, unknown]; 'Fn::Sub'?: unknown };
  if (Array.isArray(join?.[1])) {
    const [delimiter, values] = join as [string, unknown[]];
    return values.flatMap((each, index) => [...(index === 0 ? [] : [delimiter]), ...partsOf(each)]);
  }
  const [template, variables] = (Array.isArray(sub) ? sub : [sub, {}]) as [unknown, Record<string, unknown>];
  return typeof template === 'string' ? partsOfTemplate(template, variables) : [value];
}

function partsOfTemplate(template: string, variables: Record<string, unknown>): unknown[] {
  // Every second part is what stands between `${` and `}`.
  return template.split(/\$\{([^}]*)\}/).flatMap((part, index) => {
    if (index % 2 === 0) {
      return [part];
    }
    if (part.startsWith('!')) {
      return [`\${${part.slice(1)}}`];
    }
    const [logicalId = '', ...attribute] = part.split('.');
    return Object.hasOwn(variables, part)
      ? partsOf(variables[part])
      : [attribute.length === 0 ? { Ref: part } : { 'Fn::GetAtt': [logicalId, attribute.join('.')] }];
  });
}

/** The one way to write a string of these parts. */
function joined(parts: readonly unknown[]): unknown {
  const merged: unknown[] = [];
  for (const part of parts) {
    const last = merged.at(-1);
    if (typeof part === 'string' && typeof last === 'string') {
      merged.splice(-1, 1, last + part);
    } else if (part !== '') {
      merged.push(part);
    }
  }
  if (merged.length === 0) {
    return '';
  }
  return merged.length === 1 ? merged[0] : { 'Fn::Join': ['', merged] };
}

/** Account, partition and region are the same wherever they are referred to. */
function isEnvironment(resolved: unknown): boolean {
  const { Ref: name } = Object(resolved) as { Ref?: unknown };
  return typeof name === 'string' && /^AWS::(Partition|AccountId|Region|URLSuffix)$/.test(name);
}

/** The name of the outermost stack, and the ids of the nested ones. */
function identityOf(stack: Stack): string[] {
  const parent = stack.nestedStackParent;
  return parent === undefined ? [stack.stackName] : [...identityOf(parent), ...idsBelow(parent, stack)];
}

/** The outermost stack around a construct. A nested stack's own name is known only to a deployment. */
export function outermostStackOf(construct: IConstruct): Stack {
  const stack = Stack.of(construct);
  return stack.nestedStackParent === undefined ? stack : outermostStackOf(stack.nestedStackParent);
}

/** The ids of the constructs from below `ancestor` down to `construct`. */
export function idsBelow(ancestor: IConstruct, construct: IConstruct): string[] {
  const { scopes } = construct.node;
  return scopes.slice(scopes.indexOf(ancestor) + 1).map(({ node }) => node.id);
}

/**
 * The text of a resolved string, with a NUL for each part that only a deployment knows.
 *
 * @param known the text of references that count as known
 */
export function literalText(value: unknown, known: Readonly<Record<string, string>> = {}): string {
  const textOf = (part: unknown) =>
    typeof part === 'string' ? part : known[(part as { Ref?: string } | undefined)?.Ref ?? ''];
  return partsOf(value)
    .map((part) => textOf(part) ?? '\0')
    .join('');
}

/** A value as far as it is known when the construct is created. Tokens are never inspected. */
export function literal(value: string | undefined): string | undefined {
  return value === undefined || Token.isUnresolved(value) ? undefined : value;
}
