import { ENROLLMENT_CLAIM_PREFIX, MARK_PREFIX, SEED_PREFIX, tagKey } from '../../../lib/contract';
import { CallError } from '../../../lambda/aws/ports';
import {
  DAY,
  DEVICE_LOGICAL_ID,
  INVENTED,
  LOGICAL_ID,
  MINUTE,
  OTHER_STACK,
  OTHER_STACK_UUID,
  serialNumberOf,
  Stage,
  STACK_UUID,
  throttle,
} from '../stage';

/*
 * Histories in which somebody would lose MFA or a seed, a device would stay enabled, or something foreign would be touched.
 */

const PHONE = serialNumberOf('phone');
const SUCCESS = { Status: 'SUCCESS' };
const OURS = tagKey(ENROLLMENT_CLAIM_PREFIX, STACK_UUID, LOGICAL_ID);
const MARK = tagKey(MARK_PREFIX, STACK_UUID, LOGICAL_ID);
const THEIR_SEED_KEY = tagKey(SEED_PREFIX, OTHER_STACK_UUID, DEVICE_LOGICAL_ID);

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.expectSecrecy());

const throttled = (action: CallError['action']) => new CallError(action, 'Throttling', 400);
const denied = (action: CallError['action']) => new CallError(action, 'AccessDenied', 403);

describe('a claim that IAM throttles', () => {
  test('does not replace that of a later Create, and does not switch its device off', async () => {
    const first = stage.event('Create');
    stage.fault = throttle(stage, 'iam:TagMFADevice', first, 90_000);
    // An update adds the enrollment, another resource of it fails, it is rolled back, and deployed again.
    const answers = await stage.sendAll(
      [0, () => first],
      [5_000, () => stage.event('Delete', INVENTED)],
      [40_000, () => stage.event('Create')],
    );
    await stage.pass(5 * MINUTE);
    expect(answers).toMatchObject([{ Status: 'FAILED' }, SUCCESS, SUCCESS]);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
  });

  test('of an Update does not replace that of a later Create', async () => {
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    await stage.pass(20 * MINUTE);
    stage.deactivate();
    const update = stage.event('Update');
    stage.fault = throttle(stage, 'iam:TagMFADevice', update, 90_000);
    const answers = await stage.sendAll(
      [0, () => update],
      [5_000, () => stage.event('Delete')],
      [40_000, () => stage.event('Create')],
    );
    await stage.pass(5 * MINUTE);
    expect(answers).toMatchObject([{ Status: 'FAILED' }, SUCCESS, SUCCESS]);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
  });
});

describe('a claim of a device that IAM throttles', () => {
  test('does not replace that of a later Create: the Delete of another stack would delete the device', async () => {
    expect(await stage.deviceRequest('Create', {}, OTHER_STACK)).toMatchObject(SUCCESS);
    await stage.pass(60 * MINUTE);
    const first = stage.deviceEvent('Create');
    stage.fault = throttle(stage, 'iam:TagMFADevice', first, 90_000);
    const answers = await stage.sendAll(
      [0, () => first],
      [5_000, () => stage.deviceEvent('Delete', {}, INVENTED)],
      [40_000, () => stage.deviceEvent('Create')],
    );
    expect(answers).toMatchObject([{ Status: 'FAILED' }, SUCCESS, SUCCESS]);
    await stage.pass(20 * MINUTE);
    expect(await stage.deviceRequest('Delete', {}, OTHER_STACK)).toMatchObject(SUCCESS);
    expect(stage.exists(PHONE)).toBe(true);
  });
});

