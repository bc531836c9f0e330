/** One number of the bench. Names are stable: results of different days are compared by them. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: 'bytes' | 'ms' | 'ratio';
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
}

export function isMissed({ value, atMost }: Figure): boolean {
  return atMost !== undefined && value > atMost;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle) - 1]!) / 2;
}
