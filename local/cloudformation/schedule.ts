/** How the work on one item ended; an item that was never begun has no outcome. */
export type Outcome = 'done' | 'failed';

/**
 * Works on items as soon as what must come before them is done: in parallel where possible, and in the order of the
 * items where nothing else decides. What has to wait for something that failed is not begun.
 *
 * @param before the items that must be done before this one
 * @param work resolves to whether it succeeded
 * @param signal once aborted, nothing further is begun
 * @returns when everything that was begun has ended
 */
export async function inOrder(
  items: Iterable<string>,
  before: (item: string) => Iterable<string>,
  work: (item: string) => Promise<Outcome>,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, Outcome>> {
  const begun = new Map<string, Promise<Outcome | undefined>>();
  const outcomes = new Map<string, Outcome>();
  const done = Promise.resolve<Outcome>('done');
  const afterwards = async (item: string): Promise<Outcome | undefined> => {
    const firsts = await Promise.all([...before(item)].map((first) => begun.get(first) ?? done));
    if (signal?.aborted || firsts.some((first) => first !== 'done')) {
      return undefined;
    }
    const outcome = await work(item);
    outcomes.set(item, outcome);
    return outcome;
  };
  // All are known before the first begins, so that each finds what it waits for.
  for (const item of items) {
    const turn = Promise.resolve();
    begun.set(
      item,
      turn.then(() => afterwards(item)),
    );
  }
  await Promise.all(begun.values());
  return outcomes;
}

/**
 * Everything that something needs, directly or by way of others.
 *
 * @param needs what each item needs directly
 */
export function allNeededBy(
  item: string,
  needs: (item: string) => Iterable<string>,
  found: Set<string> = new Set(),
): ReadonlySet<string> {
  for (const needed of needs(item)) {
    if (found.has(needed)) {
      continue;
    }
    found.add(needed);
    allNeededBy(needed, needs, found);
  }
  return found;
}
