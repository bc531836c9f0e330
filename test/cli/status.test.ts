import { TRUST_POLICY } from '../../local/iam';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { type Stack } from 'aws-cdk-lib';
import { AwsError } from '../../local/aws-error';
import { Failure } from '../../cli/failure';
import { status, type StatusOptions } from '../../cli/status';
import { READ_ACTIONS } from '../../inspection/ports';
import { SdkReadPorts } from '../../inspection/sdk';
import { MfaEnrollment, VirtualMfaDevice } from '../../lib';
import { ENROLLMENT_CLAIM_PREFIX } from '../../lib/contract';
import { numbers } from '../../local/random';
import { LocalAws } from '../../local/local-aws';
import { Account, STACK } from '../account';

/*
 * `status` with the SDK over HTTP, on a stack that the built function has deployed.
 */

let account: Account;
async function open(): Promise<void> {
  account = new Account();
  await account.open();
}
const close = () => account.close();

/** Alice has a device with a secret of its own, Bob one whose seed is stored in a secret that exists before. */
const deploy = () => {
  account.createSecret('mfa/bob', undefined);
  return deployWith(undefined);
};

const deployWith = (recheck: number | undefined) =>
  account.deploy((stack: Stack) => {
    const seedSecret = Secret.fromSecretNameV2(stack, 'Seed', 'mfa/bob');
    new MfaEnrollment(stack, 'AliceMfa', { user: new iam.User(stack, 'Alice', { userName: 'alice' }), recheck });
    new MfaEnrollment(stack, 'BobMfa', {
      user: new iam.User(stack, 'Bob', { userName: 'bob' }),
      device: new VirtualMfaDevice(stack, 'BobDevice', { virtualMfaDeviceName: 'bob', seedSecret }),
    });
  });

interface Run extends Partial<StatusOptions> {
  readonly actions?: readonly string[];
  readonly isTTY?: boolean;
  readonly NO_COLOR?: string;
}

/** Runs `status` with a role that may do these actions, and nothing else. */
async function run({ actions = READ_ACTIONS, isTTY = false, NO_COLOR, ...options }: Run = {}) {
  const { accessKeyId, secretAccessKey, sessionToken } = credentialsWith(actions);
  const written = { stdout: '', stderr: '' };
  const output = (name: keyof typeof written) => ({ isTTY, write: (text: string) => (written[name] += text) });
  const exitCode = await status(
    { stacks: [], regions: [LocalAws.region], json: false, ...options },
    {
      ports: new SdkReadPorts(LocalAws.region, {
        credentials: { accessKeyId, secretAccessKey, sessionToken },
        endpoint: account.aws.url,
      }),
      clock: account.clock,
      random: numbers(1),
      stdout: output('stdout'),
      stderr: output('stderr'),
      variables: { NO_COLOR },
    },
  );
  return { exitCode, ...written };
}

let roles = 0;
function credentialsWith(actions: readonly string[]) {
  const RoleName = `auditor-${++roles}`;
  account.aws.iam.call('CreateRole', { RoleName, AssumeRolePolicyDocument: TRUST_POLICY });
  const statement = { Effect: 'Allow', Action: actions, Resource: '*' };
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
  account.aws.iam.call('PutRolePolicy', { RoleName, PolicyName: 'read', PolicyDocument });
  return account.aws.assumeRole(RoleName);
}

const deviceOf = (user: string) => account.enabled.find(([, userName]) => userName === user)![0];
const deactivate = (user: string) =>
  account.aws.iam.call('DeactivateMFADevice', { UserName: user, SerialNumber: deviceOf(user) });

describe('of a deployment that it finds as it was left', () => {
  beforeAll(open);
  beforeAll(deploy);
  afterAll(close);

  test('it sends no call that reads a seed', async () => {
    const before = account.calls.length;
    await run();
    const services = account.calls.slice(before).map(({ service, action }) => `${service}:${action}`);
    expect(services.length).toBeGreaterThan(0);
    expect(services.filter((action) => !(READ_ACTIONS as readonly string[]).includes(action))).toEqual([]);
  });

  test('without any one of its permissions it exits with 3, and says what it could not inspect', async () => {
    for (const denied of READ_ACTIONS) {
      const actions = READ_ACTIONS.filter((action) => action !== denied);
      const stacks = denied === 'cloudformation:DescribeStacks' ? [STACK] : [];
      const { exitCode, stdout } = await run({ actions, stacks });
      expect({ denied, exitCode }).toEqual({ denied, exitCode: 3 });
      expect(stdout).toContain(`Not inspected: ${denied} not allowed (AccessDenied)`);
      const json = await run({ actions, stacks, json: true });
      expect(json.exitCode).toBe(3);
      expect(JSON.parse(json.stdout)).toMatchObject({
        complete: false,
        notInspected: expect.arrayContaining([
          expect.objectContaining({ code: 'NOT_ALLOWED', action: denied }),
        ]) as unknown,
      });
    }
  });

  test('a named stack is inspected with its nested stacks and nothing else, and a name that no stack has is refused', async () => {
    expect(await run({ stacks: [STACK] })).toMatchObject({ exitCode: 0 });
    await expect(run({ stacks: ['Nothing'] })).rejects.toThrow(
      new Failure(
        "no stack 'Nothing' in us-east-1: check its name and the account of the credentials, or add --region",
      ),
    );
  });

  test('a region that AWS does not answer in makes it exit with 3', async () => {
    const { exitCode, stdout } = await run({ regions: [LocalAws.region, 'eu-west-9'] });
    expect(exitCode).toBe(3);
    expect(stdout).toContain('Not inspected: cloudformation:ListStacks failed');
    expect(stdout).toMatch(/^ {2}alice .* ok$/m);
  });

  test('colors and progress are for terminals, and NO_COLOR turns the colors off', async () => {
    const [terminal, pipe, plain] = [
      await run({ isTTY: true }),
      await run({ isTTY: false }),
      await run({ isTTY: true, NO_COLOR: '1' }),
    ];
    expect(terminal.stdout).toContain('\u001b[32mok\u001b[0m');
    expect(pipe.stdout + plain.stdout).not.toContain('\u001b');
    expect(terminal.stderr).toMatch(/Looking at devices: \d+ of \d+/);
    expect(terminal.stderr.endsWith('\r\u001b[K')).toBe(true);
    expect(pipe.stderr).toBe('');
  });
});

