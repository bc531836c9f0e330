import {
  DEVICE_CLAIM_PREFIX,
  ENROLLMENT_CLAIM_PREFIX,
  MARK_PREFIX,
  markValue,
  SEED_PREFIX,
  tagKey,
} from '../../../lib/contract';
import { JOINER_LOOKS_AGAIN_MS } from '../../../lambda/claims/timing';
import { type Action, CallError } from '../../../lambda/aws/ports';
import { type CustomResourceEvent } from '../../../lambda/protocol';
import {
  type Answer,
  DAY,
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

/*
 * Requests of one resource that overlap: what one does while others of it run, or after they have ended.
 */

const PHONE = serialNumberOf('phone');
const SUCCESS = { Status: 'SUCCESS' };
const OURS = tagKey(ENROLLMENT_CLAIM_PREFIX, STACK_UUID, LOGICAL_ID);
const MARK = tagKey(MARK_PREFIX, STACK_UUID, LOGICAL_ID);
const SEED_KEY = tagKey(SEED_PREFIX, STACK_UUID, DEVICE_LOGICAL_ID);
const DEVICE_MARK = tagKey(MARK_PREFIX, STACK_UUID, DEVICE_LOGICAL_ID);
const DEVICE_CLAIM = tagKey(DEVICE_CLAIM_PREFIX, STACK_UUID, DEVICE_LOGICAL_ID);

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.expectSecrecy());

describe('a Create of a device that is cancelled while it stores its seed, and declared again,', () => {
  /** Secrets Manager throttles everybody who stores a value. */
  function throttleForAMinute(): void {
    const until = stage.clock.now() + 62_000;
    stage.fault = (action) =>
      action === 'secretsmanager:PutSecretValue' && stage.clock.now() < until
        ? new CallError(action, 'Throttling', 400)
        : undefined;
  }

  test('neither stores its seed over the one of the new device nor withdraws the new claim', async () => {
    throttleForAMinute();
    const [, deleted, again] = await stage.sendAll(
      [0, () => stage.deviceEvent('Create')],
      [5_000, () => stage.deviceEvent('Delete', {}, INVENTED)],
      [60_000, () => stage.deviceEvent('Create')],
    );
    expect([deleted, again]).toMatchObject([SUCCESS, SUCCESS]);
    expect(stage.exists(PHONE)).toBe(true);
    expect(stage.currentVersion()).toBe(stage.tags(PHONE)[SEED_KEY]);
    expect(stage.tags(PHONE)).toHaveProperty([DEVICE_CLAIM]);
  });

  test('does not delete the new device if it may not store its seed', async () => {
    const first = stage.deviceEvent('Create');
    stage.fault = (action, _call, { RequestId }) =>
      action === 'secretsmanager:PutSecretValue' && RequestId === first.RequestId
        ? new CallError(action, 'AccessDenied', 400)
        : undefined;
    const [, deleted, again] = await stage.sendAll(
      [0, () => first],
      [5_000, () => stage.deviceEvent('Delete', {}, INVENTED)],
      [60_000, () => stage.deviceEvent('Create')],
    );
    expect([deleted, again]).toMatchObject([SUCCESS, SUCCESS]);
    expect(stage.exists(PHONE)).toBe(true);
  });

  test('does not delete a device that an administrator made', async () => {
    throttleForAMinute();
    const late = stage.start(stage.deviceEvent('Create'));
    await stage.sendAll([5_000, () => stage.deviceEvent('Delete', {}, INVENTED)]);
    await stage.pass(20_000);
    stage.createDevice('phone');
    expect(await stage.clock.run(late)).toMatchObject({ Status: 'FAILED' });
    expect(stage.exists(PHONE)).toBe(true);
  });
});

