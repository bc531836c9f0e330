import type { Clock } from '../clock';

/** How fast calls are let through. IAM's own rates are not published. */
export interface Throttle {
  readonly perSecond: number;
  /** How many calls may come at once after a rest. */
  readonly burst: number;
}

/** Tokens that come back with time; each call takes one. */
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

  /** Whether a call is let through. */
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
