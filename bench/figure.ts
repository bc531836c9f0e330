/** One measured number. Names are stable, so that results can be compared over time. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: 'bytes' | 'ms' | 's' | 'count' | 'ratio';
  /** The bound. Absent: for information only. */
  readonly atMost?: number;
}

/** A group of figures that are measured together. */
export interface Part {
  readonly name: string;
  measure(conditions: Conditions): Promise<Figure[]>;
}

export interface Conditions {
  /** Paths of the Node.js binaries to measure on. */
  readonly nodes: readonly string[];
  /** The number of runs of each contender, interleaved with the others. */
  readonly runs: number;
  /** Receives remarks about the results, for example what couldn't be measured and why. */
  readonly note: (text: string) => void;
}

export function isMissed({ value, atMost }: Figure): boolean {
  return atMost !== undefined && value > atMost;
}

/** Runs the contenders in turns, so that other load on the machine affects all of them. Discards the first round. */
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

/** The median ratio of two contenders in the same round, because the speed of the machine changes from round to round. */
export function medianRatio(ours: readonly number[], theirs: readonly number[]): number {
  return median(ours.map((value, round) => value / theirs[round]!));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle) - 1]!) / 2;
}
