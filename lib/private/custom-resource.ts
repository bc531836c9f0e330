import { type Construct } from 'constructs';
import { SERVICE_TIMEOUT } from '../contract';
import { CfnResource, Lazy, RemovalPolicy, Stack } from './cdk';
import { type AcknowledgedWildcard } from './acknowledged-findings';
import { type InlinePolicy } from './declarations';
import { type Identity, deriveLogicalIds } from './logical-id';
import { type PathScope } from './path-scope';
import { ALL_DEVICES, allDevices, claimStatements, type Statement } from './policies';
import { isKept, removalOf } from './removal';

/** What a provider does for the enrollments and devices that use it. */
export interface Service {
  readonly serviceToken: string;
  /** Writing claims of resources in this stack is granted to all of them together; another stack's brings its own grant. */
  readonly stack: Stack;
  /** The path scope, whose one policy replaces those of enrollments and devices. */
  readonly pathScope?: PathScope;
  /** The default of `recheck` of its enrollments and devices. */
  readonly recheck?: number;
  /**
   * What every custom resource depends on: the role's policies and the retry settings, which are a resource of their
   * own. A request that came earlier could be denied, or be delivered twice.
   */
  readonly inForce: readonly CfnResource[];
  /** Puts a policy on the function's role. */
  addPolicy(
    scope: Construct,
    statements: readonly Statement[],
    wildcards: readonly AcknowledgedWildcard[],
  ): InlinePolicy;
}

/** A custom resource of this library, and what it needs. */
export interface CustomResourceProps {
  readonly type: string;
  /** What the logical ids of resource and policy begin with. */
  readonly prefix: string;
  readonly identity: (stack: Stack) => Identity;
  readonly service: Service;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly statements: readonly Statement[];
  readonly wildcards: AcknowledgedWildcard[];
  readonly removalPolicy?: RemovalPolicy;
}

/**
 * Declares the custom resource of a construct and the policy that it needs, unless a path scope grants it. CloudFormation
 * deletes the custom resource before what it depends on: the policy is in force until cleanup has used it.
 */
export function customResource(
  construct: Construct,
  { type, prefix, identity, service, properties, statements, wildcards, removalPolicy }: CustomResourceProps,
): CfnResource {
  const policy = service.pathScope === undefined ? policyOf(construct, service, statements, wildcards) : undefined;
  const resource = new CfnResource(construct, 'Resource', {
    type,
    properties: { ServiceToken: service.serviceToken, ServiceTimeout: SERVICE_TIMEOUT, ...properties },
  });
  deriveLogicalIds(construct, identity, { [prefix]: resource, [`${prefix}Policy`]: policy?.resource });
  // Written out even if it is CloudFormation's default: MissingRemovalPolicies then leaves it alone.
  resource.applyRemovalPolicy(removalOf(removalPolicy));
  addDependencies(resource, [...service.inForce, ...(policy?.isInTemplate === true ? [policy.resource] : [])]);
  if (policy !== undefined) {
    construct.node.addValidation({
      validate: () => {
        if (isKept(policy.resource)) {
          // An aspect that retains everything would keep the policy on the role, which CloudFormation then can't delete.
          policy.resource.applyRemovalPolicy(RemovalPolicy.DESTROY);
        }
        return [];
      },
    });
  }
  return resource;
}

function policyOf(
  construct: Construct,
  service: Service,
  statements: readonly Statement[],
  wildcards: readonly AcknowledgedWildcard[],
): InlinePolicy {
  const stack = Stack.of(construct);
  return stack === service.stack
    ? service.addPolicy(construct, statements, wildcards)
    : service.addPolicy(
        construct,
        [...statements, ...claimStatements(stack, allDevices(stack))],
        [...wildcards, ALL_DEVICES],
      );
}

/**
 * Writes `DependsOn` in the order of logical ids: aws-cdk-lib orders it by construct paths, which would change the
 * template if a construct moved. Dependencies that the app adds are included.
 */
function addDependencies(resource: CfnResource, dependencies: readonly CfnResource[]): void {
  const { stack } = resource;
  const isInStack = (dependency: CfnResource) => dependency.stack === stack;
  // A resource of another stack makes the stacks depend on each other, not the resources.
  dependencies.filter((each) => !isInStack(each)).forEach((each) => resource.addDependency(each));
  const own = dependencies.filter(isInStack);
  const logicalIds = () => {
    const added = resource.obtainDependencies().filter((each) => CfnResource.isCfnResource(each));
    const all = new Set([...own, ...added.filter(isInStack)]);
    return [...all].map(({ logicalId }) => String(stack.resolve(logicalId))).sort();
  };
  resource.addOverride(
    'DependsOn',
    Lazy.uncachedAny({ produce: ({ preparing }) => (preparing ? [] : logicalIds()) }, { omitEmptyArray: true }),
  );
}
