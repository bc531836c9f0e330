import type { Clock } from '../clock';
import { deadline } from './deadline';
import type { Attempt, AttemptResult, ExecutionEnvironments, FunctionConfiguration, FunctionContext } from './function';

/** What the handler's ports must use, so that a function that has been killed or timed out does nothing more. */
export interface FunctionLifetime {
  /** The clock to sleep on. A sleep beyond the function's timeout or death never resolves. */
  readonly clock: Clock;
  /**
   * Makes an AWS call, and counts it, because a fault may kill the function at the call. A dead function makes no
   * calls.
   */
  call<T>(effect: () => T | Promise<T>): Promise<T>;
  /** Why the function ended early; absent if it did not. */
  readonly death?: 'killed' | 'timed out';
}

/** A handler that runs in this process. */
export type InProcessHandler = (event: unknown, context: FunctionContext, life: FunctionLifetime) => Promise<unknown>;

/** Runs every function in this process with a given handler, for virtual time, where no real I/O is possible. */
export class InProcessEnvironments implements ExecutionEnvironments {
  constructor(
    private readonly clock: Clock,
    private readonly handler: InProcessHandler,
  ) {}

  async run(configuration: FunctionConfiguration, attempt: Attempt): Promise<AttemptResult> {
    const life = new InProcessLife(this.clock, configuration.timeoutSeconds, attempt);
    const context = contextOf(configuration, attempt, this.clock);
    // A copy, as if sent over the network, so that the handler can't change the caller's event.
    const event: unknown = structuredClone(attempt.event);
    const handled = (async (): Promise<AttemptResult> => {
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
    // There are no warm environments: every attempt uses the current handler.
  }

  async close(): Promise<void> {
    // There are no processes to stop.
  }
}

class InProcessLife implements FunctionLifetime {
  readonly over: Promise<AttemptResult>;
  readonly clock: Clock;
  death?: FunctionLifetime['death'];
  private calls = 0;
  private end!: (ending: AttemptResult) => void;
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
        return this.unlessDead(undefined);
      },
    };
  }

  async call<T>(effect: () => T | Promise<T>): Promise<T> {
    await this.unlessDead(undefined);
    this.calls += 1;
    const diesNow = this.calls === this.attempt.killAtCall;
    try {
      return await this.unlessDead(await effect(), diesNow);
    } catch (error) {
      await this.unlessDead(undefined, diesNow);
      throw error;
    }
  }

  /** Cancels the timeout. The handler's unfinished work may still go on. */
  finish(): void {
    this.watch.cancel();
  }

  private timeOut(): void {
    this.death ??= 'timed out';
    this.end({ kind: 'timedOut', afterSeconds: this.timeoutSeconds });
  }

  /** Returns the value, or a promise that never resolves if the function is dead or dies now. */
  private unlessDead<T>(value: T, diesNow = false): T | Promise<T> {
    if (diesNow) {
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
