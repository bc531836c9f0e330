import { TRUST_POLICY } from '../../../../local/iam';
import type { Caller, Iam } from '../../../../local/iam';
import { IAM_AUTHORIZATION } from '../../../../local/iam/authorization/service-authorization';
import { IAM_PARAMETERS, isIamAction } from '../../../../local/iam/parameters';
import { ACCOUNT, createDevice, newIam, errorOf, withCodes } from '../fixture';

const HANDLER: Caller = {
  arn: `arn:aws:sts::${ACCOUNT}:assumed-role/handler/function`,
  roleName: 'handler',
};
const ALICE_ARN = `arn:aws:iam::${ACCOUNT}:user/team/alice`;

function setUp() {
  const { iam, clock } = newIam();
  iam.call('CreateUser', { UserName: 'alice', Path: '/team/' });
  iam.call('CreateRole', { RoleName: 'handler', AssumeRolePolicyDocument: TRUST_POLICY });
  const device = createDevice(iam, 'alice');
  const enable = (caller = HANDLER) => iam.call('EnableMFADevice', withCodes('alice', device, clock.now()), caller);
  return { iam, clock, device, enable };
}

function allow(iam: Iam, Action: string | string[], Resource: string | string[], Condition?: unknown): void {
  put(iam, { Effect: 'Allow', Action, Resource, Condition });
}

function put(iam: Iam, Statement: unknown, PolicyName = 'policy'): void {
  iam.call('PutRolePolicy', { RoleName: 'handler', PolicyName, PolicyDocument: JSON.stringify({ Statement }) });
}

test('a call that no policy of the role allows is denied with AWS’s message', () => {
  const { enable } = setUp();
  expect(errorOf(enable)).toEqual({
    code: 'AccessDenied',
    status: 403,
    message:
      `User: ${HANDLER.arn} is not authorized to perform: iam:EnableMFADevice on resource: ${ALICE_ARN} ` +
      'because no identity-based policy allows the iam:EnableMFADevice action',
  });
});

test('an explicit Deny has its own message', () => {
  const { iam, enable } = setUp();
  allow(iam, '*', '*');
  put(iam, { Effect: 'Deny', Action: 'iam:EnableMFADevice', Resource: ALICE_ARN }, 'guard');
  expect(errorOf(enable).message).toBe(
    `User: ${HANDLER.arn} is not authorized to perform: iam:EnableMFADevice on resource: ${ALICE_ARN} ` +
      'with an explicit deny in an identity-based policy',
  );
});

test('a user is authorized by its ARN including the path, although calls omit the path', () => {
  const { iam, enable } = setUp();
  allow(iam, 'iam:EnableMFADevice', `arn:aws:iam::${ACCOUNT}:user/alice`);
  expect(errorOf(enable).code).toBe('AccessDenied');
  allow(iam, 'iam:EnableMFADevice', ALICE_ARN);
  expect(enable()).toEqual({});
});

test('a user that does not exist is authorized as if it had no path', () => {
  const { iam } = setUp();
  allow(iam, 'iam:ListMFADevices', `arn:aws:iam::${ACCOUNT}:user/bob`);
  expect(errorOf(() => iam.call('ListMFADevices', { UserName: 'bob' }, HANDLER)).code).toBe('NoSuchEntity');
  expect(errorOf(() => iam.call('ListMFADevices', { UserName: 'carol' }, HANDLER)).code).toBe('AccessDenied');
});

test('parameters are checked before permissions, and permissions before the state', () => {
  const { iam } = setUp();
  expect(errorOf(() => iam.call('GetUser', { UserName: '*' }, HANDLER)).code).toBe('ValidationError');
  expect(errorOf(() => iam.call('GetUser', { UserName: 'nobody' }, HANDLER)).code).toBe('AccessDenied');
});

test('a caller without a role is an administrator', () => {
  const { enable } = setUp();
  expect(enable({ arn: `arn:aws:iam::${ACCOUNT}:root` })).toEqual({});
});