describe('a failed attempt that --no-rollback kept for more than a day', () => {
  test('is not taken for a retained enrollment', async () => {
    // The role may not enable the device yet.
    stage.fault = (action) => (action === 'iam:EnableMFADevice' ? denied(action) : undefined);
    const failed = await stage.request('Create');
    expect(failed).toMatchObject({ Status: 'FAILED' });
    stage.fault = () => undefined;
    await stage.pass(DAY + MINUTE);
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(await stage.request('Delete', { PhysicalResourceId: failed.PhysicalResourceId })).toMatchObject(SUCCESS);
    await stage.pass(60 * MINUTE);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
    expect([stage.devicesOf(), Object.keys(stage.tags())]).toEqual([[], [MARK]]);
  });

  test('does not change a claim that another Create has written just before', async () => {
    stage.fault = (action) => (action === 'iam:EnableMFADevice' ? denied(action) : undefined);
    const failed = await stage.request('Create');
    stage.fault = () => undefined;
    await stage.pass(DAY + MINUTE);
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    const newer = stage.tags()[OURS]!.replace(/\S+ over \S+/, '20260104T120000Z-0a1b2c3d');
    stage.calls = [];
    stage.fault = (action, call) => {
      if (action === 'iam:ListMFADeviceTags' && call === 2) {
        stage.tag(OURS, newer);
      }
      return undefined;
    };
    expect(await stage.request('Delete', { PhysicalResourceId: failed.PhysicalResourceId })).toMatchObject(SUCCESS);
    expect(stage.tags()[OURS]).toBe(newer);
    expect(stage.calls).not.toContain('iam:TagMFADevice');
  });

  test('is not taken for a retained device', async () => {
    stage.fault = (action, _call) => (action === 'iam:TagMFADevice' ? denied(action) : undefined);
    const tags = { Tags: [{ Key: 'team', Value: 'a' }] };
    const failed = await stage.deviceRequest('Create', tags);
    expect(failed).toMatchObject({ Status: 'FAILED' });
    stage.fault = () => undefined;
    await stage.pass(DAY + MINUTE);
    expect(await stage.deviceRequest('Create', tags)).toMatchObject(SUCCESS);
    expect(await stage.deviceRequest('Delete', tags, { PhysicalResourceId: failed.PhysicalResourceId })).toMatchObject(
      SUCCESS,
    );
    await stage.pass(60 * MINUTE);
    expect(stage.exists(PHONE)).toBe(true);
    expect(await stage.deviceRequest('Delete', tags)).toMatchObject(SUCCESS);
    expect(stage.exists(PHONE)).toBe(false);
  });
});

describe('a Delete with an invented id that has failed', () => {
  test('undoes its claim if it is sent again after more than a day', async () => {
    // The Create enables the device, and its function dies before it responds.
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    await stage.pass(24 * MINUTE);
    stage.fault = (action) => (action === 'iam:DeactivateMFADevice' ? denied(action) : undefined);
    expect(await stage.request('Delete', INVENTED)).toMatchObject({ Status: 'FAILED' });
    // An administrator corrects a service control policy after the weekend.
    stage.fault = () => undefined;
    await stage.pass(2 * DAY);
    expect(await stage.request('Delete', INVENTED)).toMatchObject(SUCCESS);
    expect([stage.devicesOf(), Object.keys(stage.tags())]).toEqual([[], [MARK]]);
  });

  test('leaves a claim that other stacks do not count, even after it was sent again', async () => {
    expect(await stage.request('Create', OTHER_STACK)).toMatchObject(SUCCESS);
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    await stage.pass(24 * MINUTE);
    stage.fault = (action) => (action === 'iam:UntagMFADevice' ? denied(action) : undefined);
    expect(await stage.request('Delete', INVENTED)).toMatchObject({ Status: 'FAILED' });
    stage.fault = () => undefined;
    await stage.pass(2 * DAY);
    expect(await stage.request('Delete', INVENTED)).toMatchObject(SUCCESS);
    expect(await stage.request('Delete', OTHER_STACK)).toMatchObject(SUCCESS);
    expect(stage.devicesOf()).toEqual([]);
  });
});

describe('a delivery of an Update that fails', () => {
  /** The first delivery may not enable the device. While it gives its claim back, IAM throttles it; the second one succeeds. */
  async function deliverTwice(): Promise<void> {
    const first = stage.event('Update');
    let second: Promise<unknown> | undefined;
    let until = Infinity;
    let hasFailed = false;
    stage.fault = (action, _call, event) => {
      if (event !== first) {
        return undefined;
      }
      if (action === 'iam:EnableMFADevice') {
        hasFailed = true;
        return denied(action);
      }
      if (action === 'iam:ListMFADevices' && hasFailed) {
        // The service control policy that denied it is corrected.
        until = Math.min(until, stage.clock.now() + 90_000);
        second ??= stage.clock.sleep(1_000).then(() => stage.start({ ...first }));
      }
      return /tag/i.test(action) && second !== undefined && stage.clock.now() < until ? throttled(action) : undefined;
    };
    const failed = await stage.send(first);
    expect(failed).toMatchObject({ Status: 'FAILED' });
    const succeeded = await stage.clock.run(second!);
    expect(succeeded).toMatchObject(SUCCESS);
    // CloudFormation takes the first response: that of the second delivery.
    const responses = stage.log.filter(
      ({ message, requestType }) => message === 'responding' && requestType === 'Update',
    );
    expect(responses.map(({ status }) => status)).toEqual(['SUCCESS', 'FAILED']);
    stage.fault = () => undefined;
    await stage.pass(20 * MINUTE);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
  }

  test('does not take the claim from the other delivery, which succeeded', async () => {
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    await stage.pass(20 * MINUTE);
    stage.deactivate();
    stage.untag(OURS);
    await deliverTwice();
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
    expect(stage.devicesOf()).toEqual([]);
  });

  test('does not give back "adopted" after the other delivery has enabled the device', async () => {
    stage.enable();
    await stage.pass(60 * MINUTE);
    const AdoptExisting = { ResourceProperties: stage.properties({ AdoptExisting: 'true' }) };
    expect(await stage.request('Create', AdoptExisting)).toMatchObject(SUCCESS);
    await stage.pass(20 * MINUTE);
    stage.deactivate();
    await deliverTwice();
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
    expect(stage.devicesOf()).toEqual([]);
  });
});

