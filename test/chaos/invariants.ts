import {
  DEVICE_CLAIM_PREFIX,
  DEVICE_RESOURCE_TYPE,
  deviceClaimKey,
  type DeviceProperties,
  ENROLLMENT_CLAIM_PREFIX,
  ENROLLMENT_RESOURCE_TYPE,
  enrollmentClaimKey,
  type EnrollmentProperties,
} from '../../lib/contract';
import type { StackDescription } from '../../local/cloudformation';
import { TAG_KEYS } from './made-devices';
import type { DeviceSnapshot, Snapshot } from './snapshot';
import type { World } from './world';

/** An operation that has come to its end. */
export interface Ended {
  readonly world: World;
  readonly before: Snapshot;
  readonly after: Snapshot;
  /** The stack as the operation left it; one that is deleted, as it was before. */
  readonly stack: StackDescription;
}

type Tags = DeviceSnapshot['tags'];

/** After a deployment that ended COMPLETE, every enrollment that got an event in it is in effect. */
export function checkEnrolled({ world, after, stack }: Ended): void {
  const standing = stack.resources.map(({ logicalId }) => logicalId);
  for (const { event } of world.invocations) {
    if (
      event.ResourceType !== ENROLLMENT_RESOURCE_TYPE ||
      event.RequestType === 'Delete' ||
      !standing.includes(event.LogicalResourceId)
    ) {
      continue;
    }
    const { UserName, SerialNumber, SeedSecretArn, SeedSecretField } =
      event.ResourceProperties as unknown as EnrollmentProperties;
    const name = `${event.LogicalResourceId} (${UserName}, ${SerialNumber})`;
    const device = after.devices[SerialNumber];
    if (device?.userName !== UserName) {
      world.violated('enrolled', `${name}: the device is not enabled for its user`);
    } else if (device.tags[enrollmentClaimKey(uuidOf(stack.stackId), event.LogicalResourceId)] === undefined) {
      world.violated('enrolled', `${name}: no claim stands`);
    } else if (!world.holdsSeed(SeedSecretArn, SeedSecretField, SerialNumber)) {
      world.violated('enrolled', `${name}: the secret does not hold the seed`);
    } else if (world.iam.deviceClock(SerialNumber)?.adjustment !== 0) {
      world.violated('enrolled', `${name}: the device was left with a clock adjustment`);
    }
  }
}

/** After a rollback that ended COMPLETE, users and devices are as they were before it. */
export function checkUndone({ world, before, after, stack: { stackId, resources } }: Ended): void {
  const givenUp = whatWasGivenUp(world);
  for (const user of before.users) {
    if (!after.users.includes(user)) {
      world.violated('undone', `user ${user} is gone`);
    }
  }
  for (const user of after.users) {
    if (!before.users.includes(user) && !givenUp.users.includes(user)) {
      world.violated('undone', `user ${user} was left behind`);
    }
  }
  const stayed = resources.flatMap(({ logicalId }) => claimKeysOf(stackId, logicalId));
  for (const [serialNumber, was] of Object.entries(before.devices)) {
    if (isAddedAgain(serialNumber, was) || givenUp.devices.includes(serialNumber)) {
      continue;
    }
    const is = after.devices[serialNumber];
    if (is?.birth !== was.birth) {
      world.violated('undone', `${serialNumber} was deleted`);
      continue;
    }
    if (was.stored && !is.stored) {
      world.violated('undone', `the secret of ${serialNumber} does not hold its seed any more`);
    }
    const claims = (tags: Tags) =>
      Object.keys(tags)
        .filter((key) => isClaim(key) && !stayed.includes(key))
        .sort()
        .join();
    if (claims(is.tags) !== claims(was.tags)) {
      world.violated('undone', `the claims on ${serialNumber} are ${claims(is.tags)}, not ${claims(was.tags)}`);
    }
    const switchedOnAgain = was.userName === undefined && Object.keys(is.tags).some(isEnrollmentClaim);
    if (is.userName !== was.userName && !switchedOnAgain) {
      world.violated(
        'undone',
        `${serialNumber} is enabled for ${is.userName ?? 'nobody'}, not for ${was.userName ?? 'nobody'}`,
      );
    }
  }
  for (const [serialNumber, { by, birth }] of Object.entries(after.devices)) {
    const isNew = by === 'library' && before.devices[serialNumber]?.birth !== birth;
    if (isNew && !world.births.isExcused(serialNumber)) {
      world.violated('undone', `${serialNumber} was made and left behind`);
    }
  }

  /**
   * What a removal policy had kept and the stack declared anew is the stack's again, and undone with it. So is a device
   * whose claims were taken off by hand: who declares it is the only one.
   */
  function isAddedAgain(serialNumber: string, { tags, secretArn }: DeviceSnapshot): boolean {
    const isDeclared = createsIn(world).some(
      (created) => created.SerialNumber === serialNumber && created.SeedSecretArn === secretArn,
    );
    const keys = Object.keys(tags);
    const kept = keys.filter((key) => isClaimOf(stackId, key) && !stayed.includes(key));
    const isClaimed = keys.some((key) => key.startsWith(DEVICE_CLAIM_PREFIX));
    return kept.some(isEnrollmentClaim) || (isDeclared && (kept.length > 0 || !isClaimed));
  }
}

