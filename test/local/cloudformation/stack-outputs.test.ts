import { custom, parameter, World } from './world';

/** A value that the template takes from an output of another stack. */
const output = (more: object = {}) => ({ 'Fn::GetStackOutput': { StackName: 'Producer', OutputName: 'O', ...more } });

describe('Fn::GetStackOutput', () => {
  const producing = (value: string) => ({
    stackName: 'Producer',
    template: { Resources: { A: parameter() }, Outputs: { O: { Value: value } } },
  });

  test('is the value of an output of another stack, which needs no export', async () => {
    const world = new World();
    await world.clock.run(world.cloudFormation.createStack(producing('one')));
    const stack = await world.create(
      { P: parameter('Producer'), B: parameter(output({ StackName: { 'Fn::GetAtt': ['P', 'Value'] } })) },
      { Outputs: { Value: { Value: { 'Fn::GetAtt': ['B', 'Value'] } }, Direct: { Value: output() } } },
    );
    expect(stack.outputs).toEqual({ Value: 'one', Direct: 'one' });
  });

  test('is resolved when the stack is updated, and does not keep the producer from changing or going', async () => {
    const world = new World();
    await world.clock.run(world.cloudFormation.createStack(producing('one')));
    await world.create({ B: custom({ Value: output() }) });
    await world.clock.run(world.cloudFormation.updateStack(producing('two')));
    await world.update({ B: custom({ Value: output() }), C: parameter() });
    expect(world.requests.at(-1)).toMatchObject({
      RequestType: 'Update',
      ResourceProperties: { Value: 'two' },
      OldResourceProperties: { Value: 'one' },
    });
    const { status } = await world.clock.run(world.cloudFormation.deleteStack('Producer'));
    expect(status).toBe('DELETE_COMPLETE');
    expect((await world.update({ B: custom({ Value: output() }) })).status).toBe('UPDATE_ROLLBACK_COMPLETE');
  });

  test.each([
    ['stack', { StackName: 'Nowhere' }, 'Stack with id Nowhere does not exist'],
    ['output', { OutputName: 'None' }, "Stack 'Producer' has no output 'None'"],
  ])('of an unknown %s fails the resource', async (_, more, message) => {
    const world = new World();
    await world.clock.run(world.cloudFormation.createStack(producing('one')));
    await world.create({ B: parameter(output(more)) });
    expect(world.reasonOf('B', 'CREATE_FAILED')).toBe(message);
  });

  test('can name a stack in another region of the account', async () => {
    const there = new World({ region: 'us-east-1' });
    const here = new World({ sameAccount: there });
    await there.clock.run(there.cloudFormation.createStack(producing('one')));
    const Outputs = { Value: { Value: output({ Region: 'us-east-1' }) } };
    expect((await here.create({ A: parameter() }, { Outputs })).outputs).toEqual({ Value: 'one' });
    const elsewhere = { Resources: { B: parameter(output({ Region: 'mars-1' })) } };
    await here.clock.run(here.cloudFormation.createStack({ stackName: 'Other', template: elsewhere }));
    expect(here.reasonOf('B', 'CREATE_FAILED')).toBe("Fn::GetStackOutput: region 'mars-1' is not served locally");
  });

  test.each([
    [
      'Conditions',
      { Conditions: { C: { 'Fn::Equals': [output(), 'a'] } } },
      'Cannot use Fn::GetStackOutput in Conditions',
    ],
    [
      'the name of an export',
      { Outputs: { O: { Value: 'v', Export: { Name: output() } } } },
      'The Name field of Export must not depend on any resources, imported values, or Fn::GetAZs',
    ],
    [
      'Fn::ImportValue',
      { Outputs: { O: { Value: { 'Fn::ImportValue': output() } } } },
      'the attribute in Fn::ImportValue must not depend on any resources, imported values, or Fn::GetAZs',
    ],
    ['another account', { Outputs: { O: { Value: output({ RoleArn: 'arn' }) } } }, 'RoleArn of Fn::GetStackOutput'],
    ['an unknown form', { Outputs: { O: { Value: { 'Fn::GetStackOutput': ['a', 'b'] } } } }, 'expected an object'],
  ])('is rejected for %s', async (_, more, message) => {
    await expect(new World().create({ A: parameter() }, more)).rejects.toThrow(message);
  });
});
