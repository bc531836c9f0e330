import * as fc from 'fast-check';
import { DOCUMENTED_EXCEPTIONS, type DocumentedException } from './documented-exceptions';
import { type FaultKind, FAULTS } from './faults';
import { History, type Scenario, type Step } from './history';
import { NONE, type Sabotage } from './sabotage';
import { scenario } from './scenarios';
import type { Violation } from './world';

export interface Outcome {
  readonly histories: number;
  readonly steps: number;
  readonly faults: Readonly<Record<FaultKind, number>>;
  /** How often a history ended in what the documents say that can happen. */
  readonly exceptions: Readonly<Record<DocumentedException, number>>;
  /** The AWS actions that the function called. */
  readonly actions: readonly string[];
  /** The first violation, shrunk to a minimal scenario. */
  readonly found?: {
    readonly violation: Violation;
    readonly steps: readonly Step[];
    readonly scenario: Scenario;
    /** The number of histories until it was found. */
    readonly after: number;
  };
}

/** Runs random histories until one violates an invariant. */
export async function runHistories(
  {
    histories,
    seed,
    tagLag,
  }: { readonly histories: number; readonly seed: number; readonly tagLag?: number | undefined },
  sabotage: Sabotage = NONE,
  onHistory: (count: number) => void = () => undefined,
): Promise<Outcome> {
  const faults = Object.fromEntries(FAULTS.map((kind) => [kind, 0])) as Record<FaultKind, number>;
  const exceptions = Object.fromEntries(DOCUMENTED_EXCEPTIONS.map((kind) => [kind, 0])) as Record<
    DocumentedException,
    number
  >;
  const actions = new Set<string>();
  let count = 0;
  let steps = 0;
  const property = fc.asyncProperty(scenario, async (each) => {
    const history = new History(each, sabotage, tagLag);
    const violations = await history.run();
    onHistory(++count);
    steps += each.steps.length;
    history.world.faults.forEach((hits, kind) => (faults[kind] += hits));
    history.world.exceptions.forEach((hits, kind) => (exceptions[kind] += hits));
    history.world.actions.forEach((action) => actions.add(action));
    if (violations[0] !== undefined) {
      throw new ViolationFound(violations[0]);
    }
  });
  const { failed, counterexample, errorInstance, numRuns } = await fc.check(property, { numRuns: histories, seed });
  const tally = { histories: failed ? numRuns : count, steps, faults, exceptions, actions: [...actions].sort() };
  if (!failed) {
    return tally;
  }
  if (!(errorInstance instanceof ViolationFound) || counterexample === null) {
    throw errorInstance instanceof Error ? errorInstance : new Error('a history could not be run');
  }
  const [minimal] = counterexample;
  return {
    ...tally,
    found: { violation: errorInstance.violation, scenario: minimal, steps: minimal.steps, after: numRuns },
  };
}

class ViolationFound extends Error {
  constructor(readonly violation: Violation) {
    super(`${violation.invariant}: ${violation.words}`);
  }
}
