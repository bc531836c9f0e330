/**
 * Against real AWS, for integ-runner: the same phases by a provider with a scope.
 *
 * A run that ends well shows that paths and the beginnings of secrets' names cover in IAM's own evaluation what they
 * say: every call of every phase is allowed by the one policy. It settles what integ.enrollment.ts does, too.
 */
import { IntegTest } from '@aws-cdk/integ-tests-alpha';
import { App } from 'aws-cdk-lib';
import { expectPhases } from './integ/assertions';
import { scopeStack } from './integ/phases';

const app = new App();
const stack = scopeStack(app);
expectPhases(new IntegTest(app, 'Scope', { testCases: [stack], stackUpdateWorkflow: false }), stack);
