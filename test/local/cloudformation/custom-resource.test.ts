import { custom, FUNCTION_ARN, parameter, World } from './world';

describe('the event of a custom resource', () => {
  test('for a Create has the fields that CloudFormation sends', async () => {
    const world = new World();
    const { stackId } = await world.create({ A: custom({ ServiceTimeout: 60 }) });
    const [request] = world.requests;
    expect(request).toEqual({
      RequestType: 'Create',
      ServiceToken: FUNCTION_ARN,
      ResponseURL: expect.stringMatching(/^https:\/\/[^/]+\/[0-9a-f]{64}\?X-Amz-Algorithm=/) as string,
      StackId: stackId,
      RequestId: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/) as string,
      LogicalResourceId: 'A',
      ResourceType: 'Custom::Thing',
      ResourceProperties: { ServiceToken: FUNCTION_ARN, ServiceTimeout: '60', Id: 'thing' },
    });
  });

  test('contains scalars as strings, and no nulls', async () => {
    const world = new World();
    await world.create({
      A: custom({
        Flag: true,
        Number: 1410,
        Nothing: null,
        List: [1, null, { Deep: false }],
        No: { Ref: 'AWS::NoValue' },
      }),
    });
    expect(world.requests[0]?.ResourceProperties).toEqual({
      ServiceToken: FUNCTION_ARN,
      Id: 'thing',
      Flag: 'true',
      Number: '1410',
      List: ['1', { Deep: 'false' }],
    });
  });

  test('contains the physical id for an Update and a Delete, and the old properties for an Update', async () => {
    const world = new World();
    await world.create({ A: custom({ Count: 1 }) });
    await world.update({ A: custom({ Count: 2 }) });
    await world.delete();
    const [, update, remove] = world.requests;
    expect(update).toMatchObject({
      RequestType: 'Update',
      PhysicalResourceId: 'thing',
      ResourceProperties: { Count: '2' },
      OldResourceProperties: { ServiceToken: FUNCTION_ARN, Count: '1' },
    });
    expect(remove).toMatchObject({
      RequestType: 'Delete',
      PhysicalResourceId: 'thing',
      ResourceProperties: { Count: '2' },
    });
    expect(remove).not.toHaveProperty('OldResourceProperties');
  });

  test('has a unique RequestId and a unique ResponseURL', async () => {
    const world = new World();
    await world.create({ A: custom(), B: custom() });
    const [a, b] = world.requests;
    expect(a?.RequestId).not.toBe(b?.RequestId);
    expect(a?.ResponseURL).not.toBe(b?.ResponseURL);
  });
});

describe('a custom resource without a response', () => {
  test.each([
    ['3600 seconds', {}, 3_600],
    ['the seconds in ServiceTimeout', { ServiceTimeout: '1410' }, 1_410],
  ])('fails after %s', async (_name, properties, seconds) => {
    const world = new World();
    const createTimes: number[] = [];
    world.behaviour = (event) => {
      if (event.RequestType === 'Delete') {
        return world.succeed(event, event.PhysicalResourceId);
      }
      createTimes.push(world.clock.now());
    };
    await world.create({ A: custom(properties) });
    const failure = world.events.find(({ status }) => status === 'CREATE_FAILED');
    expect(failure?.time).toBe((createTimes[0] ?? 0) + seconds * 1000);
    expect(failure?.reason).toMatch(
      /^CloudFormation did not receive a response from your Custom Resource\. Please check your logs for requestId \[[0-9a-f-]{36}\]\. If you are using the Python cfn-response module, you may need to update your Lambda function code so that CloudFormation can attach the updated version\.$/,
    );
    expect(world.requests[1]?.PhysicalResourceId).toMatch(/^Stack-A-[A-Z0-9]{12}$/);
  });

  test('times out while its function still runs, and the late response is ignored', async () => {
    const world = new World();
    world.behaviour = async (event, { clock }) => {
      if (event.RequestType === 'Create') {
        await clock.sleep(120_000);
      }
      world.succeed(event, event.PhysicalResourceId);
    };
    const start = world.clock.now();
    await world.create({ A: custom({ ServiceTimeout: 60 }) });
    expect(world.clock.now() - start).toBe(60_000);
    await world.clock.run(world.lambda.idle());
    expect(world.desk.received.at(-1)).toMatchObject({
      accepted: false,
      ignoredBecause: 'CloudFormation no longer waits for the response',
    });
  });

  test('times out before a late delivery of its Create, which then follows the Delete', async () => {
    const world = new World();
    world.deliveries = ({ RequestType }) => [{ delayMs: RequestType === 'Create' ? 90_000 : 0 }];
    await world.create({ A: custom({ ServiceTimeout: 60 }) });
    await world.clock.run(world.lambda.idle());
    expect(world.requests.map(({ RequestType }) => RequestType)).toEqual(['Delete', 'Create']);
  });

  test.each([0, 3601, 'soon'])('fails without a request if its ServiceTimeout is %s', async (ServiceTimeout) => {
    const world = new World();
    await world.create({ A: custom({ ServiceTimeout }) });
    expect(world.reasonOf('A', 'CREATE_FAILED')).toBe(
      `'ServiceTimeout': invalid value ${JSON.stringify(ServiceTimeout)}: expected an integer from 1 to 3600`,
    );
    expect(world.requests).toEqual([]);
  });
});

describe('a response of a custom resource', () => {
  test('takes effect only if it is the first', async () => {
    const world = new World();
    world.behaviour = (event) => {
      world.succeed(event, 'first');
      world.fail(event, 'second');
    };
    const stack = await world.create({ A: custom() });
    expect(stack.status).toBe('CREATE_COMPLETE');
    expect(world.physicalIds()).toEqual({ A: 'first' });
    expect(world.desk.received.map(({ ignoredBecause }) => ignoredBecause)).toEqual([
      undefined,
      'the request was answered before',
    ]);
  });

  test('to another request is ignored', async () => {
    const world = new World();
    world.behaviour = (event) => {
      world.answer({ ...event, RequestId: 'other' }, { Status: 'FAILED', PhysicalResourceId: 'x', Reason: 'r' });
      world.succeed(event);
    };
    expect((await world.create({ A: custom() })).status).toBe('CREATE_COMPLETE');
    expect(world.desk.received[0]?.ignoredBecause).toBe('RequestId does not match the request');
  });

  test('that is too long fails the resource, and its Delete has a generated physical id', async () => {
    const world = new World();
    world.behaviour = (event) =>
      event.RequestType === 'Create'
        ? world.fail(event, 'id', 'x'.repeat(4_096))
        : world.succeed(event, event.PhysicalResourceId);
    await world.create({ A: custom() });
    expect(world.reasonOf('A', 'CREATE_FAILED')).toBe('Response object is too long.');
    expect(world.requests[1]?.PhysicalResourceId).toMatch(/^Stack-A-/);
  });
});

test('a custom resource whose function does not exist fails with an error that names the function', async () => {
  const world = new World();
  await world.create({ A: custom({ ServiceToken: `${FUNCTION_ARN}-gone` }), B: parameter() });
  expect(world.reasonOf('A', 'CREATE_FAILED')).toBe(`Function not found: ${FUNCTION_ARN}-gone`);
});

test('AWS::CloudFormation::CustomResource is a custom resource', async () => {
  const world = new World();
  await world.create({ A: custom({}, { Type: 'AWS::CloudFormation::CustomResource' }) });
  expect(world.requests[0]?.ResourceType).toBe('AWS::CloudFormation::CustomResource');
});
