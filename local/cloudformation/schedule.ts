/** How the work on one item ended. An item that never began has no outcome. */
export type Outcome = 'done' | 'failed';

/**
 * Processes each item as soon as its dependencies are done: in parallel if possible, otherwise in the order of the
 * items. An item whose dependency failed never begins.
 *
 * @param before the dependencies of an item
 * @param work resolves to whether the item succeeded
 * @param signal once aborted, no further item begins
 * @returns the outcomes, when everything that began has ended
 */
export async function runInOrder(
  items: Iterable<string>,
  before: (item: string) => Iterable<string>,
  work: (item: string) => Promise<Outcome>,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, Outcome>> {
  const begun = new Map<string, Promise<Outcome | undefined>>();
  const outcomes = new Map<string, Outcome>();
  const done = Promise.resolve<Outcome>('done');
  const workAfterDependencies = async (item: string): Promise<Outcome | undefined> => {
    const dependencies = await Promise.all([...before(item)].map((dependency) => begun.get(dependency) ?? done));
    if (signal?.aborted || dependencies.some((dependency) => dependency !== 'done')) {
      return undefined;
    }
    const outcome = await work(item);
    outcomes.set(item, outcome);
    return outcome;
  };
  // Every item is registered before the first one begins, so that each finds its dependencies.
  for (const item of items) {
    const nextTurn = Promise.resolve();
    begun.set(
      item,
      nextTurn.then(() => workAfterDependencies(item)),
    );
  }
  await Promise.all(begun.values());
  return outcomes;
}

/**
 * All direct and indirect dependencies of an item.
 *
 * @param needs the direct dependencies of an item
 */
export function transitiveDependencies(
  item: string,
  needs: (item: string) => Iterable<string>,
  found: Set<string> = new Set(),
): ReadonlySet<string> {
  for (const needed of needs(item)) {
    if (found.has(needed)) {
      continue;
    }
    found.add(needed);
    transitiveDependencies(needed, needs, found);
  }
  return found;
}
