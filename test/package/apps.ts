const BODY = `
const app = new App();
const stack = new Stack(app, 'Empty');
new MfaEnrollment(stack, 'AliceMfa', {
  user: new User(stack, 'Alice'),
  serialNumber: 'arn:aws:iam::123456789012:mfa/alice',
  seedSecret: Secret.fromSecretNameV2(stack, 'Seed', 'mfa/alice'),
});
app.synth();
`;

const IMPORTS = `
import { App, Stack } from 'aws-cdk-lib';
import { User } from 'aws-cdk-lib/aws-iam';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { MfaEnrollment } from 'cdk-mfa-enrollment';
`;

/** One app in each way in which a CDK app is written for Node.js, by file name. */
export const APPS = {
  'app.ts': IMPORTS + BODY,
  'app.mjs': IMPORTS + BODY,
  'app.cjs': IMPORTS.replace(/import (.*) from (.*);/g, 'const $1 = require($2);') + BODY,
};
