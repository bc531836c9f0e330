import type { Clock } from '../../../local/clock';

/** A clock that stands still until the test turns it. */
export class TurnedClock implements Clock {
  constructor(private time = Date.UTC(2026, 0, 1, 12, 0, 10)) {}

  now(): number {
    return this.time;
  }

  turn(ms: number): void {
    this.time += ms;
  }

  sleep(ms: number): Promise<void> {
    this.turn(ms);
    return Promise.resolve();
  }
}
