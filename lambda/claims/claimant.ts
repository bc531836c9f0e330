import {
  ANY_CREATION,
  type Claim,
  claimValue,
  type ClaimKind,
  MARK_PREFIX,
  markValue,
  sentAtOf,
  tagKey,
} from '../../lib/contract';
import { type Attempts, CallGivenUp, OutOfTime, type Outcome } from '../aws/attempts';
import { CallError, type Tag } from '../aws/ports';
import { Failure } from '../failure';
import { type LogMessage } from '../logger';
import { type Occasion } from '../occasion';
import { type Ports, type Work } from '../resource';
import { type ClaimPrefix, DeviceTags } from './device-tags';
import { CREATE_IS_OVER_MS, FRESH_MS, JOINER_LOOKS_AGAIN_MS, LEAVER_LOOKS_AGAIN_MS, MAY_CLAIM_MS } from './timing';

/** A later request for the same resource has made this one obsolete. */
export class Overtaken extends Error {
  override readonly name = 'Overtaken';
}

/** What came of trying to undo what a claim stands for. */
export type Undone =
  | 'done'
  /** The device is deleted, and with it our claim. */
  | 'deleted'
  /** Not yet, because another request may be changing the device at this moment. */
  | 'later'
  /** The response to the call was lost. */
  | 'unknown';

/** How a resource left the device. */
export type Left =
  /** What its claim stood for is undone. */
  | 'done'
  | 'deleted'
  /** The device doesn't exist. */
  | 'gone'
  /** There is no claim that this request may undo. */
  | 'no claim'
  /** Others rely on the device. */
  | 'others'
  /** The device went back to a claim that a removal policy kept. */
  | 'kept';

/**
 * A resource that claims a device. Enrollments and devices follow the same rules:
 *
 * - A Create or Update claims the device before it changes it, and stops if its Delete has overtaken it.
 * - A Delete marks the device before it acts, and undoes only what its own claim stands for.
 * - Who joins others waits and looks again; who leaves acts at once. `timing.ts` has the reasons.
 */
export abstract class Claimant implements Work {
  /** Whether this request has sent anything that changes something. */
  wasChanged = false;
  /** What is known of our claim on the device, for the reason of a failure. */
  protected claimLeft: 'present' | 'absent' | 'unknown' = 'unknown';
  protected readonly key: string;
  private readonly markKey: string;
  /** When this request last wrote what others must see; `undefined`: never. */
  private wroteAt?: number;
  /** When this Create found its claim on the device: another delivery of it may have written it just before. */
  private foundAt?: number;
  /** Whether this request has waited for what others wrote. */
  protected hasWaited = false;
  /** The claim that this request has written last, and the one that it must give back; `undefined`: none written. */
  private written?: { readonly claim: Tag; readonly found: Tag | undefined };
  /** The tags as this request last read them. */
  protected lastTags?: DeviceTags;
  /** When this request last read the tags. */
  private readAt = -Infinity;

  /** @param user of an enrollment */
  constructor(
    protected readonly serialNumber: string,
    private readonly prefix: ClaimPrefix,
    private readonly user: string | undefined,
    protected readonly occasion: Occasion,
    protected readonly ports: Ports,
    protected readonly attempts: Attempts,
  ) {
    const { stackUuid, logicalId } = occasion.declaration;
    this.key = tagKey(prefix, stackUuid, logicalId);
    this.markKey = tagKey(MARK_PREFIX, stackUuid, logicalId);
  }

  abstract readonly stateLeft: string;

  /** Creates what is missing and joins those who rely on what is there. */
  protected abstract establish(): Promise<void>;
  /** Makes sure that what this resource stands for is as declared. */
  protected abstract sustain(old: Readonly<Record<string, unknown>>): Promise<void>;
  /**
   * Undoes what our claim stands for, in a single call: a retry reads the claims again.
   *
   * @param isFirst whether the caller looks again if the answer is 'later'
   */
  protected abstract undo(claim: Claim, isFirst: boolean): Promise<Undone>;
  /** What the call in `undo` came to, if AWS answered it with an error that the table of reactions leaves to the rules. */
  protected abstract undoneBy(error: CallError, isFirst: boolean): Undone;
  /** What a Delete does when its claim is withdrawn. */
  protected abstract afterLeaving(left: Left): Promise<void>;

