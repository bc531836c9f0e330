import { custom, parameter, seededRandom, World } from './world';

describe('creating a stack', () => {
  test('tells of the stack and of each resource in the order of their dependencies', async () => {
    const world = new World();
    const stack = await world.create({ B: parameter({ 'Fn::Sub': '${A}' }), A: parameter() });
    expect(stack.status).toBe('CREATE_COMPLETE');
    expect(world.story()).toEqual([
      'Stack CREATE_IN_PROGRESS',
      'A CREATE_IN_PROGRESS',
      'A CREATE_IN_PROGRESS',
      'A CREATE_COMPLETE',
      'B CREATE_IN_PROGRESS',
      'B CREATE_IN_PROGRESS',
      'B CREATE_COMPLETE',
      'Stack CREATE_COMPLETE',
    ]);
  });

  test('waits for DependsOn as it does for references', async () => {
    const world = new World();
    await world.create({ B: parameter('b', { DependsOn: 'A' }), A: custom() });
    const story = world.story();
    expect(story.indexOf('B CREATE_IN_PROGRESS')).toBeGreaterThan(story.indexOf('A CREATE_COMPLETE'));
  });

  test('works on independent resources at the same time', async () => {
    const world = new World();
    world.behaviour = async (event, { clock }) => {
      await clock.sleep(10_000);
      world.succeed(event);
    };
    const begun = world.clock.now();
    await world.create({ A: custom(), B: custom() });
    expect(world.clock.now() - begun).toBe(10_000);
  });

  test('gives the stack an ARN with a uuid of the injected random source', async () => {
    const ids = [];
    for (const seed of [7, 7, 8]) {
      const { stackId } = await new World({ random: seededRandom(seed) }).create({ A: parameter() });
      ids.push(stackId);
    }
    expect(ids[0]).toMatch(
      /^arn:aws:cloudformation:eu-central-1:123456789012:stack\/Stack\/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    expect(ids[1]).toBe(ids[0]);
    expect(ids[2]).not.toBe(ids[0]);
  });

  test('hands attributes of a custom resource to what reads them, and to outputs', async () => {
    const world = new World();
    const stack = await world.create(
      { A: custom({ Id: 'me', Answer: '42' }), B: parameter({ 'Fn::GetAtt': ['A', 'Answer'] }) },
      { Outputs: { Id: { Value: { Ref: 'A' } }, Value: { Value: { 'Fn::GetAtt': 'B.Value' } } } },
    );
    expect(stack.outputs).toEqual({ Id: 'me', Value: '42' });
  });

  test('leaves out resources and outputs whose condition does not hold', async () => {
    const world = new World();
    const stack = await world.create(
      { A: parameter(), B: parameter('b', { Condition: 'Never' }), C: parameter('c', { DependsOn: ['A', 'B'] }) },
      {
        Conditions: { Never: { 'Fn::Equals': ['a', 'b'] } },
        Outputs: { Gone: { Value: { Ref: 'B' }, Condition: 'Never' } },
      },
    );
    expect(stack.resources.map(({ logicalId }) => logicalId)).toEqual(['A', 'C']);
    expect(stack.outputs).toEqual({});
  });

  test('refuses a name that a stack has', async () => {
    const world = new World();
    await world.create({ A: parameter() });
    await expect(world.create({ A: parameter() })).rejects.toMatchObject({ code: 'AlreadyExistsException' });
  });

  test('tells the same story again with the same clock, random source and template', async () => {
    const tell = async () => {
      const world = new World();
      await world.create({ A: custom({ Id: { Ref: 'C' } }), B: custom(), C: parameter(), D: parameter() });
      return JSON.stringify([world.events, world.requests]);
    };
    expect(await tell()).toBe(await tell());
  });
});

describe('rolling a creation back', () => {
  test('deletes everything that was created, what depends on something before it', async () => {
    const world = new World().breaks('C', 'create');
    const stack = await world.create({
      A: parameter(),
      B: parameter({ Ref: 'A' }),
      C: parameter({ Ref: 'B' }),
      D: parameter({ Ref: 'C' }),
    });
    expect(stack).toMatchObject({ status: 'ROLLBACK_COMPLETE', resources: [] });
    expect(world.reasonOf('Stack', 'ROLLBACK_IN_PROGRESS')).toBe('The following resource(s) failed to create: [C].');
    expect(world.story().filter((line) => /C |DELETE|D /.test(line))).toEqual([
      'C CREATE_IN_PROGRESS',
      'C CREATE_FAILED',
      'B DELETE_IN_PROGRESS',
      'B DELETE_COMPLETE',
      'A DELETE_IN_PROGRESS',
      'A DELETE_COMPLETE',
    ]);
  });

  test('sends a custom resource that failed a Delete with the physical id that the FAILED answer named', async () => {
    const world = new World();
    world.behaviour = (event) =>
      event.RequestType === 'Create' ? world.fail(event, 'half-made') : world.succeed(event);
    await world.create({ A: custom() });
    expect(world.asked()).toEqual(['Create A', 'Delete A half-made']);
    expect(world.reasonOf('A', 'CREATE_FAILED')).toMatch(
      /^Received response status \[FAILED\] from custom resource\. Message returned: no luck \(RequestId: [0-9a-f-]{36}\)$/,
    );
  });

  test('sends a Delete with an invented physical id while the cancelled Create still runs, and that goes on', async () => {
    const world = new World().breaks('B', 'create', 5_000);
    const done: string[] = [];
    world.behaviour = async (event, { clock }) => {
      await clock.sleep(event.RequestType === 'Create' ? 60_000 : 1_000);
      done.push(`${event.RequestType} at ${clock.now() - begun}`);
      world.succeed(event, event.PhysicalResourceId ?? 'late');
    };
    const begun = world.clock.now();
    const stack = await world.create({ A: custom(), B: parameter() });
    expect(stack.status).toBe('ROLLBACK_COMPLETE');
    expect(world.reasonOf('A', 'CREATE_FAILED')).toBe('Resource creation cancelled');
    expect(world.requests[1]?.PhysicalResourceId).toMatch(/^Stack-A-[A-Z0-9]{12}$/);
    expect(done).toEqual(['Delete at 6000']);

    await world.clock.run(world.lambda.idle());
    expect(done).toEqual(['Delete at 6000', 'Create at 60000']);
    expect(world.desk.received.map(({ effective, why }) => [effective, why])).toEqual([
      [true, undefined],
      [false, 'nobody waits for it any more'],
    ]);
  });

  test('begins nothing further once something has failed', async () => {
    const world = new World().breaks('B', 'create', 1_000);
    world.behaviour = async (event, { clock }) => {
      await clock.sleep(2_000);
      world.succeed(event);
    };
    await world.create({ A: custom(), B: parameter(), C: parameter('c', { DependsOn: 'A' }) });
    expect(world.story().filter((line) => line.startsWith('C'))).toEqual([]);
  });

  test('sends nothing for a resource that CloudFormation had not come to ask for', async () => {
    const world = new World();
    world.fault = async ({ logicalId }) => {
      await world.clock.sleep(logicalId === 'A' ? 5_000 : 1_000);
      if (logicalId === 'B') {
        throw new Error('broken');
      }
    };
    await world.create({ A: custom(), B: parameter() });
    expect(world.asked()).toEqual([]);
    expect(world.reasonOf('A', 'CREATE_FAILED')).toBe('Resource creation cancelled');
  });

  test.each([
    ['Retain', ['A DELETE_SKIPPED']],
    ['RetainExceptOnCreate', ['A DELETE_IN_PROGRESS', 'A DELETE_COMPLETE']],
    ['Delete', ['A DELETE_IN_PROGRESS', 'A DELETE_COMPLETE']],
  ])('treats what it made as DeletionPolicy %s says', async (DeletionPolicy, expected) => {
    const world = new World().breaks('B', 'create');
    await world.create({ A: parameter('a', { DeletionPolicy }), B: parameter({ Ref: 'A' }) });
    expect(world.story().filter((line) => line.startsWith('A DELETE'))).toEqual(expected);
  });

  test('ends ROLLBACK_FAILED where something cannot be deleted, with what it depends on still there', async () => {
    const world = new World({
      fault: ({ logicalId, action }) => {
        if (logicalId === 'C' || (logicalId === 'B' && action === 'delete')) {
          throw new Error('broken');
        }
      },
    });
    const stack = await world.create({ A: parameter(), B: parameter({ Ref: 'A' }), C: parameter({ Ref: 'B' }) });
    expect(stack.status).toBe('ROLLBACK_FAILED');
    expect(stack.reason).toBe('The following resource(s) failed to delete: [B].');
    expect(stack.resources.map(({ logicalId }) => logicalId)).toEqual(['A', 'B']);
  });

  test('rolls back where an output names an attribute that no answer had', async () => {
    const world = new World();
    const stack = await world.create(
      { A: custom() },
      { Outputs: { O: { Value: { 'Fn::GetAtt': ['A', 'Missing'] } } } },
    );
    expect(stack.status).toBe('ROLLBACK_COMPLETE');
    expect(world.reasonOf('Stack', 'ROLLBACK_IN_PROGRESS')).toContain(
      "doesn't contain Missing attribute in object thing",
    );
  });
});
