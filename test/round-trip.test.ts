import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { MfaEnrollment, type MfaEnrollmentProps, VirtualMfaDevice, type VirtualMfaDeviceAttributes } from '../lib';
import { ENROLLMENT_CLAIM_PREFIX } from '../lib/contract';
import { AwsError } from '../local/aws-error';
import type { StackDescription } from '../local/cloudformation';
import type { IncomingCall } from '../local/http';
import { Account, STACK } from './account';

const SERIAL_NUMBER = 'arn:aws:iam::123456789012:mfa/alice';
const SECRET = 'mfa/alice';

let account: Account;
let seed: string;
beforeEach(async () => {
  account = new Account();
  await account.open();
  seed = account.createDevice('alice');
  account.createSecret(SECRET, seed);
});

afterEach(() => account.close());

/** Deploys the user Alice and her enrollment. */
function deploy({
  seedSecret,
  seedSecretField,
  ...props
}: Partial<MfaEnrollmentProps & VirtualMfaDeviceAttributes> = {}): Promise<StackDescription> {
  return account.deploy((stack) => {
    new MfaEnrollment(stack, 'Mfa', {
      user: new iam.User(stack, 'User', { userName: 'alice', path: '/staff/' }),
      device: VirtualMfaDevice.fromVirtualMfaDeviceAttributes(stack, 'Device', {
        serialNumber: SERIAL_NUMBER,
        seedSecret: seedSecret ?? Secret.fromSecretNameV2(stack, 'Seed', SECRET),
        seedSecretField,
      }),
      ...props,
    });
  });
}

/** The values of the tags with keys that begin like this. */
const tagsOf = (prefix: string) =>
  account.aws.iam
    .state()
    .devices.flatMap(({ tags }) => Object.entries(tags))
    .flatMap(([key, value]) => (key.startsWith(prefix) ? [value] : []));
const claims = () => tagsOf(ENROLLMENT_CLAIM_PREFIX);
const CLAIM = new RegExp(`^enabled alice \\d{8}T\\d{6}Z-[0-9a-f]{8} us-east-1 ${STACK}$`);
const failure = () => account.failuresOf('Custom::MfaEnrollment')[0];

test('a deployment enables the device with five calls and no clock adjustment, and a destroy leaves nothing', async () => {
  expect(await deploy()).toMatchObject({ status: 'CREATE_COMPLETE' });
  expect(account.enabled).toEqual([[SERIAL_NUMBER, 'alice']]);
  expect(account.aws.iam.deviceClock(SERIAL_NUMBER)).toMatchObject({ adjustment: 0 });
  expect(claims()).toEqual([expect.stringMatching(CLAIM)]);
  expect(account.actions).toHaveLength(5);
  expect(account.clock.now()).toBe(account.startedAt);

  expect(await account.destroy()).toMatchObject({ status: 'DELETE_COMPLETE' });
  expect(account.enabled).toEqual([]);
  expect(account.aws.iam.state()).toMatchObject({ users: [], roles: [] });
  expect(claims()).toEqual([]);
});

test('a Create that is delivered twice has one effect and one effective response', async () => {
  account.deliveries = () => [{ delayMs: 0 }, { delayMs: 0 }];
  expect(await deploy()).toMatchObject({ status: 'CREATE_COMPLETE' });
  await account.aws.idle();
  expect(account.enabled).toEqual([[SERIAL_NUMBER, 'alice']]);
  expect(claims()).toEqual([expect.stringMatching(CLAIM)]);
  expect(account.aws.responses.filter(({ accepted }) => accepted)).toHaveLength(1);
});

test('another secret with the same seed is verified without replacing the enrollment', async () => {
  await deploy();
  account.createSecret('mfa/copy', JSON.stringify({ seed: seed }));
  const stack = new Stack();
  const updated = await deploy({
    seedSecret: Secret.fromSecretCompleteArn(stack, 'Copy', arnOfSecret('mfa/copy')),
    seedSecretField: 'seed',
  });
  expect(updated).toMatchObject({ status: 'UPDATE_COMPLETE' });
  expect(account.actions.at(-1)).toBe('ResyncMFADevice');
  expect(account.enabled).toEqual([[SERIAL_NUMBER, 'alice']]);
});

test('a destroy succeeds if the device was already deleted', async () => {
  await deploy();
  account.aws.iam.call('DeactivateMFADevice', { UserName: 'alice', SerialNumber: SERIAL_NUMBER });
  account.aws.iam.call('DeleteVirtualMFADevice', { SerialNumber: SERIAL_NUMBER });
  expect(await account.destroy()).toMatchObject({ status: 'DELETE_COMPLETE' });
});

test('a device that the user has enabled without this library stays, and CloudFormation deletes the user once it is off', async () => {
  await deploy();
  const theirs = account.createDevice('phone');
  const own = { UserName: 'alice', SerialNumber: 'arn:aws:iam::123456789012:mfa/phone' };
  const [AuthenticationCode1, AuthenticationCode2] = account.codes(theirs, 0).reveal();
  account.aws.iam.call('EnableMFADevice', { ...own, AuthenticationCode1, AuthenticationCode2 });

  expect(await account.destroy()).toMatchObject({ status: 'DELETE_FAILED' });
  expect(account.enabled).toEqual([[own.SerialNumber, 'alice']]);
  expect(account.failuresOf('AWS::IAM::User').at(-1)).toMatch(/^Cannot delete entity, must /);

  account.aws.iam.call('DeactivateMFADevice', own);
  expect(await account.destroy()).toMatchObject({ status: 'DELETE_COMPLETE' });
});

