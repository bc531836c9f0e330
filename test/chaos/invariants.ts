import {
  claimIn,
  DEVICE_CLAIM_PREFIX,
  DEVICE_RESOURCE_TYPE,
  type DeviceProperties,
  ENROLLMENT_CLAIM_PREFIX,
  ENROLLMENT_RESOURCE_TYPE,
  FAILED_SUFFIX,
  type EnrollmentProperties,
  MARK_PREFIX,
  sentAtOf,
  tagKey,
} from '../../lib/contract';
import type { StackDescription } from '../../local/cloudformation';
import { isLeaving, returnsToKept } from './leaving';
import { TAG_KEYS } from './made-devices';
import type { DeviceSnapshot, Snapshot } from './snapshot';
import type { Operation, World } from './world';

/** An operation that has ended. */
export interface EndedOperation {
  readonly world: World;
  readonly operation: Operation;
  readonly before: Snapshot;
  readonly after: Snapshot;
  /** The stack after the operation; a deleted stack, as it was before. */
  readonly stack: StackDescription;
  /** Whether nothing else happened at the same time. */
  readonly isAlone: boolean;
  /** The devices that this operation and those at the same time abandoned, because a Delete failed. */
  readonly abandoned: readonly string[];
}

type Tags = DeviceSnapshot['tags'];

const DAY_MS = 24 * 60 * 60 * 1000;

/** After a deployment that ended COMPLETE, every enrollment that received an event in it is in effect. */
export function checkEnrolled({ world, operation, after, stack }: EndedOperation): void {
  const logicalIds = stack.resources.map(({ logicalId }) => logicalId);
  for (const { event } of operation.invocations) {
    if (
      event.ResourceType !== ENROLLMENT_RESOURCE_TYPE ||
      event.RequestType === 'Delete' ||
      !logicalIds.includes(event.LogicalResourceId)
    ) {
      continue;
    }
    const { UserName, SerialNumber, SeedSecretArn, SeedSecretField } =
      event.ResourceProperties as unknown as EnrollmentProperties;
    const name = `${event.LogicalResourceId} (${UserName}, ${SerialNumber})`;
    const device = after.devices[SerialNumber];
    if (device?.userName !== UserName) {
      world.violated('enrolled', `${name}: the device is not enabled for its user`, SerialNumber);
    } else if (
      device.tags[tagKey(ENROLLMENT_CLAIM_PREFIX, uuidOf(stack.stackId), event.LogicalResourceId)] === undefined
    ) {
      world.violated('enrolled', `${name}: its claim is missing`, SerialNumber);
    } else if (!world.holdsSeed(SeedSecretArn, SeedSecretField, SerialNumber)) {
      world.violated('enrolled', `${name}: the secret does not hold the seed`);
    } else if (world.iam.deviceClock(SerialNumber)?.adjustment !== 0) {
      world.violated('enrolled', `${name}: the device has a clock adjustment`);
    }
  }
}

/** After a rollback that ended COMPLETE, users and devices are as they were before it. */
export function checkUndone({ world, operation, before, after, stack: { stackId, resources } }: EndedOperation): void {
  const abandoned = abandonedIn(operation);
  for (const user of before.users) {
    if (!after.users.includes(user)) {
      world.violated('undone', `user ${user} was deleted`);
    }
  }
  for (const user of after.users) {
    if (!before.users.includes(user) && !abandoned.users.includes(user)) {
      world.violated('undone', `user ${user} was left behind`);
    }
  }
  const remainingClaims = resources.flatMap(({ logicalId }) => claimKeysOf(stackId, logicalId));
  for (const [serialNumber, was] of Object.entries(before.devices)) {
    if (isDeclaredAgain(serialNumber, was) || abandoned.devices.includes(serialNumber)) {
      continue;
    }
    const is = after.devices[serialNumber];
    if (is?.creation !== was.creation) {
      world.violated('undone', `${serialNumber} was deleted`, serialNumber);
      continue;
    }
    if (was.stored && !is.stored) {
      world.violated('undone', `the secret of ${serialNumber} no longer holds its seed`, serialNumber);
    }
    const claims = (tags: Tags) =>
      Object.keys(tags)
        .filter((key) => isClaim(key) && !remainingClaims.includes(key))
        .sort()
        .join();
    if (claims(is.tags) !== claims(was.tags)) {
      world.violated(
        'undone',
        `the claims on ${serialNumber} are ${claims(is.tags)}, not ${claims(was.tags)}`,
        serialNumber,
      );
    }
    const isEnabledAgain = was.userName === undefined && isClaimedFor(is.userName, is.tags);
    const isSwitchedOff = is.userName === undefined && world.isLeft(was.tags);
    if (is.userName !== was.userName && !isEnabledAgain && !isSwitchedOff) {
      world.violated(
        'undone',
        `${serialNumber} is enabled for ${is.userName ?? 'nobody'}, not for ${was.userName ?? 'nobody'}`,
        serialNumber,
      );
    }
  }
  for (const [serialNumber, { by, creation }] of Object.entries(after.devices)) {
    const isNew = by === 'library' && before.devices[serialNumber]?.creation !== creation;
    if (isNew && !world.births.mayBeUnowned(serialNumber)) {
      world.violated('undone', `${serialNumber} was created and left behind`, serialNumber);
    }
  }

  /**
   * Whether the stack declared a retained device again: it then belongs to the stack, and the rollback undoes it. The
   * same holds for a device whose claims were removed by hand, or whose other claimants are leaving, because no other
   * resource relies on it.
   */
  function isDeclaredAgain(serialNumber: string, { tags, secretArn }: DeviceSnapshot): boolean {
    const isDeclared = createsIn(operation).some(
      (created) => created.SerialNumber === serialNumber && created.SeedSecretArn === secretArn,
    );
    const keys = Object.keys(tags);
    const retained = keys.filter((key) => isClaimOf(stackId, key) && !remainingClaims.includes(key));
    const isClaimed = keys.some((key) => key.startsWith(DEVICE_CLAIM_PREFIX) && !world.isLeaving(key, tags));
    return retained.some(isEnrollmentClaim) || (isDeclared && (retained.length > 0 || !isClaimed));
  }
}

