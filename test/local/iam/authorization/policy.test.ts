import { AwsError } from '../../../../local/aws-error';
import { parsePolicy, type Verdict } from '../../../../local/iam/authorization/policy';

const USER = 'arn:aws:iam::123456789012:user/team/alice';

function verdict(
  statement: Record<string, unknown> | Record<string, unknown>[],
  request: { action?: string; resource?: string; context?: Record<string, string[]> } = {},
): Verdict {
  const context = new Map(Object.entries(request.context ?? {}).map(([key, values]) => [key.toLowerCase(), values]));
  return parsePolicy(JSON.stringify({ Version: '2012-10-17', Statement: statement })).verdict({
    action: request.action ?? 'iam:EnableMFADevice',
    resource: request.resource ?? USER,
    context,
  });
}

const ALLOW = { Effect: 'Allow', Action: '*', Resource: '*' };

describe('actions', () => {
  test.each([
    ['iam:EnableMFADevice', 'allow'],
    ['IAM:enablemfadevice', 'allow'],
    ['iam:*MFADevice', 'allow'],
    ['iam:?nableMFADevice', 'allow'],
    ['*', 'allow'],
    [['iam:GetUser', 'iam:EnableMFADevice'], 'allow'],
    ['iam:EnableMFADevices', 'silent'],
    ['iam:DisableMFADevice', 'silent'],
    ['sts:*', 'silent'],
    ['iam.EnableMFADevice', 'silent'],
  ])('Action %j: the verdict is %s', (Action, expected) => {
    expect(verdict({ ...ALLOW, Action })).toBe(expected);
  });

  test('NotAction matches all other actions', () => {
    const statement = { Effect: 'Allow', NotAction: 'iam:List*', Resource: '*' };
    expect(verdict(statement)).toBe('allow');
    expect(verdict(statement, { action: 'iam:ListMFADevices' })).toBe('silent');
  });
});

describe('resources', () => {
  const SECRET = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:mfa/alice-AbCdEf';

  test.each([
    [USER, 'allow'],
    ['*', 'allow'],
    ['arn:aws:iam::123456789012:user/*', 'allow'],
    ['arn:aws:iam::*:user/team/alice', 'allow'],
    ['arn:aws:iam', 'allow'],
    ['arn:aws:iam::123456789012:user/alice', 'silent'],
    ['arn:aws:iam::123456789012:user/team/ALICE', 'silent'],
    ['arn:aws:*:alice', 'silent'],
    ['arn:aws:iam::123456789012:user/team/alice2', 'silent'],
    ['arn:aws:iam::12345678901?:user/team/alice', 'allow'],
  ])('Resource %s: the verdict is %s', (Resource, expected) => {
    expect(verdict({ ...ALLOW, Resource })).toBe(expected);
  });

  test.each([
    ['arn:aws:secretsmanager:us-east-1:123456789012:secret:mfa/alice-??????', 'allow'],
    ['arn:aws:secretsmanager:us-east-1:123456789012:secret:mfa/alice-?????', 'silent'],
    ['arn:aws:secretsmanager:us-east-1:123456789012:secret:mfa/alice-???????', 'silent'],
    ['arn:aws:secretsmanager:eu-west-1:123456789012:secret:mfa/alice-??????', 'silent'],
  ])('Resource %s, with one question mark per character: the verdict is %s', (Resource, expected) => {
    expect(verdict({ ...ALLOW, Resource }, { resource: SECRET })).toBe(expected);
  });

  test('other characters of a pattern match literally', () => {
    expect(verdict({ ...ALLOW, Resource: 'arn:aws:iam::123456789012:user/team/al.ce' })).toBe('silent');
    expect(verdict({ ...ALLOW, Resource: 'arn:aws:iam::123456789012:user/(team|x)/alice' })).toBe('silent');
  });

  test('NotResource matches all other resources', () => {
    const statement = { Effect: 'Allow', Action: '*', NotResource: USER };
    expect(verdict(statement)).toBe('silent');
    expect(verdict(statement, { resource: `${USER}2` })).toBe('allow');
  });
});

describe('effects', () => {
  test('an explicit Deny overrides any Allow, in either order', () => {
    const deny = { Effect: 'Deny', Action: 'iam:Enable*', Resource: '*' };
    expect(verdict([ALLOW, deny])).toBe('deny');
    expect(verdict([deny, ALLOW])).toBe('deny');
  });

  test('a Deny of another action does not affect the Allow', () => {
    expect(verdict([ALLOW, { Effect: 'Deny', Action: 'iam:Get*', Resource: '*' }])).toBe('allow');
  });
});

