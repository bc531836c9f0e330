import * as fc from 'fast-check';
import { bodyOf } from '../../lambda/protocol';
import { type Answer, LOGICAL_ID, refuse, serialNumberOf, Stage, STACK_ID } from './stage';

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.expectSecrecy());

test('a response repeats the ids of the request', async () => {
  expect(await stage.request('Create')).toMatchObject({
    StackId: STACK_ID,
    RequestId: 'b1c2d3e4-0000-0000-0000-000000000000',
    LogicalResourceId: LOGICAL_ID,
  });
});

test('a failed Create returns the physical id for its Delete', async () => {
  stage.fault = refuse('iam:EnableMFADevice', 'LimitExceeded', 409);
  expect(await stage.request('Create')).toMatchObject({
    Status: 'FAILED',
    PhysicalResourceId: `alice|${stage.serialNumber}`,
  });
});

test.each(['Update', 'Delete'] as const)('a failed %s returns the old physical id', async (type) => {
  stage.fault = refuse('iam:ListMFADeviceTags', 'SomethingNew', 400);
  expect(await stage.request(type, { PhysicalResourceId: 'whatever|it was' })).toMatchObject({
    PhysicalResourceId: 'whatever|it was',
  });
});

test.each<[string, Record<string, unknown>, string]>([
  ['a missing user name', { UserName: undefined }, "'UserName': invalid IAM user name ''"],
  ['a user name that is not a string', { UserName: ['alice'] }, "'UserName': invalid IAM user name ''"],
  ['an invalid user name', { UserName: 'al ice' }, "'UserName': invalid IAM user name 'al ice'"],
  [
    'a hardware token',
    { SerialNumber: 'GAHT12345678' },
    "'SerialNumber': invalid serial number 'GAHT12345678': expected the ARN of a virtual MFA device",
  ],
  ['a device of the root user', { SerialNumber: serialNumberOf('root-account-mfa-device') }, "can't be enabled by API"],
  [
    'a device of another account',
    { SerialNumber: 'arn:aws:iam::999999999999:mfa/alice' },
    'expected a device in account 123456789012',
  ],
  [
    'a device of another partition',
    { SerialNumber: 'arn:aws-cn:iam::123456789012:mfa/alice' },
    "expected a device in partition 'aws'",
  ],
  [
    'the ARN of another service',
    { SeedSecretArn: 'arn:aws:s3:::mfa' },
    "'SeedSecretArn': invalid secret ARN 'arn:aws:s3:::mfa'",
  ],
  [
    'a value that is not an ARN, without quoting it',
    { SeedSecretArn: 'JBSWY3DP' },
    "'SeedSecretArn': invalid secret ARN (not shown: it may be a seed)",
  ],
  ['a missing serial number', { SerialNumber: undefined }, "'SerialNumber': invalid serial number ''"],
  [
    'a value that only ends like the ARN of a secret',
    { SeedSecretArn: 'arn:aws:s3:::arn:aws:secretsmanager:eu-west-1:123456789012:secret:mfa' },
    "'SeedSecretArn': invalid secret ARN 'arn:aws:s3:::arn:aws:secretsmanager:eu-west-1:123456789012:secret:mfa'",
  ],
  ['an empty field', { SeedSecretField: '' }, "'SeedSecretField': invalid key of a JSON secret ''"],
])('refuses %s without calling AWS', async (_, changes, reason) => {
  const ResourceProperties = stage.properties(changes);
  const answer = await stage.request('Create', { ResourceProperties });
  expect(answer.Status).toBe('FAILED');
  expect(answer.Reason).toContain(reason);
  expect(answer.Reason).toMatch(/State: nothing was changed. Next: correct the value; then deploy again.$/);
  expect(answer.PhysicalResourceId).not.toBe('');

  expect(stage.calls).toEqual([]);
  const { PhysicalResourceId } = answer;
  expect(await stage.request('Delete', { ResourceProperties, PhysicalResourceId })).toMatchObject({
    Status: 'SUCCESS',
  });
});

test('a Delete ignores an invalid secret', async () => {
  await stage.request('Create');
  const ResourceProperties = stage.properties({ SeedSecretArn: 'gone' });
  expect(await stage.request('Delete', { ResourceProperties })).toMatchObject({ Status: 'SUCCESS' });
  expect(stage.devicesOf()).toEqual([]);
});

test('makes no call after its deadline', async () => {
  stage.fault = (action, call) =>
    action === 'iam:ListMFADevices' && call === 1 ? () => stage.clock.sleep(300_000) : undefined;
  expect(await stage.request('Create')).toMatchObject({ Status: 'FAILED' });
  expect(stage.calls).not.toContain('iam:EnableMFADevice');
  expect(stage.calls).not.toContain('iam:TagMFADevice');
});

test('refuses an unknown resource type', async () => {
  const answer = await stage.request('Create', { ResourceType: 'Custom::Other' });
  expect(answer.Reason).toContain(
    "'Custom::Other' is not served: Custom::MfaEnrollment and Custom::VirtualMfaDevice are allowed",
  );
});

