/**
 * For integ-runner, against real AWS: one user with several devices, one policy for each enrollment and each device.
 *
 * A successful run answers these questions of docs/open-questions.md:
 *
 * - Does cleanup delete the old half of a replaced resource after the resources that depended on it? The phase
 * `renamed`
 *   replaces the user. With the wrong order, the old user is still listed.
 * - Can a device be enabled again at once, within the time that the function waits? See the phase `again`.
 * - Is `kms:ViaService` what the policy expects in the partition of the account? Every seed is encrypted with a key.
 */
import { IntegTest } from '@aws-cdk/integ-tests-alpha';
import { App } from 'aws-cdk-lib';
import { expectPhases } from './integ/assertions';
import { enrollmentStack } from './integ/phases';

const app = new App();
const stack = enrollmentStack(app);
expectPhases(new IntegTest(app, 'Enrollment', { testCases: [stack], stackUpdateWorkflow: false }), stack);
