import { DEVICE_CLAIM_PREFIX, DEVICE_RESOURCE_TYPE, type DeviceProperties, tagKey } from '../../lib/contract';
import { STACKS } from './declaration';
import { abandonedDevices, type EndedOperation, uuidOf } from './invariants';
import type { Operation, World } from './world';

/**
 * After a deployment that ended COMPLETE, every device that received an event in it exists, and its secret holds its
 * seed.
 */
export function checkStored({ world, operation, after, stack }: EndedOperation): void {
  const logicalIds = stack.resources.map(({ logicalId }) => logicalId);
  for (const { event } of operation.invocations) {
    if (
      event.ResourceType !== DEVICE_RESOURCE_TYPE ||
      event.RequestType === 'Delete' ||
      !logicalIds.includes(event.LogicalResourceId)
    ) {
      continue;
    }
    const { SerialNumber, SeedSecretArn, Tags = [] } = event.ResourceProperties as unknown as DeviceProperties;
    const name = `${event.LogicalResourceId} (${SerialNumber})`;
    const device = after.devices[SerialNumber];
    if (device === undefined) {
      world.violated('stored', `${name}: the device does not exist`, SerialNumber);
    } else if (!world.holdsSeed(SeedSecretArn, undefined, SerialNumber)) {
      world.violated('stored', `${name}: the secret does not hold its seed`);
    } else if (device.tags[tagKey(DEVICE_CLAIM_PREFIX, uuidOf(stack.stackId), event.LogicalResourceId)] === undefined) {
      world.violated('stored', `${name}: its claim is missing`, SerialNumber);
    } else if (Tags.some(({ Key, Value }) => device.tags[Key] !== Value)) {
      world.violated('stored', `${name}: a declared tag is missing`);
    }
  }
}

/** Every device that the library created belongs to a resource of an existing stack. */
export function checkOrphans({ world, after }: EndedOperation): void {
  const claimed = STACKS.map((stack) => world.cloudFormation.describeStack(stack)).flatMap((stack) =>
    stack === undefined || stack.status === 'DELETE_COMPLETE'
      ? []
      : stack.resources.map(({ logicalId }) => tagKey(DEVICE_CLAIM_PREFIX, uuidOf(stack.stackId), logicalId)),
  );
  for (const [serialNumber, { by, tags }] of Object.entries(after.devices)) {
    const isOwned = Object.keys(tags).some((key) => claimed.includes(key));
    if (by === 'library' && !isOwned && !world.births.mayBeUnowned(serialNumber)) {
      world.violated('no orphan', `${serialNumber} belongs to no stack`, serialNumber);
    }
  }
}

/**
 * Exempts devices that a removal policy retains, or that CloudFormation abandoned in a cleanup, from the check for
 * orphans.
 */
export function allowRetainedAndAbandoned(world: World, operation: Operation): void {
  const retained = operation.events
    .filter(({ type, status }) => type === DEVICE_RESOURCE_TYPE && status === 'DELETE_SKIPPED')
    .map(({ physicalId = '' }) => physicalId.split('|')[0]!);
  [...retained, ...abandonedDevices(operation)].forEach((serialNumber) => world.births.allowUnowned(serialNumber));
}

/** Exempts the devices of a stack whose deletion can't be checked from the check for orphans. */
export function allowDevicesOf(world: World, stackId: string): void {
  for (const { serialNumber, tags } of world.iam.state().devices) {
    if (Object.keys(tags).some((key) => key.startsWith(`${DEVICE_CLAIM_PREFIX}${uuidOf(stackId)}/`))) {
      world.births.allowUnowned(serialNumber);
    }
  }
}
