import { type Figure, median, medianRatio } from '../figure';
import type { ContenderName } from './contenders';
import type { Synthesis } from './synthesize';

/** A bound on the ratio of a quantity of ours to that of the other; applies only to `sizes`. */
interface Bound {
  readonly quantity: keyof Synthesis;
  readonly ours: ContenderName;
  readonly other: ContenderName;
  readonly sizes: (enrollments: number) => boolean;
  readonly atMost: number;
}
const BOUNDS: readonly Bound[] = [
  { quantity: 'bytes', ours: 'scoped', other: 'awsCustomResource', sizes: (size) => size >= 100, atMost: 0.32 },
  { quantity: 'bytes', ours: 'ownPolicy', other: 'awsCustomResource', sizes: (size) => size >= 100, atMost: 0.75 },
  { quantity: 'ms', ours: 'scoped', other: 'awsCustomResource', sizes: (size) => size === 247, atMost: 0.6 },
  { quantity: 'ms', ours: 'ownPolicy', other: 'awsCustomResource', sizes: (size) => size === 247, atMost: 0.75 },
  { quantity: 'ms', ours: 'scoped', other: 'nodejsFunction', sizes: (size) => size <= 10, atMost: 0.45 },
  { quantity: 'ms', ours: 'ownPolicy', other: 'nodejsFunction', sizes: (size) => size <= 10, atMost: 0.45 },
];
/** Bound on the ratio of the time per enrollment at 490 enrollments to that at 100. */
const MOST_GROWTH = 1.2;

/** The syntheses of each contender at one size, in the order of the rounds. */
export type Rounds = ReadonlyMap<ContenderName, readonly Synthesis[]>;

export function figuresOf(bySize: ReadonlyMap<number, Rounds>): Figure[] {
  return [...[...bySize].flatMap(([size, rounds]) => atSize(size, rounds)), ...growth(bySize)];
}

function atSize(size: number, rounds: Rounds): Figure[] {
  const prefix = (name: string) => `synthesis.${name}.${size}`;
  const each = (name: ContenderName, quantity: keyof Synthesis) => rounds.get(name)!.map((one) => one[quantity]);
  const absolute = [...rounds.keys()].flatMap((name): Figure[] => [
    { name: `${prefix(name)}.time`, value: median(each(name, 'ms')), unit: 'ms' },
    { name: `${prefix(name)}.bytesPerEnrollment`, value: median(each(name, 'bytes')) / size, unit: 'bytes' },
  ]);
  const ratios = BOUNDS.map(({ quantity, ours, other, sizes, atMost }): Figure => {
    const what = quantity === 'ms' ? 'time' : 'bytesPerEnrollment';
    return {
      name: `${prefix(ours)}.${what}.to.${other}`,
      value: medianRatio(each(ours, quantity), each(other, quantity)),
      unit: 'ratio',
      ...(sizes(size) && { atMost }),
    };
  });
  return [...absolute, ...ratios];
}

function growth(bySize: ReadonlyMap<number, Rounds>): Figure[] {
  return (['scoped', 'ownPolicy'] as const).map((name) => {
    const perEnrollment = (size: number) => {
      const syntheses = bySize.get(size)!.get(name)!;
      return median(syntheses.map(({ ms }) => ms / size));
    };
    return {
      name: `synthesis.${name}.timePerEnrollment.490.to.100`,
      value: perEnrollment(490) / perEnrollment(100),
      unit: 'ratio',
      atMost: MOST_GROWTH,
    };
  });
}
