import type { InProcessAccountOptions } from '../../../local/in-process-account';
import { custom, parameter, World } from './world';

const NO_ROLLBACK = { disableRollback: true };
const USER = { Type: 'AWS::IAM::User', Properties: { UserName: 'one' } };

/** A world whose custom resources fail while their property `Fails` is set, with the id in `FailedId` if there is one. */
function newWorld(options: Partial<InProcessAccountOptions> = {}): World {
  const world = new World(options);
  world.behaviour = (event) => {
    const { Fails, FailedId, Id } = event.ResourceProperties;
    return Fails !== undefined && event.RequestType !== 'Delete'
      ? world.fail(event, String(FailedId ?? event.PhysicalResourceId ?? Id))
      : world.succeed(event, event.RequestType === 'Delete' ? event.PhysicalResourceId : String(Id));
  };
  return world;
}

const good = (Id: string, more: object = {}) => custom({ Id, ...more });
const bad = (Id: string, more: object = {}) => custom({ Id, Fails: true, ...more });

describe('creating a stack without rollback', () => {
  test('keeps what was created and what failed, and goes on with what does not depend on it', async () => {
    const world = newWorld();
    world.behaviour = async (event, { clock }) => {
      if (event.LogicalResourceId === 'B') {
        return world.fail(event, 'b-failed');
      }
      await clock.sleep(60_000);
      world.succeed(event);
    };
    const stack = await world.create(
      { A: good('a'), B: good('b'), C: parameter({ Ref: 'A' }), D: parameter({ Ref: 'B' }) },
      {},
      NO_ROLLBACK,
    );
    expect(stack).toMatchObject({
      status: 'CREATE_FAILED',
      reason: 'The following resource(s) failed to create: [B]. ',
    });
    expect(world.asked()).toEqual(['Create A', 'Create B']);
    expect(world.physicalIds()).toMatchObject({
      A: 'a',
      B: 'b-failed',
      C: expect.stringMatching(/^Stack-C-/) as string,
    });
    expect(world.story().filter((line) => line.startsWith('D '))).toEqual([]);
  });

  test('that succeeds is like any other creation', async () => {
    const world = newWorld();
    expect((await world.create({ A: good('a') }, {}, NO_ROLLBACK)).status).toBe('CREATE_COMPLETE');
    await expect(world.update({ A: good('a') })).rejects.toThrow('No updates are to be performed.');
  });

  test('is rejected for nested stacks', async () => {
    const nested = { Type: 'AWS::CloudFormation::Stack', Properties: { TemplateURL: 'https://x' } };
    await expect(new World().create({ A: nested }, {}, NO_ROLLBACK)).rejects.toThrow('nested stacks are not supported');
  });
});

