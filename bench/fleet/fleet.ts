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

/** Fleets that fail, because one secret is bad, and have to be rolled back with nothing left enabled. */
const FAILING_FLEETS: readonly {
  readonly name: string;
  readonly enrollments: number;
  readonly conditions: Conditions;
  readonly mostSeconds?: number;
  readonly mostToBucket?: number;
}[] = [
  { name: 'concurrency', enrollments: 60, conditions: { concurrency: 10 }, mostSeconds: 240 },
  { name: 'bucket', enrollments: ENROLLMENTS, conditions: { bucket: BUCKET }, mostToBucket: 1.2 },
  { name: 'concurrency', enrollments: ENROLLMENTS, conditions: { concurrency: 10 } },
];

/** The second is noticed within seconds, while most events still wait in the queue. */
const BAD_SECRETS = [
  ['badSecret', 'the seed of another device'],
  ['noSeed', 'no seed'],
] as const;

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
    for (const [kind, badSecret] of BAD_SECRETS) {
      for (const each of FAILING_FLEETS) {
        const { name, enrollments, conditions } = each;
        for (const asUpdate of [false, true]) {
          const deployment = await deployFleet(enrollments === ENROLLMENTS ? fleet : fleetOf(enrollments), {
            ...conditions,
            asUpdate,
            badSecret,
          });
          const prefix = `fleet.${kind}.${enrollments}.${name}.${asUpdate ? 'update' : 'create'}`;
          // Lambda drops Deletes that wait in its queue for more than 8 minutes.
          const mayDrop = kind === 'noSeed' && enrollments === ENROLLMENTS && conditions.concurrency !== undefined;
          figures.push(...figuresOfFailure(prefix, deployment, { ...each, atMost: mayDrop ? undefined : 0 }));
        }
      }
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

function figuresOfFailure(
  prefix: string,
  { status, seconds, enabled, iamCalls, iamCallsLetThrough }: Deployment,
  {
    mostSeconds,
    mostToBucket,
    atMost,
  }: Pick<(typeof FAILING_FLEETS)[number], 'mostSeconds' | 'mostToBucket'> & {
    readonly atMost: number | undefined;
  },
): Figure[] {
  return [
    { name: `${prefix}.time`, value: seconds, unit: 's', atMost: mostSeconds },
    { name: `${prefix}.leftEnabled`, value: enabled, unit: 'count', atMost },
    { name: `${prefix}.notRolledBack`, value: status.endsWith('ROLLBACK_COMPLETE') ? 0 : 1, unit: 'count', atMost },
    { name: `${prefix}.iamCallsLetThrough`, value: iamCallsLetThrough, unit: 'count' },
    { name: `${prefix}.iamCallsRefused`, value: iamCalls - iamCallsLetThrough, unit: 'count' },
    ...(mostToBucket === undefined
      ? []
      : [
          {
            name: `${prefix}.time.to.bucket`,
            value: seconds / secondsOf(iamCallsLetThrough, BUCKET),
            unit: 'ratio' as const,
            atMost: mostToBucket,
          },
        ]),
  ];
}
