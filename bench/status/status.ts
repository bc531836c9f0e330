import { secondsOf } from '../fleet/fleet-world';
import type { Throttle } from '../../local/iam';
import type { Figure, Part } from '../figure';
import { StatusWorld } from './status-world';

const ENROLLMENTS = 490;
const BUCKET: Throttle = { perSecond: 10, burst: 10 };
const MOST_CALLS_PER_DEVICE = 2;
const MOST_TO_BUCKET = 1.2;
/** A page of the list of all virtual devices has up to 1,000. Only an inspection of the whole account needs it. */
const MOST_PAGES = 1;

/** Inspects many enrollments in virtual time while IAM throttles. */
export const statusPart: Part = {
  name: 'status',
  async measure(): Promise<Figure[]> {
    const world = await StatusWorld.deploy(ENROLLMENTS);
    const figures: Figure[] = [];
    for (const which of ['stacks', 'account'] as const) {
      const { isFine, seconds, iamCallsLetThrough, iamCallsRefused } = await world.inspect(which, BUCKET);
      const prefix = `status.${which}.${ENROLLMENTS}`;
      const pages = which === 'account' ? MOST_PAGES : 0;
      figures.push(
        { name: `${prefix}.notFine`, value: isFine ? 0 : 1, unit: 'count', atMost: 0 },
        { name: `${prefix}.time`, value: seconds, unit: 's' },
        {
          name: `${prefix}.iamCalls`,
          value: iamCallsLetThrough,
          unit: 'count',
          atMost: MOST_CALLS_PER_DEVICE * ENROLLMENTS + pages,
        },
        { name: `${prefix}.iamCallsRefused`, value: iamCallsRefused, unit: 'count' },
        {
          name: `${prefix}.time.to.bucket`,
          value: seconds / secondsOf(iamCallsLetThrough, BUCKET),
          unit: 'ratio',
          atMost: MOST_TO_BUCKET,
        },
      );
    }
    return figures;
  },
};
