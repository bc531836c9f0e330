import { DEVICE_CLAIM_PREFIX, DEVICE_RESOURCE_TYPE, ENROLLMENT_CLAIM_PREFIX, tagKey } from '../../lib/contract';
import type { CustomResourceEvent } from '../../lambda/protocol';
import type { Birth } from './births';
import type { Invocation } from './invocation';
import { type Heard, isLeaving } from './leaving';

/** Who enabled a device. */
export type EnabledBy = 'library' | 'administrator';

/**
 * The function never deactivates a device without a claim of its stack, nor one that an administrator enabled. A Create
 * or Update that was overtaken undoes its own work even if its claim is gone.
 */
export function problemOfDeactivation(
  { event, lastRead = {}, hasEnabled = false }: Invocation,
  enabledBy: EnabledBy | undefined,
): string | undefined {
  const uuid = uuidIn(event);
  const isOurs =
    event.ResourceType === DEVICE_RESOURCE_TYPE
      ? Object.keys(lastRead).some((key) => key.startsWith(`${ENROLLMENT_CLAIM_PREFIX}${uuid}/`))
      : lastRead[tagKey(ENROLLMENT_CLAIM_PREFIX, uuid, event.LogicalResourceId)] !== undefined;
  if (!isOurs && !hasEnabled) {
    return `${deviceIn(event)} was deactivated without a claim of ${event.LogicalResourceId}`;
  }
  return enabledBy === 'administrator'
    ? `${deviceIn(event)} was deactivated, though an administrator enabled it`
    : undefined;
}

/**
 * A Create or Update deletes only the device that it created itself, and a Delete only a device that no other resource
 * declares. Any other device may be somebody's only one, and its seed can't be recovered.
 */
export function problemOfDeletion(invocation: Invocation, { by, maker }: Birth, heard: Heard): string | undefined {
  const { event, lastRead = {} } = invocation;
  const deleted = `${deviceIn(event)} was deleted in ${event.RequestType} of ${event.LogicalResourceId}`;
  if (by === 'administrator') {
    return `${deleted}, though an administrator created it`;
  }
  if (event.RequestType !== 'Delete') {
    return maker === invocation ? undefined : `${deleted}, which did not create it`;
  }
  const claims = Object.keys(lastRead).filter(
    (key) => key.startsWith(DEVICE_CLAIM_PREFIX) && !isWithdrawnByAnother(event, key, lastRead, heard),
  );
  const isOursAlone = claims.join() === tagKey(DEVICE_CLAIM_PREFIX, uuidIn(event), event.LogicalResourceId);
  return isOursAlone ? undefined : `${deleted}, with these claims: ${claims.join()}`;
}

/** Whether the Delete of another resource says that it leaves. */
function isWithdrawnByAnother(
  event: CustomResourceEvent,
  key: string,
  tags: Readonly<Record<string, string>>,
  heard: Heard,
): boolean {
  return key !== tagKey(DEVICE_CLAIM_PREFIX, uuidIn(event), event.LogicalResourceId) && isLeaving(key, tags, heard);
}

function deviceIn({ ResourceProperties }: CustomResourceEvent): string {
  return String(ResourceProperties.SerialNumber);
}

function uuidIn({ StackId }: CustomResourceEvent): string {
  return StackId.split('/').at(-1)!;
}