test('a denied call changes nothing', () => {
  const { iam, enable } = setUp();
  const before = iam.state();
  errorOf(enable);
  expect(iam.state()).toEqual(before);
});

test('a deleted policy no longer allows anything', () => {
  const { iam, enable } = setUp();
  allow(iam, '*', '*');
  iam.call('DeleteRolePolicy', { RoleName: 'handler', PolicyName: 'policy' });
  expect(errorOf(enable).code).toBe('AccessDenied');
});

test('a managed policy is listed but grants nothing', () => {
  const { iam, enable } = setUp();
  const PolicyArn = 'arn:aws:iam::aws:policy/AdministratorAccess';
  iam.call('AttachRolePolicy', { RoleName: 'handler', PolicyArn });
  expect(iam.call('ListAttachedRolePolicies', { RoleName: 'handler' })).toMatchObject({
    AttachedPolicies: [{ PolicyName: 'AdministratorAccess', PolicyArn }],
  });
  expect(errorOf(enable).code).toBe('AccessDenied');
});

describe('a condition on tag keys', () => {
  const OURS = { 'ForAllValues:StringLike': { 'aws:TagKeys': 'ours:*' }, Null: { 'aws:TagKeys': 'false' } };

  test.each([
    ['TagMFADevice', ['ours:a'], true],
    ['TagMFADevice', ['ours:a', 'theirs'], false],
    ['UntagMFADevice', ['ours:a'], true],
    ['UntagMFADevice', ['theirs'], false],
  ])('decides %s with %j: allowed is %s', (action, keys, allowed) => {
    const { iam, device } = setUp();
    allow(iam, ['iam:TagMFADevice', 'iam:UntagMFADevice'], `arn:aws:iam::${ACCOUNT}:mfa/*`, OURS);
    const written = action === 'TagMFADevice' ? { Tags: keys.map((Key) => ({ Key, Value: 'v' })) } : { TagKeys: keys };
    const call = () => iam.call(action, { SerialNumber: device.serialNumber, ...written }, HANDLER);
    expect(allowed ? call() : errorOf(call).code).toEqual(allowed ? {} : 'AccessDenied');
  });

  test('can use the value of a written tag, but not the value of a removed tag', () => {
    const { iam, device } = setUp();
    const SerialNumber = device.serialNumber;
    allow(iam, ['iam:TagMFADevice', 'iam:UntagMFADevice'], '*', { StringEquals: { 'aws:RequestTag/claim': 'mine' } });
    const tag = (Value: string) => iam.call('TagMFADevice', { SerialNumber, Tags: [{ Key: 'claim', Value }] }, HANDLER);
    expect(tag('mine')).toEqual({});
    expect(errorOf(() => tag('yours')).code).toBe('AccessDenied');
    expect(errorOf(() => iam.call('UntagMFADevice', { SerialNumber, TagKeys: ['claim'] }, HANDLER)).code).toBe(
      'AccessDenied',
    );
  });
});