describe('a cancelled Update that fails', () => {
  test('does not turn the claim of the Update back into "adopted"', async () => {
    stage.enable();
    await stage.pass(60 * MINUTE);
    const adopt = { AdoptExisting: 'true' };
    const old = stage.properties(adopt);
    expect(await stage.request('Create', { ResourceProperties: old })).toMatchObject(SUCCESS);
    await stage.pass(20 * MINUTE);
    stage.deactivate();
    // The update names another secret with the same seed, and is cancelled. IAM denies it to enable for two minutes.
    const changed = stage.properties({ ...adopt, SeedSecretArn: stage.createSecret('mfa/copy', stage.seed) });
    const update = stage.event('Update', { ResourceProperties: changed, OldResourceProperties: old });
    const t0 = stage.clock.now();
    const BACK = 113_500;
    const stale = new Map<string, Record<string, unknown>>();
    const listed = stage.iam.call.bind(stage.iam);
    let isStale = false;
    stage.iam.call = (name, input, caller) => (isStale ? stale.get(name) : undefined) ?? listed(name, input, caller);
    stage.fault = (action, _call, event) => {
      const now = stage.clock.now() - t0;
      // What the failing Update reads is at most 8 s old.
      isStale = event === update && now >= BACK && now < BACK + 8_000;
      if (event === update && action === 'iam:EnableMFADevice') {
        return denied(action);
      }
      return undefined;
    };
    const [failed, back] = await stage.sendAll(
      [0, () => update],
      [
        BACK,
        () => {
          stale.set('ListMFADevices', listed('ListMFADevices', { UserName: 'alice' }));
          stale.set('ListMFADeviceTags', listed('ListMFADeviceTags', { SerialNumber: stage.serialNumber }));
          return stage.event('Update', { ResourceProperties: old, OldResourceProperties: changed });
        },
      ],
    );
    expect([failed, back]).toMatchObject([{ Status: 'FAILED' }, SUCCESS]);
    stage.fault = () => undefined;
    isStale = false;
    await stage.pass(20 * MINUTE);
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
    expect(stage.devicesOf()).toEqual([]);
  });
});

describe('a Delete of a Create that failed', () => {
  test('does not switch off what an administrator has enabled while it was throttled', async () => {
    stage.fault = (action) => (action === 'iam:EnableMFADevice' ? denied(action) : undefined);
    const sentAt = stage.clock.now();
    const failed = await stage.request('Create');
    expect(failed).toMatchObject({ Status: 'FAILED' });
    await stage.pass(3 * MINUTE);
    stage.fault = (action) =>
      action === 'iam:DeactivateMFADevice' && stage.clock.now() < sentAt + 17 * MINUTE ? throttled(action) : undefined;
    const deletion = stage.start(stage.event('Delete', { PhysicalResourceId: failed.PhysicalResourceId }));
    await stage.pass(sentAt + 15 * MINUTE - stage.clock.now());
    stage.enable();
    expect(await stage.clock.run(deletion)).toMatchObject(SUCCESS);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
  });

  test('does not switch off what an administrator has enabled while it waited', async () => {
    stage.fault = (action) => (action === 'iam:EnableMFADevice' ? denied(action) : undefined);
    const sentAt = stage.clock.now();
    const failed = await stage.request('Create');
    expect(failed).toMatchObject({ Status: 'FAILED' });
    stage.fault = () => undefined;
    await stage.pass(sentAt + 14 * MINUTE - 12_000 - stage.clock.now());
    const deletion = stage.start(stage.event('Delete', { PhysicalResourceId: failed.PhysicalResourceId }));
    await stage.pass(15_000);
    stage.enable();
    expect(await stage.clock.run(deletion)).toMatchObject(SUCCESS);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
  });
});

