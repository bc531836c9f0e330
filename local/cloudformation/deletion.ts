import type { PlannedResource } from './blueprint';
import type { ResourceOperation } from './engine';
import type { Operation } from './operation';
import { runInOrder, type Outcome } from './schedule';
import { failedResources } from './reasons';
import type { StackResource, UnusedResource } from './stack-resource';
import type { ResourceDeclaration } from './template';

/** Something to delete: a resource of the stack, an unused one, or one that failed before there was a physical one. */
interface Deletable {
  readonly planned: PlannedResource;
  readonly resource?: StackResource;
  readonly unused?: UnusedResource;
}

interface DeletionDetails {
  /** Resources that failed before there was a physical one. @default none */
  readonly failed?: readonly PlannedResource[];
  /** Logical ids of resources to retain in any case. @default none */
  readonly retained?: ReadonlySet<string>;
}

/**
 * Deletes all resources of a stack, dependents before their dependencies. A resource that can't be deleted stays in the
 * stack, and so do its dependencies if the option says so.
 *
 * @param keeps whether a resource of the stack is retained
 * @returns logical ids of the resources that could not be deleted
 */
export async function deleteResources(
  operation: Operation,
  phase: ResourceOperation['phase'],
  keeps: (declaration: ResourceDeclaration) => boolean,
  { failed = [], retained = new Set() }: DeletionDetails = {},
): Promise<readonly string[]> {
  const { stack } = operation;
  const items = new Map<string, Deletable>([
    ...failed.map((planned) => [`${planned.declaration.logicalId} failed`, { planned }] as const),
    ...[...stack.resources].map(
      ([logicalId, resource]) => [logicalId, { planned: resource.planned, resource }] as const,
    ),
    ...stack.unused.map((unused, index) => {
      const { resource } = unused;
      const { planned } = resource;
      return [`${planned.declaration.logicalId} ${index}`, { planned, resource, unused }] as const;
    }),
  ]);
  const dependents = (key: string) => {
    const { logicalId } = items.get(key)!.planned.declaration;
    return [...items].filter(([, { planned }]) => planned.dependsOn.has(logicalId)).map(([dependent]) => dependent);
  };
  const forget = (logicalId: string, unused?: UnusedResource) => {
    if (unused === undefined) {
      stack.forget(logicalId);
    } else {
      stack.unused = stack.unused.filter((other) => other !== unused);
    }
  };
  const failures: string[] = [];
  await runInOrder([...items.keys()].reverse(), dependents, async (key): Promise<Outcome> => {
    const { planned, resource, unused } = items.get(key)!;
    const { logicalId } = planned.declaration;
    if (resource === undefined) {
      operation.report(planned, 'DELETE_COMPLETE');
      return 'done';
    }
    if (retained.has(logicalId) || (unused?.retained ?? keeps(planned.declaration))) {
      operation.report(planned, 'DELETE_SKIPPED', resource.physical.physicalId);
      forget(logicalId, unused);
      return 'done';
    }
    if ((await operation.delete(resource, phase)) === 'done') {
      forget(logicalId, unused);
      return 'done';
    }
    failures.push(logicalId);
    return operation.engine.deletionAfterFailure === 'goes on' ? 'done' : 'failed';
  });
  return failures;
}

/**
 * Rolls back the creation of a stack: deletes everything that was created.
 *
 * @param reason why the creation failed
 * @param failed resources that failed before there was a physical one
 */
export async function rollBackCreation(
  operation: Operation,
  reason: string,
  failed: readonly PlannedResource[],
): Promise<void> {
  operation.setStatus('ROLLBACK_IN_PROGRESS', `${reason.trimEnd()} Rollback requested by user.`.trimStart());
  // A resource with RetainExceptOnCreate is deleted when the operation that created it is rolled back.
  const isRetained = ({ deletionPolicy }: ResourceDeclaration) => deletionPolicy === 'Retain';
  const failures = await deleteResources(operation, 'rollback', isRetained, { failed });
  if (failures.length === 0) {
    operation.setStatus('ROLLBACK_COMPLETE');
  } else {
    operation.setStatus('ROLLBACK_FAILED', failedResources('delete', failures));
  }
}
