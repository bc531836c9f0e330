import { enrollmentClaimKey } from '../../../lib/contract';
import { LOGICAL_ID, refuse, serialNumberOf, Stage, STACK_UUID } from '../stage';

const OURS = enrollmentClaimKey(STACK_UUID, LOGICAL_ID);
const THEIRS = enrollmentClaimKey(STACK_UUID, 'MfaEnrollmentRenamed0A1B2C3D');
const SUCCESS = { Status: 'SUCCESS' };

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.expectSecrecy());

/** Creates the enrollment, then waits for `agoMs`. */
async function enrolled(agoMs = 10 * 60_000): Promise<void> {
  expect(await stage.request('Create')).toMatchObject(SUCCESS);
  await stage.clock.run(stage.clock.sleep(agoMs));
  stage.calls = [];
}

/** Enables the device without this library. */
async function enabledByHand(agoMs = 10 * 60_000): Promise<void> {
  await enrolled(agoMs);
  stage.iam.call('UntagMFADevice', { SerialNumber: stage.serialNumber, TagKeys: [OURS] });
}

const codeCalls = () => stage.calls.filter((call) => /EnableMFADevice|ResyncMFADevice/.test(call));

describe('Create', () => {
  test('reads, claims and enables in five calls', async () => {
    expect(await stage.request('Create')).toMatchObject({
      ...SUCCESS,
      PhysicalResourceId: `alice|${stage.serialNumber}`,
      Data: { UserName: 'alice', SerialNumber: stage.serialNumber },
    });
    expect(stage.calls.slice(0, 3).sort()).toEqual([
      'iam:ListMFADeviceTags',
      'iam:ListMFADevices',
      'secretsmanager:GetSecretValue',
    ]);
    expect(stage.calls.slice(3)).toEqual(['iam:TagMFADevice', 'iam:EnableMFADevice']);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
    expect(stage.tags()).toEqual({ [OURS]: 'enabled eu-west-1 Staging' });
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
    await stage.clock.run(stage.clock.sleep(30_000 - (stage.clock.now() % 30_000) - left));
    const before = stage.clock.now();
    await stage.request('Create');
    // Dates in headers have whole seconds, so the function may wait up to a second longer.
    expect(Math.abs(stage.clock.now() - before - waits)).toBeLessThan(1_000);
    expect(stage.iam.deviceClock(stage.serialNumber)).toMatchObject({ adjustment: 0 });
  });

  test('waits for codes that IAM has not seen right after a deactivation, and sends no future codes', async () => {
    await enrolled(0);
    await stage.request('Delete');
    stage.calls = [];
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
    expect(Reason).toContain(`for user alice`);
    expect(Reason).toContain(`secret ${stage.secretArn} does not hold the seed of device ${stage.serialNumber}`);
    expect(Reason).toContain('State: the device is not enabled');
    expect(stage.devicesOf()).toEqual([]);
  });

  test('fails if the device is enabled for another user, and says that devices are never reassigned', async () => {
    await enrolled();
    stage.iam.call('CreateUser', { UserName: 'bob' });
    const answer = await stage.request('Create', { ResourceProperties: stage.properties({ UserName: 'bob' }) });
    expect(answer).toMatchObject({ Status: 'FAILED', PhysicalResourceId: `bob|${stage.serialNumber}` });
    expect(answer.Reason).toMatch(/enabled for another user.*never moved.*Next: make a new device/);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
  });

  test('fails without changes if somebody else enabled the device, after reading the tags twice', async () => {
    await enabledByHand();
    const { Status, Reason } = await stage.request('Create');
    expect(Status).toBe('FAILED');
    expect(Reason).toMatch(/no enrollment of this library did it.*'adoptExisting'/);
    expect(stage.calls.filter((call) => call === 'iam:ListMFADeviceTags')).toHaveLength(2);
    expect(codeCalls()).toEqual([]);
    expect(stage.tags()).toEqual({});
  });

  test('adopts a device that somebody else enabled after verifying the seed', async () => {
    await enabledByHand();
    const event = { ResourceProperties: stage.properties({ AdoptExisting: 'true' }) };
    expect(await stage.request('Create', event)).toMatchObject(SUCCESS);
    expect(codeCalls()).toEqual(['iam:ResyncMFADevice']);
    expect(stage.calls.indexOf('iam:ResyncMFADevice')).toBeLessThan(stage.calls.indexOf('iam:TagMFADevice'));
    expect(stage.tags()).toEqual({ [OURS]: 'adopted eu-west-1 Staging' });
  });

  test('does not adopt a device whose seed it cannot verify', async () => {
    await enabledByHand();
    stage.secretsManager.call('PutSecretValue', { SecretId: stage.secretArn, SecretString: stage.createDevice('bob') });
    const event = { ResourceProperties: stage.properties({ AdoptExisting: 'true' }) };
    expect(await stage.request('Create', event)).toMatchObject({ Status: 'FAILED' });
    expect(stage.tags()).toEqual({});
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
  });

  test.each(['enabled', 'adopted'])(
    'joins a device that this library has %s after verifying the seed',
    async (kind) => {
      await enabledByHand();
      stage.tag(THEIRS, `${kind} eu-west-1 Staging`);
      expect(await stage.request('Create')).toMatchObject(SUCCESS);
      expect(codeCalls()).toEqual(['iam:ResyncMFADevice']);
      expect(stage.tags()[OURS]).toBe(`${kind} eu-west-1 Staging`);
    },
  );

  test('joins without waiting if a claim is readable', async () => {
    await enabledByHand();
    stage.tag(THEIRS, 'enabled eu-west-1 Staging');
    const before = stage.clock.now();
    await stage.request('Create');
    expect(stage.clock.now()).toBe(before);
  });

  test('does not join if the request that verifies the seed was lost', async () => {
    await enabledByHand();
    stage.tag(THEIRS, 'enabled eu-west-1 Staging');
    stage.secretsManager.call('PutSecretValue', { SecretId: stage.secretArn, SecretString: stage.createDevice('bob') });
    stage.fault = (action, call) => (action === 'iam:ResyncMFADevice' && call === 1 ? 'lose request' : undefined);
    expect(await stage.request('Create')).toMatchObject({ Status: 'FAILED' });
    expect(stage.tags()).not.toHaveProperty(OURS);
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

  test('joins a device whose claim is not readable yet', async () => {
    await enabledByHand();
    stage.iam.delays = { ...stage.iam.delays, tags: 5_000 };
    stage.tag(THEIRS, 'enabled eu-west-1 Staging');
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
  });

  test('responds only when its claim is readable after joining a device', async () => {
    await enabledByHand();
    stage.tag(THEIRS, 'enabled eu-west-1 Staging');
    stage.iam.delays = { ...stage.iam.delays, tags: 5_000 };
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(stage.tags()).toHaveProperty(OURS);
  });

  test('reads the state and verifies the seed if the response of EnableMFADevice is lost', async () => {
    stage.fault = (action, call) => (action === 'iam:EnableMFADevice' && call === 1 ? 'lose answer' : undefined);
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(codeCalls().slice(0, 2)).toEqual(['iam:EnableMFADevice', 'iam:ResyncMFADevice']);
    expect(stage.tags()[OURS]).toMatch(/^enabled /);
  });

  test('reads the state and enables the device if the request of EnableMFADevice is lost', async () => {
    stage.fault = (action, call) => (action === 'iam:EnableMFADevice' && call === 1 ? 'lose request' : undefined);
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(codeCalls()).toEqual(['iam:EnableMFADevice', 'iam:EnableMFADevice']);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
  });

  test('responds only when its claim is readable after enabling a device with other claims', async () => {
    stage.tag(THEIRS, 'enabled eu-west-1 Staging');
    await stage.clock.run(stage.clock.sleep(10 * 60_000));
    stage.iam.delays = { ...stage.iam.delays, tags: 30_000 };
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(stage.tags()).toHaveProperty(OURS);
  });

  test('starts over if the device is deactivated before the seed is verified', async () => {
    await enrolled();
    const off = { UserName: 'alice', SerialNumber: stage.serialNumber };
    stage.fault = (action, call) => {
      if (action === 'secretsmanager:GetSecretValue' && call === 1) {
        return () => stage.iam.call('DeactivateMFADevice', off);
      }
      return undefined;
    };
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
  });

  test('starts over if the device is deactivated after it was claimed', async () => {
    await enabledByHand();
    stage.tag(THEIRS, 'adopted eu-west-1 Staging');
    const off = { UserName: 'alice', SerialNumber: stage.serialNumber };
    stage.fault = (action, call) =>
      action === 'iam:TagMFADevice' && call === 1 ? () => stage.iam.call('DeactivateMFADevice', off) : undefined;
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
    expect(stage.tags()[OURS]).toMatch(/^enabled /);
  });

  test('that is delivered twice, one after the other, ends in the same state', async () => {
    await enrolled(0);
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(stage.tags()).toEqual({ [OURS]: 'enabled eu-west-1 Staging' });
    expect(stage.calls).not.toContain('iam:TagMFADevice');
  });

  test('that is delivered twice in parallel ends in the same state', async () => {
    const both = Promise.all([stage.start(stage.event('Create')), stage.start(stage.event('Create'))]);
    expect(await stage.clock.run(both)).toMatchObject([SUCCESS, SUCCESS]);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
    expect(stage.tags()).toEqual({ [OURS]: 'enabled eu-west-1 Staging' });
  });

  test('leaves its claim if it fails, and the Delete withdraws it', async () => {
    stage.fault = refuse('iam:EnableMFADevice', 'LimitExceeded', 409);
    expect(await stage.request('Create')).toMatchObject({ Status: 'FAILED' });
    expect(stage.tags()).toHaveProperty(OURS);
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
    expect(stage.tags()).toEqual({});
  });

  test('waits for a user that is not readable yet', async () => {
    stage.iam.delays = { ...stage.iam.delays, newUser: 20_000 };
    stage.iam.call('CreateUser', { UserName: 'carol' });
    const event = { ResourceProperties: stage.properties({ UserName: 'carol' }) };
    expect(await stage.request('Create', event)).toMatchObject(SUCCESS);
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
    expect(answer).toMatchObject({ Status: 'FAILED', PhysicalResourceId: `alice|${stage.serialNumber}` });
    expect(answer.Reason).toContain('State: the device is enabled');
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
  });

  test('enables the device again if somebody deactivated it', async () => {
    await enrolled();
    stage.iam.call('DeactivateMFADevice', { UserName: 'alice', SerialNumber: stage.serialNumber });
    expect(await stage.request('Update')).toMatchObject(SUCCESS);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
    expect(stage.tags()[OURS]).toMatch(/^enabled /);
    expect(stage.calls).not.toContain('iam:TagMFADevice');
  });

  test('claims an adopted device as enabled after enabling it again', async () => {
    await enrolled();
    stage.tag(OURS, 'adopted eu-west-1 Staging');
    stage.iam.call('DeactivateMFADevice', { UserName: 'alice', SerialNumber: stage.serialNumber });
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
      stage.tag(THEIRS, `${others} eu-west-1 Staging`);
    }
    expect(await stage.request('Update')).toMatchObject(SUCCESS);
    expect(stage.tags()[OURS]).toBe(`${ours} eu-west-1 Staging`);
    expect(codeCalls()).toEqual([]);
  });

  test('does not treat a claim as missing while it is not readable yet', async () => {
    await enabledByHand();
    stage.iam.delays = { ...stage.iam.delays, tags: 5_000 };
    stage.tag(OURS, 'enabled eu-west-1 Staging');
    await stage.request('Update');
    expect(stage.calls).not.toContain('iam:TagMFADevice');
  });

  test.each([
    ['user', { UserName: 'bob' }],
    ['device', { SerialNumber: serialNumberOf('other') }],
  ])('refuses another %s without changes, and the Update back changes nothing', async (_, changes) => {
    await enrolled();
    const forward = await stage.request('Update', { ResourceProperties: stage.properties(changes) });
    expect(forward).toMatchObject({ Status: 'FAILED', PhysicalResourceId: `alice|${stage.serialNumber}` });
    expect(forward.Reason).toMatch(/for life.*State: nothing was changed.*Next:/);
    expect(stage.calls).toEqual([]);
    const back = await stage.request('Update', { OldResourceProperties: stage.properties(changes) });
    expect(back).toMatchObject(SUCCESS);
    expect(stage.tags()).toEqual({ [OURS]: 'enabled eu-west-1 Staging' });
  });
});

test('the log says what was done', async () => {
  await stage.request('Create');
  const OldResourceProperties = stage.properties({ SeedSecretArn: 'arn:aws:secretsmanager:eu-west-1:1:secret:former' });
  await stage.clock.run(stage.clock.sleep(10 * 60_000));
  await stage.request('Update', { OldResourceProperties });
  await stage.request('Delete');
  const messages = stage.left.map((line) => (JSON.parse(line) as { message?: string }).message);
  expect(
    messages.filter((message) => message !== undefined && !/^(request received|answering)$/.test(message)),
  ).toEqual(['device enabled', 'seed proven', 'device deactivated']);
});

describe('a refused Create', () => {
  test('does not count as refused if access was denied, because another attempt may have succeeded', async () => {
    stage.fault = refuse('secretsmanager:GetSecretValue', 'AccessDenied', 400);
    expect(await stage.request('Create')).toMatchObject({
      Status: 'FAILED',
      PhysicalResourceId: `alice|${stage.serialNumber}`,
    });
  });

  test.each([
    ['a missing secret', () => ({ SeedSecretArn: `${stage.secretArn}none` })],
    ['a secret without a seed', () => ({ SeedSecretArn: stage.createSecret('mfa/password', 'correct horse') })],
  ])('with %s does not change a retained enrollment, and neither does its Delete', async (_, properties) => {
    await enrolled();
    const ResourceProperties = stage.properties(properties());
    const { PhysicalResourceId, Status } = await stage.request('Create', { ResourceProperties });
    expect([Status, PhysicalResourceId]).toEqual(['FAILED', `alice|${stage.serialNumber}|refused`]);
    expect(await stage.request('Delete', { ResourceProperties, PhysicalResourceId })).toMatchObject(SUCCESS);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
    expect(stage.tags()).toEqual({ [OURS]: 'enabled eu-west-1 Staging' });
  });
});

describe('Delete', () => {
  test('deactivates a device that this library enabled, then withdraws the claim', async () => {
    await enrolled();
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
    expect(stage.calls).toEqual([
      'iam:ListMFADeviceTags',
      'iam:ListMFADeviceTags',
      'iam:DeactivateMFADevice',
      'iam:UntagMFADevice',
    ]);
    expect(stage.devicesOf()).toEqual([]);
    expect(stage.tags()).toEqual({});
  });

  test('leaves an adopted device enabled', async () => {
    await enrolled();
    stage.tag(OURS, 'adopted eu-west-1 Staging');
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
    expect(stage.calls).not.toContain('iam:DeactivateMFADevice');
    expect(stage.tags()).toEqual({});
  });

  test('leaves a device with other claims enabled, and withdraws only its own claim', async () => {
    await enrolled();
    stage.tag(THEIRS, 'adopted eu-west-1 Staging');
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
    expect(stage.tags()).toEqual({ [THEIRS]: 'adopted eu-west-1 Staging' });
    // If the device stays enabled, reading once is enough.
    expect(stage.calls).toEqual(['iam:ListMFADeviceTags', 'iam:UntagMFADevice']);
  });

  test('respects a claim of another enrollment that is not readable yet', async () => {
    await enrolled();
    stage.iam.delays = { ...stage.iam.delays, tags: 5_000 };
    stage.tag(THEIRS, 'enabled eu-west-1 Staging');
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
  });

  test('changes nothing without its own claim, after reading the tags twice', async () => {
    await enabledByHand();
    stage.tag('owner', 'security');
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
    expect(stage.calls).toEqual(['iam:ListMFADeviceTags', 'iam:ListMFADeviceTags']);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
  });

  test('finds its own claim that is not readable yet', async () => {
    await enabledByHand();
    stage.iam.delays = { ...stage.iam.delays, tags: 5_000 };
    stage.tag(OURS, 'enabled eu-west-1 Staging');
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
    expect(stage.devicesOf()).toEqual([]);
  });

  test.each([
    [
      'the device',
      () => stage.iam.call('DeactivateMFADevice', { UserName: 'alice', SerialNumber: stage.serialNumber }),
    ],
    [
      'the device and its tags',
      () => {
        stage.iam.call('DeactivateMFADevice', { UserName: 'alice', SerialNumber: stage.serialNumber });
        stage.iam.call('DeleteVirtualMFADevice', { SerialNumber: stage.serialNumber });
      },
    ],
    [
      'the user',
      () => {
        stage.iam.call('DeactivateMFADevice', { UserName: 'alice', SerialNumber: stage.serialNumber });
        stage.iam.call('DeleteUser', { UserName: 'alice' });
      },
    ],
  ])('succeeds if %s does not exist', async (_, remove) => {
    await enrolled();
    remove();
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
  });

  test('succeeds twice if it is delivered twice', async () => {
    await enrolled();
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
  });

  test('repeats a call whose response is lost', async () => {
    await enrolled();
    stage.fault = (_, call) => (call === 1 ? 'lose answer' : undefined);
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
    expect(stage.devicesOf()).toEqual([]);
    expect(stage.tags()).toEqual({});
  });

  test('with an invented physical id waits for a Create that starts as late and runs as long as possible', async () => {
    const invented = stage.event('Delete', { PhysicalResourceId: 'Staging-MfaEnrollmentAlice0A1B2C3D-1ABCDEFGHIJKL' });
    const late = stage.clock.sleep(479_000).then(() => stage.start(stage.event('Create')));
    stage.fault = refuse('iam:ListMFADevices', 'Throttling', 400, [1, 12]);
    const [created, deleted] = await stage.clock.run(Promise.all([late, stage.start(invented)]));
    expect(created).toMatchObject(SUCCESS);
    expect(deleted).toMatchObject({ ...SUCCESS, PhysicalResourceId: invented.PhysicalResourceId });
    expect(stage.devicesOf()).toEqual([]);
    expect(stage.tags()).toEqual({});
  });

  test('describes the state if it deactivated the device but may not withdraw its claim', async () => {
    await enrolled();
    stage.fault = refuse('iam:UntagMFADevice', 'AccessDenied', 403);
    const { Reason } = await stage.request('Delete');
    expect(Reason).toMatch(
      /State: the device is not enabled for this user; the device carries the claim tag[^;]*\. Next:/,
    );
  });

  test('describes the state if it may not deactivate the device', async () => {
    await enrolled();
    stage.fault = refuse('iam:DeactivateMFADevice', 'AccessDenied', 403);
    const { Status, Reason } = await stage.request('Delete');
    expect(Status).toBe('FAILED');
    expect(Reason).toMatch(
      /cannot deactivate .*iam:DeactivateMFADevice on user alice is denied.*State: the device was not deactivated; the device carries the claim tag.*nothing was changed.*finish by hand/,
    );
    expect(stage.tags()).toHaveProperty(OURS);
  });
});