test('a response that is not delivered is sent again unchanged', async () => {
  const bodies: string[] = [];
  stage.deliver = (_, body) => {
    bodies.push(body);
    return bodies.length < 3 ? Promise.reject(new Error('broken')) : Promise.resolve();
  };
  expect(await stage.request('Create')).toMatchObject({ Status: 'SUCCESS' });
  expect(new Set(bodies).size).toBe(1);
  expect(bodies).toHaveLength(3);
});

test('a response that is never delivered ends in an error that does not quote the URL', async () => {
  stage.deliver = (url) => Promise.reject(new Error(`refused by ${url}`));
  const failing = stage.request('Create');
  await expect(failing).rejects.toThrow('the answer could not be delivered to CloudFormation');
  await expect(failing).rejects.not.toThrow(/https:/);
});

test.each(['Create', 'Update'] as const)(
  'responds to a %s within five minutes if AWS throttles permanently',
  async (type) => {
    stage.fault = () => 'lose request';
    const before = stage.clock.now();
    const { Status, Reason } = await stage.request(type);
    expect(Status).toBe('FAILED');
    expect(Reason).toMatch(/got no answer until the time for this request ran out/);
    expect(stage.clock.now() - before).toBeLessThan(300_000);
  },
);

test('responds to a Delete before the function times out', async () => {
  stage.fault = () => 'lose request';
  const before = stage.clock.now();
  expect(await stage.request('Delete')).toMatchObject({ Status: 'FAILED' });
  expect(stage.clock.now() - before).toBeLessThan(15 * 60_000 - 30_000);
});

test('responds before the function times out if less than five minutes are left', async () => {
  stage.remainingMs = 60_000;
  stage.fault = refuse('iam:ListMFADevices', 'Throttling', 400);
  const before = stage.clock.now();
  expect(await stage.request('Create')).toMatchObject({ Status: 'FAILED' });
  expect(stage.clock.now() - before).toBeLessThan(20_000);
});

test('the reason of an unexpected error contains only its name', async () => {
  stage.fault = () => {
    throw new RangeError('the seed is JBSWY3DP');
  };
  const { Reason } = await stage.request('Create');
  expect(Reason).toContain('RangeError');
  expect(Reason).not.toContain('JBSWY3DP');
});

test.each([
  ['an otpauth URI', (seed: string) => `otpauth://totp/alice?secret=${seed}`],
  ['a JSON secret', (seed: string) => JSON.stringify({ seed })],
  ['the seed with a line break', (seed: string) => `${seed}\n`],
  ['the seed in quotes', (seed: string) => `"${seed}"`],
  ['the seed within other text', (seed: string) => `seed: ${seed};`],
])('%s in the wrong property is never quoted', async (_, spelled) => {
  const { SecretString } = stage.secretsManager.call('GetSecretValue', { SecretId: stage.secretArn });
  const misplaced = spelled(String(SecretString));
  for (const properties of [{ SerialNumber: misplaced }, { SeedSecretField: misplaced }]) {
    const answer = await stage.request('Create', { ResourceProperties: stage.properties(properties) });
    expect(answer.Reason).toContain('not shown: it may be a seed');
  }
  // After each test, all output of the function is searched for seeds.
  expect(stage.left.length).toBeGreaterThan(0);
});

describe('the body of a response', () => {
  const failed = (reason: string) => bodyOf(stage.event('Create'), { status: 'FAILED', reason, isRefused: false });

  test('has at most 4,096 bytes for any reason', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', minLength: 1 }),
        fc.integer({ min: 1_000, max: 9_000 }),
        (text, length) => {
          const body = failed(text.repeat(length / text.length + 1));
          expect(Buffer.byteLength(body)).toBeLessThanOrEqual(4_096);
          expect((JSON.parse(body) as { Reason: string }).Reason.length).toBeGreaterThan(100);
        },
      ),
      { numRuns: 25 },
    );
  });

  test('is not truncated within a character', () => {
    const { Reason } = JSON.parse(failed('🔐'.repeat(3_000))) as { Reason: string };
    expect(Reason).toMatch(/^(🔐)+$/u);
    expect(Buffer.byteLength(failed('🔐'.repeat(3_000)))).toBeGreaterThan(4_090);
  });

  test('has a physical id of at most 1,024 characters', () => {
    const event = stage.event('Create', { ResourceProperties: stage.properties({ UserName: 'é'.repeat(5_000) }) });
    const { PhysicalResourceId } = JSON.parse(
      bodyOf(event, { status: 'FAILED', reason: 'no', isRefused: false }),
    ) as Answer;
    expect(PhysicalResourceId).toHaveLength(1_024);
  });

  test('contains a short reason unchanged', () => {
    expect(JSON.parse(failed('zu spät'))).toMatchObject({ Reason: 'zu spät' });
  });

  test('can have exactly 4,096 bytes', () => {
    const longest = 'x'.repeat(4_096 - Buffer.byteLength(failed('')));
    expect(JSON.parse(failed(longest))).toMatchObject({ Reason: longest });
    expect(JSON.parse(failed(`${longest}x`))).toMatchObject({ Reason: longest });
  });

  test('has no reason if the ids of the request leave no room', () => {
    const event = stage.event('Create', { LogicalResourceId: 'x'.repeat(5_000) });
    expect(JSON.parse(bodyOf(event, { status: 'FAILED', reason: 'no', isRefused: false }))).toMatchObject({
      Reason: '',
    });
  });
});
