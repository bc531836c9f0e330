import assert from 'node:assert/strict';
import { outputOf, type Project } from './project';

/**
 * Each kind of wildcard, and each secret, in a stack of a literal and of an unknown account. Nothing else is here that
 * cdk-nag reports. Synthesis fails if cdk-nag finds anything. Afterwards cdk-nag runs without the metadata in which the
 * library acknowledges findings: each of them is found then.
 */
const APP = `
const { App, Stack, Validations } = require('aws-cdk-lib');
const ec2 = require('aws-cdk-lib/aws-ec2');
const iam = require('aws-cdk-lib/aws-iam');
const kms = require('aws-cdk-lib/aws-kms');
const { AwsSolutionsChecks } = require('cdk-nag');
const { Node } = require('constructs');
const { MfaEnrollment, MfaEnrollmentProvider, VirtualMfaDevice } = require('cdk-mfa-enrollment');

const app = new App({ context: { '@aws-cdk/core:defaultCrossStackReferences': 'weak' } });

function declare(name, props) {
  const seeds = new Stack(app, name + 'Seeds', props);
  const stack = new Stack(app, name, props);
  const enroll = (user, more) => new MfaEnrollment(stack, user + 'Mfa', { user: new iam.User(stack, user + 'User'), ...more });
  const alias = kms.Alias.fromAliasName(stack, 'Alias', 'alias/seeds');
  const key = new kms.Key(stack, 'Key', { enableKeyRotation: true });

  enroll('Default');
  enroll('WithKey', { device: new VirtualMfaDevice(stack, 'WithKey', { encryptionKey: key }) });
  enroll('WithAlias', { device: new VirtualMfaDevice(stack, 'WithAlias', { encryptionKey: alias }) });
  enroll('OfOtherStack', {
    device: new VirtualMfaDevice(seeds, 'OfOtherStack', {
      encryptionKey: kms.Alias.fromAliasName(seeds, 'Alias', 'alias/seeds'),
    }),
  });
  new MfaEnrollmentProvider(stack, 'Staff', {
    pathScope: { userPath: '/staff/', devicePath: '/staff/', encryptionKeys: [key, alias] },
  });
  new MfaEnrollmentProvider(stack, 'InVpc', {
    vpc: ec2.Vpc.fromVpcAttributes(stack, 'Vpc', {
      vpcId: 'vpc-0123456789abcdef0',
      availabilityZones: ['eu-central-1a'],
      privateSubnetIds: ['subnet-0123456789abcdef0'],
      privateSubnetRouteTableIds: ['rtb-0123456789abcdef0'],
    }),
  });
}
declare('Literal', { env: { account: '123456789012', region: 'eu-central-1' } });
declare('Unknown', {});

Validations.of(app).addPlugins(new AwsSolutionsChecks());
app.synth();

Object.defineProperty(Node.prototype, 'metadata', { get: () => [] });
const { violations } = new AwsSolutionsChecks().validateScope(app);
process.stdout.write(JSON.stringify(violations.map(({ ruleName }) => ruleName)));
`;

/** The ends of the ids of all findings in the app. */
const ACKNOWLEDGED = [
  'AwsSolutions-SMG4',
  '[Resource::*]',
  ':key/*]',
  ...['123456789012', '<AWS::AccountId>'].flatMap((account) =>
    ['mfa/*', 'user/staff/*', 'mfa/staff/*', 'secret:mfa/staff/*', '*/*'].map((resource) => `:${account}:${resource}]`),
  ),
];

/** With the newest aws-cdk-lib, version 3 of cdk-nag reports nothing that this library acknowledges, whatever the flags. */
export async function checkFindings(project: Project): Promise<void> {
  for (const flags of ['none', 'recommended'] as const) {
    const ids = await outputOf<string[]>(project, 'findings', APP, flags);
    const found = ids.map((id) => ACKNOWLEDGED.find((end) => id.endsWith(end)) ?? id);
    assert.deepEqual([...new Set(found)].sort(), [...ACKNOWLEDGED].sort(), `the findings of cdk-nag, flags: ${flags}`);
  }
}
