import type { ResourceOperation } from './engine';
import type { Operation } from './operation';
import { inOrder, type Outcome } from './schedule';
import type { Removal } from './template';

/**
 * Deletes all resources of a stack, what depends on something before it. What could not be deleted stays in the stack,
 * and so does what it depends on.
 *
 * @param keeps the deletion policies under which a resource is left alone
 * @returns logical ids of what could not be deleted
 */
export async function deleteResources(
  operation: Operation,
  phase: ResourceOperation['phase'],
  keeps: readonly Removal[],
): Promise<readonly string[]> {
  const { stack } = operation;
  const { resources } = stack;
  const dependents = (logicalId: string) =>
    [...resources].filter(([, { planned }]) => planned.dependsOn.has(logicalId)).map(([dependent]) => dependent);
  const outcomes = await inOrder([...resources.keys()].reverse(), dependents, async (logicalId): Promise<Outcome> => {
    const resource = resources.get(logicalId);
    if (resource === undefined) {
      return 'done';
    }
    if (keeps.includes(resource.planned.declaration.deletionPolicy)) {
      operation.tell(resource.planned, 'DELETE_SKIPPED', resource.made.physicalId);
      stack.forget(logicalId);
      return 'done';
    }
    const outcome = await operation.delete(resource, phase);
    if (outcome === 'done') {
      stack.forget(logicalId);
    }
    return outcome;
  });
  return [...outcomes].filter(([, outcome]) => outcome === 'failed').map(([logicalId]) => logicalId);
}
