import type { Throttle } from '../../local/iam';
import type { Figure, Part } from '../figure';
import { fleetOf } from './fleet-app';
import { deployFleet, type Deployment, secondsOf, type Weather } from './fleet-world';

const ENROLLMENTS = 490;
const BUCKET: Throttle = { perSecond: 10, burst: 10 };
/** Against the time that the bucket alone imposes on the calls that are needed. */
const MOST_TO_BUCKET = 1.3;

/** `together` has no bound in time: how Lambda spreads what it throttles is its own affair. */
const WEATHERS = {
  bucket: { bucket: BUCKET },
  concurrency: { concurrency: 10 },
  failing: { bucket: BUCKET, failing: 0.05 },
  together: { bucket: BUCKET, concurrency: 10, failing: 0.05 },
} satisfies Record<string, Weather>;

/** Deployments of one stack of enrollments in virtual time, while IAM throttles, Lambda throttles, and calls fail. */
export const fleetPart: Part = {
  name: 'fleet',
  async measure(): Promise<Figure[]> {
    const fleet = fleetOf(ENROLLMENTS);
    const figures: Figure[] = [];
    for (const [name, weather] of Object.entries<Weather>(WEATHERS)) {
      const deployment = await deployFleet(fleet, weather);
      figures.push(...figuresOf(`fleet.scoped.${ENROLLMENTS}.${name}`, weather, deployment));
    }
    return figures;
  },
};

function figuresOf(prefix: string, weather: Weather, deployment: Deployment): Figure[] {
  const { seconds, iamCalls, iamCallsLetThrough, enabled } = deployment;
  const { bucket, concurrency } = weather;
  return [
    { name: `${prefix}.time`, value: seconds, unit: 's' },
    { name: `${prefix}.iamCalls`, value: iamCalls, unit: 'count' },
    { name: `${prefix}.iamCallsLetThrough`, value: iamCallsLetThrough, unit: 'count' },
    { name: `${prefix}.notEnrolled`, value: ENROLLMENTS - enabled, unit: 'count', atMost: 0 },
    ...(bucket === undefined
      ? []
      : [
          {
            name: `${prefix}.time.to.bucket`,
            value: seconds / secondsOf(iamCallsLetThrough, bucket),
            unit: 'ratio' as const,
            ...(concurrency === undefined && { atMost: MOST_TO_BUCKET }),
          },
        ]),
  ];
}
