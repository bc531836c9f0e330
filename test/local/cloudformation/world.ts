import {
  AnswerDesk,
  Assets,
  CloudFormation,
  providersOf,
  type CloudFormationOptions,
} from '../../../local/cloudformation';
import type { ResourceFault, ResourceOperation, StackEvent } from '../../../local/cloudformation';
import { Iam } from '../../../local/iam';
import { InProcessEnvironments, LambdaRunner, type DeliveryPolicy, type Life } from '../../../local/lambda';
import { SecretsManager } from '../../../local/secrets-manager';
import { VirtualClock } from '../../../local/virtual-clock';

export const ACCOUNT = '123456789012';
export const REGION = 'eu-central-1';
export const FUNCTION_ARN = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:custom`;

/** What a custom resource's function gets. */
export interface CustomResourceEvent {
  readonly RequestType: 'Create' | 'Update' | 'Delete';
  readonly ServiceToken: string;
  readonly ResponseURL: string;
  readonly StackId: string;
  readonly RequestId: string;
  readonly LogicalResourceId: string;
  readonly PhysicalResourceId?: string;
  readonly ResourceType: string;
  readonly ResourceProperties: Record<string, unknown>;
  readonly OldResourceProperties?: Record<string, unknown>;
}

export type Behaviour = (event: CustomResourceEvent, life: Life) => void | Promise<void>;

/** Random bytes that are the same in every run. */
export function seededRandom(seed = 1): (bytes: number) => Buffer {
  let state = seed;
  return (bytes) =>
    Buffer.from(
      Array.from({ length: bytes }, () => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
        return state >>> 24;
      }),
    );
}

/**
 * CloudFormation over the local services in virtual time, with one function behind all custom resources. Its answer
 * names the property `Id` as the physical id, and hands the property `Answer` back as an attribute.
 */
export class World {
  readonly clock = new VirtualClock();
  readonly random = seededRandom();
  readonly desk = new AnswerDesk(this.clock, this.random);
  readonly iam = new Iam({ clock: this.clock, accountId: ACCOUNT, random: this.random });
  readonly secretsManager = new SecretsManager({
    clock: this.clock,
    accountId: ACCOUNT,
    region: REGION,
    random: this.random,
    authorize: (caller, request) => this.iam.refusalOf(caller, request),
  });
  readonly assets = new Assets();
  readonly lambda: LambdaRunner;
  readonly cloudFormation: CloudFormation;
  readonly events: StackEvent[] = [];
  /** Requests that the function got, in order. */
  readonly requests: CustomResourceEvent[] = [];
  behaviour: Behaviour = (event) => this.succeed(event);
  fault: ResourceFault = () => undefined;
  deliveries: DeliveryPolicy = () => [{ delayMs: 0 }];

  constructor(options: Partial<CloudFormationOptions> = {}) {
    const { clock, random, desk, iam, secretsManager, assets } = this;
    this.lambda = new LambdaRunner({
      clock,
      random,
      deliveries: (event) => this.deliveries(event),
      environments: new InProcessEnvironments(clock, async (event, _context, life) => {
        this.requests.push(event as CustomResourceEvent);
        await this.behaviour(event as CustomResourceEvent, life);
      }),
    });
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
    const common = { clock, random, region: REGION, accountId: ACCOUNT, partition: 'aws' };
    this.cloudFormation = new CloudFormation({
      ...common,
      providerOf: providersOf({
        ...common,
        desk,
        iam,
        secretsManager,
        lambda: this.lambda,
        codeDirectory: (key) => assets.pathOf(key),
      }),
      templateAt: (url) => assets.templateAt(url),
      onEvent: (event) => this.events.push(event),
      fault: (operation) => this.fault(operation),
      ...options,
    });
  }

  create(resources: object, more: object = {}) {
    return this.clock.run(
      this.cloudFormation.createStack({ stackName: 'Stack', template: { Resources: resources, ...more } }),
    );
  }

  update(resources: object, more: object = {}) {
    return this.clock.run(
      this.cloudFormation.updateStack({ stackName: 'Stack', template: { Resources: resources, ...more } }),
    );
  }

  delete() {
    return this.clock.run(this.cloudFormation.deleteStack('Stack'));
  }

  /** Lets an action on a resource fail, after some time. */
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

  /** `<logical id> <status>` of what happened since the last look. */
  story(): string[] {
    return this.events.splice(0).map(({ logicalId, status }) => `${logicalId} ${status}`);
  }

  /** The reason of the last event of that status. */
  reasonOf(logicalId: string, status: string): string | undefined {
    return this.events.findLast((event) => event.logicalId === logicalId && event.status === status)?.reason;
  }

  /** `<request> <logical id> <physical id>` of what the function got since the last look. */
  asked(): string[] {
    return this.requests
      .splice(0)
      .map(({ RequestType, LogicalResourceId, PhysicalResourceId }) =>
        [RequestType, LogicalResourceId, PhysicalResourceId].filter((part) => part !== undefined).join(' '),
      );
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

/** A custom resource of a template. */
export function custom(properties: object = {}, more: object = {}): object {
  return { Type: 'Custom::Thing', Properties: { ServiceToken: FUNCTION_ARN, Id: 'thing', ...properties }, ...more };
}

/** Something else in a template: an SSM parameter. */
export function parameter(value: unknown = 'a', more: object = {}): object {
  return { Type: 'AWS::SSM::Parameter', Properties: { Type: 'String', Value: value }, ...more };
}
