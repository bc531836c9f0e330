import { TRUST_POLICY } from '../../../local/iam';
import { REGION, ACCOUNT, World } from './world';

const document = (action: string) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: action, Resource: '*' }],
});
const trust = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'lambda.amazonaws.com' } }],
};
const role = (properties: object = {}) => ({
  Type: 'AWS::IAM::Role',
  Properties: { AssumeRolePolicyDocument: trust, ...properties },
});
const user = (properties: object = {}) => ({ Type: 'AWS::IAM::User', Properties: properties });

describe('AWS::IAM::User', () => {
  test('without a name gets one of at most 64 characters from the stack’s name and the logical id', async () => {
    const world = new World();
    await world.create({ ['U'.repeat(60)]: user(), V: user({ UserName: 'alice' }) });
    const names = world.iam.state().users.map(({ userName }) => userName);
    expect(names).toContain('alice');
    expect(names[0]).toMatch(/^Stack-U+-[A-Z0-9]{12}$/);
    expect(names[0]).toHaveLength(64);
  });

  test('is replaced when its name changes, and the old user is deleted during cleanup', async () => {
    const world = new World();
    await world.create({ U: user({ UserName: 'one' }) });
    world.story();
    await world.update({ U: user({ UserName: 'two' }) });
    expect(world.iam.state().users.map(({ userName }) => userName)).toEqual(['two']);
    expect(world.story().slice(-2)).toEqual(['U DELETE_COMPLETE', 'Stack UPDATE_COMPLETE']);
  });

  test('is updated in place when its path changes, including its ARN', async () => {
    const world = new World();
    const Outputs = { Arn: { Value: { 'Fn::GetAtt': ['U', 'Arn'] } } };
    await world.create({ U: user({ UserName: 'one' }) }, { Outputs });
    const stack = await world.update({ U: user({ UserName: 'one', Path: '/team/' }) }, { Outputs });
    expect(stack.outputs.Arn).toBe(`arn:aws:iam::${ACCOUNT}:user/team/one`);
    expect(world.iam.state().users).toHaveLength(1);
  });

  test('can be deleted if the user no longer exists', async () => {
    const world = new World();
    await world.create({ U: user({ UserName: 'one' }) });
    world.iam.call('DeleteUser', { UserName: 'one' });
    expect((await world.delete()).status).toBe('DELETE_COMPLETE');
  });

  test('fails with IAM’s message if its name is in use', async () => {
    const world = new World();
    world.iam.call('CreateUser', { UserName: 'one' });
    await world.create({ U: user({ UserName: 'one' }) });
    expect(world.reasonOf('U', 'CREATE_FAILED')).toBe('User with name one already exists.');
    expect(world.iam.state().users).toHaveLength(1);
  });
});

describe('AWS::IAM::Role', () => {
  test('has its inline and managed policies, and loses those that an update removes', async () => {
    const world = new World();
    const arn = 'arn:aws:iam::aws:policy/ReadOnlyAccess';
    const Policies = [{ PolicyName: 'one', PolicyDocument: document('iam:GetUser') }];
    await world.create({ R: role({ RoleName: 'r', Policies, ManagedPolicyArns: [arn] }) });
    expect(world.iam.state().roles).toMatchObject([{ roleName: 'r', managedPolicies: [arn] }]);
    expect(Object.keys(world.iam.state().roles[0]?.inlinePolicies ?? {})).toEqual(['one']);
    await world.update({ R: role({ RoleName: 'r' }) });
    expect(world.iam.state().roles).toMatchObject([{ inlinePolicies: {}, managedPolicies: [] }]);
    await world.delete();
    expect(world.iam.state().roles).toEqual([]);
  });
});

