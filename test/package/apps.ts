const BODY = `
const app = new App();
const stack = new Stack(app, 'Empty');
new MfaEnrollment(stack, 'AliceMfa', { user: new User(stack, 'Alice') });

new MfaEnrollment(stack, 'BobMfa', {
  user: User.fromUserArn(stack, 'Bob', 'arn:aws:iam::123456789012:user/staff/bob'),
  device: VirtualMfaDevice.fromVirtualMfaDeviceAttributes(stack, 'BobDevice', {
    serialNumber: 'arn:aws:iam::123456789012:mfa/staff/bob',
    seedSecret: Secret.fromSecretNameV2(stack, 'BobSeed', 'mfa/staff/bob'),
  }),
  provider: new MfaEnrollmentProvider(stack, 'Staff', {
    pathScope: { userPath: '/staff/', devicePath: '/staff/' },
  }),
});
app.synth();
`;

const IMPORTS = `
import { App, Stack } from 'aws-cdk-lib';
import { User } from 'aws-cdk-lib/aws-iam';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { MfaEnrollment, MfaEnrollmentProvider, VirtualMfaDevice } from 'cdk-mfa-enrollment';
`;

/** The types of the resources of each app, sorted. Bob's enrollment has no policy of its own, because its provider has a path scope. */
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
