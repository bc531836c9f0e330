import type { Leftover } from './cleanup';
import type { Change, Forward } from './forward';
import { reasonOf, type Operation } from './operation';
import { isCustomResource } from './resources/custom-resource';
import { inOrder, type Outcome } from './schedule';
import type { StackResource } from './stack';

/** What the updates back of a rollback came to. */
export interface RolledBack {
  readonly failed: readonly string[];
  /** What the rollback's clean-up has to delete. */
  readonly leftovers: readonly Leftover[];
}

/**
 * Changes back what an update changed, in the order of the template that stood before. What the update made stays until
 * the rollback's clean-up. A request that still runs is not waited for: the update back overtakes it.
 */
export async function updateBack(operation: Operation, { changes }: Forward): Promise<RolledBack> {
  const leftovers: Leftover[] = [];
  const back = new Map(
    [...changes].filter(
      (entry): entry is [string, Exclude<Change, { kind: 'created' }>] => entry[1].kind !== 'created',
    ),
  );
  const outcomes = await inOrder(
    back.keys(),
    (logicalId) => back.get(logicalId)?.before.planned.dependsOn ?? [],
    async (logicalId): Promise<Outcome> => {
      const { before, after = before } = back.get(logicalId) as Exclude<Change, { kind: 'created' }>;
      const { planned, properties } = before;
      const { stack } = operation;
      if (after === before || !getsAnUpdate(operation, before, after)) {
        stack.put(logicalId, before);
        operation.tell(planned, 'UPDATE_COMPLETE', before.made.physicalId);
        leftovers.push(...halves([after], before));
        return 'done';
      }
      operation.tell(planned, 'UPDATE_IN_PROGRESS', after.made.physicalId);
      try {
        const made = await operation.update(after, planned, properties, 'rollback');
        if (made === 'replace') {
          throw new Error('a rollback cannot replace a resource again');
        }
        const now = { planned, properties, made };
        stack.put(logicalId, now);
        operation.tell(planned, 'UPDATE_COMPLETE', made.physicalId);
        leftovers.push(...halves([after, before], now));
        if (made.cleanUp !== undefined) {
          leftovers.push({ kind: 'nested', logicalId, cleanUp: made.cleanUp });
        }
        return 'done';
      } catch (error) {
        operation.tell(planned, 'UPDATE_FAILED', after.made.physicalId, reasonOf(error));
        return 'failed';
      }
    },
  );
  for (const change of changes.values()) {
    if (change.kind === 'created' && change.after !== undefined) {
      leftovers.push(newResource(change.after));
    }
  }
  return {
    failed: [...outcomes].filter(([, outcome]) => outcome === 'failed').map(([logicalId]) => logicalId),
    leftovers,
  };
}

/** In place, always; where CloudFormation knows of a replacement only by a custom resource's answer, as is chosen. */
function getsAnUpdate({ engine }: Operation, before: StackResource, after: StackResource): boolean {
  if (before.made.physicalId === after.made.physicalId) {
    return true;
  }
  return isCustomResource(before.planned.declaration.type) && engine.rollbackOfReplaced === 'update-then-delete';
}

/** The physical resources that are not the one that stands now. */
function halves(resources: readonly StackResource[], now: StackResource): Leftover[] {
  return resources.filter(({ made }) => made.physicalId !== now.made.physicalId).map(newResource);
}

/** What an operation made is deleted when that operation is rolled back, unless it is to be kept even then. */
function newResource(resource: StackResource): Leftover {
  const retained = resource.planned.declaration.deletionPolicy === 'Retain';
  return { kind: 'resource', resource, retained, oldHalf: false };
}
