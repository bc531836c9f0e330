import type { Clock } from '../clock';
import type { Random } from '../lambda/uuid';
import { judge, type Answer, type Request } from './answer';

/** Something that was put to a response URL. */
export interface ReceivedAnswer {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly request: Request;
  readonly body: string;
  /** Whether CloudFormation acted on it; if not, why. */
  readonly effective: boolean;
  readonly why?: string;
}

/** A request that waits for its answer. */
export interface AwaitedAnswer {
  /** Where the answer is to be put. Nobody can guess it. */
  readonly url: string;
  readonly answered: Promise<Answer>;
  /** Nobody waits any more: what comes now is too late. */
  giveUp(): void;
}

interface Pending {
  readonly request: Request;
  readonly take: (answer: Answer) => void;
  closedBecause?: string;
}

/**
 * Where custom resources answer. Response URLs are presigned for one upload without a content type, as those of
 * CloudFormation are; the first answer that says what it answers counts.
 */
export class AnswerDesk {
  /** Everything that was put to a response URL, in the order in which it came. */
  readonly received: ReceivedAnswer[] = [];
  private readonly pending = new Map<string, Pending>();

  /**
   * @param baseUrl what response URLs begin with, without a slash at the end
   */
  constructor(
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly baseUrl = 'https://cloudformation-custom-resource-response.s3.amazonaws.com',
  ) {}

  /** Opens a response URL for a request. */
  open(request: Request): AwaitedAnswer {
    const url = `${this.baseUrl}/${this.random(32).toString('hex')}`;
    const answered = new Promise<Answer>((take) => this.pending.set(pathOf(url), { request, take }));
    return {
      url,
      answered,
      giveUp: () => {
        const pending = this.pending.get(pathOf(url));
        if (pending !== undefined) {
          pending.closedBecause ??= 'nobody waits for it any more';
        }
      },
    };
  }

  /** Whether somebody still waits for what is put to this URL. */
  isAwaited(url: string): boolean {
    const pending = this.pending.get(pathOf(url));
    return pending !== undefined && pending.closedBecause === undefined;
  }

  /**
   * Takes an upload to a response URL.
   *
   * @param url the URL, or its path
   * @param contentType must be empty: the URL is signed for an upload without one
   * @returns the HTTP status that the upload is answered with
   */
  put(url: string, body: string, contentType = ''): 200 | 403 {
    const pending = this.pending.get(pathOf(url));
    if (pending === undefined || contentType !== '') {
      return 403;
    }
    const { request } = pending;
    const judgement = judge(body, request);
    const why = pending.closedBecause ?? (judgement.effective ? undefined : judgement.why);
    this.received.push({ time: this.clock.now(), request, body, effective: why === undefined, why });
    if (why === undefined && judgement.effective) {
      pending.closedBecause = 'it was answered before';
      pending.take(judgement.answer);
    }
    return 200;
  }
}

function pathOf(url: string): string {
  return url.slice(url.lastIndexOf('/') + 1);
}
