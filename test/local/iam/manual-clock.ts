import type { Clock } from '../../../local/clock';

/** A clock that stands still until the test advances it. */
export class ManualClock implements Clock {
  constructor(private time = Date.UTC(2026, 0, 1, 12, 0, 10)) {}

  now(): number {
    return this.time;
  }

  advance(ms: number): void {
    this.time += ms;
  }

  sleep(ms: number): Promise<void> {
    this.advance(ms);
    return Promise.resolve();
  }
}
