import type { Figure } from '../figure';

/** A bar chart: one figure for each label. */
export interface Bars {
  readonly file: string;
  readonly title: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly nameOf: (key: string) => string;
}

/** A line chart: one line for each label, of figures that depend on a number. */
export interface Lines extends Omit<Bars, 'nameOf'> {
  readonly nameOf: (key: string, at: number) => string;
  readonly at: readonly number[];
}

export interface Bar {
  readonly label: string;
  readonly value: number;
}

export interface Line {
  readonly label: string;
  readonly points: readonly (readonly [number, number])[];
}

/** The measured bars, in the order of the labels. */
export function barsOf({ labels, nameOf }: Bars, figures: readonly Figure[]): Bar[] {
  return Object.entries(labels).flatMap(([key, label]) => {
    const value = valueOf(nameOf(key), figures);
    return value === undefined ? [] : [{ label, value }];
  });
}

/** The measured points, one line for each label. Omits lines without points. */
export function linesOf({ labels, nameOf, at }: Lines, figures: readonly Figure[]): Line[] {
  return Object.entries(labels)
    .map(([key, label]) => ({
      label,
      points: at.flatMap((x) => {
        const value = valueOf(nameOf(key, x), figures);
        return value === undefined ? [] : [[x, value] as const];
      }),
    }))
    .filter(({ points }) => points.length > 0);
}

function valueOf(name: string, figures: readonly Figure[]): number | undefined {
  return figures.find((figure) => figure.name === name)?.value;
}
