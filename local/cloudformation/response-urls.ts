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

interface Pending {
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

  /** @param baseUrl the start of every response URL, without a trailing slash */
  constructor(
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly baseUrl = 'https://cloudformation-custom-resource-response.s3.amazonaws.com',
  ) {}

  /** Creates a response URL for a request. */
  open(request: RequestIds): PendingResponse {
    const url = `${this.baseUrl}/${this.random(32).toString('hex')}`;
    const response = new Promise<CustomResourceResponse>((accept) =>
      this.pending.set(pathOf(url), { request, accept }),
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
   * @param url the URL, or its path
   * @param contentType must be empty, because the URL is signed for an upload without one
   * @returns the HTTP status of the upload
   */
  put(url: string, body: string, contentType = ''): 200 | 403 {
    const pending = this.pending.get(pathOf(url));
    if (pending === undefined || contentType !== '') {
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

function pathOf(url: string): string {
  return url.slice(url.lastIndexOf('/') + 1);
}
