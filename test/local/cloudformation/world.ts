import type { CustomResourceEvent, InvocationContext } from '../../../lambda/protocol';
import {
  Assets,
  type DeletionOptions,
  type FailureOptions,
  type ResourceOperation,
} from '../../../local/cloudformation';
import { InProcessAccount, type InProcessAccountOptions } from '../../../local/in-process-account';
import type { FunctionLifetime } from '../../../local/lambda';
import { numbers } from '../../../local/random';

export const ACCOUNT = InProcessAccount.accountId;
export const REGION = 'eu-central-1';
export const FUNCTION_ARN = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:custom`;

/**
 * An account in virtual time, with one function behind all custom resources. By default its response has the property
 * `Id` as the physical id, and the property `Answer` as an attribute.
 */
export class World extends InProcessAccount {
  readonly assets: Assets;
  /** What the function does with a request. */
  behaviour: (event: CustomResourceEvent, life: FunctionLifetime) => void | Promise<void> = (event) =>
    this.succeed(event);

  constructor(options: Partial<InProcessAccountOptions> = {}) {
    const assets = new Assets();
    super({
      region: REGION,
      random: numbers(1),
      codeDirectory: (key) => assets.pathOf(key),
      templateAt: (url) => assets.templateAt(url),
      ...options,
    });
    this.assets = assets;
    this.lambda.createFunction({
      functionName: 'custom',
      functionArn: FUNCTION_ARN,
      codeDirectory: '/nowhere',
      handler: 'index.handler',
      timeoutSeconds: 900,
      memorySizeMb: 128,
      roleArn: `arn:aws:iam::${ACCOUNT}:role/custom`,
      variables: {},
      logGroupName: 'custom',
    });
    this.lambda.putEventInvokeConfig('custom', { maximumRetryAttempts: 0, maximumEventAgeSeconds: 21_600 });
  }

  create(resources: object, more: object = {}, options: FailureOptions = {}) {
    const template = { Resources: resources, ...more };
    return this.clock.run(this.cloudFormation.createStack({ stackName: 'Stack', template, ...options }));
  }

  update(resources: object, more: object = {}, options: FailureOptions = {}) {
    const template = { Resources: resources, ...more };
    return this.clock.run(this.cloudFormation.updateStack({ stackName: 'Stack', template, ...options }));
  }

  delete(options?: DeletionOptions) {
    return this.clock.run(this.cloudFormation.deleteStack('Stack', options));
  }

  /** Makes an action on a resource fail, after some time. */
  breaks(logicalId: string, action: ResourceOperation['action'], afterMs = 0): this {
    this.fault = async (operation) => {
      if (operation.logicalId !== logicalId || operation.action !== action) {
        return;
      }
      if (afterMs > 0) {
        await this.clock.sleep(afterMs);
      }
      throw new Error(`broken: ${action} of ${logicalId}`);
    };
    return this;
  }

  /** The physical ids of the stack's resources by logical id. */
  physicalIds(): Record<string, string> {
    const { resources = [] } = this.cloudFormation.describeStack('Stack') ?? {};
    return Object.fromEntries(resources.map(({ logicalId, physicalId }) => [logicalId, physicalId]));
  }

  /** `<logical id> <status>` of each event since the last call. */
  story(): string[] {
    return this.events.splice(0).map(({ logicalId, status }) => `${logicalId} ${status}`);
  }

  /** The reason of the last event with this status. */
  reasonOf(logicalId: string, status: string): string | undefined {
    return this.events.findLast((event) => event.logicalId === logicalId && event.status === status)?.reason;
  }

  /** `<request type> <logical id> <physical id>` of each request since the last call. */
  asked(): string[] {
    return this.requests
      .splice(0)
      .map(({ RequestType, LogicalResourceId, PhysicalResourceId }) =>
        [RequestType, LogicalResourceId, PhysicalResourceId].filter((part) => part !== undefined).join(' '),
      );
  }

  protected override async handle(
    event: CustomResourceEvent,
    _: InvocationContext,
    life: FunctionLifetime,
  ): Promise<void> {
    await this.behaviour(event, life);
  }

  answer(event: CustomResourceEvent, more: object): void {
    const { StackId, RequestId, LogicalResourceId } = event;
    this.desk.put(event.ResponseURL, JSON.stringify({ StackId, RequestId, LogicalResourceId, ...more }));
  }

  succeed(event: CustomResourceEvent, physicalId = String(event.ResourceProperties.Id)): void {
    const { Answer } = event.ResourceProperties;
    this.answer(event, { Status: 'SUCCESS', PhysicalResourceId: physicalId, Data: { Answer } });
  }

  fail(event: CustomResourceEvent, physicalId = String(event.ResourceProperties.Id), reason = 'no luck'): void {
    this.answer(event, { Status: 'FAILED', PhysicalResourceId: physicalId, Reason: reason });
  }
}

/** A custom resource in a template. */
export function custom(properties: object = {}, more: object = {}): object {
  return { Type: 'Custom::Thing', Properties: { ServiceToken: FUNCTION_ARN, Id: 'thing', ...properties }, ...more };
}

/** Another resource in a template: an SSM parameter. */
export function parameter(value: unknown = 'a', more: object = {}): object {
  return { Type: 'AWS::SSM::Parameter', Properties: { Type: 'String', Value: value }, ...more };
}
