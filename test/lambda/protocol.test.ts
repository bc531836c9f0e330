import * as fc from 'fast-check';
import { CallError } from '../../lambda/aws/ports';
import { bodyOf, type CustomResourceEvent } from '../../lambda/protocol';
import { LOGICAL_ID, MINUTE, refuse, serialNumberOf, Stage, STACK_ID } from './stage';

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.expectSecrecy());

test('a response repeats the ids of the request', async () => {
  const { RequestId } = stage.event('Create');
  expect(await stage.request('Create', { RequestId })).toMatchObject({
    StackId: STACK_ID,
    RequestId,
    LogicalResourceId: LOGICAL_ID,
  });
});

test('an id that the event does not contain is empty in the response', async () => {
  const { ResponseURL } = stage.event('Create');
  const ids = { StackId: '', RequestId: '', LogicalResourceId: '' };
  expect(await stage.send({ ResponseURL } as CustomResourceEvent)).toMatchObject({ Status: 'FAILED', ...ids });
});

test('an Update without a physical id fails, and gets one without a creation', async () => {
  const { Status, Reason, PhysicalResourceId } = await stage.request('Update', { PhysicalResourceId: undefined });
  expect([Status, Reason]).toEqual(['FAILED', expect.stringContaining("this resource is '' and can't become")]);
  expect(PhysicalResourceId).toBe(`alice|${stage.serialNumber}||failed`);
});

test('the physical id of a failed Create says so', async () => {
  stage.fault = refuse('iam:EnableMFADevice', 'LimitExceeded', 409);
  expect(await stage.request('Create')).toMatchObject({
    Status: 'FAILED',
    PhysicalResourceId: `alice|${stage.serialNumber}|${stage.creationOf()}|failed`,
  });
});

test('the physical id of a Create with refused values does not quote them', async () => {
  expect(await stage.request('Create', { ResourceProperties: stage.properties({ UserName: 'al ice' }) })).toMatchObject(
    {
      Status: 'FAILED',
      PhysicalResourceId: `refused|${stage.creationOf()}|failed`,
    },
  );
});

