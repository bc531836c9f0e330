import { constants } from 'node:os';

const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM'];

/** The error of work that SIGINT or SIGTERM interrupted. */
export class Interrupted extends Error {
  constructor(private readonly signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`);
    this.name = 'Interrupted';
  }

  /** The exit status that shells use for a process ended by this signal. */
  get exitStatus(): number {
    return 128 + constants.signals[this.signal];
  }
}

/** Whether a signal is one that interrupts. */
export function isInterrupting(signal: NodeJS.Signals | null): signal is NodeJS.Signals {
  return signal !== null && SIGNALS.includes(signal);
}

/**
 * Turns the first SIGINT (Ctrl+C) or SIGTERM into an abort, so that a program can clean up before it ends. After that,
 * another signal exits immediately, which still runs the listeners of `exit`.
 */
export class Interruption {
  private readonly controller = new AbortController();
  private awaited?: () => void;

  constructor() {
    for (const signal of SIGNALS) {
      process.on(signal, this.onSignal);
    }
  }

  /** Aborted with {@link Interrupted} as its reason. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Waits for the next signal, which then causes no abort. */
  next(): Promise<void> {
    return new Promise((resolve) => (this.awaited = resolve));
  }

  /** Settles like the work, or rejects with {@link Interrupted} when a signal arrives first. */
  async race<T>(work: Promise<T>): Promise<T> {
    const aborted = new Promise<never>((_resolve, reject) => {
      const abort = () => reject(this.signal.reason as Interrupted);
      if (this.signal.aborted) {
        abort();
      }
      this.signal.addEventListener('abort', abort, { once: true });
    });
    return Promise.race([work, aborted]);
  }

  private readonly onSignal = (signal: NodeJS.Signals): void => {
    if (this.awaited !== undefined) {
      this.awaited();
      this.awaited = undefined;
      return;
    }
    if (this.signal.aborted) {
      process.exit(new Interrupted(signal).exitStatus);
    }
    this.controller.abort(new Interrupted(signal));
  };
}
