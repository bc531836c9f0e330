import {
  claimIn,
  DEVICE_CLAIM_PREFIX,
  DEVICE_RESOURCE_TYPE,
  ENROLLMENT_CLAIM_PREFIX,
  ENROLLMENT_RESOURCE_TYPE,
  FAILED_SUFFIX,
  sentAtOf,
  tagKey,
} from '../../lib/contract';
import { STACKS } from './declaration';
import { type EndedOperation, isClaim, uuidOf } from './invariants';
import { isLeaving } from './leaving';

/*
 * What holds after every operation, however it ended, and whatever else happened at the same time.
 */

const DAY_MS = 24 * 60 * 60 * 1000;

/** Nobody relies on a device and silently loses it, and no device stays enabled for which nobody is responsible. */
export function checkState(ended: EndedOperation): void {
  checkReliedOn(ended);
  checkNobodysDevices(ended);
  checkWithdrawn(ended);
  checkSeeds(ended);
}

/** A Delete that succeeded has withdrawn the claim of its Create, and nothing brings it back. */
function checkWithdrawn({ world, operation, before, after }: EndedOperation): void {
  for (const { event, hasSucceeded } of operation.invocations) {
    const {
      RequestId,
      RequestType,
      PhysicalResourceId = '',
      ResourceType,
      ResourceProperties,
      StackId,
      LogicalResourceId,
    } = event;
    if (RequestType !== 'Delete' || !hasSucceeded) {
      continue;
    }
    const isEnrollment = ResourceType === ENROLLMENT_RESOURCE_TYPE;
    const prefix = isEnrollment ? ENROLLMENT_CLAIM_PREFIX : DEVICE_CLAIM_PREFIX;
    const serialNumber = ResourceProperties.SerialNumber as string;
    const claim = after.devices[serialNumber]?.tags[tagKey(prefix, uuidOf(StackId), LogicalResourceId)];
    if (claim === undefined) {
      continue;
    }
    const { creation } = claimIn(claim, isEnrollment);
    const sentAt = sentAtOf(creation) ?? 0;
    const isInvented = !PhysicalResourceId.includes('|');
    // The time in a creation id has no fraction of a second.
    const deliveredAt = operation.invocations.find((each) => each.event.RequestId === RequestId)!.startedAt;
    const isOfOperation = sentAt > before.time - 1_000 && sentAt <= deliveredAt;
    if (isInvented ? isOfOperation : PhysicalResourceId.includes(creation)) {
      world.violated(
        'undone',
        `${serialNumber} still has the claim of ${LogicalResourceId}, which was deleted`,
        serialNumber,
      );
    }
  }
}

/** A device stays enabled as long as an enrollment that got no Delete claims it. */
function checkReliedOn({ world, before, after }: EndedOperation): void {
  const declared = STACKS.map((stack) => world.cloudFormation.describeStack(stack)).flatMap((stack) =>
    stack === undefined || !/^(CREATE|UPDATE|UPDATE_ROLLBACK)_COMPLETE$/.test(stack.status)
      ? []
      : stack.resources.map(({ logicalId }) => tagKey(ENROLLMENT_CLAIM_PREFIX, uuidOf(stack.stackId), logicalId)),
  );
  for (const [serialNumber, was] of Object.entries(before.devices)) {
    const is = after.devices[serialNumber];
    const claim = Object.keys(was.tags).find(
      (key) => declared.includes(key) && claimIn(was.tags[key]!, true).user === was.userName,
    );
    if (was.userName !== undefined && claim !== undefined && is?.userName !== was.userName) {
      world.violated(
        'undone',
        `${serialNumber} is no longer enabled for ${was.userName}, though ${claim} relies on it`,
        serialNumber,
      );
    }
  }
}

/** A device that the library enabled has a claim as long as it is enabled. */
function checkNobodysDevices({ world, before, after }: EndedOperation): void {
  const isNobodys = (device?: (typeof after.devices)[string]) =>
    device?.userName !== undefined &&
    !Object.entries(device.tags).some(
      ([key, value]) => key.startsWith(ENROLLMENT_CLAIM_PREFIX) && claimIn(value, true).user === device.userName,
    );
  for (const [serialNumber, is] of Object.entries(after.devices)) {
    if (isNobodys(is) && !isNobodys(before.devices[serialNumber]) && world.isEnabledByLibrary(serialNumber)) {
      world.violated(
        'undone',
        `${serialNumber} is enabled for ${is.userName}, and no enrollment of this user claims it`,
        serialNumber,
      );
    }
  }
}

