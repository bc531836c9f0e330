import { numbers } from '../../../local/random';
import { custom, parameter, World } from './world';

describe('creating a stack', () => {
  test('emits events of the stack and of each resource in dependency order', async () => {
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

  test('waits for resources in DependsOn', async () => {
    const world = new World();
    await world.create({ B: parameter('b', { DependsOn: 'A' }), A: custom() });
    const story = world.story();
    expect(story.indexOf('B CREATE_IN_PROGRESS')).toBeGreaterThan(story.indexOf('A CREATE_COMPLETE'));
  });

  test('creates independent resources in parallel', async () => {
    const world = new World();
    world.behaviour = async (event, { clock }) => {
      await clock.sleep(10_000);
      world.succeed(event);
    };
    const start = world.clock.now();
    await world.create({ A: custom(), B: custom() });
    expect(world.clock.now() - start).toBe(10_000);
  });

  test('gives the stack an ARN with a UUID from the injected random source', async () => {
    const ids = [];
    for (const seed of [7, 7, 8]) {
      const { stackId } = await new World({ random: numbers(seed) }).create({ A: parameter() });
      ids.push(stackId);
    }
    expect(ids[0]).toMatch(
      /^arn:aws:cloudformation:eu-central-1:123456789012:stack\/Stack\/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    expect(ids[1]).toBe(ids[0]);
    expect(ids[2]).not.toBe(ids[0]);
  });

  test('makes attributes of a custom resource available to references and outputs', async () => {
    const world = new World();
    const stack = await world.create(
      { A: custom({ Id: 'me', Answer: '42' }), B: parameter({ 'Fn::GetAtt': ['A', 'Answer'] }) },
      { Outputs: { Id: { Value: { Ref: 'A' } }, Value: { Value: { 'Fn::GetAtt': 'B.Value' } } } },
    );
    expect(stack.outputs).toEqual({ Id: 'me', Value: '42' });
  });

  test('omits resources and outputs whose condition is false', async () => {
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

  test('fails if a stack with this name exists', async () => {
    const world = new World();
    await world.create({ A: parameter() });
    await expect(world.create({ A: parameter() })).rejects.toMatchObject({ code: 'AlreadyExistsException' });
  });

  test('emits identical events and requests with the same clock, random source and template', async () => {
    const run = async () => {
      const world = new World();
      await world.create({ A: custom({ Id: { Ref: 'C' } }), B: custom(), C: parameter(), D: parameter() });
      return JSON.stringify([world.events, world.requests]);
    };
    expect(await run()).toBe(await run());
  });
});

describe('rolling back a creation', () => {
  test('deletes everything that was created, dependents first', async () => {
    const world = new World().breaks('C', 'create');
    const stack = await world.create({
      A: parameter(),
      B: parameter({ Ref: 'A' }),
      C: parameter({ Ref: 'B' }),
      D: parameter({ Ref: 'C' }),
    });
    expect(stack).toMatchObject({ status: 'ROLLBACK_COMPLETE', resources: [] });
    expect(world.reasonOf('Stack', 'ROLLBACK_IN_PROGRESS')).toBe(
      'The following resource(s) failed to create: [C]. Rollback requested by user.',
    );
    expect(world.story().filter((line) => /C |DELETE|D /.test(line))).toEqual([
      'C CREATE_IN_PROGRESS',
      'C CREATE_FAILED',
      'C DELETE_COMPLETE',
      'B DELETE_IN_PROGRESS',
      'B DELETE_COMPLETE',
      'A DELETE_IN_PROGRESS',
      'A DELETE_COMPLETE',
    ]);
  });

  test('sends a failed custom resource a Delete with the physical id of the FAILED response', async () => {
    const world = new World();
    world.behaviour = (event) =>
      event.RequestType === 'Create' ? world.fail(event, 'half-made') : world.succeed(event);
    await world.create({ A: custom() });
    expect(world.asked()).toEqual(['Create A', 'Delete A half-made']);
    expect(world.reasonOf('A', 'CREATE_FAILED')).toMatch(
      /^Received response status \[FAILED\] from custom resource\. Message returned: no luck \(RequestId: [0-9a-f-]{36}\)$/,
    );
  });

  test('sends a Delete with a generated physical id while the canceled Create still runs', async () => {
    const world = new World().breaks('B', 'create', 5_000);
    const completed: string[] = [];
    world.behaviour = async (event, { clock }) => {
      await clock.sleep(event.RequestType === 'Create' ? 60_000 : 1_000);
      completed.push(`${event.RequestType} at ${clock.now() - start}`);
      world.succeed(event, event.PhysicalResourceId ?? 'late');
    };
    const start = world.clock.now();
    const stack = await world.create({ A: custom(), B: parameter() });
    expect(stack.status).toBe('ROLLBACK_COMPLETE');
    expect(world.reasonOf('A', 'CREATE_FAILED')).toBe('Resource creation cancelled');
    expect(world.requests[1]?.PhysicalResourceId).toMatch(/^Stack-A-[A-Z0-9]{12}$/);
    expect(completed).toEqual(['Delete at 6000']);

    await world.clock.run(world.lambda.idle());
    expect(completed).toEqual(['Delete at 6000', 'Create at 60000']);
    expect(world.desk.received.map(({ accepted, ignoredBecause }) => [accepted, ignoredBecause])).toEqual([
      [true, undefined],
      [false, 'CloudFormation no longer waits for the response'],
    ]);
  });

  test('begins nothing new after a failure', async () => {
    const world = new World().breaks('B', 'create', 1_000);
    world.behaviour = async (event, { clock }) => {
      await clock.sleep(2_000);
      world.succeed(event);
    };
    await world.create({ A: custom(), B: parameter(), C: parameter('c', { DependsOn: 'A' }) });
    expect(world.story().filter((line) => line.startsWith('C'))).toEqual([]);
  });

  test('sends nothing to a custom resource whose Create was not sent', async () => {
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
    expect(world.story().filter((line) => line.startsWith('A DELETE'))).toEqual(['A DELETE_COMPLETE']);
  });

  test.each([
    ['Retain', ['A DELETE_SKIPPED']],
    ['RetainExceptOnCreate', ['A DELETE_IN_PROGRESS', 'A DELETE_COMPLETE']],
    ['Delete', ['A DELETE_IN_PROGRESS', 'A DELETE_COMPLETE']],
  ])('applies DeletionPolicy %s to resources that it created', async (DeletionPolicy, expected) => {
    const world = new World().breaks('B', 'create');
    await world.create({ A: parameter('a', { DeletionPolicy }), B: parameter({ Ref: 'A' }) });
    expect(world.story().filter((line) => line.startsWith('A DELETE'))).toEqual(expected);
  });

  test.each([
    ['goes on', ['B']],
    ['stops', ['A', 'B']],
  ] as const)(
    "ends in ROLLBACK_FAILED if a resource can't be deleted; if deletion then %s, it keeps %j",
    async (deletionAfterFailure, kept) => {
      const world = new World({ deletionAfterFailure });
      world.fault = ({ logicalId, action }) => {
        if (logicalId === 'C' || (logicalId === 'B' && action === 'delete')) {
          throw new Error('broken');
        }
      };
      const stack = await world.create({ A: parameter(), B: parameter({ Ref: 'A' }), C: parameter({ Ref: 'B' }) });
      expect(stack.status).toBe('ROLLBACK_FAILED');
      expect(stack.reason).toBe('The following resource(s) failed to delete: [B]. ');
      expect(stack.resources.map(({ logicalId }) => logicalId)).toEqual(kept);
    },
  );

  test('follows an output that reads an attribute missing from the response', async () => {
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
