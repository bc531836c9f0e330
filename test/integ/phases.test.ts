import { App } from 'aws-cdk-lib';
import { Account } from '../account';
import { enrollmentStack, PHASE_PARAMETER, PHASES, type PhasesStack, scopeStack } from './phases';

let account: Account;
beforeEach(async () => {
  account = new Account();
  await account.open();
});
afterEach(() => account.close());

/** What integ-runner asks of real AWS, asked of the local one: so that a run there begins with a test that holds here. */
test.each<[string, (app: App) => PhasesStack]>([
  ['with policies of their own', enrollmentStack],
  ['by a provider with a scope', scopeStack],
])(
  '%s, the stack of the integration test is in each phase as expected, and goes without a trace',
  async (_, declare) => {
    const { path, stackName } = declare(new App());
    for (const phase of PHASES) {
      const { status } = await account.deployStackOf(declare, { [PHASE_PARAMETER]: phase });
      expect(status).toBe(phase === PHASES[0] ? 'CREATE_COMPLETE' : 'UPDATE_COMPLETE');

      const { userName, devices, enabled } = declare(new App()).expectedIn(phase);
      const state = account.aws.iam.state();
      const arnOf = (name: string) => `arn:aws:iam::123456789012:mfa${path}${name}`;
      expect(state.users.map((user) => user.userName)).toEqual([userName]);
      expect(state.devices.map(({ serialNumber }) => serialNumber)).toEqual(devices.map(arnOf));
      expect(account.enabled).toEqual(enabled.map((name) => [arnOf(name), userName]));
      expect(account.aws.secretsManager.secretNames).toEqual(devices.map((name) => `mfa${path}${name}`));
    }
    expect(await account.destroy(stackName)).toMatchObject({ status: 'DELETE_COMPLETE' });
    expect(account.aws.iam.state()).toEqual({ users: [], roles: [], devices: [] });
  },
);