describe('a Create of a device that is cancelled while it stores its seed', () => {
  test('does not store its seed over that of another stack, which made the device since', async () => {
    const first = stage.deviceEvent('Create');
    const t0 = stage.clock.now();
    stage.fault = (action, _call, { RequestId }) => {
      // At 32 s, the first Create reads tags that are 8 s old.
      const isStale =
        RequestId === first.RequestId && stage.clock.now() > t0 + 30_000 && stage.clock.now() < t0 + 34_000;
      stage.iam.delays = isStale ? { tags: 8_000 } : {};
      return RequestId === first.RequestId &&
        action === 'secretsmanager:PutSecretValue' &&
        stage.clock.now() < t0 + 31_000
        ? throttled(action)
        : undefined;
    };
    const answers = await stage.sendAll(
      [0, () => first],
      [5_000, () => stage.deviceEvent('Delete', {}, INVENTED)],
      [30_000, () => stage.deviceEvent('Create', {}, OTHER_STACK)],
    );
    await stage.pass(5 * MINUTE);
    expect(answers).toMatchObject([{ Status: 'FAILED' }, SUCCESS, SUCCESS]);
    expect(stage.exists(PHONE)).toBe(true);
    expect(stage.currentVersion()).toBe(stage.tags(PHONE)[THEIR_SEED_KEY]);
  });

  test('does not delete the device that another stack has made since', async () => {
    const first = stage.deviceEvent('Create');
    const t0 = stage.clock.now();
    let reads = 0;
    stage.fault = (action, _call, { RequestId }) => {
      if (RequestId !== first.RequestId) {
        return undefined;
      }
      if (action === 'iam:ListMFADeviceTags' && stage.clock.now() > t0 + 22_000 && ++reads === 2) {
        return undefined;
      }
      return action === 'secretsmanager:PutSecretValue' && stage.clock.now() < t0 + 62_000
        ? throttled(action)
        : undefined;
    };
    // Two reads one after the other: the first shows the new device, and the second the state of 5 s ago.
    const listed = stage.iam.call.bind(stage.iam);
    let old: Record<string, unknown> | undefined;
    stage.iam.call = (name, input, caller) => {
      const output = (): Record<string, unknown> => listed(name, input, caller);
      if (name === 'ListMFADeviceTags' && reads === 2 && old !== undefined) {
        const answer = old;
        old = undefined;
        return answer;
      }
      return output();
    };
    const answers = stage.sendAll(
      [0, () => first],
      [
        19_300,
        () => {
          old = listed('ListMFADeviceTags', { SerialNumber: PHONE });
          return stage.deviceEvent('Delete', {}, INVENTED);
        },
      ],
      [22_000, () => stage.deviceEvent('Create', {}, OTHER_STACK)],
    );
    expect(await answers).toMatchObject([{ Status: 'FAILED' }, SUCCESS, SUCCESS]);
    await stage.pass(5 * MINUTE);
    expect(stage.exists(PHONE)).toBe(true);
  });
});

describe('the mark of a Delete that has failed', () => {
  test('is not removed by a device while the claim of the enrollment is there', async () => {
    // An enrollment of `phone`, which its stack declares, too.
    expect(await stage.deviceRequest('Create')).toMatchObject(SUCCESS);
    const ofPhone = {
      ResourceProperties: stage.properties({ SerialNumber: PHONE, SeedSecretArn: stage.phoneSecretArn }),
    };
    expect(await stage.request('Create', ofPhone)).toMatchObject(SUCCESS);
    expect(await stage.request('Create', { ...OTHER_STACK, ...ofPhone })).toMatchObject(SUCCESS);
    await stage.pass(20 * MINUTE);
    stage.fault = (action) => (action === 'iam:UntagMFADevice' ? denied(action) : undefined);
    expect(await stage.request('Delete', { ...OTHER_STACK, ...ofPhone })).toMatchObject({ Status: 'FAILED' });
    stage.fault = () => undefined;
    await stage.pass(2 * 60 * MINUTE);
    // Another declaration of the device removes it.
    const third = { StackId: OTHER_STACK.StackId.replace(/9{8}/, '88888888') };
    expect(await stage.deviceRequest('Create', {}, third)).toMatchObject(SUCCESS);
    expect(await stage.request('Delete', ofPhone)).toMatchObject(SUCCESS);
    expect(stage.devicesOf()).toEqual([]);
  });
});

