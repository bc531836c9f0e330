import { ACCOUNT, createDevice, newIam, refusal, withCodes } from './fixture';

const ALICE = { UserName: 'alice' };

test('a user has its path in its ARN, and an id of its own', () => {
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

test('names that differ in case only are the same name', () => {
  const { iam } = newIam();
  iam.call('CreateUser', ALICE);
  iam.call('CreateUser', { UserName: 'bob' });
  const taken = { code: 'EntityAlreadyExists', status: 409, message: 'User with name ALICE already exists.' };
  expect(refusal(() => iam.call('CreateUser', { UserName: 'ALICE' }))).toEqual(taken);
  expect(refusal(() => iam.call('UpdateUser', { UserName: 'bob', NewUserName: 'ALICE' }))).toEqual(taken);
  expect(iam.call('UpdateUser', { ...ALICE, NewUserName: 'ALICE' })).toEqual({});
});

test('users are listed by name, those under a path only where one is given', () => {
  const { iam } = newIam();
  iam.call('CreateUser', { UserName: 'bob' });
  iam.call('CreateUser', { ...ALICE, Path: '/team/' });
  const names = (input: Record<string, unknown>) =>
    (iam.call('ListUsers', input) as { Users: { UserName: string }[] }).Users.map(({ UserName }) => UserName);
  expect(names({})).toEqual(['alice', 'bob']);
  expect(names({ PathPrefix: '/team/' })).toEqual(['alice']);
});

describe('a new user, with a delay', () => {
  test('is found by nothing but another creation until then', () => {
    const { iam, clock } = newIam();
    const device = createDevice(iam, 'alice');
    iam.delays = { newUser: 10_000 };
    iam.call('CreateUser', ALICE);
    clock.turn(9_999);
    const calls = [
      () => iam.call('GetUser', ALICE),
      () => iam.call('ListMFADevices', ALICE),
      () => iam.call('EnableMFADevice', withCodes('alice', device, clock.now())),
      () => iam.call('DeleteUser', ALICE),
    ];
    for (const call of calls) {
      expect(refusal(call)).toEqual({
        code: 'NoSuchEntity',
        status: 404,
        message: 'The user with name alice cannot be found.',
      });
    }
    expect(refusal(() => iam.call('CreateUser', ALICE)).code).toBe('EntityAlreadyExists');
    clock.turn(1);
    expect(iam.call('ListMFADevices', ALICE)).toEqual({ MFADevices: [], IsTruncated: false });
  });
});

describe('a user that was deleted and created again', () => {
  test('can’t be given or relieved of devices for as long as that is set to last', () => {
    const { iam, clock } = newIam();
    const device = createDevice(iam, 'alice');
    iam.call('CreateUser', ALICE);
    iam.call('DeleteUser', ALICE);
    iam.call('CreateUser', ALICE);
    iam.delays = { recreated: 60_000 };
    const unmodifiable = { code: 'EntityTemporarilyUnmodifiable', status: 409 };
    const enable = () => iam.call('EnableMFADevice', withCodes('alice', device, clock.now()));
    const named = { ...ALICE, SerialNumber: device.serialNumber };
    expect(refusal(enable)).toMatchObject(unmodifiable);
    expect(refusal(() => iam.call('DeactivateMFADevice', named))).toMatchObject(unmodifiable);
    clock.turn(60_000);
    expect(enable()).toEqual({});
  });

  test('one of a name that nobody bore can be at once', () => {
    const { iam, clock } = newIam();
    iam.delays = { recreated: 60_000 };
    iam.call('CreateUser', ALICE);
    expect(iam.call('EnableMFADevice', withCodes('alice', createDevice(iam, 'alice'), clock.now()))).toEqual({});
  });
});
