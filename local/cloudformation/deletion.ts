import type { ResourceOperation } from './engine';
import type { Operation } from './operation';
import { runInOrder, type Outcome } from './schedule';
import type { Removal } from './template';

/**
 * Deletes all resources of a stack, dependents before their dependencies. A resource that can't be deleted stays in the
 * stack, together with its dependencies.
 *
 * @param keeps the deletion policies that retain a resource
 * @returns logical ids of the resources that could not be deleted
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
  const outcomes = await runInOrder(
    [...resources.keys()].reverse(),
    dependents,
    async (logicalId): Promise<Outcome> => {
      const resource = resources.get(logicalId);
      if (resource === undefined) {
        return 'done';
      }
      if (keeps.includes(resource.planned.declaration.deletionPolicy)) {
        operation.report(resource.planned, 'DELETE_SKIPPED', resource.physical.physicalId);
        stack.forget(logicalId);
        return 'done';
      }
      const outcome = await operation.delete(resource, phase);
      if (outcome === 'done') {
        stack.forget(logicalId);
      }
      return outcome;
    },
  );
  return [...outcomes].filter(([, outcome]) => outcome === 'failed').map(([logicalId]) => logicalId);
}
