/** One number of the bench. Names are stable: results of different days are compared by them. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: 'bytes' | 'ms' | 's' | 'count' | 'ratio';
  /** The most that it may be; without one it is for information. */
  readonly atMost?: number;
}

/** What is measured together. */
export interface Part {
  readonly name: string;
  measure(conditions: Conditions): Promise<Figure[]>;
}

export interface Conditions {
  /** Paths of the Node.js binaries to measure on. */
  readonly nodes: readonly string[];
  /** How often each contender runs, in turns with the others. */
  readonly runs: number;
  /** Takes what has to be said about the results: what could not be measured, and why. */
  readonly note: (text: string) => void;
}

export function isMissed({ value, atMost }: Figure): boolean {
  return atMost !== undefined && value > atMost;
}

/** Runs each of these in turns, so that whatever else the machine does falls on all of them; a first round is thrown away. */
export async function interleaved<Name extends string, Result>(
  names: readonly Name[],
  rounds: number,
  run: (name: Name) => Promise<Result>,
): Promise<Map<Name, Result[]>> {
  const results = new Map(names.map((name) => [name, [] as Result[]]));
  for (let round = 0; round <= rounds; round++) {
    for (const name of names) {
      const result = await run(name);
      if (round > 0) {
        results.get(name)!.push(result);
      }
    }
  }
  return results;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle) - 1]!) / 2;
}