/** After a delete that ended COMPLETE, what the stack did is undone, and nothing else. */
export function checkDeleted({ world, before, after, stack: { stackId, resources } }: Ended): void {
  const kept = world.events.filter(({ status }) => status === 'DELETE_SKIPPED').map(({ logicalId }) => logicalId);
  const deleted = resources.filter(({ logicalId }) => !kept.includes(logicalId));
  for (const { type, physicalId } of deleted) {
    if (type === 'AWS::IAM::User' && after.users.includes(physicalId)) {
      world.violated('undone', `user ${physicalId} was left behind`);
    }
  }
  const deletes = deletesIn(world);
  for (const [serialNumber, was] of Object.entries(before.devices)) {
    const is = after.devices[serialNumber];
    const ofDevice = deletes.filter(({ SerialNumber }) => SerialNumber === serialNumber);
    // A claim of the same logical id on another device is what an earlier clean-up gave up.
    const withdrawn = ofDevice.flatMap(({ logicalId }) => claimKeysOf(stackId, logicalId));
    const declared = Object.keys(was.tags).filter((key) => key.startsWith(DEVICE_CLAIM_PREFIX));
    const goes = declared.length > 0 && declared.every((key) => withdrawn.includes(key));
    if (is?.birth !== was.birth) {
      if (!goes) {
        world.violated('undone', `${serialNumber} was deleted`);
      }
      continue;
    }
    if (goes) {
      world.violated('undone', `${serialNumber} was left behind`);
    }
    if (Object.keys(is.tags).some((key) => withdrawn.includes(key))) {
      world.violated('undone', `a claim of the deleted stack stands on ${serialNumber}`);
    }
    checkSwitch(serialNumber, was, is);
  }

  function checkSwitch(serialNumber: string, was: DeviceSnapshot, is: DeviceSnapshot): void {
    const ofDevice = deletes.filter(
      ({ SerialNumber, type }) => SerialNumber === serialNumber && type === ENROLLMENT_RESOURCE_TYPE,
    );
    const withdrawn = ofDevice.flatMap(({ logicalId }) => claimKeysOf(stackId, logicalId));
    const ours = Object.entries(was.tags).filter(([key]) => withdrawn.includes(key));
    const others = Object.keys(was.tags).filter((key) => isEnrollmentClaim(key) && !withdrawn.includes(key));
    // A device that an administrator moved to another user is that user's.
    const isOurs = ofDevice.some(({ UserName }) => UserName === was.userName);
    const goesOff =
      isOurs && others.length === 0 && ours.length > 0 && ours.every(([, value]) => value.startsWith('enabled'));
    const staysOn = !isOurs || others.length > 0 || ours.every(([, value]) => value.startsWith('adopted'));
    if ((goesOff && is.userName !== undefined) || (staysOn && is.userName !== was.userName)) {
      world.violated(
        'undone',
        `${serialNumber} is enabled for ${is.userName ?? 'nobody'} after the delete, and was for ${was.userName ?? 'nobody'}`,
      );
    }
  }
}

/** Tags of others never change: those that are not this library's, and the claims of other stacks. */
export function checkForeignTags({ world, before, after, stack: { stackId } }: Ended): void {
  const foreign = (tags: Tags) =>
    JSON.stringify(
      Object.entries(tags)
        // What operators tag a device with changes with what they declare.
        .filter(([key]) => !isClaimOf(stackId, key) && !TAG_KEYS.includes(key))
        .sort(),
    );
  for (const [serialNumber, was] of Object.entries(before.devices)) {
    const is = after.devices[serialNumber];
    // Whether a device may be deleted is judged where it is.
    if (is?.birth === was.birth && foreign(is.tags) !== foreign(was.tags)) {
      world.violated('untouched', `tags of others on ${serialNumber} changed`);
    }
  }
}

/** What a clean-up gave up. */
function whatWasGivenUp(world: World): { readonly users: readonly string[]; readonly devices: readonly string[] } {
  const failed = world.events.filter(({ status }) => status === 'DELETE_FAILED');
  return {
    users: failed.map(({ physicalId }) => physicalId ?? ''),
    devices: deletesIn(world)
      .filter((deleted) => failed.some(({ logicalId }) => logicalId === deleted.logicalId))
      .map(({ SerialNumber }) => SerialNumber),
  };
}

/** The Creates of devices that this library makes, by their properties. */
function createsIn(world: World): Partial<DeviceProperties>[] {
  return world.invocations
    .filter(({ event }) => event.RequestType === 'Create' && event.ResourceType === DEVICE_RESOURCE_TYPE)
    .map(({ event }) => event.ResourceProperties);
}

/** The Deletes by their properties: the physical id of a resource whose Create never answered names nothing. */
function deletesIn(world: World) {
  return world.invocations
    .filter(({ event }) => event.RequestType === 'Delete')
    .map(({ event }) => ({
      type: event.ResourceType,
      logicalId: event.LogicalResourceId,
      ...(event.ResourceProperties as unknown as Pick<EnrollmentProperties, 'UserName' | 'SerialNumber'>),
    }));
}

export function devicesGivenUp(world: World): readonly string[] {
  return whatWasGivenUp(world).devices;
}

export function uuidOf(stackId: string): string {
  return stackId.split('/').at(-1)!;
}

function claimKeysOf(stackId: string, logicalId: string): string[] {
  return [enrollmentClaimKey(uuidOf(stackId), logicalId), deviceClaimKey(uuidOf(stackId), logicalId)];
}

function isEnrollmentClaim(key: string): boolean {
  return key.startsWith(ENROLLMENT_CLAIM_PREFIX);
}

function isClaim(key: string): boolean {
  return isEnrollmentClaim(key) || key.startsWith(DEVICE_CLAIM_PREFIX);
}

function isClaimOf(stackId: string, key: string): boolean {
  return isClaim(key) && key.includes(`:${uuidOf(stackId)}/`);
}
