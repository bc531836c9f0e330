import { custom, parameter, World } from './world';

describe('deleting a stack', () => {
  test('deletes dependents before their dependencies', async () => {
    const world = new World();
    await world.create({ A: parameter(), B: parameter({ Ref: 'A' }), C: custom({ Id: 'c', Needs: { Ref: 'B' } }) });
    world.story();
    expect((await world.delete()).status).toBe('DELETE_COMPLETE');
    expect(world.story().filter((line) => line.endsWith('COMPLETE'))).toEqual([
      'C DELETE_COMPLETE',
      'B DELETE_COMPLETE',
      'A DELETE_COMPLETE',
      'Stack DELETE_COMPLETE',
    ]);
  });

  test.each(['Retain', 'RetainExceptOnCreate'])(
    'sends nothing to a custom resource with DeletionPolicy %s',
    async (DeletionPolicy) => {
      const world = new World();
      await world.create({ A: custom({}, { DeletionPolicy }) });
      await world.delete();
      expect(world.asked()).toEqual(['Create A']);
      expect(world.story()).toContain('A DELETE_SKIPPED');
    },
  );

  test('goes on after a failure: it deletes what the failed resource depends on, and ends in DELETE_FAILED', async () => {
    const world = new World();
    await world.create({ A: parameter(), B: custom({ Id: 'b' }, { DependsOn: 'A' }), C: parameter() });
    world.behaviour = (event) => world.fail(event);
    expect(await world.delete()).toMatchObject({
      status: 'DELETE_FAILED',
      reason: 'The following resource(s) failed to delete: [B]. ',
      resources: [{ logicalId: 'B' }],
    });
    world.behaviour = (event) => world.succeed(event);
    expect((await world.delete()).status).toBe('DELETE_COMPLETE');
    expect(world.asked()).toEqual(['Create B', 'Delete B b', 'Delete B b']);
  });

  test('if failures stop it, keeps what the failed resource depends on, and deletes it when retried', async () => {
    const world = new World({ deletionAfterFailure: 'stops' });
    await world.create({ A: parameter(), B: custom({ Id: 'b' }, { DependsOn: 'A' }), C: parameter() });
    world.behaviour = (event) => world.fail(event);
    const failed = await world.delete();
    expect(failed).toMatchObject({
      status: 'DELETE_FAILED',
      reason: 'The following resource(s) failed to delete: [B]. ',
      resources: [{ logicalId: 'A' }, { logicalId: 'B' }],
    });
    expect(world.asked()).toEqual(['Create B', 'Delete B b']);
    world.behaviour = (event) => world.succeed(event);
    expect((await world.delete()).status).toBe('DELETE_COMPLETE');
    expect(world.asked()).toEqual(['Delete B b']);
  });

  describe('with resources to retain', () => {
    const failedDeletion = async (more: object = {}) => {
      const world = new World();
      await world.create({ A: parameter(), B: custom({ Id: 'b' }), C: custom({ Id: 'c' }), ...more });
      world.behaviour = (event) => world.fail(event);
      const { stackId } = await world.delete();
      world.asked();
      world.story();
      return { world, stackId };
    };

    test('skips and forgets them', async () => {
      const { world, stackId } = await failedDeletion();
      world.behaviour = (event) => world.succeed(event);
      expect(await world.delete({ retainResources: ['B'] })).toMatchObject({
        status: 'DELETE_COMPLETE',
        resources: [],
      });
      expect(world.asked()).toEqual(['Delete C c']);
      expect(world.story()).toContain('B DELETE_SKIPPED');
      expect(world.cloudFormation.describeStack(stackId)?.status).toBe('DELETE_COMPLETE');
    });

    test('fails in every state but DELETE_FAILED', async () => {
      const world = new World();
      const { stackId } = await world.create({ A: parameter() });
      await expect(world.delete({ retainResources: ['A'] })).rejects.toMatchObject({
        code: 'ValidationError',
        message:
          `Invalid operation on stack [${stackId}]. When you delete a stack, specify which resources to retain only ` +
          'when the stack is in the DELETE_FAILED state.',
      });
      expect(world.cloudFormation.describeStack('Stack')?.status).toBe('CREATE_COMPLETE');
    });

    test.each(['A', 'Unknown'])('fails for a resource that the stack no longer has: %s', async (logicalId) => {
      const { world } = await failedDeletion();
      await expect(world.delete({ retainResources: [logicalId] })).rejects.toThrow(
        'The specified resources to retain must be in a valid state. ' +
          'Do not specify resources that are in the DELETE_COMPLETE state.',
      );
    });
  });

  test('frees the name, and leaves the stack visible by its id', async () => {
    const world = new World();
    const { stackId } = await world.create({ A: parameter() });
    await world.delete();
    expect(world.cloudFormation.describeStack('Stack')).toBeUndefined();
    expect(world.cloudFormation.describeStack(stackId)?.status).toBe('DELETE_COMPLETE');
    expect((await world.create({ A: parameter() })).status).toBe('CREATE_COMPLETE');
  });

  test('fails while another operation is in progress', async () => {
    const world = new World();
    const creation = world.create({ A: parameter() });
    await expect(world.cloudFormation.deleteStack('Stack')).rejects.toThrow(/is in CREATE_IN_PROGRESS state/);
    await creation;
  });

  test('is canceled while other stacks import one of its exports, and then has its former status', async () => {
    const world = new World();
    await world.create({ A: parameter() }, { Outputs: { O: { Value: 'v', Export: { Name: 'shared' } } } });
    const template = { Resources: { B: parameter({ 'Fn::ImportValue': 'shared' }) } };
    for (const stackName of ['One', 'Two', 'Three']) {
      await world.clock.run(world.cloudFormation.createStack({ stackName, template }));
    }
    world.story();
    expect(await world.delete()).toMatchObject({
      status: 'CREATE_COMPLETE',
      reason: 'Delete canceled. Cannot delete export shared as it is in use by One, Two and Three.',
      resources: [{ logicalId: 'A' }],
    });
    expect(world.story()).toEqual(['Stack DELETE_IN_PROGRESS', 'Stack CREATE_COMPLETE']);
    for (const stackName of ['One', 'Two', 'Three']) {
      await world.clock.run(world.cloudFormation.deleteStack(stackName));
    }
    expect((await world.delete()).status).toBe('DELETE_COMPLETE');
  });

  test('fails if the stack does not exist, and names it', async () => {
    await expect(new World().delete()).rejects.toThrow('Stack with id Stack does not exist');
  });
});
