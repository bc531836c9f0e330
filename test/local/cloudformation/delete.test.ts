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

  test('ends in DELETE_FAILED with the remaining resources, and deletes them when retried', async () => {
    const world = new World();
    await world.create({ A: parameter(), B: custom({ Id: 'b' }, { DependsOn: 'A' }), C: parameter() });
    world.behaviour = (event) => world.fail(event);
    const failed = await world.delete();
    expect(failed).toMatchObject({
      status: 'DELETE_FAILED',
      reason: 'The following resource(s) failed to delete: [B].',
      resources: [{ logicalId: 'A' }, { logicalId: 'B' }],
    });
    expect(world.asked()).toEqual(['Create B', 'Delete B b']);
    world.behaviour = (event) => world.succeed(event);
    expect((await world.delete()).status).toBe('DELETE_COMPLETE');
    expect(world.asked()).toEqual(['Delete B b']);
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

  test('fails while another stack imports one of its exports', async () => {
    const world = new World();
    await world.create({ A: parameter() }, { Outputs: { O: { Value: 'v', Export: { Name: 'shared' } } } });
    const template = { Resources: { B: parameter({ 'Fn::ImportValue': 'shared' }) } };
    await world.clock.run(world.cloudFormation.createStack({ stackName: 'Importer', template }));
    await expect(world.delete()).rejects.toThrow('Cannot delete export shared as it is in use by Importer');
    await world.clock.run(world.cloudFormation.deleteStack('Importer'));
    expect((await world.delete()).status).toBe('DELETE_COMPLETE');
  });

  test('fails if the stack does not exist, and names it', async () => {
    await expect(new World().delete()).rejects.toThrow('Stack with id Stack does not exist');
  });
});
