import { newIam, errorOf } from './fixture';

const SERIAL_NUMBER = 'arn:aws:iam::123456789012:mfa/alice';
const ENABLE = {
  UserName: 'alice',
  SerialNumber: SERIAL_NUMBER,
  AuthenticationCode1: '123456',
  AuthenticationCode2: '654321',
};

function violation(action: string, input: Record<string, unknown>): string {
  const { code, status, message } = errorOf(() => newIam().iam.call(action, input));
  expect({ code, status }).toEqual({ code: 'ValidationError', status: 400 });
  return message;
}

test.each([
  ['a new', 64],
  ['an existing', 128],
])('the name of %s user has at most %i characters', (kind, maxLength) => {
  const action = kind === 'an existing' ? 'GetUser' : 'CreateUser';
  const tooLong = 'u'.repeat(maxLength + 1);
  expect(violation(action, { UserName: tooLong })).toBe(
    `1 validation error detected: Value '${tooLong}' at 'userName' failed to satisfy constraint: Member must have length less than or equal to ${maxLength}`,
  );
  const { iam } = newIam();
  const call = () => iam.call(action, { UserName: 'u'.repeat(maxLength) });
  expect(kind === 'an existing' ? errorOf(call).code : Object.keys(call())[0]).toBe(
    kind === 'an existing' ? 'NoSuchEntity' : 'User',
  );
});

test('user names contain only letters, digits and +=,.@-_', () => {
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
])('a code of %s is an error that does not quote the code', (_, code) => {
  const message = violation('EnableMFADevice', { ...ENABLE, AuthenticationCode2: code });
  expect(message).toContain("Value at 'authenticationCode2' failed to satisfy constraint");
  expect(message).not.toContain(code);
});

test('one error names all missing parameters', () => {
  expect(violation('EnableMFADevice', { UserName: 'alice' })).toBe(
    "3 validation errors detected: Value null at 'serialNumber' failed to satisfy constraint: Member must not be null; " +
      "Value null at 'authenticationCode1' failed to satisfy constraint: Member must not be null; " +
      "Value null at 'authenticationCode2' failed to satisfy constraint: Member must not be null",
  );
});

test.each([0, 1001])('MaxItems %i is out of range', (MaxItems) => {
  expect(violation('ListUsers', { MaxItems })).toContain("at 'maxItems'");
});

test('an invalid assignment status is an error that lists the allowed values', () => {
  expect(violation('ListVirtualMFADevices', { AssignmentStatus: 'Some' })).toContain(
    'Member must satisfy enum value set: [Assigned, Unassigned, Any]',
  );
});

test('an unknown parameter is an error that names it', () => {
  expect(violation('ListUsers', { constructor: '/' })).toContain("'constructor' is not a supported parameter");
  expect(violation('ListUsers', { Prefix: '/' })).toContain("'Prefix' is not a supported parameter");
});

test('the error for an invalid tag names the position of the tag', () => {
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

test('a path must begin and end with a slash', () => {
  expect(violation('CreateUser', { UserName: 'alice', Path: 'team' })).toContain("at 'path'");
});

test('parameters are validated before entities are looked up', () => {
  expect(violation('EnableMFADevice', { ...ENABLE, UserName: 'nobody', AuthenticationCode1: 'x' })).toContain(
    'authenticationCode1',
  );
});

test('an unknown action is an error that names it', () => {
  expect(errorOf(() => newIam().iam.call('ListGroups', {}))).toEqual({
    code: 'InvalidAction',
    status: 400,
    message: 'Could not find operation ListGroups for version 2010-05-08',
  });
});
