import { custom, FUNCTION_ARN, parameter, World } from './world';

describe('what is unknown in a template is refused by name before anything is done', () => {
  test.each<[string, object, RegExp]>([
    ['a section', { Transform: 'AWS::Serverless' }, /template section 'Transform'/],
    ['a rule', { Rules: { Mine: {} } }, /rule 'Mine'/],
    ['a resource type', { Resources: { Q: { Type: 'AWS::SQS::Queue' } } }, /resource type AWS::SQS::Queue/],
    [
      'an attribute of a resource',
      { Resources: { A: parameter('a', { CreationPolicy: {} }) } },
      /'A' 'CreationPolicy'/,
    ],
    [
      'a property',
      { Resources: { A: parameter('a', { Properties: { Value: 'a', Tier: 'Advanced' } }) } },
      /property 'Tier' of resource 'A' \(AWS::SSM::Parameter\)/,
    ],
    [
      'a DeletionPolicy',
      { Resources: { A: parameter('a', { DeletionPolicy: 'Snapshot' }) } },
      /DeletionPolicy "Snapshot"/,
    ],
    [
      'an UpdateReplacePolicy',
      { Resources: { A: parameter('a', { UpdateReplacePolicy: 'Snapshot' }) } },
      /UpdateReplacePolicy "Snapshot" of resource 'A'/,
    ],
    ['an intrinsic function', { Resources: { A: parameter({ 'Fn::Cidr': [] }) } }, /Fn::Cidr in resource 'A'/],
    [
      'a condition function',
      { Conditions: { C: { 'Fn::Contains': [['a'], 'a'] } } },
      /intrinsic function Fn::Contains in condition 'C'/,
    ],
    [
      'a dynamic reference',
      { Resources: { A: parameter({ 'Fn::Join': ['', ['{{resolve:secretsmanager:', 'x}}']] }) } },
      /dynamic reference .* in resource 'A'/,
    ],
    [
      'an attribute that is read',
      { Resources: { A: parameter(), B: parameter({ 'Fn::GetAtt': ['A', 'Nothing'] }) } },
      /attribute 'Nothing' of AWS::SSM::Parameter in resource 'B'/,
    ],
    ['what a Ref names', { Resources: { A: parameter({ Ref: 'Nobody' }) } }, /\[Nobody\] in resource 'A'/],
    [
      'what a DependsOn names',
      { Resources: { A: parameter('a', { DependsOn: 'Nobody' }) } },
      /\[Nobody\] in DependsOn/,
    ],
    ['what an output names', { Outputs: { O: { Value: { Ref: 'Nobody' } } } }, /\[Nobody\] in output 'O'/],
    ['a condition', { Resources: { A: parameter('a', { Condition: 'C' }) } }, /unresolved condition 'C'/],
    [
      'a parameter of Parameter Store that nobody can read',
      {
        Parameters: { P: { Type: 'AWS::SSM::Parameter::Value<String>', Default: '/a' } },
        Resources: { A: parameter({ Ref: 'P' }) },
      },
      /\[P\] in resource 'A'/,
    ],
    [
      'a circle',
      { Resources: { A: parameter({ Ref: 'B' }), B: parameter({ Ref: 'A' }) } },
      /circular dependency between resources: \[A, B\]/,
    ],
    [
      'a resource that its condition leaves out',
      {
        Conditions: { No: { 'Fn::Equals': ['a', 'b'] } },
        Resources: { A: parameter('a', { Condition: 'No' }), B: parameter({ Ref: 'A' }) },
      },
      /\[A\] in resource 'B'/,
    ],
  ])('%s', async (_name, template, message) => {
    const world = new World();
    await expect(world.create({ A: custom() }, template)).rejects.toThrow(message);
    expect(world.story()).toEqual([]);
  });

  test('no template at all, and one without resources', async () => {
    const { cloudFormation } = new World();
    await expect(cloudFormation.createStack({ stackName: 'S', template: 'text' })).rejects.toThrow('not a JSON object');
    await expect(cloudFormation.createStack({ stackName: 'S', template: {} })).rejects.toThrow('Resources');
  });
});

