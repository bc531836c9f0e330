import {
  claimIn,
  DEVICE_CLAIM_PREFIX,
  DEVICE_RESOURCE_TYPE,
  ENROLLMENT_CLAIM_PREFIX,
  sentAtOf,
  tagKey,
} from '../../lib/contract';
import type { CustomResourceEvent } from '../../lambda/protocol';
import type { Birth } from './births';
import type { DocumentedException } from './documented-exceptions';
import type { Invocation } from './invocation';
import type { DeviceSnapshot } from './snapshot';
import type { Operation, Violation } from './world';

const DAY_MS = 24 * 60 * 60 * 1000;
/** How old a read can be, and how long a call or a response can take here. */
const READ_LAG_MS = 8_000;
const CALL_MS = 2_000;

/**
 * Which documented exception explains what an operation did to a device.
 *
 * @param violation with the serial number of the device
 * @param was the device before the operation; absent: it didn't exist
 * @param declared the logical ids of the stack before the operation
 */
export function exceptionFor(
  { invocations }: Operation,
  { invariant, about: serialNumber }: Violation,
  was: DeviceSnapshot | undefined,
  birth: Birth | undefined,
  declared: readonly string[],
): DocumentedException | undefined {
  const ofDevice = invocations.filter(({ event }) => event.ResourceProperties.SerialNumber === serialNumber);
  const deletes = ofDevice.filter(({ event }) => event.RequestType === 'Delete');
  if (deletes.some((deletion) => was !== undefined && undoesYoungRetained(deletion, was, declared))) {
    return 'retained less than a day before a cancelled declaration';
  }
  if (deletes.some((deletion) => isFollowedBy(deletion, birth))) {
    return 'a late Create of a device';
  }
  const userOf = ({ event }: Invocation) => event.ResourceProperties.UserName;
  // A user without an enabled device may have lost another one than the one that was deactivated last.
  const users = invariant === 'no gap' ? ofDevice.map(userOf).filter((user) => typeof user === 'string') : [];
  const related = invocations.filter((each) => ofDevice.includes(each) || users.some((user) => user === userOf(each)));
  if (related.some((each) => undoesLaterCreate(each, related))) {
    return 'a Create that never answered, and a later one that succeeded';
  }
  const isKilled = ofDevice.some(
    ({ event, life, changedAt = 0 }) =>
      event.RequestType !== 'Delete' &&
      life.death !== undefined &&
      deletes.some((deletion) => isOfSameResource(deletion.event, event) && changedAt > deletion.startedAt),
  );
  return isKilled ? 'killed before it could undo what it did' : undefined;
}

/**
 * Whether the Delete of a Create that never answered, whose id CloudFormation invented, came after another Create of
 * the same resource, which succeeded.
 */
function undoesLaterCreate({ event, startedAt }: Invocation, ofDevice: readonly Invocation[]): boolean {
  const creates = ofDevice.filter((each) => each.event.RequestType === 'Create' && isOfSameResource(each.event, event));
  const answered = creates.filter(({ isHeard }) => isHeard).map((each) => each.event.RequestId);
  return (
    event.RequestType === 'Delete' &&
    isInvented(event) &&
    creates.some((each) => !answered.includes(each.event.RequestId)) &&
    creates.some((each) => each.isHeard && each.hasSucceeded && each.startedAt < startedAt)
  );
}

/** Whether CloudFormation invented the id of what it deletes, and the claim that was kept is less than a day old. */
function undoesYoungRetained(
  { event, startedAt }: Invocation,
  { tags }: DeviceSnapshot,
  declared: readonly string[],
): boolean {
  if (declared.includes(event.LogicalResourceId)) {
    return false; // it was not retained
  }
  const isEnrollment = event.ResourceType !== DEVICE_RESOURCE_TYPE;
  const prefix = isEnrollment ? ENROLLMENT_CLAIM_PREFIX : DEVICE_CLAIM_PREFIX;
  const claim = tags[tagKey(prefix, event.StackId.split('/').at(-1)!, event.LogicalResourceId)];
  const sentAt = claim === undefined ? undefined : sentAtOf(claimIn(claim, isEnrollment).creation);
  return claim !== undefined && isInvented(event) && (sentAt === undefined || startedAt - sentAt <= DAY_MS);
}

/**
 * Whether a Create created the device after its Delete had looked for it for the last time, or when that could not see
 * it yet. With an own secret, that can happen only before CloudFormation deletes the secret: each attempt reads it first.
 */
function isFollowedBy({ event, lastRead, respondedAt = Infinity }: Invocation, birth?: Birth): boolean {
  if (birth?.maker === undefined || birth.isKnown === true || !isOfSameResource(event, birth.maker.event)) {
    return false;
  }
  const after = birth.bornAt! - respondedAt;
  const isUnseen = lastRead === undefined && after > -READ_LAG_MS - CALL_MS;
  return birth.maker.event.ResourceProperties.OwnSecret === 'true'
    ? isUnseen && after < CALL_MS
    : isUnseen || after > 0;
}

/** Whether a Create never answered, so that CloudFormation invented its resource's id. */
function isInvented({ PhysicalResourceId }: CustomResourceEvent): boolean {
  return PhysicalResourceId?.includes('|') === false;
}

function isOfSameResource(a: CustomResourceEvent, b: CustomResourceEvent): boolean {
  return a.StackId === b.StackId && a.LogicalResourceId === b.LogicalResourceId;
}
