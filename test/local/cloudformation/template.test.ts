import { custom, FUNCTION_ARN, parameter, World } from './world';

describe('the error for a template names, before anything changes, an unsupported', () => {
  test.each<[string, object, RegExp]>([
    ['section', { Transform: 'AWS::Serverless' }, /template section 'Transform'/],
    ['rule', { Rules: { Mine: {} } }, /rule 'Mine'/],
    ['resource type', { Resources: { Q: { Type: 'AWS::SQS::Queue' } } }, /resource type AWS::SQS::Queue/],
    ['attribute of a resource', { Resources: { A: parameter('a', { CreationPolicy: {} }) } }, /'A' 'CreationPolicy'/],
    [
      'property',
      { Resources: { A: parameter('a', { Properties: { Value: 'a', Tier: 'Advanced' } }) } },
      /property 'Tier' of resource 'A' \(AWS::SSM::Parameter\)/,
    ],
    [
      'DeletionPolicy',
      { Resources: { A: parameter('a', { DeletionPolicy: 'Snapshot' }) } },
      /DeletionPolicy "Snapshot"/,
    ],
    [
      'UpdateReplacePolicy',
      { Resources: { A: parameter('a', { UpdateReplacePolicy: 'Snapshot' }) } },
      /UpdateReplacePolicy "Snapshot" of resource 'A'/,
    ],
    ['intrinsic function', { Resources: { A: parameter({ 'Fn::Cidr': [] }) } }, /Fn::Cidr in resource 'A'/],
    [
      'condition function',
      { Conditions: { C: { 'Fn::Contains': [['a'], 'a'] } } },
      /intrinsic function Fn::Contains in condition 'C'/,
    ],
    [
      'dynamic reference',
      { Resources: { A: parameter({ 'Fn::Join': ['', ['{{resolve:secretsmanager:', 'x}}']] }) } },
      /dynamic reference .* in resource 'A'/,
    ],
    [
      'attribute in Fn::GetAtt',
      { Resources: { A: parameter(), B: parameter({ 'Fn::GetAtt': ['A', 'Nothing'] }) } },
      /attribute 'Nothing' of AWS::SSM::Parameter in resource 'B'/,
    ],
    ['name in a Ref', { Resources: { A: parameter({ Ref: 'Nobody' }) } }, /\[Nobody\] in resource 'A'/],
    ['name in DependsOn', { Resources: { A: parameter('a', { DependsOn: 'Nobody' }) } }, /\[Nobody\] in DependsOn/],
    ['name in an output', { Outputs: { O: { Value: { Ref: 'Nobody' } } } }, /\[Nobody\] in output 'O'/],
    ['condition', { Resources: { A: parameter('a', { Condition: 'C' }) } }, /unresolved condition 'C'/],
    [
      'reference to a parameter from Parameter Store',
      {
        Parameters: { P: { Type: 'AWS::SSM::Parameter::Value<String>', Default: '/a' } },
        Resources: { A: parameter({ Ref: 'P' }) },
      },
      /\[P\] in resource 'A'/,
    ],
    [
      'circular dependency',
      { Resources: { A: parameter({ Ref: 'B' }), B: parameter({ Ref: 'A' }) } },
      /circular dependency between resources: \[A, B\]/,
    ],
    [
      'reference to a resource whose condition is false',
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

  test('template that is not a JSON object, or has no resources', async () => {
    const { cloudFormation } = new World();
    await expect(cloudFormation.createStack({ stackName: 'S', template: 'text' })).rejects.toThrow('not a JSON object');
    await expect(cloudFormation.createStack({ stackName: 'S', template: {} })).rejects.toThrow('Resources');
  });
});

test('the elements that the CDK adds to every template are supported', async () => {
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

describe('the value of a parameter', () => {
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

  test('is the given value or the default', async () => {
    expect(await echo({ Type: 'String', Default: 'd' })).toBe('d');
    expect(await echo({ Type: 'String', Default: 'd' }, 'given')).toBe('given');
    expect(await echo({ Type: 'AWS::SSM::Parameter::Value<String>' }, 'given')).toBe('given');
  });

  test('with a list type is a list', async () => {
    expect(await echo({ Type: 'CommaDelimitedList' }, 'a, b')).toEqual(['a', 'b']);
    expect(await echo({ Type: 'List<Number>' }, '1,2')).toEqual(['1', '2']);
  });

  test.each<[string, object, string | undefined, RegExp]>([
    ['is required', { Type: 'String' }, undefined, /\[P\] must have values/],
    ['must be a number for type Number', { Type: 'Number' }, 'x', /'P' must be a number/],
    ['must not exceed MaxValue', { Type: 'Number', MaxValue: 3 }, '4', /from -Infinity to 3/],
    ['must be one of AllowedValues', { Type: 'String', AllowedValues: ['a'] }, 'b', /'P' must be one of AllowedValues/],
    ['must match AllowedPattern completely', { Type: 'String', AllowedPattern: 'a' }, 'aa', /must match pattern a/],
    ['must have MinLength characters', { Type: 'String', MinLength: 2 }, 'a', /from 2 to Infinity characters/],
    [
      'must have a supported type',
      { Type: 'AWS::EC2::VPC::Id' },
      'vpc-1',
      /type 'AWS::EC2::VPC::Id' is not supported locally/,
    ],
    [
      'must not have an unknown attribute in its declaration',
      { Type: 'String', Color: 'red' },
      'a',
      /attribute of parameter 'P' 'Color'/,
    ],
  ])('%s', async (_rule, declaration, given, message) => {
    await expect(echo(declaration, given)).rejects.toThrow(message);
  });

  test('must not be given for an unknown parameter', async () => {
    const { cloudFormation } = new World();
    const template = { Resources: { A: parameter() } };
    await expect(cloudFormation.createStack({ stackName: 'S', template, parameters: { X: '1' } })).rejects.toThrow(
      'Parameters: [X] do not exist in the template',
    );
  });
});

test('a ServiceToken can be an attribute of another resource, which is then created first', async () => {
  const world = new World();
  await world.create({
    Token: parameter(FUNCTION_ARN),
    A: custom({ ServiceToken: { 'Fn::GetAtt': ['Token', 'Value'] } }),
  });
  expect(world.asked()).toEqual(['Create A']);
});
