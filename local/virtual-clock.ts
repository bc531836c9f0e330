import { type Clock } from './clock';

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/**
 * A clock for whole histories in one process: it moves on to the next sleeper only when nobody has anything left to
 * do, so that the order of everything follows from the order in which it was asked for.
 */
export class VirtualClock implements Clock {
  private time: number;
  /** By time; of the same time, by who slept first. */
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

  /** Turns the clock until the work is done. Only for work that waits for nothing but this clock. */
  async run<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const done = () => {
      isDone = true;
    };
    work.then(done, done);
    for (;;) {
      // Everything that can go on without time passing goes on before this returns.
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
      throw new Error('nobody sleeps, and yet the work is not done: it waits for something else than this clock');
    }
    this.time = next.at;
    next.wake();
  }
}
