import { type Clock } from './clock';

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/**
 * A clock for whole scenarios in one process. It advances to the next sleeper only when nothing else can run, so the
 * order of events depends only on the order of the calls.
 */
export class VirtualClock implements Clock {
  private time: number;
  /** Sorted by time, and for equal times by who slept first. */
  private readonly sleepers: Sleeper[] = [];

  constructor(start = Date.UTC(2026, 0, 1, 12, 0, 10)) {
    this.time = start;
  }

  now(): number {
    return this.time;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((wake) => {
      const at = this.time + Math.max(0, ms);
      const index = this.sleepers.findIndex((other) => other.at > at);
      this.sleepers.splice(index === -1 ? this.sleepers.length : index, 0, { at, wake });
    });
  }

  /** Advances the clock until the work is done. The work must wait for nothing but this clock. */
  async run<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const done = () => {
      isDone = true;
    };
    work.then(done, done);
    for (;;) {
      // Everything that can run without time passing runs before this resolves.
      await new Promise(setImmediate);
      if (isDone) {
        return work;
      }
      this.wakeNext();
    }
  }

  private wakeNext(): void {
    const next = this.sleepers.shift();
    if (next === undefined) {
      throw new Error('the work is not done, but nothing sleeps on this clock: the work waits for something else');
    }
    this.time = next.at;
    next.wake();
  }
}
