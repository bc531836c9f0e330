import { isThrottled } from '../lambda/aws/reactions';
import { UNUSABLE_CREDENTIALS } from './aws';
import { type Clock, type Page, ReadError } from './ports';

/** Calls to one service begin at this rate per second, and never exceed the highest. AWS doesn't publish IAM's limit. */
const FIRST_RATE = 20;
const HIGHEST_RATE = 50;
const LOWEST_RATE = 0.5;
/** The rate that a second without throttling adds, and what is left of the rate after throttling. */
const RATE_GROWTH = 0.5;
const RATE_CUT = 0.85;
/** How long one cut of the rate is given to take effect. */
const CUT_MS = 1_000;
/** How long a call is tried again while AWS throttles it. */
const THROTTLED_FOR_MS = 3 * 60_000;

const FAILED_ATTEMPTS = 4;
const FIRST_DELAY_MS = 500;

/** There are no credentials, or AWS does not accept them. */
export class CredentialsRefused extends Error {
  override readonly name = 'CredentialsRefused';

  constructor(readonly code: string) {
    super(`AWS credentials are missing or not accepted (${code})`);
  }
}

/** Why something could not be looked at. */
export type Obstacle = 'NOT_ALLOWED' | 'THROTTLED' | 'FAILED';

/** What a call returned, or why it returned nothing. */
export type Look<T> =
  | { readonly isSeen: true; readonly value: T }
  | { readonly isSeen: false; readonly why: Obstacle; readonly error: ReadError };

export function seen<T>(value: T): Look<T> {
  return { isSeen: true, value };
}

interface Lane {
  rate: number;
  nextAt: number;
  cutAt: number;
}

/** Sends read-only calls at the rate that AWS lets through, and retries temporary errors. */
export class Calls {
  /** The calls sent so far, retries included. */
  sent = 0;
  private readonly lanes = new Map<string, Lane>();

  constructor(
    private readonly clock: Clock,
    /** Returns numbers in [0, 1). */
    private readonly random: () => number,
  ) {}

  /**
   * Makes a call until it succeeds or can't.
   *
   * @param lane calls of one lane share a rate: the service, with its region
   * @param absent codes that say that what was asked for does not exist
   * @returns `undefined` as the value if it does not exist
   */
  async look<T>(lane: string, call: () => Promise<T>, absent: readonly string[] = []): Promise<Look<T | undefined>> {
    const startedAt = this.clock.now();
    for (let failures = 0; ;) {
      await this.turn(lane);
      try {
        this.sent++;
        const value = await call();
        this.speedUp(lane);
        return seen(value);
      } catch (error) {
        if (!(error instanceof ReadError)) {
          throw error;
        }
        if (UNUSABLE_CREDENTIALS.includes(error.code)) {
          throw new CredentialsRefused(error.code!);
        }
        if (error.code !== undefined && absent.includes(error.code)) {
          this.speedUp(lane);
          return seen(undefined);
        }
        if (isThrottled(error)) {
          this.slowDown(lane);
          if (this.clock.now() - startedAt > THROTTLED_FOR_MS) {
            return { isSeen: false, why: 'THROTTLED', error };
          }
        } else if (error.code !== undefined && (error.httpStatus ?? 400) < 500) {
          return { isSeen: false, why: /^AccessDenied/.test(error.code) ? 'NOT_ALLOWED' : 'FAILED', error };
        } else if (++failures === FAILED_ATTEMPTS) {
          return { isSeen: false, why: 'FAILED', error };
        } else {
          await this.clock.sleep(FIRST_DELAY_MS * 2 ** (failures - 1) * (0.5 + this.random() / 2));
        }
      }
    }
  }

  /** Reads all pages of a list. */
  async list<T>(
    lane: string,
    call: (next?: string) => Promise<Page<T>>,
    absent: readonly string[] = [],
  ): Promise<Look<readonly T[] | undefined>> {
    const items: T[] = [];
    let next: string | undefined;
    do {
      const from = next;
      const page = await this.look(lane, () => call(from), absent);
      if (!page.isSeen || page.value === undefined) {
        return page.isSeen ? seen(undefined) : page;
      }
      items.push(...page.value.items);
      next = page.value.next;
    } while (next !== undefined);
    return seen(items);
  }

  /** Waits for the next moment at which a call may be sent. */
  private async turn(name: string): Promise<void> {
    const lane = this.laneOf(name);
    const now = this.clock.now();
    const at = Math.max(now, lane.nextAt);
    lane.nextAt = at + 1000 / lane.rate;
    if (at > now) {
      await this.clock.sleep(at - now);
    }
  }

  private speedUp(name: string): void {
    const lane = this.laneOf(name);
    lane.rate = Math.min(HIGHEST_RATE, lane.rate + RATE_GROWTH / lane.rate);
  }

  /** Calls that were sent together are refused together, which counts once. */
  private slowDown(name: string): void {
    const lane = this.laneOf(name);
    const now = this.clock.now();
    if (now - lane.cutAt >= CUT_MS) {
      lane.rate = Math.max(LOWEST_RATE, lane.rate * RATE_CUT);
      lane.cutAt = now;
    }
  }

  private laneOf(name: string): Lane {
    let lane = this.lanes.get(name);
    if (lane === undefined) {
      lane = { rate: FIRST_RATE, nextAt: -Infinity, cutAt: -Infinity };
      this.lanes.set(name, lane);
    }
    return lane;
  }
}

/** How many calls are under way at once. */
const AT_ONCE = 16;

/** Does something for each item, for some of them at once. */
export async function forEach<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items].values();
  const worker = async () => {
    for (const item of rest) {
      await work(item);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
