import { type Action, CallError } from '../../lambda/aws/ports';
import { listed } from '../../lambda/failure';
import { type Fault, LOGICAL_ID, MINUTE, refuse, Stage } from './stage';

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});
afterEach(() => stage.expectSecrecy());

test.each([
  [['a'], 'a'],
  [['a', 'b', 'c'], 'a, b, c'],
  [['a', 'b', 'c', 'd'], 'a, b, c and 1 more'],
])('a reason lists three claims, and counts the others: %j', (claims, text) => {
  expect(listed(claims)).toBe(text);
});

/** The reasons in stack events. */
test.each<[string, Parameters<typeof refuse>, RegExp]>([
  ['eight devices', ['iam:EnableMFADevice', 'LimitExceeded', 409], /has eight MFA devices.*Next: deactivate one/],
  ['fifty tags', ['iam:TagMFADevice', 'LimitExceeded', 409], /has 50 tags.*Next: remove a tag/],
  ['invalid values', ['iam:EnableMFADevice', 'ValidationError', 400], /as invalid \(ValidationError\).*Next: check/],
  ['an unknown code', ['iam:EnableMFADevice', 'SomethingNew', 400], /iam:EnableMFADevice failed with SomethingNew/],
  [
    'a transient error that does not end',
    ['iam:EnableMFADevice', 'EntityTemporarilyUnmodifiable', 409],
    /iam:EnableMFADevice was refused with EntityTemporarilyUnmodifiable until the time.*Next: wait a few minutes/,
  ],
  ['permanent throttling', ['iam:TagMFADevice', 'Throttling', 400], /iam:TagMFADevice was refused with Throttling/],
  [
    'a permanent failure of AWS',
    ['iam:TagMFADevice', 'ServiceFailure', 500],
    /got ServiceFailure until the time for this request ran out/,
  ],
  [
    'a denied call on the user',
    ['iam:EnableMFADevice', 'AccessDenied', 403],
    /iam:EnableMFADevice on user alice is denied.*path.*service control policy.*permissions boundary.*endpoint.*immutable/,
  ],
  [
    'a denied call on the device',
    ['iam:TagMFADevice', 'AccessDenied', 403],
    /iam:TagMFADevice on device arn:aws:iam.*denied/,
  ],
  [
    'denied access to the secret',
    ['secretsmanager:GetSecretValue', 'AccessDenied', 400],
    /secretsmanager:GetSecretValue on secret arn:.*denied.*key's policy.*encryptionKey.*secret's policy/,
  ],
  [
    'a secret that is missing or empty',
    ['secretsmanager:GetSecretValue', 'ResourceNotFound', 400],
    /secret arn:.* does not exist, or has no current version/,
  ],
  ['a key that cannot decrypt', ['secretsmanager:GetSecretValue', 'DecryptionFailure', 400], /can't be decrypted/],
  [
    'a secret that is scheduled for deletion',
    ['secretsmanager:GetSecretValue', 'InvalidRequest', 400],
    /scheduled for deletion/,
  ],
])('the reason for %s contains cause, resource, state and next step', async (_, fault, reason) => {
  stage.fault = refuse(...fault);
  const { Status, Reason } = await stage.request('Create');
  expect(Status).toBe('FAILED');
  expect(Reason).toMatch(reason);
  expect(Reason).toMatch(
    new RegExp(`^could not enable MFA device ${stage.serialNumber} of user alice: .*State: .*Next: .*`),
  );
});

test.each([
  ['its partial ARN', 'mfa/alice', (arn: string) => arn],
  ['its name, if that ends in a hyphen and six letters', 'mfa/john-miller', () => 'mfa/john-miller'],
])('a command in a reason names a secret by %s', async (_, name, expected) => {
  const partial = stage.secretArn.replace(/:secret:.*/, `:secret:${name}`);
  stage.fault = refuse('secretsmanager:GetSecretValue', 'InvalidRequest', 400);
  const SeedSecretArn = `${partial}-??????`;
  const { Reason } = await stage.request('Create', { ResourceProperties: stage.properties({ SeedSecretArn }) });
  expect(Reason).toContain(`restore-secret --region eu-west-1 --secret-id ${expected(partial)})`);
});

test('the name of a secret of another account that ends in a hyphen and six letters is refused before anything is tried', async () => {
  const SeedSecretArn = 'arn:aws:secretsmanager:eu-west-1:999999999999:secret:mfa/john-miller-??????';
  const { Reason } = await stage.request('Create', { ResourceProperties: stage.properties({ SeedSecretArn }) });
  expect(Reason).toContain(
    "'SeedSecretArn': invalid partial ARN of secret 'mfa/john-miller' in another account: expected a complete ARN",
  );
  expect(stage.calls).toEqual([]);
});

test('the reason says if a request was never sent', async () => {
  stage.fault = (action) =>
    action === 'iam:EnableMFADevice' ? new CallError(action, 'CredentialsProviderError') : undefined;
  const { Reason } = await stage.request('Create');
  expect(Reason).toMatch(
    /iam:EnableMFADevice could not be sent \(CredentialsProviderError\).*Next: check the function's role/,
  );
});

test('the reason names user and device if EnableMFADevice does not find one of them', async () => {
  stage.fault = refuse('iam:EnableMFADevice', 'NoSuchEntity', 404);
  const { Reason } = await stage.request('Create');
  expect(Reason).toContain(`user alice or device ${stage.serialNumber} does not exist`);
});

test.each([
  ['EntityTemporarilyUnmodifiable', 409],
  ['ConcurrentModification', 409],
  ['Throttling', 400],
  ['AccessDenied', 403],
  ['NoSuchEntity', 404],
  ['ServiceFailure', 500],
])('a transient %s is retried', async (code, status) => {
  stage.fault = (action, call) =>
    action === 'iam:EnableMFADevice' && call <= 2 ? new CallError(action, code, status) : undefined;
  expect(await stage.request('Create')).toMatchObject({ Status: 'SUCCESS' });
});

test.each([
  ['AccessDenied', 403, 120],
  ['NoSuchEntity', 404, 120],
])('%s is retried for two minutes', async (code, status, seconds) => {
  stage.fault = refuse('iam:TagMFADevice', code, status);
  const before = stage.clock.now();
  expect(await stage.request('Create')).toMatchObject({ Status: 'FAILED' });
  expect(stage.clock.now() - before).toBeGreaterThan((seconds - 20) * 1000);
  expect(stage.clock.now() - before).toBeLessThanOrEqual(seconds * 1000);
});

test('a missing secret is retried for 15 s', async () => {
  const before = stage.clock.now();
  const SeedSecretArn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mfa/none';
  const event = { ResourceProperties: stage.properties({ SeedSecretArn }) };
  expect(await stage.request('Create', event)).toMatchObject({ Status: 'FAILED' });
  expect(stage.clock.now() - before).toBeLessThanOrEqual(15_000);
  expect(stage.clock.now() - before).toBeGreaterThan(5_000);
});

test('a secret that is not readable yet is retried', async () => {
  stage.fault = refuse('secretsmanager:GetSecretValue', 'ResourceNotFound', 400, [1, 3]);
  expect(await stage.request('Create')).toMatchObject({ Status: 'SUCCESS' });
});

test('a Create that loses the response of EnableMFADevice and then the connection reports an unknown state', async () => {
  let lost = false;
  stage.fault = (action) => {
    lost ||= action === 'iam:EnableMFADevice';
    return lost ? 'lose request' : undefined;
  };
  const { Reason } = await stage.request('Create');
  expect(Reason).toContain('State: the device may or may not be enabled, because a response was lost');
});

describe('the state in a reason is the actual state after', () => {
  const actions: Action[] = [
    'iam:ListMFADevices',
    'iam:ListMFADeviceTags',
    'iam:TagMFADevice',
    'iam:UntagMFADevice',
    'iam:EnableMFADevice',
    'iam:ResyncMFADevice',
    'iam:DeactivateMFADevice',
    'secretsmanager:GetSecretValue',
  ];
  /** Every call of the action is refused, or its requests or responses are lost. */
  const faults: [string, (action: Action) => ReturnType<Fault>][] = [
    ['is refused', (action) => new CallError(action, 'SomethingNew', 400)],
    ['loses every request', () => 'lose request'],
    ['loses every response', () => 'lose answer'],
  ];
  const situations: [string, () => Promise<unknown>][] = [
    ['a new device', () => Promise.resolve()],
    ['an enrolled device', () => stage.request('Create')],
    [
      'a device that somebody deactivated',
      async () => {
        await stage.request('Create');
        stage.iam.call('DeactivateMFADevice', { UserName: 'alice', SerialNumber: stage.serialNumber });
      },
    ],
    [
      'a device of another enrollment',
      async () => {
        await stage.request('Create', { LogicalResourceId: 'Other' });
      },
    ],
  ];
  const former = { OldResourceProperties: { SeedSecretArn: 'another' } };
  const claimed = () => Object.keys(stage.tags()).some((key) => key.endsWith(`/${LOGICAL_ID}`));

  test.each(
    situations.flatMap(([situation, prepare]) =>
      (['Create', 'Update', 'Delete'] as const).flatMap((type) =>
        faults.map(([what, faultOf]) => [type, situation, what, prepare, faultOf] as const),
      ),
    ),
  )('%s of %s if an action %s', async (...[type, , , prepare, faultOf]) => {
    for (const broken of actions) {
      stage = new Stage();
      await prepare();
      await stage.pass(10 * MINUTE);
      const before = JSON.stringify(stage.iam.state());
      stage.calls = [];
      stage.fault = (action) => (action === broken ? faultOf(action) : undefined);
      const { Status, Reason = '' } = await stage.request(type, type === 'Update' ? former : {});
      if (Status === 'SUCCESS') {
        continue;
      }
      const state = /State: (.*?)\. Next: /.exec(Reason)![1]!;
      const isEnabled = stage.devicesOf().includes(stage.serialNumber);
      if (/is enabled for this user/.test(state)) {
        expect([broken, isEnabled]).toEqual([broken, true]);
      }
      if (/is not enabled for this user/.test(state)) {
        expect([broken, isEnabled]).toEqual([broken, false]);
      }
      if (/device has the claim tag/.test(state)) {
        expect([broken, claimed()]).toEqual([broken, true]);
      }
      if (/is (not )?enabled/.test(state) && !/claim tag/.test(state)) {
        expect([broken, claimed()]).toEqual([broken, false]);
      }
      if (/nothing was changed/.test(state)) {
        expect([broken, JSON.stringify(stage.iam.state())]).toEqual([broken, before]);
      }
    }
  });
});