/** After a delete that ended COMPLETE, exactly what the stack did is undone. */
export function checkDeleted({ world, operation, before, after, stack: { stackId, resources } }: EndedOperation): void {
  const retained = operation.events
    .filter(({ status }) => status === 'DELETE_SKIPPED')
    .map(({ logicalId }) => logicalId);
  const deleted = resources.filter(({ logicalId }) => !retained.includes(logicalId));
  for (const { type, physicalId } of deleted) {
    if (type === 'AWS::IAM::User' && after.users.includes(physicalId)) {
      world.violated('undone', `user ${physicalId} was left behind`);
    }
  }
  const deletes = deletesIn(operation);
  const heard = { requests: world.requests, now: before.time };
  for (const [serialNumber, was] of Object.entries(before.devices)) {
    const is = after.devices[serialNumber];
    const ofDevice = deletes.filter(({ SerialNumber }) => SerialNumber === serialNumber);
    // A claim with the same logical id on another device was abandoned by an earlier cleanup.
    const withdrawn = withdrawnBy(ofDevice, was);
    const declared = Object.keys(was.tags).filter((key) => key.startsWith(DEVICE_CLAIM_PREFIX));
    const staying = declared.filter((key) => !withdrawn.includes(key) && !isLeaving(key, was.tags, heard));
    const mustBeDeleted = declared.some((key) => withdrawn.includes(key)) && staying.length === 0;
    if (is?.creation !== was.creation) {
      if (!mustBeDeleted) {
        world.violated('undone', `${serialNumber} was deleted`, serialNumber);
      }
      continue;
    }
    if (mustBeDeleted) {
      world.violated('undone', `${serialNumber} was left behind`, serialNumber);
    }
    if (Object.keys(is.tags).some((key) => withdrawn.includes(key))) {
      world.violated('undone', `${serialNumber} still has a claim of the deleted stack`, serialNumber);
    }
    checkEnabled(serialNumber, was, is);
  }

  /** The claims that Deletes withdraw. What a removal policy kept stays if the Create that declared it again failed. */
  function withdrawnBy(ofDevice: typeof deletes, { tags }: DeviceSnapshot): string[] {
    return ofDevice.flatMap(({ logicalId, physicalId }) =>
      claimKeysOf(stackId, logicalId).filter(
        (key) => !returnsToKept(tags[key], before.time) && !isKeptFrom(physicalId, key, tags[key]),
      ),
    );
  }

  function isKeptFrom(physicalId: string, key: string, value: string | undefined): boolean {
    if (value === undefined) {
      return false;
    }
    const { creation } = claimIn(value, isEnrollmentClaim(key));
    if (physicalId.endsWith(FAILED_SUFFIX)) {
      return !physicalId.includes(creation);
    }
    // CloudFormation invented the id.
    const isInvented = !physicalId.includes('|');
    return isInvented && before.time - (sentAtOf(creation) ?? before.time) > DAY_MS;
  }

  function checkEnabled(serialNumber: string, was: DeviceSnapshot, is: DeviceSnapshot): void {
    const ofDevice = deletes.filter(
      ({ SerialNumber, type }) => SerialNumber === serialNumber && type === ENROLLMENT_RESOURCE_TYPE,
    );
    const withdrawn = withdrawnBy(ofDevice, was);
    const claims = Object.entries(was.tags).filter(
      ([key, value]) => isEnrollmentClaim(key) && claimIn(value, true).user === was.userName,
    );
    const ours = claims.filter(([key]) => withdrawn.includes(key));
    const others = claims.filter(([key]) => !withdrawn.includes(key) && !isLeaving(key, was.tags, heard));
    // If an administrator moved the device to another user, the stack must not deactivate it.
    const isOurs = ofDevice.some(({ UserName }) => UserName === was.userName);
    const mustBeDeactivated =
      isOurs && others.length === 0 && ours.length > 0 && ours.every(([, value]) => value.startsWith('enabled'));
    const mustStayEnabled = !isOurs || others.length > 0 || ours.every(([, value]) => value.startsWith('adopted'));
    if ((mustBeDeactivated && is.userName !== undefined) || (mustStayEnabled && is.userName !== was.userName)) {
      world.violated(
        'undone',
        `${serialNumber} is enabled for ${is.userName ?? 'nobody'} after the delete, and was for ${was.userName ?? 'nobody'}`,
        serialNumber,
      );
    }
  }
}

