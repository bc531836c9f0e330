import { ACCOUNT, createDevice, newIam, errorOf, withCodes } from './fixture';

const ALICE = { UserName: 'alice' };

test('GetUser returns an ARN that contains the path, and a unique id', () => {
  const { iam, clock } = newIam();
  iam.call('CreateUser', { ...ALICE, Path: '/team/' });
  expect(iam.call('GetUser', ALICE)).toEqual({
    User: {
      Path: '/team/',
      UserName: 'alice',
      UserId: expect.stringMatching(/^AIDA[A-Z2-7]{17}$/) as string,
      Arn: `arn:aws:iam::${ACCOUNT}:user/team/alice`,
      CreateDate: new Date(clock.now()),
    },
  });
});

test('user names that differ only in case are in conflict', () => {
  const { iam } = newIam();
  iam.call('CreateUser', ALICE);
  iam.call('CreateUser', { UserName: 'bob' });
  const conflict = { code: 'EntityAlreadyExists', status: 409, message: 'User with name ALICE already exists.' };
  expect(errorOf(() => iam.call('CreateUser', { UserName: 'ALICE' }))).toEqual(conflict);
  expect(errorOf(() => iam.call('UpdateUser', { UserName: 'bob', NewUserName: 'ALICE' }))).toEqual(conflict);
  expect(iam.call('UpdateUser', { ...ALICE, NewUserName: 'ALICE' })).toEqual({});
});

test('ListUsers sorts users by name, and filters them by path prefix', () => {
  const { iam } = newIam();
  iam.call('CreateUser', { UserName: 'bob' });
  iam.call('CreateUser', { ...ALICE, Path: '/team/' });
  const names = (input: Record<string, unknown>) =>
    (iam.call('ListUsers', input) as { Users: { UserName: string }[] }).Users.map(({ UserName }) => UserName);
  expect(names({})).toEqual(['alice', 'bob']);
  expect(names({ PathPrefix: '/team/' })).toEqual(['alice']);
});

describe('a new user, with a delay of new users', () => {
  test('is invisible to every call but CreateUser until the delay is over', () => {
    const { iam, clock } = newIam();
    const device = createDevice(iam, 'alice');
    iam.delays = { newUser: 10_000 };
    iam.call('CreateUser', ALICE);
    clock.advance(9_999);
    const calls = [
      () => iam.call('GetUser', ALICE),
      () => iam.call('ListMFADevices', ALICE),
      () => iam.call('EnableMFADevice', withCodes('alice', device, clock.now())),
      () => iam.call('DeleteUser', ALICE),
    ];
    for (const call of calls) {
      expect(errorOf(call)).toEqual({
        code: 'NoSuchEntity',
        status: 404,
        message: 'The user with name alice cannot be found.',
      });
    }
    expect(errorOf(() => iam.call('CreateUser', ALICE)).code).toBe('EntityAlreadyExists');
    clock.advance(1);
    expect(iam.call('ListMFADevices', ALICE)).toEqual({ MFADevices: [], IsTruncated: false });
  });
});

describe('with a delay of recreated users', () => {
  test('the devices of a user that was deleted and created again can’t be changed until the delay is over', () => {
    const { iam, clock } = newIam();
    const device = createDevice(iam, 'alice');
    iam.call('CreateUser', ALICE);
    iam.call('DeleteUser', ALICE);
    iam.call('CreateUser', ALICE);
    iam.delays = { recreated: 60_000 };
    const unmodifiable = { code: 'EntityTemporarilyUnmodifiable', status: 409 };
    const enable = () => iam.call('EnableMFADevice', withCodes('alice', device, clock.now()));
    const named = { ...ALICE, SerialNumber: device.serialNumber };
    expect(errorOf(enable)).toMatchObject(unmodifiable);
    expect(errorOf(() => iam.call('DeactivateMFADevice', named))).toMatchObject(unmodifiable);
    clock.advance(60_000);
    expect(enable()).toEqual({});
  });

  test('the devices of a user with a new name can be changed immediately', () => {
    const { iam, clock } = newIam();
    iam.delays = { recreated: 60_000 };
    iam.call('CreateUser', ALICE);
    expect(iam.call('EnableMFADevice', withCodes('alice', createDevice(iam, 'alice'), clock.now()))).toEqual({});
  });
});
