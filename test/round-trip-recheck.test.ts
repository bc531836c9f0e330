import * as iam from 'aws-cdk-lib/aws-iam';
import { MfaEnrollment } from '../lib';
import { DEVICE_CLAIM_PREFIX, ENROLLMENT_CLAIM_PREFIX } from '../lib/contract';
import { type StackDescription } from '../local/cloudformation';
import { Region } from './region';

/* One enrolled user, whose app is deployed with a number for `recheck`. */

let account: Region;

const deploy = (recheck: number | undefined, generation?: number): Promise<StackDescription> =>
  account.deploy((stack) => {
    const user = new iam.User(stack, 'Alice', { userName: 'alice' });
    new MfaEnrollment(stack, 'AliceMfa', { user, recheck, generation });
  });
const device = () => account.iam.state().devices[0]!;
const tags = () => Object.keys(device().tags);
const reasons = () => account.events.map(({ reason }) => reason).join('\n');
const deactivate = () =>
  account.iam.call('DeactivateMFADevice', { UserName: 'alice', SerialNumber: device().serialNumber });
const overwriteSecret = () =>
  account.secretsManager.call('PutSecretValue', { SecretId: account.secrets[0], SecretString: 'overwritten' });

beforeEach(async () => {
  account = new Region('eu-central-1');
  expect((await deploy(1)).status).toBe('CREATE_COMPLETE');
  await account.clock.run(account.clock.sleep(3_600_000));
  account.events = [];
  account.requests.length = 0;
});

test('a raised recheck enables a device that somebody deactivated', async () => {
  deactivate();
  expect((await deploy(2)).status).toBe('UPDATE_COMPLETE');
  expect(device().userName).toBe('alice');
});

test('a raised recheck restores claims that somebody removed, and another one changes nothing', async () => {
  const claims = tags().filter((key) => /^cdk-mfa-enrollment:(?:enrollment|device):/.test(key));
  expect(claims).toHaveLength(2);
  account.iam.call('UntagMFADevice', { SerialNumber: device().serialNumber, TagKeys: claims });
  expect((await deploy(2)).status).toBe('UPDATE_COMPLETE');
  expect(tags()).toEqual(expect.arrayContaining(claims));
  const before = device();
  expect((await deploy(3)).status).toBe('UPDATE_COMPLETE');
  expect(device()).toEqual(before);
});

test('a raised recheck reports a secret that somebody overwrote, and the stack rolls back COMPLETE', async () => {
  overwriteSecret();
  expect((await deploy(2)).status).toBe('UPDATE_ROLLBACK_COMPLETE');
  expect(reasons()).toMatch(/is not the seed of device .*: somebody wrote to the secret/);
  expect(reasons()).toContain('update-secret-version-stage');
  expect(device().userName).toBe('alice');
});

test('a raised recheck whose device somebody deleted names the generation that creates another one', async () => {
  const { serialNumber } = device();
  deactivate();
  account.iam.call('DeleteVirtualMFADevice', { SerialNumber: serialNumber });
  expect((await deploy(2)).status).toBe('UPDATE_ROLLBACK_COMPLETE');
  expect(reasons()).toMatch(/no longer exists: somebody deleted it.*set 'generation' to 2/);
  expect((await deploy(2, 2)).status).toBe('UPDATE_COMPLETE');
  expect(device()).toMatchObject({ userName: 'alice' });
  expect(device().serialNumber).toMatch(/-2$/);
});

test('a lowered recheck sends requests, which read and change nothing', async () => {
  deactivate();
  overwriteSecret();
  account.faultOf = (action) => {
    throw new Error(`unexpected call: ${action}`);
  };
  expect((await deploy(undefined)).status).toBe('UPDATE_COMPLETE');
  expect(account.requests.map(({ RequestType }) => RequestType)).toEqual(['Update', 'Update']);
  expect(tags().filter((key) => key.startsWith(DEVICE_CLAIM_PREFIX))).toHaveLength(1);
  expect(tags().filter((key) => key.startsWith(ENROLLMENT_CLAIM_PREFIX))).toHaveLength(1);
});

test('the same recheck changes nothing in the template, so that no request is sent', async () => {
  deactivate();
  await deploy(1);
  expect(account.events).toEqual([]);
  expect(account.requests).toEqual([]);
  expect(device().userName).toBeUndefined();
});
