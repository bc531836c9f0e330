import type { PlannedResource } from './blueprint';
import type { Change } from './change';
import type { Forward } from './forward';
import type { Changes, StackState, Unfinished } from './stack';
import type { StackResource, UnusedResource } from './stack-resource';

/** The state of a stack before an operation, if the operation before it did not fail. */
export function nothingUnfinished(stable: StackState | undefined): Unfinished {
  return { stable, changes: new Map(), superseded: [], failed: [], failedUpdates: new Set() };
}

/**
 * What another operation leaves.
 *
 * @param failed what failed in earlier operations, and still exists
 */
export function continued(earlier: Unfinished, work: Forward, failed: readonly StackResource[]): Unfinished {
  const succeeded = [...work.changes].map(([logicalId, change]) => [logicalId, withoutFailed(change, work)] as const);
  const notRepeated = [...earlier.failedUpdates].filter((logicalId) => !work.changes.has(logicalId));
  return {
    ...combined(earlier, succeeded),
    stable: earlier.stable,
    failed: [...failed, ...work.failedResources],
    failedUpdates: new Set([...notRepeated, ...work.failedUpdates]),
  };
}

/** The changes of earlier operations and of the next one together. */
export function combined(earlier: Changes, next: Iterable<readonly [string, Change | undefined]>): Changes {
  const changes = new Map(earlier.changes);
  const superseded = [...earlier.superseded];
  for (const [logicalId, later] of next) {
    const first = changes.get(logicalId);
    if (later === undefined) {
      continue;
    }
    if (first?.after !== undefined && first.kind !== 'updated' && isReplaced(first.after, later.after)) {
      superseded.push(first.after);
    }
    changes.set(logicalId, first === undefined ? later : merged(first, later));
  }
  return { changes, superseded };
}

/** The old halves of the replaced resources. */
export function replacedIn({ changes, superseded }: Changes): StackResource[] {
  const replaced = [...changes.values()].flatMap((change) => (change.kind === 'replaced' ? [change.before] : []));
  return [...replaced, ...superseded];
}

/** The resources whose creation failed before there was a physical one. */
export function withoutPhysicalResource({ changes }: Pick<Changes, 'changes'>): PlannedResource[] {
  return [...changes.values()].flatMap((change) =>
    change.kind === 'created' && change.after === undefined ? [change.planned] : [],
  );
}

/** The old half of a replaced resource. */
export function oldHalf(resource: StackResource): UnusedResource {
  return { resource, retained: resource.planned.declaration.updateReplacePolicy !== 'Delete' };
}

/** A resource that is deleted because the operation that created it failed, unless its policy is Retain. */
export function newResource(resource: StackResource): UnusedResource {
  return { resource, retained: resource.planned.declaration.deletionPolicy === 'Retain' };
}

/** A change without the physical resource whose creation failed, or `undefined` if there is no other change. */
function withoutFailed(change: Change, { failedResources }: Forward): Change | undefined {
  const isFailed = change.after === undefined || failedResources.includes(change.after);
  if (change.kind === 'updated' || !isFailed) {
    return change;
  }
  return change.kind === 'created' ? { kind: 'created', planned: change.planned } : undefined;
}

function isReplaced(first: StackResource, later: StackResource | undefined): boolean {
  return later !== undefined && later.physical.physicalId !== first.physical.physicalId;
}

/** Two changes of one resource as one. */
function merged(first: Change, later: Change): Change {
  const after = later.after ?? first.after;
  if (first.kind === 'created') {
    return { kind: 'created', planned: after?.planned ?? first.planned, after };
  }
  if (after === undefined) {
    return first;
  }
  const kind = isReplaced(first.before, after) ? 'replaced' : 'updated';
  return { kind, before: first.before, after };
}
