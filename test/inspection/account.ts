import { type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import { MfaEnrollment, type MfaEnrollmentProps } from '../../lib';
import { inspect, type Scope } from '../../inspection/inspect';
import { READ_ACTIONS, type ReadAction } from '../../inspection/ports';
import type { Inspection } from '../../inspection/report';
import { SecretText } from '../../lambda/aws/ports';
import { parseSeed } from '../../lambda/seed';
import { codePairAt, stepAt } from '../../lambda/totp';
import type { StackDescription } from '../../local/cloudformation';
import type { Caller } from '../../local/iam';
import { InProcessAccount } from '../../local/in-process-account';
import { numbers } from '../../local/random';
import type { ReadChannel } from '../../local/read-ports';
import { newApp, newStack } from '../lib/fixture';

export const REGION = 'us-east-1';

/** An account in this process whose stacks are deployed with the real constructs and rules, and then inspected. */
export class InspectedAccount extends InProcessAccount {
  /** The read-only actions that the last inspection called. */
  readonly called: ReadAction[] = [];

  constructor() {
    super({ region: REGION, random: numbers(3) });
    for (const UserName of ['ann', 'ben', 'eve']) {
      this.iam.call('CreateUser', { UserName });
    }
  }

  deploy(declare: (stack: Stack) => void, stackName = 'Stack'): Promise<StackDescription> {
    const stack = newStack({ env: { account: InProcessAccount.accountId, region: REGION } }, newApp(), stackName);
    declare(stack);
    const request = { stackName, template: Template.fromStack(stack).toJSON() };
    const status = this.cloudFormation.describeStack(stackName)?.status;
    return this.clock.run(
      status === undefined ? this.cloudFormation.createStack(request) : this.cloudFormation.updateStack(request),
    );
  }

  /** Inspects, with the permissions of an administrator unless a caller is given. */
  inspect(scope: Partial<Scope> = {}, caller?: Caller, channel?: ReadChannel): Promise<Inspection> {
    this.called.length = 0;
    const recording: ReadChannel = (action, call) => {
      this.called.push(action);
      return channel === undefined ? Promise.resolve().then(call) : channel(action, call);
    };
    return this.clock.run(
      inspect(
        { regions: [REGION], ...scope },
        { ports: this.readPorts(caller, recording), clock: this.clock, random: numbers(5) },
      ),
    );
  }

  /** Another caller who may do these actions and nothing else. */
  auditor(actions: readonly string[] = READ_ACTIONS): Caller {
    return this.callerWith(actions, `auditor-${this.iam.state().roles.length}`);
  }

  /** Serial numbers of all devices. */
  get serialNumbers(): string[] {
    return this.iam.state().devices.map(({ serialNumber }) => serialNumber);
  }

  /** Serial numbers of enabled devices. */
  get enabled(): string[] {
    const { devices } = this.iam.state();
    return devices.flatMap(({ serialNumber, userName }) => (userName === undefined ? [] : [serialNumber]));
  }

  tagsOf(serialNumber: string): Readonly<Record<string, string>> {
    return this.iam.state().devices.find((device) => device.serialNumber === serialNumber)!.tags;
  }

  untag(serialNumber: string, prefix: string): void {
    const keys = Object.keys(this.tagsOf(serialNumber)).filter((key) => key.startsWith(prefix));
    this.iam.call('UntagMFADevice', { SerialNumber: serialNumber, TagKeys: keys });
  }

  deactivate(serialNumber: string, userName: string): void {
    this.iam.call('DeactivateMFADevice', { SerialNumber: serialNumber, UserName: userName });
  }

  /** Enables a device by hand, with codes of a later moment. */
  async enable(serialNumber: string, userName: string, seed: string): Promise<void> {
    await this.clock.run(this.clock.sleep(120_000));
    const [first, second] = codePairAt(parseSeed(new SecretText(seed)), stepAt(this.clock.now())).reveal();
    const codes = { AuthenticationCode1: first, AuthenticationCode2: second };
    this.iam.call('EnableMFADevice', { SerialNumber: serialNumber, UserName: userName, ...codes });
  }

  /** The seed in a secret. */
  seedIn(secretArn: string): string {
    return this.secretsManager.call('GetSecretValue', { SecretId: secretArn }).SecretString as string;
  }

  /** The ARN of the only secret of a stack. */
  secretArnOf(stackName = 'Stack'): string {
    const { resources } = this.cloudFormation.describeStack(stackName)!;
    return resources.find(({ type }) => type === 'AWS::SecretsManager::Secret')!.physicalId;
  }
}

/** Enrolls an existing user with a device of its own. */
export function enroll(stack: Stack, userName: string, props: Partial<MfaEnrollmentProps> = {}): MfaEnrollment {
  const user = iam.User.fromUserName(stack, userName, userName);
  return new MfaEnrollment(stack, `${userName}Mfa`, { user, ...props });
}

/** The codes of all findings, sorted. */
export function codesOf({ findings }: Inspection): string[] {
  return findings.map(({ code }) => code).sort();
}
