import { App, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { MfaEnrollment, VirtualMfaDevice } from '../lib';

/** One user with a working MFA device. One deployment makes all of it: nothing is prepared. */
const app = new App();
const stack = new Stack(app, 'MfaExample');

const alice = new iam.User(stack, 'Alice');
const device = new VirtualMfaDevice(stack, 'AliceDevice');
new MfaEnrollment(stack, 'AliceMfa', {
  user: alice,
  serialNumber: device.serialNumber,
  seedSecret: device.seedSecret,
});
