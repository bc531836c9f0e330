import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { inspect, type Scope } from '../../inspection/inspect';
import { type ReadAction, READ_ACTIONS } from '../../inspection/ports';
import { MfaEnrollment, MfaEnrollmentProvider } from '../../lib';
import { AwsError } from '../../local/aws-error';
import type { Throttle } from '../../local/iam';
import { InProcessAccount } from '../../local/in-process-account';
import { numbers } from '../fleet/numbers';

const REGION = 'eu-west-1';
/** A stack can have 500 resources, and each enrollment has three. */
const PER_STACK = 123;
/** One way, in milliseconds. */
const TRAVEL_MS = 40;

/** What an inspection took. */
export interface Inspected {
  readonly isFine: boolean;
  readonly seconds: number;
  /** The calls that IAM did not throttle. */
  readonly iamCallsLetThrough: number;
  readonly iamCallsRefused: number;
}

/** Users with devices of their own, in as many stacks as they need, deployed in virtual time. */
export class StatusWorld extends InProcessAccount {
  private readonly stackNames: string[] = [];

  private constructor(private readonly enrollments: number) {
    super({ region: REGION, random: numbers(1) });
  }

  static async deploy(enrollments: number): Promise<StatusWorld> {
    const world = new StatusWorld(enrollments);
    for (let first = 0; first < enrollments; first += PER_STACK) {
      await world.deployStack(first, Math.min(first + PER_STACK, enrollments));
    }
    return world;
  }

  /** Inspects with the permissions that `status` needs, and lets IAM throttle. */
  async inspect(which: 'account' | 'stacks', throttle: Throttle): Promise<Inspected> {
    const caller = this.callerWith(READ_ACTIONS, `Auditor-${which}`);
    const calls = { letThrough: 0, refused: 0 };
    const ports = this.readPorts(caller, (action, call) => this.travel(action, call, calls));
    const scope: Scope = { regions: [REGION], ...(which === 'stacks' && { stacks: this.stackNames }) };
    this.iam.throttle = throttle;
    const startedAt = this.clock.now();
    const { rows, findings, undecided, isComplete } = await this.clock.run(
      inspect(scope, { ports, clock: this.clock, random: numbers(2) }),
    );
    this.iam.throttle = undefined;
    return {
      isFine:
        isComplete &&
        findings.length + undecided.length === 0 &&
        rows.filter(({ state }) => state === 'ok').length === this.enrollments,
      seconds: (this.clock.now() - startedAt) / 1000,
      iamCallsLetThrough: calls.letThrough,
      iamCallsRefused: calls.refused,
    };
  }

  private async travel<T>(
    action: ReadAction,
    call: () => T,
    calls: { letThrough: number; refused: number },
  ): Promise<T> {
    await this.clock.sleep(TRAVEL_MS);
    try {
      const output = call();
      calls.letThrough += action.startsWith('iam:') ? 1 : 0;
      return output;
    } catch (error) {
      calls.refused += error instanceof AwsError && error.code === 'Throttling' ? 1 : 0;
      throw error;
    } finally {
      await this.clock.sleep(TRAVEL_MS);
    }
  }

  private async deployStack(first: number, end: number): Promise<void> {
    const stackName = `Fleet${first}`;
    for (let index = first; index < end; index++) {
      this.iam.call('CreateUser', { UserName: `user-${index}`, Path: '/staff/' });
    }
    const request = { stackName, template: templateOf(stackName, first, end) };
    const { status } = await this.clock.run(this.cloudFormation.createStack(request));
    if (status !== 'CREATE_COMPLETE') {
      throw new Error(`the stack to inspect ended ${status}`);
    }
    this.stackNames.push(stackName);
  }
}

function templateOf(stackName: string, first: number, end: number): unknown {
  const outdir = mkdtempSync(join(tmpdir(), 'status-'));
  try {
    const context = { 'aws:cdk:disable-asset-staging': true };
    const app = new App({ outdir, analyticsReporting: false, treeMetadata: false, context });
    const stack = new Stack(app, stackName, { env: { account: InProcessAccount.accountId, region: REGION } });
    const provider = new MfaEnrollmentProvider(stack, 'Provider', {
      pathScope: { userPath: '/staff/', devicePath: '/staff/' },
    });
    for (let index = first; index < end; index++) {
      const userArn = `arn:aws:iam::${InProcessAccount.accountId}:user/staff/user-${index}`;
      new MfaEnrollment(stack, `Mfa${index}`, { user: iam.User.fromUserArn(stack, `User${index}`, userArn), provider });
    }
    return app.synth().getStackByName(stackName).template;
  } finally {
    rmSync(outdir, { recursive: true });
  }
}
