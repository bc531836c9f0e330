import { createHash } from 'node:crypto';
import { deviceClaimKey, enrollmentClaimKey, SEED_VERSION_KEY, seedVersion } from '../../../lib/contract';
import { CallError, SecretText } from '../../../lambda/aws/ports';
import { parseSeed } from '../../../lambda/seed';
import { codePairAt, stepAt } from '../../../lambda/totp';
import { type Answer, DEVICE_LOGICAL_ID, LOGICAL_ID, refuse, serialNumberOf, Stage, STACK_UUID } from '../stage';

const PHONE = serialNumberOf('phone');
const OURS = deviceClaimKey(STACK_UUID, DEVICE_LOGICAL_ID);
const THEIRS = deviceClaimKey(STACK_UUID, 'VirtualMfaDeviceRenamed0A1B2C3D');
const RENAMED = { LogicalResourceId: 'VirtualMfaDeviceRenamed0A1B2C3D' };
const SUCCESS = { Status: 'SUCCESS' };
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
/** As another request for this device would have it. */
const ownVersion = () =>
  seedVersion(
    sha256(PHONE),
    sha256(stage.phoneSecretArn.split(':').at(-1) ?? ''),
    '00000000-0000-4000-8000-0000000000aa',
  );
const OTHER_VERSION = '0123456789abcdef-0123456789-00000000-0000-4000-8000-0000000000ff';
const INVENTED = { PhysicalResourceId: 'Staging_VirtualMfaDevicePhone_1X2Y3Z' };

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.expectSecrecy());

const exists = (serialNumber = PHONE) =>
  stage.iam.state().devices.some((device) => device.serialNumber === serialNumber);
const versions = (SecretId = stage.phoneSecretArn) =>
  stage.secretsManager.call('DescribeSecret', { SecretId }).VersionIdsToStages as Record<string, string[]>;
const currentVersion = (secretArn?: string) =>
  Object.entries(versions(secretArn)).find(([, stages]) => stages.includes('AWSCURRENT'))?.[0];
const writeByHand = (SecretString = 'by hand') =>
  stage.secretsManager.call('PutSecretValue', { SecretId: stage.phoneSecretArn, SecretString });
const changes = () => stage.calls.filter((call) => !/List|Describe/.test(call));

/** As a Create leaves it, a while later. */
async function made(): Promise<void> {
  expect(await stage.deviceRequest('Create')).toMatchObject(SUCCESS);
  await stage.clock.run(stage.clock.sleep(10 * 60_000));
  stage.calls = [];
}

/** Enables the device for alice with codes of the seed that the secret holds. */
function enable(SecretId = stage.phoneSecretArn): void {
  const { SecretString } = stage.secretsManager.call('GetSecretValue', { SecretId });
  const seed = parseSeed(new SecretText(SecretString as string));
  const [first, second] = codePairAt(seed, stepAt(stage.clock.now())).reveal();
  const codes = { AuthenticationCode1: first, AuthenticationCode2: second };
  stage.iam.call('EnableMFADevice', { UserName: 'alice', SerialNumber: PHONE, ...codes });
}

function expectFailed({ Status, Reason }: Answer, words: string | RegExp): void {
  expect(Status).toBe('FAILED');
  expect(Reason).toMatch(words);
}