  /** Whether this request has enabled or created the device. */
  protected abstract get tookEffect(): boolean;
  /** Whether a delivery that was overtaken undoes what another one did, because their Delete may be over. */
  protected abstract readonly undoesForOthers: boolean;

  /** Whether our Delete is over, for all that a delivery can tell that may not undo what another one did. */
  protected isDeleteOver(): Promise<boolean> {
    return Promise.resolve(true);
  }

  /** Reads what `undo` needs to know, before the tags are read. */
  protected prepareToUndo(_claim: Claim | undefined): Promise<void> {
    return Promise.resolve();
  }

  async create(): Promise<void> {
    await this.unlessOvertaken(() => this.establish());
  }

  async update(old: Readonly<Record<string, unknown>>): Promise<void> {
    await this.unlessOvertaken(() => this.sustain(old));
  }

  /** Undoes what this resource did, and only that. */
  async delete(): Promise<void> {
    const tags = await this.readTags();
    const { creation } = this.occasion;
    if (creation !== undefined && tags?.ours?.over === creation) {
      await this.forgetKept();
    }
    if (tags !== undefined && (this.mayStillBeCreated || tags.undoable(creation, this.time) !== undefined)) {
      await this.mark();
    }
    await this.afterLeaving(await this.leave((seen) => seen.undoable(creation, this.time), true));
  }

  /** A newer claim of our resource names our Create as one that a removal policy kept. It was not: this is its Delete. */
  private async forgetKept(): Promise<void> {
    await this.change(async () => {
      const ours = (await this.readTags())?.ours;
      if (ours !== undefined && ours.over === this.occasion.creation) {
        await this.ports.iam.tagMFADevice(this.serialNumber, [this.claimTag({ ...ours, over: undefined })]);
      }
    });
  }

  /**
   * Withdraws the claim that `find` finds, and undoes what it stands for unless others rely on it.
   *
   * @param looksAgain whether to look again later where another request may be changing the device at this moment
   */
  private async leave(find: (tags: DeviceTags) => Claim | undefined, looksAgain: boolean): Promise<Left> {
    let wasGone = false;
    for (let isFirst = looksAgain; ; isFirst = false) {
      const { left, tags, hasSeen } = await this.tryToLeave(find, isFirst);
      const isMissing = left === 'gone' || left === 'no claim';
      const isOpen = left === 'others' || (isMissing && this.mayStillBeCreated);
      // A device that has just appeared may not show its claim yet.
      const hasAppeared = wasGone && left === 'no claim';
      // A read can be older than the one before.
      const isHidden = isMissing && hasSeen;
      if (left === 'unknown' || left === 'later' || (isFirst && isOpen) || hasAppeared || isHidden) {
        wasGone = left === 'gone';
        await this.attempts.wait(LEAVER_LOOKS_AGAIN_MS);
        continue;
      }
      if (tags !== undefined && !isMissing && left !== 'deleted') {
        await this.withdraw(left, tags, find);
      }
      return left;
    }
  }

  private async tryToLeave(find: (tags: DeviceTags) => Claim | undefined, isFirst: boolean) {
    let tags: DeviceTags | undefined;
    let hasSeen = false;
    const outcome = await this.attempts.make(async (): Promise<Left | Undone> => {
      await this.prepareToUndo(this.lastTags && find(this.lastTags));
      // In each attempt, and last, because others can have claimed the device meanwhile.
      tags = await this.readTags();
      const claim = tags && find(tags);
      if (tags === undefined || claim === undefined) {
        return tags === undefined ? 'gone' : 'no claim';
      }
      hasSeen = true;
      if (this.returnsToKept(tags, claim)) {
        return 'kept';
      }
      if (tags.others) {
        return 'others';
      }
      return this.undo(claim, isFirst);
    });
    return { left: outcome.kind === 'answered' ? outcome.value : this.undoneBy(outcome.error, isFirst), tags, hasSeen };
  }

