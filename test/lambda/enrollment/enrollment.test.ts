import {
  claimIn,
  creationId,
  ENROLLMENT_CLAIM_PREFIX,
  MARK_PREFIX,
  markValue,
  tagKey,
  timestamp,
} from '../../../lib/contract';
import { type Action, CallError } from '../../../lambda/aws/ports';
import { occasionOf } from '../../../lambda/occasion';
import { JUST_ENABLED_MS, LEAVER_LOOKS_AGAIN_MS } from '../../../lambda/claims/timing';
import { declarationOf } from '../../../lambda/declaration';
import {
  DAY,
  type Fault,
  INVENTED,
  LOGICAL_ID,
  MINUTE,
  OTHER_STACK,
  OTHER_STACK_UUID,
  refuse,
  serialNumberOf,
  Stage,
  STACK_ID,
  STACK_UUID,
} from '../stage';

const OURS = tagKey(ENROLLMENT_CLAIM_PREFIX, STACK_UUID, LOGICAL_ID);
const THEIRS = tagKey(ENROLLMENT_CLAIM_PREFIX, STACK_UUID, 'MfaEnrollmentRenamed0A1B2C3D');
const OTHER_STACKS = tagKey(ENROLLMENT_CLAIM_PREFIX, OTHER_STACK_UUID, LOGICAL_ID);
const MARK = tagKey(MARK_PREFIX, STACK_UUID, LOGICAL_ID);
const SUCCESS = { Status: 'SUCCESS' };

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.expectSecrecy());

/** Creates the enrollment, then waits for `agoMs`. */
async function enrolled(agoMs = 20 * MINUTE): Promise<void> {
  expect(await stage.request('Create')).toMatchObject(SUCCESS);
  await stage.pass(agoMs);
  stage.calls = [];
}

/** Enables the device without this library. */
async function enabledByHand(agoMs = 20 * MINUTE): Promise<void> {
  await enrolled(agoMs);
  stage.untag(OURS);
}

/** The value of a claim whose Create was sent this long ago. */
const claimSent = (agoMs: number, kind = 'enabled', user = 'alice') =>
  `${kind} ${user} ${creationId('ffffffff', stage.clock.now() - agoMs)} eu-west-1 Staging`;

const ourClaim = (kind = 'enabled') => `${kind} alice ${stage.creationOf()} eu-west-1 Staging`;

const codeCalls = () => stage.calls.filter((call) => /EnableMFADevice|ResyncMFADevice/.test(call));

const callsOf = (action: Action) => stage.calls.filter((call) => call === action);

const logged = (message: string) => stage.log.filter((line) => line.message === message);

