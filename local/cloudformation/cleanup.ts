import type { PlannedResource } from './blueprint';
import type { Operation } from './operation';
import { transitiveDependencies, runInOrder, type Outcome } from './schedule';
import type { StackResource } from './stack-resource';

/** How often CloudFormation attempts a delete during cleanup before it abandons the resource. */
const CLEANUP_ATTEMPTS = 3;

/** How long CloudFormation was seen to wait between these attempts. */
const CLEANUP_INTERVAL_MS = 3 * 60_000;

/** Something to clean up when an update is complete or rolled back. */
export type Leftover =
  /** A physical resource that the stack no longer uses. */
  | {
      readonly kind: 'resource';
      readonly resource: StackResource;
      readonly retained: boolean;
      readonly oldHalf: boolean;
    }
  /** A resource that failed before there was a physical one. */
  | { readonly kind: 'nothing'; readonly planned: PlannedResource }
  /** The cleanup of a nested stack. */
  | { readonly kind: 'nested'; readonly logicalId: string; readonly cleanUp: () => Promise<void> };

/**
 * Cleans up: dependents are deleted before their dependencies. A delete that fails three times is abandoned, and the
 * dependencies are deleted anyway.
 *
 * @param needs the dependencies of each logical id at the time when the leftovers were created
 * @returns whether everything was deleted
 */
export async function cleanUp(
  operation: Operation,
  leftovers: readonly Leftover[],
  needs: (logicalId: string) => Iterable<string>,
): Promise<boolean> {
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
  let isClean = true;
  await runInOrder(items.keys(), before, async (key) => {
    isClean = (await cleanUpOne(operation, items.get(key) as Leftover)) === 'done' && isClean;
    return 'done';
  });
  return isClean;
}

function logicalIdOf(leftover: Leftover): string {
  switch (leftover.kind) {
    case 'nested':
      return leftover.logicalId;
    case 'nothing':
      return leftover.planned.declaration.logicalId;
    case 'resource':
      return leftover.resource.planned.declaration.logicalId;
  }
}

async function cleanUpOne(operation: Operation, leftover: Leftover): Promise<Outcome> {
  if (leftover.kind === 'nested') {
    await leftover.cleanUp();
    return 'done';
  }
  if (leftover.kind === 'nothing') {
    operation.report(leftover.planned, 'DELETE_COMPLETE');
    return 'done';
  }
  const { resource, retained } = leftover;
  if (retained) {
    operation.report(resource.planned, 'DELETE_SKIPPED', resource.physical.physicalId);
    return 'done';
  }
  for (let attempt = 1; attempt <= CLEANUP_ATTEMPTS; attempt++) {
    if (attempt > 1) {
      await operation.engine.clock.sleep(CLEANUP_INTERVAL_MS);
    }
    if ((await operation.delete(resource, 'cleanup')) === 'done') {
      return 'done';
    }
  }
  return 'failed';
}