/** A seed lives exactly as long as its device. */
function checkSeeds({ world, operation, before, after, stack, abandoned }: EndedOperation): void {
  for (const [serialNumber, is] of Object.entries(after.devices)) {
    const was = before.devices[serialNumber];
    const isOld = was?.creation === is.creation;
    if (is.by !== 'library' || is.stored || (isOld && !was.stored)) {
      continue;
    }
    // If all its claims were removed by hand, it is nobody's, and a caller's secret is the caller's.
    if (isOld && isOfCaller(is.secretArn) && !Object.keys(was.tags).some(isClaim)) {
      continue;
    }
    if (stack.status === 'ROLLBACK_FAILED' && !isOld && abandoned.includes(serialNumber)) {
      // CloudFormation deletes what this creation has created, the secret included, although a Delete has failed.
      world.except('a creation that could not be rolled back');
    } else if (isOfCaller(is.secretArn) && abandoned.includes(serialNumber)) {
      // Synthesis warns of a secret that CloudFormation deletes although its device stays.
      world.except("a failed Delete of a device with a caller's secret");
    } else if (isOld && (is.userName !== undefined || isDeclared(was.tags))) {
      world.violated('stored', `${serialNumber} lost its seed`, serialNumber);
    } else if (is.userName !== undefined) {
      world.violated('stored', `${serialNumber} is enabled without a seed`, serialNumber);
    }
  }
  /** Whether a stack declares the secret itself. */
  function isOfCaller(secretArn: string | undefined): boolean {
    return secretArn?.includes(':secret:mfa/declared/') === true;
  }
  function isDeclared(tags: Readonly<Record<string, string>>): boolean {
    return Object.keys(tags).some((key) => key.startsWith(DEVICE_CLAIM_PREFIX));
  }
  // The function leaves the secret of a failed Create to CloudFormation, which keeps it after `--no-rollback`.
  function isOfFailedCreate(serialNumber: string): boolean {
    const deleted = operation.invocations
      .map(({ event }) => event)
      .filter(
        ({ RequestType, ResourceType, ResourceProperties }) =>
          RequestType === 'Delete' &&
          ResourceType === DEVICE_RESOURCE_TYPE &&
          ResourceProperties.SerialNumber === serialNumber,
      );
    // CloudFormation invents an id without a `|` for a Create that never answered.
    const isFailed = (id: string) => id.endsWith(FAILED_SUFFIX) || !id.includes('|');
    return deleted.length > 0 && deleted.every(({ PhysicalResourceId }) => isFailed(PhysicalResourceId!));
  }
  if (!/^(CREATE|UPDATE|DELETE)_COMPLETE$/.test(stack.status)) {
    return; // the secret is gone when the stack is
  }
  const ofStack = before.stack?.resources.filter(({ logicalId }) => logicalId.startsWith('VirtualMfaDeviceSeed')) ?? [];
  for (const [serialNumber, { creation, secretArn, stored }] of Object.entries(before.devices)) {
    const isGone = after.devices[serialNumber]?.creation !== creation;
    const isOwn = ofStack.some(({ physicalId }) => physicalId === secretArn);
    if (
      isGone &&
      isOwn &&
      stored &&
      world.hasSecret(secretArn!) &&
      !abandoned.includes(serialNumber) &&
      !isOfFailedCreate(serialNumber) &&
      // Which properties the Delete got is unknown then.
      !world.isMixed(before.stack!.stackId)
    ) {
      world.violated('stored', `${serialNumber} is gone, and its secret is left`, serialNumber);
    }
  }
}

/** What a removal policy kept more than a day ago survives whatever fails when it is declared again. */
export function checkKept({ world, before, after, stack }: EndedOperation): void {
  const heard = { requests: world.requests, now: before.time };
  const declared = [...(before.stack?.resources ?? []), ...stack.resources].map(({ logicalId }) => logicalId);
  const claimsOf = (tags: Readonly<Record<string, string>>) =>
    Object.entries(tags).filter(([key, value]) => {
      const prefix = [ENROLLMENT_CLAIM_PREFIX, DEVICE_CLAIM_PREFIX].find((each) =>
        key.startsWith(`${each}${uuidOf(stack.stackId)}/`),
      );
      const sentAt = sentAtOf(claimIn(value, prefix === ENROLLMENT_CLAIM_PREFIX).creation);
      const isOld = sentAt !== undefined && before.time - sentAt > DAY_MS;
      // A claim whose Delete failed was not retained.
      return prefix !== undefined && isOld && !declared.includes(key.split('/')[1]!) && !isLeaving(key, tags, heard);
    });
  for (const [serialNumber, was] of Object.entries(before.devices)) {
    const kept = claimsOf(was.tags);
    const is = after.devices[serialNumber];
    if (kept.length === 0) {
      continue;
    }
    if (is?.creation !== was.creation) {
      world.violated('kept', `${serialNumber} was deleted, though it was retained`, serialNumber);
    } else if (
      is.userName !== was.userName &&
      was.userName !== undefined &&
      kept.some(([key, value]) => key.startsWith(ENROLLMENT_CLAIM_PREFIX) && claimIn(value, true).user === was.userName)
    ) {
      world.violated(
        'kept',
        `${serialNumber} is no longer enabled for ${was.userName}, though it was retained`,
        serialNumber,
      );
    } else if (kept.some(([key, value]) => ownerOf(key, is.tags[key]) !== ownerOf(key, value))) {
      world.violated('kept', `${serialNumber} lost a claim that was retained, or it changed`, serialNumber);
    }
  }
}

/** Whose claim it is. A declaration that was undone leaves one without `over`, and with the time since when it can have enabled the device. */
function ownerOf(key: string, value: string | undefined): string | undefined {
  const { user, creation } = claimIn(value ?? '', key.startsWith(ENROLLMENT_CLAIM_PREFIX));
  return value === undefined ? undefined : `${user} ${creation}`;
}
