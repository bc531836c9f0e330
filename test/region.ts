import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { type StackDescription } from '../local/cloudformation';
import { InProcessAccount } from '../local/in-process-account';
import { numbers } from '../local/random';

/** One region of an account that deploys apps with one stack, by the rules of the function. */
export class Region extends InProcessAccount {
  /** How many devices are enabled after each request to the function. */
  readonly enabledAfterRequests: number[] = [];

  constructor(
    readonly region: string,
    sameAccount?: InProcessAccount,
  ) {
    super({ region, random: numbers(3), sameAccount });
  }

  async deploy(declare: (stack: Stack) => void, stackName = 'Staff'): Promise<StackDescription> {
    const app = new App({ analyticsReporting: false, context: { 'aws:cdk:disable-asset-staging': true } });
    const stack = new Stack(app, stackName, { env: { account: InProcessAccount.accountId, region: this.region } });
    declare(stack);
    const request = { stackName, template: Template.fromStack(stack).toJSON(), parameters: {} };
    const existing = this.cloudFormation.describeStack(stackName);
    if (existing !== undefined && !this.cloudFormation.isDifferent(request)) {
      return existing;
    }
    return this.clock.run(
      existing ? this.cloudFormation.updateStack(request) : this.cloudFormation.createStack(request),
    );
  }

  destroy(stackName = 'Staff'): Promise<StackDescription> {
    return this.clock.run(this.cloudFormation.deleteStack(stackName));
  }

  /** `<user> <device name>` for each enabled device. */
  get enabled(): string[] {
    return this.iam
      .state()
      .devices.flatMap(({ userName, serialNumber }) =>
        userName === undefined ? [] : [`${userName} ${serialNumber.split(':mfa/')[1]}`],
      );
  }

  get devices(): string[] {
    return this.iam.state().devices.map(({ serialNumber }) => serialNumber.split(':mfa/')[1]!);
  }

  get secrets(): readonly string[] {
    return this.secretsManager.secretNames;
  }

  protected override async handle(...args: Parameters<InProcessAccount['handle']>): Promise<void> {
    await super.handle(...args);
    this.enabledAfterRequests.push(this.enabled.length);
  }
}
