import type { Leftover } from './cleanup';
import type { Change } from './change';
import { reasonOf, type Operation } from './operation';
import { isCustomResource } from './resources/custom-resource';
import { runInOrder, type Outcome } from './schedule';
import type { StackResource } from './stack-resource';
import { newResource } from './unfinished';

/** The result of updating resources back. */
export interface RolledBack {
  readonly failed: readonly string[];
  /** What the rollback's cleanup must delete. */
  readonly leftovers: readonly Leftover[];
}

/**
 * Reverts the updates of resources, in the order of the previous template. Resources that the update created stay until
 * the rollback's cleanup. Requests in progress are not awaited: the update back overtakes them.
 */
export async function updateBack(operation: Operation, changes: ReadonlyMap<string, Change>): Promise<RolledBack> {
  const leftovers: Leftover[] = [];
  const updated = new Map(
    [...changes].filter(
      (entry): entry is [string, Exclude<Change, { kind: 'created' }>] => entry[1].kind !== 'created',
    ),
  );
  const outcomes = await runInOrder(
    updated.keys(),
    (logicalId) => updated.get(logicalId)?.before.planned.dependsOn ?? [],
    async (logicalId): Promise<Outcome> => {
      const { before, after = before } = updated.get(logicalId) as Exclude<Change, { kind: 'created' }>;
      const { planned, properties } = before;
      const { stack } = operation;
      if (after === before || !getsAnUpdate(operation, before, after)) {
        stack.put(logicalId, before);
        operation.report(planned, 'UPDATE_COMPLETE', before.physical.physicalId);
        leftovers.push(...supersededBy([after], before));
        return 'done';
      }
      operation.report(planned, 'UPDATE_IN_PROGRESS', after.physical.physicalId);
      try {
        const physical = await operation.update(after, planned, properties, 'rollback');
        const now: StackResource = { planned, properties, physical };
        stack.put(logicalId, now);
        operation.report(planned, 'UPDATE_COMPLETE', physical.physicalId);
        leftovers.push(...supersededBy([after, before], now));
        if (physical.cleanUp !== undefined) {
          leftovers.push({ kind: 'nested', logicalId, cleanUp: physical.cleanUp });
        }
        return 'done';
      } catch (error) {
        operation.report(planned, 'UPDATE_FAILED', after.physical.physicalId, reasonOf(error));
        return 'failed';
      }
    },
  );
  for (const change of changes.values()) {
    if (change.kind === 'created') {
      const { planned, after } = change;
      leftovers.push(after === undefined ? { kind: 'nothing', planned } : leftover(after));
    }
  }
  return {
    failed: [...outcomes].filter(([, outcome]) => outcome === 'failed').map(([logicalId]) => logicalId),
    leftovers,
  };
}

/**
 * A resource updated in place always gets an update back. A custom resource that was replaced by its response gets one
 * if the option says so.
 */
function getsAnUpdate({ engine }: Operation, before: StackResource, after: StackResource): boolean {
  if (before.physical.physicalId === after.physical.physicalId) {
    return true;
  }
  return isCustomResource(before.planned.declaration.type) && engine.rollbackOfReplaced === 'update-then-delete';
}

/** The physical resources other than the current one. */
function supersededBy(resources: readonly StackResource[], now: StackResource): Leftover[] {
  return resources.filter(({ physical }) => physical.physicalId !== now.physical.physicalId).map(leftover);
}

function leftover(resource: StackResource): Leftover {
  return { kind: 'resource', ...newResource(resource), oldHalf: false };
}
