import {
  ANY_CREATION,
  type Claim,
  claimIn,
  claimPlaceIn,
  type ClaimKind,
  DEVICE_CLAIM_PREFIX,
  ENROLLMENT_CLAIM_PREFIX,
  type Mark,
  MARK_PREFIX,
  markIn,
  OWNER,
  SEED_PREFIX,
  sentAtOf,
  tagKey,
} from '../../lib/contract';
import { type Tag } from '../aws/ports';
import { type Declaration } from '../declaration';
import { CREATE_IS_OVER_MS, DAY_MS, MARK_IS_OVER_MS } from './timing';

/** The names of a region and of a stack. */
const PLACE = /^[a-z]+(?:-[a-z]+)+-\d+ [\w-]+$/;

const CLAIM_PREFIXES = [ENROLLMENT_CLAIM_PREFIX, DEVICE_CLAIM_PREFIX] as const;

/** The prefix of the claims of one resource type. */
export type ClaimPrefix = (typeof CLAIM_PREFIXES)[number];

/** A claim and the resource that it belongs to. */
interface KeyedClaim extends Claim {
  /** `<stack uuid>/<logical id>` */
  readonly owner: string;
  readonly tag: Tag;
}

/** A request that a mark can withdraw. */
export interface Overtakable {
  /** The creation id of its resource. */
  readonly creation: string;
  /** When CloudFormation sent it; `undefined`: unknown. */
  readonly sentAt: number | undefined;
}

/**
 * What the tags of a device say at one moment: who claims it, and who is leaving it.
 *
 * A claim that its own Delete may undo, as a mark says, is withdrawn: it counts for nobody. So two stacks that leave at
 * the same time don't each take the other for one that stays.
 */
export class DeviceTags {
  readonly ours: KeyedClaim | undefined;
  private readonly claims: readonly KeyedClaim[];
  private readonly marks: ReadonlyMap<string, Mark>;
  private readonly owner: string;

  /**
   * @param tags all tags of the device
   * @param prefix of the claims of our resource type
   * @param declaration our resource
   * @param user of our enrollment; `undefined`: our resource is a device
   * @param now AWS's time, in milliseconds since the epoch
   */
  constructor(
    private readonly tags: readonly Tag[],
    prefix: ClaimPrefix,
    private readonly declaration: Declaration,
    private readonly user: string | undefined,
    private readonly now: number,
  ) {
    // The policies of other stacks allow longer keys that begin with our uuid and end in theirs.
    const ownersIn = (start: string) =>
      tags
        .map((tag) => ({ owner: tag.key.slice(start.length), tag }))
        .filter(({ owner, tag }) => tag.key.startsWith(start) && OWNER.test(owner));
    this.owner = tagKey('', declaration.stackUuid, declaration.logicalId);
    this.claims = ownersIn(prefix).map(({ owner, tag }) => ({
      ...claimIn(tag.value, prefix === ENROLLMENT_CLAIM_PREFIX),
      owner,
      tag,
    }));
    this.marks = new Map(
      ownersIn(MARK_PREFIX).flatMap(({ owner, tag }) => {
        const mark = markIn(tag.value);
        return mark === undefined ? [] : [[owner, mark]];
      }),
    );
    this.ours = this.claims.find(({ owner }) => owner === this.owner);
  }

  /** The mark of our resource's latest Delete. */
  get ourMark(): Mark | undefined {
    return this.marks.get(this.owner);
  }

  /** Whether resources other than ours rely on what ours stands for. A device is enabled for one user. */
  get others(): boolean {
    return this.claims.some(
      (claim) =>
        claim.owner !== this.owner &&
        (claim.user === undefined || isSameUser(claim.user, this.user)) &&
        !this.isWithdrawn(claim),
    );
  }

  /** Whether enrollments of another user rely on the device, who may know its seed. */
  get isOfAnotherUser(): boolean {
    return this.claims.some(
      (claim) => claim.user !== undefined && !isSameUser(claim.user, this.user) && !this.isWithdrawn(claim),
    );
  }

  /** Whether anybody claims the device, or is about to withdraw a claim. */
  get isClaimed(): boolean {
    return this.claims.length > 0;
  }

