import { createHash } from 'node:crypto';
import {
  seedVersion,
  tagKey,
  DEVICE_CLAIM_PREFIX,
  ENROLLMENT_CLAIM_PREFIX,
  MARK_PREFIX,
  markValue,
  SEED_PREFIX,
} from '../../../lib/contract';
import { type Action, CallError } from '../../../lambda/aws/ports';
import { occasionOf } from '../../../lambda/occasion';
import { type CustomResourceEvent } from '../../../lambda/protocol';
import { declarationOf } from '../../../lambda/declaration';
import {
  type Answer,
  DEVICE_LOGICAL_ID,
  INVENTED,
  LOGICAL_ID,
  MINUTE,
  OTHER_STACK,
  refuse,
  serialNumberOf,
  Stage,
  STACK_UUID,
} from '../stage';

/** Key of the tag with the version that holds the seed. */
const SEED_KEY = tagKey(SEED_PREFIX, STACK_UUID, DEVICE_LOGICAL_ID);

const PHONE = serialNumberOf('phone');
const RENAMED = { LogicalResourceId: 'VirtualMfaDeviceRenamed0A1B2C3D' };
const OURS = tagKey(DEVICE_CLAIM_PREFIX, STACK_UUID, DEVICE_LOGICAL_ID);
const MARK = tagKey(MARK_PREFIX, STACK_UUID, DEVICE_LOGICAL_ID);
const THEIRS = tagKey(DEVICE_CLAIM_PREFIX, STACK_UUID, RENAMED.LogicalResourceId);
const SUCCESS = { Status: 'SUCCESS' };
const OWN = { OwnSecret: 'true' };
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
/** The seed version that a Create with this creation id would write. */
const versionOf = (creation: string) =>
  seedVersion(
    sha256(PHONE),
    sha256(stage.phoneSecretArn.split(':').at(-1) ?? ''),
    creation,
    '00000000-0000-4000-8000-0000000000aa',
  );
const OTHER_VERSION = '0123456789abcdef-0123456789-00000000-0000-4000-8000-0000000000ff';

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.expectSecrecy());

const exists = (serialNumber = PHONE) => stage.exists(serialNumber);
const versions = (secretArn?: string) => stage.versions(secretArn);
const currentVersion = (secretArn?: string) => stage.currentVersion(secretArn);
const writeByHand = (SecretString = 'by hand') =>
  stage.secretsManager.call('PutSecretValue', { SecretId: stage.phoneSecretArn, SecretString });
const changes = () => stage.calls.filter((call) => !/List|Describe/.test(call));

const ourCreation = (resource: object = {}) => stage.creationOf({ LogicalResourceId: DEVICE_LOGICAL_ID, ...resource });
const claimOf = (resource?: object) => `${ourCreation(resource)} eu-west-1 Staging`;

/** Creates the device and waits a while. */
async function made(properties: Record<string, unknown> = {}): Promise<void> {
  expect(await stage.deviceRequest('Create', properties)).toMatchObject(SUCCESS);
  await stage.pass(20 * MINUTE);
  stage.calls = [];
}

/** Enables the device for Alice with codes of the seed in the secret. */
const enable = () => stage.enable(PHONE, stage.phoneSecretArn);

/** IAM does not show a device yet that exists: the calls in this range. */
const hideDevice = (from: number, to = from) => refuse('iam:ListMFADeviceTags', 'NoSuchEntity', 404, [from, to]);

/** Marks the device like a Delete of this resource. */
const mark = () => stage.tag(MARK, markValue({ creation: 'any', time: stage.clock.now() }), PHONE);

function expectFailed({ Status, Reason }: Answer, reason: string | RegExp): void {
  expect(Status).toBe('FAILED');
  expect(Reason).toMatch(reason);
}