describe('a day after a retained enrollment was taken back', () => {
  test('a Delete of another stack does not switch it off while it is given back', async () => {
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(await stage.request('Create', OTHER_STACK)).toMatchObject(SUCCESS);
    await stage.pass(3 * DAY);
    // The enrollment was retained; it is declared again.
    const sentAt = stage.clock.now();
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    await stage.pass(sentAt + DAY - 5_000 - stage.clock.now());
    let isMarked = false;
    stage.fault = (action, _call, { StackId, RequestType }) => {
      if (StackId === OTHER_STACK.StackId || RequestType !== 'Delete' || action !== 'iam:TagMFADevice') {
        return undefined;
      }
      if (!isMarked) {
        isMarked = true;
        return undefined;
      }
      // What gives the claim back is throttled for some seconds.
      return stage.clock.now() < sentAt + DAY + 10_000 ? throttled(action) : undefined;
    };
    const answers = await stage.sendAll(
      [0, () => stage.event('Delete')],
      [7_000, () => stage.event('Delete', OTHER_STACK)],
    );
    expect(answers).toMatchObject([SUCCESS, SUCCESS]);
    expect(stage.log.map(({ message }) => message)).toContain('the device was retained before, it stays enabled');
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
  });
});

describe('the mark of a Delete', () => {
  test('is not replaced by that of an earlier Create which was throttled', async () => {
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    const t0 = stage.clock.now();
    const deletion = stage.event('Delete');
    const duplicate = { ...deletion };
    let again: ReturnType<Stage['event']> | undefined;
    stage.fault = (action, _call, event) =>
      event === duplicate && action === 'iam:TagMFADevice' && stage.clock.now() < t0 + 270_000
        ? throttled(action)
        : undefined;
    const answers = await stage.sendAll(
      // The duplicate reads first.
      [0, () => duplicate],
      [100, () => deletion],
      [90_000, () => (again = stage.event('Create'))],
      [200_000, () => stage.event('Delete')],
      [400_000, () => ({ ...again! })],
    );
    expect(answers.slice(0, 4)).toMatchObject([SUCCESS, SUCCESS, SUCCESS, SUCCESS]);
    await stage.pass(5 * MINUTE);
    expect(stage.devicesOf()).toEqual([]);
  });
});

describe('a Create that its Delete has overtaken', () => {
  test('and that has only written its claim does not switch off what an administrator has enabled since', async () => {
    const first = stage.event('Create');
    const t0 = stage.clock.now();
    stage.fault = (action, _call, { RequestId }) =>
      action === 'iam:TagMFADevice' && RequestId === first.RequestId && stage.clock.now() < t0 + 40_000
        ? throttled(action)
        : undefined;
    const create = stage.start(first);
    const [deleted] = await stage.sendAll([5_000, () => stage.event('Delete', INVENTED)]);
    expect(deleted).toMatchObject(SUCCESS);
    // The deployment has failed. An administrator enables the device by hand.
    await stage.pass(t0 + 60_000 - stage.clock.now());
    stage.enable();
    expect(await stage.clock.run(create)).toMatchObject({ Status: 'FAILED' });
    expect(stage.log.map(({ message }) => message)).not.toContain('device enabled');
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
  });

  test('and that has enabled the device does not switch off what an administrator has enabled since', async () => {
    // Its mark is fresh, so the next Create looks again.
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
    await stage.pass(20 * MINUTE);
    const create = stage.event('Create');
    let t0 = Infinity;
    let enabledAt: number | undefined;
    stage.fault = (action, _call, { RequestId }) => {
      if (RequestId !== create.RequestId) {
        return undefined;
      }
      if (action === 'iam:EnableMFADevice') {
        enabledAt = stage.clock.now();
      }
      t0 = enabledAt ?? Infinity;
      return enabledAt !== undefined && action === 'iam:ListMFADevices' && stage.clock.now() < t0 + 100_000
        ? throttled(action)
        : undefined;
    };
    const late = stage.start(create);
    await stage.pass(5_000);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
    expect(await stage.request('Delete', INVENTED)).toMatchObject(SUCCESS);
    expect(stage.devicesOf()).toEqual([]);
    await stage.pass(75_000);
    stage.enable();
    expect(await stage.clock.run(late)).toMatchObject({ Status: 'FAILED' });
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
  });
});
