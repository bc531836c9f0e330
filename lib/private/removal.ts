import * as kms from 'aws-cdk-lib/aws-kms';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { CfnDeletionPolicy, RemovalPolicy, type CfnResource } from './cdk';
import { resourceIn } from './identity';
import { targetOf } from './seed-secret';

export function isRetained(removalPolicy?: RemovalPolicy): boolean {
  return removalPolicy === RemovalPolicy.RETAIN || removalPolicy === RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE;
}

/** Both ways to retain remove a create that rolls back: what never worked is not worth keeping. */
export function removalOf(removalPolicy?: RemovalPolicy): RemovalPolicy {
  return isRetained(removalPolicy) ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY;
}

/** Whether CloudFormation keeps a resource that leaves the template, as its policies ended up. */
export function isKept({ cfnOptions }: CfnResource): boolean {
  return (
    cfnOptions.deletionPolicy === CfnDeletionPolicy.RETAIN ||
    cfnOptions.deletionPolicy === CfnDeletionPolicy.RETAIN_EXCEPT_ON_CREATE
  );
}

/** A resource that a retained enrollment needs and that CloudFormation deletes. */
export interface Lost {
  readonly resource: CfnResource;
  readonly what: string;
}

/** The secret as a resource, if the app declares it. */
export function secretIn(seedSecret: secretsmanager.ISecret): CfnResource | undefined {
  return resourceIn(seedSecret, secretsmanager.CfnSecret.CFN_RESOURCE_TYPE_NAME);
}

/** What of a device's seed CloudFormation deletes, as far as the app declares it: the secret and its policy. */
export function lostWithSeed(seedSecret: secretsmanager.ISecret): Lost[] {
  const secret = secretIn(seedSecret);
  const policyConstruct = seedSecret.node.tryFindChild('Policy');
  const policy =
    policyConstruct && resourceIn(policyConstruct, secretsmanager.CfnResourcePolicy.CFN_RESOURCE_TYPE_NAME);
  return [
    ...(secret === undefined ? [] : [{ resource: secret, what: 'secret' }]),
    ...(policy === undefined ? [] : [{ resource: policy, what: "secret's policy" }]),
  ].filter(({ resource }) => !isKept(resource));
}

/** The key of a secret, or the one behind its alias, if the app declares and deletes it. */
export function lostKey({ encryptionKey }: secretsmanager.ISecret): CfnResource | undefined {
  const key = encryptionKey && resourceIn(targetOf(encryptionKey) ?? encryptionKey, kms.CfnKey.CFN_RESOURCE_TYPE_NAME);
  return key === undefined || isKept(key) ? undefined : key;
}
