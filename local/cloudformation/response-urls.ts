import { createHash } from 'node:crypto';
import type { Clock } from '../clock';
import type { Random } from '../lambda/uuid';
import { validateResponse, type CustomResourceResponse, type RequestIds } from './response';

/** A response that was uploaded to a response URL. */
export interface ReceivedResponse {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly request: RequestIds;
  readonly body: string;
  /** Whether CloudFormation accepted the response; if not, `ignoredBecause` says why. */
  readonly accepted: boolean;
  readonly ignoredBecause?: string;
}

/** A request that waits for its response. */
export interface PendingResponse {
  /** The response URL. It can't be guessed. */
  readonly url: string;
  readonly response: Promise<CustomResourceResponse>;
  /** Ends the wait. Later responses are ignored. */
  close(): void;
}

/** How long a response URL can be used. */
const VALID_SECONDS = 7_200;

/**
 * How response URLs are signed: with the time of the signature, as recorded in 2023 and 2024; with the time at which it
 * expires, as recorded in 2017; or not at all, because nothing promises either.
 */
export type UrlSignature = 'date' | 'expires' | 'none';

interface Pending {
  readonly url: string;
  readonly request: RequestIds;
  readonly accept: (answer: CustomResourceResponse) => void;
  closedBecause?: string;
}

/**
 * The response URLs of custom resources. Like CloudFormation's, they are presigned for one upload without a content
 * type. The first valid response counts.
 */
export class ResponseUrls {
  /** All responses, in the order in which they arrived. */
  readonly received: ReceivedResponse[] = [];
  private readonly pending = new Map<string, Pending>();

  /**
   * @param baseUrl the start of every response URL, without a trailing slash
   * @param signature how response URLs are signed
   */
  constructor(
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly baseUrl = 'https://cloudformation-custom-resource-response.s3.amazonaws.com',
    private readonly signature: UrlSignature = 'date',
  ) {}

  /** Creates a response URL for a request. */
  open(request: RequestIds): PendingResponse {
    const path = this.random(32).toString('hex');
    const url = `${this.baseUrl}/${path}${signed(path, this.signature, this.clock.now())}`;
    const response = new Promise<CustomResourceResponse>((accept) =>
      this.pending.set(pathOf(url), { url, request, accept }),
    );
    return {
      url,
      response,
      close: () => {
        const pending = this.pending.get(pathOf(url));
        if (pending !== undefined) {
          pending.closedBecause ??= 'CloudFormation no longer waits for the response';
        }
      },
    };
  }

  /** Whether the request of this URL still waits for its response. */
  isPending(url: string): boolean {
    const pending = this.pending.get(pathOf(url));
    return pending !== undefined && pending.closedBecause === undefined;
  }

  /**
   * Accepts an upload to a response URL.
   *
   * @param url the URL, or its path and query
   * @param contentType must be empty, because the URL is signed for an upload without one
   * @returns the HTTP status of the upload
   */
  put(url: string, body: string, contentType = ''): 200 | 403 {
    const pending = this.pending.get(pathOf(url));
    if (pending === undefined || contentType !== '' || queryOf(url) !== queryOf(pending.url)) {
      return 403;
    }
    const { request } = pending;
    const validation = validateResponse(body, request);
    const ignoredBecause = pending.closedBecause ?? (validation.accepted ? undefined : validation.ignoredBecause);
    this.received.push({
      time: this.clock.now(),
      request,
      body,
      accepted: ignoredBecause === undefined,
      ignoredBecause,
    });
    if (ignoredBecause === undefined && validation.accepted) {
      pending.closedBecause = 'the request was answered before';
      pending.accept(validation.response);
    }
    return 200;
  }
}

/** The query of a presigned URL, with its question mark. Nothing checks the signature, so it is only a hash. */
function signed(path: string, signature: UrlSignature, now: number): string {
  const digest = createHash('sha256').update(`${path} ${signature} ${now}`).digest();
  const accessKeyId = `AKIA${digest.toString('hex').toUpperCase().slice(0, 16)}`;
  switch (signature) {
    case 'date': {
      const date = new Date(now).toISOString().replace(/[-:]|\.\d+/g, '');
      return query({
        'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
        'X-Amz-Date': date,
        'X-Amz-SignedHeaders': 'host',
        'X-Amz-Credential': `${accessKeyId}/${date.slice(0, 8)}/us-east-1/s3/aws4_request`,
        'X-Amz-Expires': String(VALID_SECONDS),
        'X-Amz-Signature': digest.toString('hex'),
      });
    }
    case 'expires':
      return query({
        AWSAccessKeyId: accessKeyId,
        Expires: String(Math.floor(now / 1000) + VALID_SECONDS),
        Signature: digest.subarray(0, 20).toString('base64'),
      });
    case 'none':
      return '';
  }
}

function query(parameters: Readonly<Record<string, string>>): string {
  return `?${new URLSearchParams(parameters).toString()}`;
}

/** The last segment of a URL's path. It identifies the request. */
function pathOf(url: string): string {
  const [path = ''] = url.split('?', 1);
  return path.slice(path.lastIndexOf('/') + 1);
}

function queryOf(url: string): string {
  const start = url.indexOf('?');
  return start < 0 ? '' : url.slice(start);
}
