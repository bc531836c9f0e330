import { createHash } from 'node:crypto';
import { creationId, physicalIdIn, timeIn } from '../lib/contract';
import { type RequestType } from './aws/reactions';
import { type Declaration } from './declaration';

/** What a request says besides the properties: which resource it is about, and when CloudFormation sent it. */
export interface Occasion {
  readonly declaration: Declaration;
  readonly request: RequestType;
  /** Milliseconds since the epoch, to the second; `undefined` if the response URL doesn't say. */
  readonly sentAt: number | undefined;
  /** The creation id of the resource; `undefined` in a Delete whose physical id CloudFormation invented. */
  readonly creation: string | undefined;
  /** Whether the Create of the resource answered FAILED. */
  readonly hasFailed: boolean;
}

/** Of an event, what an occasion is read from. */
export interface OccasionSource {
  readonly RequestType: RequestType;
  readonly RequestId: string;
  readonly ResponseURL: string;
  readonly PhysicalResourceId?: string;
}

/** @param parts what the resource is, as its physical id begins */
export function occasionOf(event: OccasionSource, parts: readonly string[], declaration: Declaration): Occasion {
  const { RequestType: request, RequestId, ResponseURL, PhysicalResourceId = '' } = event;
  const sentAt = sentAtIn(ResponseURL);
  const known =
    request === 'Create'
      ? { creation: creationId(sha256(`${RequestId} ${ResponseURL}`), sentAt), hasFailed: false }
      : physicalIdIn(PhysicalResourceId, parts);
  return { declaration, request, sentAt, creation: known?.creation, hasFailed: known?.hasFailed ?? false };
}

/** Seconds for which CloudFormation signs a response URL. Seen, not documented. */
const SIGNED_FOR = 7_200;

/**
 * When a presigned URL was signed. Nothing promises that it says so.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
 */
function sentAtIn(responseUrl: string): number | undefined {
  const { searchParams } = new URL(responseUrl);
  const date = timeIn(searchParams.get('X-Amz-Date') ?? '');
  const expires = searchParams.get('Expires') ?? '';
  return date ?? (/^\d{10}$/.test(expires) ? (Number(expires) - SIGNED_FOR) * 1000 : undefined);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