describe('AWS::IAM::Policy', () => {
  const policy = (properties: object = {}) => ({
    Type: 'AWS::IAM::Policy',
    Properties: { PolicyName: 'p', PolicyDocument: document('iam:GetUser'), Roles: [{ Ref: 'R' }], ...properties },
  });
  const policiesByRole = (world: World) =>
    Object.fromEntries(
      world.iam.state().roles.map(({ roleName, inlinePolicies }) => [roleName, Object.keys(inlinePolicies)]),
    );

  test('is added to each of its roles, and removed from each when it is deleted', async () => {
    const world = new World();
    const roles = { R: role({ RoleName: 'r' }), S: role({ RoleName: 's' }) };
    await world.create({ ...roles, P: policy({ Roles: [{ Ref: 'R' }, { Ref: 'S' }] }) });
    expect(policiesByRole(world)).toEqual({ r: ['p'], s: ['p'] });
    await world.update(roles);
    expect(policiesByRole(world)).toEqual({ r: [], s: [] });
  });

  test('is updated in place when its name or its roles change', async () => {
    const world = new World();
    const roles = { R: role({ RoleName: 'r' }), S: role({ RoleName: 's' }) };
    await world.create({ ...roles, P: policy() });
    const before = world.physicalIds().P;
    await world.update({ ...roles, P: policy({ PolicyName: 'q', Roles: [{ Ref: 'S' }] }) });
    expect(policiesByRole(world)).toEqual({ r: [], s: ['q'] });
    expect(world.physicalIds().P).toBe(before);
    expect(world.story()).not.toContain('P DELETE_IN_PROGRESS');
  });

  test('fails without a role', async () => {
    const world = new World();
    await world.create({ P: policy({ Roles: [] }) });
    expect(world.reasonOf('P', 'CREATE_FAILED')).toContain('must be non-empty');
  });
});

describe('AWS::SecretsManager::ResourcePolicy', () => {
  const secret = (Name: string) => ({ Type: 'AWS::SecretsManager::Secret', Properties: { Name, SecretString: 'x' } });
  const policy = (SecretId: string, Action: string) => ({
    Type: 'AWS::SecretsManager::ResourcePolicy',
    Properties: {
      SecretId: { Ref: SecretId },
      ResourcePolicy: { Statement: { Effect: 'Deny', Principal: '*', Action, Resource: '*' } },
    },
  });
  /** The error that a role gets whose own policies allow everything. */
  const errorFor = (world: World, action: string, id: string) => {
    const document = { Statement: { Effect: 'Allow', Action: '*', Resource: '*' } };
    world.iam.call('CreateRole', { RoleName: 'role', AssumeRolePolicyDocument: TRUST_POLICY });
    world.iam.call('PutRolePolicy', {
      RoleName: 'role',
      PolicyName: 'all',
      PolicyDocument: JSON.stringify(document),
    });
    try {
      world.secretsManager.call(action, { SecretId: id }, { arn: 'session', roleName: 'role' });
      return undefined;
    } catch (error) {
      return (error as Error).message;
    } finally {
      world.iam.call('DeleteRolePolicy', { RoleName: 'role', PolicyName: 'all' });
      world.iam.call('DeleteRole', { RoleName: 'role' });
    }
  };
  const DENIED = expect.stringContaining('with an explicit deny in a resource-based policy') as string;

  test('is in effect until it is updated, moved to another secret, or deleted', async () => {
    const world = new World();
    const secrets = { A: secret('a'), B: secret('b') };
    await world.create({ ...secrets, P: policy('A', 'secretsmanager:GetSecretValue') });
    expect(errorFor(world, 'GetSecretValue', 'a')).toEqual(DENIED);
    expect(errorFor(world, 'DescribeSecret', 'a')).toBeUndefined();
    expect(errorFor(world, 'GetSecretValue', 'b')).toBeUndefined();

    await world.update({ ...secrets, P: policy('A', 'secretsmanager:DescribeSecret') });
    expect(errorFor(world, 'GetSecretValue', 'a')).toBeUndefined();
    expect(errorFor(world, 'DescribeSecret', 'a')).toEqual(DENIED);

    await world.update({ ...secrets, P: policy('B', 'secretsmanager:DescribeSecret') });
    expect(errorFor(world, 'DescribeSecret', 'a')).toBeUndefined();
    expect(errorFor(world, 'DescribeSecret', 'b')).toEqual(DENIED);

    await world.update(secrets);
    expect(errorFor(world, 'DescribeSecret', 'b')).toBeUndefined();
  });

  test('can’t be deleted while its secret is only marked for deletion', async () => {
    const world = new World();
    await world.create({ A: secret('a'), P: policy('A', 'secretsmanager:GetSecretValue') });
    world.secretsManager.delays = { deletion: 60_000 };
    world.secretsManager.call('DeleteSecret', { SecretId: 'a', ForceDeleteWithoutRecovery: true });
    expect((await world.delete()).status).toBe('DELETE_FAILED');
    expect(world.reasonOf('P', 'DELETE_FAILED')).toMatch(/because it was marked for deletion/);
    await world.clock.run(world.clock.sleep(60_000));
    expect((await world.delete()).status).toBe('DELETE_COMPLETE');
  });
});