describe('the next update of a stack whose creation failed without rollback', () => {
  test.each([
    ['delete first', ['Delete B b-failed', 'Create B']],
    ['delete last', ['Create B', 'Delete B b-failed']],
  ] as const)('creates failed resources again and deletes what failed: %s', async (failedResourceOrder, expected) => {
    const world = newWorld({ failedResourceOrder });
    await world.create({ A: good('a'), B: bad('b', { FailedId: 'b-failed' }) }, {}, NO_ROLLBACK);
    world.asked();
    const stack = await world.update({ A: good('a'), B: good('b') });
    expect(stack.status).toBe('UPDATE_COMPLETE');
    expect(world.asked()).toEqual(expected);
    expect(world.physicalIds()).toEqual({ A: 'a', B: 'b' });
    await expect(world.update({ A: good('a'), B: good('b') })).rejects.toThrow('No updates are to be performed.');
  });

  test('can have the same template', async () => {
    const world = newWorld();
    const template = { A: good('a'), X: parameter('x', { DependsOn: 'A' }) };
    world.breaks('X', 'create');
    await world.create(template, {}, NO_ROLLBACK);
    world.fault = () => undefined;
    expect(world.cloudFormation.isDifferent({ stackName: 'Stack', template: { Resources: template } })).toBe(true);
    expect((await world.update(template)).status).toBe('UPDATE_COMPLETE');
    expect(world.asked()).toEqual(['Create A']);
  });

  test.each(['delete first', 'delete last'] as const)(
    'deletes a resource that never responded by an invented id: %s',
    async (failedResourceOrder) => {
      const world = newWorld({ failedResourceOrder });
      world.behaviour = (event) =>
        event.ResourceProperties.ServiceTimeout === undefined ? world.succeed(event, 'b') : undefined;
      await world.create({ B: good('b', { ServiceTimeout: 60 }) }, {}, NO_ROLLBACK);
      world.behaviour = (event) => world.succeed(event, event.PhysicalResourceId ?? 'b');
      await world.update({ B: good('b') });
      const deletion = world.requests.find(({ RequestType }) => RequestType === 'Delete');
      expect(deletion?.PhysicalResourceId).toMatch(/^Stack-B-[A-Z0-9]{12}$/);
      expect(world.physicalIds()).toEqual({ B: 'b' });
    },
  );

  test('does not delete what failed if the new resource has its id', async () => {
    const world = newWorld();
    await world.create({ B: bad('b') }, {}, NO_ROLLBACK);
    await world.update({ B: good('b') });
    expect(world.asked()).toEqual(['Create B', 'Create B']);
  });

  test('deletes what failed even if the resource has left the template', async () => {
    const world = newWorld();
    await world.create({ A: good('a'), B: bad('b'), C: good('c') }, {}, NO_ROLLBACK);
    world.asked();
    await world.update({ A: good('a') });
    expect(world.asked().sort()).toEqual(['Delete B b', 'Delete C c']);
    expect(world.physicalIds()).toEqual({ A: 'a' });
  });

  test('that fails without rollback, too, keeps everything for another', async () => {
    const world = newWorld();
    await world.create({ B: bad('b', { FailedId: 'one' }) }, {}, NO_ROLLBACK);
    expect((await world.update({ B: bad('b', { FailedId: 'two' }) }, {}, NO_ROLLBACK)).status).toBe('UPDATE_FAILED');
    world.asked();
    expect((await world.update({ B: good('b') })).status).toBe('UPDATE_COMPLETE');
    expect(world.asked().sort()).toEqual(['Create B', 'Delete B one', 'Delete B two']);
  });

  test('that fails with rollback deletes everything, because the stack was never complete', async () => {
    const world = newWorld();
    await world.create({ A: good('a'), B: bad('b', { FailedId: 'one' }) }, {}, NO_ROLLBACK);
    world.asked();
    const stack = await world.update({ A: good('a', { Color: 'red' }), B: bad('b', { FailedId: 'two' }) });
    expect(stack).toMatchObject({ status: 'ROLLBACK_COMPLETE', resources: [] });
    expect(world.asked().slice(-3).sort()).toEqual(['Delete A a', 'Delete B one', 'Delete B two']);
  });

  test('tries deleting what failed again in cleanup if that fails first', async () => {
    const world = newWorld({ failedResourceOrder: 'delete first' });
    await world.create({ B: bad('b', { FailedId: 'one' }) }, {}, NO_ROLLBACK);
    let failures = 0;
    const { behaviour } = world;
    world.behaviour = (event, life) =>
      event.RequestType === 'Delete' && failures++ === 0 ? world.fail(event, 'one') : behaviour(event, life);
    world.asked();
    await world.update({ B: good('b') });
    expect(world.asked()).toEqual(['Delete B one', 'Create B', 'Delete B one']);
  });
});