describe('a Create of a device that is cancelled after it has stored its seed', () => {
  test('does not delete a device that an administrator made', async () => {
    const until = stage.clock.now() + 62_000;
    let hasStored = false;
    // From then on, IAM throttles it.
    stage.fault = (action, _call, { RequestType }) => {
      hasStored ||= action === 'secretsmanager:PutSecretValue';
      const isThrottled = hasStored && action === 'iam:ListMFADeviceTags' && RequestType === 'Create';
      return isThrottled && stage.clock.now() < until ? new CallError(action, 'Throttling', 400) : undefined;
    };
    const late = stage.start(stage.deviceEvent('Create'));
    const [deleted] = await stage.sendAll([5_000, () => stage.deviceEvent('Delete', {}, INVENTED)]);
    expect(deleted).toMatchObject(SUCCESS);
    expect(stage.exists(PHONE)).toBe(false);
    // CloudFormation rolls back the secret, too.
    stage.secretsManager.call('DeleteSecret', { SecretId: stage.phoneSecretArn, ForceDeleteWithoutRecovery: true });
    stage.createDevice('phone');
    expect(await stage.clock.run(late)).toMatchObject({ Status: 'FAILED' });
    expect(stage.exists(PHONE)).toBe(true);
  });

  test('deletes its own device, even if a read does not show its tags yet', async () => {
    let looks = 0;
    stage.fault = (action) => {
      if (action !== 'iam:ListMFADeviceTags' || !stage.exists(PHONE)) {
        return undefined;
      }
      // The first look at the new device shows the mark of a Delete, the next one nothing yet.
      if (++looks === 1) {
        stage.tag(DEVICE_MARK, markValue({ creation: 'any', time: stage.clock.now() }), PHONE);
      }
      stage.iam.delays = looks === 2 ? { tags: 8_000 } : {};
      return undefined;
    };
    expect(await stage.deviceRequest('Create')).toMatchObject({ Status: 'FAILED' });
    expect(stage.exists(PHONE)).toBe(false);
  });
});

describe('the mark of a Delete', () => {
  test('is not replaced by that of an earlier Create of the same resource, which --no-rollback kept', async () => {
    // --no-rollback keeps a failed Create.
    stage.fault = refuse('secretsmanager:GetSecretValue', 'AccessDenied', 400);
    const failed = await stage.request('Create');
    expect(failed).toMatchObject({ Status: 'FAILED' });
    stage.fault = () => undefined;
    await stage.pass(MINUTE);
    // The next deployment creates it again; the event waits in Lambda's queue.
    const second = stage.event('Create');
    await stage.pass(10_000);
    // Another resource fails: both are deleted.
    expect(await stage.request('Delete', INVENTED)).toMatchObject(SUCCESS);
    expect(await stage.request('Delete', { PhysicalResourceId: failed.PhysicalResourceId })).toMatchObject(SUCCESS);
    await stage.pass(MINUTE);
    await stage.send(second);
    expect(stage.devicesOf()).toEqual([]);
    expect(stage.tags()).not.toHaveProperty([OURS]);
  });
});

describe('a Delete that fails', () => {
  test('finds its claim again, although a delivery of its Create was overtaken', async () => {
    const create = stage.event('Create');
    let isFirst = true;
    // Deactivating is denied until somebody corrects a policy.
    let isDenied = true;
    stage.fault = (action, _call, event) => {
      if (action === 'iam:TagMFADevice' && event.RequestType === 'Create' && isFirst) {
        isFirst = false;
        return () => stage.clock.sleep(9_000);
      }
      return action === 'iam:DeactivateMFADevice' && isDenied ? new CallError(action, 'AccessDenied', 403) : undefined;
    };
    const [first, second, deleted] = await stage.sendAll(
      [0, () => create],
      [100, () => create],
      [5_000, () => stage.event('Delete', INVENTED)],
    );
    expect([first?.Status, second?.Status, deleted?.Status]).toEqual(['FAILED', 'FAILED', 'FAILED']);
    isDenied = false;
    await stage.pass(5_000);
    expect(await stage.request('Delete', INVENTED)).toMatchObject(SUCCESS);
    expect(stage.devicesOf()).toEqual([]);
  });
});