  private async withdraw(left: Left, seen: DeviceTags, find: (tags: DeviceTags) => Claim | undefined): Promise<void> {
    await this.change(async (attempt) => {
      const tags = attempt === 1 ? seen : await this.readTags();
      const claim = tags && find(tags);
      if (tags === undefined || claim === undefined) {
        return;
      }
      if (left === 'kept') {
        // The Create that is undone can have enabled the device.
        const since = this.user === undefined ? undefined : (claim.since ?? sentAtOf(claim.creation));
        const kept = this.claimTag({ ...claim, creation: claim.over!, over: undefined, since });
        await this.ports.iam.tagMFADevice(this.serialNumber, [kept]);
      } else {
        await this.ports.iam.untagMFADevice(this.serialNumber, [this.key, ...tags.spentMarks]);
      }
    });
    this.claimLeft = left === 'kept' ? 'present' : 'absent';
  }

  /**
   * Whether undoing a claim gives the device back to the claim that a removal policy kept. It is judged by the time of the
   * Delete, which its mark tells, so that all requests agree.
   */
  private returnsToKept(tags: DeviceTags, claim: Claim): boolean {
    const isDelete = this.occasion.request === 'Delete';
    return tags.returnsToKept(claim, isDelete ? this.time : (tags.ourMark?.time ?? this.ports.iam.awsTime()));
  }

  /** Says that we leave. If IAM refuses it, the Delete goes on without. */
  private async mark(): Promise<void> {
    const { creation } = this.occasion;
    await this.tried('the device could not be marked', () =>
      this.attempts.make(async () => {
        // In each attempt: a later Delete can have marked it meanwhile.
        const tags = this.isFresh ? this.lastTags : await this.readTags();
        if (tags === undefined || tags.isMarkedFor(creation, this.time)) {
          return;
        }
        const value = markValue({
          creation: creation ?? tags.leavingBefore(this.time) ?? ANY_CREATION,
          time: this.time,
        });
        await this.observed(() => this.ports.iam.tagMFADevice(this.serialNumber, [{ key: this.markKey, value }]));
        this.wasChanged = true;
      }, 'can do without it'),
    );
  }

  /** Claims the device, over an older claim of ours, unless the claim is there. */
  protected async claim(tags: DeviceTags, tag: Tag): Promise<void> {
    const { ours } = tags;
    if (tags.has(tag)) {
      // Another delivery of this request has written it.
      if (this.occasion.request === 'Create' || ours?.since === this.time) {
        this.foundAt ??= this.readAt;
      }
      return;
    }
    const found = ours?.creation === this.creation ? ours.tag : undefined;
    this.written = { claim: tag, found: this.written === undefined ? found : this.written.found };
    if (tags.spentMarks.length > 0) {
      await this.change(() => this.ports.iam.untagMFADevice(this.serialNumber, tags.spentMarks));
    }
    await this.change(
      async () => {
        // A claim must not replace that of a later Create, which follows our Delete.
        if (this.ports.clock.now() - this.readAt > MAY_CLAIM_MS) {
          this.stopIfOvertaken(await this.readTags());
        }
        await this.ports.iam.tagMFADevice(this.serialNumber, [tag]);
      },
      () => (this.claimLeft = 'unknown'),
    );
    this.claimLeft = 'present';
    this.wroteAt = this.ports.clock.now();
  }

  /**
   * Takes back the claim that this request has written, unless somebody has replaced it. Gives back the one that it found.
   *
   * @param mayRetract is asked in each attempt, after the tags are read
   */
  protected async retractClaim(mayRetract: () => Promise<boolean>): Promise<void> {
    if (this.written === undefined) {
      return;
    }
    const { claim, found } = this.written;
    await this.change(async () => {
      // A claim that our Delete has withdrawn must not come back.
      const tags = await this.readTagsUnlessMarked();
      if (tags?.has(claim) !== true || !(await mayRetract())) {
        return;
      }
      if (found === undefined) {
        await this.ports.iam.untagMFADevice(this.serialNumber, [this.key, ...tags.spentMarks]);
        this.claimLeft = 'absent';
      } else {
        await this.ports.iam.tagMFADevice(this.serialNumber, [found]);
      }
    });
  }

