import { isObject, type JsonObject } from './json';

/** What an answer to a custom resource request may be at most. Bytes, not characters. */
export const MAX_ANSWER_BYTES = 4096;
const MAX_PHYSICAL_ID_LENGTH = 1024;

/** What an answer has to repeat, so that CloudFormation knows what it answers. */
export interface Request {
  readonly stackId: string;
  readonly requestId: string;
  readonly logicalId: string;
}

/** An answer as it takes effect. */
export type Answer =
  | { readonly status: 'SUCCESS'; readonly physicalId: string; readonly attributes: JsonObject }
  | { readonly status: 'FAILED'; readonly reason: string; readonly physicalId?: string };

/** What becomes of what was put to a response URL. */
export type Judgement =
  { readonly effective: true; readonly answer: Answer } | { readonly effective: false; readonly why: string };

/**
 * Judges what was put to a response URL. What does not say what it answers has no effect; what does and is malformed is
 * a failure.
 *
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
 */
export function judge(body: string, request: Request): Judgement {
  if (Buffer.byteLength(body) > MAX_ANSWER_BYTES) {
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
    return ignored('StackId is not that of the request');
  }
  if (object.RequestId !== request.requestId) {
    return ignored('RequestId is not that of the request');
  }
  if (object.LogicalResourceId !== request.logicalId) {
    return ignored('LogicalResourceId is not that of the request');
  }

  if (typeof physicalId !== 'string' || physicalId.length < 1 || physicalId.length > MAX_PHYSICAL_ID_LENGTH) {
    return failed('Invalid PhysicalResourceId');
  }
  if (status === 'FAILED') {
    const told = typeof reason === 'string' ? reason : 'no reason given';
    return failed(
      `Received response status [FAILED] from custom resource. Message returned: ${told} (RequestId: ${request.requestId})`,
      physicalId,
    );
  }
  if (!isObject(attributes)) {
    return failed('Data is not an object', physicalId);
  }
  return { effective: true, answer: { status, physicalId, attributes } };
}

function parsed(body: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function failed(reason: string, physicalId?: string): Judgement {
  return { effective: true, answer: { status: 'FAILED', reason, ...(physicalId !== undefined && { physicalId }) } };
}

function ignored(why: string): Judgement {
  return { effective: false, why };
}
