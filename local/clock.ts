/**
 * The only source of time in this folder: nothing here reads the machine's clock or sleeps on it directly, so tests can
 * advance time themselves.
 */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after `ms` milliseconds of this clock's time. */
  sleep(ms: number): Promise<void>;
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

/**
 * A clock for tests that do real I/O (child processes, HTTP): it stands still until something sleeps, and then skips
 * the sleep. Concurrent sleepers wake at their own times, as on any clock.
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
