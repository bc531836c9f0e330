import { custom, parameter, World } from './world';

const URL = 'https://s3.eu-central-1.amazonaws.com/bucket/child.json';

describe('a nested stack', () => {
  test('receives its parameters, and its outputs are attributes in the parent', async () => {
    const { world, child } = worldWith({
      Parameters: { Given: { Type: 'String' }, Items: { Type: 'CommaDelimitedList' } },
      Resources: { A: parameter({ 'Fn::Join': ['-', { Ref: 'Items' }] }) },
      Outputs: { O: { Value: { 'Fn::Sub': '${Given} ${A.Value}' } } },
    });
    const Parameters = { Given: { Ref: 'P' }, Items: ['x', 'y'] };
    await world.create({
      Child: child({ Parameters }),
      P: parameter(),
      B: parameter({ 'Fn::GetAtt': ['Child', 'Outputs.O'] }),
    });
    expect(world.events.findLast(({ status }) => status === 'CREATE_COMPLETE')?.stackName).toBe('Stack');
    const { outputs } = await world.update(
      {
        Child: child({ Parameters }),
        P: parameter(),
        B: parameter({ 'Fn::GetAtt': ['Child', 'Outputs.O'] }),
      },
      { Outputs: { All: { Value: { 'Fn::GetAtt': ['B', 'Value'] } } } },
    );
    expect(outputs.All).toBe(`${world.physicalIds().P} x-y`);
  });

  test('has a name derived from its parent, and is deleted with the parent', async () => {
    const { world, child } = worldWith({ Resources: { A: custom() } });
    await world.create({ Child: child() });
    const nested = world.physicalIds().Child ?? '';
    expect(nested).toMatch(/:stack\/Stack-Child-[A-Z0-9]{12}\//);
    await world.delete();
    expect(world.asked()).toEqual(['Create A', 'Delete A thing']);
    expect(world.cloudFormation.describeStack(nested)?.status).toBe('DELETE_COMPLETE');
  });

  test('can’t be deleted with its parent while another stack imports one of its exports', async () => {
    const { world, child } = worldWith({
      Resources: { A: parameter() },
      Outputs: { O: { Value: 'v', Export: { Name: 'shared' } } },
    });
    await world.create({ Child: child() });
    const template = { Resources: { B: parameter({ 'Fn::ImportValue': 'shared' }) } };
    await world.clock.run(world.cloudFormation.createStack({ stackName: 'Importer', template }));
    expect((await world.delete()).status).toBe('DELETE_FAILED');
    expect(world.reasonOf('Child', 'DELETE_FAILED')).toMatch(/Cannot delete export shared as it is in use by Importer/);
  });

  test('that fails makes its parent roll back and delete it', async () => {
    const { world, child } = worldWith({ Resources: { A: custom(), B: parameter('b', { DependsOn: 'A' }) } });
    world.breaks('B', 'create');
    const stack = await world.create({ Child: child() });
    expect(stack.status).toBe('ROLLBACK_COMPLETE');
    expect(world.reasonOf('Child', 'CREATE_FAILED')).toMatch(
      /^Embedded stack arn:.* was not successfully created: The following resource\(s\) failed to create: \[B\]\. $/,
    );
    expect(world.asked()).toEqual(['Create A', 'Delete A thing']);
  });

  test('is canceled when another resource of its parent fails', async () => {
    const { world, child } = worldWith({ Resources: { A: custom() } });
    world.breaks('X', 'create', 1_000);
    world.behaviour = async (event, { clock }) => {
      if (event.RequestType === 'Create') {
        await clock.sleep(60_000);
      }
      world.succeed(event, event.PhysicalResourceId);
    };
    const start = world.clock.now();
    await world.create({ Child: child(), X: parameter() });
    expect(world.clock.now() - start).toBe(1_000);
    expect(world.requests[1]?.PhysicalResourceId).toMatch(/^Stack-Child-[A-Z0-9]+-A-[A-Z0-9]+$/);
  });

  test('is canceled and rolled back when another resource fails during an update', async () => {
    const { world, child, templates } = worldWith({ Resources: { A: custom({ Id: 'a', Color: 'red' }) } });
    templates.set(`${URL}2`, { Resources: { A: custom({ Id: 'a', Color: 'blue' }) } });
    await world.create({ Child: child() });
    world.breaks('X', 'create', 1_000);
    world.behaviour = async (event, { clock }) => {
      if (event.ResourceProperties.Color === 'blue') {
        await clock.sleep(60_000);
      }
      world.succeed(event);
    };
    const start = world.clock.now();
    const stack = await world.update({ Child: child({ TemplateURL: `${URL}2` }), X: parameter() });
    expect(stack.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(world.clock.now() - start).toBe(1_000);
    expect(world.asked()).toEqual(['Create A', 'Update A a', 'Update A a']);
  });

  test('cleans up only when its parent does', async () => {
    const { world, child, templates } = worldWith({ Resources: { A: custom({ Id: 'a' }), Kept: parameter() } });
    templates.set(`${URL}2`, { Resources: { Kept: parameter() } });
    await world.create({ Child: child() });
    world.story();
    await world.update({ Child: child({ TemplateURL: `${URL}2` }), B: custom({ Id: 'b' }, { DependsOn: 'Child' }) });
    const story = world.story();
    expect(world.asked()).toEqual(['Create A', 'Create B', 'Delete A a']);
    expect(story.indexOf('A DELETE_IN_PROGRESS')).toBeGreaterThan(
      story.indexOf('Stack UPDATE_COMPLETE_CLEANUP_IN_PROGRESS'),
    );
    expect(world.cloudFormation.describeStack(world.physicalIds().Child ?? '')?.status).toBe('UPDATE_COMPLETE');
  });

  test('rolls back with its parent, even if its own update succeeded', async () => {
    const { world, child, templates } = worldWith({
      Resources: { A: custom({ Id: 'a', Color: 'red' }) },
      Outputs: { O: { Value: 'one' } },
    });
    templates.set(`${URL}2`, {
      Resources: { A: custom({ Id: 'a', Color: 'blue' }), N: custom({ Id: 'n' }) },
      Outputs: { O: { Value: 'two' } },
    });
    await world.create({ Child: child() });
    world.asked();
    world.breaks('X', 'create');
    const stack = await world.update({
      Child: child({ TemplateURL: `${URL}2` }),
      X: parameter('x', { DependsOn: 'Child' }),
    });
    expect(stack.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(world.asked()).toEqual(['Update A a', 'Create N', 'Update A a', 'Delete N n']);
    expect(world.cloudFormation.describeStack(world.physicalIds().Child ?? '')).toMatchObject({
      status: 'UPDATE_ROLLBACK_COMPLETE',
      outputs: { O: 'one' },
      resources: [{ logicalId: 'A' }],
    });
  });

  test('rolls back when its own update fails', async () => {
    const { world, child, templates } = worldWith({ Resources: { A: custom({ Id: 'a', Color: 'red' }) } });
    templates.set(`${URL}2`, {
      Resources: { A: custom({ Id: 'a', Color: 'blue' }), N: parameter('n', { DependsOn: 'A' }) },
    });
    await world.create({ Child: child() });
    world.breaks('N', 'create');
    const stack = await world.update({ Child: child({ TemplateURL: `${URL}2` }) });
    expect(stack.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(world.asked()).toEqual(['Create A', 'Update A a', 'Update A a']);
  });

  test('without a template is an error that names the URL', async () => {
    const world = new World();
    await world.create({ Child: { Type: 'AWS::CloudFormation::Stack', Properties: { TemplateURL: URL } } });
    expect(world.reasonOf('Child', 'CREATE_FAILED')).toBe(`no template found at TemplateURL ${URL}`);
  });

  function worldWith(template: object) {
    const templates = new Map<string, object>([[URL, template]]);
    const world = new World({ templateAt: (url) => templates.get(url) });
    const child = (properties: object = {}) => ({
      Type: 'AWS::CloudFormation::Stack',
      Properties: { TemplateURL: URL, ...properties },
    });
    return { world, child, templates };
  }
});
