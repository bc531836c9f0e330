import { type Logger } from '../logger';
import { CallError, type Clock } from './ports';
import { isThrottled, type Reaction, reactionTo, type Relation, type RequestType } from './reactions';

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 15_000;

/**
 * How long a request waits after a throttled call. Hundreds of requests share the rate of one account, so the pause grows
 * quickly, over all calls of a request: else most calls would be refused. `bench/fleet` measures what comes of it.
 */
const SHORTEST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 45_000;
const PAUSE_GROWTH = 4;
const PAUSE_DECLINE = 3;

/** How a call ended that did not fail for good. */
export type Outcome<T> =
  | { readonly kind: 'answered'; readonly value: T }
  | { readonly kind: Exclude<Reaction['do'], 'backOff' | 'fail'>; readonly error: CallError };

/** A call failed for good: at once, or because the time for trying again ran out. */
export class CallGivenUp extends Error {
  override readonly name = 'CallGivenUp';

  constructor(readonly error: CallError) {
    super(error.message);
  }
}

/** There is no time left for what would have to be waited for. */
export class OutOfTime extends Error {
  override readonly name = 'OutOfTime';

  /** @param last the call that failed last, if one did */
  constructor(readonly last?: CallError) {
    super('no time left');
  }
}

/** Makes calls, tries again as the table of reactions says, and keeps to the time of one request. */
export class Attempts {
  private lastError?: CallError;
  private pauseMs = SHORTEST_PAUSE_MS;

  constructor(
    private readonly request: RequestType,
    private readonly clock: Clock,
    private readonly random: () => number,
    private readonly logger: Logger,
    /** By the clock, the moment at which the request must be ready to answer. */
    private readonly deadline: number,
  ) {}

  /**
   * Makes a call until it succeeds or can't.
   *
   * @param call is made afresh at each attempt, which it is told: codes that it sends are of that moment
   * @param isUrgent whether a throttled call is best retried soon, before what it depends on has to be read again
   */
  async make<T>(
    call: (attempt: number) => Promise<T>,
    relation?: Relation,
    isUrgent: () => boolean = () => false,
  ): Promise<Outcome<T>> {
    const startedAt = this.clock.now();
    for (let attempt = 1; ; attempt++) {
      // A call that came later could take effect after CloudFormation has cleaned up behind this request.
      if (this.clock.now() >= this.deadline) {
        throw new OutOfTime(this.lastError);
      }
      try {
        const value = await call(attempt);
        this.pauseMs = Math.max(SHORTEST_PAUSE_MS, this.pauseMs / PAUSE_DECLINE);
        return { kind: 'answered', value };
      } catch (error) {
        if (!(error instanceof CallError)) {
          throw error;
        }
        this.lastError = error;
        const { action, code } = error;
        const reaction = reactionTo(error, this.request, relation);
        // A question may be answered by an error.
        if (relation?.startsWith('asks') !== true || reaction.do !== 'accept') {
          this.logger.log('call failed', { action, errorCode: code ?? 'NoResponse', attempt });
        }
        switch (reaction.do) {
          case 'accept':
          case 'nextPair':
          case 'readState':
            return { kind: reaction.do, error };
          case 'fail':
            throw new CallGivenUp(error);
          case 'backOff':
            await (isThrottled(error)
              ? this.pause(isUrgent())
              : this.backOff(attempt, startedAt + (reaction.forMs ?? Infinity), () => new CallGivenUp(error)));
        }
      }
    }
  }

  /** The answer to a call that can't end without one. */
  async answerTo<T>(call: () => Promise<T>): Promise<T> {
    const outcome = await this.make(call);
    if (outcome.kind === 'answered') {
      return outcome.value;
    }
    throw new CallGivenUp(outcome.error);
  }

  /** Waits, or throws where the request would run out of time over it. */
  async wait(ms: number): Promise<void> {
    this.require(ms);
    await this.clock.sleep(ms);
  }

  /** Throws unless so much time is left. */
  require(ms: number): void {
    if (this.clock.now() + ms > this.deadline) {
      throw new OutOfTime(this.lastError);
    }
  }

  /** A pause that grows with the attempts, spread so that those that failed together do not return together. */
  async backOff(
    attempt: number,
    until = Infinity,
    giveUp: () => Error = () => new OutOfTime(this.lastError),
  ): Promise<void> {
    const ms = this.spread(Math.min(FIRST_DELAY_MS * 2 ** (attempt - 1), LONGEST_DELAY_MS));
    if (this.clock.now() + ms > Math.min(until, this.deadline)) {
      throw giveUp();
    }
    await this.clock.sleep(ms);
  }

  /** A pause after a throttled call. What is left of the time is used for a last attempt. */
  private async pause(isUrgent: boolean): Promise<void> {
    const ms = Math.min(this.spread(isUrgent ? SHORTEST_PAUSE_MS : this.pauseMs), this.deadline - this.clock.now() - 1);
    this.pauseMs = isUrgent ? this.pauseMs : Math.min(this.pauseMs * PAUSE_GROWTH, LONGEST_PAUSE_MS);
    if (ms <= 0) {
      throw new OutOfTime(this.lastError);
    }
    await this.clock.sleep(ms);
  }

  private spread(ms: number): number {
    return ms * (0.5 + this.random() / 2);
  }
}