test('an Update of a resource whose Create had failed returns its physical id', async () => {
  const { PhysicalResourceId } = await stage.request('Create');
  const failed = { PhysicalResourceId: `${PhysicalResourceId}|failed` };
  expect(await stage.request('Update', failed)).toMatchObject({ Status: 'SUCCESS', ...failed });
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

  expect(stage.calls).toEqual([]);
  expect(await stage.request('Delete', { ResourceProperties })).toMatchObject({ Status: 'SUCCESS' });
  expect(stage.calls).toEqual([]);
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
    "invalid resource type 'Custom::Other': expected Custom::MfaEnrollment or Custom::VirtualMfaDevice",
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

test('a response that is never delivered is sent six times, and ends in an error that does not quote the URL', async () => {
  let deliveries = 0;
  stage.deliver = (url) => {
    deliveries++;
    return Promise.reject(new Error(`refused by ${url}`));
  };
  const failing = stage.request('Create');
  await expect(failing).rejects.toThrow('the response could not be delivered to CloudFormation');
  expect(deliveries).toBe(6);
  await expect(failing).rejects.not.toThrow(/https:/);
});

describe('a response URL that nothing can be delivered to', () => {
  const SIGNED = 'response?X-Amz-Signature=5ec2e7';
  test.each([
    ['is http', `http://example.com/${SIGNED}`, 'not https'],
    ['is http on this machine', `http://127.0.0.1/${SIGNED}`, 'not https'],
    ['is no URL', SIGNED, 'not a URL'],
    ['is missing', undefined, 'not a URL'],
  ])('because it %s ends the request before anything is done, and the log says why', async (_, ResponseURL, why) => {
    const failing = stage.request('Create', { ResponseURL });
    await expect(failing).rejects.toThrow(`the response URL can't be used: ${why}`);
    await expect(failing).rejects.not.toThrow('5ec2e7');
    expect(stage.calls).toEqual([]);
    expect(stage.log).toEqual([
      {
        message: 'no response is possible, nothing was done',
        requestId: 'b1c2d3e4-0000-0000-0000-000000000001',
        requestType: 'Create',
        logicalId: LOGICAL_ID,
        errorCode: why,
      },
    ]);
    expect(stage.left.join()).not.toContain('5ec2e7');
  });
});

describe('a stack whose id does not end in a uuid', () => {
  const UNKNOWN = ['unknown', `${STACK_ID.slice(0, STACK_ID.lastIndexOf('/'))}/cdkd`, STACK_ID.slice(0, -1)];

  test.each(UNKNOWN.flatMap((StackId) => (['Create', 'Update'] as const).map((type) => [StackId, type] as const)))(
    '%s is refused in a %s before anything is done',
    async (StackId, type) => {
      const { Status, Reason } = await stage.request(type, { StackId });
      expect(Status).toBe('FAILED');
      expect(Reason).toMatch(
        /invalid StackId: expected an ARN that ends in a uuid.*State: nothing was changed\. Next: use AWS CloudFormation/,
      );
      expect(stage.calls).toEqual([]);
    },
  );

  test.each(UNKNOWN)('%s is deleted without touching anything', async (StackId) => {
    await stage.request('Create');
    stage.calls = [];
    expect(await stage.request('Delete', { StackId })).toMatchObject({ Status: 'SUCCESS' });
    expect(stage.calls).toEqual([]);
  });
});

describe('an event without the usual fields', () => {
  test.each<[string, (event: CustomResourceEvent) => object]>([
    ['nothing but a response URL', ({ ResponseURL }) => ({ ResponseURL })],
    ['no properties', (event) => ({ ...event, ResourceProperties: undefined })],
    ['properties that are null', (event) => ({ ...event, ResourceProperties: null })],
    ['properties that are a text', (event) => ({ ...event, ResourceProperties: 'none' })],
    ['a stack id that is a number', (event) => ({ ...event, StackId: 1 })],
    ['no stack id', (event) => ({ ...event, StackId: undefined })],
    ['no resource type', (event) => ({ ...event, ResourceType: undefined })],
    ['an unknown request type', (event) => ({ ...event, RequestType: 'Read' })],
    ['no request type', (event) => ({ ...event, RequestType: undefined })],
  ])('but %s gets the response FAILED', async (_, change) => {
    const answer = await stage.send(change(stage.event('Create')) as CustomResourceEvent);
    expect(answer.Status).toBe('FAILED');
    expect(answer.Reason).toMatch(/State: nothing was changed\. Next: /);
    expect(answer.PhysicalResourceId).not.toBe('');
    expect(stage.calls).toEqual([]);
  });

  test('without its old properties is an Update that changes everything', async () => {
    await stage.request('Create');
    await stage.pass(MINUTE);
    stage.calls = [];
    expect(await stage.request('Update', { OldResourceProperties: undefined })).toMatchObject({ Status: 'SUCCESS' });
    expect(stage.calls).toContain('iam:ResyncMFADevice');
  });
});

test('an Update with an invented physical id is refused', async () => {
  await stage.request('Create');
  stage.calls = [];
  const { Status, Reason } = await stage.request('Update', { PhysicalResourceId: 'Staging-Alice-1ABC' });
  expect(Status).toBe('FAILED');
  expect(Reason).toContain("this resource is 'Staging-Alice-1ABC' and can't become");
  expect(stage.calls).toEqual([]);
});

test.each(['Create', 'Update'] as const)(
  'responds to a %s within five minutes if AWS throttles permanently',
  async (type) => {
    stage.fault = () => 'lose request';
    const before = stage.clock.now();
    const { Status, Reason } = await stage.request(type);
    expect(Status).toBe('FAILED');
    expect(Reason).toMatch(/got no response until the time for this request ran out/);
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
  for (const properties of [
    { UserName: misplaced },
    { SerialNumber: misplaced },
    { SeedSecretArn: misplaced },
    { SeedSecretField: misplaced },
  ]) {
    const answer = await stage.request('Create', { ResourceProperties: stage.properties(properties) });
    expect(answer.Reason).toContain('not shown: it may be a seed');
  }
  // After each test, all output of the function is searched for seeds.
  expect(stage.left.length).toBeGreaterThan(0);
});

describe('the body of a response', () => {
  const bodyWith = (reason: string, changes: Partial<CustomResourceEvent> = {}, id = 'id') =>
    bodyOf(stage.event('Create', changes), id, { status: 'FAILED', reason });

  test('has at most 4,096 bytes for any reason', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', minLength: 1 }),
        fc.integer({ min: 1_000, max: 9_000 }),
        (text, length) => {
          const body = bodyWith(text.repeat(length / text.length + 1));
          expect(Buffer.byteLength(body)).toBeLessThanOrEqual(4_096);
          expect((JSON.parse(body) as { Reason: string }).Reason.length).toBeGreaterThan(100);
        },
      ),
      { seed: 1, numRuns: 25 },
    );
  });

  test.each(['\u0000', '\u001f', '\u0085', '"', '\\', '\ud800'])(
    'has at most 4,096 bytes if a refused value consists of 1,024 times %j',
    async (character) => {
      const bodies: string[] = [];
      stage.deliver = (_, body) => Promise.resolve(void bodies.push(body));
      const value = character.repeat(1_024);
      for (const properties of [
        { UserName: value },
        { SerialNumber: value },
        { SeedSecretArn: `arn:${value}` },
        { SeedSecretField: value },
      ]) {
        const { Reason } = await stage.request('Create', { ResourceProperties: stage.properties(properties) });
        expect(Reason).toMatch(/Next: /);
      }
      for (const body of bodies) {
        expect(Buffer.byteLength(body)).toBeLessThanOrEqual(4_096);
      }
    },
  );

  test('is not truncated within a character', () => {
    const { Reason } = JSON.parse(bodyWith('🔐'.repeat(3_000))) as { Reason: string };
    expect(Reason).toMatch(/^(🔐)+$/u);
    expect(Buffer.byteLength(bodyWith('🔐'.repeat(3_000)))).toBeGreaterThan(4_090);
  });

  test('ends with a whole word, because the beginning of a name can be the name of another device', () => {
    const { Reason } = JSON.parse(bodyWith('run alice-12 '.repeat(1_000))) as { Reason: string };
    expect(Reason).toMatch(/^(?:run alice-12 )+run(?: alice-12)?$/);
    expect(Reason.length).toBeGreaterThan(3_000);
  });

  test('has a physical id of at most 1,024 characters', () => {
    expect(JSON.parse(bodyWith('no', {}, 'x'.repeat(5_000)))).toMatchObject({ PhysicalResourceId: 'x'.repeat(1_024) });
  });

  test('contains a short reason unchanged', () => {
    expect(JSON.parse(bodyWith('zu spät'))).toMatchObject({ Reason: 'zu spät' });
  });

  test('can have exactly 4,096 bytes', () => {
    const longest = 'x'.repeat(4_096 - Buffer.byteLength(bodyWith('')));
    expect(JSON.parse(bodyWith(longest))).toMatchObject({ Reason: longest });
    expect(JSON.parse(bodyWith(`${longest}x`))).toMatchObject({ Reason: longest });
  });

  test('has no reason if the ids of the request leave no room', () => {
    expect(JSON.parse(bodyWith('no', { LogicalResourceId: 'x'.repeat(5_000) }))).toMatchObject({ Reason: '' });
  });
});

