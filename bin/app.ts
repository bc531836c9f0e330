import { App, Aws, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { MfaEnrollment } from '../lib';

/**
 * One user with a working MFA device. The device `alice` exists, and secret `mfa/alice` holds its seed; `npm start`
 * prepares both on the local AWS.
 */
const app = new App();
const stack = new Stack(app, 'MfaExample');

const alice = new iam.User(stack, 'Alice');
new MfaEnrollment(stack, 'AliceMfa', {
  user: alice,
  serialNumber: `arn:${Aws.PARTITION}:iam::${Aws.ACCOUNT_ID}:mfa/alice`,
  seedSecret: Secret.fromSecretNameV2(stack, 'Seed', 'mfa/alice'),
});
