import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Stack } from 'aws-cdk-lib';
import { VirtualMfaDevice } from '../../lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { READ_ACTIONS } from '../../inspection/ports';
import { enroll, InspectedAccount } from './account';

/** A device with a secret of its own, and one with a secret that exists before. */
const declare = (stack: Stack) => {
  const seedSecret = Secret.fromSecretNameV2(stack, 'Own', 'mfa/own');
  enroll(stack, 'ann');
  enroll(stack, 'ben', { device: new VirtualMfaDevice(stack, 'Device', { seedSecret }) });
};

let account: InspectedAccount;
beforeEach(async () => {
  account = new InspectedAccount();
  account.createSecret('mfa/own');
  await account.deploy(declare);
});

test('the read-only actions are all that a complete inspection needs', async () => {
  const inspection = await account.inspect({}, account.auditor());
  expect(inspection).toMatchObject({ findings: [], undecided: [], missed: [], isComplete: true });
  const named = await account.inspect({ stacks: ['Stack'] }, account.auditor());
  expect(named).toMatchObject({ findings: [], undecided: [], missed: [], isComplete: true });
});

test('each of the read-only actions is called', async () => {
  const called = new Set<string>();
  for (const stacks of [undefined, ['Stack']]) {
    await account.inspect({ stacks });
    account.called.forEach((action) => called.add(action));
  }
  expect([...called].sort()).toEqual([...READ_ACTIONS].sort());
});

test.each(READ_ACTIONS)('without %s the inspection is not complete, and says so', async (denied) => {
  const caller = account.auditor(READ_ACTIONS.filter((action) => action !== denied));
  const stacks = denied === 'cloudformation:DescribeStacks' ? ['Stack'] : undefined;
  const { findings, missed, rows, isComplete } = await account.inspect({ stacks }, caller);
  expect(isComplete).toBe(false);
  expect(findings).toEqual([]);
  expect(new Set(missed.map(({ action, code }) => `${action} ${code}`))).toEqual(new Set([`${denied} NOT_ALLOWED`]));
  // What depends on it is unknown, never ok.
  const needed = !denied.startsWith('cloudformation') && denied !== 'iam:ListVirtualMFADevices';
  expect(rows.some(({ state }) => state === 'unknown')).toBe(needed);
});

test('an enrollment is looked at with two IAM calls', async () => {
  await account.inspect({ stacks: ['Stack'] });
  const ofIam = account.called.filter((action) => action.startsWith('iam:'));
  expect(ofIam.sort()).toEqual([
    'iam:ListMFADeviceTags',
    'iam:ListMFADeviceTags',
    'iam:ListMFADevices',
    'iam:ListMFADevices',
  ]);
});

test('nothing that can read a seed or change something is in the inspection', () => {
  const source = readFileSync(join(__dirname, '..', '..', 'inspection', 'sdk.ts'), 'utf8');
  const commands = [...source.matchAll(/new (\w+)Command\(/g)].map(([, name]) => name);
  expect(commands.length).toBe(READ_ACTIONS.length);
  expect(commands.every((name) => /^(List|Describe)/.test(name!))).toBe(true);
});
