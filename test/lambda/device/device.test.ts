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
/** The seed version that another request for this device would write. */
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

/** Creates the device and waits a while. */
async function made(): Promise<void> {
  expect(await stage.deviceRequest('Create')).toMatchObject(SUCCESS);
  await stage.clock.run(stage.clock.sleep(10 * 60_000));
  stage.calls = [];
}

/** Enables the device for Alice with codes of the seed in the secret. */
function enable(SecretId = stage.phoneSecretArn): void {
  const { SecretString } = stage.secretsManager.call('GetSecretValue', { SecretId });
  const seed = parseSeed(new SecretText(SecretString as string));
  const [first, second] = codePairAt(seed, stepAt(stage.clock.now())).reveal();
  const codes = { AuthenticationCode1: first, AuthenticationCode2: second };
  stage.iam.call('EnableMFADevice', { UserName: 'alice', SerialNumber: PHONE, ...codes });
}

function expectFailed({ Status, Reason }: Answer, reason: string | RegExp): void {
  expect(Status).toBe('FAILED');
  expect(Reason).toMatch(reason);
}

describe('Create', () => {
  test('creates the device with its tags, stores the seed and checks the result in seven calls', async () => {
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

  test('sets the path and the declared tags of the device', async () => {
    const SerialNumber = serialNumberOf('staff/on-call/phone');
    const Tags = [{ Key: 'owner', Value: 'alice' }];
    expect(await stage.deviceRequest('Create', { SerialNumber, Tags })).toMatchObject({
      ...SUCCESS,
      PhysicalResourceId: SerialNumber,
    });
    expect(stage.tags(SerialNumber)).toMatchObject({ owner: 'alice', [OURS]: 'eu-west-1 Staging' });
  });

  test('that is delivered twice creates one device', async () => {
    const event = stage.deviceEvent('Create');
    const answers = await stage.clock.run(Promise.all([stage.start(event), stage.start(event)]));
    expect(answers).toEqual([expect.objectContaining(SUCCESS), expect.objectContaining(SUCCESS)]);
    expect(stage.calls.filter((call) => call === 'secretsmanager:PutSecretValue')).toHaveLength(1);
    enable();
  });

  test('changes nothing if the device exists and its seed is stored', async () => {
    await made();
    expect(await stage.deviceRequest('Create')).toMatchObject(SUCCESS);
    expect(changes()).toEqual([]);
  });

  test('waits for a tag that is not readable yet', async () => {
    stage.iam.delays = { tags: 8_000 };
    expect(await stage.deviceRequest('Create')).toMatchObject(SUCCESS);
    expect(await stage.deviceRequest('Create')).toMatchObject(SUCCESS);
    expect(stage.calls.filter((call) => call === 'iam:CreateVirtualMFADevice')).toHaveLength(1);
  });

  test('waits for a version of the secret that is not readable yet', async () => {
    stage.secretsManager.faults = { newVersion: 12_000 };
    expect(await stage.deviceRequest('Create')).toMatchObject(SUCCESS);
    expect(stage.calls.filter((call) => call === 'secretsmanager:PutSecretValue')).toHaveLength(1);
  });

  test.each(['lose answer', 'lose request'] as const)('starts over if creating the device had to %s', async (lost) => {
    stage.fault = (action, call) => (action === 'iam:CreateVirtualMFADevice' && call === 1 ? lost : undefined);
    expect(await stage.deviceRequest('Create')).toMatchObject(SUCCESS);
    expect(stage.tags(PHONE)[SEED_VERSION_KEY]).toBe(currentVersion());
    enable();
  });

  test.each(['lose answer', 'lose request'] as const)(
    'stores the same version again if storing the seed had to %s',
    async (lost) => {
      stage.fault = (action, call) => (action === 'secretsmanager:PutSecretValue' && call === 1 ? lost : undefined);
      expect(await stage.deviceRequest('Create')).toMatchObject(SUCCESS);
      expect(Object.keys(versions())).toEqual([stage.tags(PHONE)[SEED_VERSION_KEY]]);
      enable();
    },
  );

  test('deletes the device if the seed cannot be stored', async () => {
    stage.fault = refuse('secretsmanager:PutSecretValue', 'EncryptionFailure', 400);
    const answer = await stage.deviceRequest('Create');
    expectFailed(answer, /can't be encrypted for secret .* State: the device does not exist\. Next: check that the/);
    expect(exists()).toBe(false);
  });

  test('never deletes a device that a duplicate created while the response of a deletion was lost', async () => {
    let deletions = 0;
    let madeByDuplicate: string | undefined;
    stage.fault = (action, call) => {
      if (action === 'iam:CreateVirtualMFADevice' && call === 1) {
        return 'lose answer';
      }
      if (action === 'iam:DeleteVirtualMFADevice' && ++deletions === 1) {
        return async () => {
          // The deletion takes effect, a duplicate creates the device, and only then the connection breaks.
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
    'leaves no device without a stored seed if deleting it had to %s',
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

  test('keeps the device if the seed was stored although the response was lost', async () => {
    stage.fault = (action, call) =>
      action !== 'secretsmanager:PutSecretValue'
        ? undefined
        : call === 1
          ? 'lose answer'
          : new CallError(action, 'AccessDenied', 400);
    expect(await stage.deviceRequest('Create')).toMatchObject(SUCCESS);
    enable();
  });

  test('reports the first error if the device cannot be deleted, and the Delete deletes it', async () => {
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

  test('waits for another Create that is still running and creates no device', async () => {
    stage.fault = (action) => (action === 'iam:CreateVirtualMFADevice' ? () => stage.clock.sleep(60_000) : undefined);
    const first = stage.start(stage.deviceEvent('Create'));
    const second = stage.clock.sleep(5_000).then(() => stage.start(stage.deviceEvent('Create')));
    const answers = await stage.clock.run(Promise.all([first, second]));
    expect(answers).toEqual([expect.objectContaining(SUCCESS), expect.objectContaining(SUCCESS)]);
    expect(changes()).toEqual(['iam:CreateVirtualMFADevice', 'secretsmanager:PutSecretValue']);
  });

  /** Creates the device like another request for this resource, without storing its seed. */
  const madeByAnother = (version: string) =>
    stage.iam.call('CreateVirtualMFADevice', {
      VirtualMFADeviceName: 'phone',
      Tags: [
        { Key: OURS, Value: 'eu-west-1 Staging' },
        { Key: SEED_VERSION_KEY, Value: version },
      ],
    });

  test('does not treat a device as foreign while its tags are not readable yet', async () => {
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

  test('creates the device if the Create that it waits for deletes it', async () => {
    madeByAnother(ownVersion());
    stage.fault = (action, call) =>
      action === 'iam:ListMFADeviceTags' && call === 2
        ? () => stage.iam.call('DeleteVirtualMFADevice', { SerialNumber: PHONE })
        : undefined;
    expect(await stage.deviceRequest('Create')).toMatchObject(SUCCESS);
    expect(stage.left.join()).toContain('waiting for another Create to store the seed');
    enable();
  });

  test('retries deleting the device if the seed cannot be stored', async () => {
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

  test('deletes the device once if only the response is lost', async () => {
    stage.fault = (action) =>
      action === 'secretsmanager:PutSecretValue'
        ? new CallError(action, 'EncryptionFailure', 400)
        : action === 'iam:DeleteVirtualMFADevice'
          ? 'lose answer'
          : undefined;
    expectFailed(await stage.deviceRequest('Create'), /EncryptionFailure\)\. State: the device does not exist\. /);
    expect(stage.calls.filter((call) => call === 'iam:DeleteVirtualMFADevice')).toHaveLength(1);
  });

  test('reports an unknown state if the response is lost and the secret cannot be read', async () => {
    stage.fault = (action, call) =>
      action === 'iam:CreateVirtualMFADevice'
        ? 'lose answer'
        : action === 'secretsmanager:DescribeSecret' && call > 1
          ? new CallError(action, 'InternalFailure', 400)
          : undefined;
    expectFailed(await stage.deviceRequest('Create'), /State: it is not known whether the device exists/);
  });

  test('fails if an earlier attempt never stored the seed, and the Delete deletes the device', async () => {
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

  test('joins a device of this library whose seed is in the same secret', async () => {
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

  test('that joins a device responds only when its claim is readable', async () => {
    await made();
    stage.iam.delays = { tags: 6_000 };
    const before = stage.clock.now();
    await stage.deviceRequest('Create', {}, RENAMED);
    expect(stage.clock.now() - before).toBeGreaterThanOrEqual(6_000);
  });

  test('starts over if the device that it joins is deleted', async () => {
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

  describe('of a retained device', () => {
    beforeEach(made);
    /** Expects that a Create is refused at once and that its Delete does not change the device. */
    async function expectToStay(properties: Record<string, unknown>, reason: RegExp): Promise<void> {
      const tags = stage.tags(PHONE);
      const before = stage.clock.now();
      const answer = await stage.deviceRequest('Create', properties);
      expectFailed(answer, reason);
      expect(answer.PhysicalResourceId).toBe(`${PHONE}|refused`);
      // It waits for no other Create.
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

    test('refuses a secret of the same name without the seed', async () => {
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

    test('refuses its secret if the seed is not the current version', async () => {
      writeByHand();
      await expectToStay({}, /somebody has written to the secret/);
    });

    test('refuses a device without its seed version', async () => {
      stage.iam.call('UntagMFADevice', { SerialNumber: PHONE, TagKeys: [SEED_VERSION_KEY] });
      await expectToStay({}, /has lost its tag/);
    });
  });

  test('refuses another secret with a copy of the seed', async () => {
    await made();
    const SeedSecretArn = stage.createSecret('mfa/other');
    const copy = { SecretString: 'copy', ClientRequestToken: currentVersion() };
    stage.secretsManager.call('PutSecretValue', { SecretId: SeedSecretArn, ...copy });
    expectFailed(await stage.deviceRequest('Create', { SeedSecretArn }), /with another secret than/);
    expectFailed(await stage.deviceRequest('Update', { SeedSecretArn }), /with another secret than/);
  });

  test('never joins a device that somebody else created', async () => {
    stage.createDevice('phone');
    const answer = await stage.deviceRequest('Create');
    expectFailed(answer, /exists already, and no VirtualMfaDevice of this library made it/);
    expect(changes()).toEqual([]);
    expect(await stage.deviceRequest('Delete')).toMatchObject(SUCCESS);
    expect(exists()).toBe(true);
  });

  test('that refused a device of another delivery as foreign leaves it to the Delete, which deletes it', async () => {
    stage.createDevice('phone');
    const answer = await stage.deviceRequest('Create');
    expectFailed(answer, /exists already, and no VirtualMfaDevice of this library made it/);
    stage.iam.call('TagMFADevice', { SerialNumber: PHONE, Tags: [{ Key: OURS, Value: 'eu-west-1 Staging' }] });
    const { PhysicalResourceId } = answer;
    expect(await stage.deviceRequest('Delete', {}, { PhysicalResourceId })).toMatchObject(SUCCESS);
    expect(exists()).toBe(false);
  });

  test('never overwrites the seed of another device', async () => {
    await made();
    const SerialNumber = serialNumberOf('tablet');
    const answer = await stage.deviceRequest('Create', { SerialNumber }, RENAMED);
    expectFailed(answer, /is the seed of another device, and storing this device's seed would end the only copy/);
    expect(exists(SerialNumber)).toBe(false);
    enable();
  });

  test('never overwrites the previous version of a secret if it holds the seed of another device', async () => {
    await made();
    writeByHand();
    const SerialNumber = serialNumberOf('tablet');
    expectFailed(await stage.deviceRequest('Create', { SerialNumber }, RENAMED), /is the seed of another device/);
    expect(exists(SerialNumber)).toBe(false);
  });

  test('never overwrites the seed of another device that was stored while this one was created', async () => {
    const other = { SecretId: stage.phoneSecretArn, SecretString: 'other', ClientRequestToken: OTHER_VERSION };
    stage.fault = (action) =>
      action === 'iam:CreateVirtualMFADevice'
        ? () => void stage.secretsManager.call('PutSecretValue', other)
        : undefined;
    expectFailed(await stage.deviceRequest('Create'), /is the seed of another device/);
    expect(currentVersion()).toBe(OTHER_VERSION);
    expect(exists()).toBe(false);
  });

  test('deletes the device if the secret is scheduled for deletion while the device is created', async () => {
    stage.fault = (action) =>
      action === 'iam:CreateVirtualMFADevice'
        ? () => void stage.secretsManager.call('DeleteSecret', { SecretId: stage.phoneSecretArn })
        : undefined;
    const answer = await stage.deviceRequest('Create');
    expectFailed(answer, /is scheduled for deletion, and takes no seed/);
    // Its Delete must check the device, because the Create created one.
    expect(answer.PhysicalResourceId).toBe(PHONE);
    expect(exists()).toBe(false);
  });

  test('that is denied access keeps the physical id for its Delete, because another attempt may have succeeded', async () => {
    stage.fault = refuse('secretsmanager:DescribeSecret', 'AccessDenied', 400);
    expect(await stage.deviceRequest('Create')).toMatchObject({ Status: 'FAILED', PhysicalResourceId: PHONE });
  });

  test('creates no device if the secret is scheduled for deletion', async () => {
    stage.secretsManager.call('DeleteSecret', { SecretId: stage.phoneSecretArn });
    expectFailed(await stage.deviceRequest('Create'), /is scheduled for deletion, and takes no seed/);
    expect(changes()).toEqual([]);
  });

  test('overwrites the seed of a deleted device of the same name, and any value that is no seed of a device', async () => {
    writeByHand('to be replaced');
    await made();
    stage.iam.call('DeleteVirtualMFADevice', { SerialNumber: PHONE });
    expect(await stage.deviceRequest('Create')).toMatchObject(SUCCESS);
    enable();
  });

  test('fails if somebody writes to the secret before it ends', async () => {
    stage.fault = (action) => (action === 'secretsmanager:PutSecretValue' ? () => void writeByHand() : undefined);
    expectFailed(await stage.deviceRequest('Create'), /and then somebody else wrote to the device or the secret/);
  });

  test.each([
    [
      'a missing secret',
      { SeedSecretArn: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mfa/none' },
      /mfa\/none does not exist/,
    ],
    [
      'a hardware token',
      { SerialNumber: 'GAHT12345678' },
      /'SerialNumber': invalid serial number 'GAHT12345678': expected the ARN of a virtual MFA device/,
    ],
    [
      'a tag key of this library',
      { Tags: [{ Key: 'CDK-mfa-enrollment:x', Value: '' }] },
      /'Tags': invalid tag key 'CDK-mfa-enrollment:x': .*which this library reserves/,
    ],
    ['null as a tag', { Tags: [null] }, /'Tags': invalid tag key ''/],
    [
      'too many tags',
      { Tags: Array.from({ length: 46 }, (_, index) => ({ Key: `tag${index}`, Value: '' })) },
      /'Tags': 46 tags are too many: expected at most 45/,
    ],
    ['a string as a tag', { Tags: ['owner'] }, /'Tags': invalid tag key ''/],
  ])('with %s changes nothing, and neither does its Delete', async (_, properties, reason) => {
    const { PhysicalResourceId, ...answer } = await stage.deviceRequest('Create', properties);
    expectFailed({ ...answer, PhysicalResourceId }, reason);
    expect(answer.Reason).toContain('nothing was changed');
    expect(changes()).toEqual([]);
    stage.calls = [];
    expect(await stage.deviceRequest('Delete', properties, { PhysicalResourceId })).toMatchObject(SUCCESS);
    expect(changes()).toEqual([]);
  });

  test('names the quota that is exceeded', async () => {
    stage.fault = refuse('iam:CreateVirtualMFADevice', 'LimitExceeded', 409);
    expectFailed(await stage.deviceRequest('Create'), /as many virtual MFA devices as its quota allows/);
  });
});

describe('Update', () => {
  beforeEach(made);

  test('changes nothing and waits for nothing if the device is as declared', async () => {
    const before = stage.clock.now();
    expect(await stage.deviceRequest('Update')).toMatchObject(SUCCESS);
    expect(changes()).toEqual([]);
    expect(stage.clock.now()).toBe(before);
  });

  test('waits for a tag that is not readable yet', async () => {
    const tag = (Value = '') =>
      stage.iam.call('TagMFADevice', { SerialNumber: PHONE, Tags: [{ Key: SEED_VERSION_KEY, Value }] });
    tag('other');
    await stage.clock.run(stage.clock.sleep(60_000));
    stage.iam.delays = { tags: 5_000 };
    tag(currentVersion());
    expect(await stage.deviceRequest('Update')).toMatchObject(SUCCESS);
  });

  test('does not write unchanged tags, and changes the value of a changed one', async () => {
    const tags = (value: string) => ['a', 'b'].map((Key) => ({ Key, Value: value }));
    stage.iam.call('TagMFADevice', { SerialNumber: PHONE, Tags: tags('1') });
    const OldResourceProperties = stage.deviceEvent('Update', { Tags: tags('1') }).ResourceProperties;
    const more = [...tags('1'), { Key: 'c', Value: '1' }];
    expect(await stage.deviceRequest('Update', { Tags: more }, { OldResourceProperties })).toMatchObject(SUCCESS);
    expect(changes()).toEqual(['iam:TagMFADevice']);
    await stage.deviceRequest('Update', { Tags: tags('2') }, { OldResourceProperties });
    expect(stage.tags(PHONE)).toMatchObject({ a: '2', b: '2' });
  });

  test('restores a missing claim', async () => {
    stage.iam.call('UntagMFADevice', { SerialNumber: PHONE, TagKeys: [OURS] });
    expect(await stage.deviceRequest('Update')).toMatchObject(SUCCESS);
    expect(stage.tags(PHONE)).toHaveProperty([OURS], 'eu-west-1 Staging');
  });

  test('updates the declared tags and keeps foreign tags', async () => {
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

  test('never removes tags of this library, which a refused deployment may have declared', async () => {
    const before = stage.tags(PHONE);
    const old = stage.deviceEvent('Update', { Tags: Object.keys(before).map((Key) => ({ Key, Value: '' })) });
    const answer = await stage.deviceRequest('Update', {}, { OldResourceProperties: old.ResourceProperties });
    expect(answer).toMatchObject(SUCCESS);
    expect(stage.tags(PHONE)).toEqual(before);
  });

  test('removes tags before it adds others, because the device may have the maximum number', async () => {
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

  test('accepts another form of the ARN of the same secret', async () => {
    const OldResourceProperties = stage.deviceEvent('Update').ResourceProperties;
    const SeedSecretArn = stage.phoneSecretArn.replace(/-\w{6}$/, '');
    expect(await stage.deviceRequest('Update', { SeedSecretArn }, { OldResourceProperties })).toMatchObject(SUCCESS);
  });

  test('fails if somebody has written to the secret, and names the version that holds the seed', async () => {
    const version = currentVersion();
    writeByHand();
    const by = currentVersion();
    expectFailed(
      await stage.deviceRequest('Update'),
      `--secret-id ${stage.phoneSecretArn} --version-stage AWSCURRENT --move-to-version-id ${version} --remove-from-version-id ${by}`,
    );
  });

  test('fails if the seed is lost because somebody has written to the secret twice', async () => {
    writeByHand('once');
    writeByHand('twice');
    expectFailed(await stage.deviceRequest('Update'), /somebody has written to it more than once/);
  });

  test('fails if the device was re-created by hand', async () => {
    stage.iam.call('DeleteVirtualMFADevice', { SerialNumber: PHONE });
    stage.createDevice('phone');
    expectFailed(await stage.deviceRequest('Update'), /has lost its tag 'cdk-mfa-enrollment:seed-version'/);
  });

  test('fails if the device was deleted', async () => {
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

  test('deletes the device after reading the tags twice if no other resource claims it', async () => {
    const before = stage.clock.now();
    expect(await stage.deviceRequest('Delete')).toMatchObject(SUCCESS);
    expect(exists()).toBe(false);
    expect(stage.clock.now() - before).toBe(10_000);
  });

  test.each([
    ['a complete ARN', 'mfa/tablet-1', (arn: string) => arn],
    ['a partial ARN', 'mfa/tablet-1', (arn: string) => arn.replace(/-\w{6}$/, '')],
    ['a partial ARN that ends like a complete one', 'mfa/phone-laptop', (arn: string) => arn.replace(/-\w{6}$/, '')],
    ['a complete ARN of a name that ends like one', 'mfa/phone-laptop', (arn: string) => arn],
  ])('identifies the secret by %s', async (_, name, spelled) => {
    stage.iam.call('DeleteVirtualMFADevice', { SerialNumber: PHONE });
    const SeedSecretArn = stage.createSecret(name);
    expect(await stage.deviceRequest('Create', { SeedSecretArn })).toMatchObject(SUCCESS);
    const asSpelled = { SeedSecretArn: spelled(SeedSecretArn) };
    expect(await stage.deviceRequest('Update', asSpelled)).toMatchObject(SUCCESS);
    expect(await stage.deviceRequest('Delete', asSpelled)).toMatchObject(SUCCESS);
    expect(exists()).toBe(false);
  });

  test('deletes the device after a refused change of the secret, with the new secret in its properties', async () => {
    const SeedSecretArn = stage.createSecret('mfa/other');
    expect((await stage.deviceRequest('Update', { SeedSecretArn })).Status).toBe('FAILED');
    expect(await stage.deviceRequest('Delete', { SeedSecretArn })).toMatchObject(SUCCESS);
    expect(exists()).toBe(false);
  });

  test('deletes a device without a seed version', async () => {
    stage.iam.call('UntagMFADevice', { SerialNumber: PHONE, TagKeys: [SEED_VERSION_KEY] });
    expect(await stage.deviceRequest('Delete')).toMatchObject(SUCCESS);
    expect(exists()).toBe(false);
  });

  test('withdraws only its claim if other resources claim the device', async () => {
    await stage.deviceRequest('Create', {}, RENAMED);
    stage.calls = [];
    const before = stage.clock.now();
    expect(await stage.deviceRequest('Delete')).toMatchObject(SUCCESS);
    expect(stage.clock.now()).toBe(before);
    expect(changes()).toEqual(['iam:UntagMFADevice']);
    expect(Object.keys(stage.tags(PHONE))).toEqual([THEIRS, SEED_VERSION_KEY].sort());
  });

  test('respects a claim of another resource that is not readable yet', async () => {
    stage.iam.delays = { tags: 5_000 };
    stage.iam.call('TagMFADevice', { SerialNumber: PHONE, Tags: [{ Key: THEIRS, Value: '' }] });
    expect(await stage.deviceRequest('Delete')).toMatchObject(SUCCESS);
    expect(exists()).toBe(true);
  });

  test('does not change a device without a claim of this resource', async () => {
    stage.iam.call('UntagMFADevice', { SerialNumber: PHONE, TagKeys: [OURS] });
    expect(await stage.deviceRequest('Delete')).toMatchObject(SUCCESS);
    expect(changes()).toEqual([]);
    expect(exists()).toBe(true);
  });

  test('succeeds if the device does not exist', async () => {
    stage.iam.call('DeleteVirtualMFADevice', { SerialNumber: PHONE });
    expect(await stage.deviceRequest('Delete')).toMatchObject(SUCCESS);
  });

  test.each(['lose answer', 'lose request'] as const)('succeeds if deleting the device had to %s', async (lost) => {
    stage.fault = (action, call) => (action === 'iam:DeleteVirtualMFADevice' && call === 1 ? lost : undefined);
    expect(await stage.deviceRequest('Delete')).toMatchObject(SUCCESS);
    expect(exists()).toBe(false);
  });

  test('names the enrollments that claim an enabled device', async () => {
    enable();
    const claim = enrollmentClaimKey(STACK_UUID, LOGICAL_ID);
    stage.iam.call('TagMFADevice', { SerialNumber: PHONE, Tags: [{ Key: claim, Value: 'enabled eu-west-1 Staging' }] });
    const answer = await stage.deviceRequest('Delete');
    expectFailed(answer, `each with its region and stack: ${claim} (enabled eu-west-1 Staging)`);
    expect(answer.Reason).toContain('remove its enrollment first');
    expect(exists()).toBe(true);
  });

  test('says that no enrollment of this library enabled an enabled device', async () => {
    enable();
    expectFailed(await stage.deviceRequest('Delete'), /no enrollment of this library did it.*deactivate it/);
  });

  test('with an invented physical id waits for a Create that may still be running', async () => {
    const before = stage.clock.now();
    expect(await stage.deviceRequest('Delete', {}, INVENTED)).toMatchObject(SUCCESS);
    expect(stage.clock.now() - before).toBe(13 * 60_000 + 10_000);
    expect(exists()).toBe(false);
  });
});
