import { ACCOUNT, createDevice, newIam, refusal, STEP_MS, withCodes } from './fixture';

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

describe('creating a virtual device', () => {
  test('answers its ARN as serial number, a seed of 64 Base32 characters, a PNG and the tags', () => {
    const { iam } = newIam();
    const answer = iam.call('CreateVirtualMFADevice', {
      VirtualMFADeviceName: 'alice',
      Path: '/team/',
      Tags: [{ Key: 'owner', Value: 'ops' }],
    }) as { VirtualMFADevice: { SerialNumber: string; Base32StringSeed: Buffer; QRCodePNG: Buffer; Tags: unknown } };
    expect(answer.VirtualMFADevice.SerialNumber).toBe(`arn:aws:iam::${ACCOUNT}:mfa/team/alice`);
    expect(answer.VirtualMFADevice.Base32StringSeed.toString()).toMatch(/^[A-Z2-7]{64}$/);
    expect(answer.VirtualMFADevice.QRCodePNG.subarray(1, 4).toString()).toBe('PNG');
    expect(answer.VirtualMFADevice.Tags).toEqual([{ Key: 'owner', Value: 'ops' }]);
  });

  test('is refused where the ARN exists', () => {
    const { iam } = setUp();
    expect(refusal(() => createDevice(iam, 'alice'))).toEqual({
      code: 'EntityAlreadyExists',
      status: 409,
      message: 'MFA device already exists.',
    });
  });
});