  /** Whether a Delete marked the device so lately that the requests that it withdraws may still run. */
  get hasFreshMark(): boolean {
    return [...this.marks.values()].some(({ time }) => this.now - time < MARK_IS_OVER_MS);
  }

  /**
   * Whether the mark that stands stops whatever a mark of this Delete would stop, so that it must not be replaced.
   *
   * @param creation the creation id in its physical id; `undefined` if CloudFormation invented that
   * @param time when CloudFormation sent the Delete
   */
  isMarkedFor(creation: string | undefined, time: number): boolean {
    const mark = this.ourMark;
    if (mark === undefined) {
      return false;
    }
    if (mark.creation === (creation ?? ANY_CREATION)) {
      // Marks tell seconds.
      return mark.time >= Math.floor(time / 1000) * 1000;
    }
    // Of two Creates of one resource, the later one may still run.
    const isOfLater =
      mark.creation === ANY_CREATION
        ? creation !== undefined && mayUndo(mark, { creation })
        : isLater(sentAtOf(mark.creation), sentAtOf(creation ?? ''));
    return isOfLater && this.now - mark.time < CREATE_IS_OVER_MS;
  }

  /** Marks of others that have served: over, and without a claim of the same resource. Ours may be a new one by now. */
  get spentMarks(): string[] {
    return [...this.marks]
      .filter(
        ([owner, { time }]) =>
          owner !== this.owner &&
          this.now - time >= MARK_IS_OVER_MS &&
          !CLAIM_PREFIXES.some((claimPrefix) => this.hasKey(claimPrefix + owner)),
      )
      .map(([owner]) => MARK_PREFIX + owner);
  }

  /**
   * The claim of our resource that a Delete may undo.
   *
   * @param creation the creation id in its physical id; `undefined` if CloudFormation invented that
   * @param time when CloudFormation sent the Delete
   */
  undoable(creation: string | undefined, time: number): Claim | undefined {
    const { ours, ourMark } = this;
    // Its Delete has failed if the claim is still there, and is sent again however much later.
    const isLeaving = creation === undefined && ours !== undefined && ourMark !== undefined && mayUndo(ourMark, ours);
    const isOurs = ours !== undefined && mayUndo({ creation: creation ?? ANY_CREATION, time }, ours);
    return isLeaving || isOurs ? ours : undefined;
  }

  /**
   * The creation id of our claim if a Delete with an invented id finds it only by the mark that stands: its own mark must
   * name it, so that nobody takes the claim for one that stays.
   *
   * @param time when CloudFormation sent the Delete
   */
  leavingBefore(time: number): string | undefined {
    const { ours } = this;
    const isInTime = ours !== undefined && mayUndo({ creation: ANY_CREATION, time }, ours);
    return isInTime ? undefined : this.undoable(undefined, time)?.creation;
  }

  /**
   * Whether undoing this claim gives the device back to the claim that a removal policy kept.
   *
   * @param at when CloudFormation sent the Delete that undoes it
   */
  returnsToKept(claim: Claim, at: number): boolean {
    const sentAt = sentAtOf(claim.creation);
    return claim.over !== undefined && (sentAt === undefined || at - sentAt < DAY_MS);
  }

  /** Whether a later request for our resource, a Delete or a new Create, has made this one obsolete. */
  isOvertaken({ creation, sentAt }: Overtakable): boolean {
    const { ours, ourMark: mark } = this;
    if (ours !== undefined && isLater(sentAtOf(ours.creation), sentAt)) {
      return true;
    }
    if (mark === undefined) {
      return false;
    }
    if (mark.creation === creation) {
      return true;
    }
    if (mark.creation !== ANY_CREATION) {
      return isLater(sentAtOf(mark.creation), sentAtOf(creation)) && !isLater(sentAt, mark.time);
    }
    return sentAt === undefined ? this.now - mark.time < CREATE_IS_OVER_MS : sentAt <= mark.time;
  }

