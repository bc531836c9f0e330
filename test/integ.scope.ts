/**
 * For integ-runner, against real AWS: the phases of integ.enrollment.ts with a provider that has a path scope.
 *
 * A successful run shows that IAM allows every call of every phase by the paths and the prefix of secrets' names in the
 * provider's policy. It also answers the questions of integ.enrollment.ts.
 */
import { IntegTest } from '@aws-cdk/integ-tests-alpha';
import { App } from 'aws-cdk-lib';
import { expectPhases } from './integ/assertions';
import { scopeStack } from './integ/phases';

const app = new App();
const stack = scopeStack(app);
expectPhases(new IntegTest(app, 'Scope', { testCases: [stack], stackUpdateWorkflow: false }), stack);
