import { TRUST_POLICY } from '../../../local/iam';
import { ACCOUNT, newIam, errorOf } from './fixture';

const HANDLER = { RoleName: 'handler' };

function setUp() {
  const { iam } = newIam();
  iam.call('CreateRole', { ...HANDLER, AssumeRolePolicyDocument: TRUST_POLICY, Path: '/service/' });
  const put = (PolicyName: string, resource = '*') =>
    iam.call('PutRolePolicy', {
      ...HANDLER,
      PolicyName,
      PolicyDocument: JSON.stringify({ Statement: { Effect: 'Allow', Action: 'iam:GetUser', Resource: resource } }),
    });
  return { iam, put };
}

test('GetRole returns the ARN, and the trust policy URL-encoded', () => {
  const { iam } = setUp();
  expect(iam.call('GetRole', HANDLER)).toMatchObject({
    Role: {
      Arn: `arn:aws:iam::${ACCOUNT}:role/service/handler`,
      AssumeRolePolicyDocument: encodeURIComponent(TRUST_POLICY),
      MaxSessionDuration: 3600,
    },
  });
});

test('a role can’t be deleted while it has inline or managed policies', () => {
  const { iam, put } = setUp();
  const remove = () => iam.call('DeleteRole', HANDLER);
  const PolicyArn = 'arn:aws:iam::aws:policy/ReadOnlyAccess';
  put('inline');
  expect(errorOf(remove).message).toBe('Cannot delete entity, must delete policies first.');
  iam.call('DeleteRolePolicy', { ...HANDLER, PolicyName: 'inline' });
  iam.call('AttachRolePolicy', { ...HANDLER, PolicyArn });
  expect(errorOf(remove)).toMatchObject({ code: 'DeleteConflict', status: 409 });
  iam.call('DetachRolePolicy', { ...HANDLER, PolicyArn });
  expect(remove()).toEqual({});
  expect(errorOf(() => iam.call('GetRole', HANDLER))).toMatchObject({
    code: 'NoSuchEntity',
    message: 'The role with name handler cannot be found.',
  });
});

test('an inline policy can be written, read, listed and deleted', () => {
  const { iam, put } = setUp();
  put('b');
  put('a');
  expect(iam.call('ListRolePolicies', HANDLER)).toEqual({ PolicyNames: ['a', 'b'], IsTruncated: false });
  const { PolicyDocument } = iam.call('GetRolePolicy', { ...HANDLER, PolicyName: 'a' }) as { PolicyDocument: string };
  expect(JSON.parse(decodeURIComponent(PolicyDocument))).toMatchObject({ Statement: { Action: 'iam:GetUser' } });
  iam.call('DeleteRolePolicy', { ...HANDLER, PolicyName: 'a' });
  expect(errorOf(() => iam.call('GetRolePolicy', { ...HANDLER, PolicyName: 'a' }))).toMatchObject({
    code: 'NoSuchEntity',
    message: 'The role policy with name a cannot be found.',
  });
});

test('the inline policies of a role have at most 10,240 characters in total, not counting whitespace', () => {
  const { iam, put } = setUp();
  put('a', 'r'.repeat(5_000));
  put('b', `arn:aws:iam::1:user/${' '.repeat(9_000)}`);
  expect(errorOf(() => put('c', 'r'.repeat(5_200)))).toMatchObject({ code: 'LimitExceeded', status: 409 });
  expect(iam.call('ListRolePolicies', HANDLER)).toMatchObject({ PolicyNames: ['a', 'b'] });
  put('a', 'r'.repeat(9_000));
});

test('a role has at most ten managed policies, and attaching one of them again succeeds', () => {
  const { iam } = setUp();
  const attach = (name: number) =>
    iam.call('AttachRolePolicy', { ...HANDLER, PolicyArn: `arn:aws:iam::aws:policy/P${name}` });
  for (let name = 1; name <= 10; name += 1) {
    attach(name);
  }
  expect(errorOf(() => attach(11)).code).toBe('LimitExceeded');
  expect(attach(10)).toEqual({});
});

test('detaching a policy that is not attached fails', () => {
  const { iam } = setUp();
  const PolicyArn = 'arn:aws:iam::aws:policy/ReadOnlyAccess';
  expect(errorOf(() => iam.call('DetachRolePolicy', { ...HANDLER, PolicyArn })).code).toBe('NoSuchEntity');
});

test('CreateRole fails with a trust policy that is not JSON or has no statement, or with a name that is in use', () => {
  const { iam } = setUp();
  const create = (RoleName: string, AssumeRolePolicyDocument: string) => () =>
    iam.call('CreateRole', { RoleName, AssumeRolePolicyDocument });
  for (const document of ['{', '{}', '{"Statement":[]}']) {
    expect(errorOf(create('other', document)).code).toBe('MalformedPolicyDocument');
  }
  expect(errorOf(create('HANDLER', TRUST_POLICY))).toMatchObject({
    code: 'EntityAlreadyExists',
    message: 'Role with name HANDLER already exists.',
  });
});
