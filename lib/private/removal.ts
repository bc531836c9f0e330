import { type IConstruct } from 'constructs';
import { type CfnResource, RemovalPolicy } from './cdk';

/** Both ways to retain clean up a create that rolls back: what never worked is nothing to keep. */
export function removalOf(removalPolicy?: RemovalPolicy): RemovalPolicy {
  return isRetained(removalPolicy) ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY;
}

/** Of each app, the serial numbers of the devices that it deletes with their declarations; they are tokens. */
const deletedDevices = new WeakMap<IConstruct, Set<string>>();

export function noteRemovalOfDevice({ node }: IConstruct, serialNumber: string, removalPolicy?: RemovalPolicy): void {
  if (!isRetained(removalPolicy)) {
    deletedDevices.set(node.root, (deletedDevices.get(node.root) ?? new Set()).add(serialNumber));
  }
}

/** Whether the app declares this device, and deletes it with its declaration and with the secret that holds its seed. */
export function isDeletedDevice({ node }: IConstruct, serialNumber: string): boolean {
  return deletedDevices.get(node.root)?.has(serialNumber) === true;
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