  /** Reads the tags, and stops if our Delete has marked the device. */
  private async readTagsUnlessMarked(): Promise<DeviceTags | undefined> {
    const tags = await this.readTags();
    if (tags !== undefined && this.isOvertakenBy(tags)) {
      throw new Overtaken();
    }
    return tags;
  }

  /** @param isRenewed whether this request is about to enable the device, or has verified what somebody else enabled */
  protected claimTagFor(tags: DeviceTags, kind?: ClaimKind, isRenewed = false): Tag {
    const { creation, user } = this;
    const ours = tags.ours?.creation === creation ? tags.ours : undefined;
    // A Create's claim says by its creation id when it enabled the device. Another Update can have come later than this.
    const isUpdate = (isRenewed || ours === undefined) && this.occasion.request === 'Update';
    const since = isUpdate ? Math.max(this.time, ours?.since ?? 0) : ours?.since;
    return this.claimTag({ kind, user, creation, over: tags.keptBefore(creation), since });
  }

  private claimTag(claim: Claim): Tag {
    const { region, stackName } = this.occasion.declaration;
    return { key: this.key, value: claimValue(claim, region, stackName) };
  }

  /** Notes that others must see what this request has just changed. */
  protected noteEffect(): void {
    this.wroteAt = this.ports.clock.now();
    this.wasChanged = true;
  }

  /** When this request wrote what others must see, or found what another delivery of it had written. */
  private get writtenAt(): number | undefined {
    return this.wroteAt ?? this.foundAt;
  }

  /** Whether this request, or another delivery of it, has claimed or made the device. */
  protected get hasTakenPart(): boolean {
    return this.writtenAt !== undefined;
  }

  /** Whether what was written for this request had been there long enough when it last read the tags. */
  protected get isSettled(): boolean {
    return this.writtenAt === undefined || this.readAt - this.writtenAt >= JOINER_LOOKS_AGAIN_MS;
  }

  /** Waits until a look finds settled what was written for this request; if nothing was, what others wrote before. */
  protected async settle(): Promise<void> {
    const now = this.ports.clock.now();
    await this.attempts.wait(Math.max(0, (this.writtenAt ?? now) + JOINER_LOOKS_AGAIN_MS - now));
    this.hasWaited = true;
  }

  /** Reads the tags of the device; `undefined` if it doesn't exist. */
  protected async readTags(): Promise<DeviceTags | undefined> {
    const outcome = await this.attempts.make(() => {
      this.readAt = this.ports.clock.now();
      return this.ports.iam.listMFADeviceTags(this.serialNumber);
    }, 'asks whether it exists');
    this.lastTags = outcome.kind === 'answered' ? this.tagsOf(outcome.value) : undefined;
    this.claimLeft = this.lastTags?.ours === undefined ? 'absent' : 'present';
    return this.lastTags;
  }

  protected tagsOf(tags: readonly Tag[]): DeviceTags {
    return new DeviceTags(tags, this.prefix, this.occasion.declaration, this.user, this.ports.iam.awsTime());
  }

  /** Whether the tags that this request has read are fresh enough to act on. */
  protected get isFresh(): boolean {
    return this.ports.clock.now() - this.readAt <= FRESH_MS;
  }

  /** Reads the tags again if they are no longer fresh, and stops if they say so. */
  protected async stopIfOvertakenSince(): Promise<boolean> {
    if (this.isFresh) {
      return false;
    }
    this.stopIfOvertaken(await this.readTags());
    return true;
  }

  /** Throws if a later request for our resource shows in the tags, or if our settled claim is gone. */
  protected stopIfOvertaken(tags: DeviceTags | undefined): void {
    if (tags === undefined) {
      return;
    }
    const claimIsGone = this.writtenAt !== undefined && tags.ours?.creation !== this.creation;
    if (this.isOvertakenBy(tags) || (claimIsGone && this.isSettled)) {
      throw new Overtaken();
    }
  }

