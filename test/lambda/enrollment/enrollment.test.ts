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

/** Enabled and claimed by us, as a Create leaves it; with the replay memory as old as `agoMs`. */
async function enrolled(agoMs = 10 * 60_000): Promise<void> {
  expect(await stage.request('Create')).toMatchObject(SUCCESS);
  await stage.clock.run(stage.clock.sleep(agoMs));
  stage.calls = [];
}

/** Enabled by somebody who knows nothing of this library. */
async function enabledByHand(agoMs = 10 * 60_000): Promise<void> {
  await enrolled(agoMs);
  stage.iam.call('UntagMFADevice', { SerialNumber: stage.serialNumber, TagKeys: [OURS] });
}

const codeCalls = () => stage.calls.filter((call) => /EnableMFADevice|ResyncMFADevice/.test(call));

describe('Create', () => {
  test('reads first, then claims, then enables: five calls', async () => {
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

  test('waits for no code, and stores a clock adjustment of 0', async () => {
    const before = stage.clock.now();
    await stage.request('Create');
    expect(stage.clock.now()).toBe(before);
    expect(stage.iam.deviceClock(stage.serialNumber)).toMatchObject({ adjustment: 0 });
  });

  test.each([
    [2_900, 2_900],
    [4_000, 0],
    [4_100, 0],
  ])('with %i ms left in a step, waits %i ms', async (left, waits) => {
    await stage.clock.run(stage.clock.sleep(30_000 - (stage.clock.now() % 30_000) - left));
    const before = stage.clock.now();
    await stage.request('Create');
    // A date in a header has no fractions, so the function waits up to a second longer than needed.
    expect(Math.abs(stage.clock.now() - before - waits)).toBeLessThan(1_000);
    expect(stage.iam.deviceClock(stage.serialNumber)).toMatchObject({ adjustment: 0 });
  });

  test('outwaits the replay memory where the device was deactivated just now, with no code from the future', async () => {
    await enrolled(0);
    await stage.request('Delete');
    stage.calls = [];
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(codeCalls()).toHaveLength(3);
    expect(stage.iam.deviceClock(stage.serialNumber)).toMatchObject({ adjustment: 0 });
  });

  test('gives up after four pairs of different steps where the secret holds another seed', async () => {
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

  test('fails on a device that is enabled for another user, and says that devices are not moved', async () => {
    await enrolled();
    stage.iam.call('CreateUser', { UserName: 'bob' });
    const answer = await stage.request('Create', { ResourceProperties: stage.properties({ UserName: 'bob' }) });
    expect(answer).toMatchObject({ Status: 'FAILED', PhysicalResourceId: `bob|${stage.serialNumber}` });
    expect(answer.Reason).toMatch(/enabled for another user.*never moved.*Next: make a new device/);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
  });

  test('fails on a device that somebody else enabled, after a second look, and changes nothing', async () => {
    await enabledByHand();
    const { Status, Reason } = await stage.request('Create');
    expect(Status).toBe('FAILED');
    expect(Reason).toMatch(/no enrollment of this library did it.*'adoptExisting'/);
    expect(stage.calls.filter((call) => call === 'iam:ListMFADeviceTags')).toHaveLength(2);
    expect(codeCalls()).toEqual([]);
    expect(stage.tags()).toEqual({});
  });

  test('adopts a device that somebody else enabled, once the seed is proven', async () => {
    await enabledByHand();
    const event = { ResourceProperties: stage.properties({ AdoptExisting: 'true' }) };
    expect(await stage.request('Create', event)).toMatchObject(SUCCESS);
    expect(codeCalls()).toEqual(['iam:ResyncMFADevice']);
    expect(stage.calls.indexOf('iam:ResyncMFADevice')).toBeLessThan(stage.calls.indexOf('iam:TagMFADevice'));
    expect(stage.tags()).toEqual({ [OURS]: 'adopted eu-west-1 Staging' });
  });

  test('adopts nothing whose seed it cannot prove', async () => {
    await enabledByHand();
    stage.secretsManager.call('PutSecretValue', { SecretId: stage.secretArn, SecretString: stage.createDevice('bob') });
    const event = { ResourceProperties: stage.properties({ AdoptExisting: 'true' }) };
    expect(await stage.request('Create', event)).toMatchObject({ Status: 'FAILED' });
    expect(stage.tags()).toEqual({});
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
  });

  test.each(['enabled', 'adopted'])('joins a device that this library has %s, and proves the seed', async (kind) => {
    await enabledByHand();
    stage.tag(THEIRS, `${kind} eu-west-1 Staging`);
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(codeCalls()).toEqual(['iam:ResyncMFADevice']);
    expect(stage.tags()[OURS]).toBe(`${kind} eu-west-1 Staging`);
  });

  test('joins at the first look: a claim that can be read is conclusive', async () => {
    await enabledByHand();
    stage.tag(THEIRS, 'enabled eu-west-1 Staging');
    const before = stage.clock.now();
    await stage.request('Create');
    expect(stage.clock.now()).toBe(before);
  });

  test('joins nothing on the word of a proof whose request was lost', async () => {
    await enabledByHand();
    stage.tag(THEIRS, 'enabled eu-west-1 Staging');
    stage.secretsManager.call('PutSecretValue', { SecretId: stage.secretArn, SecretString: stage.createDevice('bob') });
    stage.fault = (action, call) => (action === 'iam:ResyncMFADevice' && call === 1 ? 'lose request' : undefined);
    expect(await stage.request('Create')).toMatchObject({ Status: 'FAILED' });
    expect(stage.tags()).not.toHaveProperty(OURS);
  });

  test('overtaken by another Create, goes on at once by what it reads', async () => {
    const overtake = async () => {
      await stage.start(stage.event('Create', { LogicalResourceId: 'MfaEnrollmentRenamed0A1B2C3D' }));
      stage.calls = [];
    };
    stage.fault = (action, call) => (action === 'iam:TagMFADevice' && call === 1 ? overtake : undefined);
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(codeCalls()[0]).toBe('iam:EnableMFADevice');
    const proof = stage.calls.indexOf('iam:ResyncMFADevice');
    // One look at who has the device, and one to go on by.
    expect(stage.calls.slice(0, proof).filter((call) => call === 'iam:ListMFADevices')).toHaveLength(2);
  });

  test('a claim on the device that it joins is read, though it was written a moment ago', async () => {
    await enabledByHand();
    stage.iam.delays = { ...stage.iam.delays, tags: 5_000 };
    stage.tag(THEIRS, 'enabled eu-west-1 Staging');
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
  });

  test('having joined, it answers only when its claim can be read', async () => {
    await enabledByHand();
    stage.tag(THEIRS, 'enabled eu-west-1 Staging');
    stage.iam.delays = { ...stage.iam.delays, tags: 5_000 };
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(stage.tags()).toHaveProperty(OURS);
  });

  test('does not take a lost answer for a failure: reads, and proves what it finds', async () => {
    stage.fault = (action, call) => (action === 'iam:EnableMFADevice' && call === 1 ? 'lose answer' : undefined);
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(codeCalls().slice(0, 2)).toEqual(['iam:EnableMFADevice', 'iam:ResyncMFADevice']);
    expect(stage.tags()[OURS]).toMatch(/^enabled /);
  });

  test('does not take a lost request for a success: reads, and enables', async () => {
    stage.fault = (action, call) => (action === 'iam:EnableMFADevice' && call === 1 ? 'lose request' : undefined);
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(codeCalls()).toEqual(['iam:EnableMFADevice', 'iam:EnableMFADevice']);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
  });

  test('having enabled a device on which others have claims, it answers only when its claim can be read', async () => {
    stage.tag(THEIRS, 'enabled eu-west-1 Staging');
    await stage.clock.run(stage.clock.sleep(10 * 60_000));
    stage.iam.delays = { ...stage.iam.delays, tags: 30_000 };
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(stage.tags()).toHaveProperty(OURS);
  });

  test('starts over where the device is switched off before the seed is proven', async () => {
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

  test('starts over where the device is switched off after it was claimed', async () => {
    await enabledByHand();
    stage.tag(THEIRS, 'adopted eu-west-1 Staging');
    const off = { UserName: 'alice', SerialNumber: stage.serialNumber };
    stage.fault = (action, call) =>
      action === 'iam:TagMFADevice' && call === 1 ? () => stage.iam.call('DeactivateMFADevice', off) : undefined;
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
    expect(stage.tags()[OURS]).toMatch(/^enabled /);
  });

  test('the same Create twice, one after the other, ends in the same state', async () => {
    await enrolled(0);
    expect(await stage.request('Create')).toMatchObject(SUCCESS);
    expect(stage.tags()).toEqual({ [OURS]: 'enabled eu-west-1 Staging' });
    expect(stage.calls).not.toContain('iam:TagMFADevice');
  });

  test('the same Create twice at once ends in the same state', async () => {
    const both = Promise.all([stage.start(stage.event('Create')), stage.start(stage.event('Create'))]);
    expect(await stage.clock.run(both)).toMatchObject([SUCCESS, SUCCESS]);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
    expect(stage.tags()).toEqual({ [OURS]: 'enabled eu-west-1 Staging' });
  });

  test('leaves its claim standing where it fails, and the Delete that follows withdraws it', async () => {
    stage.fault = refuse('iam:EnableMFADevice', 'LimitExceeded', 409);
    expect(await stage.request('Create')).toMatchObject({ Status: 'FAILED' });
    expect(stage.tags()).toHaveProperty(OURS);
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
    expect(stage.tags()).toEqual({});
  });

  test('waits for a user that IAM does not know yet', async () => {
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
  ])('names %s where it does not exist, after two minutes', async (_, changes, words) => {
    const before = stage.clock.now();
    const { Status, Reason } = await stage.request('Create', { ResourceProperties: stage.properties(changes) });
    expect(Status).toBe('FAILED');
    expect(Reason).toMatch(words);
    expect(stage.clock.now() - before).toBeGreaterThan(100_000);
    expect(stage.clock.now() - before).toBeLessThan(125_000);
  });

  test('what it finds wrong with the secret changes nothing', async () => {
    stage.secretsManager.call('PutSecretValue', { SecretId: stage.secretArn, SecretString: 'not a seed!' });
    const { Reason } = await stage.request('Create');
    expect(Reason).toMatch(/holds no seed: it is not Base32.*State: .*nothing was changed/);
    expect(stage.calls).not.toContain('iam:TagMFADevice');
  });
});

describe('Update', () => {
  test('changes nothing about a device that is enabled and ours: two calls', async () => {
    await enrolled();
    expect(await stage.request('Update')).toMatchObject(SUCCESS);
    expect(stage.calls.sort()).toEqual(['iam:ListMFADeviceTags', 'iam:ListMFADevices']);
  });

  test.each([
    ['another secret', { SeedSecretArn: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:former-AbCdEf' }],
    ['another field', { SeedSecretField: 'former' }],
  ])('proves the seed of %s', async (_, former) => {
    await enrolled();
    expect(await stage.request('Update', { OldResourceProperties: stage.properties(former) })).toMatchObject(SUCCESS);
    expect(codeCalls()).toEqual(['iam:ResyncMFADevice']);
  });

  test("fails where the new secret does not hold this device's seed, with the old physical id and the device enabled", async () => {
    await enrolled();
    const SeedSecretArn = stage.createSecret('mfa/bob', stage.createDevice('bob'));
    const answer = await stage.request('Update', { ResourceProperties: stage.properties({ SeedSecretArn }) });
    expect(answer).toMatchObject({ Status: 'FAILED', PhysicalResourceId: `alice|${stage.serialNumber}` });
    expect(answer.Reason).toContain('State: the device is enabled');
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
  });

  test('enables again what somebody switched off', async () => {
    await enrolled();
    stage.iam.call('DeactivateMFADevice', { UserName: 'alice', SerialNumber: stage.serialNumber });
    expect(await stage.request('Update')).toMatchObject(SUCCESS);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
    expect(stage.tags()[OURS]).toMatch(/^enabled /);
    expect(stage.calls).not.toContain('iam:TagMFADevice');
  });

  test('owns up to enabling a device again that it had adopted', async () => {
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
  ])('puts a claim back that somebody removed: others say %s, ours says %s', async (others, ours) => {
    await enabledByHand();
    if (others !== undefined) {
      stage.tag(THEIRS, `${others} eu-west-1 Staging`);
    }
    expect(await stage.request('Update')).toMatchObject(SUCCESS);
    expect(stage.tags()[OURS]).toBe(`${ours} eu-west-1 Staging`);
    expect(codeCalls()).toEqual([]);
  });

  test('does not take a claim for missing at the first look', async () => {
    await enabledByHand();
    stage.iam.delays = { ...stage.iam.delays, tags: 5_000 };
    stage.tag(OURS, 'enabled eu-west-1 Staging');
    await stage.request('Update');
    expect(stage.calls).not.toContain('iam:TagMFADevice');
  });

  test.each([
    ['user', { UserName: 'bob' }],
    ['device', { SerialNumber: serialNumberOf('other') }],
  ])('refuses another %s with nothing changed, and the Update back changes nothing either', async (_, changes) => {
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

test('the log tells what was done', async () => {
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

describe('a Create that may change nothing', () => {
  test('is not one that is denied something, which another attempt may have been allowed', async () => {
    stage.fault = refuse('secretsmanager:GetSecretValue', 'AccessDenied', 400);
    expect(await stage.request('Create')).toMatchObject({
      Status: 'FAILED',
      PhysicalResourceId: `alice|${stage.serialNumber}`,
    });
  });

  test.each([
    ['names a secret that does not exist', () => ({ SeedSecretArn: `${stage.secretArn}none` })],
    ['names a secret without a seed', () => ({ SeedSecretArn: stage.createSecret('mfa/password', 'correct horse') })],
  ])('since it %s leaves what a removal policy kept, and so does its Delete', async (_, properties) => {
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
  test('deactivates what this library enabled, then withdraws the claim', async () => {
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

  test('leaves enabled what was adopted', async () => {
    await enrolled();
    stage.tag(OURS, 'adopted eu-west-1 Staging');
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
    expect(stage.calls).not.toContain('iam:DeactivateMFADevice');
    expect(stage.tags()).toEqual({});
  });

  test('leaves enabled what others claim, and withdraws only its own claim', async () => {
    await enrolled();
    stage.tag(THEIRS, 'adopted eu-west-1 Staging');
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
    expect(stage.tags()).toEqual({ [THEIRS]: 'adopted eu-west-1 Staging' });
    // What keeps the device enabled needs no second look.
    expect(stage.calls).toEqual(['iam:ListMFADeviceTags', 'iam:UntagMFADevice']);
  });

  test("does not take itself for the last at the first look: another's claim may have been written a moment ago", async () => {
    await enrolled();
    stage.iam.delays = { ...stage.iam.delays, tags: 5_000 };
    stage.tag(THEIRS, 'enabled eu-west-1 Staging');
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
  });

  test('does nothing where no claim of ours stands, after a second look', async () => {
    await enabledByHand();
    stage.tag('owner', 'security');
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
    expect(stage.calls).toEqual(['iam:ListMFADeviceTags', 'iam:ListMFADeviceTags']);
    expect(stage.devicesOf()).toEqual([stage.serialNumber]);
  });

  test('finds a claim that was written a moment ago', async () => {
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
  ])('is done where %s is gone', async (_, remove) => {
    await enrolled();
    remove();
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
  });

  test('the same Delete twice is done twice', async () => {
    await enrolled();
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
  });

  test('repeats a call whose answer is lost', async () => {
    await enrolled();
    stage.fault = (_, call) => (call === 1 ? 'lose answer' : undefined);
    expect(await stage.request('Delete')).toMatchObject(SUCCESS);
    expect(stage.devicesOf()).toEqual([]);
    expect(stage.tags()).toEqual({});
  });

  test('with an invented id, outwaits a Create that starts as late and lasts as long as it can', async () => {
    const invented = stage.event('Delete', { PhysicalResourceId: 'Staging-MfaEnrollmentAlice0A1B2C3D-1ABCDEFGHIJKL' });
    const late = stage.clock.sleep(479_000).then(() => stage.start(stage.event('Create')));
    stage.fault = refuse('iam:ListMFADevices', 'Throttling', 400, [1, 12]);
    const [created, deleted] = await stage.clock.run(Promise.all([late, stage.start(invented)]));
    expect(created).toMatchObject(SUCCESS);
    expect(deleted).toMatchObject({ ...SUCCESS, PhysicalResourceId: invented.PhysicalResourceId });
    expect(stage.devicesOf()).toEqual([]);
    expect(stage.tags()).toEqual({});
  });

  test('says what it left where it deactivated, but may not withdraw its claim', async () => {
    await enrolled();
    stage.fault = refuse('iam:UntagMFADevice', 'AccessDenied', 403);
    const { Reason } = await stage.request('Delete');
    expect(Reason).toMatch(
      /State: the device is not enabled for this user; the device carries the claim tag[^;]*\. Next:/,
    );
  });

  test('says what it left where it may not deactivate', async () => {
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
