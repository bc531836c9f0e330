import { transitiveDependencies, runInOrder } from '../../../local/cloudformation/schedule';

describe('schedule', () => {
  const needs: Record<string, string[]> = { deploy: ['test'], test: ['build'], lint: [], build: [] };
  const before = (item: string) => needs[item] ?? [];

  test('inOrder processes dependencies first, and independent items in the given order', async () => {
    const processed: string[] = [];
    await runInOrder(Object.keys(needs), before, (item) => Promise.resolve(processed.push(item)).then(() => 'done'));
    expect(processed).toEqual(['lint', 'build', 'test', 'deploy']);
  });

  test('inOrder skips dependents of a failed item, and processes the rest', async () => {
    const outcomes = await runInOrder(Object.keys(needs), before, (item) =>
      Promise.resolve(item === 'test' ? 'failed' : 'done'),
    );
    expect(Object.fromEntries(outcomes)).toEqual({ lint: 'done', build: 'done', test: 'failed' });
  });

  test('inOrder begins nothing after it was aborted', async () => {
    const controller = new AbortController();
    const outcomes = await runInOrder(
      Object.keys(needs),
      before,
      (item) => {
        if (item === 'build') {
          controller.abort();
        }
        return Promise.resolve('done');
      },
      controller.signal,
    );
    expect([...outcomes.keys()].sort()).toEqual(['build', 'lint']);
  });

  test('inOrder ignores dependencies that are not among the items', async () => {
    const outcomes = await runInOrder(['deploy'], before, () => Promise.resolve('done'));
    expect([...outcomes.keys()]).toEqual(['deploy']);
  });

  test('allNeededBy returns direct and indirect dependencies', () => {
    expect([...transitiveDependencies('deploy', before)]).toEqual(['test', 'build']);
  });
});
