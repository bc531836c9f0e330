import { SkippingClock, systemClock, type Clock } from '../clock';

/** The longest single sleep on the machine's clock. A canceled deadline keeps the process alive no longer than this. */
const SLICE_MS = 500;

/** A point in time at which a wait ends. */
export interface Deadline {
  /** Resolves when the clock reaches the deadline; never, if it was canceled before. */
  readonly reached: Promise<void>;
  /** Tells the deadline that only the passing of time can end the wait. */
  waitForTimeOnly(): void;
  /** Cancels the deadline. */
  cancel(): void;
}

/**
 * Watches for a point in time without advancing the clock while there is other work.
 *
 * A {@link SkippingClock} advances whenever something sleeps on it, so a watcher that sleeps would cause the very
 * timeout that it watches for. On such a clock the watcher sleeps only once nothing else can advance it.
 *
 * @param clock the clock to watch
 * @param at milliseconds since the epoch
 */
export function deadline(clock: Clock, at: number): Deadline {
  let canceled = false;
  let resolve: () => void;
  const reached = new Promise<void>((resolveReached) => (resolve = resolveReached));
  const watch = async () => {
    while (!canceled && clock.now() < at) {
      const remaining = at - clock.now();
      await clock.sleep(clock === systemClock ? Math.min(remaining, SLICE_MS) : remaining);
    }
    if (!canceled) {
      resolve();
    }
  };
  const skips = clock instanceof SkippingClock;
  if (!skips) {
    void watch();
  }
  return {
    reached,
    waitForTimeOnly: () => {
      if (skips) {
        void watch();
      }
    },
    cancel: () => {
      canceled = true;
    },
  };
}