describe('Create', () => {
  test('creates the device with its claim and version, stores the seed and checks the result in seven calls', async () => {
    expect(await stage.deviceRequest('Create')).toMatchObject({
      ...SUCCESS,
      PhysicalResourceId: `${PHONE}|${ourCreation()}`,
      Data: { SerialNumber: PHONE },
    });
    expect(stage.calls).toEqual([
      'iam:ListMFADeviceTags',
      'secretsmanager:DescribeSecret',
      'iam:CreateVirtualMFADevice',
      'secretsmanager:DescribeSecret',
      'secretsmanager:PutSecretValue',
      'iam:ListMFADeviceTags',
      'secretsmanager:DescribeSecret',
    ]);
    expect(stage.tags(PHONE)).toEqual({ [OURS]: claimOf(), [SEED_KEY]: currentVersion() });
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
    expect(await stage.deviceRequest('Create', { SerialNumber, Tags })).toMatchObject(SUCCESS);
    expect(stage.tags(SerialNumber)).toMatchObject({ owner: 'alice', [OURS]: claimOf() });
  });

  test('that is delivered twice creates one device', async () => {
    const event = stage.deviceEvent('Create');
    const answers = await stage.clock.run(Promise.all([stage.start(event), stage.start(event)]));
    expect(answers).toEqual([expect.objectContaining(SUCCESS), expect.objectContaining(SUCCESS)]);
    expect(stage.calls.filter((call) => call === 'secretsmanager:PutSecretValue')).toHaveLength(1);
    enable();
  });

  test('writes the tags that the user declares in one call', async () => {
    const Tags = ['a', 'b', 'c'].map((Key) => ({ Key, Value: '' }));
    expect(await stage.deviceRequest('Create', { Tags })).toMatchObject(SUCCESS);
    expect(changes()).toEqual(['iam:CreateVirtualMFADevice', 'secretsmanager:PutSecretValue', 'iam:TagMFADevice']);
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

  test('waits for a new device that is not readable yet', async () => {
    stage.fault = hideDevice(2);
    expect(await stage.deviceRequest('Create')).toMatchObject(SUCCESS);
    expect(stage.calls.filter((call) => call === 'iam:ListMFADeviceTags')).toHaveLength(3);
  });

  test('stores the seed in a later attempt although the device is not readable yet', async () => {
    stage.fault = (action, call, event) =>
      action === 'secretsmanager:PutSecretValue' && call === 1
        ? new CallError(action, 'Throttling', 400)
        : hideDevice(2)(action, call, event);
    expect(await stage.deviceRequest('Create')).toMatchObject(SUCCESS);
    enable();
  });

  test('ends at once if its secret holds a value that is no seed of this device', async () => {
    writeByHand();
    const before = stage.clock.now();
    expect(await stage.deviceRequest('Create')).toMatchObject(SUCCESS);
    expect(stage.clock.now()).toBe(before);
  });

  test.each(['lose answer', 'lose request'] as const)('starts over if creating the device had to %s', async (lost) => {
    stage.fault = (action, call) => (action === 'iam:CreateVirtualMFADevice' && call === 1 ? lost : undefined);
    expect(await stage.deviceRequest('Create')).toMatchObject(SUCCESS);
    expect(stage.tags(PHONE)[SEED_KEY]).toBe(currentVersion());
    enable();
  });

  test.each(['lose answer', 'lose request'] as const)(
    'stores the same version again if storing the seed had to %s',
    async (lost) => {
      stage.fault = (action, call) => (action === 'secretsmanager:PutSecretValue' && call === 1 ? lost : undefined);
      expect(await stage.deviceRequest('Create')).toMatchObject(SUCCESS);
      expect(Object.keys(versions())).toEqual([stage.tags(PHONE)[SEED_KEY]]);
      enable();
    },
  );

  test('deletes the device if the seed cannot be stored', async () => {
    stage.fault = refuse('secretsmanager:PutSecretValue', 'EncryptionFailure', 400);
    const answer = await stage.deviceRequest('Create');
    expectFailed(answer, /can't be encrypted for secret .* State: the device does not exist\. Next: check that the/);
    expect(exists()).toBe(false);
  });

  test('of a device under the name of a former one looks again, and fails if a late Delete has taken it for that', async () => {
    expect(await stage.deviceRequest('Create')).toMatchObject(SUCCESS);
    expect(await stage.deviceRequest('Delete')).toMatchObject(SUCCESS);
    const deleted = stage.clock.sleep(10_000).then(() => {
      stage.iam.call('DeleteVirtualMFADevice', { SerialNumber: serialNumberOf('phone') });
    });
    expectFailed(await stage.deviceRequest('Create'), /a later request overtook this one/);
    await deleted;
    expect(exists()).toBe(false);
  });

  describe('of which the response was lost', () => {
    test('deletes its device once, although IAM still shows it for some seconds', async () => {
      let lost: Record<string, string> | undefined;
      let shown = 0;
      stage.fault = (action, call) => {
        if (action === 'iam:CreateVirtualMFADevice' && call === 1) {
          return 'lose answer';
        }
        if (action === 'iam:DeleteVirtualMFADevice') {
          lost = stage.tags(serialNumberOf('phone'));
        } else if (action === 'iam:ListMFADeviceTags' && lost !== undefined && ++shown <= 2) {
          stage.createDevice('phone');
          Object.entries(lost).forEach(([key, value]) => stage.tag(key, value, serialNumberOf('phone')));
          return () => void stage.iam.call('DeleteVirtualMFADevice', { SerialNumber: serialNumberOf('phone') });
        }
        return undefined;
      };
      expect(await stage.deviceRequest('Create')).toMatchObject(SUCCESS);
      expect(stage.calls.filter((call) => call === 'iam:DeleteVirtualMFADevice')).toHaveLength(1);
      enable();
    });

    test('reads the tags again before it tries again to delete its device', async () => {
      stage.fault = (action, call) => {
        if (action === 'iam:CreateVirtualMFADevice' && call === 1) {
          return 'lose answer';
        }
        if (action !== 'iam:DeleteVirtualMFADevice') {
          return undefined;
        }
        // Meanwhile, somebody else makes a device under the same name.
        stage.iam.call('DeleteVirtualMFADevice', { SerialNumber: serialNumberOf('phone') });
        stage.createDevice('phone');
        return new CallError(action, 'Throttling', 400);
      };
      expectFailed(await stage.deviceRequest('Create'), /./);
      expect(exists()).toBe(true);
    });
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
    expect(stage.tags(PHONE)[SEED_KEY]).toBe(madeByDuplicate);
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

  test('deletes the device if CloudFormation deletes the secret before the seed is stored', async () => {
    const SecretId = stage.phoneSecretArn;
    stage.fault = (action) =>
      action === 'iam:CreateVirtualMFADevice'
        ? () => void stage.secretsManager.call('DeleteSecret', { SecretId, ForceDeleteWithoutRecovery: true })
        : undefined;
    expectFailed(
      await stage.deviceRequest('Create'),
      /does not exist, or has no current version\. State: the device does not exist\. /,
    );
    expect(exists()).toBe(false);
  });

  test('reports the first error if the device cannot be deleted, and the Delete deletes it', async () => {
    stage.fault = (action) =>
      action === 'secretsmanager:PutSecretValue' || action === 'iam:DeleteVirtualMFADevice'
        ? new CallError(action, 'EncryptionFailure', 400)
        : undefined;
    expectFailed(
      await stage.deviceRequest('Create'),
      /EncryptionFailure\)\. State: the device exists; the device has the claim tag/,
    );
    expect(stage.left.join()).toContain('the device stays without its seed');
    stage.fault = () => undefined;
    expect(await stage.deviceRequest('Delete')).toMatchObject(SUCCESS);
    expect(exists()).toBe(false);
  });

  test('waits for another delivery that is about to store the seed, and creates no device', async () => {
    stage.fault = (action) => (action === 'iam:CreateVirtualMFADevice' ? () => stage.clock.sleep(60_000) : undefined);
    const event = stage.deviceEvent('Create');
    expect(await stage.sendAll([0, () => event], [5_000, () => event])).toMatchObject([SUCCESS, SUCCESS]);
    expect(changes()).toEqual(['iam:CreateVirtualMFADevice', 'secretsmanager:PutSecretValue']);
  });

  /** Creates the device like another delivery of this Create, without storing its seed. */
  const madeByAnother = (version: string, creation: string) =>
    stage.iam.call('CreateVirtualMFADevice', {
      VirtualMFADeviceName: 'phone',
      Tags: [
        { Key: OURS, Value: `${creation} eu-west-1 Staging` },
        { Key: SEED_KEY, Value: version },
      ],
    });
  const storedByAnother = (version: string) =>
    stage.secretsManager.call('PutSecretValue', {
      SecretId: stage.phoneSecretArn,
      SecretString: 'seed',
      ClientRequestToken: version,
    });
  /** A Create, and the creation id that it will answer with. */
  const create = (): [CustomResourceEvent, string] => {
    const event = stage.deviceEvent('Create');
    return [event, occasionOf(event, [], declarationOf(event)).creation!];
  };

  test('does not treat a device as foreign while its tags are not readable yet', async () => {
    const [event, creation] = create();
    stage.iam.delays = { tags: 8_000 };
    madeByAnother(versionOf(creation), creation);
    storedByAnother(versionOf(creation));
    expect(await stage.send(event)).toMatchObject(SUCCESS);
    expect(changes()).toEqual([]);
  });

  test('creates the device if the delivery that it waits for deletes it', async () => {
    const [event, creation] = create();
    madeByAnother(versionOf(creation), creation);
    stage.fault = (action, call) =>
      action === 'iam:ListMFADeviceTags' && call === 2
        ? () => stage.iam.call('DeleteVirtualMFADevice', { SerialNumber: PHONE })
        : undefined;
    expect(await stage.send(event)).toMatchObject(SUCCESS);
    expect(stage.left.join()).toContain('waiting for another delivery to store the seed');
    enable();
  });

  test('waits a minute for another delivery to store the seed, then fails, and the Delete deletes the device', async () => {
    const [event, creation] = create();
    madeByAnother(versionOf(creation), creation);
    const before = stage.clock.now();
    expectFailed(await stage.send(event), /an earlier attempt created device .* but never stored its seed/);
    expect(stage.clock.now() - before).toBeGreaterThan(45_000);
    expect(stage.clock.now() - before).toBeLessThanOrEqual(60_000);
    expect(changes()).toEqual([]);
    expect(await stage.deviceRequest('Delete')).toMatchObject(SUCCESS);
    expect(exists()).toBe(false);
  });

  test('does not create the device again if another delivery of it stored a seed and the device is gone', async () => {
    const [event, creation] = create();
    storedByAnother(versionOf(creation));
    expectFailed(await stage.send(event), /overtook/);
    expect(exists()).toBe(false);
    expect(changes()).toEqual([]);
  });

  test('creates the device again if another Create stored a seed', async () => {
    storedByAnother(versionOf('20260101T000000Z-ffffffff'));
    expect(await stage.deviceRequest('Create')).toMatchObject(SUCCESS);
    expect(stage.tags(PHONE)[SEED_KEY]).toBe(currentVersion());
  });

  test('waits until it can read the device of which another delivery has stored the seed', async () => {
    const [event, creation] = create();
    madeByAnother(versionOf(creation), creation);
    storedByAnother(versionOf(creation));
    stage.fault = hideDevice(1);
    expect(await stage.send(event)).toMatchObject(SUCCESS);
    expect(changes()).toEqual([]);
  });

  test('that is throttled stops if its secret is deleted meanwhile', async () => {
    stage.fault = refuse('iam:CreateVirtualMFADevice', 'Throttling', 400, [1, 20]);
    const remove = { SecretId: 'mfa/phone', ForceDeleteWithoutRecovery: true };
    const removed = stage.clock.sleep(15_000).then(() => stage.secretsManager.call('DeleteSecret', remove));
    const [answer] = await stage.sendAll([0, () => stage.deviceEvent('Create', OWN)]);
    await removed;
    expectFailed(answer!, /mfa\/phone-\w{6} does not exist/);
    expect(exists()).toBe(false);
  });

  test('stops and deletes the device if its secret is gone when it looks again, because its Delete is over', async () => {
    stage.fault = (action) =>
      action === 'secretsmanager:PutSecretValue'
        ? () => stage.secretsManager.call('DeleteSecret', { SecretId: 'mfa/phone', ForceDeleteWithoutRecovery: true })
        : undefined;
    expectFailed(await stage.deviceRequest('Create', OWN), /overtook/);
    expect(exists()).toBe(false);
  });

  test('stops and deletes the device if its secret is scheduled for deletion when it looks again', async () => {
    stage.fault = (action) =>
      action === 'secretsmanager:PutSecretValue'
        ? () => stage.secretsManager.call('DeleteSecret', { SecretId: 'mfa/phone' })
        : undefined;
    expectFailed(await stage.deviceRequest('Create', OWN), /overtook/);
    expect(exists()).toBe(false);
  });

  test('stops if the device is gone when it looks again, because its Delete has deleted it', async () => {
    stage.fault = (action) =>
      action === 'secretsmanager:PutSecretValue'
        ? () => stage.iam.call('DeleteVirtualMFADevice', { SerialNumber: PHONE })
        : undefined;
    expectFailed(await stage.deviceRequest('Create'), /overtook/);
    expect(exists()).toBe(false);
  });

  describe('that waits 6 s for the versions of its secret reads the tags again, and', () => {
    /** What happens to the device while the first response is on its way. */
    const meanwhile = (change: () => unknown) => {
      stage.fault = (action, call) =>
        action === 'secretsmanager:DescribeSecret' && call === 1
          ? () => stage.clock.sleep(6_000).then(change)
          : undefined;
    };

    test('does not claim the device if its Delete has marked it since', async () => {
      expect(await stage.deviceRequest('Create', {}, OTHER_STACK)).toMatchObject(SUCCESS);
      await stage.pass(20 * MINUTE);
      stage.calls = [];
      meanwhile(mark);
      expectFailed(await stage.deviceRequest('Create'), /overtook/);
      expect(changes()).toEqual([]);
    });

    test('joins the device that another stack has created since', async () => {
      meanwhile(() => stage.start(stage.deviceEvent('Create', {}, OTHER_STACK)));
      expect(await stage.deviceRequest('Create')).toMatchObject(SUCCESS);
      expect(stage.calls.filter((call) => call === 'iam:CreateVirtualMFADevice')).toHaveLength(1);
      expect(stage.tags(PHONE)[OURS]).toBe(claimOf());
    });
  });

  test('that is overtaken leaves the device with its claim if it may not delete it, and the log says so', async () => {
    stage.fault = (action, call, event) =>
      action === 'secretsmanager:PutSecretValue'
        ? () => stage.secretsManager.call('DeleteSecret', { SecretId: 'mfa/phone', ForceDeleteWithoutRecovery: true })
        : refuse('iam:DeleteVirtualMFADevice', 'AccessDenied', 403)(action, call, event);
    expectFailed(await stage.deviceRequest('Create', OWN), /overtook/);
    expect(stage.log).toContainEqual(expect.objectContaining({ message: 'what this request did could not be undone' }));
    expect(stage.tags(PHONE)[OURS]).toBe(claimOf());
  });

  test('that is overtaken and has only claimed the device leaves both to its Delete', async () => {
    expect(await stage.deviceRequest('Create', OWN)).toMatchObject(SUCCESS);
    await stage.pass(20 * MINUTE);
    stage.fault = (action, call) => (action === 'iam:TagMFADevice' && call === 1 ? mark : undefined);
    stage.calls = [];
    expectFailed(await stage.deviceRequest('Create', OWN), /overtook/);
    expect(exists()).toBe(true);
    expect(stage.tags(PHONE)[OURS]).toBe(claimOf());
  });

  describe('whose second delivery finds the claim of the first', () => {
    /** Both deliveries, and what happens after 10 s, while they wait. */
    async function bothDuring(change: () => unknown): Promise<void> {
      expect(await stage.deviceRequest('Create', {}, OTHER_STACK)).toMatchObject(SUCCESS);
      await stage.pass(20 * MINUTE);
      const create = stage.deviceEvent('Create');
      const changing = stage.clock.sleep(10_000).then(change);
      const answers = await stage.sendAll([0, () => create], [2_000, () => create]);
      await changing;
      answers.forEach((answer) => expectFailed(answer, /overtook/));
    }

    test('does not claim the device again if the claim is gone 30 s later', async () => {
      await bothDuring(() => stage.untag(OURS, PHONE));
      expect(stage.tags(PHONE)).not.toHaveProperty([OURS]);
    });

    test('does not create the device again if it is gone 30 s later', async () => {
      await bothDuring(() => stage.iam.call('DeleteVirtualMFADevice', { SerialNumber: PHONE }));
      expect(exists()).toBe(false);
    });
  });

  test('is undone by a Delete that finds no device, then one whose claim is not readable yet', async () => {
    stage.iam.delays = { tags: 8_000 };
    // The device appears a second before the Delete looks again.
    stage.fault = (action, call) =>
      action === 'secretsmanager:DescribeSecret' && call === 1 ? () => stage.clock.sleep(22_000) : undefined;
    const startedAt = stage.clock.now();
    const [, deleted] = await stage.sendAll(
      [0, () => stage.deviceEvent('Create')],
      [1_000, () => stage.deviceEvent('Delete', {}, INVENTED)],
    );
    expect(deleted).toMatchObject(SUCCESS);
    expect(exists()).toBe(false);
    expect(stage.clock.now() - startedAt).toBeGreaterThanOrEqual(1_000 + 2 * 22_000);
  });

  test.each([0, 200])(
    'of two devices that race for one secret within %i ms does not succeed for both',
    async (offset) => {
      const slow: Action[] = [
        'iam:CreateVirtualMFADevice',
        'secretsmanager:DescribeSecret',
        'secretsmanager:PutSecretValue',
      ];
      stage.fault = (action) => (slow.includes(action) ? () => stage.clock.sleep(100) : undefined);
      const answers = await stage.sendAll(
        [0, () => stage.deviceEvent('Create')],
        [offset, () => stage.deviceEvent('Create', { SerialNumber: serialNumberOf('tablet') }, RENAMED)],
      );
      const owners = [PHONE, serialNumberOf('tablet')].filter((_, index) => answers[index]?.Status === 'SUCCESS');
      expect(owners.length).toBeLessThan(2);
      // Its seed is the one in the secret.
      for (const owner of owners) {
        expect(currentVersion()).toMatch(new RegExp(`^${sha256(owner).slice(0, 16)}-`));
      }
    },
  );

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
    // One look says that it is gone.
    expect(stage.calls.slice(-2)).toEqual(['iam:DeleteVirtualMFADevice', 'iam:ListMFADeviceTags']);
    expect(stage.left.join()).not.toContain('the device stays without its seed');
  });

  test('reports an unknown state if the response is lost and the device cannot be read', async () => {
    stage.fault = (action, call) =>
      action === 'iam:CreateVirtualMFADevice'
        ? 'lose answer'
        : action === 'iam:ListMFADeviceTags' && call > 1
          ? new CallError(action, 'SomethingNew', 400)
          : undefined;
    expectFailed(
      await stage.deviceRequest('Create'),
      /State: the device may or may not exist, because a response was lost/,
    );
  });

  test('joins a device of this library whose seed is in the same secret', async () => {
    await made();
    expect(await stage.deviceRequest('Create', { Tags: [{ Key: 'owner', Value: 'alice' }] }, RENAMED)).toMatchObject(
      SUCCESS,
    );
    expect(changes()).toEqual(['iam:TagMFADevice', 'iam:TagMFADevice']);
    expect(stage.tags(PHONE)).toMatchObject({ [OURS]: claimOf(), [THEIRS]: claimOf(RENAMED), owner: 'alice' });
  });

  test('that joins a device looks again 30 s after it has written its claim', async () => {
    await made();
    const before = stage.clock.now();
    expect(await stage.deviceRequest('Create', {}, RENAMED)).toMatchObject(SUCCESS);
    expect(stage.clock.now() - before).toBeGreaterThanOrEqual(30_000);
    expect(stage.clock.now() - before).toBeLessThan(31_000);
    expect(stage.calls.slice(-3)).toEqual([
      'iam:TagMFADevice',
      'iam:ListMFADeviceTags',
      'secretsmanager:DescribeSecret',
    ]);
  });

  test('refuses another secret for the same device', async () => {
    await made();
    const SeedSecretArn = stage.createSecret('mfa/other');
    const answer = await stage.deviceRequest('Create', { SeedSecretArn }, RENAMED);
    expectFailed(
      answer,
      /device .*phone was created with another secret than .*mfa\/other.*\. Next: .*It is declared by: cdk-mfa-enrollment:device:.*Phone0A1B2C3D \(of Staging in eu-west-1\)\. If that is this resource, restore its former seedSecret\./,
    );
    expect(changes()).toEqual([]);
    expect(await stage.deviceRequest('Delete', { SeedSecretArn }, RENAMED)).toMatchObject(SUCCESS);
    expect(exists()).toBe(true);
  });

  describe('of a retained device', () => {
    beforeEach(() => made());
    /** Expects that a Create is refused without a change. */
    async function expectToStay(properties: Record<string, unknown>, reason: RegExp): Promise<void> {
      const tags = stage.tags(PHONE);
      const before = stage.clock.now();
      expectFailed(await stage.deviceRequest('Create', properties), reason);
      // It does not wait for another delivery.
      expect(stage.clock.now() - before).toBeLessThan(60_000);
      expect(changes()).toEqual([]);
      expect(stage.tags(PHONE)).toEqual(tags);
    }

    test('refuses another secret', async () => {
      const SeedSecretArn = stage.createSecret('mfa/other');
      await expectToStay({ SeedSecretArn }, /was created with another secret than/);
      enable();
    });

    test('refuses a secret of the same name without the seed', async () => {
      stage.secretsManager.call('DeleteSecret', { SecretId: 'mfa/phone', ForceDeleteWithoutRecovery: true });
      await expectToStay({ SeedSecretArn: stage.createSecret('mfa/phone') }, /was created with another secret than/);
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
      await expectToStay({}, /somebody wrote to the secret/);
    });

    test('refuses its secret if that no longer holds the seed', async () => {
      writeByHand('once');
      writeByHand('twice');
      await expectToStay({}, /somebody wrote to it more than once/);
    });

    test('refuses a device without its seed version', async () => {
      stage.untag(SEED_KEY, PHONE);
      await expectToStay({}, /has lost its tag/);
    });
  });

  describe('whose seed is not the current version names the command that makes it current again', () => {
    const UNSAFE = `${'a'.repeat(32)} --endpoint-url=http://x.io/`;
    const put = (ClientRequestToken: string) =>
      stage.secretsManager.call('PutSecretValue', {
        SecretId: stage.phoneSecretArn,
        SecretString: 'x',
        ClientRequestToken,
      });

    test('by the ids of both versions', async () => {
      await made();
      const seed = currentVersion();
      const other = '33333333-4444-5555-6666-777777777777';
      put(other);
      const command = `--version-stage AWSCURRENT --move-to-version-id ${seed} --remove-from-version-id ${other}`;
      expectFailed(await stage.deviceRequest('Update'), command);
    });

    test('unless the current version has an id that a shell could interpret', async () => {
      await made();
      put(UNSAFE);
      const { Status, Reason } = await stage.deviceRequest('Update');
      expect(Status).toBe('FAILED');
      expect(Reason).toContain('move the staging label AWSCURRENT back to the version with the seed');
      expect(Reason).not.toContain(UNSAFE);
    });

    test('unless the tag of the device names such an id', async () => {
      await made();
      put(UNSAFE);
      stage.tag(SEED_KEY, UNSAFE, PHONE);
      writeByHand();
      const { Status, Reason } = await stage.deviceRequest('Update');
      expect(Status).toBe('FAILED');
      expect(Reason).toContain('move the staging label AWSCURRENT back to the version with the seed');
      expect(Reason).not.toContain(UNSAFE);
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
    expectFailed(answer, /already exists, and no VirtualMfaDevice of this library created it or claims it/);
    expect(changes()).toEqual([]);
    expect(await stage.deviceRequest('Delete')).toMatchObject(SUCCESS);
    expect(exists()).toBe(true);
  });

  test.each([
    ['a version that this library did not write', {}, () => stage.createSecret('mfa/planted', 'planted')],
    [
      'no claim of a device',
      { [tagKey(ENROLLMENT_CLAIM_PREFIX, STACK_UUID, LOGICAL_ID)]: 'enabled alice 1a2b3c4d eu-west-1 Staging' },
      () => stage.phoneSecretArn,
    ],
  ])('never joins a device that was planted with %s', async (_, tags, secret) => {
    const SeedSecretArn = secret();
    if (SeedSecretArn === stage.phoneSecretArn) {
      const put = { SecretId: SeedSecretArn, SecretString: 'planted', ClientRequestToken: versionOf('ffffffff') };
      stage.secretsManager.call('PutSecretValue', put);
    } else {
      Object.assign(tags, { [OURS]: '1a2b3c4d eu-west-1 Staging' });
    }
    stage.iam.call('CreateVirtualMFADevice', {
      VirtualMFADeviceName: 'phone',
      Tags: Object.entries({ ...tags, [SEED_KEY]: currentVersion(SeedSecretArn)! }).map(([Key, Value]) => ({
        Key,
        Value,
      })),
    });
    expect((await stage.deviceRequest('Create', { SeedSecretArn })).Status).toBe('FAILED');
    expect(changes()).toEqual([]);
  });

  test('never overwrites the seed of another device', async () => {
    await made();
    const SerialNumber = serialNumberOf('tablet');
    const answer = await stage.deviceRequest('Create', { SerialNumber }, RENAMED);
    expectFailed(answer, /is the seed of another device, and storing a seed there would destroy the only copy of it/);
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
    expectFailed(answer, /is scheduled for deletion and cannot store a seed/);
    expect(exists()).toBe(false);
  });

  test('creates no device if the secret is scheduled for deletion', async () => {
    stage.secretsManager.call('DeleteSecret', { SecretId: stage.phoneSecretArn });
    expectFailed(await stage.deviceRequest('Create'), /is scheduled for deletion and cannot store a seed/);
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
      { Tags: Array.from({ length: 41 }, (_, index) => ({ Key: `tag${index}`, Value: '' })) },
      /'Tags': 41 tags are too many: expected at most 40/,
    ],
    ['a string as a tag', { Tags: ['owner'] }, /'Tags': invalid tag key ''/],
  ])('with %s changes nothing, and neither does its Delete', async (_, properties, reason) => {
    const answer = await stage.deviceRequest('Create', properties);
    expectFailed(answer, reason);
    expect(answer.Reason).toContain('nothing was changed');
    expect(changes()).toEqual([]);
    stage.calls = [];
    expect(await stage.deviceRequest('Delete', properties)).toMatchObject(SUCCESS);
    expect(changes()).toEqual([]);
  });

  test('names the quota that is exceeded', async () => {
    stage.fault = refuse('iam:CreateVirtualMFADevice', 'LimitExceeded', 409);
    expectFailed(await stage.deviceRequest('Create'), /as many virtual MFA devices as its quota allows/);
  });
});

describe('a device whose seed can not be stored', () => {
  const deny = (action: Action, code = 'SomethingNew') =>
    action === 'secretsmanager:PutSecretValue' ? new CallError(action, code, 400) : undefined;

  test('is deleted, also while it can not be read yet', async () => {
    stage.fault = (action) => {
      // Nothing shows the new device.
      stage.iam.delays = { tags: 1_000_000 };
      return deny(action);
    };
    expect(await stage.deviceRequest('Create')).toMatchObject({ Status: 'FAILED' });
    expect(exists()).toBe(false);
  });

  test('is deleted while it can not be read yet, although IAM refuses the first call', async () => {
    let isDelayed = false;
    stage.fault = (action, call) => {
      stage.iam.delays = isDelayed ? { tags: 1_000_000 } : {};
      if (action === 'iam:DeleteVirtualMFADevice' && call === 1) {
        // The next read is older than the one before.
        isDelayed = true;
        return new CallError(action, 'ConcurrentModification', 409);
      }
      return deny(action);
    };
    expect(await stage.deviceRequest('Create')).toMatchObject({ Status: 'FAILED' });
    expect(exists()).toBe(false);
  });

  test('is deleted although IAM does not show it yet', async () => {
    stage.fault = (action, call, event) => deny(action) ?? hideDevice(2, Infinity)(action, call, event);
    expect(await stage.deviceRequest('Create')).toMatchObject({ Status: 'FAILED' });
    expect(exists()).toBe(false);
  });

  test('stays if somebody has created it since with another seed', async () => {
    stage.fault = (action) => {
      if (action === 'secretsmanager:PutSecretValue') {
        stage.iam.call('DeleteVirtualMFADevice', { SerialNumber: PHONE });
        stage.createDevice('phone');
        stage.tag(SEED_KEY, OTHER_VERSION, PHONE);
      }
      return deny(action);
    };
    expect(await stage.deviceRequest('Create')).toMatchObject({ Status: 'FAILED' });
    expect(exists()).toBe(true);
  });

  test('stays if somebody has created and enabled one under its name since, which IAM does not show yet', async () => {
    stage.fault = (action, call, event) => {
      if (action !== 'iam:DeleteVirtualMFADevice' || call > 1) {
        return deny(action) ?? hideDevice(2, Infinity)(action, call, event);
      }
      stage.iam.call('DeleteVirtualMFADevice', { SerialNumber: PHONE });
      stage.createDevice('phone');
      return new CallError(action, 'DeleteConflict', 409);
    };
    expect(await stage.deviceRequest('Create')).toMatchObject({ Status: 'FAILED' });
    expect(exists()).toBe(true);
  });

  test('is deleted after longer and longer pauses if IAM takes it for an enabled one', async () => {
    const before = stage.clock.now();
    stage.fault = (action, call) =>
      deny(action) ??
      (action === 'iam:DeleteVirtualMFADevice' && call <= 6 ? new CallError(action, 'DeleteConflict', 409) : undefined);
    expect(await stage.deviceRequest('Create')).toMatchObject({ Status: 'FAILED' });
    expect(exists()).toBe(false);
    expect(stage.clock.now() - before).toBeGreaterThan(20_000);
  });

  test('stays if somebody has created it since, and it has no tags', async () => {
    let isReplaced = false;
    stage.fault = (action) => {
      if (action === 'secretsmanager:PutSecretValue' && !isReplaced) {
        isReplaced = true;
        stage.iam.call('DeleteVirtualMFADevice', { SerialNumber: PHONE });
        stage.createDevice('phone');
      }
      // For two minutes.
      return deny(action, 'AccessDenied');
    };
    expect(await stage.deviceRequest('Create')).toMatchObject({ Status: 'FAILED' });
    expect(exists()).toBe(true);
  });

  test('is told with its claim if it can not be deleted either', async () => {
    stage.fault = (action) =>
      deny(action) ??
      (action === 'iam:DeleteVirtualMFADevice' ? new CallError(action, 'AccessDenied', 403) : undefined);
    const { Reason } = await stage.deviceRequest('Create');
    expect(Reason).toContain(`State: the device exists; the device has the claim tag '${OURS}'. Next:`);
  });

  test('is told with its claim if its secret can not be read any more', async () => {
    stage.fault = refuse('secretsmanager:DescribeSecret', 'SomethingNew', 400, [2, Infinity]);
    const { Reason } = await stage.deviceRequest('Create');
    expect(Reason).toContain(`State: the device exists; the device has the claim tag '${OURS}'. Next:`);
  });
});

describe('Update', () => {
  beforeEach(() => made());
  /** That a tag was declared before. */
  const withOwner = () => ({
    OldResourceProperties: stage.deviceEvent('Update', { Tags: [{ Key: 'owner', Value: 'alice' }] }).ResourceProperties,
  });

  test('changes nothing and waits for nothing if the device is as declared', async () => {
    const before = stage.clock.now();
    expect(await stage.deviceRequest('Update')).toMatchObject(SUCCESS);
    expect(changes()).toEqual([]);
    expect(stage.clock.now()).toBe(before);
  });

  test('waits for a tag that is not readable yet', async () => {
    const tag = (Value = '') =>
      stage.iam.call('TagMFADevice', { SerialNumber: PHONE, Tags: [{ Key: SEED_KEY, Value }] });
    tag('other');
    await stage.pass(MINUTE);
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

  test('restores a missing claim, and looks again 30 s later', async () => {
    stage.untag(OURS, PHONE);
    const before = stage.clock.now();
    expect(await stage.deviceRequest('Update')).toMatchObject(SUCCESS);
    expect(stage.tags(PHONE)[OURS]).toMatch(/^\S+ since \S+ eu-west-1 Staging$/);
    expect(stage.clock.now() - before).toBe(30_000);
  });

  test('with nothing to change succeeds although its secret is gone, as an Update back must', async () => {
    stage.secretsManager.call('DeleteSecret', { SecretId: 'mfa/phone', ForceDeleteWithoutRecovery: true });
    expect(await stage.deviceRequest('Update')).toMatchObject(SUCCESS);
    expect(stage.left.join()).toContain('the secret of the device is gone');
  });

  test('with nothing to change succeeds although its secret is scheduled for deletion', async () => {
    stage.secretsManager.call('DeleteSecret', { SecretId: 'mfa/phone' });
    expect(await stage.deviceRequest('Update')).toMatchObject(SUCCESS);
  });

  test('with something to change fails if its secret is gone', async () => {
    stage.secretsManager.call('DeleteSecret', { SecretId: 'mfa/phone', ForceDeleteWithoutRecovery: true });
    expectFailed(await stage.deviceRequest('Update', { Tags: [{ Key: 'owner', Value: 'alice' }] }), /does not exist/);
    expect(changes()).toEqual([]);
  });

  test('that removes a tag fails if its secret is gone', async () => {
    stage.tag('owner', 'alice', PHONE);
    stage.secretsManager.call('DeleteSecret', { SecretId: 'mfa/phone', ForceDeleteWithoutRecovery: true });
    expectFailed(await stage.deviceRequest('Update', {}, withOwner()), /does not exist/);
    expect(changes()).toEqual([]);
  });

  test('does not remove a tag that somebody has removed already', async () => {
    expect(await stage.deviceRequest('Update', {}, withOwner())).toMatchObject(SUCCESS);
    expect(changes()).toEqual([]);
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
      [OURS]: claimOf(),
      [SEED_KEY]: currentVersion(),
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
    const tags = (name: string) => Array.from({ length: 40 }, (_, index) => ({ Key: `${name}${index}`, Value: '' }));
    const OldResourceProperties = stage.deviceEvent('Update', { Tags: tags('old') }).ResourceProperties;
    stage.iam.call('TagMFADevice', { SerialNumber: PHONE, Tags: [...tags('old'), ...tags('others').slice(0, 8)] });
    const answer = await stage.deviceRequest('Update', { Tags: tags('new') }, { OldResourceProperties });
    expect(answer).toMatchObject(SUCCESS);
    expect(Object.keys(stage.tags(PHONE))).toHaveLength(50);
  });

  test('refuses another secret for the same device', async () => {
    const SeedSecretArn = stage.createSecret('mfa/other');
    const OldResourceProperties = stage.deviceEvent('Update').ResourceProperties;
    const answer = await stage.deviceRequest('Update', { SeedSecretArn }, { OldResourceProperties });
    expectFailed(answer, /was created with another secret than/);
    expect(changes()).toEqual([]);
  });

  test('refuses another secret that does not exist', async () => {
    const SeedSecretArn = stage.phoneSecretArn.replace('phone', 'typo');
    const OldResourceProperties = stage.deviceEvent('Update').ResourceProperties;
    const answer = await stage.deviceRequest('Update', { SeedSecretArn }, { OldResourceProperties });
    expectFailed(answer, /typo.* does not exist/);
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
    expectFailed(await stage.deviceRequest('Update'), /somebody wrote to it more than once/);
  });

  test('finds the seed again after the printed command if Secrets Manager still has its version', async () => {
    const version = currentVersion()!;
    writeByHand('once');
    writeByHand('twice');
    const { Reason = '' } = await stage.deviceRequest('Update');
    expect(Reason).toContain(`Next: if version ${version} is still listed (aws secretsmanager list-secret-version-ids`);
    const [, to, from] = /--move-to-version-id (\S+) --remove-from-version-id ([^\s)]+)/.exec(Reason) ?? [];
    stage.secretsManager.call('UpdateSecretVersionStage', {
      SecretId: stage.phoneSecretArn,
      VersionStage: 'AWSCURRENT',
      MoveToVersionId: to,
      RemoveFromVersionId: from,
    });
    expect(currentVersion()).toBe(version);
    expect(await stage.deviceRequest('Update')).toMatchObject(SUCCESS);
  });

  test('prints no command that contains a version id which is no id of this library or no safe text', async () => {
    writeByHand('once');
    const unsafe = { SecretString: 'twice', ClientRequestToken: '00000000-0000-4000-8000-0000000000aa;reboot' };
    stage.secretsManager.call('PutSecretValue', { SecretId: stage.phoneSecretArn, ...unsafe });
    const ofUnsafe = await stage.deviceRequest('Update');
    writeByHand('safe again');
    stage.tag(SEED_KEY, 'version --endpoint-url https://example.com', PHONE);
    const ofForeign = await stage.deviceRequest('Update');
    for (const answer of [ofUnsafe, ofForeign]) {
      expectFailed(answer, /somebody wrote to it more than once.*Next: create a new device/);
      expect(answer.Reason).not.toContain('aws secretsmanager');
    }
  });

  test('prints the region of the secret with a command, not that of the stack', async () => {
    const SeedSecretArn = stage.phoneSecretArn.replace('eu-west-1', 'us-east-1');
    stage.fault = refuse('secretsmanager:DescribeSecret', 'InvalidRequest', 400);
    const answer = await stage.deviceRequest('Update', { SeedSecretArn });
    expectFailed(answer, 'aws secretsmanager restore-secret --region us-east-1 --secret-id');
    expectFailed(answer, 'aws cloudformation continue-update-rollback --region eu-west-1 --stack-name');
  });

  test('fails if the device was re-created by hand', async () => {
    stage.iam.call('DeleteVirtualMFADevice', { SerialNumber: PHONE });
    stage.createDevice('phone');
    expectFailed(await stage.deviceRequest('Update'), /has lost its tag 'cdk-mfa-enrollment:seed:/);
  });

  test('fails if the device names no seed and the secret holds none', async () => {
    stage.untag(SEED_KEY, PHONE);
    stage.secretsManager.call('DeleteSecret', { SecretId: 'mfa/phone', ForceDeleteWithoutRecovery: true });
    const SeedSecretArn = stage.createSecret('mfa/phone');
    expectFailed(await stage.deviceRequest('Update', { SeedSecretArn }), /has lost its tag/);
  });

  test('fails if the device was deleted', async () => {
    stage.iam.call('DeleteVirtualMFADevice', { SerialNumber: PHONE });
    expectFailed(await stage.deviceRequest('Update'), /no longer exists: somebody deleted it/);
    expect(changes()).toEqual([]);
  });

  test('never becomes another device', async () => {
    const answer = await stage.deviceRequest('Update', { SerialNumber: serialNumberOf('tablet') });
    expectFailed(
      answer,
      /this resource is '.*mfa\/phone\|.*' and can't become '.*mfa\/tablet': a device keeps its name and its path/,
    );
    expect(stage.calls).toEqual([]);
  });
});

describe('Delete', () => {
  beforeEach(() => made());

  test('marks and deletes the device in four calls, at once', async () => {
    const before = stage.clock.now();
    expect(await stage.deviceRequest('Delete')).toMatchObject(SUCCESS);
    expect(stage.calls).toEqual([
      'iam:ListMFADeviceTags',
      'iam:TagMFADevice',
      'iam:ListMFADeviceTags',
      'iam:DeleteVirtualMFADevice',
    ]);
    expect(exists()).toBe(false);
    expect(stage.clock.now()).toBe(before);
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
    stage.untag(SEED_KEY, PHONE);
    expect(await stage.deviceRequest('Delete')).toMatchObject(SUCCESS);
    expect(exists()).toBe(false);
  });

  test('does not change a device without a claim of this resource', async () => {
    stage.untag(OURS, PHONE);
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
    const claim = tagKey(ENROLLMENT_CLAIM_PREFIX, STACK_UUID, LOGICAL_ID);
    stage.tag(claim, 'enabled alice 1a2b3c4d eu-west-1 Staging', PHONE);
    const answer = await stage.deviceRequest('Delete');
    expectFailed(answer, `these enrollments claim it: ${claim} (of Staging in eu-west-1)`);
    expect(answer.Reason).toMatch(
      /remove these enrollments\. Only if no stack declares them any more, find its user \(aws iam/,
    );
    expect(exists()).toBe(true);
  });

  test('says that no enrollment of this library enabled an enabled device', async () => {
    enable();
    expectFailed(
      await stage.deviceRequest('Delete'),
      /not by an enrollment of this library.*Only if nobody does, find its user .* and run: aws iam deactivate-mfa-device/,
    );
  });

  test('of an enabled device looks again once, 22 s later, because its enrollment may leave at this moment', async () => {
    enable();
    const before = stage.clock.now();
    expect((await stage.deviceRequest('Delete')).Status).toBe('FAILED');
    expect(stage.clock.now() - before).toBe(22_000);
    stage.fault = (action) =>
      action === 'iam:DeleteVirtualMFADevice' ? new CallError(action, 'DeleteConflict', 409) : undefined;
    const off = { UserName: 'alice', SerialNumber: PHONE };
    const deactivated = stage.clock.sleep(5_000).then(() => {
      stage.fault = () => undefined;
      stage.iam.call('DeactivateMFADevice', off);
    });
    const [deleted] = await stage.sendAll([0, () => stage.deviceEvent('Delete')]);
    await deactivated;
    expect(deleted).toMatchObject(SUCCESS);
    expect(exists()).toBe(false);
  });
});

describe("the device's own secret", () => {
  const hasSecret = () => stage.secretsManager.secretNames.includes('mfa/phone');
  const secretCalls = () => stage.calls.filter((call) => /^secretsmanager/.test(call));

  test('is deleted after the device, in seven calls', async () => {
    await made(OWN);
    expect(await stage.deviceRequest('Delete', OWN)).toMatchObject(SUCCESS);
    expect(stage.calls).toEqual([
      'iam:ListMFADeviceTags',
      'iam:TagMFADevice',
      'iam:ListMFADeviceTags',
      'iam:DeleteVirtualMFADevice',
      'secretsmanager:DescribeSecret',
      'secretsmanager:DeleteSecret',
      'secretsmanager:DescribeSecret',
    ]);
    expect(exists()).toBe(false);
    expect(hasSecret()).toBe(false);
    expect(stage.left.join()).toContain('secret deleted');
  });

  test('is deleted without the device if somebody deleted that', async () => {
    await made(OWN);
    stage.iam.call('DeleteVirtualMFADevice', { SerialNumber: PHONE });
    expect(await stage.deviceRequest('Delete', OWN)).toMatchObject(SUCCESS);
    expect(hasSecret()).toBe(false);
  });

  describe('if somebody deletes the device just before the Delete would,', () => {
    beforeEach(() => made(OWN));
    const deleteFirst = (action: Action) => {
      if (action === 'iam:DeleteVirtualMFADevice') {
        stage.iam.call('DeleteVirtualMFADevice', { SerialNumber: PHONE });
      }
      return undefined;
    };

    test('is deleted at once', async () => {
      stage.fault = deleteFirst;
      const before = stage.clock.now();
      expect(await stage.deviceRequest('Delete', OWN)).toMatchObject(SUCCESS);
      expect(hasSecret()).toBe(false);
      expect(stage.clock.now()).toBe(before);
    });

    test('is all that is left to delete by hand', async () => {
      stage.fault = (action, call, event) =>
        deleteFirst(action) ?? refuse('secretsmanager:DescribeSecret', 'SomethingNew', 400)(action, call, event);
      const answer = await stage.deviceRequest('Delete', OWN);
      expectFailed(answer, /State: the device does not exist.* by hand \(\S+\): aws secretsmanager delete-secret/);
    });
  });

  test('is deleted although somebody has written to it since', async () => {
    await made(OWN);
    writeByHand();
    expect(await stage.deviceRequest('Delete', OWN)).toMatchObject(SUCCESS);
    expect(hasSecret()).toBe(false);
  });

  test('is deleted by a second delivery if the first one ended between the device and the secret', async () => {
    await made(OWN);
    const remove = stage.deviceEvent('Delete', OWN);
    stage.fault = refuse('secretsmanager:DeleteSecret', 'SomethingNew', 400);
    expect((await stage.send(remove)).Status).toBe('FAILED');
    stage.fault = () => undefined;
    expect(await stage.send(remove)).toMatchObject(SUCCESS);
    expect(hasSecret()).toBe(false);
  });

  test('stays if the device could not be deleted', async () => {
    await made(OWN);
    stage.fault = refuse('iam:DeleteVirtualMFADevice', 'AccessDenied', 403);
    expectFailed(await stage.deviceRequest('Delete', OWN), /AccessDenied/);
    expect(secretCalls()).toEqual([]);
    enable();
  });

  test('stays with the device if others declare the device', async () => {
    await made(OWN);
    expect(await stage.deviceRequest('Create', OWN, RENAMED)).toMatchObject(SUCCESS);
    stage.calls = [];
    expect(await stage.deviceRequest('Delete', OWN)).toMatchObject(SUCCESS);
    expect(secretCalls()).toEqual([]);
    enable();
  });

  test('stays with the device if there is no claim to undo', async () => {
    await made(OWN);
    stage.untag(OURS, PHONE);
    expect(await stage.deviceRequest('Delete', OWN)).toMatchObject(SUCCESS);
    expect(secretCalls()).toEqual([]);
    enable();
  });

  test('stays after the Delete of a failed Create, because CloudFormation rolls it back', async () => {
    stage.fault = (action, call) =>
      action === 'secretsmanager:DescribeSecret' && call > 2 ? new CallError(action, 'SomethingNew', 400) : undefined;
    const answer = await stage.deviceRequest('Create', OWN);
    expect(answer.PhysicalResourceId).toMatch(/\|failed$/);
    stage.fault = () => undefined;
    expect(await stage.deviceRequest('Delete', OWN)).toMatchObject(SUCCESS);
    expect(exists()).toBe(false);
    expect(hasSecret()).toBe(true);
  });

  test('stays after a Delete with an invented id, because CloudFormation rolls it back', async () => {
    await made(OWN);
    expect(await stage.deviceRequest('Delete', OWN, INVENTED)).toMatchObject(SUCCESS);
    expect(exists()).toBe(false);
    expect(hasSecret()).toBe(true);
  });

  test('stays if it holds no seed of this device', async () => {
    await made(OWN);
    stage.secretsManager.call('DeleteSecret', { SecretId: 'mfa/phone', ForceDeleteWithoutRecovery: true });
    const SeedSecretArn = stage.createSecret('mfa/phone', 'of somebody else');
    expect(await stage.deviceRequest('Delete', { ...OWN, SeedSecretArn })).toMatchObject(SUCCESS);
    expect(exists()).toBe(false);
    expect(hasSecret()).toBe(true);
    expect(stage.left.join()).toContain('the secret does not hold the seed of this device, it stays');
  });

  test("that is the caller's stays", async () => {
    await made();
    expect(await stage.deviceRequest('Delete')).toMatchObject(SUCCESS);
    expect(secretCalls()).toEqual([]);
    expect(hasSecret()).toBe(true);
  });

  test('that is gone already is no problem', async () => {
    await made(OWN);
    stage.secretsManager.call('DeleteSecret', { SecretId: 'mfa/phone', ForceDeleteWithoutRecovery: true });
    expect(await stage.deviceRequest('Delete', OWN)).toMatchObject(SUCCESS);
    expect(exists()).toBe(false);
  });

  test('that somebody deletes just before the Delete would is no problem, and the log shows no failed deletion', async () => {
    await made(OWN);
    stage.fault = (action) => {
      if (action === 'secretsmanager:DeleteSecret') {
        stage.secretsManager.call('DeleteSecret', { SecretId: 'mfa/phone', ForceDeleteWithoutRecovery: true });
      }
      return undefined;
    };
    expect(await stage.deviceRequest('Delete', OWN)).toMatchObject(SUCCESS);
    expect(stage.log).not.toContainEqual(expect.objectContaining({ action: 'secretsmanager:DeleteSecret' }));
  });

  test('that the Delete has deleted counts as a change if the Delete then fails', async () => {
    await made(OWN);
    stage.iam.call('DeleteVirtualMFADevice', { SerialNumber: PHONE });
    stage.fault = refuse('secretsmanager:DescribeSecret', 'SomethingNew', 400, [2, 2]);
    expectFailed(await stage.deviceRequest('Delete', OWN), 'State: the device does not exist. Next:');
  });

  /** Secrets Manager shows a secret that it is about to delete for some seconds. */
  function takeTime(ms: number): void {
    const call = stage.secretsManager.call.bind(stage.secretsManager);
    jest.spyOn(stage.secretsManager, 'call').mockImplementation((action, input, caller) => {
      if (action !== 'DeleteSecret') {
        return call(action, input, caller);
      }
      void stage.clock.sleep(ms).then(() => call(action, input, caller));
      return call(action, { SecretId: input.SecretId, RecoveryWindowInDays: 7 }, caller);
    });
  }

  test('is waited for until it is gone', async () => {
    await made(OWN);
    takeTime(12_000);
    const before = stage.clock.now();
    expect(await stage.deviceRequest('Delete', OWN)).toMatchObject(SUCCESS);
    expect(stage.clock.now() - before).toBeGreaterThanOrEqual(12_000);
    expect(hasSecret()).toBe(false);
    expect(stage.calls.filter((call) => call === 'secretsmanager:DeleteSecret')).toHaveLength(1);
  });

  test('that somebody has scheduled for deletion is deleted at once', async () => {
    await made(OWN);
    stage.secretsManager.call('DeleteSecret', { SecretId: 'mfa/phone' });
    const before = stage.clock.now();
    expect(await stage.deviceRequest('Delete', OWN)).toMatchObject(SUCCESS);
    expect(stage.clock.now()).toBe(before);
    expect(stage.calls).toContain('secretsmanager:DeleteSecret');
  });

  test('that another delivery is deleting is waited for', async () => {
    await made(OWN);
    takeTime(12_000);
    const remove = stage.deviceEvent('Delete', OWN);
    stage.fault = (action, call) =>
      action === 'secretsmanager:DeleteSecret' && call > 1 ? new CallError(action, 'InvalidRequest', 400) : undefined;
    expect(await stage.sendAll([0, () => remove], [5_000, () => remove])).toMatchObject([SUCCESS, SUCCESS]);
    expect(hasSecret()).toBe(false);
  });

  test('counts as gone if access to it is denied after the Delete has deleted it', async () => {
    await made(OWN);
    takeTime(10 * MINUTE);
    stage.fault = refuse('secretsmanager:DescribeSecret', 'AccessDenied', 400, [2, Infinity]);
    const before = stage.clock.now();
    expect(await stage.deviceRequest('Delete', OWN)).toMatchObject(SUCCESS);
    expect(stage.clock.now()).toBe(before);
  });

  test('does not count as gone if access to it was denied before', async () => {
    await made(OWN);
    stage.fault = refuse('secretsmanager:DescribeSecret', 'AccessDenied', 400);
    const answer = await stage.deviceRequest('Delete', OWN);
    expectFailed(answer, /secretsmanager:DescribeSecret on secret .* is denied.* State: the device does not exist/);
    // A command that deletes the device would fail, and so keep the one after it from running.
    expect(answer.Reason).toContain(
      `: aws secretsmanager delete-secret --force-delete-without-recovery --region eu-west-1 --secret-id ${stage.phoneSecretArn}.`,
    );
    expect(answer.Reason).not.toContain('aws iam');
  });

  test('and the device are deleted by printed commands whose condition comes first', async () => {
    await made(OWN);
    stage.fault = refuse('iam:DeleteVirtualMFADevice', 'AccessDenied', 403);
    expectFailed(
      await stage.deviceRequest('Delete', OWN),
      /first run aws iam list-mfa-device-tags .* run only: aws iam untag-mfa-device .* Otherwise, run: aws iam delete-virtual-mfa-device .* && aws secretsmanager delete-secret /,
    );
  });
});

describe('a device that somebody deletes just before the function would', () => {
  const deleteFirst = (action: Action) => {
    if (action === 'iam:DeleteVirtualMFADevice' && exists()) {
      stage.iam.call('DeleteVirtualMFADevice', { SerialNumber: PHONE });
    }
    return undefined;
  };

  test('does not exist, says a Delete that then fails at the secret', async () => {
    await made(OWN);
    stage.fault = (action, call, event) =>
      deleteFirst(action) ?? refuse('secretsmanager:DescribeSecret', 'SomethingNew', 400)(action, call, event);
    expectFailed(await stage.deviceRequest('Delete', OWN), 'State: the device does not exist. Next');
  });

  test('does not exist, says a Create that could not store its seed', async () => {
    stage.fault = (action) =>
      action === 'secretsmanager:PutSecretValue' ? new CallError(action, 'SomethingNew', 400) : deleteFirst(action);
    expectFailed(await stage.deviceRequest('Create'), 'State: the device does not exist. Next');
    expect(exists()).toBe(false);
  });
});

test('a Delete of a device with its own secret logs no failed call', async () => {
  await made(OWN);
  stage.left.length = 0;
  expect(await stage.deviceRequest('Delete', OWN)).toMatchObject(SUCCESS);
  expect(stage.log.filter(({ message }) => message === 'call failed')).toEqual([]);
});