describe('Create', () => {
  test('makes the device with its tags, stores the seed, and looks again: seven calls', async () => {
    expect(await stage.deviceRequest('Create')).toMatchObject({ ...SUCCESS, PhysicalResourceId: PHONE, Data: {} });
    expect(stage.calls).toEqual([
      'secretsmanager:DescribeSecret',
      'iam:ListMFADeviceTags',
      'iam:CreateVirtualMFADevice',
      'secretsmanager:DescribeSecret',
      'secretsmanager:PutSecretValue',
      'iam:ListMFADeviceTags',
      'secretsmanager:DescribeSecret',
    ]);
    expect(stage.tags(PHONE)).toEqual({
      [OURS]: 'eu-west-1 Staging',
      [SEED_VERSION_KEY]: currentVersion(),
    });
    enable();
    expect(stage.devicesOf()).toEqual([PHONE]);
  });

  test('stores the seed as plain Base32 text', async () => {
    await stage.deviceRequest('Create');
    const { SecretString } = stage.secretsManager.call('GetSecretValue', { SecretId: stage.phoneSecretArn });
    expect(SecretString).toMatch(/^[A-Z2-7]{64}$/);
  });

  test('gives the device its path and the tags that are declared', async () => {
    const SerialNumber = serialNumberOf('staff/on-call/phone');
    const Tags = [{ Key: 'owner', Value: 'alice' }];
    expect(await stage.deviceRequest('Create', { SerialNumber, Tags })).toMatchObject({
      ...SUCCESS,
      PhysicalResourceId: SerialNumber,
    });
    expect(stage.tags(SerialNumber)).toMatchObject({ owner: 'alice', [OURS]: 'eu-west-1 Staging' });
  });

  test('twice for one event makes one device', async () => {
    const event = stage.deviceEvent('Create');
    const answers = await stage.clock.run(Promise.all([stage.start(event), stage.start(event)]));
    expect(answers).toEqual([expect.objectContaining(SUCCESS), expect.objectContaining(SUCCESS)]);
    expect(stage.calls.filter((call) => call === 'secretsmanager:PutSecretValue')).toHaveLength(1);
    enable();
  });

  test('of what is made and stored already changes nothing', async () => {
    await made();
    expect(await stage.deviceRequest('Create')).toMatchObject(SUCCESS);
    expect(changes()).toEqual([]);
  });

  test('sees a tag that can be read late only', async () => {
    stage.iam.delays = { tags: 8_000 };
    expect(await stage.deviceRequest('Create')).toMatchObject(SUCCESS);
    expect(await stage.deviceRequest('Create')).toMatchObject(SUCCESS);
    expect(stage.calls.filter((call) => call === 'iam:CreateVirtualMFADevice')).toHaveLength(1);
  });

  test('sees a version that can be read late only', async () => {
    stage.secretsManager.faults = { newVersion: 12_000 };
    expect(await stage.deviceRequest('Create')).toMatchObject(SUCCESS);
    expect(stage.calls.filter((call) => call === 'secretsmanager:PutSecretValue')).toHaveLength(1);
  });

  test.each(['lose answer', 'lose request'] as const)(
    'starts anew where it had to %s that makes the device',
    async (lost) => {
      stage.fault = (action, call) => (action === 'iam:CreateVirtualMFADevice' && call === 1 ? lost : undefined);
      expect(await stage.deviceRequest('Create')).toMatchObject(SUCCESS);
      expect(stage.tags(PHONE)[SEED_VERSION_KEY]).toBe(currentVersion());
      enable();
    },
  );

  test.each(['lose answer', 'lose request'] as const)(
    'stores the same version again where it had to %s',
    async (lost) => {
      stage.fault = (action, call) => (action === 'secretsmanager:PutSecretValue' && call === 1 ? lost : undefined);
      expect(await stage.deviceRequest('Create')).toMatchObject(SUCCESS);
      expect(Object.keys(versions())).toEqual([stage.tags(PHONE)[SEED_VERSION_KEY]]);
      enable();
    },
  );

  test('deletes the device again where the seed can not be stored', async () => {
    stage.fault = refuse('secretsmanager:PutSecretValue', 'EncryptionFailure', 400);
    const answer = await stage.deviceRequest('Create');
    expectFailed(answer, /can't be encrypted for secret .* State: the device does not exist\. Next: check that the/);
    expect(exists()).toBe(false);
  });

  test('never deletes what a duplicate made while the answer of a deletion was lost', async () => {
    let deletions = 0;
    let madeByDuplicate: string | undefined;
    stage.fault = (action, call) => {
      if (action === 'iam:CreateVirtualMFADevice' && call === 1) {
        return 'lose answer';
      }
      if (action === 'iam:DeleteVirtualMFADevice' && ++deletions === 1) {
        return async () => {
          // It has taken effect, a duplicate makes the device and is done, and only then the connection breaks.
          expect(await stage.start(stage.deviceEvent('Create'))).toMatchObject(SUCCESS);
          madeByDuplicate = currentVersion();
          throw new CallError(action, undefined);
        };
      }
      return undefined;
    };
    expect(await stage.deviceRequest('Create')).toMatchObject(SUCCESS);
    expect(deletions).toBe(1);
    expect(stage.tags(PHONE)[SEED_VERSION_KEY]).toBe(madeByDuplicate);
    enable();
  });

  test.each(['lose answer', 'lose request'] as const)(
    'leaves no device without a seed behind where it had to %s that deletes it again',
    async (lost) => {
      stage.fault = (action, call) =>
        action === 'secretsmanager:PutSecretValue'
          ? new CallError(action, 'EncryptionFailure', 400)
          : action === 'iam:DeleteVirtualMFADevice' && call === 1
            ? lost
            : undefined;
      expect((await stage.deviceRequest('Create')).Status).toBe('FAILED');
      expect(exists()).toBe(false);
    },
  );

  test('keeps the device where the seed was stored after all', async () => {
    stage.fault = (action, call) =>
      action !== 'secretsmanager:PutSecretValue'
        ? undefined
        : call === 1
          ? 'lose answer'
          : new CallError(action, 'AccessDenied', 400);
    expect(await stage.deviceRequest('Create')).toMatchObject(SUCCESS);
    enable();
  });

  test('tells what failed first where it can not delete the device either, and leaves that to the Delete', async () => {
    stage.fault = (action) =>
      action === 'secretsmanager:PutSecretValue' || action === 'iam:DeleteVirtualMFADevice'
        ? new CallError(action, 'EncryptionFailure', 400)
        : undefined;
    expectFailed(await stage.deviceRequest('Create'), /EncryptionFailure\)\. State: the device exists; it carries the/);
    expect(stage.left.join()).toContain('the device stays without its seed');
    stage.fault = () => undefined;
    expect(await stage.deviceRequest('Delete')).toMatchObject(SUCCESS);
    expect(exists()).toBe(false);
  });

  test('waits for a maker that still lives, and makes nothing itself', async () => {
    stage.fault = (action) => (action === 'iam:CreateVirtualMFADevice' ? () => stage.clock.sleep(60_000) : undefined);
    const first = stage.start(stage.deviceEvent('Create'));
    const second = stage.clock.sleep(5_000).then(() => stage.start(stage.deviceEvent('Create')));
    const answers = await stage.clock.run(Promise.all([first, second]));
    expect(answers).toEqual([expect.objectContaining(SUCCESS), expect.objectContaining(SUCCESS)]);
    expect(changes()).toEqual(['iam:CreateVirtualMFADevice', 'secretsmanager:PutSecretValue']);
  });

  /** As another request for this resource has made it; the seed is somewhere else. */
  const madeByAnother = (version: string) =>
    stage.iam.call('CreateVirtualMFADevice', {
      VirtualMFADeviceName: 'phone',
      Tags: [
        { Key: OURS, Value: 'eu-west-1 Staging' },
        { Key: SEED_VERSION_KEY, Value: version },
      ],
    });

  test('takes no device for foreign whose tags can be read late only', async () => {
    stage.iam.delays = { tags: 8_000 };
    madeByAnother(ownVersion());
    stage.secretsManager.call('PutSecretValue', {
      SecretId: stage.phoneSecretArn,
      SecretString: 'seed',
      ClientRequestToken: ownVersion(),
    });
    expect(await stage.deviceRequest('Create')).toMatchObject(SUCCESS);
    expect(changes()).toEqual([]);
  });

  test('makes the device itself where the maker that it waits for has taken it away', async () => {
    madeByAnother(ownVersion());
    stage.fault = (action, call) =>
      action === 'iam:ListMFADeviceTags' && call === 2
        ? () => stage.iam.call('DeleteVirtualMFADevice', { SerialNumber: PHONE })
        : undefined;
    expect(await stage.deviceRequest('Create')).toMatchObject(SUCCESS);
    expect(stage.left.join()).toContain('waiting for another Create to store the seed');
    enable();
  });

  test('deletes the device until it is gone where the seed can not be stored', async () => {
    stage.fault = (action, call) =>
      action === 'secretsmanager:PutSecretValue'
        ? new CallError(action, 'EncryptionFailure', 400)
        : action === 'iam:DeleteVirtualMFADevice' && call <= 2
          ? 'lose request'
          : undefined;
    expectFailed(await stage.deviceRequest('Create'), /EncryptionFailure/);
    expect(exists()).toBe(false);
    expect(stage.calls.filter((call) => call === 'iam:DeleteVirtualMFADevice')).toHaveLength(3);
  });

  test('deletes it once where only the answer to that is lost', async () => {
    stage.fault = (action) =>
      action === 'secretsmanager:PutSecretValue'
        ? new CallError(action, 'EncryptionFailure', 400)
        : action === 'iam:DeleteVirtualMFADevice'
          ? 'lose answer'
          : undefined;
    expectFailed(await stage.deviceRequest('Create'), /EncryptionFailure\)\. State: the device does not exist\. /);
    expect(stage.calls.filter((call) => call === 'iam:DeleteVirtualMFADevice')).toHaveLength(1);
  });

  test('does not know whether the device exists where its answer is lost and no look is allowed', async () => {
    stage.fault = (action, call) =>
      action === 'iam:CreateVirtualMFADevice'
        ? 'lose answer'
        : action === 'secretsmanager:DescribeSecret' && call > 1
          ? new CallError(action, 'InternalFailure', 400)
          : undefined;
    expectFailed(await stage.deviceRequest('Create'), /State: it is not known whether the device exists/);
  });

  test('fails where the maker never stored the seed, and the Delete that follows removes the device', async () => {
    stage.iam.call('CreateVirtualMFADevice', {
      VirtualMFADeviceName: 'phone',
      Tags: [
        { Key: OURS, Value: 'eu-west-1 Staging' },
        { Key: SEED_VERSION_KEY, Value: ownVersion() },
      ],
    });
    const before = stage.clock.now();
    const answer = await stage.deviceRequest('Create');
    expectFailed(answer, /an earlier attempt made device .* and never stored its seed/);
    expect(stage.clock.now() - before).toBeGreaterThan(3.5 * 60_000);
    expect(stage.clock.now() - before).toBeLessThanOrEqual(4 * 60_000);
    expect(changes()).toEqual([]);
    expect(await stage.deviceRequest('Delete')).toMatchObject(SUCCESS);
    expect(exists()).toBe(false);
  });

  test('joins a device of this library whose seed is in this very secret', async () => {
    await made();
    expect(await stage.deviceRequest('Create', { Tags: [{ Key: 'owner', Value: 'alice' }] }, RENAMED)).toMatchObject(
      SUCCESS,
    );
    expect(changes()).toEqual(['iam:TagMFADevice', 'iam:TagMFADevice']);
    expect(stage.tags(PHONE)).toMatchObject({
      [OURS]: 'eu-west-1 Staging',
      [THEIRS]: 'eu-west-1 Staging',
      owner: 'alice',
    });
  });

  test('that joins is over only when its claim can be read', async () => {
    await made();
    stage.iam.delays = { tags: 6_000 };
    const before = stage.clock.now();
    await stage.deviceRequest('Create', {}, RENAMED);
    expect(stage.clock.now() - before).toBeGreaterThanOrEqual(6_000);
  });

  test('starts over where the device that it joins is deleted meanwhile', async () => {
    await made();
    stage.fault = (action, call) =>
      action === 'iam:TagMFADevice' && call === 1
        ? () => stage.iam.call('DeleteVirtualMFADevice', { SerialNumber: PHONE })
        : undefined;
    expect(await stage.deviceRequest('Create', {}, RENAMED)).toMatchObject(SUCCESS);
    expect(Object.keys(stage.tags(PHONE)).sort()).toEqual([THEIRS, SEED_VERSION_KEY].sort());
    enable();
  });

  test('refuses another secret for the same device', async () => {
    await made();
    const SeedSecretArn = stage.createSecret('mfa/other');
    const answer = await stage.deviceRequest('Create', { SeedSecretArn }, RENAMED);
    expectFailed(
      answer,
      /device .*phone was made with another secret than .*mfa\/other.* stand on it, .*: cdk-mfa-enrollment:device:.*Phone0A1B2C3D \(eu-west-1 Staging\);/,
    );
    expect(changes()).toEqual([]);
    expect(await stage.deviceRequest('Delete', { SeedSecretArn }, RENAMED)).toMatchObject(SUCCESS);
    expect(exists()).toBe(true);
  });

  describe('of what a removal policy kept', () => {
    beforeEach(made);
    /** Declared anew: refused at once, and not touched by the Delete that follows, even if that knows no better. */
    async function expectToStay(properties: Record<string, unknown>, words: RegExp): Promise<void> {
      const tags = stage.tags(PHONE);
      const before = stage.clock.now();
      const answer = await stage.deviceRequest('Create', properties);
      expectFailed(answer, words);
      expect(answer.PhysicalResourceId).toBe(`${PHONE}|refused`);
      // Nobody is waited for who could still be making it.
      expect(stage.clock.now() - before).toBeLessThan(60_000);
      const { PhysicalResourceId } = answer;
      expect(await stage.deviceRequest('Delete', properties, { PhysicalResourceId })).toMatchObject(SUCCESS);
      expect(stage.left.join()).toContain('the Create was refused, nothing to undo');
      expect(changes()).toEqual([]);
      expect(stage.tags(PHONE)).toEqual(tags);
    }

    test('refuses another secret', async () => {
      const SeedSecretArn = stage.createSecret('mfa/other');
      await expectToStay({ SeedSecretArn }, /was made with another secret than/);
      enable();
    });

    test('refuses a secret of the same name in which the seed is not', async () => {
      stage.secretsManager.call('DeleteSecret', { SecretId: 'mfa/phone', ForceDeleteWithoutRecovery: true });
      await expectToStay({ SeedSecretArn: stage.createSecret('mfa/phone') }, /was made with another secret than/);
    });

    test('refuses a secret that does not exist', async () => {
      await expectToStay({ SeedSecretArn: stage.phoneSecretArn.replace('phone', 'typo') }, /typo.* does not exist/);
    });

    test('refuses a secret that is scheduled for deletion', async () => {
      stage.secretsManager.call('DeleteSecret', { SecretId: 'mfa/phone' });
      await expectToStay({}, /is scheduled for deletion/);
    });

    test('refuses its secret while the seed is not current', async () => {
      writeByHand();
      await expectToStay({}, /somebody has written to the secret/);
    });

    test('refuses it without its version', async () => {
      stage.iam.call('UntagMFADevice', { SerialNumber: PHONE, TagKeys: [SEED_VERSION_KEY] });
      await expectToStay({}, /has lost its tag/);
    });
  });

  test("takes a copy of the seed in another secret for another's", async () => {
    await made();
    const SeedSecretArn = stage.createSecret('mfa/other');
    const copy = { SecretString: 'copy', ClientRequestToken: currentVersion() };
    stage.secretsManager.call('PutSecretValue', { SecretId: SeedSecretArn, ...copy });
    expectFailed(await stage.deviceRequest('Create', { SeedSecretArn }), /with another secret than/);
    expectFailed(await stage.deviceRequest('Update', { SeedSecretArn }), /with another secret than/);
  });

  test('never takes a device that somebody else made', async () => {
    stage.createDevice('phone');
    const answer = await stage.deviceRequest('Create');
    expectFailed(answer, /exists already, and no VirtualMfaDevice of this library made it/);
    expect(changes()).toEqual([]);
    expect(await stage.deviceRequest('Delete')).toMatchObject(SUCCESS);
    expect(exists()).toBe(true);
  });

  test('a device that was taken for foreign, and is of another delivery of the same Create, goes with the Delete', async () => {
    stage.createDevice('phone');
    const answer = await stage.deviceRequest('Create');
    expectFailed(answer, /exists already, and no VirtualMfaDevice of this library made it/);
    stage.iam.call('TagMFADevice', { SerialNumber: PHONE, Tags: [{ Key: OURS, Value: 'eu-west-1 Staging' }] });
    const { PhysicalResourceId } = answer;
    expect(await stage.deviceRequest('Delete', {}, { PhysicalResourceId })).toMatchObject(SUCCESS);
    expect(exists()).toBe(false);
  });

  test("never overwrites another device's seed", async () => {
    await made();
    const SerialNumber = serialNumberOf('tablet');
    const answer = await stage.deviceRequest('Create', { SerialNumber }, RENAMED);
    expectFailed(answer, /is the seed of another device, and storing this device's seed would end the only copy/);
    expect(exists(SerialNumber)).toBe(false);
    enable();
  });

  test('nor one that could be made current again', async () => {
    await made();
    writeByHand();
    const SerialNumber = serialNumberOf('tablet');
    expectFailed(await stage.deviceRequest('Create', { SerialNumber }, RENAMED), /is the seed of another device/);
    expect(exists(SerialNumber)).toBe(false);
  });

  test("does not, either, where the other device's seed came while this one was made", async () => {
    const other = { SecretId: stage.phoneSecretArn, SecretString: 'other', ClientRequestToken: OTHER_VERSION };
    stage.fault = (action) =>
      action === 'iam:CreateVirtualMFADevice'
        ? () => void stage.secretsManager.call('PutSecretValue', other)
        : undefined;
    expectFailed(await stage.deviceRequest('Create'), /is the seed of another device/);
    expect(currentVersion()).toBe(OTHER_VERSION);
    expect(exists()).toBe(false);
  });

  test('deletes the device again where the secret is scheduled for deletion meanwhile', async () => {
    stage.fault = (action) =>
      action === 'iam:CreateVirtualMFADevice'
        ? () => void stage.secretsManager.call('DeleteSecret', { SecretId: stage.phoneSecretArn })
        : undefined;
    const answer = await stage.deviceRequest('Create');
    expectFailed(answer, /is scheduled for deletion, and takes no seed/);
    // It has made a device: its Delete has to look whether that is gone.
    expect(answer.PhysicalResourceId).toBe(PHONE);
    expect(exists()).toBe(false);
  });

  test('that may have been denied what another attempt was allowed leaves the rest to its Delete', async () => {
    stage.fault = refuse('secretsmanager:DescribeSecret', 'AccessDenied', 400);
    expect(await stage.deviceRequest('Create')).toMatchObject({ Status: 'FAILED', PhysicalResourceId: PHONE });
  });

  test('makes no device where the secret is scheduled for deletion', async () => {
    stage.secretsManager.call('DeleteSecret', { SecretId: stage.phoneSecretArn });
    expectFailed(await stage.deviceRequest('Create'), /is scheduled for deletion, and takes no seed/);
    expect(changes()).toEqual([]);
  });

  test("overwrites the seed of a former device of the same name, and what is nobody's seed", async () => {
    writeByHand('to be replaced');
    await made();
    stage.iam.call('DeleteVirtualMFADevice', { SerialNumber: PHONE });
    expect(await stage.deviceRequest('Create')).toMatchObject(SUCCESS);
    enable();
  });

  test('fails where somebody writes to the secret as it ends', async () => {
    stage.fault = (action) => (action === 'secretsmanager:PutSecretValue' ? () => void writeByHand() : undefined);
    expectFailed(await stage.deviceRequest('Create'), /and then somebody else wrote to the device or the secret/);
  });

  test.each([
    [
      'no secret',
      { SeedSecretArn: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mfa/none' },
      /mfa\/none does not exist/,
    ],
    [
      'a hardware token',
      { SerialNumber: 'GAHT12345678' },
      /'SerialNumber': 'GAHT12345678' is not the ARN of a virtual MFA device/,
    ],
    [
      "a tag of this library's",
      { Tags: [{ Key: 'CDK-mfa-enrollment:x', Value: '' }] },
      /'Tags': 'CDK-mfa-enrollment:x' is a tag key of this library's own/,
    ],
    ['no tag at all', { Tags: [null] }, /'Tags': '' is no tag key/],
    [
      'more tags than there is room for',
      { Tags: Array.from({ length: 46 }, (_, index) => ({ Key: `tag${index}`, Value: '' })) },
      /'Tags': 46 are too many: at most 45 are allowed/,
    ],
    ['what is no tag', { Tags: ['owner'] }, /'Tags': '' is no tag key/],
  ])('with %s changes nothing, and has nothing to undo', async (_, properties, words) => {
    const { PhysicalResourceId, ...answer } = await stage.deviceRequest('Create', properties);
    expectFailed({ ...answer, PhysicalResourceId }, words);
    expect(answer.Reason).toContain('nothing was changed');
    expect(changes()).toEqual([]);
    stage.calls = [];
    expect(await stage.deviceRequest('Delete', properties, { PhysicalResourceId })).toMatchObject(SUCCESS);
    expect(changes()).toEqual([]);
  });

  test('says which quota is used up', async () => {
    stage.fault = refuse('iam:CreateVirtualMFADevice', 'LimitExceeded', 409);
    expectFailed(await stage.deviceRequest('Create'), /as many virtual MFA devices as its quota allows/);
  });
});

describe('Update', () => {
  beforeEach(made);

  test('of what is as declared changes nothing, and waits for nothing', async () => {
    const before = stage.clock.now();
    expect(await stage.deviceRequest('Update')).toMatchObject(SUCCESS);
    expect(changes()).toEqual([]);
    expect(stage.clock.now()).toBe(before);
  });

  test('sees a tag that can be read late only', async () => {
    const tag = (Value = '') =>
      stage.iam.call('TagMFADevice', { SerialNumber: PHONE, Tags: [{ Key: SEED_VERSION_KEY, Value }] });
    tag('other');
    await stage.clock.run(stage.clock.sleep(60_000));
    stage.iam.delays = { tags: 5_000 };
    tag(currentVersion());
    expect(await stage.deviceRequest('Update')).toMatchObject(SUCCESS);
  });

  test('touches no tag that stays, and changes the value of one that has another', async () => {
    const tags = (value: string) => ['a', 'b'].map((Key) => ({ Key, Value: value }));
    stage.iam.call('TagMFADevice', { SerialNumber: PHONE, Tags: tags('1') });
    const OldResourceProperties = stage.deviceEvent('Update', { Tags: tags('1') }).ResourceProperties;
    const more = [...tags('1'), { Key: 'c', Value: '1' }];
    expect(await stage.deviceRequest('Update', { Tags: more }, { OldResourceProperties })).toMatchObject(SUCCESS);
    expect(changes()).toEqual(['iam:TagMFADevice']);
    await stage.deviceRequest('Update', { Tags: tags('2') }, { OldResourceProperties });
    expect(stage.tags(PHONE)).toMatchObject({ a: '2', b: '2' });
  });

  test('puts our claim back', async () => {
    stage.iam.call('UntagMFADevice', { SerialNumber: PHONE, TagKeys: [OURS] });
    expect(await stage.deviceRequest('Update')).toMatchObject(SUCCESS);
    expect(stage.tags(PHONE)).toHaveProperty([OURS], 'eu-west-1 Staging');
  });

  test('brings the tags to what is declared, and keeps those of others', async () => {
    stage.iam.call('TagMFADevice', {
      SerialNumber: PHONE,
      Tags: [
        { Key: 'theirs', Value: '1' },
        { Key: 'gone', Value: '1' },
        { Key: 'Owner', Value: '1' },
      ],
    });
    const old = stage.deviceEvent('Update', {
      Tags: [
        { Key: 'gone', Value: '1' },
        { Key: 'Owner', Value: '1' },
      ],
    });
    const answer = await stage.deviceRequest(
      'Update',
      {
        Tags: [
          { Key: 'owner', Value: '2' },
          { Key: 'new', Value: '2' },
        ],
      },
      { OldResourceProperties: old.ResourceProperties },
    );
    expect(answer).toMatchObject(SUCCESS);
    expect(stage.tags(PHONE)).toEqual({
      theirs: '1',
      owner: '2',
      new: '2',
      [OURS]: 'eu-west-1 Staging',
      [SEED_VERSION_KEY]: currentVersion(),
    });
  });

  test("never removes tags of this library's own, which a refused deployment may have named", async () => {
    const before = stage.tags(PHONE);
    const old = stage.deviceEvent('Update', { Tags: Object.keys(before).map((Key) => ({ Key, Value: '' })) });
    const answer = await stage.deviceRequest('Update', {}, { OldResourceProperties: old.ResourceProperties });
    expect(answer).toMatchObject(SUCCESS);
    expect(stage.tags(PHONE)).toEqual(before);
  });

  test('removes what goes before it adds what comes: the device may be full', async () => {
    const tags = (name: string) => Array.from({ length: 45 }, (_, index) => ({ Key: `${name}${index}`, Value: '' }));
    const OldResourceProperties = stage.deviceEvent('Update', { Tags: tags('old') }).ResourceProperties;
    stage.iam.call('TagMFADevice', { SerialNumber: PHONE, Tags: tags('old') });
    const answer = await stage.deviceRequest('Update', { Tags: tags('new') }, { OldResourceProperties });
    expect(answer).toMatchObject(SUCCESS);
    expect(Object.keys(stage.tags(PHONE))).toHaveLength(47);
  });

  test('refuses another secret for the same device', async () => {
    const SeedSecretArn = stage.createSecret('mfa/other');
    const OldResourceProperties = stage.deviceEvent('Update').ResourceProperties;
    const answer = await stage.deviceRequest('Update', { SeedSecretArn }, { OldResourceProperties });
    expectFailed(answer, /was made with another secret than/);
    expect(changes()).toEqual([]);
  });

  test('takes another spelling of the same secret', async () => {
    const OldResourceProperties = stage.deviceEvent('Update').ResourceProperties;
    const SeedSecretArn = stage.phoneSecretArn.replace(/-\w{6}$/, '');
    expect(await stage.deviceRequest('Update', { SeedSecretArn }, { OldResourceProperties })).toMatchObject(SUCCESS);
  });

  test('finds out that somebody has written to the secret, and names the version that holds the seed', async () => {
    const version = currentVersion();
    writeByHand();
    const by = currentVersion();
    expectFailed(
      await stage.deviceRequest('Update'),
      `--secret-id ${stage.phoneSecretArn} --version-stage AWSCURRENT --move-to-version-id ${version} --remove-from-version-id ${by}`,
    );
  });

  test('finds out that the seed is lost, after somebody has written to the secret twice', async () => {
    writeByHand('once');
    writeByHand('twice');
    expectFailed(await stage.deviceRequest('Update'), /somebody has written to it more than once/);
  });

  test('finds out that the device was made anew by hand', async () => {
    stage.iam.call('DeleteVirtualMFADevice', { SerialNumber: PHONE });
    stage.createDevice('phone');
    expectFailed(await stage.deviceRequest('Update'), /has lost its tag 'cdk-mfa-enrollment:seed-version'/);
  });

  test('finds out that the device is gone', async () => {
    stage.iam.call('DeleteVirtualMFADevice', { SerialNumber: PHONE });
    expectFailed(await stage.deviceRequest('Update'), /does not exist any more: somebody has deleted it/);
    expect(changes()).toEqual([]);
  });

  test('never becomes another device', async () => {
    const answer = await stage.deviceRequest('Update', { SerialNumber: serialNumberOf('tablet') });
    expectFailed(
      answer,
      /this resource is '.*mfa\/phone' and can't become '.*mfa\/tablet': a device keeps its name for life/,
    );
    expect(stage.calls).toEqual([]);
  });
});

describe('Delete', () => {
  beforeEach(made);

  test('of the last who declares the device deletes it, after a second look', async () => {
    const before = stage.clock.now();
    expect(await stage.deviceRequest('Delete')).toMatchObject(SUCCESS);
    expect(exists()).toBe(false);
    expect(stage.clock.now() - before).toBe(10_000);
  });

  test.each([
    ['a complete ARN', 'mfa/tablet-1', (arn: string) => arn],
    ['a partial ARN', 'mfa/tablet-1', (arn: string) => arn.replace(/-\w{6}$/, '')],
    ['a partial ARN that ends like a complete one', 'mfa/phone-laptop', (arn: string) => arn.replace(/-\w{6}$/, '')],
    ['a complete ARN of such a name', 'mfa/phone-laptop', (arn: string) => arn],
  ])('knows the secret by %s', async (_, name, spelled) => {
    stage.iam.call('DeleteVirtualMFADevice', { SerialNumber: PHONE });
    const SeedSecretArn = stage.createSecret(name);
    expect(await stage.deviceRequest('Create', { SeedSecretArn })).toMatchObject(SUCCESS);
    const asSpelled = { SeedSecretArn: spelled(SeedSecretArn) };
    expect(await stage.deviceRequest('Update', asSpelled)).toMatchObject(SUCCESS);
    expect(await stage.deviceRequest('Delete', asSpelled)).toMatchObject(SUCCESS);
    expect(exists()).toBe(false);
  });

  test('after a refused change of the secret deletes the device, whichever secret it names', async () => {
    const SeedSecretArn = stage.createSecret('mfa/other');
    expect((await stage.deviceRequest('Update', { SeedSecretArn })).Status).toBe('FAILED');
    expect(await stage.deviceRequest('Delete', { SeedSecretArn })).toMatchObject(SUCCESS);
    expect(exists()).toBe(false);
  });

  test('deletes a device that does not say which secret holds its seed', async () => {
    stage.iam.call('UntagMFADevice', { SerialNumber: PHONE, TagKeys: [SEED_VERSION_KEY] });
    expect(await stage.deviceRequest('Delete')).toMatchObject(SUCCESS);
    expect(exists()).toBe(false);
  });

  test('withdraws only its claim where others declare the device', async () => {
    await stage.deviceRequest('Create', {}, RENAMED);
    stage.calls = [];
    const before = stage.clock.now();
    expect(await stage.deviceRequest('Delete')).toMatchObject(SUCCESS);
    expect(stage.clock.now()).toBe(before);
    expect(changes()).toEqual(['iam:UntagMFADevice']);
    expect(Object.keys(stage.tags(PHONE))).toEqual([THEIRS, SEED_VERSION_KEY].sort());
  });

  test("sees another's claim that was written a moment ago", async () => {
    stage.iam.delays = { tags: 5_000 };
    stage.iam.call('TagMFADevice', { SerialNumber: PHONE, Tags: [{ Key: THEIRS, Value: '' }] });
    expect(await stage.deviceRequest('Delete')).toMatchObject(SUCCESS);
    expect(exists()).toBe(true);
  });

  test('leaves a device alone on which no claim of ours stands', async () => {
    stage.iam.call('UntagMFADevice', { SerialNumber: PHONE, TagKeys: [OURS] });
    expect(await stage.deviceRequest('Delete')).toMatchObject(SUCCESS);
    expect(changes()).toEqual([]);
    expect(exists()).toBe(true);
  });

  test('of a device that is gone is done', async () => {
    stage.iam.call('DeleteVirtualMFADevice', { SerialNumber: PHONE });
    expect(await stage.deviceRequest('Delete')).toMatchObject(SUCCESS);
  });

  test.each(['lose answer', 'lose request'] as const)('is done where it had to %s', async (lost) => {
    stage.fault = (action, call) => (action === 'iam:DeleteVirtualMFADevice' && call === 1 ? lost : undefined);
    expect(await stage.deviceRequest('Delete')).toMatchObject(SUCCESS);
    expect(exists()).toBe(false);
  });

  test('names the enrollments that stand on a device which is enabled', async () => {
    enable();
    const claim = enrollmentClaimKey(STACK_UUID, LOGICAL_ID);
    stage.iam.call('TagMFADevice', { SerialNumber: PHONE, Tags: [{ Key: claim, Value: 'enabled eu-west-1 Staging' }] });
    const answer = await stage.deviceRequest('Delete');
    expectFailed(answer, `each with its region and stack: ${claim} (enabled eu-west-1 Staging)`);
    expect(answer.Reason).toContain('remove its enrollment first');
    expect(exists()).toBe(true);
  });

  test('says that nobody of this library enabled a device that is enabled', async () => {
    enable();
    expectFailed(await stage.deviceRequest('Delete'), /no enrollment of this library did it.*deactivate it/);
  });

  test('waits for a Create that may still be under way where the physical id is an invented one', async () => {
    const before = stage.clock.now();
    expect(await stage.deviceRequest('Delete', {}, INVENTED)).toMatchObject(SUCCESS);
    expect(stage.clock.now() - before).toBe(13 * 60_000 + 10_000);
    expect(exists()).toBe(false);
  });
});
