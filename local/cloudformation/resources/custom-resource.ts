import type { Clock } from '../../clock';
import { deadline } from '../../lambda/deadline';
import type { Invocation } from '../../lambda/function';
import { uuid, type Random } from '../../lambda/uuid';
import type { CustomResourceResponse } from '../response';
import type { ResponseUrls, PendingResponse } from '../response-urls';
import { suffix } from '../identifiers';
import { isList, isObject, type Json, type JsonObject } from '../json';
import {
  ResourceFailure,
  ResourceRefusal,
  type PhysicalResource,
  type ResourceProvider,
  type ResourceRequest,
} from './provider';

/**
 * In seconds.
 *
 * @see
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-customresource.html
 */
const DEFAULT_SERVICE_TIMEOUT = 3600;

/** Options of {@link customResource}. */
export interface CustomResourceOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Invokes a function asynchronously. */
  readonly invoke: (functionArn: string, event: unknown) => Invocation;
  /** Receives the responses of the functions. */
  readonly responseUrls: ResponseUrls;
}

type RequestType = 'Create' | 'Update' | 'Delete';

/** The reasons of requests that are canceled because another resource failed. */
const CANCEL_REASONS: Readonly<Record<RequestType, string>> = {
  Create: 'Resource creation cancelled',
  Update: 'Resource update cancelled',
  Delete: 'Resource deletion cancelled',
};

/** Whether resources of this type are custom resources. */
export function isCustomResource(type: string): boolean {
  return type === 'AWS::CloudFormation::CustomResource' || type.startsWith('Custom::');
}

/**
 * Custom resources with a Lambda function: `AWS::CloudFormation::CustomResource` and every `Custom::…` type.
 *
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
 */
export function customResource(options: CustomResourceOptions): ResourceProvider {
  const send = (type: RequestType, request: ResourceRequest, properties: JsonObject, requestTypeFields: JsonObject) =>
    new Exchange(options, type, request).send(properties, requestTypeFields);

  return {
    properties: 'any',
    attributes: 'any',

    async create(properties, request) {
      serviceTimeoutOf(properties);
      const response = await send('Create', request, properties, {});
      if (response.status === 'SUCCESS') {
        return physicalResource(response);
      }
      throw new ResourceFailure(response.reason, response.physicalId ?? inventedId(request, options.random));
    },

    async update({ physicalId }, properties, before, request) {
      if (properties.ServiceToken !== before.ServiceToken) {
        throw new ResourceRefusal('Modifying service token is not allowed.');
      }
      serviceTimeoutOf(properties);
      const response = await send('Update', request, properties, {
        PhysicalResourceId: physicalId,
        OldResourceProperties: serializeObject(before),
      });
      if (response.status === 'SUCCESS') {
        return physicalResource(response);
      }
      throw new ResourceFailure(response.reason, response.physicalId);
    },

    async delete({ physicalId }, properties, request) {
      const response = await send('Delete', request, properties, { PhysicalResourceId: physicalId });
      if (response.status === 'FAILED') {
        throw new ResourceFailure(response.reason);
      }
    },
  };
}

function physicalResource({
  physicalId,
  attributes,
}: Extract<CustomResourceResponse, { status: 'SUCCESS' }>): PhysicalResource {
  return { physicalId, attributes };
}

/** The physical id that CloudFormation generates for a custom resource that never returned one. */
function inventedId({ stackName, logicalId }: ResourceRequest, random: Random): string {
  return `${stackName}-${logicalId}-${suffix(random)}`;
}

function serviceTimeoutOf({ ServiceTimeout: seconds = DEFAULT_SERVICE_TIMEOUT }: JsonObject): number {
  const value = Number(seconds);
  if (!Number.isInteger(value) || value < 1 || value > 3600) {
    throw new ResourceRefusal(
      `'ServiceTimeout': invalid value ${JSON.stringify(seconds)}: expected an integer from 1 to 3600`,
    );
  }
  return value;
}

/** One request to a custom resource's function, and the wait for its response. */
class Exchange {
  private readonly requestId: string;
  private readonly pendingResponse: PendingResponse;

  constructor(
    private readonly options: CustomResourceOptions,
    private readonly type: RequestType,
    private readonly request: ResourceRequest,
  ) {
    const { stackId, logicalId } = request;
    this.requestId = uuid(options.random);
    this.pendingResponse = options.responseUrls.open({ stackId, requestId: this.requestId, logicalId });
  }

  async send(properties: JsonObject, requestTypeFields: JsonObject): Promise<CustomResourceResponse> {
    const { stackId, logicalId, type: resourceType } = this.request;
    const serviceToken = properties.ServiceToken;
    if (typeof serviceToken !== 'string') {
      throw new ResourceRefusal('ServiceToken is missing or is not a string');
    }
    const invocation = this.options.invoke(serviceToken, {
      RequestType: this.type,
      ServiceToken: serviceToken,
      ResponseURL: this.pendingResponse.url,
      StackId: stackId,
      RequestId: this.requestId,
      LogicalResourceId: logicalId,
      ResourceType: resourceType,
      ...requestTypeFields,
      ResourceProperties: serializeObject(properties),
    });
    const response = await this.wait(invocation, serviceTimeoutOf(properties) * 1000);
    this.pendingResponse.close();
    return response;
  }

  private async wait(invocation: Invocation, timeoutMs: number): Promise<CustomResourceResponse> {
    const { clock } = this.options;
    const at = clock.now() + timeoutMs;
    const watch = deadline(clock, at);
    void invocation.results.then(() => watch.waitForTimeOnly());
    const timedOut = watch.reached.then(() => this.noResponse());
    const response = await Promise.race([this.pendingResponse.response, this.canceled(), timedOut]);
    watch.cancel();
    return clock.now() > at ? this.noResponse() : response;
  }

  private canceled(): Promise<CustomResourceResponse> {
    const { signal } = this.request;
    return new Promise((resolve) => {
      const cancel = () => resolve({ status: 'FAILED', reason: CANCEL_REASONS[this.type] });
      if (signal?.aborted) {
        cancel();
      } else {
        signal?.addEventListener('abort', cancel, { once: true });
      }
    });
  }

  private noResponse(): CustomResourceResponse {
    return {
      status: 'FAILED',
      reason:
        'CloudFormation did not receive a response from your Custom Resource. Please check your logs for ' +
        `requestId [${this.requestId}]. If you are using the Python cfn-response module, you may need to update your ` +
        'Lambda function code so that CloudFormation can attach the updated version.',
    };
  }
}

/** Properties as functions receive them: scalars as strings, and without nulls. */
function serializeObject(properties: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(properties)
      .filter(([, value]) => value !== null)
      .map(([key, value]) => [key, serialize(value)]),
  );
}

function serialize(value: Json): Json {
  if (isList(value)) {
    return value.filter((item) => item !== null).map(serialize);
  }
  return isObject(value) ? serializeObject(value) : String(value);
}
