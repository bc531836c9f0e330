import { App, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { MfaEnrollment } from '../lib';

/** One user with a working MFA device. One deployment creates everything: user, device, secret and enrollment. */
const app = new App();
const stack = new Stack(app, 'MfaExample');

const alice = new iam.User(stack, 'Alice');
new MfaEnrollment(stack, 'AliceMfa', { user: alice });
