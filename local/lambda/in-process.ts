import type { Clock } from '../clock';
import { deadline } from './deadline';
import type { Attempt, Ending, ExecutionEnvironments, FunctionConfiguration, FunctionContext } from './function';

/** What the handler's ports have to go through, so that a function that is no more does nothing more. */
export interface Life {
  /** The clock to sleep on: who sleeps past the function's timeout, or past its death, does not wake. */
  readonly clock: Clock;
  /** Makes an AWS call: counted, because the function may be made to die at it; without effect once the function is dead. */
  call<T>(effect: () => T | Promise<T>): Promise<T>;
  /** How the function came to its end before it was done; absent: it did not. */
  readonly death?: 'killed' | 'timed out';
}

/** A handler that runs in this process. */
export type InProcessHandler = (event: unknown, context: FunctionContext, life: Life) => Promise<unknown>;

/** Runs every function in this process, by a handler that is handed in: for virtual time, where no real I/O may go on. */
export class InProcessEnvironments implements ExecutionEnvironments {
  constructor(
    private readonly clock: Clock,
    private readonly handler: InProcessHandler,
  ) {}

  async run(configuration: FunctionConfiguration, attempt: Attempt): Promise<Ending> {
    const life = new InProcessLife(this.clock, configuration.timeoutSeconds, attempt);
    const context = contextOf(configuration, attempt, this.clock);
    // A copy, as over the wire: what the handler does to the event stays with the handler.
    const event: unknown = structuredClone(attempt.event);
    const handled = (async (): Promise<Ending> => {
      try {
        return { kind: 'returned', value: await this.handler(event, context, life) };
      } catch (error) {
        const { name, message } = error instanceof Error ? error : new Error(String(error));
        return { kind: 'threw', errorType: name, message };
      }
    })();
    const ending = await Promise.race([handled, life.over]);
    life.finish();
    return ending;
  }

  retire(): void {
    // Nothing stands ready: the handler that is handed in is always the newest.
  }

  async close(): Promise<void> {
    // Nothing to end.
  }
}

class InProcessLife implements Life {
  readonly over: Promise<Ending>;
  readonly clock: Clock;
  death?: Life['death'];
  private calls = 0;
  private end!: (ending: Ending) => void;
  private readonly watch;

  constructor(
    clock: Clock,
    private readonly timeoutSeconds: number,
    private readonly attempt: Attempt,
  ) {
    this.over = new Promise((resolve) => (this.end = resolve));
    this.watch = deadline(clock, attempt.deadline);
    void this.watch.reached.then(() => this.timeOut());
    this.clock = {
      now: () => clock.now(),
      sleep: async (ms) => {
        await clock.sleep(Math.min(ms, Math.max(0, attempt.deadline - clock.now())));
        if (clock.now() >= attempt.deadline) {
          this.timeOut();
        }
        return this.onlyAlive(undefined);
      },
    };
  }

  async call<T>(effect: () => T | Promise<T>): Promise<T> {
    await this.onlyAlive(undefined);
    this.calls += 1;
    const last = this.calls === this.attempt.diesAtCall;
    try {
      return await this.onlyAlive(await effect(), last);
    } catch (error) {
      await this.onlyAlive(undefined, last);
      throw error;
    }
  }

  /** The handler is done: the watch over it is off, and it stays able to finish what it left behind. */
  finish(): void {
    this.watch.lift();
  }

  private timeOut(): void {
    this.death ??= 'timed out';
    this.end({ kind: 'timedOut', afterSeconds: this.timeoutSeconds });
  }

  /** The value; or nothing, ever, for a function that is dead or dies here. */
  private onlyAlive<T>(value: T, dies = false): T | Promise<T> {
    if (dies) {
      this.death = 'killed';
      this.end({ kind: 'died', reason: `killed at AWS call ${this.calls}` });
    }
    return this.death !== undefined ? new Promise<T>(() => undefined) : value;
  }
}

function contextOf(configuration: FunctionConfiguration, attempt: Attempt, clock: Clock): FunctionContext {
  return {
    functionName: configuration.functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: configuration.functionArn,
    memoryLimitInMB: String(configuration.memorySizeMb),
    awsRequestId: attempt.requestId,
    logGroupName: configuration.logGroupName,
    logStreamName: 'in-process',
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, attempt.deadline - clock.now()),
  };
}
