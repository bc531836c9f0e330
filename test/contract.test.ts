import * as iam from 'aws-cdk-lib/aws-iam';
import * as contract from '../lib/contract';
import { EnrollmentAttributes, EnrollmentProperties } from '../lib/contract';
import { MfaEnrollmentProvider } from '../lib';
import { DEVICE, enroll, enrollments, literalStack, logicalIdOf, newStack, resources } from './lib/fixture';

/*
 * Old properties and physical ids keep arriving in Deletes, old claims keep standing on devices, and a logical id that
 * changes enrolls anew. A release may add to what stands here; it may change nothing.
 */

const PROPERTIES: Record<keyof EnrollmentProperties, unknown> = {
  UserName: 'alice',
  SerialNumber: DEVICE,
  SeedSecretArn: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:mfa/alice',
  SeedSecretField: 'seed',
  AdoptExisting: true,
};
const ATTRIBUTES: Record<keyof EnrollmentAttributes, keyof EnrollmentAttributes> = {
  UserName: 'UserName',
  SerialNumber: 'SerialNumber',
};

test('type, logical id and properties of an enrollment', () => {
  const stack = literalStack();
  enroll(stack, {
    user: iam.User.fromUserName(stack, 'Imported', 'alice'),
    seedSecretField: 'seed',
    adoptExisting: true,
  });
  expect(contract.ENROLLMENT_RESOURCE_TYPE).toBe('Custom::MfaEnrollment');
  expect(enrollments(stack)).toEqual({
    MfaEnrollmentAlice5B72052A: expect.objectContaining({
      Properties: {
        ServiceToken: { 'Fn::GetAtt': ['MfaEnrollmentProviderFunction84DBEAB4', 'Arn'] },
        ServiceTimeout: 1410,
        ...PROPERTIES,
      },
    }) as unknown,
  });
});

test('the attributes of an enrollment, as Fn::GetAtt names them', () => {
  const stack = newStack();
  const enrollment = enroll(stack);
  const id = logicalIdOf(enrollment);
  expect(stack.resolve([enrollment.userName, enrollment.serialNumber])).toEqual([
    { 'Fn::GetAtt': [id, ATTRIBUTES.UserName] },
    { 'Fn::GetAtt': [id, ATTRIBUTES.SerialNumber] },
  ]);
});

test("the logical ids of the stack's own provider", () => {
  const stack = newStack();
  MfaEnrollmentProvider.getOrCreate(stack);
  expect(Object.keys(resources(stack, 'AWS::Lambda::Function'))).toEqual(['MfaEnrollmentProviderFunction84DBEAB4']);
});

test('the physical id is user and device', () => {
  expect(contract.physicalResourceId({ UserName: 'alice', SerialNumber: DEVICE })).toBe(
    'alice|arn:aws:iam::123456789012:mfa/alice',
  );
});

test('the claim of an enrollment, key and value', () => {
  const uuid = '0a1b2c3d-0000-4000-8000-123456789abc';
  expect(contract.enrollmentClaimKey(uuid, 'MfaEnrollmentAlice01234567')).toBe(
    'cdk-mfa-enrollment:enrollment:0a1b2c3d-0000-4000-8000-123456789abc/MfaEnrollmentAlice01234567',
  );
  expect(contract.enrollmentClaimValue('enabled', 'eu-central-1', 'Stack')).toBe('enabled eu-central-1 Stack');
  expect(contract.enrollmentClaimValue('adopted', 'eu-central-1', 'Stack')).toBe('adopted eu-central-1 Stack');
  expect(contract.TAG_KEY_PREFIX).toBe('cdk-mfa-enrollment:');
  expect(contract.ENROLLMENT_CLAIM_PREFIX).toBe('cdk-mfa-enrollment:enrollment:');
});

test('the longest logical id makes a claim key of exactly the 128 characters that IAM allows', () => {
  const uuid = '0a1b2c3d-0000-4000-8000-123456789abc';
  expect(contract.LOGICAL_ID_LENGTH).toBe(61);
  expect(contract.enrollmentClaimKey(uuid, 'M'.repeat(61))).toHaveLength(128);
});

test('timing, in seconds', () => {
  const { ANSWER_WITHIN, EVENT_AGE, FUNCTION_TIMEOUT, SERVICE_TIMEOUT } = contract;
  expect({ ANSWER_WITHIN, EVENT_AGE, FUNCTION_TIMEOUT, SERVICE_TIMEOUT }).toEqual({
    ANSWER_WITHIN: 300,
    EVENT_AGE: 480,
    FUNCTION_TIMEOUT: 900,
    SERVICE_TIMEOUT: 1410,
  });
});

test('CloudFormation does not give up before the queue and the function do', () => {
  expect(contract.SERVICE_TIMEOUT).toBeGreaterThanOrEqual(contract.EVENT_AGE + contract.FUNCTION_TIMEOUT);
});
