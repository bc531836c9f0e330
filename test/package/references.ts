import assert from 'node:assert/strict';
import { type Flags, outputOf, type Project } from './project';

/**
 * Enrollments and devices that refer to other stacks: a user without a name, a user with a name, a device, a provider
 * and a key. One has a logical id that the app chooses. The app is synthesized once for each kind of cross-stack reference.
 */
const APP = `
const { readdirSync, readFileSync } = require('node:fs');
const path = require('node:path');
const { App, NestedStack, Stack } = require('aws-cdk-lib');
const iam = require('aws-cdk-lib/aws-iam');
const kms = require('aws-cdk-lib/aws-kms');
const { MfaEnrollment, MfaEnrollmentProvider, VirtualMfaDevice } = require('cdk-mfa-enrollment');

function templatesWith(references, flags) {
  const app = new App({
    analyticsReporting: false,
    outdir: [process.env.CDK_OUTDIR, references, flags ? 'flags' : 'none'].join('.'),
    context: { ...flags, '@aws-cdk/core:defaultCrossStackReferences': references },
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
  const renamed = new MfaEnrollment(stack, 'Renamed', { user: user('Frank'), provider });
  stack.renameLogicalId(stack.resolve(renamed.node.defaultChild.logicalId), 'Renamed');
  new MfaEnrollmentProvider(stack, 'Staff', {
    pathScope: { userPath: '/staff/', devicePath: '/staff/', encryptionKeys: [new kms.Key(devices, 'Key')] },
  });

  const { directory } = app.synth();
  const files = readdirSync(directory).filter((file) => file.endsWith('.template.json'));
  return Object.fromEntries(files.map((file) => [file, JSON.parse(readFileSync(path.join(directory, file), 'utf8'))]));
}

const kinds = ['strong', 'both', 'weak'];
const byKind = (flags) => Object.fromEntries(kinds.map((kind) => [kind, templatesWith(kind, flags)]));
process.stdout.write(
  JSON.stringify({ none: byKind(), recommended: byKind(require('aws-cdk-lib/recommended-feature-flags.json')) }),
);
`;

type Templates = Readonly<Record<string, { readonly Resources: object }>>;

/** The templates of the app in one project, with and without the recommended feature flags. */
export interface ByReference {
  readonly project: Project;
  readonly templates: Readonly<Record<Flags, Readonly<Record<'strong' | 'both' | 'weak', Templates>>>>;
}

export async function templatesByReference(project: Project): Promise<ByReference> {
  return { project, templates: await outputOf(project, 'references', APP) };
}

/**
 * Neither the kind of cross-stack reference nor a feature flag changes a logical id. An aws-cdk-lib that knows strong
 * references only gives the same ids.
 */
export function checkLogicalIds(oldest: ByReference, newest: ByReference): void {
  assert.ok('Renamed' in newest.templates.none.strong['Enrollments.template.json']!.Resources, 'renameLogicalId');
  const expected = logicalIds(newest.templates.none.strong);
  for (const flags of ['none', 'recommended'] as const) {
    const text = (kind: 'strong' | 'both' | 'weak') => JSON.stringify(newest.templates[flags][kind]);
    assert.match(text('strong'), /"Fn::ImportValue"/, 'strong references');
    assert.match(text('both'), /"Fn::GetStackOutput"/, 'both references');
    assert.match(text('weak'), /"Fn::GetStackOutput"/, 'weak references');
    assert.doesNotMatch(text('weak'), /"Fn::ImportValue"/, 'weak references');
    for (const { project, templates } of [oldest, newest]) {
      for (const [kind, ofKind] of Object.entries(templates[flags])) {
        const which = `${kind} references with aws-cdk-lib ${project.cdkVersion}, flags: ${flags}`;
        assert.deepEqual(logicalIds(ofKind), expected, `logical ids, ${which}`);
      }
    }
  }
}

function logicalIds(templates: Templates): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(templates).map(([file, { Resources: resources }]) => [file, Object.keys(resources).sort()]),
  );
}