describe('an Update that only lowers recheck, as a rollback does,', () => {
  const update = (to: Record<string, unknown>, from: Record<string, unknown>) =>
    stage.request('Update', {
      ResourceProperties: stage.properties(to),
      OldResourceProperties: stage.properties(from),
    });

  test.each<[Record<string, unknown>, Record<string, unknown>]>([
    [{ Recheck: '1' }, { Recheck: '2' }],
    [{ Recheck: '9' }, { Recheck: '10' }],
    [{}, { Recheck: '1' }],
  ])('from %j to %j does nothing', async (to, from) => {
    expect(await update(to, from)).toMatchObject({ Status: 'SUCCESS' });
    expect(stage.calls).toEqual([]);
  });

  test.each<[Record<string, unknown>, Record<string, unknown>]>([
    [{ Recheck: '2' }, { Recheck: '1' }],
    [{ Recheck: '1' }, {}],
    [{ Recheck: '1' }, { Recheck: '1' }],
    [{}, {}],
    [{ Recheck: '1', AdoptExisting: 'true' }, { Recheck: '2' }],
  ])('%j after %j is carried out', async (to, from) => {
    await update(to, from);
    expect(stage.calls).not.toEqual([]);
  });
});

test('a request of an unknown type fails, and says what to use', async () => {
  const { Status, Reason } = await stage.request('Read' as never);
  expect([Status, Reason]).toEqual([
    'FAILED',
    expect.stringMatching(/unknown request type\..* Next: use AWS CloudFormation, the only engine/),
  ]);
  expect(stage.log).toContainEqual(expect.objectContaining({ errorCode: 'UnknownRequestType' }));
});

test.each([
  ['Update', 280_000],
  ['Delete', 840_000],
] as const)('%s goes on trying for %d ms', async (type, expected) => {
  stage.fault = (action) => new CallError(action, 'Throttling', 400);
  const before = stage.clock.now();
  expect(await stage.request(type)).toMatchObject({ Status: 'FAILED' });
  const took = stage.clock.now() - before;
  expect(took).toBeLessThanOrEqual(expected);
  expect(took).toBeGreaterThan(expected - 46_000);
});
