import { custom, parameter, World } from './world';

describe('updating a stack', () => {
  test('creates and updates resources first, and then deletes removed ones', async () => {
    const world = new World();
    await world.create({ A: custom({ Id: 'a' }), B: custom({ Id: 'b' }) });
    world.story();
    const stack = await world.update({ B: custom({ Id: 'b', More: 1 }), C: custom({ Id: 'c' }, { DependsOn: 'B' }) });
    expect(stack.status).toBe('UPDATE_COMPLETE');
    expect(world.story()).toEqual([
      'Stack UPDATE_IN_PROGRESS',
      'B UPDATE_IN_PROGRESS',
      'B UPDATE_COMPLETE',
      'C CREATE_IN_PROGRESS',
      'C CREATE_IN_PROGRESS',
      'C CREATE_COMPLETE',
      'Stack UPDATE_COMPLETE_CLEANUP_IN_PROGRESS',
      'A DELETE_IN_PROGRESS',
      'A DELETE_COMPLETE',
      'Stack UPDATE_COMPLETE',
    ]);
  });

  test('sends nothing to a custom resource whose resolved properties are unchanged', async () => {
    const world = new World();
    await world.create({ A: custom({ Value: 'x' }) });
    world.asked();
    await world.update({ A: custom({ Value: { 'Fn::Join': ['', ['x']] } }), B: parameter() });
    expect(world.asked()).toEqual([]);
  });

  test('updates resources that refer to a replaced resource', async () => {
    const world = new World();
    const B = custom({ Id: 'b', Name: { Ref: 'A' } });
    await world.create({ A: parameter('a', { Properties: parameterProperties('one') }), B });
    await world.update({ A: parameter('a', { Properties: parameterProperties('two') }), B });
    expect(world.requests.at(-1)).toMatchObject({
      RequestType: 'Update',
      PhysicalResourceId: 'b',
      ResourceProperties: { Name: 'two' },
      OldResourceProperties: { Name: 'one' },
    });
  });

  test('that replaces a resource, as the template shows, reports its update in progress once and then its creation', async () => {
    const world = new World();
    const named = (name: string) => ({ A: parameter('a', { Properties: parameterProperties(name) }) });
    await world.create(named('one'));
    world.events = [];
    await world.update(named('two'));
    const events = world.events.filter(({ logicalId }) => logicalId === 'A');
    expect(events.map(({ status, physicalId, reason }) => [status, physicalId, reason])).toEqual([
      [
        'UPDATE_IN_PROGRESS',
        'one',
        'Requested update requires the creation of a new physical resource; hence creating one.',
      ],
      ['UPDATE_IN_PROGRESS', 'two', 'Resource creation Initiated'],
      ['UPDATE_COMPLETE', 'two', undefined],
      ['DELETE_IN_PROGRESS', 'one', undefined],
      ['DELETE_COMPLETE', 'one', undefined],
    ]);
  });

  test('treats another physical id in the response to an Update as a replacement, and deletes the old id during cleanup', async () => {
    const world = new World();
    await world.create({ A: custom({ Id: 'old' }), B: parameter() });
    await world.update({ A: custom({ Id: 'new' }), B: parameter('b') });
    expect(world.asked()).toEqual(['Create A', 'Update A old', 'Delete A old']);
    expect(world.story().slice(-3)).toEqual(['A DELETE_IN_PROGRESS', 'A DELETE_COMPLETE', 'Stack UPDATE_COMPLETE']);
  });

  test('sends the old properties with the Delete of the old half of a replaced resource', async () => {
    const world = new World();
    await world.create({ A: custom({ Id: 'old', Color: 'red' }) });
    await world.update({ A: custom({ Id: 'new', Color: 'blue' }) });
    expect(world.requests.at(-1)).toMatchObject({ RequestType: 'Delete', ResourceProperties: { Color: 'red' } });
  });

  test.each([
    ['Retain', ['A DELETE_SKIPPED']],
    ['Delete', ['A DELETE_IN_PROGRESS', 'A DELETE_COMPLETE']],
  ])('applies UpdateReplacePolicy %s to the old half of a replaced resource', async (UpdateReplacePolicy, expected) => {
    const world = new World();
    await world.create({ A: custom({ Id: 'old' }, { UpdateReplacePolicy }) });
    await world.update({ A: custom({ Id: 'new' }, { UpdateReplacePolicy }) });
    expect(world.story().filter((line) => line.startsWith('A DELETE'))).toEqual(expected);
  });

  test.each(['Retain', 'RetainExceptOnCreate'])(
    'retains a removed resource with DeletionPolicy %s',
    async (DeletionPolicy) => {
      const world = new World();
      await world.create({ A: custom({}, { DeletionPolicy }), B: parameter() });
      await world.update({ B: parameter() });
      expect(world.asked()).toEqual(['Create A']);
      expect(world.story().slice(-2)).toEqual(['A DELETE_SKIPPED', 'Stack UPDATE_COMPLETE']);
    },
  );

  test('cleans up dependents first, including indirect dependents via a resource that remains', async () => {
    const world = new World();
    const stays = { Middle: parameter({ Ref: 'Last' }) };
    await world.create({ Last: parameter(), ...stays, First: custom({ Needs: { Ref: 'Middle' } }) });
    world.story();
    await world.update({ Middle: parameter('free') });
    const deleted = world.story().filter((line) => line.endsWith('DELETE_COMPLETE'));
    expect(deleted).toEqual(['First DELETE_COMPLETE', 'Last DELETE_COMPLETE']);
  });

  test('abandons a resource after three failed Deletes during cleanup, and deletes its dependencies', async () => {
    const world = new World();
    world.behaviour = (event) => (event.RequestType === 'Delete' ? world.fail(event) : world.succeed(event));
    await world.create({ A: parameter(), B: custom({}, { DependsOn: 'A' }), C: parameter() });
    world.story();
    const stack = await world.update({ C: parameter() });
    expect(stack).toMatchObject({
      status: 'UPDATE_COMPLETE',
      reason: 'Update successful. One or more resources could not be deleted.',
      resources: [{ logicalId: 'C' }],
    });
    const tries = world.events.filter(({ status }) => status === 'DELETE_FAILED').map(({ time }) => time);
    expect(tries.map((time) => time - tries[0]!)).toEqual([0, 180_000, 360_000]);
    expect(world.story().slice(2)).toEqual([
      ...Array.from({ length: 3 }, () => ['B DELETE_IN_PROGRESS', 'B DELETE_FAILED']).flat(),
      'A DELETE_IN_PROGRESS',
      'A DELETE_COMPLETE',
      'Stack UPDATE_COMPLETE',
    ]);
  });

  describe('the old half of a replaced resource', () => {
    // The old half depends on a grant that the same update removes.
    const before = { Grant: parameter(), Thing: custom({ Id: 'old' }, { DependsOn: 'Grant' }) };
    const after = { Thing: custom({ Id: 'new' }) };
    const orders = async (oldHalfOrder: 'ordered' | 'unordered') => {
      const seen = new Set<string>();
      for (let byte = 0; byte < 256; byte += 85) {
        const world = new World({ oldHalfOrder, random: () => byte / 256 });
        await world.create(before);
        world.story();
        await world.update(after);
        const deleted = world.story().filter((line) => line.endsWith('DELETE_COMPLETE'));
        seen.add(deleted.map((line) => line.split(' ')[0]).join(' '));
      }
      return [...seen].sort();
    };

    test('is deleted before its dependencies if cleanup is ordered', async () => {
      expect(await orders('ordered')).toEqual(['Thing Grant']);
    });

    test('is deleted before or after its dependencies if cleanup is unordered', async () => {
      expect(await orders('unordered')).toEqual(['Grant Thing', 'Thing Grant']);
    });
  });

  test('fails before it changes anything if the type of a logical id changes', async () => {
    const world = new World();
    await world.create({ A: parameter() });
    world.story();
    await expect(world.update({ A: custom() })).rejects.toThrow(/modifies resource type .* \[A\]/);
    expect(world.story()).toEqual([]);
  });

  test('rolls back without a request if the ServiceToken of a resource changes', async () => {
    const world = new World();
    await world.create({ A: custom() });
    world.asked();
    const stack = await world.update({ A: custom({ ServiceToken: 'arn:aws:lambda:eu-central-1:1:function:other' }) });
    expect(stack.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(world.reasonOf('A', 'UPDATE_FAILED')).toBe('Modifying service token is not allowed.');
    expect(world.asked()).toEqual([]);
  });

  test('fails if nothing changes', async () => {
    const world = new World();
    await world.create({ A: parameter() });
    await expect(world.update({ A: parameter() })).rejects.toThrow('No updates are to be performed.');
  });

  test('fails while another operation is in progress', async () => {
    const world = new World();
    await world.create({ A: parameter() });
    const template = { Resources: { A: parameter('b') } };
    const first = world.cloudFormation.updateStack({ stackName: 'Stack', template });
    await expect(world.update({ A: parameter('c') })).rejects.toThrow(/is in UPDATE_IN_PROGRESS state/);
    await first;
  });

  test('rolls back if it changes or removes an export that another stack imports', async () => {
    const world = new World();
    const exporting = (value: string) => ({ Outputs: { O: { Value: value, Export: { Name: 'shared' } } } });
    await world.create({ A: parameter() }, exporting('one'));
    await world.clock.run(
      world.cloudFormation.createStack({
        stackName: 'Importer',
        template: { Resources: { B: parameter({ 'Fn::ImportValue': 'shared' }) } },
      }),
    );
    const stack = await world.update({ A: parameter() }, exporting('two'));
    expect(stack).toMatchObject({ status: 'UPDATE_ROLLBACK_COMPLETE', outputs: { O: 'one' } });
    expect(world.reasonOf('Stack', 'UPDATE_ROLLBACK_IN_PROGRESS')).toBe(
      'Update canceled. Cannot update export shared as it is in use by Importer.',
    );
    expect((await world.update({ A: parameter() })).outputs).toEqual({ O: 'one' });
    expect(world.reasonOf('Stack', 'UPDATE_ROLLBACK_IN_PROGRESS')).toBe(
      'Delete canceled. Cannot delete export shared as it is in use by Importer.',
    );
  });

  function parameterProperties(Name: string): object {
    return { Name, Type: 'String', Value: 'v' };
  }
});
