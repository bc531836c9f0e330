import { type Logger } from '../logger';
import { CallError, type Clock } from './ports';
import { type Reaction, reactionTo, type Relation, type RequestType } from './reactions';

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 15_000;
const SECOND_LOOK_MS = 10_000;

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

  constructor(
    private readonly request: RequestType,
    private readonly clock: Clock,
    private readonly random: () => number,
    private readonly logger: Logger,
    /** By the clock, the moment at which the request must be ready to answer. */
    private readonly deadline: number,
  ) {}

  /** `call` is made afresh at each attempt: codes that it sends are of that moment. */
  async make<T>(call: () => Promise<T>, relation?: Relation): Promise<Outcome<T>> {
    const startedAt = this.clock.now();
    for (let attempt = 1; ; attempt++) {
      // A call that came later could take effect after CloudFormation has cleaned up behind this request.
      if (this.clock.now() >= this.deadline) {
        throw new OutOfTime(this.lastError);
      }
      try {
        return { kind: 'answered', value: await call() };
      } catch (error) {
        if (!(error instanceof CallError)) {
          throw error;
        }
        this.lastError = error;
        const { action, code } = error;
        const reaction = reactionTo(error, this.request, relation);
        if (relation !== 'asks whether it exists' || reaction.do !== 'accept') {
          this.logger.log('call failed', { action, errorCode: code ?? 'NoAnswer', attempt });
        }
        switch (reaction.do) {
          case 'accept':
          case 'nextPair':
          case 'readState':
            return { kind: reaction.do, error };
          case 'fail':
            throw new CallGivenUp(error);
          case 'backOff':
            await this.backOff(attempt, startedAt + (reaction.forMs ?? Infinity), () => new CallGivenUp(error));
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
    if (this.clock.now() + ms > this.deadline) {
      throw new OutOfTime(this.lastError);
    }
    await this.clock.sleep(ms);
  }

  /**
   * A tag that was just written may not be readable at once: what would be concluded from its absence is read twice.
   *
   * @param isConclusive whether what was read needs no second look
   * @param first what the first look saw; absent: it is still to be taken
   */
  async lookTwice<T>(look: () => Promise<T>, isConclusive: (read: T) => boolean, first?: T): Promise<T> {
    const read = first ?? (await look());
    if (isConclusive(read)) {
      return read;
    }
    await this.wait(SECOND_LOOK_MS);
    return look();
  }

  /** A pause that grows with the attempts, spread so that those that failed together do not return together. */
  async backOff(
    attempt: number,
    until = Infinity,
    giveUp: () => Error = () => new OutOfTime(this.lastError),
  ): Promise<void> {
    const longest = Math.min(FIRST_DELAY_MS * 2 ** (attempt - 1), LONGEST_DELAY_MS);
    const ms = longest * (0.5 + this.random() / 2);
    if (this.clock.now() + ms > Math.min(until, this.deadline)) {
      throw giveUp();
    }
    await this.clock.sleep(ms);
  }
}
