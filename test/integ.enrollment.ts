/**
 * Against real AWS, for integ-runner: one user from the first device to the last, each enrollment and device with a
 * policy of its own.
 *
 * Of what only real AWS can settle (test/README.md), a run that ends well settles:
 *
 * - whether clean-up deletes the old half of a replaced resource after what depended on it: the phase `renamed`
 *   replaces the user, and with the wrong order the old one is still listed;
 * - that a device can be enabled again at once, in the time that the function takes for it: the phase `again`;
 * - that `kms:ViaService` is what the policy takes it for in the partition of the account: every seed has a key.
 */
import { IntegTest } from '@aws-cdk/integ-tests-alpha';
import { App } from 'aws-cdk-lib';
import { expectPhases } from './integ/assertions';
import { enrollmentStack } from './integ/phases';

const app = new App();
const stack = enrollmentStack(app);
expectPhases(new IntegTest(app, 'Enrollment', { testCases: [stack], stackUpdateWorkflow: false }), stack);
