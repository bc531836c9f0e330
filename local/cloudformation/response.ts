import { isObject, type JsonObject } from './json';

/** The maximum size of a response, in bytes. */
export const MAX_RESPONSE_BYTES = 4096;
const MAX_PHYSICAL_ID_LENGTH = 1024;

/** The ids that a response must repeat, so that CloudFormation can match it to its request. */
export interface RequestIds {
  readonly stackId: string;
  readonly requestId: string;
  readonly logicalId: string;
}

/** A response after validation. */
export type CustomResourceResponse =
  | { readonly status: 'SUCCESS'; readonly physicalId: string; readonly attributes: JsonObject }
  | { readonly status: 'FAILED'; readonly reason: string; readonly physicalId?: string };

/** The result of validating an upload to a response URL. */
export type ResponseValidation =
  | { readonly accepted: true; readonly response: CustomResourceResponse }
  | { readonly accepted: false; readonly ignoredBecause: string };

/**
 * Validates an upload to a response URL. A response that doesn't match its request is ignored; a matching response that
 * is malformed counts as a failure.
 *
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
 */
export function validateResponse(body: string, request: RequestIds): ResponseValidation {
  if (Buffer.byteLength(body) > MAX_RESPONSE_BYTES) {
    return failed('Response object is too long.');
  }
  const object = parsed(body);
  if (object === undefined) {
    return failed('Response is not valid JSON.');
  }

  const { Status: status, Data: attributes = {}, PhysicalResourceId: physicalId, Reason: reason } = object;
  if (status !== 'SUCCESS' && status !== 'FAILED') {
    return ignored('Status is neither SUCCESS nor FAILED');
  }
  if (object.StackId !== request.stackId) {
    return ignored('StackId does not match the request');
  }
  if (object.RequestId !== request.requestId) {
    return ignored('RequestId does not match the request');
  }
  if (object.LogicalResourceId !== request.logicalId) {
    return ignored('LogicalResourceId does not match the request');
  }

  if (typeof physicalId !== 'string' || physicalId.length < 1 || physicalId.length > MAX_PHYSICAL_ID_LENGTH) {
    return failed('Invalid PhysicalResourceId');
  }
  if (status === 'FAILED') {
    const message = typeof reason === 'string' ? reason : 'no reason given';
    return failed(
      `Received response status [FAILED] from custom resource. Message returned: ${message} (RequestId: ${request.requestId})`,
      physicalId,
    );
  }
  if (!isObject(attributes)) {
    return failed('Data is not an object', physicalId);
  }
  return { accepted: true, response: { status, physicalId, attributes } };
}

function parsed(body: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function failed(reason: string, physicalId?: string): ResponseValidation {
  return { accepted: true, response: { status: 'FAILED', reason, ...(physicalId !== undefined && { physicalId }) } };
}

function ignored(ignoredBecause: string): ResponseValidation {
  return { accepted: false, ignoredBecause };
}