describe('Create', () => {
  test('reads, claims and enables in five calls', async () => {
    expect(await stage.request('Create')).toMatchObject({
      ...SUCCESS,
      PhysicalResourceId: `alice|${stage.serialNumber}|${stage.creationOf()}`,
      Data: { UserName: 'alice', SerialNumber: stage.serialNumber },
    });
    expect(stage.calls.slice(0, 3).sort()).toEqual([
      'iam:ListMFADeviceTags',
      'iam:ListMFADevices',
      'secretsmanager:GetSecretValue',
    ]);
    expect(stage.calls.slice(3)).toEqual(['iam:TagMFADevice', 'iam:EnableMFADevice']);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
    expect(stage.tags()).toEqual({ [OURS]: ourClaim() });
  });

  test('enables a new device without waiting and without a clock adjustment', async () => {
    const before = stage.clock.now();
    await stage.request('Create');
    expect(stage.clock.now()).toBe(before);
    expect(stage.iam.deviceClock(stage.serialNumber)).toMatchObject({ adjustment: 0 });
  });

  test.each([
    [2_900, 2_900],
    [4_000, 0],
    [4_100, 0],
  ])('with %i ms left in a time step waits %i ms', async (left, waits) => {
    await stage.pass(30_000 - (stage.clock.now() % 30_000) - left);
    const before = stage.clock.now();
    await stage.request('Create');
    // Dates in headers have whole seconds, so the function may wait up to a second longer.
    expect(Math.abs(stage.clock.now() - before - waits)).toBeLessThan(1_000);
    expect(stage.iam.deviceClock(stage.serialNumber)).toMatchObject({ adjustment: 0 });
  });

  test('waits for codes that IAM has not seen right after a deactivation, and sends no future codes', async () => {
    await enrolled(0);
    stage.deactivate();
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(codeCalls()).toHaveLength(3);
    expect(stage.iam.deviceClock(stage.serialNumber)).toMatchObject({ adjustment: 0 });
  });

  test('fails after four pairs of codes if the secret holds another seed', async () => {
    stage.secretsManager.call('PutSecretValue', { SecretId: stage.secretArn, SecretString: stage.createDevice('bob') });
    const before = stage.clock.now();
    const { Status, Reason } = await stage.request('Create');
    expect(Status).toBe('FAILED');
    expect(codeCalls()).toHaveLength(4);
    expect(stage.clock.now() - before).toBeGreaterThan(3 * 30_000 - 25_000);
    expect(Reason).toContain(`of user alice`);
    expect(Reason).toContain(`secret ${stage.secretArn} doesn't hold the seed of device ${stage.serialNumber}`);
    expect(Reason).toContain('State: the device is not enabled');
    expect(stage.devicesOf()).toEqual([]);
  });

  test('fails if the device is enabled for another user, and says that devices are never reassigned', async () => {
    await enabledByHand();
    stage.iam.call('CreateUser', { UserName: 'bob' });
    const answer = await stage.request('Create', { ResourceProperties: stage.properties({ UserName: 'bob' }) });
    expect(answer.Status).toBe('FAILED');
    expect(answer.Reason).toMatch(/enabled for another user.*never reassigned.*Next: create a new device/);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
  });

  test('that fails because the device is enabled for another user leaves its claim to its Delete, which changes nothing else', async () => {
    await enrolled();
    const theirs = stage.tags();
    stage.iam.call('CreateUser', { UserName: 'bob' });
    const bobs = {
      LogicalResourceId: 'MfaEnrollmentBob0A1B2C3D',
      ResourceProperties: stage.properties({ UserName: 'bob' }),
    };
    expect(await stage.request('Create', bobs)).toMatchObject({ Status: 'FAILED' });
    expect(stage.tags()).toMatchObject(theirs);
    expect(await stage.request('Delete', bobs)).toMatchObject(SUCCESS);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
    const claims = Object.entries(stage.tags()).filter(([key]) => !key.startsWith(MARK_PREFIX));
    expect(Object.fromEntries(claims)).toEqual(theirs);
  });

  test('that fails because the device is enabled for another user leaves its claim to its Delete, which gives back a kept one', async () => {
    const kept = claimSent(3 * DAY, 'enabled', 'bob');
    await enrolled();
    stage.iam.call('CreateUser', { UserName: 'bob' });
    stage.tag(OURS, kept);
    const bobs = { ResourceProperties: stage.properties({ UserName: 'bob' }) };
    expect(await stage.request('Create', bobs)).toMatchObject({ Status: 'FAILED' });
    expect(claimIn(stage.tags()[OURS]!, true)).toMatchObject({ over: claimIn(kept, true).creation });
    expect(await stage.request('Delete', bobs)).toMatchObject(SUCCESS);
    expect(claimIn(stage.tags()[OURS]!, true)).toMatchObject({ user: 'bob', creation: claimIn(kept, true).creation });
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
  });

  test('of a device that is off although somebody claims it looks again, because a Delete may be at work', async () => {
    await enrolled();
    stage.deactivate();
    // The second delivery of the other stack's Delete has not seen the new claim.
    stage.fault = (action, call) =>
      action === 'iam:EnableMFADevice' && call === 1 ? () => stage.deactivate() : undefined;
    expect(await stage.request('Create', OTHER_STACK)).toMatchObject(SUCCESS);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
  });

  test.each(['dev2-team-prod-user', 'build2deploy3runner', 'PRODUSER2DEPLOYER', 'dev2team3prod4user5build6deploy7x'])(
    'enables a device for user %s, with a secret that has such a name, too',
    async (userName) => {
      stage.iam.call('CreateUser', { UserName: userName });
      const SeedSecretArn = stage.createSecret(`VirtualMfaDeviceSeedMfausersprod${userName}`, stage.seed);
      const ResourceProperties = stage.properties({ UserName: userName, SeedSecretArn });
      const answer = await stage.request('Create', { ResourceProperties });
      expect(answer).toMatchObject({ ...SUCCESS, Data: { UserName: userName } });
    },
  );

  describe('of a device that is off, and that an enrollment of another user claims,', () => {
    const bobs = () => ({ ...OTHER_STACK, ResourceProperties: stage.properties({ UserName: 'bob' }) });
    beforeEach(async () => {
      await enrolled();
      stage.iam.call('CreateUser', { UserName: 'bob' });
      stage.deactivate();
    });

    test('is refused without changes after 30 s', async () => {
      const before = stage.tags();
      const { Status, Reason } = await stage.request('Create', bobs());
      expect(Status).toBe('FAILED');
      expect(Reason).toMatch(/is claimed for another user: .*\(of Staging in .*a device is never reassigned/);
      expect(Reason).toContain('State: the device is not enabled for this user; nothing was changed');
      expect(stage.tags()).toEqual(before);
      expect(codeCalls()).toEqual([]);
    });

    test('enables it if the other one is leaving', async () => {
      stage.tag(MARK, markValue({ creation: stage.creationOf(), time: stage.clock.now() }));
      expect(await stage.request('Create', bobs())).toMatchObject(SUCCESS);
    });

    test('is refused if the claim is of the same stack, too: the first user may know the seed', async () => {
      const { Reason } = await stage.request('Create', { ...bobs(), StackId: STACK_ID, LogicalResourceId: 'Bob' });
      expect(Reason).toContain('is claimed for another user: ');
      expect(stage.devicesOf('bob')).toEqual([]);
    });

    test('enables it if the claim is gone 30 s later', async () => {
      stage.fault = (action, call) =>
        action === 'iam:ListMFADeviceTags' && call === 1 ? () => stage.untag(OURS) : undefined;
      expect(await stage.request('Create', bobs())).toMatchObject(SUCCESS);
    });

    test('adopts it if somebody enables it for the user of the Create within 30 s', async () => {
      stage.fault = (action, call) =>
        action === 'iam:ListMFADeviceTags' && call === 1
          ? () => stage.enable(stage.serialNumber, stage.secretArn, 'bob')
          : undefined;
      const ResourceProperties = stage.properties({ UserName: 'bob', AdoptExisting: 'true' });
      expect(await stage.request('Create', { ...bobs(), ResourceProperties })).toMatchObject(SUCCESS);
      expect(stage.devicesOf('bob')).toEqual([stage.serialNumber]);
      expect(stage.tags()[OTHER_STACKS]).toMatch(/^adopted bob /);
    });
  });

  test('joins a device that somebody enabled before its codes, even if the list shows it only later', async () => {
    stage.fault = (action, call) => {
      if (action === 'iam:TagMFADevice' && call === 1) {
        return () => {
          stage.enable();
          stage.iam.delays = { reads: DAY, tagReads: 0 };
        };
      }
      return action === 'iam:ListMFADevices' && call === 2 ? () => (stage.iam.delays = {}) : undefined;
    };
    const before = stage.clock.now();
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(stage.clock.now() - before).toBeGreaterThanOrEqual(JUST_ENABLED_MS);
    expect(codeCalls()[0]).toBe('iam:EnableMFADevice');
    expect(codeCalls()).toContain('iam:ResyncMFADevice');
    expect(stage.tags()[OURS]).toBe(ourClaim());
  });

  test('fails without changes if somebody else enabled the device, after reading the tags twice', async () => {
    await enabledByHand();
    const { Status, Reason } = await stage.request('Create');
    expect(Status).toBe('FAILED');
    expect(Reason).toMatch(/not by an enrollment of this library.*'adoptExisting'/);
    expect(callsOf('iam:ListMFADeviceTags')).toHaveLength(2);
    expect(codeCalls()).toEqual([]);
    expect(stage.tags()).toEqual({});
  });

  test('adopts a device that somebody else enabled after verifying the seed', async () => {
    await enabledByHand();
    const event = { ResourceProperties: stage.properties({ AdoptExisting: 'true' }) };
    expect(await stage.request('Create', event)).toMatchObject(SUCCESS);
    expect(codeCalls()).toEqual(['iam:ResyncMFADevice']);
    expect(stage.calls.indexOf('iam:ResyncMFADevice')).toBeLessThan(stage.calls.indexOf('iam:TagMFADevice'));
    expect(callsOf('iam:TagMFADevice')).toHaveLength(1);
    expect(stage.tags()).toEqual({ [OURS]: ourClaim('adopted') });
  });

  test('does not adopt a device whose seed it cannot verify', async () => {
    await enabledByHand();
    stage.secretsManager.call('PutSecretValue', { SecretId: stage.secretArn, SecretString: stage.createDevice('bob') });
    const event = { ResourceProperties: stage.properties({ AdoptExisting: 'true' }) };
    expect(await stage.request('Create', event)).toMatchObject({ Status: 'FAILED' });
    expect(stage.tags()).toEqual({});
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
  });

  test('that adopts a device claims it as enabled once it reads the claim of an enrollment that enabled it', async () => {
    await enabledByHand();
    stage.fault = (action, call) =>
      action === 'iam:TagMFADevice' && call === 1 ? () => stage.tag(THEIRS, claimSent(10 * MINUTE)) : undefined;
    const event = { ResourceProperties: stage.properties({ AdoptExisting: 'true' }) };
    expect(await stage.request('Create', event)).toMatchObject(SUCCESS);
    expect(stage.tags()[OURS]).toBe(ourClaim('enabled'));
  });

  test.each(['enabled', 'adopted'])(
    'joins a device that this library has %s after verifying the seed',
    async (kind) => {
      await enabledByHand();
      stage.tag(THEIRS, claimSent(10 * MINUTE, kind));
      expect(await stage.request('Create')).toMatchObject(SUCCESS);
      expect(codeCalls()).toEqual(['iam:ResyncMFADevice']);
      expect(stage.tags()[OURS]).toBe(ourClaim(kind));
    },
  );

  test('that joins looks again 30 s after it has written its claim', async () => {
    await enabledByHand();
    stage.tag(THEIRS, claimSent(10 * MINUTE));
    const before = stage.clock.now();
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(stage.clock.now() - before).toBe(30_000);
    expect(stage.calls.slice(-3)).toEqual(['iam:TagMFADevice', 'iam:ListMFADevices', 'iam:ListMFADeviceTags']);
  });

  test('that joins takes no longer if an enrollment of another user claims the device, too', async () => {
    await enabledByHand();
    stage.tag(THEIRS, claimSent(10 * MINUTE));
    stage.tag(OTHER_STACKS, claimSent(10 * MINUTE, 'enabled', 'bob'));
    const before = stage.clock.now();
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(stage.clock.now() - before).toBe(30_000);
  });

  describe('that enables the device looks again 30 s later, and starts over if it is off by then,', () => {
    /** Sends the Create, and deactivates the device after it was enabled. */
    async function expectToStartOver(create = stage.event('Create')): Promise<void> {
      stage.fault = (action, call) =>
        action === 'iam:EnableMFADevice' && call === 1 ? () => stage.deactivate() : undefined;
      expect(await stage.send(create)).toMatchObject(SUCCESS);
      expect(stage.devicesOf()).toEqual([stage.serialNumber]);
    }

    test('if another stack is leaving', async () => {
      const key = tagKey(MARK_PREFIX, OTHER_STACK_UUID, LOGICAL_ID);
      stage.tag(key, markValue({ creation: 'any', time: stage.clock.now() }));
      await expectToStartOver();
    });

    test('if another delivery of it has claimed the device', async () => {
      const create = stage.event('Create');
      const { creation } = occasionOf(create, [], declarationOf(create));
      stage.tag(OURS, `enabled alice ${creation} eu-west-1 Staging`);
      await expectToStartOver(create);
    });

    test('if the device was enabled at first, and somebody has deactivated it', async () => {
      await enabledByHand();
      void stage.clock.sleep(1_000).then(() => stage.deactivate());
      await expectToStartOver();
    });

    test('if IAM refused codes before', async () => {
      await enrolled(0);
      stage.deactivate();
      let accepted = 0;
      stage.fault = (action) =>
        action === 'iam:EnableMFADevice'
          ? () => {
              if (++accepted === 1) {
                stage.deactivate();
              }
            }
          : undefined;
      expect(await stage.request('Create')).toMatchObject(SUCCESS);
      expect(stage.devicesOf()).toEqual([stage.serialNumber]);
    });
  });

  test('does not join if the request that verifies the seed was lost', async () => {
    await enabledByHand();
    stage.tag(THEIRS, claimSent(10 * MINUTE));
    stage.secretsManager.call('PutSecretValue', { SecretId: stage.secretArn, SecretString: stage.createDevice('bob') });
    stage.fault = (action, call) => (action === 'iam:ResyncMFADevice' && call === 1 ? 'lose request' : undefined);
    expect(await stage.request('Create')).toMatchObject({ Status: 'FAILED' });
    expect(stage.tags()).not.toHaveProperty(OURS);
    expect(logged('seed verified')).toEqual([]);
  });

  test('pauses before it looks at the device again if the request that verifies the seed was lost', async () => {
    await enabledByHand();
    stage.tag(THEIRS, claimSent(10 * MINUTE));
    let lostAt: number | undefined;
    let pause: number | undefined;
    stage.fault = (action) => {
      if (action === 'iam:ResyncMFADevice' && lostAt === undefined) {
        lostAt = stage.clock.now();
        return 'lose request';
      }
      if (action === 'iam:ListMFADevices' && lostAt !== undefined) {
        pause ??= stage.clock.now() - lostAt;
      }
      return undefined;
    };
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(pause).toBeGreaterThan(250);
  });

  test('continues with the state that it reads if another Create enabled the device first', async () => {
    const overtake = async () => {
      await stage.start(stage.event('Create', { LogicalResourceId: 'MfaEnrollmentRenamed0A1B2C3D' }));
      stage.calls = [];
    };
    stage.fault = (action, call) => (action === 'iam:TagMFADevice' && call === 1 ? overtake : undefined);
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(codeCalls()[0]).toBe('iam:EnableMFADevice');
    const proof = stage.calls.indexOf('iam:ResyncMFADevice');
    // One call to find who has the device, one to continue.
    expect(stage.calls.slice(0, proof).filter((call) => call === 'iam:ListMFADevices')).toHaveLength(2);
  });

  test.each(['enabled', 'adopted'])('joins a device whose claim, which says %s, is not readable yet', async (kind) => {
    await enabledByHand();
    await stage.pass(MINUTE);
    stage.iam.delays = { ...stage.iam.delays, tags: 5_000 };
    stage.tag(THEIRS, claimSent(10 * MINUTE, kind));
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    stage.iam.delays = {};
    expect(stage.tags()[OURS]).toBe(ourClaim(kind));
  });

  test.each([0, 10])(
    'reads when the device was enabled if the response of EnableMFADevice is lost %i s into a time step, and sends no codes again',
    async (seconds) => {
      await stage.pass(30_000 - (stage.clock.now() % 30_000) + seconds * 1000);
      stage.fault = (action, call) => (action === 'iam:EnableMFADevice' && call === 1 ? 'lose answer' : undefined);
      expect(await stage.request('Create')).toMatchObject(SUCCESS);
      expect(codeCalls()).toEqual(['iam:EnableMFADevice']);
      expect(stage.calls.slice(-2)).toEqual(['iam:ListMFADevices', 'iam:ListMFADeviceTags']);
      expect(stage.tags()[OURS]).toMatch(/^enabled /);
    },
  );

  test('deactivates the device if the response of EnableMFADevice is lost and its Delete has marked the device', async () => {
    stage.fault = (action, call) =>
      action === 'iam:EnableMFADevice' && call === 1
        ? () => {
            stage.tag(MARK, markValue({ creation: 'any', time: stage.clock.now() }));
            throw new CallError(action, undefined);
          }
        : undefined;
    const { Status, Reason } = await stage.request('Create');
    expect([Status, Reason]).toEqual(['FAILED', expect.stringContaining('overtook')]);
    expect(stage.devicesOf()).toEqual([]);
    expect(Object.keys(stage.tags())).toEqual([MARK]);
  });

  test('verifies the seed if the response of EnableMFADevice is lost and somebody had enabled the device a step before', async () => {
    // Without time for its own codes to be those that enabled the device.
    stage.fault = (action, call) => {
      if (action === 'iam:TagMFADevice' && call === 1) {
        return async () => {
          stage.enable();
          await stage.clock.sleep(30_000);
        };
      }
      return action === 'iam:EnableMFADevice' && call === 1 ? 'lose request' : undefined;
    };
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(codeCalls()).toEqual(['iam:EnableMFADevice', 'iam:ResyncMFADevice']);
  });

  test('reads the state and enables the device if the request of EnableMFADevice is lost', async () => {
    stage.fault = (action, call) => (action === 'iam:EnableMFADevice' && call === 1 ? 'lose request' : undefined);
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(codeCalls()).toEqual(['iam:EnableMFADevice', 'iam:EnableMFADevice']);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
    expect(logged('device enabled')).toHaveLength(1);
  });

  test('starts over if the device is deactivated before the seed is verified', async () => {
    await enrolled();
    stage.fault = (action, call) =>
      action === 'secretsmanager:GetSecretValue' && call === 1 ? () => stage.deactivate() : undefined;
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
  });

  test('starts over if the device is deactivated after it was claimed', async () => {
    await enabledByHand();
    stage.tag(THEIRS, claimSent(10 * MINUTE, 'adopted'));
    stage.fault = (action, call) =>
      action === 'iam:TagMFADevice' && call === 1 ? () => stage.deactivate() : undefined;
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
    expect(stage.tags()[OURS]).toMatch(/^enabled /);
  });

  test('leaves its claim if it fails, and the Delete withdraws it', async () => {
    stage.fault = refuse('iam:EnableMFADevice', 'LimitExceeded', 409);
    expect(await stage.request('Create')).toMatchObject({ Status: 'FAILED' });
    expect(stage.tags()).toHaveProperty(OURS);
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
    expect(Object.keys(stage.tags())).toEqual([MARK]);
  });

  test('says that the device is enabled if it fails after it has enabled it', async () => {
    // It looks again, because another stack is leaving.
    const key = tagKey(MARK_PREFIX, OTHER_STACK_UUID, LOGICAL_ID);
    stage.tag(key, markValue({ creation: 'any', time: stage.clock.now() }));
    stage.fault = refuse('iam:ListMFADevices', 'AccessDenied', 403, [2, Infinity]);
    const { Status, Reason } = await stage.request('Create');
    expect(Status).toBe('FAILED');
    expect(Reason).toMatch(/State: the device is enabled for this user; the device has the claim tag [^;]*\. Next:/);
  });

  test('enables the device even in the last 40 s of its time, because nobody else is at work', async () => {
    const t0 = stage.clock.now();
    stage.fault = (action) =>
      action === 'iam:ListMFADevices' && stage.clock.now() < t0 + 240_000
        ? new CallError(action, 'Throttling', 400)
        : undefined;
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(stage.clock.now() - t0).toBeGreaterThan(240_000);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
  });

  test('waits for a user that is not readable yet', async () => {
    stage.iam.delays = { ...stage.iam.delays, newUser: 20_000 };
    stage.iam.call('CreateUser', { UserName: 'carol' });
    const event = { ResourceProperties: stage.properties({ UserName: 'carol' }) };
    expect(await stage.request('Create', event)).toMatchObject(SUCCESS);
  });

  test('sends codes again within seconds, without another look, if EnableMFADevice does not know the new user yet', async () => {
    const before = stage.clock.now();
    stage.fault = refuse('iam:EnableMFADevice', 'NoSuchEntity', 404, [1, 3]);
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(callsOf('iam:ListMFADevices')).toHaveLength(1);
    expect(stage.clock.now() - before).toBeLessThan(5_000);
  });

  test.each([
    ['the user', { UserName: 'nobody' }, /user nobody does not exist/],
    [
      'the device',
      { SerialNumber: serialNumberOf('none') },
      /device arn:aws:iam::123456789012:mfa\/none does not exist/,
    ],
  ])('fails after two minutes if %s does not exist, and names it', async (_, changes, reason) => {
    const before = stage.clock.now();
    const { Status, Reason } = await stage.request('Create', { ResourceProperties: stage.properties(changes) });
    expect(Status).toBe('FAILED');
    expect(Reason).toMatch(reason);
    expect(stage.clock.now() - before).toBeGreaterThan(100_000);
    expect(stage.clock.now() - before).toBeLessThan(125_000);
  });

  test('changes nothing if the secret is invalid', async () => {
    stage.secretsManager.call('PutSecretValue', { SecretId: stage.secretArn, SecretString: 'not a seed!' });
    const { Reason } = await stage.request('Create');
    expect(Reason).toMatch(/holds no seed: it is not Base32.*State: .*nothing was changed/);
    expect(stage.calls).not.toContain('iam:TagMFADevice');
  });
});

describe('a delivery that its Delete has overtaken, and whose claim is on the device,', () => {
  /** Between the claim and the codes, another delivery enables the device and the Delete marks it. */
  const overtake: Fault = (action, call) =>
    action === 'iam:TagMFADevice' && call === 1
      ? async () => {
          stage.enable();
          stage.tag(MARK, markValue({ creation: 'any', time: stage.clock.now() }));
          await stage.clock.sleep(5_001);
        }
      : undefined;

  async function expectOvertaken(): Promise<void> {
    const { Status, Reason } = await stage.request('Create');
    expect([Status, Reason]).toEqual(['FAILED', expect.stringContaining('overtook')]);
    expect(codeCalls()).toEqual([]);
    expect(Object.keys(stage.tags())).toEqual([MARK]);
  }

  test('deactivates the device that another delivery enabled', async () => {
    stage.fault = overtake;
    await expectOvertaken();
    expect(stage.devicesOf()).toEqual([]);
  });

  test('leaves its claim to a Delete that looks again, because another delivery relies on it', async () => {
    let atTheLook: string | undefined;
    stage.fault = (...call) => {
      const fault = overtake(...call);
      if (fault !== undefined) {
        void stage.clock.sleep(LEAVER_LOOKS_AGAIN_MS).then(() => (atTheLook = stage.tags()[OURS]));
      }
      return fault;
    };
    await expectOvertaken();
    await stage.pass(LEAVER_LOOKS_AGAIN_MS);
    expect(atTheLook).toBe(ourClaim());
  });

  /** It may not deactivate the device, and then it can't list the user's devices. Returns when it last tried to deactivate it. */
  function refuseUser(code: string, httpStatus: number): () => number {
    let triedAt: number | undefined;
    stage.fault = (...call) => {
      const [action] = call;
      if (action === 'iam:DeactivateMFADevice') {
        triedAt = stage.clock.now();
        return new CallError(action, 'AccessDenied', 403);
      }
      const isRefused = triedAt !== undefined && action === 'iam:ListMFADevices';
      return overtake(...call) ?? (isRefused ? new CallError(action, code, httpStatus) : undefined);
    };
    return () => triedAt!;
  }

  test.each([
    ['it may not do anything to the user any more', 'AccessDenied', 403],
    ['the user does not exist any more', 'NoSuchEntity', 404],
  ])('withdraws its claim within 15 s if %s, because the Delete is over', async (_, code, httpStatus) => {
    const triedAt = refuseUser(code, httpStatus);
    await expectOvertaken();
    expect(stage.clock.now() - triedAt()).toBeLessThan(15_000);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
    expect(stage.log).toContainEqual(expect.objectContaining({ message: 'what this request did could not be undone' }));
  });

  test('leaves its claim if it is throttled until its time is over, because the Delete may not be over', async () => {
    refuseUser('Throttling', 400);
    expect(await stage.request('Create')).toMatchObject({ Status: 'FAILED' });
    expect(stage.tags()[OURS]).toBe(ourClaim());
  });

  test('keeps its claim if it enabled the device itself and may not deactivate it', async () => {
    const mark = () => stage.tag(MARK, markValue({ creation: 'any', time: stage.clock.now() }));
    stage.fault = (action, call, event) =>
      action === 'iam:EnableMFADevice' && call === 1
        ? () => {
            mark();
            throw new CallError(action, undefined);
          }
        : refuse('iam:DeactivateMFADevice', 'AccessDenied', 403)(action, call, event);
    expect((await stage.request('Create')).Reason).toContain('overtook');
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
    expect(stage.tags()[OURS]).toBe(ourClaim());
  });
});

describe('a device that is enabled', () => {
  test.each([
    ['our resource', OURS],
    ['another stack', OTHER_STACKS],
  ])('by hand after the Create of %s had left its claim is not taken for its own', async (_, owner) => {
    stage.tag(owner, claimSent(0));
    await stage.pass(15 * MINUTE);
    stage.enable();
    await stage.pass(MINUTE);
    const { Status, Reason } = await stage.request('Create');
    expect(Status).toBe('FAILED');
    expect(Reason).toContain("set 'adoptExisting' to true");
    expect(codeCalls()).toEqual([]);
  });

  test('by a Create that left its claim a minute ago is joined', async () => {
    stage.tag(OTHER_STACKS, claimSent(MINUTE));
    stage.enable();
    await stage.pass(MINUTE);
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(stage.tags()[OURS]).toBe(ourClaim());
  });

  test('by hand after it was adopted by another enrollment of the stack is adopted, not enabled', async () => {
    await enabledByHand();
    stage.tag(THEIRS, claimSent(3 * DAY, 'adopted'));
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(stage.tags()[OURS]).toBe(ourClaim('adopted'));
  });
});

describe('codes', () => {
  /** Loses the responses to the first two calls whose codes IAM accepts. */
  function loseTwoAccepted(): void {
    let lost = 0;
    stage.fault = (action) =>
      /Enable|Resync/.test(action)
        ? () => {
            if (++lost <= 2) {
              throw new CallError(action, undefined);
            }
          }
        : undefined;
  }

  test.each(Array.from({ length: 10 }, (_, third) => third * 3))(
    'whose responses are lost twice after the device was enabled before do not end as a wrong seed, %i s into a step',
    async (seconds) => {
      await stage.pass(30_000 - (stage.clock.now() % 30_000) + seconds * 1000);
      await enrolled(1_000);
      stage.deactivate();
      loseTwoAccepted();
      expect(await stage.request('Create')).toMatchObject(SUCCESS);
      expect(stage.devicesOf()).toEqual([stage.serialNumber]);
    },
  );

  test('are not sent if the tags that were read before are older than 5 s and say that the request was overtaken', async () => {
    stage.fault = (action, call) =>
      action === 'iam:TagMFADevice' && call === 1
        ? async () => {
            await stage.clock.sleep(5_001);
            stage.tag(MARK, `any ${/\d{8}T\d{6}Z/.exec(stage.event('Delete').ResponseURL)![0]}`);
          }
        : undefined;
    expect(await stage.request('Create')).toMatchObject({ Status: 'FAILED' });
    expect(codeCalls()).toEqual([]);
  });

  test('are sent without another look if the tags are younger', async () => {
    stage.fault = (action, call) =>
      action === 'iam:TagMFADevice' && call === 1 ? () => stage.clock.sleep(5_000) : undefined;
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(callsOf('iam:ListMFADeviceTags')).toHaveLength(1);
  });

  test('that are throttled are sent again after short pauses while the tags are younger', async () => {
    const before = stage.clock.now();
    stage.fault = refuse('iam:EnableMFADevice', 'Throttling', 400, [1, 3]);
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(stage.clock.now() - before).toBeLessThan(5_000);
  });
});

describe('Update', () => {
  test('changes nothing if the device is enabled and claimed, in two calls', async () => {
    await enrolled();
    expect(await stage.request('Update')).toMatchObject(SUCCESS);
    expect(stage.calls.sort()).toEqual(['iam:ListMFADeviceTags', 'iam:ListMFADevices']);
  });

  test.each([
    ['another secret', { SeedSecretArn: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:former-AbCdEf' }],
    ['another field', { SeedSecretField: 'former' }],
  ])('verifies the seed of %s', async (_, former) => {
    await enrolled();
    expect(await stage.request('Update', { OldResourceProperties: stage.properties(former) })).toMatchObject(SUCCESS);
    expect(codeCalls()).toEqual(['iam:ResyncMFADevice']);
  });

  test('fails with the old physical id and the device enabled if the new secret holds another seed', async () => {
    await enrolled();
    const SeedSecretArn = stage.createSecret('mfa/bob', stage.createDevice('bob'));
    const answer = await stage.request('Update', { ResourceProperties: stage.properties({ SeedSecretArn }) });
    const PhysicalResourceId = `alice|${stage.serialNumber}|${stage.creationOf()}`;
    expect(answer).toMatchObject({ Status: 'FAILED', PhysicalResourceId });
    expect(answer.Reason).toContain('State: the device is enabled');
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
  });

  test('enables the device again if somebody deactivated it', async () => {
    await enrolled();
    stage.deactivate();
    expect(await stage.request('Update')).toMatchObject(SUCCESS);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
    expect(stage.tags()[OURS]).toMatch(/^enabled /);
  });

  test('that enables the device again says so in its claim, so that another stack can join without adopting', async () => {
    await enrolled();
    stage.deactivate();
    const update = stage.event('Update');
    expect(await stage.send(update)).toMatchObject(SUCCESS);
    const { sentAt } = occasionOf(update, [], declarationOf(update));
    expect(stage.tags()[OURS]).toBe(
      `enabled alice ${stage.creationOf()} since ${timestamp(sentAt!)} eu-west-1 Staging`,
    );
    expect(await stage.request('Update')).toMatchObject(SUCCESS);
    expect(stage.tags()[OURS]).toContain(`since ${timestamp(sentAt!)} `);
    expect(await stage.request('Create', OTHER_STACK)).toMatchObject(SUCCESS);
    expect(stage.tags()[OTHER_STACKS]).toMatch(/^enabled /);
  });

  describe('that fails before it has enabled the device', () => {
    const wrongSecret = () =>
      stage.secretsManager.call('PutSecretValue', {
        SecretId: stage.secretArn,
        SecretString: stage.createDevice('bob'),
      });

    test.each(['adopted', 'enabled'])('leaves the claim that it found, which says %s', async (kind) => {
      await enrolled();
      stage.tag(OURS, ourClaim(kind));
      stage.deactivate();
      wrongSecret();
      expect(await stage.request('Update')).toMatchObject({ Status: 'FAILED' });
      expect(stage.tags()).toEqual({ [OURS]: ourClaim(kind) });
    });

    test('leaves no claim if it found none', async () => {
      await enrolled();
      stage.untag(OURS);
      stage.deactivate();
      wrongSecret();
      expect(await stage.request('Update')).toMatchObject({ Status: 'FAILED' });
      expect(stage.tags()).toEqual({});
    });

    test('leaves the claim that it found if the device is enabled for another user', async () => {
      await enrolled();
      stage.deactivate();
      stage.iam.call('CreateUser', { UserName: 'bob' });
      stage.enable(stage.serialNumber, stage.secretArn, 'bob');
      expect(await stage.request('Update')).toMatchObject({ Status: 'FAILED' });
      expect(stage.tags()).toEqual({ [OURS]: ourClaim() });
    });

    test('does not bring back a claim that its Delete is about to withdraw', async () => {
      await enrolled();
      stage.tag(OURS, ourClaim('adopted'));
      stage.deactivate();
      wrongSecret();
      let refused = 0;
      stage.fault = (action) => {
        if (action === 'iam:EnableMFADevice') {
          refused++;
        }
        if (action === 'iam:ListMFADeviceTags' && refused === 4) {
          // After the last refusal, the Delete marks the device before the Update reads its tags.
          stage.tag(MARK, markValue({ creation: stage.creationOf(), time: stage.clock.now() }));
        }
        return undefined;
      };
      const { Status, Reason } = await stage.request('Update');
      expect({ Status, Reason }).toEqual({ Status: 'FAILED', Reason: expect.stringContaining('overtook') as string });
      expect(Object.keys(stage.tags())).toEqual([MARK]);
    });

    test('leaves the claim that it found if the response to its own claim was lost', async () => {
      await enrolled();
      stage.tag(OURS, ourClaim('adopted'));
      stage.deactivate();
      // The claim is given back as soon as the Update has failed, after it was denied for two minutes.
      const deniedUntil = stage.clock.now() + 2 * MINUTE;
      let claims = 0;
      stage.fault = (action) => {
        if (action !== 'iam:TagMFADevice' || stage.clock.now() > deniedUntil) {
          return undefined;
        }
        return ++claims === 1 ? 'lose answer' : new CallError('iam:TagMFADevice', 'AccessDenied', 403);
      };
      expect(await stage.request('Update')).toMatchObject({ Status: 'FAILED' });
      expect(stage.tags()).toEqual({ [OURS]: ourClaim('adopted') });
    });

    test.each(['enabled', 'adopted'])(
      'leaves the claim of a later Update, which has enabled the device, if it found one that says %s',
      async (kind) => {
        await enrolled();
        stage.tag(OURS, ourClaim(kind));
        stage.deactivate();
        const wrong = { SeedSecretArn: stage.createSecret('mfa/bob', stage.createDevice('bob')) };
        const back = { OldResourceProperties: stage.properties(wrong) };
        const [forward, backward] = await stage.sendAll(
          [0, () => stage.event('Update', { ResourceProperties: stage.properties(wrong) })],
          [35_000, () => stage.event('Update', back)],
        );
        expect([forward?.Status, backward?.Status]).toEqual(['FAILED', 'SUCCESS']);
        expect(stage.tags()[OURS]).toMatch(/^enabled alice \S+ since /);
        await stage.pass(70 * MINUTE);
        expect(await stage.request('Create', OTHER_STACK)).toMatchObject(SUCCESS);
      },
    );

    test('fails with its own reason if its claim cannot be restored', async () => {
      await enrolled();
      stage.tag(OURS, ourClaim('adopted'));
      stage.deactivate();
      wrongSecret();
      const denied = new CallError('iam:TagMFADevice', 'AccessDenied', 403);
      stage.fault = (action, call) => (action === 'iam:TagMFADevice' && call > 1 ? denied : undefined);
      const { Reason } = await stage.request('Update');
      expect(Reason).toContain('IAM refused 4 pairs of codes');
      expect(stage.log).toContainEqual(expect.objectContaining({ message: 'the claim could not be restored' }));
    });
  });

  describe('of a device that somebody enabled again later than its claim explains', () => {
    async function enabledAgain(): Promise<void> {
      await enrolled(20 * MINUTE);
      stage.deactivate();
      await stage.pass(MINUTE);
      stage.enable();
      await stage.pass(MINUTE);
      stage.calls = [];
    }

    test('verifies the seed, and notes in its claim when', async () => {
      await enabledAgain();
      expect(await stage.request('Update')).toMatchObject(SUCCESS);
      expect(codeCalls()).toEqual(['iam:ResyncMFADevice']);
      expect(stage.tags()[OURS]).toMatch(/^enabled alice \S+ since \S+ eu-west-1 Staging$/);
      stage.calls = [];
      expect(await stage.request('Update')).toMatchObject(SUCCESS);
      expect(codeCalls()).toEqual([]);
    });

    test('restores a missing claim with that time', async () => {
      await enabledAgain();
      stage.untag(OURS);
      expect(await stage.request('Update')).toMatchObject(SUCCESS);
      expect(stage.tags()[OURS]).toMatch(/^adopted alice \S+ since \S+ eu-west-1 Staging$/);
    });

    test('fails if the secret does not hold its seed', async () => {
      await enabledAgain();
      stage.secretsManager.call('PutSecretValue', {
        SecretId: stage.secretArn,
        SecretString: stage.createDevice('bob'),
      });
      expect(await stage.request('Update')).toMatchObject({ Status: 'FAILED' });
      expect(stage.tags()).toEqual({ [OURS]: ourClaim() });
    });
  });

  test('claims an adopted device as enabled after enabling it again', async () => {
    await enrolled();
    stage.tag(OURS, ourClaim('adopted'));
    stage.deactivate();
    await stage.request('Update');
    expect(stage.tags()[OURS]).toMatch(/^enabled /);
  });

  test.each([
    ['enabled', 'enabled'],
    ['adopted', 'adopted'],
    [undefined, 'adopted'],
  ])('restores a missing claim: if the others say %s, its own says %s', async (others, ours) => {
    await enabledByHand();
    if (others !== undefined) {
      stage.tag(THEIRS, claimSent(10 * MINUTE, others));
    }
    const update = stage.event('Update');
    expect(await stage.send(update)).toMatchObject(SUCCESS);
    expect(callsOf('iam:TagMFADevice')).toHaveLength(1);
    expect(stage.tags()[OURS]).toBe(
      ourClaim(ours).replace(' eu-', ` since ${timestamp(occasionOf(update, [], declarationOf(update)).sentAt!)} eu-`),
    );
  });

  test('verifies the seed before it restores a missing claim', async () => {
    await enabledByHand();
    stage.secretsManager.call('PutSecretValue', { SecretId: stage.secretArn, SecretString: stage.createDevice('bob') });
    expect(await stage.request('Update')).toMatchObject({ Status: 'FAILED' });
    expect(stage.tags()).toEqual({});
  });

  test('that fails after it has restored a missing claim leaves the claim while the device is on', async () => {
    await enabledByHand();
    // The look after the claim fails.
    stage.fault = refuse('iam:ListMFADeviceTags', 'InvalidInput', 400, [2, 2]);
    expect(await stage.request('Update')).toMatchObject({ Status: 'FAILED' });
    expect(stage.tags()[OURS]).toMatch(/^adopted /);
  });

  test('replaces the claim of an earlier Create of its resource by one that says adopted, after verifying the seed', async () => {
    await enrolled();
    stage.tag(OURS, claimSent(3 * DAY));
    expect(await stage.request('Update')).toMatchObject(SUCCESS);
    expect(codeCalls()).toEqual(['iam:ResyncMFADevice']);
    expect(stage.tags()[OURS]).toContain(`adopted alice ${stage.creationOf()} `);
  });

  test('that restores its claim looks again 30 s later, and enables the device if it is off by then', async () => {
    await enabledByHand();
    stage.fault = (action, call) =>
      action === 'iam:TagMFADevice' && call === 1 ? () => stage.deactivate() : undefined;
    expect(await stage.request('Update')).toMatchObject(SUCCESS);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
    expect(stage.tags()[OURS]).toMatch(/^enabled alice \S+ since /);
  });

  test('keeps the kind of a claim that is not readable yet', async () => {
    stage.iam.delays = { tags: 8_000 };
    await enrolled(2_000);
    expect(await stage.request('Update')).toMatchObject(SUCCESS);
    expect(stage.tags()[OURS]).toBe(ourClaim());
  });

  test('that enables the device only after its Delete deactivates it again', async () => {
    await enrolled();
    stage.deactivate();
    // The Delete comes between the last look and the codes.
    stage.fault = (action, call) =>
      action === 'secretsmanager:GetSecretValue' && call === 1 ? () => stage.clock.sleep(2_500) : undefined;
    const [updated, deleted] = await stage.sendAll(
      [0, () => stage.event('Update')],
      [1_000, () => stage.event('Delete')],
    );
    expect([updated?.Status, deleted?.Status]).toEqual(['FAILED', 'SUCCESS']);
    expect(stage.devicesOf()).toEqual([]);
    expect(Object.keys(stage.tags())).toEqual([MARK]);
  });

  test('that enables the device only after its Delete has withdrawn the claim deactivates it again', async () => {
    await enrolled();
    stage.deactivate();
    // The Delete comes between the claim and the codes.
    stage.fault = (action, call) =>
      action === 'iam:TagMFADevice' && call === 1 ? () => stage.clock.sleep(2_500) : undefined;
    const [updated, deleted] = await stage.sendAll(
      [0, () => stage.event('Update')],
      [1_000, () => stage.event('Delete')],
    );
    expect([updated?.Status, deleted?.Status]).toEqual(['FAILED', 'SUCCESS']);
    expect(codeCalls()).toEqual(['iam:EnableMFADevice']);
    expect(stage.devicesOf()).toEqual([]);
    expect(Object.keys(stage.tags())).toEqual([MARK]);
  });

  test.each([
    ['user', { UserName: 'bob' }],
    ['device', { SerialNumber: serialNumberOf('other') }],
  ])('refuses another %s without changes, and the Update back changes nothing', async (_, changes) => {
    await enrolled();
    const forward = await stage.request('Update', { ResourceProperties: stage.properties(changes) });
    const PhysicalResourceId = `alice|${stage.serialNumber}|${stage.creationOf()}`;
    expect(forward).toMatchObject({ Status: 'FAILED', PhysicalResourceId });
    expect(forward.Reason).toMatch(/keeps its user and its device\. State: nothing was changed\. Next:/);
    expect(stage.calls).toEqual([]);
    const back = await stage.request('Update', { OldResourceProperties: stage.properties(changes) });
    expect(back).toMatchObject(SUCCESS);
    expect(stage.tags()).toEqual({ [OURS]: ourClaim() });
  });
});

test('the log says what was done', async () => {
  await stage.request('Create');
  const OldResourceProperties = stage.properties({ SeedSecretArn: 'arn:aws:secretsmanager:eu-west-1:1:secret:former' });
  await stage.pass(10 * MINUTE);
  await stage.request('Update', { OldResourceProperties });
  await stage.request('Delete');
  const messages = stage.log.map(({ message }) => message);
  expect(messages.filter((message) => !/^(request received|responding)$/.test(String(message)))).toEqual([
    'device enabled',
    'seed verified',
    'device deactivated',
  ]);
});

describe('Delete', () => {
  test.each([
    ['failed', {}],
    ['never answered', INVENTED],
  ])('of a Create that %s leaves a device that somebody has enabled since', async (_, id) => {
    stage.fault = refuse('iam:EnableMFADevice', 'LimitExceeded', 409);
    expect(await stage.request('Create')).toMatchObject({ Status: 'FAILED' });
    stage.fault = () => undefined;
    await stage.pass(60 * MINUTE);
    stage.enable();
    expect(await stage.request('Delete', id)).toMatchObject(SUCCESS);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
    expect(stage.tags()).not.toHaveProperty([OURS]);
  });

  test('that gives a device back to a kept claim says since when it is enabled, so that another stack can join', async () => {
    await enrolled(3 * DAY);
    stage.deactivate();
    await enrolled(2 * MINUTE);
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
    await stage.pass(70 * MINUTE);
    expect(await stage.request('Create', OTHER_STACK)).toMatchObject(SUCCESS);
    expect(stage.tags()[OTHER_STACKS]).toMatch(/^enabled /);
  });

  test('deactivates the device although an enrollment of another user claims it', async () => {
    await enrolled();
    stage.tag(OTHER_STACKS, claimSent(MINUTE, 'enabled', 'bob'));
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
    expect(stage.devicesOf()).toEqual([]);
  });

  test('marks the device, deactivates it and withdraws the claim in six calls, at once', async () => {
    await enrolled(10_000);
    const before = stage.clock.now();
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
    expect(stage.calls).toEqual([
      'iam:ListMFADeviceTags',
      'iam:TagMFADevice',
      'iam:ListMFADevices',
      'iam:ListMFADeviceTags',
      'iam:DeactivateMFADevice',
      'iam:UntagMFADevice',
    ]);
    expect(stage.clock.now()).toBe(before);
    expect(stage.devicesOf()).toEqual([]);
    expect(Object.keys(stage.tags())).toEqual([MARK]);
  });

  test('looks again 22 s later if the device was enabled less than 10 s ago, perhaps by somebody whose claim is not readable yet', async () => {
    await enrolled();
    stage.deactivate();
    stage.enable();
    await stage.pass(9_000);
    const startedAt = stage.clock.now();
    stage.fault = (action) =>
      action === 'iam:ListMFADevices' ? () => stage.tag(OTHER_STACKS, claimSent(MINUTE)) : undefined;
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
    expect(stage.clock.now() - startedAt).toBe(22_000);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
    expect(stage.tags()).not.toHaveProperty([OURS]);
  });

  test('reads the claims after the device, so that a claim written in between counts', async () => {
    await enrolled();
    stage.fault = (action, call) =>
      action === 'iam:ListMFADevices' && call === 1 ? () => stage.tag(OTHER_STACKS, claimSent(MINUTE)) : undefined;
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
    expect(stage.calls).not.toContain('iam:DeactivateMFADevice');
  });

  test('does not wait if the device is off and its Create is over', async () => {
    await enrolled();
    stage.deactivate();
    const before = stage.clock.now();
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
    expect(stage.clock.now()).toBe(before);
  });

  test('stops a Create that is throttled for longer than the Delete takes', async () => {
    stage.fault = refuse('iam:EnableMFADevice', 'Throttling', 400, [1, 9]);
    const [cancelled, deleted] = await stage.sendAll(
      [0, () => stage.event('Create')],
      [2_000, () => stage.event('Delete', INVENTED)],
    );
    expect([cancelled?.Status, deleted?.Status]).toEqual(['FAILED', 'SUCCESS']);
    expect(stage.left.join()).toContain('overtaken by a later request');
    expect(stage.devicesOf()).toEqual([]);
    expect(Object.keys(stage.tags())).toEqual([MARK]);
  });

  test('leaves an adopted device enabled', async () => {
    await enrolled();
    stage.tag(OURS, ourClaim('adopted'));
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
    expect(stage.calls).not.toContain('iam:DeactivateMFADevice');
    expect(Object.keys(stage.tags())).toEqual([MARK]);
  });

  test('changes nothing without its own claim', async () => {
    await enabledByHand();
    stage.tag('owner', 'security');
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
    expect(stage.calls).toEqual(['iam:ListMFADeviceTags', 'iam:ListMFADeviceTags']);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
  });

  test.each([
    ['the device', () => stage.deactivate()],
    [
      'the device and its tags',
      () => {
        stage.deactivate();
        stage.iam.call('DeleteVirtualMFADevice', { SerialNumber: stage.serialNumber });
      },
    ],
    [
      'the user',
      () => {
        stage.deactivate();
        stage.iam.call('DeleteUser', { UserName: 'alice' });
      },
    ],
  ])('succeeds if %s does not exist', async (_, remove) => {
    await enrolled();
    remove();
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
  });

  test.each(['lose answer', 'lose request'] as const)('succeeds if each call had to %s once', async (lost) => {
    await enrolled();
    stage.fault = (_, call) => (call === 1 ? lost : undefined);
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
    expect(stage.devicesOf()).toEqual([]);
    expect(Object.keys(stage.tags())).toEqual([MARK]);
  });

  test('describes the state if it deactivated the device but may not withdraw its claim', async () => {
    await enrolled();
    stage.fault = refuse('iam:UntagMFADevice', 'AccessDenied', 403);
    const { Reason } = await stage.request('Delete');
    expect(Reason).toMatch(
      /State: the device is not enabled for this user; the device has the claim tag [^;]*\. Next:/,
    );
  });

  test('describes the state if it may not deactivate the device', async () => {
    await enrolled();
    stage.fault = refuse('iam:DeactivateMFADevice', 'AccessDenied', 403);
    const { Status, Reason } = await stage.request('Delete');
    expect(Status).toBe('FAILED');
    expect(Reason).toMatch(
      /could not deactivate .*iam:DeactivateMFADevice on user alice is denied.*State: the device is enabled for this user; the device has the claim tag .*--retain-resources MfaEnrollmentAlice0A1B2C3D\.$/,
    );
    expect(stage.tags()).toHaveProperty(OURS);
  });
});
