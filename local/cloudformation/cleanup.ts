import type { Operation } from './operation';
import { allNeededBy, inOrder, type Outcome } from './schedule';
import type { StackResource } from './stack';

/** How often CloudFormation tries a delete in clean-up before it gives up and says nothing more of it. */
const CLEANUP_ATTEMPTS = 3;

/** Something that an update leaves to be cleaned up once it stands, or once it is rolled back. */
export type Leftover =
  /** A physical resource that the stack has no use for any more. */
  | {
      readonly kind: 'resource';
      readonly resource: StackResource;
      readonly retained: boolean;
      readonly oldHalf: boolean;
    }
  /** What a nested stack has left over itself. */
  | { readonly kind: 'nested'; readonly logicalId: string; readonly cleanUp: () => Promise<void> };

/**
 * Cleans up: what depends on something goes before it. A delete that fails is tried three times and then given up, and
 * what it depends on is deleted nevertheless.
 *
 * @param needs what each logical id depended on when the leftovers were made
 */
export async function cleanUp(
  operation: Operation,
  leftovers: readonly Leftover[],
  needs: (logicalId: string) => Iterable<string>,
): Promise<void> {
  const items = new Map(leftovers.map((leftover, index) => [`${logicalIdOf(leftover)} ${index}`, leftover]));
  const { oldHalfOrder, random } = operation.engine;
  // Out of order means before everything else or after it: the two ends of what can happen.
  const first = new Set<string>();
  const last = new Set<string>();
  for (const [key, leftover] of items) {
    if (oldHalfOrder === 'ordered' || leftover.kind !== 'resource' || !leftover.oldHalf) {
      continue;
    }
    ((random(1)[0] ?? 0) < 128 ? first : last).add(key);
  }
  const inBetween = new Map([...items].filter(([key]) => !first.has(key) && !last.has(key)));
  const before = (key: string): Iterable<string> => {
    const leftover = inBetween.get(key);
    if (first.has(key)) {
      return [];
    }
    if (leftover === undefined) {
      return [...first, ...inBetween.keys()];
    }
    const needed = logicalIdOf(leftover);
    const dependents = [...inBetween].filter(([, other]) => allNeededBy(logicalIdOf(other), needs).has(needed));
    return [...first, ...dependents.map(([dependent]) => dependent)];
  };
  await inOrder(items.keys(), before, (key) => cleanUpOne(operation, items.get(key) as Leftover));
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
    operation.tell(resource.planned, 'DELETE_SKIPPED', resource.made.physicalId);
    return 'done';
  }
  for (let attempt = 1; attempt <= CLEANUP_ATTEMPTS; attempt++) {
    if ((await operation.delete(resource, 'cleanup')) === 'done') {
      break;
    }
  }
  return 'done';
}