describe('AWS::SecretsManager::Secret', () => {
  const secret = (properties: object = {}) => ({ Type: 'AWS::SecretsManager::Secret', Properties: properties });
  const valueOf = (world: World, id: string) =>
    world.secretsManager.call('GetSecretValue', { SecretId: id }).SecretString as string;

  test('has the given value, and the new value after an update', async () => {
    const world = new World();
    await world.create({ S: secret({ Name: 'n', SecretString: 'one' }) });
    expect(valueOf(world, 'n')).toBe('one');
    await world.update({ S: secret({ Name: 'n', SecretString: 'two' }) });
    expect(valueOf(world, 'n')).toBe('two');
  });

  test('has the same generated value after its tags change', async () => {
    const world = new World();
    const tagsOf = (id: string) =>
      (world.secretsManager.call('DescribeSecret', { SecretId: id }).Tags as { Key: string }[]).filter(
        ({ Key }) => !Key.startsWith('aws:'),
      );
    const tagged = (...Tags: object[]) => ({ S: secret({ Name: 'n', GenerateSecretString: {}, Tags }) });
    await world.create(tagged({ Key: 'team', Value: 'red' }, { Key: 'cost', Value: '42' }));
    const value = valueOf(world, 'n');
    expect(tagsOf('n')).toEqual([
      { Key: 'team', Value: 'red' },
      { Key: 'cost', Value: '42' },
    ]);
    await world.update(tagged({ Key: 'team', Value: 'blue' }));
    expect(tagsOf('n')).toEqual([{ Key: 'team', Value: 'blue' }]);
    expect(valueOf(world, 'n')).toBe(value);
  });

  test.each([
    ['marked for deletion without recovery', { ForceDeleteWithoutRecovery: true }],
    ['scheduled for deletion', { RecoveryWindowInDays: 7 }],
  ])('can be deleted if the secret is already %s', async (_, how) => {
    const world = new World();
    world.secretsManager.delays = { deletion: 60_000 };
    await world.create({ S: secret({ Name: 'n', SecretString: 'one' }) });
    world.secretsManager.call('DeleteSecret', { SecretId: 'n', ...how });
    expect((await world.delete()).status).toBe('DELETE_COMPLETE');
  });

  test('can be deleted if the secret no longer exists', async () => {
    const world = new World();
    await world.create({ S: secret({ Name: 'n', SecretString: 'one' }) });
    world.secretsManager.call('DeleteSecret', { SecretId: 'n', ForceDeleteWithoutRecovery: true });
    expect((await world.delete()).status).toBe('DELETE_COMPLETE');
  });

  test('can be created with a name only when the secret of that name is gone', async () => {
    const world = new World();
    world.secretsManager.delays = { deletion: 60_000 };
    await world.create({ S: secret({ Name: 'n', SecretString: 'one' }) });
    await world.delete();
    expect((await world.create({ S: secret({ Name: 'n', SecretString: 'two' }) })).status).toBe('ROLLBACK_COMPLETE');
    expect(world.reasonOf('S', 'CREATE_FAILED')).toMatch(/a secret with this name is already scheduled for deletion/);
    await world.delete();
    await world.clock.run(world.clock.sleep(60_000));
    expect((await world.create({ S: secret({ Name: 'n', SecretString: 'two' }) })).status).toBe('CREATE_COMPLETE');
  });

  test('has its ARN as the value of Ref', async () => {
    const world = new World();
    await world.create({ S: secret({ Name: 'n', SecretString: 'one' }) });
    expect(world.physicalIds().S).toMatch(new RegExp(`^arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:n-.{6}$`));
  });

  test('inserts the generated value into SecretStringTemplate', async () => {
    const world = new World();
    const GenerateSecretString = {
      SecretStringTemplate: '{"user":"u"}',
      GenerateStringKey: 'password',
      PasswordLength: 40,
      ExcludePunctuation: true,
      ExcludeCharacters: 'abc',
    };
    await world.create({ S: secret({ Name: 'n', GenerateSecretString }) });
    const { user: name, password } = JSON.parse(valueOf(world, 'n')) as Record<string, string>;
    expect(name).toBe('u');
    expect(password).toMatch(/^[d-zA-Z0-9]{40}$/);
  });

  test('without a value has no version', async () => {
    const world = new World();
    await world.create({ S: secret({ Name: 'n' }) });
    expect(() => valueOf(world, 'n')).toThrow(expect.objectContaining({ code: 'ResourceNotFoundException' }) as Error);
  });

  test('declared without a value has the value that was written to it, even after an update of the stack', async () => {
    const world = new World();
    await world.create({ S: secret({ Name: 'n' }) });
    world.secretsManager.call('PutSecretValue', { SecretId: 'n', SecretString: 'stored' });
    await world.update({ S: secret({ Name: 'n' }), U: user() });
    expect(valueOf(world, 'n')).toBe('stored');
  });

  test('has its tags and those of CloudFormation, and accepts an update with the same tags', async () => {
    const world = new World();
    const Tags = [{ Key: 'team', Value: 'eu' }];
    await world.create({ S: secret({ Name: 'n', Tags }) });
    expect(world.secretsManager.call('DescribeSecret', { SecretId: 'n' }).Tags).toEqual([
      ...Tags,
      { Key: 'aws:cloudformation:stack-name', Value: expect.any(String) as string },
      { Key: 'aws:cloudformation:stack-id', Value: expect.stringMatching(/^arn:aws:cloudformation:/) as string },
      { Key: 'aws:cloudformation:logical-id', Value: 'S' },
    ]);
    expect((await world.update({ S: secret({ Name: 'n', Tags }), U: user() })).status).toBe('UPDATE_COMPLETE');
  });

  test.each(['Description', 'KmsKeyId'])(
    'fails with an error that names the property if %s changes',
    async (property) => {
      const world = new World();
      await world.create({ S: secret({ Name: 'n', [property]: 'one' }) });
      await world.update({ S: secret({ Name: 'n', [property]: 'two' }) });
      expect(world.reasonOf('S', 'UPDATE_FAILED')).toBe(`Update of property ${property} is not supported locally`);
    },
  );

  test('with a value that is not a string fails with an error that does not quote the value', async () => {
    const world = new World();
    await world.create({ S: secret({ SecretString: { seed: 'JBSWY3DPEHPK3PXP' } }) });
    expect(world.reasonOf('S', 'CREATE_FAILED')).toBe('Property SecretString: expected a string, got an object');
  });

  test('frees its name when it is deleted', async () => {
    const world = new World();
    await world.create({ S: secret({ Name: 'n', SecretString: 'one' }) });
    await world.delete();
    expect((await world.create({ S: secret({ Name: 'n', SecretString: 'two' }) })).status).toBe('CREATE_COMPLETE');
  });

  test('is replaced when its name changes', async () => {
    const world = new World();
    await world.create({ S: secret({ Name: 'n', SecretString: 'one' }) });
    await world.update({ S: secret({ Name: 'm', SecretString: 'one' }) });
    expect(valueOf(world, 'm')).toBe('one');
    expect(() => valueOf(world, 'n')).toThrow();
  });
});

