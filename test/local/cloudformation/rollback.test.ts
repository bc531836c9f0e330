import { custom, parameter, World } from './world';

describe('rolling an update back', () => {
  test('updates back in the order of the old template, and deletes what was new in a clean-up of its own', async () => {
    const world = new World();
    const B = custom({ Id: 'b', Value: { 'Fn::GetAtt': 'A.Value' } });
    await world.create({ A: parameter('one'), B, X: parameter() });
    world.story();
    world.fault = breaksForward(world, 1_000);
    const stack = await world.update({ A: parameter('two'), B, C: custom({ Id: 'c' }), X: parameter('bad') });
    expect(stack.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(world.reasonOf('Stack', 'UPDATE_ROLLBACK_IN_PROGRESS')).toBe(
      'The following resource(s) failed to update: [X].',
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

  test('keeps to the old template’s order though the new one had turned it around', async () => {
    const world = new World();
    const thing = (Id: string, Colour: string, DependsOn: string[] = []) => custom({ Id, Colour }, { DependsOn });
    await world.create({ A: thing('a', 'red'), B: thing('b', 'red', ['A']), X: parameter() });
    world.asked();
    world.fault = breaksForward(world, 1_000);
    await world.update({ A: thing('a', 'blue', ['B']), B: thing('b', 'blue'), X: parameter('bad') });
    expect(world.asked()).toEqual(['Update B b', 'Update A a', 'Update A a', 'Update B b']);
  });

  test('sends an Update with the old and the new properties swapped', async () => {
    const world = await updated({ Id: 'a', Colour: 'red' }, { Id: 'a', Colour: 'blue' });
    expect(world.requests.slice(1)).toMatchObject([
      { RequestType: 'Update', ResourceProperties: { Colour: 'blue' }, OldResourceProperties: { Colour: 'red' } },
      { RequestType: 'Update', ResourceProperties: { Colour: 'red' }, OldResourceProperties: { Colour: 'blue' } },
    ]);
  });

  test('deletes new resources, with the properties that they had', async () => {
    const world = new World();
    await world.create({ X: parameter() });
    world.breaks('Y', 'create', 1_000);
    const stack = await world.update({ X: parameter(), A: custom({ Id: 'new' }), Y: parameter() });
    expect(stack.resources.map(({ logicalId }) => logicalId)).toEqual(['X']);
    expect(world.asked()).toEqual(['Create A', 'Delete A new']);
    expect(world.story().slice(-4)).toEqual([
      'Stack UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS',
      'A DELETE_IN_PROGRESS',
      'A DELETE_COMPLETE',
      'Stack UPDATE_ROLLBACK_COMPLETE',
    ]);
  });

  test('touches nothing that was only removed', async () => {
    const world = new World();
    await world.create({ A: custom(), X: parameter() });
    world.fault = breaksForward(world);
    await world.update({ X: parameter('bad') });
    expect(world.asked()).toEqual(['Create A']);
  });

  test('sends a custom resource that answered with a new physical id an Update back and a Delete of the new id', async () => {
    const world = await updated({ Id: 'old' }, { Id: 'new' }, { rollbackOfReplaced: 'update-then-delete' });
    expect(world.asked()).toEqual(['Create A', 'Update A old', 'Update A new', 'Delete A new']);
  });

  test('or only the Delete of the new id, as is chosen', async () => {
    const world = await updated({ Id: 'old' }, { Id: 'new' }, { rollbackOfReplaced: 'delete-only' });
    expect(world.asked()).toEqual(['Create A', 'Update A old', 'Delete A new']);
    expect(world.physicalIds()).toMatchObject({ A: 'old' });
  });

  test('deletes the old id where the answer to the Update back does not name it any more', async () => {
    const world = new World();
    await world.create({ A: custom({ Id: 'old' }), X: parameter() });
    world.fault = breaksForward(world);
    world.behaviour = (event) => world.succeed(event, 'new');
    await world.update({ A: custom({ Id: 'new' }), X: parameter('bad') });
    expect(world.asked()).toEqual(['Create A', 'Update A old', 'Update A new', 'Delete A old']);
  });

  test('sends a failed Update an Update back', async () => {
    const world = new World();
    await world.create({ A: custom({ Id: 'a', Colour: 'red' }) });
    world.behaviour = (event) =>
      event.ResourceProperties.Colour === 'blue' ? world.fail(event) : world.succeed(event);
    const stack = await world.update({ A: custom({ Id: 'a', Colour: 'blue' }) });
    expect(stack.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(world.asked()).toEqual(['Create A', 'Update A a', 'Update A a']);
  });

  test('takes another id in a FAILED answer to an Update for a replacement', async () => {
    const world = new World();
    await world.create({ A: custom({ Id: 'old' }) });
    world.behaviour = (event) =>
      event.OldResourceProperties?.Id === 'old' ? world.fail(event, 'log-stream') : world.succeed(event);
    await world.update({ A: custom({ Id: 'new' }) });
    expect(world.asked()).toEqual(['Create A', 'Update A old', 'Update A log-stream', 'Delete A log-stream']);
  });

  test('overtakes an Update that still runs, and that goes on', async () => {
    const world = new World();
    await world.create({ A: custom({ Colour: 'red' }), X: parameter() });
    world.fault = breaksForward(world, 5_000);
    const done: string[] = [];
    const begun = world.clock.now();
    world.behaviour = async (event, { clock }) => {
      const colour = String(event.ResourceProperties.Colour);
      await clock.sleep(colour === 'blue' ? 60_000 : 1_000);
      done.push(`${colour} at ${clock.now() - begun}`);
      world.succeed(event);
    };
    const stack = await world.update({ A: custom({ Colour: 'blue' }), X: parameter('bad') });
    expect(stack.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(world.reasonOf('A', 'UPDATE_FAILED')).toBe('Resource update cancelled');
    await world.clock.run(world.lambda.idle());
    expect(done).toEqual(['red at 6000', 'blue at 60000']);
  });

  test('keeps the old half of a replaced resource, and deletes the new one', async () => {
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
  ])('treats what it had created as DeletionPolicy %s says', async (DeletionPolicy, expected) => {
    const world = new World();
    await world.create({ X: parameter() });
    world.fault = breaksForward(world, 1_000);
    await world.update({ A: parameter('a', { DeletionPolicy }), X: parameter('bad') });
    expect(world.story()).toContain(expected);
  });

  test('ends UPDATE_ROLLBACK_FAILED where an Update back fails; the stack can then only be deleted', async () => {
    const world = new World();
    await world.create({ A: custom({ Colour: 'red' }), X: parameter() });
    world.fault = breaksForward(world, 1_000);
    world.behaviour = (event) =>
      event.RequestType === 'Update' && event.ResourceProperties.Colour === 'red'
        ? world.fail(event)
        : world.succeed(event);
    const stack = await world.update({ A: custom({ Colour: 'blue' }), N: custom({ Id: 'n' }), X: parameter('bad') });
    expect(stack).toMatchObject({
      status: 'UPDATE_ROLLBACK_FAILED',
      reason: 'The following resource(s) failed to update: [A].',
    });
    await expect(world.update({ X: parameter('c') })).rejects.toThrow('can not be updated');
    expect((await world.delete()).status).toBe('DELETE_COMPLETE');
    expect(world.asked().slice(-2).sort()).toEqual(['Delete A thing', 'Delete N n']);
  });

  test('that fails leaves a stack that can be deleted though the update had turned a dependency around', async () => {
    const world = new World();
    await world.create({
      A: custom({ Id: 'a', Colour: 'red' }),
      B: custom({ Id: 'b' }, { DependsOn: 'A' }),
      X: parameter(),
    });
    world.fault = breaksForward(world, 1_000);
    world.behaviour = (event) => {
      const isBack = event.RequestType === 'Update' && event.ResourceProperties.Colour === 'red';
      return isBack ? world.fail(event) : world.succeed(event);
    };
    await world.update({
      A: custom({ Id: 'a', Colour: 'blue' }, { DependsOn: 'B' }),
      B: custom({ Id: 'b' }),
      X: parameter('bad'),
    });
    world.asked();
    expect((await world.delete()).status).toBe('DELETE_COMPLETE');
    expect(world.asked()).toEqual(['Delete B b', 'Delete A a']);
  });

  test('gives a Delete in its clean-up up after three attempts', async () => {
    const world = new World();
    await world.create({ X: parameter() });
    world.fault = breaksForward(world, 1_000);
    world.behaviour = (event) => (event.RequestType === 'Delete' ? world.fail(event) : world.succeed(event));
    const stack = await world.update({ A: custom({ Id: 'a' }), X: parameter('bad') });
    expect(stack.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(world.asked()).toEqual(['Create A', 'Delete A a', 'Delete A a', 'Delete A a']);
  });

  test('leaves the stack as it was: the same update is an update again, and the old template is none', async () => {
    const world = new World();
    await world.create({ A: custom({ Id: 'a' }), X: parameter() });
    world.fault = breaksForward(world, 1_000);
    const next = { A: custom({ Id: 'a', Colour: 'blue' }), X: parameter('bad') };
    await world.update(next);
    await expect(world.update({ A: custom({ Id: 'a' }), X: parameter() })).rejects.toThrow('No updates');
    world.fault = () => undefined;
    expect((await world.update(next)).status).toBe('UPDATE_COMPLETE');
  });

  /** An update of a custom resource that is rolled back because something else fails after it. */
  async function updated(before: object, after: object, options: ConstructorParameters<typeof World>[0] = {}) {
    const world = new World(options);
    await world.create({ A: custom(before), X: parameter() });
    world.fault = breaksForward(world, 1_000);
    const stack = await world.update({ A: custom(after), X: parameter('bad') });
    expect(stack.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    return world;
  }

  /** Lets the update of X fail, and nothing of the way back. */
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

describe('cancelling an update', () => {
  test('rolls it back, and cancels what is under way', async () => {
    const world = new World();
    await world.create({ A: custom({ Colour: 'red' }) });
    world.asked();
    world.behaviour = async (event, { clock }) => {
      if (event.ResourceProperties.Colour === 'blue') {
        await clock.sleep(60_000);
      }
      world.succeed(event);
    };
    const update = world.cloudFormation.updateStack({
      stackName: 'Stack',
      template: { Resources: { A: custom({ Colour: 'blue' }), B: parameter('b', { DependsOn: 'A' }) } },
    });
    void world.clock.sleep(5_000).then(() => world.cloudFormation.cancelUpdate('Stack'));
    const stack = await world.clock.run(update);
    expect(stack.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(world.reasonOf('Stack', 'UPDATE_ROLLBACK_IN_PROGRESS')).toBe('User Initiated');
    expect(world.asked()).toEqual(['Update A thing', 'Update A thing']);
    expect(world.story().filter((line) => line.startsWith('B'))).toEqual([]);
  });

  test('is refused where no update goes forward', async () => {
    const world = new World();
    const cancel = () => world.cloudFormation.cancelUpdate('Stack');
    const creation = world.create({ A: parameter() });
    expect(cancel).toThrow(/CancelUpdateStack cannot be called from current stack status: CREATE_IN_PROGRESS/);
    await creation;
    expect(cancel).toThrow(/status: CREATE_COMPLETE/);
  });
});
