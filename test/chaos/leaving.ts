import {
  ANY_CREATION,
  claimIn,
  DEVICE_CLAIM_PREFIX,
  ENROLLMENT_CLAIM_PREFIX,
  MARK_PREFIX,
  markIn,
  sentAtOf,
  tagKey,
} from '../../lib/contract';
import type { CustomResourceEvent } from '../../lambda/protocol';

const DAY_MS = 24 * 60 * 60 * 1000;

/** The requests that reached the function so far, and the time. */
export interface Heard {
  readonly requests: readonly CustomResourceEvent[];
  readonly now: number;
}

/**
 * Whether the Delete of a claim's resource says that it leaves, even if it failed then. A mark counts only for the
 * claims that its Delete may undo, and only if the function got such a Delete.
 */
export function isLeaving(key: string, tags: Readonly<Record<string, string>>, { requests, now }: Heard): boolean {
  const isEnrollment = key.startsWith(ENROLLMENT_CLAIM_PREFIX);
  const owner = key.slice((isEnrollment ? ENROLLMENT_CLAIM_PREFIX : DEVICE_CLAIM_PREFIX).length);
  const mark = markIn(tags[MARK_PREFIX + owner] ?? '');
  if (mark === undefined || returnsToKept(tags[key], now)) {
    return false;
  }
  const { creation } = claimIn(tags[key]!, isEnrollment);
  const sentAt = sentAtOf(creation) ?? mark.time;
  const isNamed =
    mark.creation === ANY_CREATION ? sentAt <= mark.time && mark.time - sentAt <= DAY_MS : mark.creation === creation;
  return isNamed && gotDelete(requests, owner, creation);
}

/** Whether the function got a Delete of what made a claim, or of a resource whose id CloudFormation invented. */
export function gotDelete(requests: readonly CustomResourceEvent[], owner: string, creation: string): boolean {
  return requests.some(
    (request) =>
      request.RequestType === 'Delete' &&
      ownerIn(request) === owner &&
      (request.PhysicalResourceId!.includes(creation) || !request.PhysicalResourceId!.includes('|')),
  );
}

/** The resource of a request, as the keys of its tags name it. */
export function ownerIn({ StackId, LogicalResourceId }: CustomResourceEvent): string {
  return tagKey('', StackId.split('/').at(-1)!, LogicalResourceId);
}

/** Whether a claim is less than a day old, and took the place of one that a removal policy had kept. */
export function returnsToKept(value: string | undefined, now: number): boolean {
  const [, creation, over] = /(\S+) over (\S+) /.exec(value ?? '') ?? [];
  const sentAt = creation === undefined ? undefined : sentAtOf(creation);
  return over !== undefined && (sentAt === undefined || now - sentAt < DAY_MS);
}