test('a device can be named like its user, as policies with ${aws:username} need it, also if that is an e-mail address', async () => {
  const userName = 'alice@example.com';
  const declared = await account.deploy((stack) => {
    const device = new VirtualMfaDevice(stack, 'Device', { virtualMfaDeviceName: userName });
    new MfaEnrollment(stack, 'Mfa', { user: new iam.User(stack, 'User', { userName }), device });
  });
  expect(declared).toMatchObject({ status: 'CREATE_COMPLETE' });
  expect(account.enabled).toEqual([[`arn:aws:iam::123456789012:mfa/${userName}`, userName]]);
  expect(await account.destroy()).toMatchObject({ status: 'DELETE_COMPLETE' });
});

test('an enrollment right after a deactivation waits for new codes and sends no future ones', async () => {
  await deploy();
  await account.destroy();
  const before = account.clock.now();
  expect(await deploy()).toMatchObject({ status: 'CREATE_COMPLETE' });
  expect(account.clock.now() - before).toBeGreaterThan(30_000);
  expect(account.aws.iam.deviceClock(SERIAL_NUMBER)).toMatchObject({ adjustment: 0 });
});

test('a wrong seed fails after four pairs with a reason that names secret and device, and rolls back completely', async () => {
  account.aws.secretsManager.call('PutSecretValue', { SecretId: SECRET, SecretString: account.createDevice('bob') });
  expect(await deploy()).toMatchObject({ status: 'ROLLBACK_COMPLETE' });
  expect(account.actions.filter((action) => action === 'EnableMFADevice')).toHaveLength(4);
  expect(failure()).toContain(`secret:${SECRET} doesn't hold the seed of device ${SERIAL_NUMBER}`);
  expect(account.aws.iam.state()).toMatchObject({ users: [], roles: [] });
  expect([account.enabled, claims()]).toEqual([[], []]);
});

const deny = (action: string) => (call: IncomingCall) =>
  call.action === action ? { before: new AwsError('AccessDenied', 403, 'User: … is not authorized') } : undefined;
const putSecret = (text: string) => () =>
  void account.aws.secretsManager.call('PutSecretValue', { SecretId: SECRET, SecretString: text });

test.each<[string, () => void, RegExp, Parameters<typeof deploy>[0]?]>([
  [
    'a missing secret',
    () => account.aws.secretsManager.call('DeleteSecret', { SecretId: SECRET, ForceDeleteWithoutRecovery: true }),
    /secret:mfa\/alice does not exist, or has no current version/,
  ],
  [
    'a secret that is scheduled for deletion',
    () => account.aws.secretsManager.call('DeleteSecret', { SecretId: SECRET }),
    /secret:mfa\/alice can't be used, most likely because it is scheduled for deletion/,
  ],
  [
    'a secret that nobody can decrypt',
    () => (account.aws.secretsManager.faults = { undecryptable: new Set([SECRET]) }),
    /secret:mfa\/alice can't be decrypted/,
  ],
  ['a secret that holds no seed', putSecret('not a seed!'), /holds no seed: it is not Base32/],
  ['a secret that is JSON', putSecret('{"seed":"A"}'), /name the key that holds the seed in 'seedSecretField'/],
  ['a JSON secret without the field', putSecret('{"seed":"A"}'), /has no field 'token'/, { seedSecretField: 'token' }],
  [
    'a missing device',
    () => account.aws.iam.call('DeleteVirtualMFADevice', { SerialNumber: SERIAL_NUMBER }),
    /device arn:aws:iam::123456789012:mfa\/alice does not exist/,
  ],
  ['a denied call', () => (account.faultOf = deny('EnableMFADevice')), /iam:EnableMFADevice on user alice is denied/],
  [
    'denied access to the secret',
    () => (account.faultOf = deny('GetSecretValue')),
    /secretsmanager:GetSecretValue on secret arn:.*:secret:mfa\/alice is denied/,
  ],
])('%s is explained in the stack event and rolled back completely', async (...[, prepare, reason, props]) => {
  prepare();
  expect(await deploy(props)).toMatchObject({ status: 'ROLLBACK_COMPLETE' });
  expect(failure()).toMatch(reason);
  expect(failure()).toMatch(/State: .*Next: /);
  expect(account.aws.iam.state()).toMatchObject({ users: [], roles: [] });
});

test('a deployment succeeds if the response of EnableMFADevice is lost', async () => {
  let lost = false;
  account.faultOf = ({ action }) => {
    if (action !== 'EnableMFADevice' || lost) {
      return undefined;
    }
    lost = true;
    return { lost: 'after' };
  };
  expect(await deploy()).toMatchObject({ status: 'CREATE_COMPLETE' });
  expect(lost).toBe(true);
  expect(account.actions.filter((action) => action === 'EnableMFADevice')).toHaveLength(1);
  expect(account.enabled).toEqual([[SERIAL_NUMBER, 'alice']]);
});

test('a stack rolls back completely if the function dies', async () => {
  let dead = false;
  account.deliveries = () => {
    if (dead) {
      return [{ delayMs: 0 }];
    }
    dead = true;
    return [{ delayMs: 0, kill: { atCall: 5 } }];
  };
  expect(await deploy()).toMatchObject({ status: 'ROLLBACK_COMPLETE' });
  expect(account.aws.iam.state()).toMatchObject({ users: [], roles: [] });
  expect(claims()).toEqual([]);
});

function arnOfSecret(name: string): string {
  return account.aws.secretsManager.call('DescribeSecret', { SecretId: name }).ARN as string;
}
