import { newIam, refusal } from './fixture';

const SERIAL_NUMBER = 'arn:aws:iam::123456789012:mfa/alice';
const ENABLE = {
  UserName: 'alice',
  SerialNumber: SERIAL_NUMBER,
  AuthenticationCode1: '123456',
  AuthenticationCode2: '654321',
};

function violation(action: string, input: Record<string, unknown>): string {
  const { code, status, message } = refusal(() => newIam().iam.call(action, input));
  expect({ code, status }).toEqual({ code: 'ValidationError', status: 400 });
  return message;
}

test.each([
  ['a', 64],
  ['existing', 128],
])('user names: %s one may have %i characters and no more', (kind, longest) => {
  const action = kind === 'existing' ? 'GetUser' : 'CreateUser';
  const tooLong = 'u'.repeat(longest + 1);
  expect(violation(action, { UserName: tooLong })).toBe(
    `1 validation error detected: Value '${tooLong}' at 'userName' failed to satisfy constraint: Member must have length less than or equal to ${longest}`,
  );
  const { iam } = newIam();
  const call = () => iam.call(action, { UserName: 'u'.repeat(longest) });
  expect(kind === 'existing' ? refusal(call).code : Object.keys(call())[0]).toBe(
    kind === 'existing' ? 'NoSuchEntity' : 'User',
  );
});

test('user names hold letters, digits and +=,.@-_ only', () => {
  expect(violation('EnableMFADevice', { ...ENABLE, UserName: 'al ice' })).toBe(
    "1 validation error detected: Value 'al ice' at 'userName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]+",
  );
});

test('serial numbers have 9 to 256 characters', () => {
  expect(violation('ListMFADeviceTags', { SerialNumber: 'short' })).toContain('greater than or equal to 9');
  expect(violation('ListMFADeviceTags', { SerialNumber: 's'.repeat(257) })).toContain('less than or equal to 256');
});

test.each([
  ['five digits', '12345'],
  ['seven digits', '1234567'],
  ['a letter', '12345x'],
  ['Arabic digits', '١٢٣٤٥٦'],
])('a code of %s is refused without being quoted', (_, code) => {
  const message = violation('EnableMFADevice', { ...ENABLE, AuthenticationCode2: code });
  expect(message).toContain("Value at 'authenticationCode2' failed to satisfy constraint");
  expect(message).not.toContain(code);
});

test('everything that is missing is named in one refusal', () => {
  expect(violation('EnableMFADevice', { UserName: 'alice' })).toBe(
    "3 validation errors detected: Value null at 'serialNumber' failed to satisfy constraint: Member must not be null; " +
      "Value null at 'authenticationCode1' failed to satisfy constraint: Member must not be null; " +
      "Value null at 'authenticationCode2' failed to satisfy constraint: Member must not be null",
  );
});

test.each([0, 1001])('MaxItems %i is out of range', (MaxItems) => {
  expect(violation('ListUsers', { MaxItems })).toContain("at 'maxItems'");
});

test('an assignment status outside of the three is refused with what is allowed', () => {
  expect(violation('ListVirtualMFADevices', { AssignmentStatus: 'Some' })).toContain(
    'Member must satisfy enum value set: [Assigned, Unassigned, Any]',
  );
});

test('a parameter that the action does not have is named', () => {
  expect(violation('ListUsers', { constructor: '/' })).toContain("'constructor' is not a parameter known here");
  expect(violation('ListUsers', { Prefix: '/' })).toContain("'Prefix' is not a parameter known here");
});

test('a wrong tag is named by its place', () => {
  expect(
    violation('TagMFADevice', {
      SerialNumber: SERIAL_NUMBER,
      Tags: [
        { Key: 'a', Value: '' },
        { Key: '*', Value: '' },
      ],
    }),
  ).toContain("Value '*' at 'tags.2.member.key'");
});

test('paths begin and end with a slash', () => {
  expect(violation('CreateUser', { UserName: 'alice', Path: 'team' })).toContain("at 'path'");
});

test('parameters are judged before anything is looked up', () => {
  expect(violation('EnableMFADevice', { ...ENABLE, UserName: 'nobody', AuthenticationCode1: 'x' })).toContain(
    'authenticationCode1',
  );
});

test('an action outside of what is known is refused by name', () => {
  expect(refusal(() => newIam().iam.call('ListGroups', {}))).toEqual({
    code: 'InvalidAction',
    status: 400,
    message: 'Could not find operation ListGroups for version 2010-05-08',
  });
});
