import { SkippingClock, systemClock, type Clock } from '../clock';

/** How long the machine's clock is slept on at a time: a lifted deadline keeps the process alive no longer than this. */
const SLICE_MS = 500;

/** A point in time at which waiting ends. */
export interface Deadline {
  /** Resolves when the clock gets there; never, once lifted. */
  readonly reached: Promise<void>;
  /** Nothing but time is left to wait for. */
  onlyTimeIsLeft(): void;
  /** Nobody waits for it any more. */
  lift(): void;
}

/**
 * Watches for a point in time without being what makes time pass while there is work.
 *
 * A {@link SkippingClock} moves whenever somebody sleeps, so a watcher that slept on it would itself bring the deadline
 * on. There, the watcher sleeps only once it is told that nothing else is left to move the clock.
 *
 * @param clock whose time counts
 * @param at milliseconds since the epoch
 */
export function deadline(clock: Clock, at: number): Deadline {
  let lifted = false;
  let resolve: () => void;
  const reached = new Promise<void>((resolveReached) => (resolve = resolveReached));
  const watch = async () => {
    while (!lifted && clock.now() < at) {
      const left = at - clock.now();
      await clock.sleep(clock === systemClock ? Math.min(left, SLICE_MS) : left);
    }
    if (!lifted) {
      resolve();
    }
  };
  const skips = clock instanceof SkippingClock;
  if (!skips) {
    void watch();
  }
  return {
    reached,
    onlyTimeIsLeft: () => {
      if (skips) {
        void watch();
      }
    },
    lift: () => {
      lifted = true;
    },
  };
}