describe('AWS::Lambda::Function', () => {
  const lambdaFunction = (properties: object = {}) => ({
    Type: 'AWS::Lambda::Function',
    Properties: {
      Code: { S3Bucket: 'b', S3Key: 'asset.zip' },
      Handler: 'index.handler',
      Runtime: 'nodejs24.x',
      Role: { 'Fn::GetAtt': ['R', 'Arn'] },
      ...properties,
    },
  });

  test('handles the events of custom resources, with the retry settings of its EventInvokeConfig', async () => {
    const world = new World();
    world.assets.publish(new Map([['asset.zip', '/code']]));
    let attempts = 0;
    world.behaviour = (event) => {
      attempts += 1;
      if (attempts < 3) {
        throw new Error('not yet');
      }
      world.succeed(event);
    };
    const start = world.clock.now();
    await world.create({
      R: role(),
      F: lambdaFunction(),
      Config: {
        Type: 'AWS::Lambda::EventInvokeConfig',
        Properties: { FunctionName: { Ref: 'F' }, Qualifier: '$LATEST', MaximumRetryAttempts: 2 },
      },
      A: {
        Type: 'Custom::Thing',
        Properties: { ServiceToken: { 'Fn::GetAtt': ['F', 'Arn'] }, Id: 'a' },
        DependsOn: 'Config',
      },
    });
    expect(attempts).toBe(3);
    expect(world.clock.now() - start).toBe(180_000);
  });

  test('fails with an error that names its asset if the asset does not exist', async () => {
    const world = new World();
    await world.create({ R: role(), F: lambdaFunction() });
    expect(world.reasonOf('F', 'CREATE_FAILED')).toContain("no asset 'asset.zip'");
  });

  test('is deleted with its stack', async () => {
    const world = new World();
    world.assets.publish(new Map([['asset.zip', '/code']]));
    await world.create({ R: role(), F: lambdaFunction({ FunctionName: 'f' }) });
    await world.delete();
    expect(() => world.lambda.invoke('f', {})).toThrow('Function not found: f');
  });

  test('fails if its code is not an asset', async () => {
    const world = new World();
    await world.create({ R: role(), F: lambdaFunction({ Code: { ZipFile: 'code' } }) });
    expect(world.reasonOf('F', 'CREATE_FAILED')).toBe('Property Code: ZipFile is not supported locally');
  });
});

