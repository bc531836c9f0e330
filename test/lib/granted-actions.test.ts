import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import type { Action } from '../../lambda/aws/ports';
import { MfaEnrollment, MfaEnrollmentProvider, type MfaEnrollmentProviderProps, VirtualMfaDevice } from '../../lib';
import { literalStack, resources, statementsOf } from './fixture';

/** The compiler sees to it that this list and the type are the same. */
const ACTIONS = Object.keys({
  'iam:EnableMFADevice': true,
  'iam:DeactivateMFADevice': true,
  'iam:ResyncMFADevice': true,
  'iam:ListMFADevices': true,
  'iam:ListMFADeviceTags': true,
  'iam:TagMFADevice': true,
  'iam:UntagMFADevice': true,
  'iam:CreateVirtualMFADevice': true,
  'iam:DeleteVirtualMFADevice': true,
  'secretsmanager:GetSecretValue': true,
  'secretsmanager:PutSecretValue': true,
  'secretsmanager:DescribeSecret': true,
} satisfies Record<Action, true>).sort();
/** What writing a log and, behind Secrets Manager, using a key take: no call of the function's own names them. */
const BEHIND_THE_SCENES = ['kms:Decrypt', 'kms:GenerateDataKey', 'logs:CreateLogStream', 'logs:PutLogEvents'];

const KEY = 'arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';

/** Alice gets a device that is made, with a secret under a key; everything is within the scope of the staff. */
function declare(props: MfaEnrollmentProviderProps): Stack {
  const stack = literalStack();
  const provider = new MfaEnrollmentProvider(stack, 'Provider', props);
  const encryptionKey = kms.Key.fromKeyArn(stack, 'Key', KEY);
  const user = new iam.User(stack, 'Alice', { path: '/staff/' });
  const made = new VirtualMfaDevice(stack, 'Device', { path: '/staff/', encryptionKey, provider });
  const { serialNumber, seedSecret } = made;
  new MfaEnrollment(stack, 'AliceMfa', { user, serialNumber, seedSecret, provider });
  return stack;
}

test('the function calls each action that it names, and no other', () => {
  const source = readFileSync(join(__dirname, '..', '..', 'lambda', 'aws', 'sdk.ts'), 'utf8');
  const commands = [...source.matchAll(/new (\w+)Command\(/g)].map(([, operation]) => operation);
  const sent = [...source.matchAll(/sent\('(\w+:\w+)'/g)].map(([, action]) => action);
  expect([...new Set(sent)].sort()).toEqual(ACTIONS);
  expect([...new Set(commands)].sort()).toEqual(ACTIONS.map((action) => action.split(':')[1]).sort());
});

const encryptionKeys = [kms.Key.fromKeyArn(new Stack(), 'Key', KEY)];

describe.each<[string, MfaEnrollmentProviderProps]>([
  ['policies of its own for each enrollment and device', {}],
  ['a scope', { scope: { userPath: '/staff/', devicePath: '/staff/', encryptionKeys } }],
])('by %s', (_, props) => {
  const stack = declare(props);
  const statements = Object.values(resources(stack, 'AWS::IAM::Policy')).flatMap(statementsOf);

  test('the role is granted the actions that the function calls, and no other', () => {
    const granted = new Set(statements.flatMap(({ Action }) => Action));
    expect([...granted].sort()).toEqual([...ACTIONS, ...BEHIND_THE_SCENES].sort());
  });

  test('no statement names a resource that its actions know nothing of', () => {
    for (const { Action, Resource } of statements) {
      const kinds = new Set([Action].flat().map(kindOf));
      expect(kinds.size).toBe(1);
      const [kind] = kinds;
      for (const resource of [Resource].flat()) {
        expect(JSON.stringify(resource)).toMatch(RESOURCES[kind!]);
      }
    }
  });
});

type Kind = keyof typeof RESOURCES;

/** Text of a resource, or the beginning of the logical id that a reference to it names. */
const RESOURCES = {
  user: /:user\/|"Alice/,
  mfa: /:mfa\//,
  secretsmanager: /:secret:|"VirtualMfaDeviceSeed/,
  kms: /:key\//,
  logs: /"ProviderLogGroup/,
};

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html */
function kindOf(action: string): Kind {
  const [service, operation] = action.split(':');
  if (service !== 'iam') {
    return service as Kind;
  }
  return /^(Enable|Deactivate|Resync|List)MFADevices?$/.test(operation!) ? 'user' : 'mfa';
}
