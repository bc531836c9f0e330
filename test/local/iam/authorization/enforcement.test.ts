import type { Caller, Iam } from '../../../../local/iam';
import { IAM_AUTHORIZATION } from '../../../../local/iam/authorization/service-authorization';
import { IAM_PARAMETERS, isIamAction } from '../../../../local/iam/parameters';
import { ACCOUNT, createDevice, newIam, refusal, withCodes } from '../fixture';

const HANDLER: Caller = {
  arn: `arn:aws:sts::${ACCOUNT}:assumed-role/handler/function`,
  roleName: 'handler',
};
const ALICE_ARN = `arn:aws:iam::${ACCOUNT}:user/team/alice`;

function setUp() {
  const { iam, clock } = newIam();
  iam.call('CreateUser', { UserName: 'alice', Path: '/team/' });
  iam.call('CreateRole', { RoleName: 'handler', AssumeRolePolicyDocument: '{}' });
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

test('a role may nothing that none of its policies allows, and AWS’s words say what', () => {
  const { enable } = setUp();
  expect(refusal(enable)).toEqual({
    code: 'AccessDenied',
    status: 403,
    message:
      `User: ${HANDLER.arn} is not authorized to perform: iam:EnableMFADevice on resource: ${ALICE_ARN} ` +
      'because no identity-based policy allows the iam:EnableMFADevice action',
  });
});

test('an explicit Deny is called one', () => {
  const { iam, enable } = setUp();
  allow(iam, '*', '*');
  put(iam, { Effect: 'Deny', Action: 'iam:EnableMFADevice', Resource: ALICE_ARN }, 'guard');
  expect(refusal(enable).message).toBe(
    `User: ${HANDLER.arn} is not authorized to perform: iam:EnableMFADevice on resource: ${ALICE_ARN} ` +
      'with an explicit deny in an identity-based policy',
  );
});

test('a user is authorised with its path, though calls name it without', () => {
  const { iam, enable } = setUp();
  allow(iam, 'iam:EnableMFADevice', `arn:aws:iam::${ACCOUNT}:user/alice`);
  expect(refusal(enable).code).toBe('AccessDenied');
  allow(iam, 'iam:EnableMFADevice', ALICE_ARN);
  expect(enable()).toEqual({});
});

test('a user that nobody knows is authorised as if it had no path', () => {
  const { iam } = setUp();
  allow(iam, 'iam:ListMFADevices', `arn:aws:iam::${ACCOUNT}:user/bob`);
  expect(refusal(() => iam.call('ListMFADevices', { UserName: 'bob' }, HANDLER)).code).toBe('NoSuchEntity');
  expect(refusal(() => iam.call('ListMFADevices', { UserName: 'carol' }, HANDLER)).code).toBe('AccessDenied');
});

test('parameters are judged before rights, rights before state', () => {
  const { iam } = setUp();
  expect(refusal(() => iam.call('GetUser', { UserName: '*' }, HANDLER)).code).toBe('ValidationError');
  expect(refusal(() => iam.call('GetUser', { UserName: 'nobody' }, HANDLER)).code).toBe('AccessDenied');
});

test('who comes without a role is an administrator', () => {
  const { enable } = setUp();
  expect(enable({ arn: `arn:aws:iam::${ACCOUNT}:root` })).toEqual({});
});

test('a denied call changes nothing', () => {
  const { iam, enable } = setUp();
  const before = iam.state();
  refusal(enable);
  expect(iam.state()).toEqual(before);
});

test('a policy that is removed allows nothing any more', () => {
  const { iam, enable } = setUp();
  allow(iam, '*', '*');
  iam.call('DeleteRolePolicy', { RoleName: 'handler', PolicyName: 'policy' });
  expect(refusal(enable).code).toBe('AccessDenied');
});

test('a managed policy is listed and grants nothing', () => {
  const { iam, enable } = setUp();
  const PolicyArn = 'arn:aws:iam::aws:policy/AdministratorAccess';
  iam.call('AttachRolePolicy', { RoleName: 'handler', PolicyArn });
  expect(iam.call('ListAttachedRolePolicies', { RoleName: 'handler' })).toMatchObject({
    AttachedPolicies: [{ PolicyName: 'AdministratorAccess', PolicyArn }],
  });
  expect(refusal(enable).code).toBe('AccessDenied');
});

describe('tag keys in conditions', () => {
  const OURS = { 'ForAllValues:StringLike': { 'aws:TagKeys': 'ours:*' }, Null: { 'aws:TagKeys': 'false' } };

  test.each([
    ['TagMFADevice', ['ours:a'], true],
    ['TagMFADevice', ['ours:a', 'theirs'], false],
    ['UntagMFADevice', ['ours:a'], true],
    ['UntagMFADevice', ['theirs'], false],
  ])('%s %j: allowed is %s', (action, keys, allowed) => {
    const { iam, device } = setUp();
    allow(iam, ['iam:TagMFADevice', 'iam:UntagMFADevice'], `arn:aws:iam::${ACCOUNT}:mfa/*`, OURS);
    const written = action === 'TagMFADevice' ? { Tags: keys.map((Key) => ({ Key, Value: 'v' })) } : { TagKeys: keys };
    const call = () => iam.call(action, { SerialNumber: device.serialNumber, ...written }, HANDLER);
    expect(allowed ? call() : refusal(call).code).toEqual(allowed ? {} : 'AccessDenied');
  });

  test('the value of a tag that is written can decide, that of one that is removed is not in the request', () => {
    const { iam, device } = setUp();
    const SerialNumber = device.serialNumber;
    allow(iam, ['iam:TagMFADevice', 'iam:UntagMFADevice'], '*', { StringEquals: { 'aws:RequestTag/claim': 'mine' } });
    const tag = (Value: string) => iam.call('TagMFADevice', { SerialNumber, Tags: [{ Key: 'claim', Value }] }, HANDLER);
    expect(tag('mine')).toEqual({});
    expect(refusal(() => tag('yours')).code).toBe('AccessDenied');
    expect(refusal(() => iam.call('UntagMFADevice', { SerialNumber, TagKeys: ['claim'] }, HANDLER)).code).toBe(
      'AccessDenied',
    );
  });
});

describe('tags that come with the call that makes something', () => {
  const Tags = [{ Key: 'team', Value: 'eu' }];
  const made = (VirtualMFADeviceName: string) => `arn:aws:iam::${ACCOUNT}:mfa/${VirtualMFADeviceName}`;
  const create = (iam: Iam, input: object = { Tags }) =>
    iam.call('CreateVirtualMFADevice', { VirtualMFADeviceName: 'new', ...input }, HANDLER);

  test('need the permission to tag it, too, and AWS’s words name that', () => {
    const { iam } = setUp();
    allow(iam, 'iam:CreateVirtualMFADevice', made('new'));
    expect(refusal(() => create(iam)).message).toContain(
      `not authorized to perform: iam:TagMFADevice on resource: ${made('new')} because`,
    );
    expect(iam.state().devices).not.toContainEqual(expect.objectContaining({ serialNumber: made('new') }));
    allow(iam, ['iam:CreateVirtualMFADevice', 'iam:TagMFADevice'], made('new'));
    expect(create(iam)).toHaveProperty('VirtualMFADevice');
  });

  test('are judged by the conditions on tagging', () => {
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
    expect(refusal(() => create(iam)).message).toContain('iam:TagMFADevice');
    expect(create(iam, { Tags: [{ Key: 'other', Value: 'eu' }] })).toHaveProperty('VirtualMFADevice');
  });

  test.each([{}, { Tags: [] }])('where there are none, it is not needed: %j', (input) => {
    const { iam } = setUp();
    allow(iam, 'iam:CreateVirtualMFADevice', made('new'));
    expect(create(iam, input)).toHaveProperty('VirtualMFADevice');
  });
});

describe('with a delay', () => {
  test('a policy decides only after it, and goes on deciding as long when it is removed', () => {
    const { iam, clock, enable } = setUp();
    iam.delays = { policy: 60_000 };
    allow(iam, '*', '*');
    clock.turn(59_999);
    expect(refusal(enable).code).toBe('AccessDenied');
    clock.turn(1);
    expect(enable()).toEqual({});
    iam.call('DeleteRolePolicy', { RoleName: 'handler', PolicyName: 'policy' });
    iam.call('DeleteRole', { RoleName: 'handler' });
    clock.turn(59_999);
    expect(refusal(enable).code).toBe('EntityAlreadyExists');
    clock.turn(1);
    expect(refusal(enable).code).toBe('AccessDenied');
  });

  test('a policy that is changed decides as it was until then', () => {
    const { iam, clock, enable } = setUp();
    allow(iam, 'iam:EnableMFADevice', '*');
    iam.delays = { policy: 10_000 };
    clock.turn(10_000);
    allow(iam, 'iam:GetUser', '*');
    expect(enable()).toEqual({});
    clock.turn(10_000);
    expect(refusal(enable).code).toBe('AccessDenied');
  });
});

describe('the table of resources', () => {
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
  ])('%s is authorised against %s', (action, type) => {
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
    expect(refusal(() => iam.call(action, input, HANDLER)).message).toContain(
      `not authorized to perform: iam:${action} on resource: ${resource} because`,
    );
  });
});
