import { DEVICE_PROPERTIES, ENROLLMENT_PROPERTIES } from '../../lib/contract';
import { problemIn, propertiesIn } from '../../lambda/properties';

const ACCOUNT = { account: '123456789012', partition: 'aws' };
const VALID = {
  UserName: 'alice',
  SerialNumber: 'arn:aws:iam::123456789012:mfa/alice',
  SeedSecretArn: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mfa/alice-AbCdEf',
};
const problemOf = (changed: object, request: string) =>
  problemIn(ENROLLMENT_PROPERTIES, propertiesIn(ENROLLMENT_PROPERTIES, { ...VALID, ...changed }), ACCOUNT, request);

test('properties that synthesis accepts have no problem', () => {
  expect(problemOf({}, 'Create')).toBeUndefined();
  expect(problemOf({ SeedSecretField: 'seed' }, 'Create')).toBeUndefined();
});

test.each(['Create', 'Update', 'Delete'])('each %s needs a valid user and a valid device', (request) => {
  expect(problemOf({ UserName: 'al ice' }, request)).toMatch(/^'UserName': invalid IAM user name 'al ice'/);
  expect(problemOf({ SerialNumber: 'alice' }, request)).toMatch(/^'SerialNumber': invalid serial number 'alice'/);
});

test('a Delete needs no secret', () => {
  expect(problemOf({ SeedSecretArn: '' }, 'Create')).toMatch(/^'SeedSecretArn': /);
  expect(problemOf({ SeedSecretArn: '' }, 'Delete')).toBeUndefined();
  expect(problemOf({ SeedSecretField: '' }, 'Create')).toMatch(/^'SeedSecretField': /);
  expect(problemOf({ SeedSecretField: '' }, 'Delete')).toBeUndefined();
});

test('a property that is missing is an empty one, unless it is optional', () => {
  expect(propertiesIn(ENROLLMENT_PROPERTIES, {})).toMatchObject({ UserName: '', SerialNumber: '', SeedSecretArn: '' });
  expect(propertiesIn(ENROLLMENT_PROPERTIES, {}).SeedSecretField).toBeUndefined();
});

test('the name of a user that comes with its path is read without it', () => {
  expect(propertiesIn(ENROLLMENT_PROPERTIES, { ...VALID, UserName: 'staff/europe/alice' }).UserName).toBe('alice');
});

test.each(['UserName', 'SerialNumber', 'SeedSecretArn'] as const)('a seed in place of %s goes no further', (name) => {
  const seed = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
  expect(propertiesIn(ENROLLMENT_PROPERTIES, { ...VALID, [name]: seed })[name]).not.toContain(seed.slice(0, 8));
});

test('a tag without a key or a value has an empty one', () => {
  const Tags = [{ Key: 'team' }, { Value: 'red' }, 'blue', null];
  expect(propertiesIn(DEVICE_PROPERTIES, { Tags }).Tags).toEqual([
    { Key: 'team', Value: '' },
    { Key: '', Value: 'red' },
    { Key: '', Value: '' },
    { Key: '', Value: '' },
  ]);
});