describe('a call that creates a device with tags', () => {
  const Tags = [{ Key: 'team', Value: 'eu' }];
  const newDeviceArn = (VirtualMFADeviceName: string) => `arn:aws:iam::${ACCOUNT}:mfa/${VirtualMFADeviceName}`;
  const create = (iam: Iam, input: object = { Tags }) =>
    iam.call('CreateVirtualMFADevice', { VirtualMFADeviceName: 'new', ...input }, HANDLER);

  test('needs the permission to tag the device, and the message names it', () => {
    const { iam } = setUp();
    allow(iam, 'iam:CreateVirtualMFADevice', newDeviceArn('new'));
    expect(errorOf(() => create(iam)).message).toContain(
      `not authorized to perform: iam:TagMFADevice on resource: ${newDeviceArn('new')} because`,
    );
    expect(iam.state().devices).not.toContainEqual(expect.objectContaining({ serialNumber: newDeviceArn('new') }));
    allow(iam, ['iam:CreateVirtualMFADevice', 'iam:TagMFADevice'], newDeviceArn('new'));
    expect(create(iam)).toHaveProperty('VirtualMFADevice');
  });

  test('must satisfy the conditions on tagging', () => {
    const { iam } = setUp();
    allow(iam, 'iam:CreateVirtualMFADevice', '*');
    put(
      iam,
      {
        Effect: 'Deny',
        Action: 'iam:TagMFADevice',
        Resource: '*',
        Condition: { StringEquals: { 'aws:TagKeys': 'team' } },
      },
      'guard',
    );
    put(iam, { Effect: 'Allow', Action: 'iam:TagMFADevice', Resource: '*' }, 'tagging');
    expect(errorOf(() => create(iam)).message).toContain('iam:TagMFADevice');
    expect(create(iam, { Tags: [{ Key: 'other', Value: 'eu' }] })).toHaveProperty('VirtualMFADevice');
  });

  test.each([{}, { Tags: [] }])('needs no permission to tag if it has no tags: %j', (input) => {
    const { iam } = setUp();
    allow(iam, 'iam:CreateVirtualMFADevice', newDeviceArn('new'));
    expect(create(iam, input)).toHaveProperty('VirtualMFADevice');
  });
});

describe('with a delay of policies', () => {
  test('a policy takes effect after the delay, and stays in effect as long after it is deleted', () => {
    const { iam, clock, enable } = setUp();
    iam.delays = { policy: 60_000 };
    allow(iam, '*', '*');
    clock.advance(59_999);
    expect(errorOf(enable).code).toBe('AccessDenied');
    clock.advance(1);
    expect(enable()).toEqual({});
    iam.call('DeleteRolePolicy', { RoleName: 'handler', PolicyName: 'policy' });
    iam.call('DeleteRole', { RoleName: 'handler' });
    clock.advance(59_999);
    expect(errorOf(enable).code).toBe('EntityAlreadyExists');
    clock.advance(1);
    expect(errorOf(enable).code).toBe('AccessDenied');
  });

  test('a changed policy decides as before the change until the delay is over', () => {
    const { iam, clock, enable } = setUp();
    allow(iam, 'iam:EnableMFADevice', '*');
    iam.delays = { policy: 10_000 };
    clock.advance(10_000);
    allow(iam, 'iam:GetUser', '*');
    expect(enable()).toEqual({});
    clock.advance(10_000);
    expect(errorOf(enable).code).toBe('AccessDenied');
  });
});

describe('the resource type of an action', () => {
  const USER = 'user';
  const MFA = 'mfa';

  // https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
  test.each([
    ['EnableMFADevice', USER],
    ['DeactivateMFADevice', USER],
    ['ResyncMFADevice', USER],
    ['ListMFADevices', USER],
    ['TagMFADevice', MFA],
    ['UntagMFADevice', MFA],
    ['ListMFADeviceTags', MFA],
    ['CreateVirtualMFADevice', MFA],
    ['DeleteVirtualMFADevice', MFA],
    ['ListVirtualMFADevices', '*'],
    ['ListUsers', '*'],
  ])('of %s is %s', (action, type) => {
    const { iam, clock, device } = setUp();
    expect(isIamAction(action) && IAM_AUTHORIZATION[action].resource).toBe(type);
    const parameters: Record<string, unknown> = {
      ...withCodes('alice', device, clock.now()),
      VirtualMFADeviceName: 'alice',
      Tags: [{ Key: 'k', Value: 'v' }],
      TagKeys: ['k'],
    };
    const required = isIamAction(action) ? IAM_PARAMETERS[action].required : [];
    const input = Object.fromEntries(
      ['UserName', ...required]
        .filter((name) => isIamAction(action) && name in IAM_PARAMETERS[action].members)
        .map((name) => [name, parameters[name]]),
    );
    const resource = { [USER]: ALICE_ARN, [MFA]: device.serialNumber, '*': '*' }[type] ?? '';
    expect(errorOf(() => iam.call(action, input, HANDLER)).message).toContain(
      `not authorized to perform: iam:${action} on resource: ${resource} because`,
    );
  });
});