describe('another resource', () => {
  test.each([
    [
      'AWS::Logs::LogGroup',
      { LogGroupName: 'g', RetentionInDays: 7 },
      'Arn',
      `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:g:*`,
    ],
    ['AWS::KMS::Key', { EnableKeyRotation: true }, 'Arn', expect.stringMatching(/^arn:aws:kms:.*:key\/[0-9a-f-]{36}$/)],
    ['AWS::SSM::Parameter', { Type: 'String', Value: 'v' }, 'Value', 'v'],
  ])('of type %s has its attributes', async (Type, Properties, attribute, expected) => {
    const world = new World();
    const stack = await world.create(
      { A: { Type, Properties } },
      { Outputs: { O: { Value: { 'Fn::GetAtt': ['A', attribute] } } } },
    );
    expect(stack.outputs.O).toEqual(expected);
  });

  test('fails if its name is in use', async () => {
    const world = new World();
    const group = { Type: 'AWS::Logs::LogGroup', Properties: { LogGroupName: 'g' } };
    expect((await world.create({ A: group, B: group })).status).toBe('ROLLBACK_COMPLETE');
  });

  test('of type AWS::CloudFormation::WaitConditionHandle can be created', async () => {
    const stack = await new World().create({ W: { Type: 'AWS::CloudFormation::WaitConditionHandle' } });
    expect(stack.status).toBe('CREATE_COMPLETE');
  });
});
