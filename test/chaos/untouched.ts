import {
  DEVICE_CLAIM_PREFIX,
  DEVICE_RESOURCE_TYPE,
  deviceClaimKey,
  ENROLLMENT_CLAIM_PREFIX,
  enrollmentClaimKey,
} from '../../lib/contract';
import type { CustomResourceEvent } from '../../lambda/protocol';
import type { Birth } from './births';
import type { Invocation } from './world';

/** Who enabled a device that is enabled now. */
export type EnabledBy = 'library' | 'administrator';

/** A device on which no claim of this stack stands is never deactivated, and one that was found enabled never either. */
export function problemOfDeactivation(
  { event, lastRead = {} }: Invocation,
  enabledBy: EnabledBy | undefined,
): string | undefined {
  const uuid = uuidIn(event);
  const isOurs =
    event.ResourceType === DEVICE_RESOURCE_TYPE
      ? Object.keys(lastRead).some((key) => key.startsWith(`${ENROLLMENT_CLAIM_PREFIX}${uuid}/`))
      : lastRead[enrollmentClaimKey(uuid, event.LogicalResourceId)] !== undefined;
  if (!isOurs) {
    return `${deviceIn(event)} was deactivated without a claim of ${event.LogicalResourceId}`;
  }
  return enabledBy === 'administrator'
    ? `${deviceIn(event)} was deactivated, though an administrator had enabled it`
    : undefined;
}

/**
 * A request deletes what it made itself, and a Delete what nobody but its resource declares. Whatever else is there may
 * be the only device of somebody, and its seed cannot be had again.
 */
export function problemOfDeletion(invocation: Invocation, { by, maker }: Birth): string | undefined {
  const { event, lastRead = {} } = invocation;
  const deleted = `${deviceIn(event)} was deleted in ${event.RequestType} of ${event.LogicalResourceId}`;
  if (by === 'administrator') {
    return `${deleted}, though an administrator had made it`;
  }
  if (event.RequestType !== 'Delete') {
    return maker === invocation ? undefined : `${deleted}, which had not made it`;
  }
  const claims = Object.keys(lastRead).filter((key) => key.startsWith(DEVICE_CLAIM_PREFIX));
  const isOursAlone = claims.join() === deviceClaimKey(uuidIn(event), event.LogicalResourceId);
  return isOursAlone ? undefined : `${deleted} under these claims: ${claims.join()}`;
}

function deviceIn({ ResourceProperties }: CustomResourceEvent): string {
  return String(ResourceProperties.SerialNumber);
}

function uuidIn({ StackId }: CustomResourceEvent): string {
  return StackId.split('/').at(-1)!;
}