describe('conditions', () => {
  const keys = (...values: string[]) => ({ context: { 'aws:TagKeys': values } });
  const when = (Condition: Record<string, unknown>) => ({ ...ALLOW, Condition });

  test.each([
    ['StringEquals', 'claim:a', 'claim:a', 'allow'],
    ['StringEquals', 'claim:*', 'claim:a', 'silent'],
    ['StringEquals', 'Claim:a', 'claim:a', 'silent'],
    ['StringEqualsIgnoreCase', 'Claim:a', 'claim:a', 'allow'],
    ['StringLike', 'claim:*', 'claim:a', 'allow'],
    ['StringLike', 'claim:?', 'claim:ab', 'silent'],
    ['StringNotEquals', 'claim:a', 'claim:a', 'silent'],
    ['StringNotEquals', 'claim:a', 'claim:b', 'allow'],
    ['StringNotEqualsIgnoreCase', 'CLAIM:A', 'claim:a', 'silent'],
    ['StringNotLike', 'claim:*', 'claim:a', 'silent'],
    ['StringNotLike', 'claim:*', 'other', 'allow'],
  ])('%s %s with %s: the verdict is %s', (operator, pattern, value, expected) => {
    expect(verdict(when({ [operator]: { 'aws:TagKeys': pattern } }), keys(value))).toBe(expected);
  });

  test.each([
    ['StringEquals', 'silent'],
    ['StringLike', 'silent'],
    ['StringNotEquals', 'allow'],
    ['StringEqualsIfExists', 'allow'],
    ['StringLikeIfExists', 'allow'],
    ['ForAllValues:StringLike', 'allow'],
    ['ForAnyValue:StringLike', 'silent'],
  ])('%s without the key in the request: the verdict is %s', (operator, expected) => {
    expect(verdict(when({ [operator]: { 'aws:TagKeys': 'claim:*' } }))).toBe(expected);
  });

  test('IfExists compares a key that is in the request', () => {
    expect(verdict(when({ StringEqualsIfExists: { 'aws:TagKeys': 'a' } }), keys('b'))).toBe('silent');
  });

  test('ForAllValues requires every value of the request to match, ForAnyValue only one', () => {
    const all = when({ 'ForAllValues:StringLike': { 'aws:TagKeys': ['claim:*', 'device:*'] } });
    expect(verdict(all, keys('claim:a', 'device:b'))).toBe('allow');
    expect(verdict(all, keys('claim:a', 'other'))).toBe('silent');
    const any = when({ 'ForAnyValue:StringEquals': { 'aws:TagKeys': 'claim:a' } });
    expect(verdict(any, keys('other', 'claim:a'))).toBe('allow');
    expect(verdict(any, keys('other'))).toBe('silent');
  });

  test.each([
    ['true', [], 'allow'],
    ['false', [], 'silent'],
    ['true', ['a'], 'silent'],
    ['false', ['a'], 'allow'],
  ])('Null %s with %j: the verdict is %s', (absent, present, expected) => {
    expect(verdict(when({ Null: { 'aws:TagKeys': absent } }), present.length > 0 ? keys(...present) : {})).toBe(
      expected,
    );
  });

  test('ArnLike matches field by field', () => {
    const context = { 'aws:PrincipalArn': ['arn:aws:iam::123456789012:role/handler'] };
    const like = (pattern: string) => verdict(when({ ArnLike: { 'aws:PrincipalArn': pattern } }), { context });
    expect(like('arn:aws:iam::*:role/hand*')).toBe('allow');
    expect(like('arn:*:role/handler')).toBe('silent');
    expect(verdict(when({ ArnNotLike: { 'aws:PrincipalArn': 'arn:aws:iam::*:role/*' } }), { context })).toBe('silent');
  });

  test('Bool is case-insensitive, and accepts a JSON boolean', () => {
    const context = { 'aws:SecureTransport': ['true'] };
    expect(verdict(when({ Bool: { 'aws:SecureTransport': true } }), { context })).toBe('allow');
    expect(verdict(when({ Bool: { 'aws:SecureTransport': 'False' } }), { context })).toBe('silent');
  });

  test('every condition must hold, and one matching value of a condition is enough', () => {
    const context = { 'aws:TagKeys': ['a'], 'kms:ViaService': ['secretsmanager.us-east-1.amazonaws.com'] };
    const both = (service: string) =>
      when({ StringEquals: { 'aws:TagKeys': ['b', 'a'], 'kms:ViaService': `${service}.us-east-1.amazonaws.com` } });
    expect(verdict(both('secretsmanager'), { context })).toBe('allow');
    expect(verdict(both('s3'), { context })).toBe('silent');
  });

  test('condition keys are case-insensitive', () => {
    expect(verdict(when({ StringEquals: { 'AWS:tagkeys': 'a' } }), keys('a'))).toBe('allow');
  });
});

