import { type ChildProcess, execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { generateSync } from 'otplib';
import { CloudFormationApi } from '../../local/cloudformation/api';
import { AwsServer, type Fault, type IncomingCall } from '../../local/http';
import { createdDevice, InProcessAccount } from '../../local/in-process-account';
import { numbers } from '../../local/random';
import { newApp, newStack } from '../lib/fixture';

export const BUNDLE = join(__dirname, '..', '..', 'dist', 'cli', 'cdk-mfa-enrollment.js');
export const REGION = 'eu-west-1';
const STACK = 'Staff';
const STEP_S = 30;
const TOLERANCE_MS = 5 * 60 * 1000;
/** The access key whose calls have the permissions of a role. */
const ROLE_KEY = 'AKIACUSTODIAN';

/** How a run of the command line ended. */
export interface Run {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The template of a stack that can be deployed in any account. */
export function templateWith(declare: (stack: Stack) => void, stackName = STACK): Record<string, unknown> {
  const stack = newStack({ env: { account: InProcessAccount.accountId, region: REGION } }, newApp(), stackName);
  declare(stack);
  return Template.fromStack(stack).toJSON();
}

/** An account with what an app has deployed, over HTTP, and the built command line in a process of its own. */
export class CommandLineAccount extends InProcessAccount {
  faultOfCall: (call: IncomingCall) => Fault | undefined = () => undefined;
  readonly calls: string[] = [];
  /** Everything that any run printed, and the arguments and the environment of each. */
  readonly traces: string[] = [];
  readonly seeds = new Set<string>();
  /** The latest run. */
  child?: ChildProcess;
  private url = '';
  private readonly home = mkdtempSync(join(tmpdir(), 'cli-home-'));
  private readonly server = new AwsServer({
    iam: this.iam,
    secretsManagers: [this.secretsManager],
    cloudFormations: [
      new CloudFormationApi({
        cloudFormation: this.cloudFormation,
        region: REGION,
        accountId: InProcessAccount.accountId,
        partition: 'aws',
        authorize: (caller, request) => this.iam.denialReason(caller, request),
      }),
    ],
    clock: this.clock,
    signatureToleranceMs: TOLERANCE_MS,
    callerOf: (key) =>
      key === ROLE_KEY ? { arn: 'arn:aws:sts::123456789012:assumed-role/r/s', roleName: 'r' } : undefined,
    onCall: ({ action }) => void this.calls.push(action),
    faultOf: (call) => this.faultOfCall(call),
  });

  constructor() {
    super({ region: REGION, random: numbers(5) });
  }

  async open(): Promise<void> {
    this.url = (await this.server.start()).url;
  }

  /** Ends the account, and expects that no seed left it and that the command line wrote no file. */
  async close(): Promise<void> {
    await this.server.close();
    const files = readdirSync(this.home);
    rmSync(this.home, { recursive: true });
    expect(files).toEqual([]);
    expect(this.seeds.size).toBeGreaterThan(0);
    const traces = this.traces.join('\n');
    for (const seed of this.seeds) {
      // A part is as bad as the whole.
      expect(traces).not.toContain(seed.slice(0, 12));
      expect(traces).not.toContain(seed.slice(-12));
      expect(traces).not.toContain(Buffer.from(seed).toString('base64').slice(0, 16));
    }
  }

  async deploy(template: Record<string, unknown>, stackName = STACK): Promise<void> {
    const request = { stackName, template, parameters: {} };
    const { status } = await this.clock.run(this.cloudFormation.createStack(request));
    expect(status).toBe('CREATE_COMPLETE');
    for (const name of this.secretsManager.secretNames) {
      this.seeds.add(this.textOf(name));
    }
  }

  /** Creates an enabled device as an administrator does by hand, and a secret. */
  enableByHand(userName: string, secretText: (seed: string) => string = (seed) => seed): string {
    const device = createdDevice(
      this.iam.call('CreateVirtualMFADevice', { VirtualMFADeviceName: `${userName}-phone` }),
    );
    this.seeds.add(device.seed);
    const now = this.clock.now();
    this.iam.call('EnableMFADevice', {
      UserName: userName,
      SerialNumber: device.serialNumber,
      AuthenticationCode1: codeAt(device.seed, now - STEP_S * 1000),
      AuthenticationCode2: codeAt(device.seed, now),
    });
    this.secretsManager.call('CreateSecret', { Name: `mfa/${userName}`, SecretString: secretText(device.seed) });
    return device.serialNumber;
  }

  textOf(secretName: string): string {
    return this.secretsManager.call('GetSecretValue', { SecretId: secretName }).SecretString as string;
  }

  /** The code that is current by AWS's clock. */
  codeNow(seed: string): string {
    return codeAt(seed, this.clock.now());
  }

  /** Advances AWS's clock to this many seconds after the start of the next time step. */
  async advanceToNextStep(seconds = 1): Promise<void> {
    const now = this.clock.now();
    const next = (Math.floor(now / 1000 / STEP_S) + 1) * STEP_S * 1000;
    await this.clock.run(this.clock.sleep(next + seconds * 1000 - now));
  }

  /** The calls of `runAs` have the permissions that this policy allows, and no others. */
  allow(statement: object): void {
    const document = (value: object) => JSON.stringify({ Version: '2012-10-17', Statement: [value] });
    const trust = { Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' };
    this.iam.call('CreateRole', { RoleName: 'r', AssumeRolePolicyDocument: document(trust) });
    this.iam.call('PutRolePolicy', { RoleName: 'r', PolicyName: 'p', PolicyDocument: document(statement) });
  }

  runAsRole(...args: string[]): Promise<Run> {
    return this.run(args, { AWS_ACCESS_KEY_ID: ROLE_KEY });
  }

  /**
   * Runs the command line.
   *
   * @param aheadMs how far the machine's clock is ahead of AWS's
   */
  async run(
    args: readonly string[],
    more: Readonly<Record<string, string | undefined>> = {},
    aheadMs = 0,
  ): Promise<Run> {
    const environment = {
      PATH: process.env.PATH ?? '',
      HOME: this.home,
      TMPDIR: this.home,
      AWS_ENDPOINT_URL: this.url,
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: 'AKIAADMINISTRATOR',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_EC2_METADATA_DISABLED: 'true',
      // A retry that waits would only slow down the tests.
      AWS_MAX_ATTEMPTS: '1',
      MACHINE_TIME: String(this.clock.now() + aheadMs),
      ...more,
    };
    const run = await new Promise<Run>((resolve) => {
      const child = execFile(
        process.execPath,
        ['--require', join(__dirname, 'frozen-clock.js'), BUNDLE, ...args],
        { cwd: this.home, env: environment },
        (_error, stdout, stderr) => resolve({ status: child.exitCode ?? -1, stdout, stderr }),
      );
      this.child = child;
    });
    this.traces.push(JSON.stringify([args, environment]), run.stdout, run.stderr);
    return run;
  }
}

/** The code of a seed at a time, computed by otplib alone. */
export function codeAt(seed: string, epochMs: number): string {
  return generateSync({ secret: seed, epoch: Math.floor(epochMs / 1000) });
}
