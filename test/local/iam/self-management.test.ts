import type { Caller } from '../../../local/iam';
import { ACCOUNT, createDevice, errorOf, newIam, STEP_MS, withCodes } from './fixture';

const ALICE = { UserName: 'alice' };
/** Alice with her long-term access key. */
const ALICE_KEY: Caller = { arn: `arn:aws:iam::${ACCOUNT}:user/alice`, userName: 'alice' };
const MFA_REQUIRED = {
  code: 'AccessDenied',
  status: 403,
  message:
    'To complete this action, please ensure that you are authenticated with an MFA device that is enabled for this user.',
};

function setUp() {
  const { iam, clock } = newIam();
  iam.call('CreateUser', ALICE);
  iam.call('CreateUser', { UserName: 'bob' });
  const [first, second] = [createDevice(iam, 'first'), createDevice(iam, 'second')];
  const named = (SerialNumber: string) => ({ ...ALICE, SerialNumber });
  const enable = (device = first, userName = 'alice', caller?: Caller) =>
    iam.call('EnableMFADevice', withCodes(userName, device, clock.now()), caller);
  return { iam, clock, first, second, named, enable };
}

test('a user without a device may enable the first one with a long-term key', () => {
  const { enable, first } = setUp();
  expect(enable(first, 'alice', ALICE_KEY)).toEqual({});
});

describe('a user with an enabled device and a long-term key', () => {
  test('can neither enable nor deactivate devices of their own, whatever the state of the device', () => {
    const { iam, first, second, named, enable } = setUp();
    enable();
    const missing = `arn:aws:iam::${ACCOUNT}:mfa/missing`;
    const calls = [
      () => enable(second, 'alice', ALICE_KEY),
      () => enable(first, 'alice', ALICE_KEY),
      () => enable({ ...second, serialNumber: missing }, 'alice', ALICE_KEY),
      () => iam.call('DeactivateMFADevice', named(first.serialNumber), ALICE_KEY),
      () => iam.call('DeactivateMFADevice', { SerialNumber: first.serialNumber }, ALICE_KEY),
      () => iam.call('DeactivateMFADevice', named(missing), ALICE_KEY),
    ];
    for (const call of calls) {
      expect(errorOf(call)).toEqual(MFA_REQUIRED);
    }
  });

  test('can neither create devices nor delete devices of their own', () => {
    const { iam, first, second, enable } = setUp();
    enable();
    expect(errorOf(() => iam.call('CreateVirtualMFADevice', { VirtualMFADeviceName: 'x' }, ALICE_KEY))).toEqual(
      MFA_REQUIRED,
    );
    const remove = (SerialNumber: string) => iam.call('DeleteVirtualMFADevice', { SerialNumber }, ALICE_KEY);
    expect(errorOf(() => remove(first.serialNumber))).toEqual(MFA_REQUIRED);
    expect(remove(second.serialNumber)).toEqual({});
  });

  test('can resynchronize, and manage the devices of other users', () => {
    const { iam, clock, first, second, enable } = setUp();
    enable();
    clock.advance(2 * STEP_MS);
    expect(iam.call('ResyncMFADevice', withCodes('alice', first, clock.now()), ALICE_KEY)).toEqual({});
    expect(enable(second, 'bob', ALICE_KEY)).toEqual({});
  });

  test('can enable a device again after the last one was deactivated', () => {
    const { iam, first, second, named, enable } = setUp();
    enable();
    iam.call('DeactivateMFADevice', named(first.serialNumber));
    expect(enable(second, 'alice', ALICE_KEY)).toEqual({});
  });
});

test('an administrator manages the devices of a user who has one', () => {
  const { iam, first, second, named, enable } = setUp();
  enable();
  expect(enable(second)).toEqual({});
  expect(iam.call('DeactivateMFADevice', named(first.serialNumber))).toEqual({});
});

test('calls without a user name refer to the user who signed them', () => {
  const { iam } = setUp();
  expect(iam.call('ListMFADevices', {}, ALICE_KEY)).toMatchObject({ MFADevices: [] });
  expect(iam.call('GetUser', {}, ALICE_KEY)).toMatchObject({ User: ALICE });
});
