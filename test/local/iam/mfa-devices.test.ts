import { decodedQr, pixelsOf } from '../../decoded-qr';
import { ACCOUNT, createDevice, newIam, errorOf, STEP_MS, withCodes } from './fixture';

const ALICE = { UserName: 'alice' };

function setUp() {
  const { iam, clock } = newIam();
  iam.call('CreateUser', ALICE);
  iam.call('CreateUser', { UserName: 'bob' });
  const device = createDevice(iam, 'alice');
  const enable = (userName = 'alice', of = device, distance = 0) =>
    iam.call('EnableMFADevice', withCodes(userName, of, clock.now(), distance));
  const named = { ...ALICE, SerialNumber: device.serialNumber };
  return { iam, clock, device, enable, named };
}

describe('CreateVirtualMFADevice', () => {
  test('returns the ARN as the serial number, a seed of 64 Base32 characters, a QR code of it and the tags', () => {
    const { iam } = newIam();
    const output = iam.call('CreateVirtualMFADevice', {
      VirtualMFADeviceName: 'alice',
      Path: '/team/',
      Tags: [{ Key: 'owner', Value: 'ops' }],
    }) as { VirtualMFADevice: { SerialNumber: string; Base32StringSeed: Buffer; QRCodePNG: Buffer; Tags: unknown } };
    expect(output.VirtualMFADevice.SerialNumber).toBe(`arn:aws:iam::${ACCOUNT}:mfa/team/alice`);
    expect(output.VirtualMFADevice.Base32StringSeed.toString()).toMatch(/^[A-Z2-7]{64}$/);
    expect(decodedQr(pixelsOf(output.VirtualMFADevice.QRCodePNG))).toBe(
      `otpauth://totp/alice@${ACCOUNT}?secret=${output.VirtualMFADevice.Base32StringSeed.toString()}`,
    );
    expect(output.VirtualMFADevice.Tags).toEqual([{ Key: 'owner', Value: 'ops' }]);
  });

  test('fails if the serial number exists', () => {
    const { iam } = setUp();
    expect(errorOf(() => createDevice(iam, 'alice'))).toEqual({
      code: 'EntityAlreadyExists',
      status: 409,
      message: 'MFA device already exists.',
    });
  });
});

describe('EnableMFADevice', () => {
  test('takes effect immediately, with the date of the clock and an adjustment of 0 for (previous, current)', () => {
    const { iam, clock, device, enable } = setUp();
    expect(enable()).toEqual({});
    expect(iam.call('ListMFADevices', ALICE)).toEqual({
      MFADevices: [{ UserName: 'alice', SerialNumber: device.serialNumber, EnableDate: new Date(clock.now()) }],
      IsTruncated: false,
    });
    expect(iam.deviceClock(device.serialNumber)).toEqual({
      adjustment: 0,
      lastCounter: Math.floor(clock.now() / STEP_MS),
    });
  });

  test('fails if the device is enabled for the same user', () => {
    const { enable } = setUp();
    enable();
    expect(errorOf(() => enable('alice', undefined, 2))).toEqual({
      code: 'EntityAlreadyExists',
      status: 409,
      message: 'MFA Device for user alice already exists.',
    });
  });

  test('fails if the device is enabled for another user', () => {
    const { enable } = setUp();
    enable();
    expect(errorOf(() => enable('bob', undefined, 2))).toEqual({
      code: 'EntityAlreadyExists',
      status: 409,
      message: 'MFA Device is already in use.',
    });
  });

  test('reports that the device is enabled before it checks the codes', () => {
    const { iam, named, enable } = setUp();
    enable();
    const wrong = { ...named, AuthenticationCode1: '000000', AuthenticationCode2: '000000' };
    expect(errorOf(() => iam.call('EnableMFADevice', wrong)).code).toBe('EntityAlreadyExists');
    expect(errorOf(() => iam.call('EnableMFADevice', { ...wrong, UserName: 'bob' })).code).toBe('EntityAlreadyExists');
  });

  test('accepts a pair around the adjustment that the device has kept, and rejects a current pair far from it', () => {
    const { iam, clock, device, enable, named } = setUp();
    enable('alice', device, 600);
    for (const distance of [1201, 1802]) {
      iam.call('ResyncMFADevice', withCodes('alice', device, clock.now(), distance));
    }
    iam.call('DeactivateMFADevice', named);
    clock.advance(2000 * STEP_MS);
    expect(errorOf(() => enable()).code).toBe('InvalidAuthenticationCode');
    expect(enable('alice', device, 1804)).toEqual({});
    expect(iam.deviceClock(device.serialNumber)?.adjustment).toBe(1804);
  });

  test('fails with wrong codes, and changes nothing', () => {
    const { iam, device, named } = setUp();
    const before = iam.state();
    expect(
      errorOf(() =>
        iam.call('EnableMFADevice', { ...named, AuthenticationCode1: '000000', AuthenticationCode2: '000000' }),
      ),
    ).toEqual({
      code: 'InvalidAuthenticationCode',
      status: 403,
      message: 'Authentication code for device is not valid.',
    });
    expect(iam.state()).toEqual(before);
    expect(iam.deviceClock(device.serialNumber)).toBeUndefined();
  });

  test('fails if the user does not exist', () => {
    const { enable } = setUp();
    expect(errorOf(() => enable('carol'))).toEqual({
      code: 'NoSuchEntity',
      status: 404,
      message: 'The user with name carol cannot be found.',
    });
  });

  test('fails if the device does not exist, as for the device of the root user', () => {
    const { enable, device } = setUp();
    const serialNumber = `arn:aws:iam::${ACCOUNT}:mfa/root-account-mfa-device`;
    expect(errorOf(() => enable('alice', { ...device, serialNumber }))).toMatchObject({
      code: 'NoSuchEntity',
      status: 404,
    });
  });

  test('accepts eight devices per user, and rejects the ninth', () => {
    const { iam, enable } = setUp();
    for (let count = 1; count <= 8; count += 1) {
      enable('alice', createDevice(iam, `device-${count}`));
    }
    expect(errorOf(() => enable('alice', createDevice(iam, 'device-9')))).toMatchObject({
      code: 'LimitExceeded',
      status: 409,
    });
  });
});