describe('a stack whose creation failed without rollback', () => {
  const failedStack = async (more: object = {}) => {
    const world = newWorld();
    const B = custom({ Id: 'b', Fails: true }, { DependsOn: 'A', ...more });
    await world.create({ A: custom({ Id: 'a' }, more), B, X: parameter() }, {}, NO_ROLLBACK);
    world.asked();
    world.story();
    return world;
  };

  test('can be rolled back', async () => {
    const world = await failedStack();
    const stack = await world.clock.run(world.cloudFormation.rollbackStack('Stack'));
    expect(stack).toMatchObject({ status: 'ROLLBACK_COMPLETE', resources: [] });
    expect(world.asked()).toEqual(['Delete B b', 'Delete A a']);
    expect(world.reasonOf('Stack', 'ROLLBACK_IN_PROGRESS')).toBe('Rollback requested by user.');
  });

  test('can be deleted', async () => {
    const world = await failedStack();
    expect((await world.delete()).status).toBe('DELETE_COMPLETE');
    expect(world.asked()).toEqual(['Delete B b', 'Delete A a']);
  });

  test('keeps what failed if it can’t be deleted, and can retain it then', async () => {
    const world = await failedStack();
    const { behaviour } = world;
    world.behaviour = (event, life) => (event.RequestType === 'Delete' ? world.fail(event) : behaviour(event, life));
    expect(await world.delete()).toMatchObject({
      status: 'DELETE_FAILED',
      reason: 'The following resource(s) failed to delete: [B, A]. ',
      resources: [{ logicalId: 'A' }, { logicalId: 'B' }],
    });
    expect((await world.delete({ retainResources: ['A', 'B'] })).status).toBe('DELETE_COMPLETE');
  });

  test.each([
    ['rolled back', 'RetainExceptOnCreate', ['Delete B b', 'Delete A a']],
    ['rolled back', 'Retain', []],
    ['deleted', 'RetainExceptOnCreate', ['Delete B b']],
    ['deleted', 'Retain', []],
  ])('that is %s applies DeletionPolicy %s', async (how, DeletionPolicy, expected) => {
    const world = await failedStack({ DeletionPolicy });
    await (how === 'deleted' ? world.delete() : world.clock.run(world.cloudFormation.rollbackStack('Stack')));
    expect(world.asked()).toEqual(expected);
  });
});

