import { type ClaimKind, ENROLLMENT_CLAIM_PREFIX } from '../../lib/contract';
import { type Tag } from '../aws/ports';

/**
 * The claims of enrollments that stand on a device. They decide what a Delete may undo: a device is deactivated only
 * by the last claim, and only if this library enabled it.
 */
export class Claims {
  private readonly kinds: ReadonlyMap<string, ClaimKind>;

  /**
   * @param tags all tags of the device; those that are no claims of enrollments do not count
   * @param ourKey the key of our own claim
   */
  constructor(
    tags: readonly Tag[],
    private readonly ourKey: string,
  ) {
    this.kinds = new Map(tags.filter(isClaim).map((tag) => [tag.key, kindOf(tag)]));
  }

  /** Our own claim, if it stands. */
  get ours(): ClaimKind | undefined {
    return this.kinds.get(this.ourKey);
  }

  get none(): boolean {
    return this.kinds.size === 0;
  }

  get oursIsTheLast(): boolean {
    return this.ours !== undefined && this.kinds.size === 1;
  }

  /** What a claim that joins these says: once this library enabled the device, its last claim may disable it. */
  get kindToJoin(): ClaimKind {
    return [...this.kinds.values()].includes('enabled') ? 'enabled' : 'adopted';
  }
}

function isClaim(tag: Tag): boolean {
  return tag.key.startsWith(ENROLLMENT_CLAIM_PREFIX);
}

/** A word that this version does not know gives no right to disable. */
function kindOf(tag: Tag): ClaimKind {
  return tag.value.split(' ')[0] === 'enabled' ? 'enabled' : 'adopted';
}
