const BODY = `
const app = new App();
const stack = new Stack(app, 'Empty');
const alice = new User(stack, 'Alice');
const device = new VirtualMfaDevice(stack, 'AliceDevice');
new MfaEnrollment(stack, 'AliceMfa', {
  user: alice,
  serialNumber: device.serialNumber,
  seedSecret: device.seedSecret,
});

const provider = new MfaEnrollmentProvider(stack, 'Staff', {
  scope: { userPath: '/staff/', devicePath: '/staff/' },
});
new MfaEnrollment(stack, 'BobMfa', {
  user: User.fromUserArn(stack, 'Bob', 'arn:aws:iam::123456789012:user/staff/bob'),
  serialNumber: 'arn:aws:iam::123456789012:mfa/staff/bob',
  seedSecret: Secret.fromSecretNameV2(stack, 'BobSeed', 'mfa/staff/bob'),
  provider,
});
app.synth();
`;

const IMPORTS = `
import { App, Stack } from 'aws-cdk-lib';
import { User } from 'aws-cdk-lib/aws-iam';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { MfaEnrollment, MfaEnrollmentProvider, VirtualMfaDevice } from 'cdk-mfa-enrollment';
`;

/** The types of the resources of each app, in order. Bob's enrollment has no policy of its own, as his provider has a scope. */
export const TYPES = [
  'AWS::IAM::Policy',
  'AWS::IAM::Policy',
  'AWS::IAM::Policy',
  'AWS::IAM::Policy',
  'AWS::IAM::Policy',
  'AWS::IAM::Role',
  'AWS::IAM::Role',
  'AWS::IAM::User',
  'AWS::Lambda::EventInvokeConfig',
  'AWS::Lambda::EventInvokeConfig',
  'AWS::Lambda::Function',
  'AWS::Lambda::Function',
  'AWS::Logs::LogGroup',
  'AWS::Logs::LogGroup',
  'AWS::SecretsManager::Secret',
  'Custom::MfaEnrollment',
  'Custom::MfaEnrollment',
  'Custom::VirtualMfaDevice',
];

/** One app in each way in which a CDK app is written for Node.js, by file name. */
export const APPS = {
  'app.ts': IMPORTS + BODY,
  'app.mjs': IMPORTS + BODY,
  'app.cjs': IMPORTS.replace(/import (.*) from (.*);/g, 'const $1 = require($2);') + BODY,
};