describe('the replay protection of a device', () => {
  test('survives deactivation and a change of user', () => {
    const { iam, clock, enable, named } = setUp();
    enable();
    iam.call('DeactivateMFADevice', named);
    expect(errorOf(() => enable('alice')).code).toBe('InvalidAuthenticationCode');
    expect(errorOf(() => enable('bob')).code).toBe('InvalidAuthenticationCode');
    clock.advance(STEP_MS);
    expect(errorOf(() => enable('bob')).code).toBe('InvalidAuthenticationCode');
    clock.advance(STEP_MS);
    expect(enable('bob')).toEqual({});
  });

  test('does not apply to a new device with the same name, which has a new seed', () => {
    const { iam, device, enable, named } = setUp();
    enable();
    iam.call('DeactivateMFADevice', named);
    iam.call('DeleteVirtualMFADevice', { SerialNumber: device.serialNumber });
    const again = createDevice(iam, 'alice');
    expect(again.seed).not.toEqual(device.seed);
    expect(iam.deviceClock(again.serialNumber)).toBeUndefined();
    expect(enable('alice', again)).toEqual({});
  });
});

describe('resynchronization', () => {
  test('stores the new adjustment', () => {
    const { iam, clock, device, enable } = setUp();
    enable();
    iam.call('ResyncMFADevice', withCodes('alice', device, clock.now(), 600));
    expect(iam.deviceClock(device.serialNumber)?.adjustment).toBe(600);
  });

  test('is rejected with the codes of the last pair', () => {
    const { iam, clock, device, enable } = setUp();
    enable();
    expect(errorOf(() => iam.call('ResyncMFADevice', withCodes('alice', device, clock.now())))).toMatchObject({
      code: 'InvalidAuthenticationCode',
      status: 403,
    });
  });
});

describe.each(['ResyncMFADevice', 'DeactivateMFADevice'])('%s', (action) => {
  const invalidForUser = { code: 'NoSuchEntity', status: 404, message: 'MFA Device invalid for user.' };
  const codes = action === 'ResyncMFADevice' ? { AuthenticationCode1: '123456', AuthenticationCode2: '123456' } : {};

  test('fails if the device is not enabled', () => {
    const { iam, named } = setUp();
    expect(errorOf(() => iam.call(action, { ...named, ...codes }))).toEqual(invalidForUser);
  });

  test('fails if the device is enabled for another user', () => {
    const { iam, named, enable } = setUp();
    enable();
    expect(errorOf(() => iam.call(action, { ...named, UserName: 'bob', ...codes }))).toEqual(invalidForUser);
  });

  test('fails if the device does not exist, and names its serial number', () => {
    const { iam, named } = setUp();
    const SerialNumber = `arn:aws:iam::${ACCOUNT}:mfa/none`;
    expect(errorOf(() => iam.call(action, { ...named, ...codes, SerialNumber }))).toEqual({
      code: 'NoSuchEntity',
      status: 404,
      message: `MFA Device with serial number ${SerialNumber} does not exist.`,
    });
  });
});

