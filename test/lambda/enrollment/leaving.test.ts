import { ENROLLMENT_CLAIM_PREFIX, MARK_PREFIX, markValue, tagKey } from '../../../lib/contract';
import { CallError } from '../../../lambda/aws/ports';
import { declarationOf } from '../../../lambda/declaration';
import { occasionOf } from '../../../lambda/occasion';
import { CREATE_IS_OVER_MS, JUST_ENABLED_MS, LEAVER_LOOKS_AGAIN_MS, PROMPT_MS } from '../../../lambda/claims/timing';
import { INVENTED, LOGICAL_ID, MINUTE, refuse, serialNumberOf, Stage, STACK_UUID } from '../stage';

/*
 * How long the Delete of an enrollment takes, which depends on what may be going on, and what a request leaves that was
 * overtaken.
 */

const OURS = tagKey(ENROLLMENT_CLAIM_PREFIX, STACK_UUID, LOGICAL_ID);
const MARK = tagKey(MARK_PREFIX, STACK_UUID, LOGICAL_ID);
const SUCCESS = { Status: 'SUCCESS' };
const HOUR = 60 * MINUTE;

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.expectSecrecy());

/** How long a Delete takes, which leaves the device off and unclaimed. */
async function timeOf(changes: Parameters<Stage['event']>[1] = {}): Promise<number> {
  const before = stage.clock.now();
  expect(await stage.request('Delete', changes)).toMatchObject(SUCCESS);
  expect([stage.devicesOf(), stage.tags()]).toEqual([[], { [MARK]: expect.any(String) as string }]);
  return stage.clock.now() - before;
}

describe('a Delete', () => {
  test.each([
    [JUST_ENABLED_MS - 1, LEAVER_LOOKS_AGAIN_MS],
    [JUST_ENABLED_MS, 0],
  ])('%d ms after somebody else enabled the device takes %d ms', async (ago, expected) => {
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    await stage.pass(HOUR);
    stage.deactivate();
    stage.enable();
    await stage.pass(ago);
    expect(await timeOf()).toBe(expected);
  });

  test.each([
    [0, 0],
    [PROMPT_MS - 1_000, 0],
    [PROMPT_MS, LEAVER_LOOKS_AGAIN_MS],
  ])('of a Create that was delivered %d ms late, and has just succeeded, takes %d ms', async (late, expected) => {
    const create = stage.event('Create');
    await stage.pass(late);
    expect(await stage.send(create)).toMatchObject(SUCCESS);
    expect(await timeOf()).toBe(expected);
  });

  test('of a Create that has just failed although it enabled the device looks again', async () => {
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    const PhysicalResourceId = `alice|${stage.serialNumber}|${stage.creationOf()}|failed`;
    expect(await timeOf({ PhysicalResourceId })).toBe(LEAVER_LOOKS_AGAIN_MS);
  });

  test('whose Create is unknown looks again if the device has just been enabled', async () => {
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(await timeOf(INVENTED)).toBe(LEAVER_LOOKS_AGAIN_MS);
  });

  test('lists the enabled devices before the tags in each look', async () => {
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    stage.calls = [];
    await timeOf(INVENTED);
    expect(stage.calls).toEqual([
      'iam:ListMFADeviceTags',
      'iam:TagMFADevice',
      'iam:ListMFADevices',
      'iam:ListMFADeviceTags',
      'iam:ListMFADevices',
      'iam:ListMFADeviceTags',
      'iam:DeactivateMFADevice',
      'iam:UntagMFADevice',
    ]);
  });

  test.each([
    [CREATE_IS_OVER_MS - 1_000, LEAVER_LOOKS_AGAIN_MS, 1],
    [CREATE_IS_OVER_MS, 0, 0],
  ])(
    'of a device that is off, %d ms after its Create was sent, takes %d ms and calls DeactivateMFADevice %d times',
    async (ago, expected, times) => {
      expect(await stage.request('Create')).toMatchObject(SUCCESS);
      await stage.pass(ago);
      stage.deactivate();
      expect(await timeOf()).toBe(expected);
      expect(stage.calls.filter((call) => call === 'iam:DeactivateMFADevice')).toHaveLength(times);
    },
  );

  test('that reads its claim only after it has marked the device looks again', async () => {
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    stage.iam.delays = { tags: MINUTE };
    stage.fault = (action) => (action === 'iam:TagMFADevice' ? () => (stage.iam.delays = {}) : undefined);
    expect(await timeOf()).toBe(LEAVER_LOOKS_AGAIN_MS);
  });

  test('of a Create that was sent after somebody else had just enabled the device looks again', async () => {
    stage.enable();
    await stage.pass(1_000);
    const create = stage.event('Create');
    const { creation } = occasionOf(create, [], declarationOf(create));
    stage.tag(OURS, `enabled alice ${creation} eu-west-1 Staging`);
    const PhysicalResourceId = `alice|${stage.serialNumber}|${creation}`;
    expect(await timeOf({ PhysicalResourceId })).toBe(LEAVER_LOOKS_AGAIN_MS);
  });

  test.each([
    [0, LEAVER_LOOKS_AGAIN_MS],
    [HOUR, 0],
  ])('of a user that is gone, %d ms after its Create was sent, takes %d ms', async (ago, expected) => {
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    await stage.pass(ago);
    stage.fault = refuse('iam:DeactivateMFADevice', 'NoSuchEntity', 404);
    const before = stage.clock.now();
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
    expect(stage.clock.now() - before).toBe(expected);
    expect(stage.tags()).not.toHaveProperty([OURS]);
  });
});