test('what CDK adds to every template is let through', async () => {
  const stack = await new World().create(
    {
      A: parameter('a', { Metadata: { 'aws:cdk:path': 'Stack/A' } }),
      M: { Type: 'AWS::CDK::Metadata', Properties: { Analytics: 'v2' } },
    },
    {
      Parameters: {
        BootstrapVersion: { Type: 'AWS::SSM::Parameter::Value<String>', Default: '/cdk-bootstrap/version' },
      },
      Rules: { CheckBootstrapVersion: { Assertions: [] } },
    },
  );
  expect(stack.status).toBe('CREATE_COMPLETE');
});

describe('the values of parameters', () => {
  const echo = async (declaration: object, given?: string) => {
    const world = new World();
    const { outputs } = await world.clock.run(
      world.cloudFormation.createStack({
        stackName: 'Stack',
        parameters: given === undefined ? {} : { P: given },
        template: {
          Parameters: { P: declaration },
          Resources: { A: parameter() },
          Outputs: { O: { Value: { Ref: 'P' } } },
        },
      }),
    );
    return outputs.O;
  };

  test('are those given, or the defaults', async () => {
    expect(await echo({ Type: 'String', Default: 'd' })).toBe('d');
    expect(await echo({ Type: 'String', Default: 'd' }, 'given')).toBe('given');
    expect(await echo({ Type: 'AWS::SSM::Parameter::Value<String>' }, 'given')).toBe('given');
  });

  test('of list types are lists', async () => {
    expect(await echo({ Type: 'CommaDelimitedList' }, 'a, b')).toEqual(['a', 'b']);
    expect(await echo({ Type: 'List<Number>' }, '1,2')).toEqual(['1', '2']);
  });

  test.each<[string, object, string | undefined, RegExp]>([
    ['are needed', { Type: 'String' }, undefined, /\[P\] must have values/],
    ['of type Number are numbers', { Type: 'Number' }, 'x', /'P' must be a number/],
    ['keep to MaxValue', { Type: 'Number', MaxValue: 3 }, '4', /from -Infinity to 3/],
    ['are among AllowedValues', { Type: 'String', AllowedValues: ['a'] }, 'b', /'P' must be one of AllowedValues/],
    ['match AllowedPattern as a whole', { Type: 'String', AllowedPattern: 'a' }, 'aa', /must match pattern a/],
    ['keep to MinLength', { Type: 'String', MinLength: 2 }, 'a', /from 2 to Infinity characters/],
    ['have a known type', { Type: 'AWS::EC2::VPC::Id' }, 'vpc-1', /type 'AWS::EC2::VPC::Id' is not supported locally/],
    ['have no unknown attribute', { Type: 'String', Colour: 'red' }, 'a', /attribute of parameter 'P' 'Colour'/],
  ])('%s', async (_rule, declaration, given, message) => {
    await expect(echo(declaration, given)).rejects.toThrow(message);
  });

  test('are given only to parameters that exist', async () => {
    const { cloudFormation } = new World();
    const template = { Resources: { A: parameter() } };
    await expect(cloudFormation.createStack({ stackName: 'S', template, parameters: { X: '1' } })).rejects.toThrow(
      'Parameters: [X] do not exist in the template',
    );
  });
});

test('a ServiceToken may be an attribute of the function that the template declares', async () => {
  // Dependencies follow from it, so that the function is there before its first event.
  const world = new World();
  await world.create({
    Token: parameter(FUNCTION_ARN),
    A: custom({ ServiceToken: { 'Fn::GetAtt': ['Token', 'Value'] } }),
  });
  expect(world.asked()).toEqual(['Create A']);
});
