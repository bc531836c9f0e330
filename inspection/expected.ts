import { problemOfSerialNumber, problemOfUserName } from '../lib/checks';
import {
  DEVICE_CLAIM_PREFIX,
  DEVICE_RESOURCE_TYPE,
  ENROLLMENT_CLAIM_PREFIX,
  ENROLLMENT_RESOURCE_TYPE,
  physicalIdIn,
  tagKey,
} from '../lib/contract';
import { declarationOf } from '../lambda/declaration';
import { type Look } from './calls';
import { type ResourceSummary } from './ports';

const SECRET_TYPE = 'AWS::SecretsManager::Secret';
export const NESTED_STACK_TYPE = 'AWS::CloudFormation::Stack';

/** A stack and its resources, as CloudFormation lists them. */
export interface SeenStack {
  readonly stackId: string;
  readonly status: string;
  /** Seen as `undefined`: the stack is gone by now. */
  readonly resources: Look<readonly ResourceSummary[] | undefined>;
}

/** What is to be inspected, and what was found of it. */
export interface SeenScope {
  /** The regions whose stacks were listed completely. */
  readonly regions: readonly string[];
  /** Whether all stacks of the regions are inspected, or only those that somebody named. */
  readonly isWhole: boolean;
  readonly stacks: readonly SeenStack[];
}

/**
 * What a resource says about the device that it names:
 *
 * - `in effect`: its last operation has ended, and it relies on the device
 * - `in progress`: an operation on it runs
 * - `failed`: its Create or Delete failed, and CloudFormation says so
 */
export type ResourceState = 'in effect' | 'in progress' | 'failed';

interface Resource {
  readonly kind: 'enrollment' | 'device';
  readonly region: string;
  readonly stackName: string;
  readonly logicalId: string;
  /** `<stack uuid>/<logical id>`, as tag keys end. */
  readonly owner: string;
  /** The key of its claim. */
  readonly claimKey: string;
  readonly state: ResourceState;
  readonly serialNumber: string;
}

export interface ExpectedEnrollment extends Resource {
  readonly kind: 'enrollment';
  readonly userName: string;
}

export interface ExpectedDevice extends Resource {
  readonly kind: 'device';
}

export type ExpectedResource = ExpectedEnrollment | ExpectedDevice;

/** What stacks say should be there. */
export interface Expected {
  readonly resources: readonly ExpectedResource[];
  /** Resources whose physical id names no device, although their last operation has ended. */
  readonly unreadable: readonly Omit<Resource, 'serialNumber' | 'claimKey'>[];
  /** Owners whose device is not known yet. */
  readonly unclear: ReadonlySet<string>;
  /** ARNs of the secrets of all stacks. */
  readonly secretArns: readonly string[];
  /** Stacks by uuid; `undefined`: their resources could not be read. */
  readonly stacks: ReadonlyMap<string, { readonly isInProgress: boolean; readonly isRead: boolean }>;
}

/** Reads the expected state from the physical ids of resources. */
export function expectedIn({ stacks }: Pick<SeenScope, 'stacks'>): Expected {
  const resources: ExpectedResource[] = [];
  const unreadable: Omit<Resource, 'serialNumber' | 'claimKey'>[] = [];
  const unclear = new Set<string>();
  const secretArns: string[] = [];
  const byUuid = new Map<string, { isInProgress: boolean; isRead: boolean }>();
  for (const { stackId, status, resources: seen } of stacks) {
    const { stackUuid } = declarationOf({ StackId: stackId, LogicalResourceId: '' });
    byUuid.set(stackUuid, { isInProgress: isInProgress(status), isRead: seen.isSeen });
    for (const summary of (seen.isSeen && seen.value) || []) {
      const { type, physicalId, logicalId } = summary;
      if (isGone(summary.status)) {
        continue;
      }
      if (type === SECRET_TYPE && physicalId !== undefined) {
        secretArns.push(physicalId);
      }
      if (type !== ENROLLMENT_RESOURCE_TYPE && type !== DEVICE_RESOURCE_TYPE) {
        continue;
      }
      const { stackName, region } = declarationOf({ StackId: stackId, LogicalResourceId: logicalId });
      const owner = tagKey('', stackUuid, logicalId);
      const kind = type === ENROLLMENT_RESOURCE_TYPE ? 'enrollment' : 'device';
      const common = { region, stackName, logicalId, owner, state: stateOf(summary.status) };
      const parts = partsIn(kind, physicalId ?? '');
      if (parts === undefined) {
        unclear.add(owner);
        if (common.state === 'in effect') {
          unreadable.push({ ...common, kind });
        }
      } else if (kind === 'enrollment') {
        const claimKey = ENROLLMENT_CLAIM_PREFIX + owner;
        resources.push({ ...common, kind, claimKey, userName: parts[0]!, serialNumber: parts[1]! });
      } else {
        resources.push({ ...common, kind, claimKey: DEVICE_CLAIM_PREFIX + owner, serialNumber: parts[0]! });
      }
    }
  }
  return { resources, unreadable, unclear, secretArns, stacks: byUuid };
}

/** What a resource is, in its physical id; `undefined` if CloudFormation invented that. */
function partsIn(kind: Resource['kind'], physicalId: string): readonly string[] | undefined {
  const parts = physicalId.split('|').slice(0, kind === 'enrollment' ? 2 : 1);
  const problem = kind === 'enrollment' ? problemOfUserName(parts[0]!) : undefined;
  return physicalIdIn(physicalId, parts) === undefined ||
    problem !== undefined ||
    problemOfSerialNumber(parts.at(-1)!) !== undefined
    ? undefined
    : parts;
}

function isGone(status: string): boolean {
  return status === 'DELETE_COMPLETE' || status === 'DELETE_SKIPPED';
}

function isInProgress(status: string): boolean {
  return status.endsWith('_IN_PROGRESS');
}

/** An update that failed leaves the resource as it was. */
function stateOf(status: string): ResourceState {
  if (isInProgress(status)) {
    return 'in progress';
  }
  return status === 'CREATE_FAILED' || status === 'DELETE_FAILED' ? 'failed' : 'in effect';
}
