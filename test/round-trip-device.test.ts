import { CfnResource, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { MfaEnrollment, MfaEnrollmentProvider, VirtualMfaDevice, type VirtualMfaDeviceProps } from '../lib';
import { AwsError } from '../local/aws-error';
import type { StackDescription } from '../local/cloudformation';
import type { IncomingCall } from '../local/http';
import { Account } from './account';

let account: Account;
beforeEach(async () => {
  account = new Account();
  await account.open();
});

// close() searches all output for the seeds, those of rotated devices included.
afterEach(() => account.close());

/** Declares a user, a device with its secret, and the enrollment. */
function declare(stack: Stack, props: VirtualMfaDeviceProps = {}): MfaEnrollment {
  const device = new VirtualMfaDevice(stack, 'Device', props);
  const user = new iam.User(stack, 'User', { userName: 'alice' });
  return new MfaEnrollment(stack, 'Mfa', { user, device });
}

const deploy = (props?: VirtualMfaDeviceProps): Promise<StackDescription> =>
  account.deploy((stack) => void declare(stack, props));

/** Serial numbers of the devices of the account, and names of its secrets. */
const devices = () => account.aws.iam.state().devices.map(({ serialNumber }) => serialNumber);
const secrets = () => account.aws.secretsManager.secretNames;

function arnOf(secretName: string): string {
  return account.aws.secretsManager.call('DescribeSecret', { SecretId: secretName }).ARN as string;
}

/** Reads the seed as an administrator. */
function seedIn(secretName: string): string {
  return account.aws.secretsManager.call('GetSecretValue', { SecretId: secretName }).SecretString as string;
}

/** Expects that the device is enabled for Alice and that IAM accepts codes of the seed in the secret. */
function expectToWork(serialNumber: string, secretName: string): void {
  expect(account.enabled).toEqual([[serialNumber, 'alice']]);
  // Later codes than any that the function can have sent.
  const [AuthenticationCode1, AuthenticationCode2] = account.codes(seedIn(secretName), 20).reveal();
  const codes = { AuthenticationCode1, AuthenticationCode2 };
  account.aws.iam.call('ResyncMFADevice', { UserName: 'alice', SerialNumber: serialNumber, ...codes });
}

const denying = (action: string) => (call: IncomingCall) =>
  call.action === action ? { before: new AwsError('AccessDenied', 403, 'User: … is not authorized') } : undefined;

test('one deployment creates user, device, secret and enrollment, and one destroy removes them', async () => {
  expect(await deploy()).toMatchObject({ status: 'CREATE_COMPLETE' });
  const [device = ''] = devices();
  const [secret = ''] = secrets();
  expect([devices(), secrets()]).toEqual([[device], [secret]]);
  expect(account.aws.iam.deviceClock(device)).toMatchObject({ adjustment: 0 });
  expectToWork(device, secret);
  expect(account.clock.now()).toBe(account.startedAt);

  expect(await account.destroy()).toMatchObject({ status: 'DELETE_COMPLETE' });
  expect(account.aws.iam.state()).toEqual({ users: [], roles: [], devices: [] });
  expect(secrets()).toEqual([]);
});

test('the seed is written once, to the only version of the secret', async () => {
  const written: unknown[] = [];
  account.faultOf = ({ action, input }) => {
    if (action === 'PutSecretValue') {
      written.push((input as { SecretString: string }).SecretString);
    }
    return undefined;
  };
  await deploy();
  const [secret = ''] = secrets();
  expect(written).toEqual([seedIn(secret)]);
  const { VersionIdsToStages } = account.aws.secretsManager.call('DescribeSecret', { SecretId: secret });
  expect(Object.values(VersionIdsToStages as object)).toEqual([['AWSCURRENT']]);
});

describe('raising the generation', () => {
  /** The number of devices that Alice has after each call. */
  let enabledAfterCalls: number[];
  let before: { device: string; secret: string };
  beforeEach(async () => {
    await deploy();
    before = { device: devices()[0]!, secret: secrets()[0]! };
    enabledAfterCalls = [];
    account.afterCall = () => enabledAfterCalls.push(account.enabled.length);
  });
  afterEach(() => {
    expect(enabledAfterCalls.length).toBeGreaterThan(0);
    expect(enabledAfterCalls).not.toContain(0);
  });

  test('replaces the device and its seed, and Alice always has an enabled device', async () => {
    const seed = seedIn(before.secret);
    expect(await deploy({ generation: 2 })).toMatchObject({ status: 'UPDATE_COMPLETE' });
    const [device = '', secret = ''] = [devices()[0], secrets()[0]];
    expect([devices(), secrets()]).toEqual([[device], [secret]]);
    expect([device, secret]).not.toEqual([before.device, before.secret]);
    expect(seedIn(secret)).not.toBe(seed);
    expectToWork(device, secret);
  });

  test.each(['CreateVirtualMFADevice', 'PutSecretValue', 'GetSecretValue', 'EnableMFADevice'])(
    'rolls back to the old device and leaves nothing of the new one if %s is denied',
    async (action) => {
      account.faultOf = denying(action);
      expect(await deploy({ generation: 2 })).toMatchObject({ status: 'UPDATE_ROLLBACK_COMPLETE' });
      expect([devices(), secrets()]).toEqual([[before.device], [before.secret]]);
      expectToWork(before.device, before.secret);
    },
  );

  test('rolls back to the old device if another resource fails after the new device is enabled', async () => {
    const rolledBack = await account.deploy((stack) => {
      const enrollment = declare(stack, { generation: 2 });
      const [first, second] = ['First', 'Second'].map(
        (id) =>
          new CfnResource(stack, id, {
            type: 'AWS::SSM::Parameter',
            properties: { Type: 'String', Name: 'taken', Value: 'x' },
          }),
      );
      second!.node.addDependency(first!, enrollment);
    });
    expect(rolledBack).toMatchObject({ status: 'UPDATE_ROLLBACK_COMPLETE' });
    expect(Math.max(...enabledAfterCalls)).toBe(2);
    expect([devices(), secrets()]).toEqual([[before.device], [before.secret]]);
    expectToWork(before.device, before.secret);
  });
});

test('a deployment that rolls back leaves no device and no secret', async () => {
  account.faultOf = denying('EnableMFADevice');
  expect(await deploy()).toMatchObject({ status: 'ROLLBACK_COMPLETE' });
  expect(account.aws.iam.state()).toEqual({ users: [], roles: [], devices: [] });
  expect(secrets()).toEqual([]);
});

test('a device under a path scope is created, rotated and deleted with the permissions of one policy', async () => {
  const scoped = (stack: Stack, generation: number) => {
    const provider = new MfaEnrollmentProvider(stack, 'Staff', {
      pathScope: { userPath: '/staff/', devicePath: '/staff/' },
    });
    const device = new VirtualMfaDevice(stack, 'Device', {
      path: '/staff/',
      generation,
      provider,
    });
    const user = new iam.User(stack, 'User', { userName: 'alice', path: '/staff/' });
    new MfaEnrollment(stack, 'Mfa', { user, device, provider });
  };
  expect(await account.deploy((stack) => scoped(stack, 1))).toMatchObject({ status: 'CREATE_COMPLETE' });
  expect(await account.deploy((stack) => scoped(stack, 2))).toMatchObject({ status: 'UPDATE_COMPLETE' });
  expectToWork(devices()[0]!, secrets()[0]!);
  expect(account.calls.filter(({ errorCode }) => errorCode?.startsWith('AccessDenied'))).toEqual([]);
  expect(await account.destroy()).toMatchObject({ status: 'DELETE_COMPLETE' });
  expect(account.aws.iam.state()).toEqual({ users: [], roles: [], devices: [] });
  expect(secrets()).toEqual([]);
});

test('after restrictSeedReaders, only the readers and the function can read the seed, and only the function can write it', async () => {
  const status = await account.deploy((stack) => {
    const custodians = new iam.Role(stack, 'Custodians', {
      roleName: 'custodians',
      assumedBy: new iam.AccountRootPrincipal(),
    });
    const admins = new iam.Role(stack, 'Admins', { roleName: 'admins', assumedBy: new iam.AccountRootPrincipal() });
    for (const role of [custodians, admins]) {
      role.addToPolicy(new iam.PolicyStatement({ actions: ['secretsmanager:*'], resources: ['*'] }));
    }
    const device = new VirtualMfaDevice(stack, 'Device', { virtualMfaDeviceName: 'break-glass' });
    device.restrictSeedReaders(custodians);
    new MfaEnrollment(stack, 'Mfa', { user: new iam.User(stack, 'User', { userName: 'alice' }), device });
  });
  expect(status).toMatchObject({ status: 'CREATE_COMPLETE' });
  const [secret = ''] = secrets();
  expectToWork(devices()[0]!, secret);
  const read = (roleName: string) =>
    account.aws.secretsManager.call('GetSecretValue', { SecretId: secret }, { arn: roleName, roleName });
  const write = (roleName: string) =>
    account.aws.secretsManager.call(
      'PutSecretValue',
      { SecretId: secret, SecretString: 'x' },
      { arn: roleName, roleName },
    );
  expect(() => read('custodians')).not.toThrow();
  expect(() => read('admins')).toThrow('with an explicit deny in a resource-based policy');
  expect(() => write('custodians')).toThrow('with an explicit deny in a resource-based policy');
  expect(() => write('admins')).toThrow('with an explicit deny in a resource-based policy');
  expect(await account.destroy()).toMatchObject({ status: 'DELETE_COMPLETE' });
  expect(secrets()).toEqual([]);
});

test('a retained device can be declared again with its name and secret, and the user always has it enabled', async () => {
  account.aws.iam.call('CreateUser', { UserName: 'alice' });
  const declareRetained = (stack: Stack, seedSecret?: ISecret) => {
    const removalPolicy = RemovalPolicy.RETAIN;
    const device = new VirtualMfaDevice(stack, 'Device', { virtualMfaDeviceName: 'alice', seedSecret, removalPolicy });
    new MfaEnrollment(stack, 'Mfa', {
      user: iam.User.fromUserName(stack, 'User', 'alice'),
      device,
      removalPolicy,
    });
  };
  await account.deploy((stack) => declareRetained(stack));
  const [device = ''] = devices();
  await account.destroy();
  const [secret = ''] = secrets();
  expect([devices(), secrets()]).toEqual([[device], [secret]]);

  const enabledAfterCalls: number[] = [];
  account.afterCall = () => enabledAfterCalls.push(account.enabled.length);
  expect(await account.deploy((stack) => declareRetained(stack))).toMatchObject({ status: 'ROLLBACK_COMPLETE' });
  const redeployed = await account.deploy((stack) =>
    declareRetained(stack, Secret.fromSecretCompleteArn(stack, 'Seed', arnOf(secret))),
  );
  expect(redeployed).toMatchObject({ status: 'CREATE_COMPLETE' });
  expect(devices()).toEqual([device]);
  expect(enabledAfterCalls.length).toBeGreaterThan(0);
  expect(new Set(enabledAfterCalls)).toEqual(new Set([1]));
  expectToWork(device, secret);
});