  private isOvertakenBy(tags: DeviceTags): boolean {
    return tags.isOvertaken({ creation: this.creation, sentAt: this.occasion.sentAt });
  }

  /** Makes a call that changes something. */
  protected async change(call: (attempt: number) => Promise<void>, onUnknown?: () => void): Promise<Outcome<void>> {
    const outcome = await this.attempts.make(
      (attempt) => this.observed(() => call(attempt), onUnknown),
      undefined,
      () => this.isFresh,
    );
    this.wasChanged = true;
    return outcome;
  }

  /** Keeps in mind that a call whose response was lost may have changed something. */
  protected async observed<T>(call: () => Promise<T>, onUnknown?: () => void): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (error instanceof CallError && error.effectUnknown) {
        this.wasChanged = true;
        onUnknown?.();
      }
      throw error;
    }
  }

  /** Whether the Create of this resource may be changing the device at this moment. */
  protected get mayStillBeCreated(): boolean {
    const { creation } = this.occasion;
    const sentAt = creation === undefined ? undefined : sentAtOf(creation);
    return sentAt === undefined || this.ports.iam.awsTime() - sentAt < CREATE_IS_OVER_MS;
  }

  /** The creation id of this Create or Update. */
  protected get creation(): string {
    return this.occasion.creation!;
  }

  /** When CloudFormation sent this request; if it doesn't say, now. */
  private get time(): number {
    return this.occasion.sentAt ?? this.ports.iam.awsTime();
  }

  private async unlessOvertaken(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Overtaken)) {
        throw error;
      }
      this.ports.logger.log('overtaken by a later request');
      await this.undoThisDelivery();
      throw new Failure(
        {
          cause: 'a later request overtook this one: it deleted this resource or the device that this resource shares',
          next: 'if CloudFormation has rolled back because of this, find out which stack deleted the device',
        },
        'Overtaken',
      );
    }
  }

  /** Undoes what this delivery did. Its permissions may be gone by now, and nobody waits for it. */
  private async undoThisDelivery(): Promise<void> {
    if (this.wroteAt === undefined && !this.tookEffect) {
      return;
    }
    const { creation } = this;
    const find = (tags: DeviceTags): Claim | undefined => {
      const { ours } = tags;
      if (ours === undefined) {
        // What this delivery did shows before its claim may be readable.
        return this.tookEffect ? { creation } : undefined;
      }
      // A claim of a later Create stays, and so does what another delivery of this one did, unless this one may stand in for
      // their Delete.
      const mayStandIn = () =>
        this.isOvertakenBy(tags) && (this.undoesForOthers || tags.others || this.returnsToKept(tags, ours));
      const isOurs = ours.creation === creation && (this.tookEffect || mayStandIn());
      return isOurs ? ours : undefined;
    };
    const isUndone = await this.tried('what this request did could not be undone', async () => {
      if (!this.tookEffect) {
        // Another delivery may rely on our claim, or be about to. Our Delete finds it when it looks again, or is over.
        await this.settle();
      }
      await this.leave(find, false);
    });
    if (isUndone || this.tookEffect) {
      return;
    }
    await this.tried('the claim could not be withdrawn', async () => {
      const tags = this.lastTags;
      const claim = tags && find(tags);
      // Our Delete has undone what another delivery did, and can't see this claim any more.
      if (
        tags !== undefined &&
        claim !== undefined &&
        !this.returnsToKept(tags, claim) &&
        (await this.isDeleteOver())
      ) {
        await this.withdraw('done', tags, find);
      }
    });
  }

  /** Does what the request can do without. Returns false if it was refused, or if no time was left. */
  protected async tried(ifNot: LogMessage, work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (!(error instanceof CallGivenUp || error instanceof OutOfTime)) {
        throw error;
      }
      this.ports.logger.log(ifNot);
      return false;
    }
  }
}