describe('a delivery that only found the claim, and whose call enabled the device although its response was lost,', () => {
  /** The call takes effect, and the connection breaks after 10 s. */
  const loseAnswer = async () => {
    await stage.clock.sleep(10_000);
    throw new CallError('iam:EnableMFADevice', undefined);
  };

  test('deactivates it if an Update is overtaken by its Delete', async () => {
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    await stage.pass(20 * MINUTE);
    stage.deactivate();
    const update = stage.event('Update');
    let hasClaimed = false;
    let deletion: Promise<unknown> | undefined;
    stage.fault = (action, _call, { RequestType }) => {
      if (RequestType !== 'Update') {
        return undefined;
      }
      if (action === 'iam:TagMFADevice' && !hasClaimed) {
        hasClaimed = true;
        // The first delivery claims the device, and gets its response late.
        return () => stage.clock.sleep(9_000);
      }
      if (action === 'iam:ListMFADeviceTags' && hasClaimed && deletion === undefined) {
        // The second delivery finds the claim.
        deletion = stage.clock.sleep(100).then(() => stage.start(stage.event('Delete')));
        return () => stage.clock.sleep(1_000);
      }
      return action === 'iam:EnableMFADevice' ? loseAnswer : undefined;
    };
    const answers = await stage.sendAll([0, () => update], [1_000, () => update]);
    expect(await stage.clock.run(deletion!)).toMatchObject(SUCCESS);
    await stage.pass(5 * MINUTE);
    expect(answers).toMatchObject([{ Status: 'FAILED' }, { Status: 'FAILED' }]);
    expect(stage.devicesOf()).toEqual([]);
  });

  test('deactivates it if a Create is overtaken by its Delete', async () => {
    const create = stage.event('Create');
    const t0 = stage.clock.now();
    let isDeleted = false;
    let isStale = false;
    stage.fault = (action, _call, { RequestType }) => {
      stage.iam.delays = {};
      if (RequestType !== 'Create' || stage.clock.now() < t0 + 60_000) {
        return undefined;
      }
      if (!isDeleted) {
        return new CallError(action, 'Throttling', 400);
      }
      if (action === 'iam:ListMFADeviceTags' && !isStale) {
        isStale = true;
        // IAM shows tags 8 s late.
        stage.iam.delays = { tags: 8_000 };
        return () => (stage.iam.delays = {});
      }
      return action === 'iam:EnableMFADevice' ? loseAnswer : undefined;
    };
    // The second delivery finds the claim, looks again after 30 s, and is throttled. Meanwhile, the deployment is rolled back.
    const second = stage.clock.sleep(2_000).then(() => stage.start(create));
    expect(await stage.send(create)).toMatchObject(SUCCESS);
    await stage.pass(t0 + 125_000 - stage.clock.now());
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
    isDeleted = true;
    expect(await stage.clock.run(second)).toMatchObject({ Status: 'FAILED' });
    await stage.pass(5 * MINUTE);
    expect(stage.devicesOf()).toEqual([]);
  });
});

describe('a Create under a mark that is more than an hour old', () => {
  test('does not remove the mark that its own Delete has just written', async () => {
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
    await stage.pass(2 * 60 * MINUTE);
    expect(stage.tags()).toHaveProperty([MARK]);
    const create = stage.event('Create');
    const t0 = stage.clock.now();
    let deletion: Promise<unknown> | undefined;
    stage.fault = (action, _call, { RequestType }) => {
      if (RequestType !== 'Create') {
        return undefined;
      }
      if (action === 'iam:ListMFADeviceTags' && deletion === undefined) {
        deletion = stage.clock.sleep(100).then(() => stage.start(stage.event('Delete', INVENTED)));
        // The response takes a second.
        return () => stage.clock.sleep(1_000);
      }
      // IAM throttles for half a minute.
      return action === 'iam:TagMFADevice' && stage.clock.now() < t0 + 26_000
        ? new CallError(action, 'Throttling', 400)
        : undefined;
    };
    const late = await stage.send(create);
    expect(await stage.clock.run(deletion!)).toMatchObject(SUCCESS);
    await stage.pass(5 * MINUTE);
    expect([late.Status, stage.devicesOf(), Object.keys(stage.tags())]).toEqual(['FAILED', [], [MARK]]);
  });
});

describe('an Update that runs out of time', () => {
  test('does not leave the device enabled if its Delete is over', async () => {
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    await stage.pass(20 * MINUTE);
    stage.deactivate();
    const update = stage.event('Update');
    const t0 = stage.clock.now();
    let deletion: Promise<unknown> | undefined;
    stage.fault = (action, _call, { RequestType }) => {
      // What the Update reads is 8 s old.
      stage.iam.delays = RequestType === 'Update' ? { tags: 8_000 } : {};
      if (RequestType !== 'Update') {
        return undefined;
      }
      if (action === 'iam:ListMFADevices' && stage.clock.now() < t0 + 235_000) {
        return new CallError(action, 'Throttling', 400);
      }
      if (action === 'iam:TagMFADevice' && deletion === undefined) {
        deletion = stage.start(stage.event('Delete'));
        return () => stage.clock.sleep(1_000);
      }
      return undefined;
    };
    const late = await stage.send(update);
    expect(late).toMatchObject({ Status: 'FAILED' });
    expect(await stage.clock.run(deletion!)).toMatchObject(SUCCESS);
    await stage.pass(5 * MINUTE);
    expect([stage.devicesOf(), Object.keys(stage.tags())]).toEqual([[], [MARK]]);
  });
});

