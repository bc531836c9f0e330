import { NestedStack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { MfaEnrollment, VirtualMfaDevice } from '../lib';
import type { StackDescription } from '../local/cloudformation';
import { Account } from './account';

let account: Account;
beforeEach(async () => {
  account = new Account();
  await account.open();
});

afterEach(() => account.close());

/** A nested stack with a user, a device and an enrollment. */
function deploy(generation = 1): Promise<StackDescription> {
  return account.deploy((stack) => {
    const nested = new NestedStack(stack, 'Staff');
    const device = new VirtualMfaDevice(nested, 'Device', { generation });
    new MfaEnrollment(nested, 'Mfa', {
      user: new iam.User(nested, 'User', { userName: 'alice' }),
      device,
    });
  });
}

/** The serial number of the only device, after checking that it is enabled for Alice. */
function enabledDevice(): string {
  const [serialNumber = ''] = account.aws.iam.state().devices.map((device) => device.serialNumber);
  expect(account.enabled).toEqual([[serialNumber, 'alice']]);
  expect(account.aws.iam.deviceClock(serialNumber)).toMatchObject({ adjustment: 0 });
  return serialNumber;
}

test('a deployment enables the device of a nested stack, and a destroy leaves nothing', async () => {
  expect(await deploy()).toMatchObject({
    status: 'CREATE_COMPLETE',
    resources: [{ type: 'AWS::CloudFormation::Stack' }],
  });
  enabledDevice();

  expect(await account.destroy()).toMatchObject({ status: 'DELETE_COMPLETE' });
  expect(account.aws.iam.state()).toEqual({ users: [], roles: [], devices: [] });
  expect(account.aws.secretsManager.secretNames).toEqual([]);
});

test('raising the generation in a nested stack replaces its device', async () => {
  await deploy();
  const before = enabledDevice();
  expect(await deploy(2)).toMatchObject({ status: 'UPDATE_COMPLETE' });
  expect(enabledDevice()).not.toBe(before);
  expect(account.aws.iam.state().devices).toHaveLength(1);
});
