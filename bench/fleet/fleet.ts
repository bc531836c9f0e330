import type { Throttle } from '../../local/iam';
import type { Figure, Part } from '../figure';
import { fleetOf } from './fleet-app';
import { deployFleet, type Deployment, secondsOf, type Conditions } from './fleet-world';

const ENROLLMENTS = 490;
const BUCKET: Throttle = { perSecond: 10, burst: 10 };
/** Ratio of the deployment time to the time that the bucket needs to let the calls through. */
const MOST_TO_BUCKET = 1.3;

/** `together` has no bound on time, because Lambda doesn't document how it spreads throttled events. */
const CONDITIONS = {
  bucket: { bucket: BUCKET },
  concurrency: { concurrency: 10 },
  failing: { bucket: BUCKET, failing: 0.05 },
  together: { bucket: BUCKET, concurrency: 10, failing: 0.05 },
} satisfies Record<string, Conditions>;

/** Deploys one stack of enrollments in virtual time, while IAM and Lambda throttle and calls fail. */
export const fleetPart: Part = {
  name: 'fleet',
  async measure(): Promise<Figure[]> {
    const fleet = fleetOf(ENROLLMENTS);
    const figures: Figure[] = [];
    for (const [name, conditions] of Object.entries<Conditions>(CONDITIONS)) {
      const deployment = await deployFleet(fleet, conditions);
      figures.push(...figuresOf(`fleet.scoped.${ENROLLMENTS}.${name}`, conditions, deployment));
    }
    return figures;
  },
};

function figuresOf(prefix: string, conditions: Conditions, deployment: Deployment): Figure[] {
  const { seconds, iamCalls, iamCallsLetThrough, enabled } = deployment;
  const { bucket, concurrency } = conditions;
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