  /**
   * What our claim has to remember of the one that it replaces.
   *
   * @param creation the creation id of our new claim
   */
  keptBefore(creation: string): string | undefined {
    const standing = this.ours;
    if (standing === undefined || this.isWithdrawn(standing)) {
      return undefined;
    }
    const sentAt = sentAtOf(standing.creation);
    const isKept = standing.creation !== creation && sentAt !== undefined && this.now - sentAt > DAY_MS;
    return isKept ? standing.creation : standing.over;
  }

  /**
   * What claims say about a device that is enabled: whether this library enabled it.
   *
   * @param enabledAt when the device was enabled for our user. A claim whose request was over by then is no evidence: a
   * Create can have failed and left its claim. Resources of our own stack are trusted: if our resource takes the place of
   * another one, it stands for what that one stood for.
   */
  evidence(enabledAt: number): ClaimKind | undefined {
    const kinds = this.claims.filter((claim) => this.isEvidence(claim, enabledAt)).map(({ kind }) => kind);
    return kinds.includes('enabled') ? 'enabled' : kinds[0];
  }

  /**
   * Whether our claim, or the Create that it would belong to, explains why the device is enabled. If not, somebody else
   * has enabled it since.
   */
  explains(enabledAt: number, creation: string): boolean {
    return isInTimeFor(this.ours?.creation === creation ? this.ours : { creation }, enabledAt);
  }

  private isEvidence(claim: KeyedClaim, enabledAt: number): boolean {
    const isSibling = claim.owner !== this.owner && claim.owner.startsWith(`${this.declaration.stackUuid}/`);
    return isSameUser(claim.user, this.user) && (isSibling || isInTimeFor(claim, enabledAt));
  }

  private isWithdrawn(claim: KeyedClaim): boolean {
    const mark = this.marks.get(claim.owner);
    return mark !== undefined && withdraws(mark, claim, this.now) && !this.returnsToKept(claim, mark.time);
  }

  /** The version of the secret that holds the device's seed; `undefined` for a device of somebody else. */
  get seedVersion(): string | undefined {
    return this.tags.find(({ key }) => key.startsWith(SEED_PREFIX))?.value;
  }

  /** The claims of one resource type, for people. Who can tag the device must not speak to them in our name. */
  claimsOf(prefix: ClaimPrefix): string[] {
    return this.tags.flatMap(({ key, value }) => {
      const { region, stackName } = claimPlaceIn(value);
      const isWhole =
        key.startsWith(prefix) && OWNER.test(key.slice(prefix.length)) && PLACE.test(`${region} ${stackName}`);
      return isWhole ? [`${key} (of ${stackName} in ${region})`] : [];
    });
  }

  hasKey(key: string): boolean {
    return this.tags.some((tag) => tag.key === key);
  }

  has({ key, value }: Tag): boolean {
    return this.tags.some((tag) => tag.key === key && tag.value === value);
  }
}

/** A Delete undoes the claim of its own Create. With an invented id it undoes what its declaration has claimed within a day. */
function mayUndo({ creation, time }: Mark, claim: Claim): boolean {
  if (creation !== ANY_CREATION) {
    return creation === claim.creation;
  }
  const sentAt = sentAtOf(claim.creation);
  return sentAt === undefined || (sentAt <= time && time - sentAt <= DAY_MS);
}

/** Whether the Delete that left a mark withdraws a claim for everybody. */
export function withdraws(mark: Mark, claim: Claim, now: number): boolean {
  // A claim without a time may be newer than a mark that stops no Create any more.
  const isDated = mark.creation === claim.creation || sentAtOf(claim.creation) !== undefined;
  return mayUndo(mark, claim) && (isDated || now - mark.time < CREATE_IS_OVER_MS);
}

/** Whether the request that wrote a claim last may have run when the device was enabled. */
export function isInTimeFor({ since, creation }: Claim, enabledAt: number): boolean {
  const sentAt = since ?? sentAtOf(creation);
  return sentAt === undefined || enabledAt <= sentAt + CREATE_IS_OVER_MS;
}

/** IAM doesn't allow two users whose names differ only in case. */
export function isSameUser(a: string | undefined, b: string | undefined): boolean {
  return a?.toLowerCase() === b?.toLowerCase();
}

/** Whether one time is known to be later than another. */
function isLater(time: number | undefined, than: number | undefined): boolean {
  return time !== undefined && than !== undefined && time > than;
}
