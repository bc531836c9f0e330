import { Tags } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { withoutSeed } from '../lib/checks';
import * as contract from '../lib/contract';
import { type DeviceProperties, type EnrollmentAttributes, type EnrollmentProperties } from '../lib/contract';
import { MfaEnrollmentProvider, VirtualMfaDevice } from '../lib';
import {
  DEVICE,
  devicePolicies,
  devices,
  enroll,
  enrollMade,
  enrollments,
  literalStack,
  logicalIdOf,
  newStack,
  resources,
} from './lib/fixture';

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

describe('a device', () => {
  const SECRET_ARN = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:mfa/alice-AbCdEf';
  const PROPERTIES_OF_DEVICE: Record<keyof DeviceProperties, unknown> = {
    SerialNumber: DEVICE,
    SeedSecretArn: SECRET_ARN,
    Tags: [{ Key: 'team', Value: 'eu' }],
  };

  test('type, logical ids and properties, and the Ref that is its serial number', () => {
    const stack = literalStack();
    const device = new VirtualMfaDevice(stack, 'Any', {
      virtualMfaDeviceName: 'alice',
      seedSecret: Secret.fromSecretCompleteArn(stack, 'Seed', SECRET_ARN),
    });
    Tags.of(device).add('team', 'eu');
    expect(contract.DEVICE_RESOURCE_TYPE).toBe('Custom::VirtualMfaDevice');
    expect(devices(stack)).toEqual({
      VirtualMfaDeviceAliceDA1CE2BE: expect.objectContaining({
        Properties: {
          ServiceToken: { 'Fn::GetAtt': ['MfaEnrollmentProviderFunction84DBEAB4', 'Arn'] },
          ServiceTimeout: 1410,
          ...PROPERTIES_OF_DEVICE,
        },
      }) as unknown,
    });
    expect(Object.keys(devicePolicies(stack))).toEqual(['VirtualMfaDevicePolicyAliceDA1CE2BE']);
    expect(stack.resolve(device.serialNumber)).toEqual({ Ref: 'VirtualMfaDeviceAliceDA1CE2BE' });
  });

  test('the logical id of the secret that is made for it', () => {
    const stack = newStack();
    new VirtualMfaDevice(stack, 'Any', { virtualMfaDeviceName: 'alice' });
    expect(Object.keys(resources(stack, 'AWS::SecretsManager::Secret'))).toEqual(['VirtualMfaDeviceSeedAlice56F6CDE7']);
  });

  test('the name that it has by default, and what follows from it', () => {
    const stack = literalStack();
    const device = enrollMade(stack);
    expect(device.virtualMfaDeviceName).toBe('Stack-AliceDevice-eu-central-1-62269cb3-1');
    expect(Object.keys(devices(stack))).toEqual(['VirtualMfaDeviceStackAliceDevice62269cb313AD0A1CF']);
    expect(Object.keys(resources(stack, 'AWS::SecretsManager::Secret'))).toEqual([
      'VirtualMfaDeviceSeedStackAliceDevice62269cb3137C9CFC5',
    ]);
    expect(Object.keys(enrollments(stack))).toEqual(['MfaEnrollmentAliceD4D33764VirtualMfaDeviceStackAliceD39028D83']);
  });

  test('its claim, key and value, and the key of its seed version', () => {
    const uuid = '0a1b2c3d-0000-4000-8000-123456789abc';
    expect(contract.DEVICE_CLAIM_PREFIX).toBe('cdk-mfa-enrollment:device:');
    expect(contract.SEED_VERSION_KEY).toBe('cdk-mfa-enrollment:seed-version');
    const version = `0123456789abcdef-0123456789-${uuid}`;
    expect(contract.seedVersion('0123456789abcdef'.repeat(4), '0123456789abcdef'.repeat(4), uuid)).toBe(version);
    expect(contract.hashesIn(version)).toEqual({ device: '0123456789abcdef', secret: '0123456789' });
    // The longest id that the version of a secret may have.
    expect(version).toHaveLength(64);
    expect(contract.deviceClaimKey(uuid, 'VirtualMfaDeviceAlice01234567')).toBe(
      'cdk-mfa-enrollment:device:0a1b2c3d-0000-4000-8000-123456789abc/VirtualMfaDeviceAlice01234567',
    );
    expect(contract.deviceClaimValue('eu-central-1', 'Stack')).toBe('eu-central-1 Stack');
    expect(contract.deviceClaimKey(uuid, 'V'.repeat(contract.LOGICAL_ID_LENGTH)).length).toBeLessThanOrEqual(128);
  });
});

test("the logical ids of the stack's own provider", () => {
  const stack = newStack();
  MfaEnrollmentProvider.getOrCreate(stack);
  expect(Object.keys(resources(stack, 'AWS::Lambda::Function'))).toEqual(['MfaEnrollmentProviderFunction84DBEAB4']);
});

test('the retry settings of a function keep their id: under another they would be written anew, and deleted as the old', () => {
  const stack = newStack();
  MfaEnrollmentProvider.getOrCreate(stack);
  expect(Object.keys(resources(stack, 'AWS::Lambda::EventInvokeConfig'))).toEqual([
    'MfaEnrollmentProviderEventInvokeConfig7B8DC963',
  ]);
});

test('the physical id is user and device', () => {
  expect(contract.physicalResourceId({ UserName: 'alice', SerialNumber: DEVICE })).toBe(
    'alice|arn:aws:iam::123456789012:mfa/alice',
  );
});

test('the ARN of a device is quoted, however long its name is', () => {
  const arn = `arn:aws:iam::123456789012:mfa/${'a'.repeat(64)}`;
  expect(withoutSeed(arn)).toBe(arn);
});

test('what a refused Create adds to the physical id, which no ARN holds', () => {
  expect(contract.REFUSED_SUFFIX).toBe('|refused');
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
