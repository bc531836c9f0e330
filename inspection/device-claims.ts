import {
  type Claim,
  claimIn,
  type ClaimPlace,
  claimPlaceIn,
  DEVICE_CLAIM_PREFIX,
  ENROLLMENT_CLAIM_PREFIX,
  MARK_PREFIX,
  markIn,
  OWNER,
  SEED_PREFIX,
} from '../lib/contract';
import { withdraws } from '../lambda/claims/device-tags';
import { type Expected, type SeenScope } from './expected';
import { type Tag } from './ports';

/** A claim on a device, and the resource that it belongs to. */
export interface SeenClaim {
  readonly kind: 'enrollment' | 'device';
  readonly key: string;
  /** `<stack uuid>/<logical id>` */
  readonly owner: string;
  readonly claim: Claim;
  readonly place: ClaimPlace;
  /** Whether the Delete of its resource has said that it leaves. */
  readonly isWithdrawn: boolean;
}

/**
 * Who relies on a claim:
 *
 * - `declared`: a resource that names this device
 * - `in progress`: a resource with an operation under way, or one whose device is not known
 * - `not inspected`: a resource that was not inspected
 * - `perhaps retained`: nobody, and no Delete has said that it leaves. A removal policy looks like that.
 * - `orphaned`: nobody, and its Delete did not finish
 */
export type ClaimStatus = 'declared' | 'in progress' | 'not inspected' | 'perhaps retained' | 'orphaned';

/** What the tags of a device say. */
export function claimsIn(tags: readonly Tag[]): SeenClaim[] {
  const byKey = new Map(tags.map(({ key, value }) => [key, value]));
  return tags.flatMap(({ key, value }) => {
    const kind = kindOf(key);
    if (kind === undefined) {
      return [];
    }
    const owner = key.slice(kind === 'enrollment' ? ENROLLMENT_CLAIM_PREFIX.length : DEVICE_CLAIM_PREFIX.length);
    if (!OWNER.test(owner)) {
      return [];
    }
    const claim = claimIn(value, kind === 'enrollment');
    const mark = markIn(byKey.get(MARK_PREFIX + owner) ?? '');
    // A claim that remembers an older one is not removed, but gives the device back to that one.
    const isWithdrawn = mark !== undefined && withdraws(mark, claim, Infinity) && claim.over === undefined;
    return [{ kind, key, owner, claim, place: claimPlaceIn(value), isWithdrawn }];
  });
}

function kindOf(key: string): SeenClaim['kind'] | undefined {
  return key.startsWith(ENROLLMENT_CLAIM_PREFIX)
    ? 'enrollment'
    : key.startsWith(DEVICE_CLAIM_PREFIX)
      ? 'device'
      : undefined;
}

/** The version of a secret that holds the seed of the device; `undefined` for a device of somebody else. */
export function seedVersionIn(tags: readonly Tag[]): string | undefined {
  return tags.find(({ key }) => key.startsWith(SEED_PREFIX))?.value;
}

/** Judges claims by what stacks declare. */
export class ClaimStatuses {
  private readonly byOwner: ReadonlyMap<string, Expected['resources'][number]>;

  constructor(
    private readonly expected: Expected,
    private readonly scope: SeenScope,
  ) {
    this.byOwner = new Map(expected.resources.map((resource) => [resource.owner, resource]));
  }

  of({ owner, place, isWithdrawn }: SeenClaim, serialNumber: string): ClaimStatus {
    const resource = this.byOwner.get(owner);
    if (this.expected.unclear.has(owner) || resource?.state === 'in progress') {
      return 'in progress';
    }
    if (resource?.serialNumber === serialNumber) {
      return 'declared';
    }
    const stack = this.expected.stacks.get(owner.split('/')[0]!);
    if (stack === undefined ? !this.isListed(place.region) : !stack.isRead) {
      return 'not inspected';
    }
    if (stack?.isInProgress === true) {
      return 'in progress';
    }
    return isWithdrawn ? 'orphaned' : 'perhaps retained';
  }

  /** Whether a stack that is not among those seen in a region does not exist. */
  private isListed(region: string): boolean {
    return this.scope.isWhole && this.scope.regions.includes(region);
  }
}
