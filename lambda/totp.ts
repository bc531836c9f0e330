import { generateSync } from 'otplib';
import { type Seed } from './seed';

/** Seconds of a time step, as AWS's virtual devices have it. https://datatracker.ietf.org/doc/html/rfc6238#section-5.2 */
const PERIOD = 30;
const PERIOD_MS = PERIOD * 1000;

/** Number of a time step since the epoch: not a time in milliseconds. */
export type Step = number & { readonly unit: 'step' };

export function stepAt(epochMs: number): Step {
  return Math.floor(epochMs / PERIOD_MS) as Step;
}

export function startOf(step: Step): number {
  return step * PERIOD_MS;
}

export function next(step: Step): Step {
  return (step + 1) as Step;
}

/** Two codes of consecutive steps. They leave this object only through `reveal`, never by being printed. */
export class CodePair {
  readonly #codes: readonly [string, string];

  constructor(
    codes: readonly [string, string],
    /** The step of the second code. */
    readonly step: Step,
  ) {
    this.#codes = codes;
  }

  reveal(): readonly [string, string] {
    return this.#codes;
  }
}

/**
 * The codes of the previous and of the current step. IAM stores the distance of the second code's step from its own
 * as the device's clock adjustment, so this pair, and only this pair, stores 0.
 */
export function codePairAt(seed: Seed, current: Step): CodePair {
  return new CodePair([codeOf(seed, current - 1), codeOf(seed, current)], current);
}

function codeOf(seed: Seed, step: number): string {
  // otplib counts its epoch in seconds.
  return generateSync({
    secret: seed.reveal(),
    epoch: step * PERIOD,
    period: PERIOD,
    algorithm: 'sha1',
    digits: 6,
  });
}
