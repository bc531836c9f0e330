import type { Operation } from './operation';
import { transitiveDependencies, runInOrder, type Outcome } from './schedule';
import type { StackResource } from './stack';

/** How often CloudFormation attempts a delete during cleanup before it abandons the resource. */
const CLEANUP_ATTEMPTS = 3;

/** Something to clean up when an update is complete or rolled back. */
export type Leftover =
  /** A physical resource that the stack no longer uses. */
  | {
      readonly kind: 'resource';
      readonly resource: StackResource;
      readonly retained: boolean;
      readonly oldHalf: boolean;
    }
  /** The cleanup of a nested stack. */
  | { readonly kind: 'nested'; readonly logicalId: string; readonly cleanUp: () => Promise<void> };

/**
 * Cleans up: dependents are deleted before their dependencies. A delete that fails three times is abandoned, and the
 * dependencies are deleted anyway.
 *
 * @param needs the dependencies of each logical id at the time when the leftovers were created
 */
export async function cleanUp(
  operation: Operation,
  leftovers: readonly Leftover[],
  needs: (logicalId: string) => Iterable<string>,
): Promise<void> {
  const items = new Map(leftovers.map((leftover, index) => [`${logicalIdOf(leftover)} ${index}`, leftover]));
  const { oldHalfOrder, random } = operation.engine;
  // Out of order means before or after everything else, the two extremes of what can happen.
  const first = new Set<string>();
  const last = new Set<string>();
  for (const [key, leftover] of items) {
    if (oldHalfOrder === 'ordered' || leftover.kind !== 'resource' || !leftover.oldHalf) {
      continue;
    }
    ((random(1)[0] ?? 0) < 128 ? first : last).add(key);
  }
  const ordered = new Map([...items].filter(([key]) => !first.has(key) && !last.has(key)));
  const before = (key: string): Iterable<string> => {
    const leftover = ordered.get(key);
    if (first.has(key)) {
      return [];
    }
    if (leftover === undefined) {
      return [...first, ...ordered.keys()];
    }
    const logicalId = logicalIdOf(leftover);
    const dependents = [...ordered].filter(([, other]) =>
      transitiveDependencies(logicalIdOf(other), needs).has(logicalId),
    );
    return [...first, ...dependents.map(([dependent]) => dependent)];
  };
  await runInOrder(items.keys(), before, (key) => cleanUpOne(operation, items.get(key) as Leftover));
}

function logicalIdOf(leftover: Leftover): string {
  return leftover.kind === 'nested' ? leftover.logicalId : leftover.resource.planned.declaration.logicalId;
}

async function cleanUpOne(operation: Operation, leftover: Leftover): Promise<Outcome> {
  if (leftover.kind === 'nested') {
    await leftover.cleanUp();
    return 'done';
  }
  const { resource, retained } = leftover;
  if (retained) {
    operation.report(resource.planned, 'DELETE_SKIPPED', resource.physical.physicalId);
    return 'done';
  }
  for (let attempt = 1; attempt <= CLEANUP_ATTEMPTS; attempt++) {
    if ((await operation.delete(resource, 'cleanup')) === 'done') {
      break;
    }
  }
  return 'done';
}
