import { CfnResource, RemovalPolicy } from 'aws-cdk-lib';

/** Both ways to retain clean up a create that rolls back: what never worked is nothing to keep. */
export function removalOf(removalPolicy?: RemovalPolicy): RemovalPolicy {
  return isRetained(removalPolicy) ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY;
}

export function isRetained(removalPolicy?: RemovalPolicy): boolean {
  return removalPolicy === RemovalPolicy.RETAIN || removalPolicy === RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE;
}

/** To be deleted is CloudFormation's default, and stands nowhere. */
export function applyRemoval(resource: CfnResource, removalPolicy?: RemovalPolicy): void {
  if (isRetained(removalPolicy)) {
    resource.applyRemovalPolicy(removalOf(removalPolicy));
  }
}