describe('a resource-based policy', () => {
  const ROLE = 'arn:aws:iam::123456789012:role/reader';
  const verdict = (Principal: unknown, principalArn: string) =>
    parsePolicy(JSON.stringify({ Statement: { ...ALLOW, Principal } }), 'resource').verdict({
      action: 'iam:EnableMFADevice',
      resource: 'arn:aws:iam::1:user/alice',
      context: new Map([['aws:principalarn', [principalArn]]]),
    });

  test.each(['*', { AWS: '*' }, { AWS: ROLE }, { AWS: ['arn:aws:iam::123456789012:role/other', ROLE] }])(
    'applies to the principals that it names: %j',
    (principal) => {
      expect(verdict(principal, ROLE)).toBe('allow');
    },
  );

  test('does not apply to other principals', () => {
    expect(verdict({ AWS: ROLE }, `${ROLE}s`)).toBe('silent');
  });

  test.each([[{ Service: 'lambda.amazonaws.com' }], [{ AWS: '123456789012' }], [undefined]])(
    'with unsupported principals is an error: %j',
    (principal) => {
      expect(() => verdict(principal, ROLE)).toThrow('is not supported by the local IAM');
    },
  );
});

describe('the error for a policy names an unsupported', () => {
  test.each([
    ['condition operator', { ...ALLOW, Condition: { IpAddress: { 'aws:TagKeys': 'x' } } }, "'IpAddress'"],
    [
      'condition operator that is a member of every object',
      { ...ALLOW, Condition: { toString: { 'aws:TagKeys': 'x' } } },
      "'toString'",
    ],
    ['quantifier', { ...ALLOW, Condition: { 'ForSome:StringLike': { 'aws:TagKeys': 'x' } } }, "'ForSome:StringLike'"],
    ['condition key', { ...ALLOW, Condition: { StringLike: { 'aws:SourceVpc': 'x' } } }, "'aws:SourceVpc'"],
    ['statement element', { ...ALLOW, Principal: '*' }, "'Principal'"],
    ['policy variable', { ...ALLOW, Resource: 'arn:aws:iam::1:user/${aws:username}' }, '${aws:username}'],
  ])('%s', (_, statement, expected) => {
    const parse = () => parsePolicy(JSON.stringify({ Statement: statement }));
    expect(parse).toThrow(expected);
    expect(parse).not.toThrow(AwsError);
  });

  test('policy element', () => {
    expect(() => parsePolicy(JSON.stringify({ Statement: ALLOW, Statements: [] }))).toThrow("'Statements'");
  });
});

describe('a policy is malformed with', () => {
  test.each([
    ['invalid JSON', '{'],
    ['JSON that is not an object', '[]'],
    ['no statement', '{"Version":"2012-10-17"}'],
    ['a statement that is not an object', '{"Statement":["x"]}'],
    ['an invalid effect', JSON.stringify({ Statement: { ...ALLOW, Effect: 'Permit' } })],
    ['neither Action nor NotAction', JSON.stringify({ Statement: { Effect: 'Allow', Resource: '*' } })],
    ['both Action and NotAction', JSON.stringify({ Statement: { ...ALLOW, NotAction: '*' } })],
    ['no resource', JSON.stringify({ Statement: { ...ALLOW, Resource: [] } })],
    ['a resource that is an object', JSON.stringify({ Statement: { ...ALLOW, Resource: { Ref: 'x' } } })],
    ['a condition that is a list', JSON.stringify({ Statement: { ...ALLOW, Condition: [] } })],
  ])('%s', (_, document) => {
    let error: unknown;
    try {
      parsePolicy(document);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: 'MalformedPolicyDocument', status: 400 });
  });
});
