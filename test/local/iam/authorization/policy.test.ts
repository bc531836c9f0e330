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
  ])('Action %j: %s', (Action, expected) => {
    expect(verdict({ ...ALLOW, Action })).toBe(expected);
  });

  test('NotAction means all others', () => {
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
  ])('Resource %s: %s', (Resource, expected) => {
    expect(verdict({ ...ALLOW, Resource })).toBe(expected);
  });

  test.each([
    ['arn:aws:secretsmanager:us-east-1:123456789012:secret:mfa/alice-??????', 'allow'],
    ['arn:aws:secretsmanager:us-east-1:123456789012:secret:mfa/alice-?????', 'silent'],
    ['arn:aws:secretsmanager:us-east-1:123456789012:secret:mfa/alice-???????', 'silent'],
    ['arn:aws:secretsmanager:eu-west-1:123456789012:secret:mfa/alice-??????', 'silent'],
  ])('Resource %s, a question mark for each character: %s', (Resource, expected) => {
    expect(verdict({ ...ALLOW, Resource }, { resource: SECRET })).toBe(expected);
  });

  test('a pattern’s other characters mean themselves', () => {
    expect(verdict({ ...ALLOW, Resource: 'arn:aws:iam::123456789012:user/team/al.ce' })).toBe('silent');
    expect(verdict({ ...ALLOW, Resource: 'arn:aws:iam::123456789012:user/(team|x)/alice' })).toBe('silent');
  });

  test('NotResource means all others', () => {
    const statement = { Effect: 'Allow', Action: '*', NotResource: USER };
    expect(verdict(statement)).toBe('silent');
    expect(verdict(statement, { resource: `${USER}2` })).toBe('allow');
  });
});

describe('effects', () => {
  test('an explicit Deny wins over any Allow, in either order', () => {
    const deny = { Effect: 'Deny', Action: 'iam:Enable*', Resource: '*' };
    expect(verdict([ALLOW, deny])).toBe('deny');
    expect(verdict([deny, ALLOW])).toBe('deny');
  });

  test('a Deny for something else leaves the Allow', () => {
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
  ])('%s %s with %s: %s', (operator, pattern, value, expected) => {
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
  ])('%s with the key absent: %s', (operator, expected) => {
    expect(verdict(when({ [operator]: { 'aws:TagKeys': 'claim:*' } }))).toBe(expected);
  });

  test('IfExists judges a key that is there', () => {
    expect(verdict(when({ StringEqualsIfExists: { 'aws:TagKeys': 'a' } }), keys('b'))).toBe('silent');
  });

  test('ForAllValues wants every value of the request to fit, ForAnyValue one', () => {
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
  ])('Null %s with %j: %s', (absent, present, expected) => {
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

  test('Bool compares without regard to case, and takes a JSON boolean', () => {
    const context = { 'aws:SecureTransport': ['true'] };
    expect(verdict(when({ Bool: { 'aws:SecureTransport': true } }), { context })).toBe('allow');
    expect(verdict(when({ Bool: { 'aws:SecureTransport': 'False' } }), { context })).toBe('silent');
  });

  test('all of several conditions must hold, any of several values is enough', () => {
    const context = { 'aws:TagKeys': ['a'], 'kms:ViaService': ['secretsmanager.us-east-1.amazonaws.com'] };
    const both = (service: string) =>
      when({ StringEquals: { 'aws:TagKeys': ['b', 'a'], 'kms:ViaService': `${service}.us-east-1.amazonaws.com` } });
    expect(verdict(both('secretsmanager'), { context })).toBe('allow');
    expect(verdict(both('s3'), { context })).toBe('silent');
  });

  test('condition keys are not case-sensitive', () => {
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
    'speaks about the principals that it names: %j',
    (principal) => {
      expect(verdict(principal, ROLE)).toBe('allow');
    },
  );

  test('is silent about others', () => {
    expect(verdict({ AWS: ROLE }, `${ROLE}s`)).toBe('silent');
  });

  test.each([[{ Service: 'lambda.amazonaws.com' }], [{ AWS: '123456789012' }], [undefined]])(
    'with principals that can’t be judged here is refused: %j',
    (principal) => {
      expect(() => verdict(principal, ROLE)).toThrow('is not known to the local IAM');
    },
  );
});

describe('what can’t be judged here is named, never passed over', () => {
  test.each([
    ['a condition operator', { ...ALLOW, Condition: { IpAddress: { 'aws:TagKeys': 'x' } } }, "'IpAddress'"],
    [
      'an operator that every object answers to',
      { ...ALLOW, Condition: { toString: { 'aws:TagKeys': 'x' } } },
      "'toString'",
    ],
    ['a quantifier', { ...ALLOW, Condition: { 'ForSome:StringLike': { 'aws:TagKeys': 'x' } } }, "'ForSome:StringLike'"],
    ['a condition key', { ...ALLOW, Condition: { StringLike: { 'aws:SourceVpc': 'x' } } }, "'aws:SourceVpc'"],
    ['a statement element', { ...ALLOW, Principal: '*' }, "'Principal'"],
    ['a policy variable', { ...ALLOW, Resource: 'arn:aws:iam::1:user/${aws:username}' }, '${aws:username}'],
  ])('%s', (_, statement, named) => {
    const parse = () => parsePolicy(JSON.stringify({ Statement: statement }));
    expect(parse).toThrow(named);
    expect(parse).not.toThrow(AwsError);
  });

  test('an element of the policy', () => {
    expect(() => parsePolicy(JSON.stringify({ Statement: ALLOW, Statements: [] }))).toThrow("'Statements'");
  });
});

describe('what AWS calls malformed is refused', () => {
  test.each([
    ['no JSON', '{'],
    ['no object', '[]'],
    ['no statement', '{"Version":"2012-10-17"}'],
    ['a statement that is no object', '{"Statement":["x"]}'],
    ['another effect', JSON.stringify({ Statement: { ...ALLOW, Effect: 'Permit' } })],
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