describe('of a deployment to which something happens', () => {
  beforeEach(open);
  afterEach(close);

  test('after a deployment it exits with 0, and a device that is switched off by hand makes it exit with 2 and is named, until recheck is raised', async () => {
    await deploy();
    const fine = await run();
    expect(fine).toMatchObject({ exitCode: 0, stderr: '' });
    expect(fine.stdout).toContain('2 enrollments, 0 findings.');

    const device = deviceOf('alice');
    deactivate('alice');
    const { exitCode, stdout } = await run();
    expect(exitCode).toBe(2);
    expect(stdout).toContain(`Device ${device} is not enabled for user alice.`.slice(0, 60));
    expect(stdout).toMatch(/^ {2}alice .* DEVICE_OFF$/m);
    expect(stdout).toMatch(/^ {2}bob .* ok$/m);
    expect(stdout).toContain("Raise 'recheck'");

    expect(await deployWith(1)).toMatchObject({ status: 'UPDATE_COMPLETE' });
    expect(await run()).toMatchObject({ exitCode: 0 });
  });

  test('findings make it exit with 2 even if it could not inspect everything', async () => {
    await deploy();
    deactivate('alice');
    const actions = READ_ACTIONS.filter((action) => action !== 'secretsmanager:DescribeSecret');
    expect((await run({ actions })).exitCode).toBe(2);
  });

  test('--json prints one line with a version, whether it is complete, and all findings', async () => {
    await deploy();
    const device = deviceOf('alice');
    deactivate('alice');
    const { exitCode, stdout, stderr } = await run({ json: true, isTTY: true });
    expect(exitCode).toBe(2);
    expect(stdout.endsWith('\n') && stdout.indexOf('\n') === stdout.length - 1).toBe(true);
    expect(JSON.parse(stdout)).toMatchObject({
      version: 1,
      complete: true,
      regions: ['us-east-1'],
      enrollments: [
        { user: 'alice', serialNumber: device, state: 'finding', codes: ['DEVICE_OFF'], stack: STACK },
        { user: 'bob', state: 'ok', codes: [], enabledAt: expect.stringMatching(/^2026-.*Z$/) as string },
      ],
      devices: [],
      findings: [{ code: 'DEVICE_OFF', user: 'alice', serialNumber: device, region: 'us-east-1', stack: STACK }],
      unknown: [],
      notInspected: [],
    });
    // Progress is for people, on standard error.
    expect(stderr).toContain('Looking at');
  });

  test('credentials that are not accepted are refused without a list of what they could not look at', async () => {
    account.faultOf = () => ({ before: new AwsError('ExpiredToken', 403, 'expired') });
    await expect(run()).rejects.toThrow(/^AWS credentials are missing, expired or not accepted \(ExpiredToken\)/);
  });

  test('a throttled or lost response is no finding, and is tried again', async () => {
    await deploy();
    let calls = 0;
    account.faultOf = ({ caller }) => {
      calls += caller?.roleName?.startsWith('auditor') === true ? 1 : 0;
      return calls % 3 === 1
        ? { before: new AwsError('Throttling', 400, 'Rate exceeded') }
        : calls % 3 === 2
          ? { lost: 'after' as const }
          : undefined;
    };
    expect(await run()).toMatchObject({ exitCode: 0 });
    expect(calls).toBeGreaterThan(12);
  });

  test('a claim of a stack that was not inspected is told, and does not change how it exits', async () => {
    await deploy();
    const key = `${ENROLLMENT_CLAIM_PREFIX}01234567-89ab-cdef-0123-456789abcdef/Mfa`;
    const Tags = [{ Key: key, Value: 'enabled alice x eu-west-1 Other' }];
    account.aws.iam.call('TagMFADevice', { SerialNumber: deviceOf('alice'), Tags });
    const { exitCode, stdout } = await run();
    expect(exitCode).toBe(0);
    expect(stdout).toContain('CLAIM_NOT_CHECKED');
    expect(stdout.replace(/\s+/g, ' ')).toContain('To inspect it, add --region eu-west-1.');
  });
});