describe('a delivery of a Create that was overtaken, and may not deactivate the device,', () => {
  /** Its Delete marks the device while the delivery claims it. */
  const overtake = (isEnabled: boolean) => {
    stage.fault = (action, call) => {
      if (action === 'iam:TagMFADevice' && call === 1) {
        return async () => {
          if (isEnabled) {
            stage.enable();
          }
          stage.tag(MARK, markValue({ creation: 'any', time: stage.clock.now() }));
          await stage.clock.sleep(5_001);
        };
      }
      return action === 'iam:DeactivateMFADevice' ? new CallError(action, 'AccessDenied', 403) : undefined;
    };
  };

  test.each([false, true])('leaves its claim only while the device is on: %s', async (isEnabled) => {
    // Another device of the user says nothing about this one.
    const other = stage.createSecret('mfa/tablet', stage.createDevice('tablet'));
    stage.enable(serialNumberOf('tablet'), other);
    overtake(isEnabled);
    expect(await stage.request('Create')).toMatchObject({ Status: 'FAILED' });
    expect(Object.keys(stage.tags()).includes(OURS)).toBe(isEnabled);
  });
});

test('a Create that is overtaken before it has written anything fails at once', async () => {
  const create = stage.event('Create');
  await stage.pass(1_000);
  stage.tag(MARK, markValue({ creation: 'any', time: stage.clock.now() }));
  const before = stage.clock.now();
  expect(await stage.send(create)).toMatchObject({ Status: 'FAILED' });
  expect(stage.clock.now() - before).toBe(0);
  expect(Object.keys(stage.tags())).toEqual([MARK]);
});

test('an Update that is overtaken before it has enabled the device does not look at the device again', async () => {
  expect(await stage.request('Create')).toMatchObject(SUCCESS);
  await stage.pass(HOUR);
  stage.deactivate();
  stage.calls = [];
  stage.fault = (action, call) =>
    action === 'iam:TagMFADevice' && call === 1
      ? async () => {
          stage.tag(MARK, markValue({ creation: 'any', time: stage.clock.now() }));
          await stage.clock.sleep(5_001);
        }
      : undefined;
  expect(await stage.request('Update')).toMatchObject({ Status: 'FAILED' });
  expect(stage.calls.filter((call) => call === 'iam:ListMFADevices')).toHaveLength(1);
  expect(Object.keys(stage.tags())).toEqual([MARK]);
});

describe('a response to EnableMFADevice that is lost', () => {
  test('is found out: the log says that the device is enabled', async () => {
    stage.fault = (action) => (action === 'iam:EnableMFADevice' ? 'lose answer' : undefined);
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(stage.log.filter(({ message }) => message === 'device enabled')).toHaveLength(1);
    expect(stage.calls.filter((call) => call === 'iam:EnableMFADevice')).toHaveLength(1);
  });

  test('makes IAM refuse the next pair, which does not count as a refusal of the seed', async () => {
    stage.secretsManager.call('PutSecretValue', { SecretId: stage.secretArn, SecretString: stage.createDevice('bob') });
    stage.fault = (action, call) => (action === 'iam:EnableMFADevice' && call === 1 ? 'lose request' : undefined);
    const { Reason } = await stage.request('Create');
    expect(Reason).toContain('IAM refused 4 pairs of codes in a row');
    // The lost one, the next, and four that count.
    expect(stage.calls.filter((call) => call === 'iam:EnableMFADevice')).toHaveLength(6);
  });
});
