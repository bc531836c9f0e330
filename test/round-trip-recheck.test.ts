import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import { MfaEnrollment } from '../lib';
import { DEVICE_CLAIM_PREFIX, ENROLLMENT_CLAIM_PREFIX } from '../lib/contract';
import { type StackDescription } from '../local/cloudformation';
import { InProcessAccount } from '../local/in-process-account';
import { numbers } from '../local/random';

const REGION = 'eu-central-1';

/** An account with one enrolled user, whose app is deployed with a number for `recheck`. */
class Account extends InProcessAccount {
  constructor() {
    super({ region: REGION, random: numbers(5) });
  }

  deploy(recheck: number | undefined, generation?: number): Promise<StackDescription> {
    const app = new App({ analyticsReporting: false, context: { 'aws:cdk:disable-asset-staging': true } });
    const stack = new Stack(app, 'Staff', { env: { account: InProcessAccount.accountId, region: REGION } });
    const user = new iam.User(stack, 'Alice', { userName: 'alice' });
    new MfaEnrollment(stack, 'AliceMfa', { user, recheck, generation });
    const request = { stackName: 'Staff', template: Template.fromStack(stack).toJSON(), parameters: {} };
    const exists = this.cloudFormation.describeStack('Staff') !== undefined;
    return this.clock.run(exists ? this.cloudFormation.updateStack(request) : this.cloudFormation.createStack(request));
  }

  get device() {
    return this.iam.state().devices[0]!;
  }

  get tags(): string[] {
    return Object.keys(this.device.tags);
  }

  get secretId(): string {
    return this.secretsManager.secretNames[0]!;
  }

  get reasons(): string {
    return this.events.map(({ reason }) => reason).join('\n');
  }

  pass(ms: number): Promise<void> {
    return this.clock.run(this.clock.sleep(ms));
  }
}

let account: Account;
beforeEach(async () => {
  account = new Account();
  expect((await account.deploy(1)).status).toBe('CREATE_COMPLETE');
  await account.pass(3_600_000);
  account.events = [];
  account.requests.length = 0;
});

test('a raised recheck enables a device that somebody deactivated', async () => {
  account.iam.call('DeactivateMFADevice', { UserName: 'alice', SerialNumber: account.device.serialNumber });
  expect((await account.deploy(2)).status).toBe('UPDATE_COMPLETE');
  expect(account.device.userName).toBe('alice');
});

test('a raised recheck restores claims that somebody removed, and another one changes nothing', async () => {
  const claims = account.tags.filter((key) => /^cdk-mfa-enrollment:(?:enrollment|device):/.test(key));
  expect(claims).toHaveLength(2);
  account.iam.call('UntagMFADevice', { SerialNumber: account.device.serialNumber, TagKeys: claims });
  expect((await account.deploy(2)).status).toBe('UPDATE_COMPLETE');
  expect(account.tags).toEqual(expect.arrayContaining(claims));
  const before = account.device;
  await account.deploy(3);
  expect(account.device).toEqual(before);
});

test('a raised recheck reports a secret that somebody overwrote, and the stack rolls back COMPLETE', async () => {
  account.secretsManager.call('PutSecretValue', { SecretId: account.secretId, SecretString: 'overwritten' });
  expect((await account.deploy(2)).status).toBe('UPDATE_ROLLBACK_COMPLETE');
  expect(account.reasons).toMatch(/is not the seed of device .*: somebody wrote to the secret/);
  expect(account.reasons).toContain('update-secret-version-stage');
  expect(account.device.userName).toBe('alice');
});

test('a raised recheck whose device somebody deleted names the generation that creates another one', async () => {
  const { serialNumber } = account.device;
  account.iam.call('DeactivateMFADevice', { UserName: 'alice', SerialNumber: serialNumber });
  account.iam.call('DeleteVirtualMFADevice', { SerialNumber: serialNumber });
  expect((await account.deploy(2)).status).toBe('UPDATE_ROLLBACK_COMPLETE');
  expect(account.reasons).toMatch(/no longer exists: somebody deleted it.*set 'generation' to 2/);
  expect((await account.deploy(2, 2)).status).toBe('UPDATE_COMPLETE');
  expect(account.device).toMatchObject({ userName: 'alice' });
  expect(account.device.serialNumber).toMatch(/-2$/);
});

test('a lowered recheck sends requests, which read and change nothing', async () => {
  account.iam.call('DeactivateMFADevice', { UserName: 'alice', SerialNumber: account.device.serialNumber });
  account.secretsManager.call('PutSecretValue', { SecretId: account.secretId, SecretString: 'overwritten' });
  account.faultOf = (action) => {
    throw new Error(`unexpected call: ${action}`);
  };
  expect((await account.deploy(undefined)).status).toBe('UPDATE_COMPLETE');
  expect(account.requests.map(({ RequestType }) => RequestType)).toEqual(['Update', 'Update']);
  expect(account.tags.filter((key) => key.startsWith(DEVICE_CLAIM_PREFIX))).toHaveLength(1);
  expect(account.tags.filter((key) => key.startsWith(ENROLLMENT_CLAIM_PREFIX))).toHaveLength(1);
});

test('the same recheck sends no request', async () => {
  account.iam.call('DeactivateMFADevice', { UserName: 'alice', SerialNumber: account.device.serialNumber });
  await expect(account.deploy(1)).rejects.toThrow('No updates are to be performed');
});
