import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import type { Action } from '../../lambda/aws/ports';
import { MfaEnrollment, MfaEnrollmentProvider, type MfaEnrollmentProviderProps, VirtualMfaDevice } from '../../lib';
import { literalStack, resources, statementsOf } from './fixture';

/** The compiler checks that this list and the type are the same. */
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
  'secretsmanager:DeleteSecret': true,
} satisfies Record<Action, true>).sort();
/** What Lambda needs to write logs, and Secrets Manager to use a key: the function calls none of these. */
const INDIRECT_ACTIONS = ['kms:Decrypt', 'kms:GenerateDataKey', 'logs:CreateLogStream', 'logs:PutLogEvents'];

const KEY = 'arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';

/** Alice with a declared device, whose secret has a customer-managed key. All of it is in the path scope. */
function declare(props: MfaEnrollmentProviderProps): Stack {
  const stack = literalStack();
  const provider = new MfaEnrollmentProvider(stack, 'Provider', props);
  const encryptionKey = kms.Key.fromKeyArn(stack, 'Key', KEY);
  const user = new iam.User(stack, 'Alice', { path: '/staff/' });
  const device = new VirtualMfaDevice(stack, 'Device', { path: '/staff/', encryptionKey, provider });
  new MfaEnrollment(stack, 'AliceMfa', { user, device, provider });
  return stack;
}

test('the function calls each action in the type Action, and no other', () => {
  const source = readFileSync(join(__dirname, '..', '..', 'lambda', 'aws', 'sdk.ts'), 'utf8');
  const commands = [...source.matchAll(/new (\w+)Command\(/g)].map(([, operation]) => operation);
  const sent = [...source.matchAll(/(?:sent|allPages)\('(\w+:\w+)'/g)].map(([, action]) => action);
  expect([...new Set(sent)].sort()).toEqual(ACTIONS);
  expect([...new Set(commands)].sort()).toEqual(ACTIONS.map((action) => action.split(':')[1]).sort());
});

const encryptionKeys = [kms.Key.fromKeyArn(new Stack(), 'Key', KEY)];

describe.each<[string, MfaEnrollmentProviderProps]>([
  ['policies of each enrollment and device', {}],
  ['the policy of a path scope', { pathScope: { userPath: '/staff/', devicePath: '/staff/', encryptionKeys } }],
])('with %s', (_, props) => {
  const stack = declare(props);
  const statements = Object.values(resources(stack, 'AWS::IAM::Policy')).flatMap(statementsOf);

  test('the role can call the actions that the function calls, and no other', () => {
    const granted = new Set(statements.flatMap(({ Action }) => Action));
    expect([...granted].sort()).toEqual([...ACTIONS, ...INDIRECT_ACTIONS].sort());
  });

  test('every statement names only resources of the type that its actions accept', () => {
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

/** Text of a resource's ARN, or the beginning of the logical id in a reference to it. */
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