describe('an enabled device', () => {
  test('can’t be deleted before it is deactivated', () => {
    const { iam, device, enable, named } = setUp();
    enable();
    const remove = () => iam.call('DeleteVirtualMFADevice', { SerialNumber: device.serialNumber });
    expect(errorOf(remove)).toEqual({
      code: 'DeleteConflict',
      status: 409,
      message: 'MFA VirtualDevice in use. Must deactivate first.',
    });
    iam.call('DeactivateMFADevice', named);
    expect(remove()).toEqual({});
  });

  test('prevents its user from being deleted', () => {
    const { iam, enable, named } = setUp();
    enable();
    expect(errorOf(() => iam.call('DeleteUser', ALICE))).toEqual({
      code: 'DeleteConflict',
      status: 409,
      message: 'Cannot delete entity, must remove tokens from principal first.',
    });
    iam.call('DeactivateMFADevice', named);
    expect(iam.call('DeleteUser', ALICE)).toEqual({});
  });

  test('stays enabled when its user is renamed', () => {
    const { iam, device, enable } = setUp();
    enable();
    iam.call('UpdateUser', { ...ALICE, NewUserName: 'alicia', NewPath: '/team/' });
    expect(iam.call('ListMFADevices', { UserName: 'alicia' })).toMatchObject({
      MFADevices: [{ UserName: 'alicia', SerialNumber: device.serialNumber }],
    });
    expect(iam.state().devices).toEqual([{ serialNumber: device.serialNumber, userName: 'alicia', tags: {} }]);
    expect(errorOf(() => iam.call('ListMFADevices', ALICE)).code).toBe('NoSuchEntity');
  });
});

describe('ListVirtualMFADevices', () => {
  test('returns the user and the date of enabled devices, and neither seeds nor tags', () => {
    const { iam, device, enable } = setUp();
    enable();
    const tagged = createDevice(iam, 'spare', { Tags: [{ Key: 'a', Value: 'b' }] });
    const list = (AssignmentStatus: string) =>
      iam.call('ListVirtualMFADevices', { AssignmentStatus }) as { VirtualMFADevices: Record<string, unknown>[] };
    expect(list('Unassigned').VirtualMFADevices).toEqual([{ SerialNumber: tagged.serialNumber }]);
    const [assigned, ...others] = list('Assigned').VirtualMFADevices;
    expect(others).toEqual([]);
    expect(Object.keys(assigned ?? {}).sort()).toEqual(['EnableDate', 'SerialNumber', 'User']);
    expect(assigned).toMatchObject({ SerialNumber: device.serialNumber, User: { UserName: 'alice' } });
    expect(list('Any').VirtualMFADevices).toHaveLength(2);
  });

  test('returns every device exactly once across pages', () => {
    const { iam } = newIam();
    const all = Array.from({ length: 7 }, (_, index) => createDevice(iam, `device-${index}`).serialNumber);
    const seen: string[] = [];
    let Marker: string | undefined;
    do {
      const page = iam.call('ListVirtualMFADevices', { MaxItems: 3, Marker }) as {
        VirtualMFADevices: { SerialNumber: string }[];
        IsTruncated: boolean;
        Marker?: string;
      };
      expect(page.IsTruncated).toBe(page.Marker !== undefined);
      seen.push(...page.VirtualMFADevices.map(({ SerialNumber }) => SerialNumber));
      Marker = page.Marker;
    } while (Marker !== undefined);
    expect(seen).toEqual(all);
  });

  test('does not report a page that ends with the last item as truncated', () => {
    const { iam } = newIam();
    createDevice(iam, 'one');
    createDevice(iam, 'two');
    expect(iam.call('ListVirtualMFADevices', { MaxItems: 2 })).toMatchObject({ IsTruncated: false });
  });

  test('rejects a marker that it did not issue', () => {
    const { iam } = newIam();
    expect(errorOf(() => iam.call('ListVirtualMFADevices', { Marker: 'x' })).code).toBe('ValidationError');
  });
});

test('GetMFADevice of a virtual device is a ValidationError', () => {
  const { iam, device } = setUp();
  expect(errorOf(() => iam.call('GetMFADevice', { SerialNumber: device.serialNumber }))).toMatchObject({
    code: 'ValidationError',
    status: 400,
  });
});

test('a call without a user name is an error, because no caller is a user', () => {
  const { iam } = newIam();
  expect(errorOf(() => iam.call('ListMFADevices', {})).message).toBe(
    'Must specify userName when calling with non-User credentials',
  );
});