describe('the second delivery of an Update', () => {
  /** Two deliveries of one Update, of which the first fails once it has claimed the device, and a Delete of another stack. */
  async function deliverTwice(
    update: () => CustomResourceEvent,
    deletion: () => CustomResourceEvent,
    listing: Action,
  ): Promise<[second: Answer, deleted: Answer]> {
    const first = update();
    const second = { ...first };
    let hasClaimed = false;
    let others: Promise<[Answer, Answer]> | undefined;
    stage.fault = (action, _call, event) => {
      // The Delete reads tags that are 8 s old.
      stage.iam.delays = event.RequestType === 'Delete' ? { tags: 8_000 } : {};
      if (event !== first) {
        return undefined;
      }
      if (action === 'iam:TagMFADevice') {
        hasClaimed = true;
        others ??= Promise.all([
          stage.clock.sleep(1_000).then(() => stage.start(second)),
          stage.clock.sleep(2_000).then(() => stage.start(deletion())),
        ]);
      }
      return hasClaimed && action === listing ? new CallError(action, 'Throttling', 400) : undefined;
    };
    expect(await stage.send(first)).toMatchObject({ Status: 'FAILED' });
    const answers = await stage.clock.run(others!);
    await stage.pass(5 * MINUTE);
    return answers;
  }

  test('waits until everybody can read the claim that the first has just written, and enables the device', async () => {
    expect(await stage.request('Create', OTHER_STACK)).toMatchObject(SUCCESS);
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    await stage.pass(20 * MINUTE);
    stage.untag(OURS);
    const [second, deleted] = await deliverTwice(
      () => stage.event('Update'),
      () => stage.event('Delete', OTHER_STACK),
      'iam:ListMFADevices',
    );
    expect([second, deleted]).toMatchObject([SUCCESS, SUCCESS]);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
  });

  test('waits for the claim of a device, too', async () => {
    expect(await stage.deviceRequest('Create', {}, OTHER_STACK)).toMatchObject(SUCCESS);
    expect(await stage.deviceRequest('Create')).toMatchObject(SUCCESS);
    await stage.pass(20 * MINUTE);
    stage.untag(DEVICE_CLAIM, PHONE);
    const [second, deleted] = await deliverTwice(
      () => stage.deviceEvent('Update'),
      () => stage.deviceEvent('Delete', {}, OTHER_STACK),
      'iam:ListMFADeviceTags',
    );
    expect([second, deleted]).toMatchObject([SUCCESS, SUCCESS]);
    expect(stage.exists(PHONE)).toBe(true);
    const responded = { message: 'responding', requestType: 'Update', status: 'SUCCESS', ms: JOINER_LOOKS_AGAIN_MS };
    expect(stage.log).toContainEqual(expect.objectContaining(responded));
  });
});

describe('a delivery that was overtaken and may no longer undo what it did', () => {
  /** Marks the device once the delivery has claimed it, and refuses these actions from then on. */
  function overtake(markKey: string, serialNumber: string, denied: RegExp): void {
    let hasClaimed = false;
    stage.fault = (action) => {
      if (action === 'iam:TagMFADevice' && !hasClaimed) {
        hasClaimed = true;
        return async () => {
          stage.tag(markKey, markValue({ creation: 'any', time: stage.clock.now() }), serialNumber);
          await stage.clock.sleep(5_001);
        };
      }
      return hasClaimed && denied.test(action) ? new CallError(action, 'AccessDenied', 403) : undefined;
    };
  }

  test('says that it was overtaken, not which permission is gone', async () => {
    overtake(MARK, stage.serialNumber, /Deactivate|Untag|ListMFADevices$/);
    const { Reason } = await stage.request('Create');
    expect(Reason).toContain('a later request overtook this one');
    expect(stage.log.map(({ message }) => message)).toContain('the claim could not be withdrawn');
  });

  test('leaves a device that a removal policy kept with a claim', async () => {
    expect(await stage.deviceRequest('Create')).toMatchObject(SUCCESS);
    await stage.pass(3 * DAY);
    overtake(tagKey(MARK_PREFIX, STACK_UUID, DEVICE_LOGICAL_ID), PHONE, /TagMFADevice$/);
    expect(await stage.deviceRequest('Create')).toMatchObject({ Status: 'FAILED' });
    expect(stage.tags(PHONE)).toHaveProperty([DEVICE_CLAIM]);
  });
});
