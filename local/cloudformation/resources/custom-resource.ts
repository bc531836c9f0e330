import type { Clock } from '../../clock';
import { deadline } from '../../lambda/deadline';
import type { Invocation } from '../../lambda/function';
import { uuid, type Random } from '../../lambda/uuid';
import type { Answer } from '../answer';
import type { AnswerDesk, AwaitedAnswer } from '../answer-desk';
import { suffix } from '../identifiers';
import { isList, isObject, type Json, type JsonObject } from '../json';
import { ResourceFailure, ResourceRefusal, type Made, type ResourceProvider, type ResourceRequest } from './provider';

/** Seconds. https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-customresource.html */
const DEFAULT_SERVICE_TIMEOUT = 3600;

/** What {@link customResource} is made of. */
export interface CustomResourceOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Invokes a function asynchronously. */
  readonly invoke: (functionArn: string, event: unknown) => Invocation;
  /** Where the functions answer. */
  readonly desk: AnswerDesk;
}

type RequestType = 'Create' | 'Update' | 'Delete';

/** The words for a request that is given up because another resource failed. */
const CANCELLED: Readonly<Record<RequestType, string>> = {
  Create: 'Resource creation cancelled',
  Update: 'Resource update cancelled',
  Delete: 'Resource deletion cancelled',
};

/** Whether a function makes resources of this type. */
export function isCustomResource(type: string): boolean {
  return type === 'AWS::CloudFormation::CustomResource' || type.startsWith('Custom::');
}

/**
 * Resources that a Lambda function makes: `AWS::CloudFormation::CustomResource` and every `Custom::…` type.
 *
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
 */
export function customResource(options: CustomResourceOptions): ResourceProvider {
  const exchange = (type: RequestType, request: ResourceRequest, properties: JsonObject, more: JsonObject) =>
    new Exchange(options, type, request).ask(properties, more);

  return {
    properties: 'any',
    attributes: 'any',

    async create(properties, request) {
      serviceTimeoutOf(properties);
      const answer = await exchange('Create', request, properties, {});
      if (answer.status === 'SUCCESS') {
        return made(answer);
      }
      throw new ResourceFailure(answer.reason, answer.physicalId ?? inventedId(request, options.random));
    },

    async update({ physicalId }, properties, before, request) {
      if (properties.ServiceToken !== before.ServiceToken) {
        throw new ResourceRefusal('Modifying service token is not allowed.');
      }
      serviceTimeoutOf(properties);
      const answer = await exchange('Update', request, properties, {
        PhysicalResourceId: physicalId,
        OldResourceProperties: asSent(before),
      });
      if (answer.status === 'SUCCESS') {
        return made(answer);
      }
      throw new ResourceFailure(answer.reason, answer.physicalId);
    },

    async delete({ physicalId }, properties, request) {
      const answer = await exchange('Delete', request, properties, { PhysicalResourceId: physicalId });
      if (answer.status === 'FAILED') {
        throw new ResourceFailure(answer.reason);
      }
    },
  };
}

function made({ physicalId, attributes }: Extract<Answer, { status: 'SUCCESS' }>): Made {
  return { physicalId, attributes };
}

/** What CloudFormation calls a custom resource that never named itself. */
function inventedId({ stackName, logicalId }: ResourceRequest, random: Random): string {
  return `${stackName}-${logicalId}-${suffix(random)}`;
}

function serviceTimeoutOf({ ServiceTimeout: seconds = DEFAULT_SERVICE_TIMEOUT }: JsonObject): number {
  const value = Number(seconds);
  if (!Number.isInteger(value) || value < 1 || value > 3600) {
    throw new ResourceRefusal(`ServiceTimeout ${JSON.stringify(seconds)} is not a number from 1 to 3600`);
  }
  return value;
}

/** One request to a custom resource's function and the wait for its answer. */
class Exchange {
  private readonly requestId: string;
  private readonly awaited: AwaitedAnswer;

  constructor(
    private readonly options: CustomResourceOptions,
    private readonly type: RequestType,
    private readonly request: ResourceRequest,
  ) {
    const { stackId, logicalId } = request;
    this.requestId = uuid(options.random);
    this.awaited = options.desk.open({ stackId, requestId: this.requestId, logicalId });
  }

  async ask(properties: JsonObject, more: JsonObject): Promise<Answer> {
    const { stackId, logicalId, type: resourceType } = this.request;
    const serviceToken = properties.ServiceToken;
    if (typeof serviceToken !== 'string') {
      throw new ResourceRefusal('ServiceToken is missing or no string');
    }
    const invocation = this.options.invoke(serviceToken, {
      RequestType: this.type,
      ServiceToken: serviceToken,
      ResponseURL: this.awaited.url,
      StackId: stackId,
      RequestId: this.requestId,
      LogicalResourceId: logicalId,
      ResourceType: resourceType,
      ...more,
      ResourceProperties: asSent(properties),
    });
    const answer = await this.wait(invocation, serviceTimeoutOf(properties) * 1000);
    this.awaited.giveUp();
    return answer;
  }

  private async wait(invocation: Invocation, timeoutMs: number): Promise<Answer> {
    const { clock } = this.options;
    const at = clock.now() + timeoutMs;
    const watch = deadline(clock, at);
    void invocation.ended.then(() => watch.onlyTimeIsLeft());
    const timedOut = watch.reached.then(() => this.noAnswer());
    const answer = await Promise.race([this.awaited.answered, this.cancelled(), timedOut]);
    watch.lift();
    return clock.now() > at ? this.noAnswer() : answer;
  }

  private cancelled(): Promise<Answer> {
    const { signal } = this.request;
    return new Promise((resolve) => {
      const cancel = () => resolve({ status: 'FAILED', reason: CANCELLED[this.type] });
      if (signal?.aborted) {
        cancel();
      } else {
        signal?.addEventListener('abort', cancel, { once: true });
      }
    });
  }

  private noAnswer(): Answer {
    return {
      status: 'FAILED',
      reason:
        'CloudFormation did not receive a response from your custom resource. Please check your logs for ' +
        `requestId [${this.requestId}]. If you are using the Python cfn-response module, you may need to update your ` +
        'Lambda function so that CloudFormation can attach the updated version.',
    };
  }
}

/** Properties as functions get them: scalars as strings, and no nulls. */
function asSent(properties: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(properties)
      .filter(([, value]) => value !== null)
      .map(([key, value]) => [key, sent(value)]),
  );
}

function sent(value: Json): Json {
  if (isList(value)) {
    return value.filter((item) => item !== null).map(sent);
  }
  return isObject(value) ? asSent(value) : String(value);
}
