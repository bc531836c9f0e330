import { CloudFormationApi } from '../../../local/cloudformation';
import type { Authorizer } from '../../../local/iam/authorization/caller';
import { errorOf } from '../iam/fixture';
import { custom, parameter, World } from './world';

function setUp({ pageSize, authorize = () => undefined }: { pageSize?: number; authorize?: Authorizer } = {}) {
  const world = new World();
  const { cloudFormation } = world;
  const options = { cloudFormation, accountId: '123456789012', region: 'eu-central-1', authorize, pageSize };
  const api = new CloudFormationApi(options);
  const resources = (StackName = 'Stack') =>
    (api.call('ListStackResources', { StackName }).StackResourceSummaries as Record<string, string>[]).map(
      ({ LogicalResourceId, ResourceStatus }) => `${LogicalResourceId} ${ResourceStatus}`,
    );
  return { world, api, resources };
}

describe('ListStackResources', () => {
  test('lists the resources of a stack with the status of their last operation', async () => {
    const { world, api, resources } = setUp();
    await world.create({ A: parameter('1'), B: custom() });
    expect(resources()).toEqual(['A CREATE_COMPLETE', 'B CREATE_COMPLETE']);
    await world.update({ A: parameter('2'), B: custom() });
    expect(resources()).toEqual(['A UPDATE_COMPLETE', 'B CREATE_COMPLETE']);
    expect((api.call('ListStackResources', { StackName: 'Stack' }).StackResourceSummaries as unknown[])[1]).toEqual({
      LogicalResourceId: 'B',
      PhysicalResourceId: world.physicalIds().B,
      ResourceType: expect.stringMatching(/^Custom::/) as string,
      ResourceStatus: 'CREATE_COMPLETE',
      LastUpdatedTimestamp: expect.any(Date) as Date,
    });
  });

  test('no longer lists what an update has removed', async () => {
    const { world, resources } = setUp();
    await world.create({ A: parameter('1'), B: custom() });
    await world.update({ A: parameter('1') });
    expect(resources()).toEqual(['A CREATE_COMPLETE']);
  });

  test('lists what a deleted stack had, by the id of the stack alone', async () => {
    const { world, api, resources } = setUp();
    const { stackId } = await world.create({ A: parameter('1') });
    await world.delete();
    expect(resources(stackId)).toEqual(['A DELETE_COMPLETE']);
    expect(errorOf(() => api.call('ListStackResources', { StackName: 'Stack' }))).toMatchObject({
      code: 'ValidationError',
      message: 'Stack with id Stack does not exist',
    });
  });

  test('is paged', async () => {
    const { world, api } = setUp({ pageSize: 2 });
    await world.create({ A: parameter('1'), B: parameter('2'), C: parameter('3') });
    const first = api.call('ListStackResources', { StackName: 'Stack' });
    expect(first.StackResourceSummaries).toHaveLength(2);
    const second = api.call('ListStackResources', { StackName: 'Stack', NextToken: first.NextToken });
    expect(second.StackResourceSummaries).toMatchObject([{ LogicalResourceId: 'C' }]);
    expect(second.NextToken).toBeUndefined();
    expect(errorOf(() => api.call('ListStackResources', { StackName: 'Stack', NextToken: 'x' }))).toMatchObject({
      code: 'ValidationError',
    });
  });
});

describe('ListStacks', () => {
  test('lists deleted stacks, too, unless it is asked for others', async () => {
    const { world, api } = setUp();
    await world.create({ A: parameter('1') });
    await world.delete();
    const { stackId } = await world.create({ A: parameter('1') });
    expect(api.call('ListStacks', {}).StackSummaries).toHaveLength(2);
    expect(api.call('ListStacks', { StackStatusFilter: ['CREATE_COMPLETE'] }).StackSummaries).toMatchObject([
      { StackId: stackId, StackName: 'Stack', StackStatus: 'CREATE_COMPLETE' },
    ]);
    expect(errorOf(() => api.call('ListStacks', { StackStatusFilter: ['FINE'] }))).toMatchObject({
      code: 'ValidationError',
    });
  });
});

describe('DescribeStacks', () => {
  test('finds a stack by its name or its id, and a deleted one by its id', async () => {
    const { world, api } = setUp();
    const { stackId } = await world.create({ A: parameter('1') });
    for (const StackName of ['Stack', stackId]) {
      expect(api.call('DescribeStacks', { StackName }).Stacks).toMatchObject([{ StackId: stackId }]);
    }
    expect(api.call('DescribeStacks', {}).Stacks).toMatchObject([{ StackId: stackId }]);
    await world.delete();
    expect(api.call('DescribeStacks', { StackName: stackId }).Stacks).toMatchObject([
      { StackStatus: 'DELETE_COMPLETE' },
    ]);
    expect(errorOf(() => api.call('DescribeStacks', { StackName: 'Stack' }))).toMatchObject({
      code: 'ValidationError',
    });
  });
});

test('each call is authorized against the stack that it names, or without a resource', async () => {
  const asked: string[] = [];
  const authorize: Authorizer = (_, { action, resource }) => {
    asked.push(`${action} ${resource}`);
    return undefined;
  };
  const { world, api } = setUp({ authorize });
  const { stackId } = await world.create({ A: parameter('1') });
  api.call('ListStacks', {});
  api.call('ListStackResources', { StackName: 'Stack' });
  api.call('DescribeStacks', { StackName: 'Stack' });
  api.call('DescribeStacks', {});
  expect(asked).toEqual([
    'cloudformation:ListStacks *',
    `cloudformation:ListStackResources ${stackId}`,
    `cloudformation:DescribeStacks ${stackId}`,
    'cloudformation:DescribeStacks *',
  ]);
});

test('a call that policies deny is refused before its stack is looked for', () => {
  const { api } = setUp({ authorize: () => 'no' });
  expect(errorOf(() => api.call('DescribeStacks', { StackName: 'Nothing' }))).toMatchObject({ code: 'AccessDenied' });
  expect(errorOf(() => api.call('CreateStack', {}))).toMatchObject({ code: 'InvalidAction' });
});
