import { allNeededBy, inOrder } from '../../../local/cloudformation/schedule';

describe('work in order', () => {
  const needs: Record<string, string[]> = { roof: ['walls'], walls: ['ground'], garden: [], ground: [] };
  const before = (item: string) => needs[item] ?? [];

  test('does what must come first first, and otherwise keeps the order of the items', async () => {
    const done: string[] = [];
    await inOrder(Object.keys(needs), before, (item) => Promise.resolve(done.push(item)).then(() => 'done'));
    expect(done).toEqual(['garden', 'ground', 'walls', 'roof']);
  });

  test('begins nothing that waits for what failed, and goes on with the rest', async () => {
    const outcomes = await inOrder(Object.keys(needs), before, (item) =>
      Promise.resolve(item === 'walls' ? 'failed' : 'done'),
    );
    expect(Object.fromEntries(outcomes)).toEqual({ garden: 'done', ground: 'done', walls: 'failed' });
  });

  test('begins nothing once it is stopped', async () => {
    const stop = new AbortController();
    const outcomes = await inOrder(
      Object.keys(needs),
      before,
      (item) => {
        if (item === 'ground') {
          stop.abort();
        }
        return Promise.resolve('done');
      },
      stop.signal,
    );
    expect([...outcomes.keys()].sort()).toEqual(['garden', 'ground']);
  });

  test('does not wait for what is not among the items', async () => {
    const outcomes = await inOrder(['roof'], before, () => Promise.resolve('done'));
    expect([...outcomes.keys()]).toEqual(['roof']);
  });

  test('knows what something needs by way of others', () => {
    expect([...allNeededBy('roof', before)]).toEqual(['walls', 'ground']);
  });
});
