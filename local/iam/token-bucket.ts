import type { Clock } from '../clock';

/** A rate limit. IAM's own limits are not published. */
export interface Throttle {
  readonly perSecond: number;
  /** How many calls are accepted at once after an idle period. */
  readonly burst: number;
}

/** A bucket that refills over time; each call takes one token. */
export class TokenBucket {
  private tokens: number;
  private filledAt: number;

  constructor(
    private readonly clock: Clock,
    private readonly throttle: Throttle,
  ) {
    this.tokens = throttle.burst;
    this.filledAt = clock.now();
  }

  /** Takes a token. Returns `false` if the call must be throttled. */
  take(): boolean {
    const now = this.clock.now();
    const { perSecond, burst } = this.throttle;
    this.tokens = Math.min(burst, this.tokens + ((now - this.filledAt) / 1000) * perSecond);
    this.filledAt = now;
    if (this.tokens < 1) {
      return false;
    }
    this.tokens -= 1;
    return true;
  }
}
