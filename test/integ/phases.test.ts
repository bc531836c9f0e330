import { App } from 'aws-cdk-lib';
import { Account } from '../account';
import { enrollmentStack, PHASE_PARAMETER, PHASES, type PhasesStack, scopeStack } from './phases';

let account: Account;
beforeEach(async () => {
  account = new Account();
  await account.open();
});
afterEach(() => account.close());

/** The checks of integ-runner, against the local AWS. */
test.each<[string, (app: App) => PhasesStack]>([
  ['one policy per enrollment', enrollmentStack],
  ['a path scope', scopeStack],
])(
  'the integration test stack with %s has the expected state in each phase and leaves nothing behind',
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
      // CloudFormation names the secrets outside a path scope; their descriptions name the devices.
      const { secretsManager } = account.aws;
      const descriptions = secretsManager.secretNames.map(
        (name) => secretsManager.call('DescribeSecret', { SecretId: name }).Description,
      );
      expect(descriptions.sort()).toEqual(devices.map((name) => `Seed of virtual MFA device ${path}${name}`).sort());
    }
    expect(await account.destroy(stackName)).toMatchObject({ status: 'DELETE_COMPLETE' });
    expect(account.aws.iam.state()).toEqual({ users: [], roles: [], devices: [] });
  },
);