describe('enabling', () => {
  test('shows at once, with the time of the clock, and stores an adjustment of 0 for (previous, current)', () => {
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

  test('again for the same user is refused', () => {
    const { enable } = setUp();
    enable();
    expect(refusal(() => enable('alice', undefined, 2))).toEqual({
      code: 'EntityAlreadyExists',
      status: 409,
      message: 'MFA Device for user alice already exists.',
    });
  });

  test('for another user is refused', () => {
    const { enable } = setUp();
    enable();
    expect(refusal(() => enable('bob', undefined, 2))).toEqual({
      code: 'EntityAlreadyExists',
      status: 409,
      message: 'MFA Device is already in use.',
    });
  });

  test('with codes that do not fit is refused and changes nothing', () => {
    const { iam, device, named } = setUp();
    const before = iam.state();
    expect(
      refusal(() =>
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

  test('for a user that nobody knows is refused', () => {
    const { enable } = setUp();
    expect(refusal(() => enable('carol'))).toEqual({
      code: 'NoSuchEntity',
      status: 404,
      message: 'The user with name carol cannot be found.',
    });
  });

  test('a device that nobody knows is refused, the root user’s among them', () => {
    const { enable, device } = setUp();
    const serialNumber = `arn:aws:iam::${ACCOUNT}:mfa/root-account-mfa-device`;
    expect(refusal(() => enable('alice', { ...device, serialNumber }))).toMatchObject({
      code: 'NoSuchEntity',
      status: 404,
    });
  });

  test('a ninth device of one user is refused, the eighth is not', () => {
    const { iam, enable } = setUp();
    for (let count = 1; count <= 8; count += 1) {
      enable('alice', createDevice(iam, `device-${count}`));
    }
    expect(refusal(() => enable('alice', createDevice(iam, 'device-9')))).toMatchObject({
      code: 'LimitExceeded',
      status: 409,
    });
  });
});

describe('replay memory of a device', () => {
  test('outlives deactivation and assignment to another user', () => {
    const { iam, clock, enable, named } = setUp();
    enable();
    iam.call('DeactivateMFADevice', named);
    expect(refusal(() => enable('alice')).code).toBe('InvalidAuthenticationCode');
    expect(refusal(() => enable('bob')).code).toBe('InvalidAuthenticationCode');
    clock.turn(STEP_MS);
    expect(refusal(() => enable('bob')).code).toBe('InvalidAuthenticationCode');
    clock.turn(STEP_MS);
    expect(enable('bob')).toEqual({});
  });

  test('ends with the device: one of the same name has a new seed and none', () => {
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

describe('synchronising again', () => {
  test('stores the new adjustment', () => {
    const { iam, clock, device, enable } = setUp();
    enable();
    iam.call('ResyncMFADevice', withCodes('alice', device, clock.now(), 600));
    expect(iam.deviceClock(device.serialNumber)?.adjustment).toBe(600);
  });

  test('is refused with the codes of the last pair', () => {
    const { iam, clock, device, enable } = setUp();
    enable();
    expect(refusal(() => iam.call('ResyncMFADevice', withCodes('alice', device, clock.now())))).toMatchObject({
      code: 'InvalidAuthenticationCode',
      status: 403,
    });
  });
});

describe.each(['ResyncMFADevice', 'DeactivateMFADevice'])('%s', (action) => {
  const invalidForUser = { code: 'NoSuchEntity', status: 404, message: 'MFA Device invalid for user.' };
  const codes = action === 'ResyncMFADevice' ? { AuthenticationCode1: '123456', AuthenticationCode2: '123456' } : {};

  test('of a device that is not attached is refused', () => {
    const { iam, named } = setUp();
    expect(refusal(() => iam.call(action, { ...named, ...codes }))).toEqual(invalidForUser);
  });

  test('of a device that is attached to somebody else is refused', () => {
    const { iam, named, enable } = setUp();
    enable();
    expect(refusal(() => iam.call(action, { ...named, UserName: 'bob', ...codes }))).toEqual(invalidForUser);
  });

  test('of a device that nobody knows is refused by its serial number', () => {
    const { iam, named } = setUp();
    const SerialNumber = `arn:aws:iam::${ACCOUNT}:mfa/none`;
    expect(refusal(() => iam.call(action, { ...named, ...codes, SerialNumber }))).toEqual({
      code: 'NoSuchEntity',
      status: 404,
      message: `MFA Device with serial number ${SerialNumber} does not exist.`,
    });
  });
});

describe('what is in use', () => {
  test('a device can’t be deleted before it is deactivated', () => {
    const { iam, device, enable, named } = setUp();
    enable();
    const remove = () => iam.call('DeleteVirtualMFADevice', { SerialNumber: device.serialNumber });
    expect(refusal(remove)).toEqual({
      code: 'DeleteConflict',
      status: 409,
      message: 'MFA VirtualDevice in use. Must deactivate first.',
    });
    iam.call('DeactivateMFADevice', named);
    expect(remove()).toEqual({});
  });

  test('a user can’t be deleted while a device is attached', () => {
    const { iam, enable, named } = setUp();
    enable();
    expect(refusal(() => iam.call('DeleteUser', ALICE))).toEqual({
      code: 'DeleteConflict',
      status: 409,
      message: 'Cannot delete entity, must remove tokens from principal first.',
    });
    iam.call('DeactivateMFADevice', named);
    expect(iam.call('DeleteUser', ALICE)).toEqual({});
  });

  test('a user that is renamed keeps its device', () => {
    const { iam, device, enable } = setUp();
    enable();
    iam.call('UpdateUser', { ...ALICE, NewUserName: 'alicia', NewPath: '/team/' });
    expect(iam.call('ListMFADevices', { UserName: 'alicia' })).toMatchObject({
      MFADevices: [{ UserName: 'alicia', SerialNumber: device.serialNumber }],
    });
    expect(iam.state().devices).toEqual([{ serialNumber: device.serialNumber, userName: 'alicia', tags: {} }]);
    expect(refusal(() => iam.call('ListMFADevices', ALICE)).code).toBe('NoSuchEntity');
  });
});

describe('lists of virtual devices', () => {
  test('show user and date of those assigned, and neither seeds nor tags', () => {
    const { iam, device, enable } = setUp();
    enable();
    const tagged = createDevice(iam, 'spare', { Tags: [{ Key: 'a', Value: 'b' }] });
    const shown = (AssignmentStatus: string) =>
      iam.call('ListVirtualMFADevices', { AssignmentStatus }) as { VirtualMFADevices: Record<string, unknown>[] };
    expect(shown('Unassigned').VirtualMFADevices).toEqual([{ SerialNumber: tagged.serialNumber }]);
    const [assigned, ...others] = shown('Assigned').VirtualMFADevices;
    expect(others).toEqual([]);
    expect(Object.keys(assigned ?? {}).sort()).toEqual(['EnableDate', 'SerialNumber', 'User']);
    expect(assigned).toMatchObject({ SerialNumber: device.serialNumber, User: { UserName: 'alice' } });
    expect(shown('Any').VirtualMFADevices).toHaveLength(2);
  });

  test('come in pages that neither repeat nor leave out', () => {
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

  test('a page that ends with the last item is not truncated', () => {
    const { iam } = newIam();
    createDevice(iam, 'one');
    createDevice(iam, 'two');
    expect(iam.call('ListVirtualMFADevices', { MaxItems: 2 })).toMatchObject({ IsTruncated: false });
  });

  test('a marker that was never given out is refused', () => {
    const { iam } = newIam();
    expect(refusal(() => iam.call('ListVirtualMFADevices', { Marker: 'x' })).code).toBe('ValidationError');
  });
});

test('GetMFADevice of a virtual device is a ValidationError', () => {
  const { iam, device } = setUp();
  expect(refusal(() => iam.call('GetMFADevice', { SerialNumber: device.serialNumber }))).toMatchObject({
    code: 'ValidationError',
    status: 400,
  });
});

test('a user that is not named is none of the caller’s', () => {
  const { iam } = newIam();
  expect(refusal(() => iam.call('ListMFADevices', {})).message).toBe(
    'Must specify userName when calling with non-User credentials',
  );
});
