import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Figure } from '../figure';
import { type Bars, barsOf, type Lines, linesOf } from './series';
import { svgOfBars, svgOfLines } from './svg';

const SYNTHESIS = {
  scoped: 'scoped provider',
  ownPolicy: 'own policies',
  awsCustomResource: 'AwsCustomResource',
  awsCustomResourceSharedRole: 'AwsCustomResource, shared role',
  nodejsFunction: 'NodejsFunction',
};
const FUNCTION = {
  built: 'as published',
  minified: 'NodejsFunction, minified',
  default: 'NodejsFunction',
  bare: 'no SDK',
};
const FLEET = {
  bucket: '10 IAM calls/s',
  failing: '10 IAM calls/s, 5% fail',
  concurrency: '10 concurrent executions',
  together: 'all of these',
};

const LINES: readonly Lines[] = [
  {
    file: 'bench-synthesis-time.svg',
    title: 'Synthesis, milliseconds by enrollments',
    labels: SYNTHESIS,
    nameOf: (key, enrollments) => `synthesis.${key}.${enrollments}.time`,
    at: [1, 10, 100, 247, 490, 5_000],
  },
  {
    file: 'bench-synthesis-bytes.svg',
    title: 'Template, bytes per enrollment',
    labels: SYNTHESIS,
    nameOf: (key, enrollments) => `synthesis.${key}.${enrollments}.bytesPerEnrollment`,
    at: [1, 10, 100, 247, 490, 5_000],
  },
];
const BARS: readonly Bars[] = [
  {
    file: 'bench-function-load.svg',
    title: 'Loading the function, milliseconds',
    labels: FUNCTION,
    nameOf: (key) => `function.${key}.node${process.versions.node.split('.')[0]}.load`,
  },
  {
    file: 'bench-fleet.svg',
    title: 'Deploying 490 enrollments, seconds',
    labels: FLEET,
    nameOf: (key) => `fleet.scoped.490.${key}.time`,
  },
];

/** Draws the plots into a folder. Leaves a plot unchanged if none of its figures were measured. */
export function drawPlots(figures: readonly Figure[], folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const plot of LINES) {
    const series = linesOf(plot, figures);
    if (series.length > 0) {
      writeFileSync(join(folder, plot.file), svgOfLines(plot.title, series));
    }
  }
  for (const plot of BARS) {
    const bars = barsOf(plot, figures);
    if (bars.length > 0) {
      writeFileSync(join(folder, plot.file), svgOfBars(plot.title, bars));
    }
  }
}
