import { custom, parameter, World } from './world';

describe('rolling back an update', () => {
  test('updates resources back in the order of the old template, and then deletes new resources in its own cleanup', async () => {
    const world = new World();
    const B = custom({ Id: 'b', Value: { 'Fn::GetAtt': 'A.Value' } });
    await world.create({ A: parameter('one'), B, X: parameter() });
    world.story();
    world.fault = breaksForward(world, 1_000);
    const stack = await world.update({ A: parameter('two'), B, C: custom({ Id: 'c' }), X: parameter('bad') });
    expect(stack.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(world.reasonOf('Stack', 'UPDATE_ROLLBACK_IN_PROGRESS')).toBe(
      'The following resource(s) failed to update: [X]. ',
    );
    const story = world.story();
    expect(story.slice(story.indexOf('Stack UPDATE_ROLLBACK_IN_PROGRESS'))).toEqual([
      'Stack UPDATE_ROLLBACK_IN_PROGRESS',
      'A UPDATE_IN_PROGRESS',
      'X UPDATE_IN_PROGRESS',
      'A UPDATE_COMPLETE',
      'X UPDATE_COMPLETE',
      'B UPDATE_IN_PROGRESS',
      'B UPDATE_COMPLETE',
      'Stack UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS',
      'C DELETE_IN_PROGRESS',
      'C DELETE_COMPLETE',
      'Stack UPDATE_ROLLBACK_COMPLETE',
    ]);
  });

  test('uses the order of the old template even if the new one reverses a dependency', async () => {
    const world = new World();
    const thing = (Id: string, Color: string, DependsOn: string[] = []) => custom({ Id, Color }, { DependsOn });
    await world.create({ A: thing('a', 'red'), B: thing('b', 'red', ['A']), X: parameter() });
    world.asked();
    world.fault = breaksForward(world, 1_000);
    await world.update({ A: thing('a', 'blue', ['B']), B: thing('b', 'blue'), X: parameter('bad') });
    expect(world.asked()).toEqual(['Update B b', 'Update A a', 'Update A a', 'Update B b']);
  });

  test('sends an Update with the old and the new properties swapped', async () => {
    const world = await rolledBackUpdate({ Id: 'a', Color: 'red' }, { Id: 'a', Color: 'blue' });
    expect(world.requests.slice(1)).toMatchObject([
      { RequestType: 'Update', ResourceProperties: { Color: 'blue' }, OldResourceProperties: { Color: 'red' } },
      { RequestType: 'Update', ResourceProperties: { Color: 'red' }, OldResourceProperties: { Color: 'blue' } },
    ]);
  });

  test('deletes new resources', async () => {
    const world = new World();
    await world.create({ X: parameter() });
    world.breaks('Y', 'create', 1_000);
    const stack = await world.update({ X: parameter(), A: custom({ Id: 'new' }), Y: parameter() });
    expect(stack.resources.map(({ logicalId }) => logicalId)).toEqual(['X']);
    expect(world.asked()).toEqual(['Create A', 'Delete A new']);
    // Y failed without a physical resource.
    expect(world.story().slice(-5)).toEqual([
      'Stack UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS',
      'A DELETE_IN_PROGRESS',
      'Y DELETE_COMPLETE',
      'A DELETE_COMPLETE',
      'Stack UPDATE_ROLLBACK_COMPLETE',
    ]);
  });

  test('sends nothing to a custom resource that the update removed', async () => {
    const world = new World();
    await world.create({ A: custom(), X: parameter() });
    world.fault = breaksForward(world);
    await world.update({ X: parameter('bad') });
    expect(world.asked()).toEqual(['Create A']);
  });

  test('with update-then-delete, sends a replaced custom resource an Update back and a Delete of the new id', async () => {
    const world = await rolledBackUpdate({ Id: 'old' }, { Id: 'new' }, { rollbackOfReplaced: 'update-then-delete' });
    expect(world.asked()).toEqual(['Create A', 'Update A old', 'Update A new', 'Delete A new']);
  });

  test('with delete-only, sends a replaced custom resource only a Delete of the new id', async () => {
    const world = await rolledBackUpdate({ Id: 'old' }, { Id: 'new' }, { rollbackOfReplaced: 'delete-only' });
    expect(world.asked()).toEqual(['Create A', 'Update A old', 'Delete A new']);
    expect(world.physicalIds()).toMatchObject({ A: 'old' });
  });

  test('deletes the old id if the response to the Update back has another id', async () => {
    const world = new World();
    await world.create({ A: custom({ Id: 'old' }), X: parameter() });
    world.fault = breaksForward(world);
    world.behaviour = (event) => world.succeed(event, 'new');
    await world.update({ A: custom({ Id: 'new' }), X: parameter('bad') });
    expect(world.asked()).toEqual(['Create A', 'Update A old', 'Update A new', 'Delete A old']);
  });

  test('sends an Update back after a failed Update', async () => {
    const world = new World();
    await world.create({ A: custom({ Id: 'a', Color: 'red' }) });
    world.behaviour = (event) => (event.ResourceProperties.Color === 'blue' ? world.fail(event) : world.succeed(event));
    const stack = await world.update({ A: custom({ Id: 'a', Color: 'blue' }) });
    expect(stack.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(world.asked()).toEqual(['Create A', 'Update A a', 'Update A a']);
  });

  test('treats another id in a FAILED response to an Update as a replacement', async () => {
    const world = new World();
    await world.create({ A: custom({ Id: 'old' }) });
    world.behaviour = (event) =>
      event.OldResourceProperties?.Id === 'old' ? world.fail(event, 'log-stream') : world.succeed(event);
    await world.update({ A: custom({ Id: 'new' }) });
    expect(world.asked()).toEqual(['Create A', 'Update A old', 'Update A log-stream', 'Delete A log-stream']);
  });

  test('overtakes an Update that still runs', async () => {
    const world = new World();
    await world.create({ A: custom({ Color: 'red' }), X: parameter() });
    world.fault = breaksForward(world, 5_000);
    const completed: string[] = [];
    const start = world.clock.now();
    world.behaviour = async (event, { clock }) => {
      const color = String(event.ResourceProperties.Color);
      await clock.sleep(color === 'blue' ? 60_000 : 1_000);
      completed.push(`${color} at ${clock.now() - start}`);
      world.succeed(event);
    };
    const stack = await world.update({ A: custom({ Color: 'blue' }), X: parameter('bad') });
    expect(stack.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(world.reasonOf('A', 'UPDATE_FAILED')).toBe('Resource update cancelled');
    await world.clock.run(world.lambda.idle());
    expect(completed).toEqual(['red at 6000', 'blue at 60000']);
  });

  test('restores the old half of a replaced resource, and deletes the new one', async () => {
    const world = new World();
    await world.create({ U: { Type: 'AWS::IAM::User', Properties: { UserName: 'old' } }, X: parameter() });
    world.fault = breaksForward(world, 1_000);
    await world.update({
      U: { Type: 'AWS::IAM::User', Properties: { UserName: 'new' } },
      X: parameter('bad'),
    });
    expect(world.physicalIds()).toMatchObject({ U: 'old' });
    expect(world.iam.state().users.map(({ userName }) => userName)).toEqual(['old']);
  });

  test.each([
    ['Retain', 'A DELETE_SKIPPED'],
    ['RetainExceptOnCreate', 'A DELETE_COMPLETE'],
  ])('applies DeletionPolicy %s to resources that the update created', async (DeletionPolicy, expected) => {
    const world = new World();
    await world.create({ X: parameter() });
    world.fault = breaksForward(world, 1_000);
    await world.update({ A: parameter('a', { DeletionPolicy }), X: parameter('bad') });
    expect(world.story()).toContain(expected);
  });

  test('deletes the new half of a replaced resource with DeletionPolicy RetainExceptOnCreate', async () => {
    const world = new World();
    const thing = (Id: string) => custom({ Id }, { DeletionPolicy: 'RetainExceptOnCreate' });
    await world.create({ A: thing('old'), X: parameter() });
    world.fault = breaksForward(world, 1_000);
    await world.update({ A: thing('new'), X: parameter('bad') });
    expect(world.asked().at(-1)).toBe('Delete A new');
    expect(world.physicalIds()).toMatchObject({ A: 'old' });
    await world.delete();
    expect(world.asked()).toEqual([]);
  });

  test('ends in UPDATE_ROLLBACK_FAILED if an Update back fails, after which the stack can only be deleted', async () => {
    const world = new World();
    await world.create({ A: custom({ Color: 'red' }), X: parameter() });
    world.fault = breaksForward(world, 1_000);
    world.behaviour = (event) =>
      event.RequestType === 'Update' && event.ResourceProperties.Color === 'red'
        ? world.fail(event)
        : world.succeed(event);
    const stack = await world.update({ A: custom({ Color: 'blue' }), N: custom({ Id: 'n' }), X: parameter('bad') });
    expect(stack).toMatchObject({
      status: 'UPDATE_ROLLBACK_FAILED',
      reason: 'The following resource(s) failed to update: [A]. ',
    });
    await expect(world.update({ X: parameter('c') })).rejects.toThrow('can not be updated');
    expect((await world.delete()).status).toBe('DELETE_COMPLETE');
    expect(world.asked().slice(-2).sort()).toEqual(['Delete A thing', 'Delete N n']);
  });

  test('that fails leaves a stack that can be deleted even if the update reversed a dependency', async () => {
    const world = new World();
    await world.create({
      A: custom({ Id: 'a', Color: 'red' }),
      B: custom({ Id: 'b' }, { DependsOn: 'A' }),
      X: parameter(),
    });
    world.fault = breaksForward(world, 1_000);
    world.behaviour = (event) => {
      const isBack = event.RequestType === 'Update' && event.ResourceProperties.Color === 'red';
      return isBack ? world.fail(event) : world.succeed(event);
    };
    await world.update({
      A: custom({ Id: 'a', Color: 'blue' }, { DependsOn: 'B' }),
      B: custom({ Id: 'b' }),
      X: parameter('bad'),
    });
    world.asked();
    expect((await world.delete()).status).toBe('DELETE_COMPLETE');
    expect(world.asked()).toEqual(['Delete B b', 'Delete A a']);
  });

  test('abandons a resource after three failed Deletes in its cleanup', async () => {
    const world = new World();
    await world.create({ X: parameter() });
    world.fault = breaksForward(world, 1_000);
    world.behaviour = (event) => (event.RequestType === 'Delete' ? world.fail(event) : world.succeed(event));
    const stack = await world.update({ A: custom({ Id: 'a' }), X: parameter('bad') });
    expect(stack.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(world.asked()).toEqual(['Create A', 'Delete A a', 'Delete A a', 'Delete A a']);
  });

  test('restores the previous state, so that the same update can be repeated', async () => {
    const world = new World();
    await world.create({ A: custom({ Id: 'a' }), X: parameter() });
    world.fault = breaksForward(world, 1_000);
    const next = { A: custom({ Id: 'a', Color: 'blue' }), X: parameter('bad') };
    await world.update(next);
    await expect(world.update({ A: custom({ Id: 'a' }), X: parameter() })).rejects.toThrow('No updates');
    world.fault = () => undefined;
    expect((await world.update(next)).status).toBe('UPDATE_COMPLETE');
  });

  /** Updates a custom resource, and rolls back because another resource fails after it. */
  async function rolledBackUpdate(before: object, after: object, options: ConstructorParameters<typeof World>[0] = {}) {
    const world = new World(options);
    await world.create({ A: custom(before), X: parameter() });
    world.fault = breaksForward(world, 1_000);
    const stack = await world.update({ A: custom(after), X: parameter('bad') });
    expect(stack.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    return world;
  }

  /** Makes the update of X fail, but not its rollback. */
  function breaksForward(world: World, afterMs = 0): World['fault'] {
    return async ({ logicalId, action, phase }) => {
      if (logicalId !== 'X' || action !== 'update' || phase !== 'forward') {
        return;
      }
      await world.clock.sleep(afterMs);
      throw new Error('broken');
    };
  }
});

describe('canceling an update', () => {
  test('rolls it back, and cancels requests in progress', async () => {
    const world = new World();
    await world.create({ A: custom({ Color: 'red' }) });
    world.asked();
    world.behaviour = async (event, { clock }) => {
      if (event.ResourceProperties.Color === 'blue') {
        await clock.sleep(60_000);
      }
      world.succeed(event);
    };
    const update = world.cloudFormation.updateStack({
      stackName: 'Stack',
      template: { Resources: { A: custom({ Color: 'blue' }), B: parameter('b', { DependsOn: 'A' }) } },
    });
    void world.clock.sleep(5_000).then(() => world.cloudFormation.cancelUpdate('Stack'));
    const stack = await world.clock.run(update);
    expect(stack.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(world.reasonOf('Stack', 'UPDATE_ROLLBACK_IN_PROGRESS')).toBe('User Initiated');
    expect(world.asked()).toEqual(['Update A thing', 'Update A thing']);
    expect(world.story().filter((line) => line.startsWith('B'))).toEqual([]);
  });

  test('fails if no update is in progress', async () => {
    const world = new World();
    const cancel = () => world.cloudFormation.cancelUpdate('Stack');
    const creation = world.create({ A: parameter() });
    expect(cancel).toThrow(/CancelUpdateStack cannot be called from current stack status: CREATE_IN_PROGRESS/);
    await creation;
    expect(cancel).toThrow(/status: CREATE_COMPLETE/);
  });
});
