import { readFileSync } from 'node:fs';
import { App, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { MfaEnrollment } from '../../lib';

/** The first example of the README. */
function synthesizeExample(): string {
  const app = new App({ analyticsReporting: false });
  const stack = new Stack(app, 'Example');
  const alice = new iam.User(stack, 'Alice');
  new MfaEnrollment(stack, 'AliceMfa', { user: alice });
  return readFileSync(app.synth().getStackArtifact(stack.artifactId).templateFullPath, 'utf8');
}

const first = synthesizeExample();

test('the template of the example, asset hash included, changes only on purpose', () => {
  expect(JSON.parse(first)).toMatchSnapshot();
});

test('two syntheses give the same bytes', () => {
  expect(synthesizeExample()).toBe(first);
});
