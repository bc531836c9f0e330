/**
 * Time as everything in this folder sees it: nothing here reads the machine's clock or sleeps by itself,
 * so that a test can turn the clock.
 */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves `ms` milliseconds of this clock's time later. */
  sleep(ms: number): Promise<void>;
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

/**
 * A clock for tests in which real I/O goes on (child processes, HTTP): it stands still until somebody sleeps, and
 * then skips the sleep. Two that sleep at once wake at their own times, as on any clock.
 */
export class SkippingClock implements Clock {
  private time: number;

  constructor(start = Date.UTC(2026, 0, 1, 12, 0, 10)) {
    this.time = start;
  }

  now(): number {
    return this.time;
  }

  async sleep(ms: number): Promise<void> {
    const until = this.time + ms;
    await Promise.resolve();
    this.time = Math.max(this.time, until);
  }
}