/** Foreign tags never change: the claims of other stacks, and tags that aren't this library's. */
export function checkForeignTags({ world, before, after, stack: { stackId } }: EndedOperation): void {
  const foreign = (tags: Tags) =>
    JSON.stringify(
      Object.entries(tags)
        // Declared tags change with the declaration, and marks come and go.
        .filter(([key]) => !isClaimOf(stackId, key) && !TAG_KEYS.includes(key) && !key.startsWith(MARK_PREFIX))
        .sort(),
    );
  for (const [serialNumber, was] of Object.entries(before.devices)) {
    const is = after.devices[serialNumber];
    // Deletions are checked at the call that deletes; see untouched.ts.
    if (is?.creation === was.creation && foreign(is.tags) !== foreign(was.tags)) {
      world.violated('untouched', `foreign tags of ${serialNumber} changed`, serialNumber);
    }
  }
}

/** Users and devices that CloudFormation abandoned after a failed deletion. */
function abandonedIn(operation: Operation): { readonly users: readonly string[]; readonly devices: readonly string[] } {
  const failed = operation.events.filter(({ status }) => status === 'DELETE_FAILED');
  return {
    users: failed.map(({ physicalId }) => physicalId ?? ''),
    devices: deletesIn(operation)
      .filter((deleted) => failed.some(({ logicalId }) => logicalId === deleted.logicalId))
      .map(({ SerialNumber }) => SerialNumber),
  };
}

/** Properties of the Create events of the stack's devices. */
function createsIn(operation: Operation): Partial<DeviceProperties>[] {
  return operation.invocations
    .filter(({ event }) => event.RequestType === 'Create' && event.ResourceType === DEVICE_RESOURCE_TYPE)
    .map(({ event }) => event.ResourceProperties);
}

/** The Delete events by their properties, because a physical id that CloudFormation invented names no device. */
function deletesIn(operation: Operation) {
  return operation.invocations
    .filter(({ event }) => event.RequestType === 'Delete')
    .map(({ event }) => ({
      type: event.ResourceType,
      logicalId: event.LogicalResourceId,
      physicalId: event.PhysicalResourceId!,
      ...(event.ResourceProperties as unknown as Pick<EnrollmentProperties, 'UserName' | 'SerialNumber'>),
    }));
}

export function abandonedDevices(operation: Operation): readonly string[] {
  return abandonedIn(operation).devices;
}

export function uuidOf(stackId: string): string {
  return stackId.split('/').at(-1)!;
}

function claimKeysOf(stackId: string, logicalId: string): string[] {
  return [
    tagKey(ENROLLMENT_CLAIM_PREFIX, uuidOf(stackId), logicalId),
    tagKey(DEVICE_CLAIM_PREFIX, uuidOf(stackId), logicalId),
  ];
}

function isEnrollmentClaim(key: string): boolean {
  return key.startsWith(ENROLLMENT_CLAIM_PREFIX);
}

function isClaimedFor(userName: string | undefined, tags: Tags): boolean {
  return Object.entries(tags).some(([key, value]) => isEnrollmentClaim(key) && claimIn(value, true).user === userName);
}

export function isClaim(key: string): boolean {
  return isEnrollmentClaim(key) || key.startsWith(DEVICE_CLAIM_PREFIX);
}

function isClaimOf(stackId: string, key: string): boolean {
  return isClaim(key) && key.includes(`:${uuidOf(stackId)}/`);
}
