import { DEVICE_CLAIM_PREFIX, DEVICE_RESOURCE_TYPE, deviceClaimKey, type DeviceProperties } from '../../lib/contract';
import { STACKS } from './declaration';
import { devicesGivenUp, type Ended, uuidOf } from './invariants';
import type { World } from './world';

/** After a deployment that ended COMPLETE, every device that got an event in it is there, and its secret holds its seed. */
export function checkStored({ world, after, stack }: Ended): void {
  const standing = stack.resources.map(({ logicalId }) => logicalId);
  for (const { event } of world.invocations) {
    if (
      event.ResourceType !== DEVICE_RESOURCE_TYPE ||
      event.RequestType === 'Delete' ||
      !standing.includes(event.LogicalResourceId)
    ) {
      continue;
    }
    const { SerialNumber, SeedSecretArn, Tags = [] } = event.ResourceProperties as unknown as DeviceProperties;
    const name = `${event.LogicalResourceId} (${SerialNumber})`;
    const device = after.devices[SerialNumber];
    if (device === undefined) {
      world.violated('stored', `${name}: there is no such device`);
    } else if (!world.holdsSeed(SeedSecretArn, undefined, SerialNumber)) {
      world.violated('stored', `${name}: the secret does not hold its seed`);
    } else if (device.tags[deviceClaimKey(uuidOf(stack.stackId), event.LogicalResourceId)] === undefined) {
      world.violated('stored', `${name}: no claim stands`);
    } else if (Tags.some(({ Key, Value }) => device.tags[Key] !== Value)) {
      world.violated('stored', `${name}: a declared tag is missing`);
    }
  }
}

/** No device that this library made exists without a stack that has it. */
export function checkOrphans({ world, after }: Ended): void {
  const claimed = STACKS.map((stack) => world.cloudFormation.describeStack(stack)).flatMap((stack) =>
    stack === undefined || stack.status === 'DELETE_COMPLETE'
      ? []
      : stack.resources.map(({ logicalId }) => deviceClaimKey(uuidOf(stack.stackId), logicalId)),
  );
  for (const [serialNumber, { by, tags }] of Object.entries(after.devices)) {
    const isOwned = Object.keys(tags).some((key) => claimed.includes(key));
    if (by === 'library' && !isOwned && !world.births.isExcused(serialNumber)) {
      world.violated('no orphan', `no stack has ${serialNumber}`);
    }
  }
}

/** Nobody needs to own up to a device that a removal policy keeps, or that a clean-up gave up. */
export function excuseWhatIsLeft(world: World): void {
  const kept = world.events
    .filter(({ type, status }) => type === DEVICE_RESOURCE_TYPE && status === 'DELETE_SKIPPED')
    .map(({ physicalId = '' }) => physicalId);
  [...kept, ...devicesGivenUp(world)].forEach((serialNumber) => world.births.excuse(serialNumber));
}

/** Nor to those of a stack that can't be judged. */
export function excuseDevicesOf(world: World, stackId: string): void {
  for (const { serialNumber, tags } of world.iam.state().devices) {
    if (Object.keys(tags).some((key) => key.startsWith(`${DEVICE_CLAIM_PREFIX}${uuidOf(stackId)}/`))) {
      world.births.excuse(serialNumber);
    }
  }
}
