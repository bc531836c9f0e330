import assert from 'node:assert/strict';
import { outputOf, type Project } from './project';

/**
 * Enrollments and devices that refer to other stacks: a user without a name, a user with a name, a device, a provider
 * and a key. The app is synthesized once for each kind of cross-stack reference.
 */
const APP = `
const { readdirSync, readFileSync } = require('node:fs');
const path = require('node:path');
const { App, NestedStack, Stack } = require('aws-cdk-lib');
const iam = require('aws-cdk-lib/aws-iam');
const kms = require('aws-cdk-lib/aws-kms');
const { MfaEnrollment, MfaEnrollmentProvider, VirtualMfaDevice } = require('cdk-mfa-enrollment');

function templatesWith(references) {
  const app = new App({
    analyticsReporting: false,
    outdir: process.env.CDK_OUTDIR + '.' + references,
    context: { '@aws-cdk/core:defaultCrossStackReferences': references },
  });
  const users = new Stack(app, 'Users');
  const providers = new Stack(app, 'Providers');
  const devices = new Stack(app, 'Devices');
  const stack = new Stack(app, 'Enrollments');
  const nested = new NestedStack(stack, 'Nested');

  const user = (id, userName) => new iam.User(users, id, { userName });
  const provider = new MfaEnrollmentProvider(providers, 'Provider');
  const device = (id) => new VirtualMfaDevice(devices, id, { virtualMfaDeviceName: id, provider });

  new MfaEnrollment(stack, 'WithDevice', { user: user('Alice'), device: device('alice'), provider });
  new MfaEnrollment(stack, 'Named', { user: user('Bob', 'bob'), device: device('bob'), provider });
  new MfaEnrollment(stack, 'WithDefaultDevice', { user: user('Carol'), provider });
  new MfaEnrollment(stack, 'OfOwnProvider', { user: user('Dave'), device: device('dave') });
  new MfaEnrollment(nested, 'Nested', { user: user('Erin'), device: device('erin'), provider });
  new MfaEnrollmentProvider(stack, 'Staff', {
    pathScope: { userPath: '/staff/', devicePath: '/staff/', encryptionKeys: [new kms.Key(devices, 'Key')] },
  });

  const { directory } = app.synth();
  const files = readdirSync(directory).filter((file) => file.endsWith('.template.json'));
  return Object.fromEntries(files.map((file) => [file, JSON.parse(readFileSync(path.join(directory, file), 'utf8'))]));
}

const kinds = ['strong', 'both', 'weak'];
process.stdout.write(JSON.stringify(Object.fromEntries(kinds.map((kind) => [kind, templatesWith(kind)]))));
`;

type Templates = Readonly<Record<string, { readonly Resources: object }>>;

/** The templates of the app in one project. */
export interface ByReference {
  readonly project: Project;
  readonly templates: Readonly<Record<'strong' | 'both' | 'weak', Templates>>;
}

export async function templatesByReference(project: Project): Promise<ByReference> {
  return { project, templates: await outputOf(project, 'references', APP) };
}

/**
 * The kind of cross-stack reference changes no logical id. An aws-cdk-lib that knows strong references only gives the
 * same ids.
 */
export function checkLogicalIds(oldest: ByReference, newest: ByReference): void {
  const text = (kind: keyof ByReference['templates']) => JSON.stringify(newest.templates[kind]);
  assert.match(text('strong'), /"Fn::ImportValue"/, 'strong references');
  assert.match(text('both'), /"Fn::GetStackOutput"/, 'both references');
  assert.match(text('weak'), /"Fn::GetStackOutput"/, 'weak references');

  const expected = logicalIds(newest.templates.strong);
  for (const { project, templates } of [oldest, newest]) {
    for (const [kind, ofKind] of Object.entries(templates)) {
      const which = `${kind} references with aws-cdk-lib ${project.cdkVersion}`;
      assert.deepEqual(logicalIds(ofKind), expected, `logical ids, ${which}`);
    }
  }
}

function logicalIds(templates: Templates): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(templates).map(([file, { Resources: resources }]) => [file, Object.keys(resources).sort()]),
  );
}