describe('updating a stack without rollback', () => {
  const updated = async (options: Partial<InProcessAccountOptions> = {}, more: object = {}) => {
    const world = newWorld(options);
    await world.create({ A: good('a', { Color: 'red' }), B: good('b', { Color: 'red' }), ...more });
    world.asked();
    return world;
  };

  test('keeps what succeeded, and updates what failed again with the properties of the last stable state', async () => {
    const world = await updated();
    const stack = await world.update(
      { A: bad('a', { Color: 'blue' }), B: good('b', { Color: 'blue' }), N: bad('n', { FailedId: 'n-failed' }) },
      {},
      NO_ROLLBACK,
    );
    expect(stack).toMatchObject({
      status: 'UPDATE_FAILED',
      reason: 'The following resource(s) failed to create: [N]. The following resource(s) failed to update: [A]. ',
    });
    world.asked();
    await world.update({ A: good('a', { Color: 'blue' }), B: good('b', { Color: 'blue' }), N: good('n') });
    expect(world.requests.find(({ RequestType }) => RequestType === 'Update')?.OldResourceProperties).toMatchObject({
      Color: 'red',
    });
    expect(world.asked()).toEqual(['Update A a', 'Create N', 'Delete N n-failed']);
    expect(world.cloudFormation.describeStack('Stack')?.status).toBe('UPDATE_COMPLETE');
  });

  test('updates a failed resource again even if its properties are those of the last stable state', async () => {
    const world = await updated();
    const B = good('b', { Color: 'red' });
    await world.update({ A: bad('a', { Color: 'blue' }), B }, {}, NO_ROLLBACK);
    world.asked();
    await world.update({ A: good('a', { Color: 'red' }), B });
    expect(world.asked()).toEqual(['Update A a']);
  });

  test('can be rolled back to the last stable state after several failures', async () => {
    const world = await updated();
    const N = bad('n', { FailedId: 'n-failed' });
    await world.update({ A: bad('a', { Color: 'blue' }), B: good('b', { Color: 'blue' }), N }, {}, NO_ROLLBACK);
    await world.update({ A: good('a', { Color: 'green' }), B: good('b', { Color: 'blue' }), N }, {}, NO_ROLLBACK);
    const before = world.requests.length;
    const stack = await world.clock.run(world.cloudFormation.rollbackStack('Stack'));
    expect(stack).toMatchObject({
      status: 'UPDATE_ROLLBACK_COMPLETE',
      resources: [{ logicalId: 'A' }, { logicalId: 'B' }],
    });
    const back = world.requests.slice(before);
    expect(back.filter(({ RequestType }) => RequestType === 'Update')).toMatchObject([
      { LogicalResourceId: 'A', ResourceProperties: { Color: 'red' }, OldResourceProperties: { Color: 'green' } },
      { LogicalResourceId: 'B', ResourceProperties: { Color: 'red' }, OldResourceProperties: { Color: 'blue' } },
    ]);
    expect(world.asked().slice(-2)).toEqual(['Delete N n-failed', 'Delete N n-failed']);
  });

  test('that is followed by a failing update with rollback rolls both back', async () => {
    const world = await updated();
    await world.update({ A: good('a', { Color: 'blue' }), B: bad('b', { Color: 'blue' }) }, {}, NO_ROLLBACK);
    world.asked();
    const stack = await world.update({ A: good('a', { Color: 'blue' }), B: bad('b', { Color: 'green' }) });
    expect(stack.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(world.asked()).toEqual(['Update B b', 'Update A a', 'Update B b']);
  });

  test('deletes every physical resource that a custom resource has had, once a later update succeeds', async () => {
    const world = await updated();
    const B = good('b', { Color: 'red' });
    await world.update({ A: good('a2'), B, X: bad('x') }, {}, NO_ROLLBACK);
    await world.update({ A: good('a3'), B, X: bad('x') }, {}, NO_ROLLBACK);
    world.asked();
    await world.update({ A: good('a3'), B });
    expect(world.asked().sort()).toEqual(['Delete A a', 'Delete A a2', 'Delete X x', 'Delete X x']);
    expect(world.physicalIds()).toEqual({ A: 'a3', B: 'b' });
  });

  test('deletes every physical resource that a custom resource has had if the stack is deleted', async () => {
    const world = await updated();
    await world.update({ A: good('a2'), B: good('b', { Color: 'red' }), X: bad('x') }, {}, NO_ROLLBACK);
    world.asked();
    expect((await world.delete()).status).toBe('DELETE_COMPLETE');
    expect(world.asked().sort()).toEqual(['Delete A a', 'Delete A a2', 'Delete B b', 'Delete X x']);
  });

  test('can’t replace a resource', async () => {
    const world = await updated({}, { U: USER });
    const stack = await world.update(
      {
        A: good('a', { Color: 'red' }),
        B: good('b', { Color: 'red' }),
        U: { ...USER, Properties: { UserName: 'two' } },
      },
      {},
      NO_ROLLBACK,
    );
    expect(stack.status).toBe('UPDATE_FAILED');
    expect(world.reasonOf('U', 'UPDATE_FAILED')).toBe(
      'Replacement type updates not supported on stack with disable-rollback.',
    );
    expect(world.iam.state().users.map(({ userName }) => userName)).toEqual(['one']);
  });

  test('that is canceled rolls back', async () => {
    const world = await updated();
    world.behaviour = async (event, { clock }) => {
      await clock.sleep(event.ResourceProperties.Color === 'blue' ? 60_000 : 0);
      world.succeed(event);
    };
    const template = { Resources: { A: good('a', { Color: 'blue' }), B: good('b', { Color: 'red' }) } };
    const update = world.cloudFormation.updateStack({ stackName: 'Stack', template, ...NO_ROLLBACK });
    void world.clock.sleep(5_000).then(() => world.cloudFormation.cancelUpdate('Stack'));
    expect((await world.clock.run(update)).status).toBe('UPDATE_ROLLBACK_COMPLETE');
  });
});

test('a stack can be rolled back only after an operation failed without rollback', async () => {
  const world = newWorld();
  await world.create({ A: good('a') });
  await expect(world.cloudFormation.rollbackStack('Stack')).rejects.toThrow(/is in CREATE_COMPLETE state/);
});
