import { type Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { MfaEnrollment, MfaEnrollmentProvider, type MfaEnrollmentProviderProps, VirtualMfaDevice } from '../lib';
import { Region } from './region';

const alice = (stack: Stack) => new iam.User(stack, 'Alice', { userName: 'alice' });

test('one line creates device, secret and enrollment, and a destroy leaves nothing', async () => {
  const account = new Region('eu-west-1');
  const deployed = await account.deploy((stack) => new MfaEnrollment(stack, 'AliceMfa', { user: alice(stack) }));
  expect(deployed).toMatchObject({ status: 'CREATE_COMPLETE' });
  expect(account.enabled).toEqual([expect.stringMatching(/^alice Staff-alice-eu-west-1-[0-9a-f]{8}-1$/)]);
  expect(account.secrets).toHaveLength(1);
  expect(await account.destroy()).toMatchObject({ status: 'DELETE_COMPLETE' });
  expect(account.iam.state()).toEqual({ users: [], roles: [], devices: [] });
  expect(account.secrets).toEqual([]);
});

test.each<[string, (stack: Stack) => Construct, string]>([
  ['renamed', (stack) => stack, 'Renamed'],
  ['moved', (stack) => new Construct(stack, 'Team'), 'AliceMfa'],
])('a %s enrollment sends the function no request', async (_change, scopeIn, id) => {
  const account = new Region('eu-west-1');
  await account.deploy((stack) => new MfaEnrollment(stack, 'AliceMfa', { user: alice(stack) }));
  const requests = account.requests.length;
  const before = account.iam.state();
  await account.deploy((stack) => new MfaEnrollment(scopeIn(stack), id, { user: alice(stack) }));
  expect(account.requests).toHaveLength(requests);
  expect(account.iam.state()).toEqual(before);
});

test('an explicit device with the name of the default device takes its place without a request to the function', async () => {
  const account = new Region('eu-west-1');
  await account.deploy((stack) => new MfaEnrollment(stack, 'AliceMfa', { user: alice(stack) }));
  const requests = account.requests.length;
  const [virtualMfaDeviceName] = account.devices;
  const secrets = [...account.secrets];
  await account.deploy((stack) => {
    const device = new VirtualMfaDevice(stack, 'AliceDevice', { virtualMfaDeviceName });
    new MfaEnrollment(stack, 'AliceMfa', { user: alice(stack), device });
  });
  expect(account.requests).toHaveLength(requests);
  expect(account.devices).toEqual([virtualMfaDeviceName]);
  expect(account.secrets).toEqual(secrets);
});

test('a renamed user gets a new device, and the old user and device go', async () => {
  const account = new Region('eu-west-1');
  const declare = (userName: string) => (stack: Stack) =>
    new MfaEnrollment(stack, 'AliceMfa', { user: new iam.User(stack, 'Alice', { userName }) });
  await account.deploy(declare('alice'));
  expect(await account.deploy(declare('alicia'))).toMatchObject({ status: 'UPDATE_COMPLETE' });
  expect(account.enabled).toEqual([expect.stringMatching(/^alicia Staff-alicia-eu-west-1-/)]);
  expect(account.iam.state().users.map(({ userName }) => userName)).toEqual(['alicia']);
  expect(account.devices).toHaveLength(1);
  expect(account.secrets).toHaveLength(1);
  expect(await account.destroy()).toMatchObject({ status: 'DELETE_COMPLETE' });
});

test('a higher generation replaces the default device, and the user always has an enabled one', async () => {
  const account = new Region('eu-west-1');
  const declare = (generation: number) => (stack: Stack) =>
    new MfaEnrollment(stack, 'AliceMfa', { user: alice(stack), generation });
  await account.deploy(declare(1));
  account.enabledAfterRequests.length = 0;
  expect(await account.deploy(declare(2))).toMatchObject({ status: 'UPDATE_COMPLETE' });
  expect(account.enabled).toEqual([expect.stringMatching(/-2$/)]);
  expect(account.devices).toHaveLength(1);
  expect(account.enabledAfterRequests.length).toBeGreaterThan(0);
  expect(account.enabledAfterRequests).not.toContain(0);
});

describe('an imported user', () => {
  const enrollImported = (stack: Stack) =>
    new MfaEnrollment(stack, 'AliceMfa', { user: iam.User.fromUserName(stack, 'Alice', 'alice') });

  test('has a device of each of two regions, and each region removes only its own', async () => {
    const ireland = new Region('eu-west-1');
    const frankfurt = new Region('eu-central-1', ireland);
    ireland.iam.call('CreateUser', { UserName: 'alice' });
    for (const region of [ireland, frankfurt]) {
      expect(await region.deploy(enrollImported)).toMatchObject({ status: 'CREATE_COMPLETE' });
    }
    expect(ireland.enabled.sort()).toEqual([
      expect.stringMatching(/^alice Staff-alice-eu-central-1-/),
      expect.stringMatching(/^alice Staff-alice-eu-west-1-/),
    ]);
    expect(await ireland.destroy()).toMatchObject({ status: 'DELETE_COMPLETE' });
    expect(frankfurt.enabled).toEqual([expect.stringMatching(/^alice Staff-alice-eu-central-1-/)]);
    expect([ireland.secrets.length, frankfurt.secrets.length]).toEqual([0, 1]);
    expect(await frankfurt.destroy()).toMatchObject({ status: 'DELETE_COMPLETE' });
    expect(frankfurt.devices).toEqual([]);
  });

  test('has a device of each of two stacks, and each stack removes only its own', async () => {
    const account = new Region('eu-west-1');
    account.iam.call('CreateUser', { UserName: 'alice' });
    await account.deploy(enrollImported, 'First');
    await account.deploy(enrollImported, 'Second');
    expect(account.enabled).toHaveLength(2);
    expect(await account.destroy('First')).toMatchObject({ status: 'DELETE_COMPLETE' });
    expect(account.enabled).toEqual([expect.stringMatching(/^alice Second-alice-/)]);
    expect(await account.destroy('Second')).toMatchObject({ status: 'DELETE_COMPLETE' });
    expect([account.devices, account.secrets]).toEqual([[], []]);
  });
});

test('under a path scope, the default device and its secret are in the scope', async () => {
  const account = new Region('eu-west-1');
  const deployed = await account.deploy((stack) => {
    const provider = new MfaEnrollmentProvider(stack, 'Staff', {
      pathScope: { userPath: '/staff/', devicePath: '/staff/' },
    });
    const user = new iam.User(stack, 'Alice', { userName: 'alice', path: '/staff/' });
    new MfaEnrollment(stack, 'AliceMfa', { user, provider });
  });
  expect(deployed).toMatchObject({ status: 'CREATE_COMPLETE' });
  expect(account.enabled).toEqual([expect.stringMatching(/^alice staff\/Staff-alice-eu-west-1-/)]);
  expect(account.secrets).toEqual([expect.stringMatching(/^mfa\/staff\/Staff-alice-eu-west-1-/)]);
  expect(await account.destroy()).toMatchObject({ status: 'DELETE_COMPLETE' });
  expect([account.devices, account.secrets]).toEqual([[], []]);
});

test('an enrollment that leaves while its provider gets another role is cleaned up with the old role', async () => {
  const account = new Region('eu-west-1');
  account.iam.call('CreateUser', { UserName: 'alice' });
  const declare = (stack: Stack, props: MfaEnrollmentProviderProps) => new MfaEnrollmentProvider(stack, 'Mfa', props);
  await account.deploy((stack) => {
    const user = iam.User.fromUserName(stack, 'Alice', 'alice');
    new MfaEnrollment(stack, 'AliceMfa', { user, provider: declare(stack, {}) });
  });
  expect(account.enabled).toHaveLength(1);
  const updated = await account.deploy((stack) => {
    const assumedBy = new iam.ServicePrincipal('lambda.amazonaws.com');
    declare(stack, { role: new iam.Role(stack, 'Role', { assumedBy }) });
  });
  expect(updated).toMatchObject({ status: 'UPDATE_COMPLETE' });
  expect([account.devices, account.secrets]).toEqual([[], []]);
});

test('all enrollments keep their devices enabled while their provider gets another role', async () => {
  const account = new Region('eu-west-1');
  const declare = (withRole: boolean) => (stack: Stack) => {
    const assumedBy = new iam.ServicePrincipal('lambda.amazonaws.com');
    const role = withRole ? new iam.Role(stack, 'Role', { assumedBy }) : undefined;
    const provider = new MfaEnrollmentProvider(stack, 'Mfa', { role });
    new MfaEnrollment(stack, 'AliceMfa', { user: alice(stack), provider });
  };
  await account.deploy(declare(false));
  const { enabled } = account;
  account.enabledAfterRequests.length = 0;
  for (const withRole of [true, false]) {
    expect(await account.deploy(declare(withRole))).toMatchObject({ status: 'UPDATE_COMPLETE' });
    expect(account.enabled).toEqual(enabled);
  }
  expect(account.enabledAfterRequests).not.toContain(0);
  expect(account.secrets).toHaveLength(1);
});
