import {
  type Claim,
  type ClaimKind,
  ENROLLMENT_CLAIM_PREFIX,
  type EnrollmentProperties,
  sentAtOf,
} from '../../lib/contract';
import { type Attempts, CallGivenUp, type Outcome } from '../aws/attempts';
import { type CallError, MOST_CALL_MS } from '../aws/ports';
import { Claimant, type Left, Overtaken, type Undone } from '../claims/claimant';
import { type DeviceTags, isInTimeFor } from '../claims/device-tags';
import { JOINER_LOOKS_AGAIN_MS, JUST_ENABLED_MS, PROMPT_MS } from '../claims/timing';
import { type Occasion } from '../occasion';
import { type Ports } from '../resource';
import { parseSeed, type Seed } from '../seed';
import { type CodePair, codePairAt, next, startOf, type Step, stepAt } from '../totp';
import * as failures from './failures';

/**
 * A pair is sent with at least three seconds left in its step, for the way to IAM. The fourth makes up for AWS's dates,
 * which leave out the fraction of a second.
 */
const STEP_MARGIN_MS = 3_000 + 1_000;
/**
 * After the last accepted pair, IAM refuses those of the next two steps; one step more covers a device whose clock
 * adjustment is one step ahead.
 */
const MOST_PAIRS = 4;

/** What a request sees at one moment. */
interface State {
  /** Since when the device is enabled for the enrollment's user; `undefined`: it isn't. */
  readonly enabledAt: number | undefined;
  readonly tags: DeviceTags;
}

/** What Create, Update and Delete mean for an enrollment. */
export class Enrollment extends Claimant {
  protected readonly undoesForOthers = true;
  private deviceLeft: failures.DeviceLeft = 'not read';
  private seed?: Seed;
  /** Whether IAM has accepted codes of the seed in this request. */
  private isVerified = false;
  /** Whether this request has enabled the device, or may have. */
  private hasEnabled = false;
  /** Whether the device is enabled, as a Delete has read it before the tags. */
  private attachment?: Pick<State, 'enabledAt'>;
  private refusedPairs = 0;
  /** When this request sent codes last. */
  private sentCodesAt = Infinity;
  /** The latest step of which IAM may have accepted a code. */
  private spentStep?: Step;
  /** The latest step whose pair got no response. */
  private lostStep?: Step;

  constructor(
    private readonly properties: EnrollmentProperties,
    occasion: Occasion,
    ports: Ports,
    attempts: Attempts,
  ) {
    super(properties.SerialNumber, ENROLLMENT_CLAIM_PREFIX, properties.UserName, occasion, ports, attempts);
  }

  get stateLeft(): string {
    return failures.stateLeft(this.deviceLeft, this.claimLeft, this.key, this.wasChanged);
  }

  protected get tookEffect(): boolean {
    return this.hasEnabled;
  }

  /** Enables the device, or joins those who rely on it. */
  protected async establish(): Promise<void> {
    let [state] = await all(this.look(), this.readSeed());
    if (state.enabledAt === undefined && state.tags.isOfAnotherUser) {
      // A claim may have just been withdrawn.
      await this.settle();
      state = await this.look();
      if (state.enabledAt === undefined && state.tags.isOfAnotherUser) {
        throw failures.claimedForAnotherUser(this.properties, state.tags.claimsOf(ENROLLMENT_CLAIM_PREFIX));
      }
    }
    const { enabledAt, tags } = state;
    // Nobody else is at work on a device that is off and has no fresh mark, unless another delivery claims it, or others
    // do, whose Delete may have marked it just now.
    const isFree = enabledAt === undefined && !tags.hasFreshMark && !tags.others;
    const isAlone = isFree && tags.ours?.creation !== this.creation;
    await this.converge(state, isAlone, (seen, since) => this.kindToJoin(seen, since));
  }

  /**
   * Makes sure that the device is enabled; if the secret changed, our claim is missing, or somebody else has enabled the
   * device, verifies the seed.
   */
  protected async sustain(old: Readonly<Record<string, unknown>>): Promise<void> {
    try {
      await this.sustainEnrollment(old);
    } catch (error) {
      if (!(error instanceof Overtaken)) {
        await this.giveBackClaim();
      }
      throw error;
    }
  }

  /**
   * An Update that fails while the device is off must not leave a claim that says that it is enabled: somebody may enable
   * it by hand, and removing the resource would deactivate it. What failed first is what is told.
   */
  private async giveBackClaim(): Promise<void> {
    await this.tried('the claim could not be restored', () =>
      this.retractClaim(async () => (await this.readAttachment()).enabledAt === undefined),
    );
  }

  private async sustainEnrollment(old: Readonly<Record<string, unknown>>): Promise<void> {
    const { SeedSecretArn, SeedSecretField } = this.properties;
    const isSameSecret = old.SeedSecretArn === SeedSecretArn && old.SeedSecretField === SeedSecretField;
    const [state] = await all(this.look(), isSameSecret ? Promise.resolve() : this.readSeed());
    await this.converge(state, false, (seen, since) => {
      const ours = seen.ours?.creation === this.creation ? seen.ours : undefined;
      this.isVerified ||= isSameSecret && ours !== undefined && seen.explains(since, this.creation);
      return this.hasEnabled ? 'enabled' : (ours?.kind ?? seen.evidence(since) ?? 'adopted');
    });
  }

  protected override async prepareToUndo(claim: Claim | undefined): Promise<void> {
    // A Create or an Update undoes what it did, unless somebody has enabled the device since.
    const isNeeded = this.occasion.request === 'Delete' || this.hasEnabled;
    const mayBeUndone = claim !== undefined && claim.kind !== 'adopted';
    this.attachment = isNeeded && mayBeUndone ? await this.readAttachment() : undefined;
  }

  protected async undo(claim: Claim, isFirst: boolean): Promise<Undone> {
    if (claim.kind === 'adopted' || this.isEnabledByHand(claim)) {
      return 'done';
    }
    if (isFirst) {
      if (this.attachment === undefined) {
        return 'later';
      }
      const { enabledAt } = this.attachment;
      if (enabledAt === undefined) {
        return this.mayStillBeCreated ? 'later' : 'done';
      }
      if (this.ports.iam.awsTime() - enabledAt < JUST_ENABLED_MS && !this.isByOurCreate(enabledAt)) {
        return 'later';
      }
    }
    await this.observed(
      () => this.ports.iam.deactivateMFADevice(this.properties.UserName, this.serialNumber),
      () => (this.deviceLeft = 'unknown'),
    );
    this.wasChanged = true;
    this.deviceLeft = 'not enabled';
    this.ports.logger.log('device deactivated');
    return 'done';
  }

  /** A Delete that has failed must find its claim again. After one that has succeeded, the device is off, or our policy gone. */
  protected override async isDeleteOver(): Promise<boolean> {
    try {
      const { UserName } = this.properties;
      const devices = await this.attempts.make(() => this.ports.iam.listMFADevices(UserName), 'can do without it');
      return devices.kind !== 'answered' || !devices.value.some((each) => each.serialNumber === this.serialNumber);
    } catch (error) {
      if (error instanceof CallGivenUp) {
        return true;
      }
      throw error;
    }
  }

  /** Whether somebody has enabled the device since our Create failed or died, or since this request sent codes last. */
  private isEnabledByHand(claim: Claim): boolean {
    const { request, creation, hasFailed } = this.occasion;
    const enabledAt = this.attachment?.enabledAt;
    if (enabledAt === undefined) {
      return false;
    }
    if (request !== 'Delete') {
      return enabledAt > this.sentCodesAt + MOST_CALL_MS;
    }
    return (creation === undefined || hasFailed) && !isInTimeFor(claim, enabledAt);
  }

  protected undoneBy(error: CallError, isFirst: boolean): Undone {
    if (error.effectUnknown) {
      return 'unknown';
    }
    this.deviceLeft = 'not enabled';
    return isFirst && this.mayStillBeCreated ? 'later' : 'done';
  }

  protected afterLeaving(left: Left): Promise<void> {
    switch (left) {
      case 'others':
        this.ports.logger.log('others rely on the device, it stays enabled');
        break;
      case 'kept':
        this.ports.logger.log('the device was retained before, it stays enabled');
        break;
      case 'gone':
      case 'no claim':
        this.ports.logger.log('no claim of this resource, nothing to undo');
        break;
      case 'done':
      case 'deleted':
        break;
    }
    return Promise.resolve();
  }

  /**
   * Enables the device while it is off, and claims it while it is on, until a look finds both settled.
   *
   * @param isAlone whether nobody else is at work on the device
   * @param kindOf the kind of claim for a device that is enabled; `undefined`: look again later
   */
  private async converge(
    state: State,
    isAlone: boolean,
    kindOf: (tags: DeviceTags, enabledAt: number) => ClaimKind | undefined,
  ): Promise<void> {
    let isStraight = isAlone;
    for (let round = 1; ; round++) {
      this.stopIfOvertaken(state.tags);
      if (state.enabledAt === undefined) {
        const isEnabled = await this.switchOn(state.tags);
        isStraight &&= isEnabled && this.refusedPairs === 0;
        if (isStraight) {
          return;
        }
        await (isEnabled ? this.settle() : this.attempts.backOff(round));
      } else {
        if (kindOf(state.tags, state.enabledAt) === undefined) {
          await this.settle();
        } else if (!(await this.verify())) {
          await this.attempts.backOff(round);
        } else {
          // Verification can take a minute, during which it reads the tags again.
          const tags = this.lastTags ?? state.tags;
          const isExplained = tags.explains(state.enabledAt, this.creation);
          const claim = this.claimTagFor(tags, kindOf(tags, state.enabledAt), !isExplained);
          await this.claim(tags, claim);
          if (this.isSettled) {
            return;
          }
          await this.settle();
        }
      }
      state = await this.look();
    }
  }

  /** The kind of claim with which a Create joins those who rely on the device. Claims may not be readable at once. */
  private kindToJoin(tags: DeviceTags, enabledAt: number): ClaimKind | undefined {
    const kind = tags.evidence(enabledAt);
    if (kind !== undefined || !this.hasWaited) {
      return kind;
    }
    if (this.properties.AdoptExisting !== 'true') {
      throw failures.enabledBySomebodyElse(this.properties);
    }
    return 'adopted';
  }

  /** Claims, then enables: a crash in between leaves a claim that a Delete withdraws, never an enabled device without one. */
  private async switchOn(tags: DeviceTags): Promise<boolean> {
    // A secret that holds no seed is found out before anything is changed.
    await this.readSeed();
    await this.claim(tags, this.claimTagFor(tags, 'enabled', true));
    const outcome = await this.sendCodes((codes) =>
      this.ports.iam.enableMFADevice(this.properties.UserName, this.serialNumber, codes),
    );
    if (outcome.kind === 'answered') {
      this.noteEffect();
      this.hasEnabled = true;
      this.deviceLeft = 'enabled';
      this.ports.logger.log('device enabled');
      return true;
    }
    const { error } = outcome;
    if (error.effectUnknown) {
      return this.wasEnabledNow();
    }
    // IAM says that it is enabled already.
    if (!(await this.isEnabledForOurs())) {
      // Our claim stays for the Delete that follows. Another delivery of this request may rely on it.
      this.deviceLeft = 'enabled for another user';
      throw failures.enabledForAnotherUser(this.properties);
    }
    return false;
  }

  /** Whether the call whose response was lost has enabled the device: its step is the last one that IAM can have accepted. */
  private async wasEnabledNow(): Promise<boolean> {
    this.hasEnabled = true;
    const { enabledAt, tags } = await this.look();
    this.stopIfOvertaken(tags);
    this.isVerified = enabledAt !== undefined && enabledAt >= startOf(this.spentStep!);
    if (this.isVerified) {
      this.noteEffect();
      this.ports.logger.log('device enabled');
    }
    return this.isVerified;
  }

  /** Whether the device is enabled for our user. The list may not show it at once. */
  private async isEnabledForOurs(): Promise<boolean> {
    const { enabledAt } = await this.readAttachment();
    if (enabledAt !== undefined) {
      return true;
    }
    await this.attempts.wait(JUST_ENABLED_MS);
    return (await this.readAttachment()).enabledAt !== undefined;
  }

  /** Whether our Create, which has succeeded, enabled the device: then nobody else did since. */
  private isByOurCreate(enabledAt: number): boolean {
    const { creation = '', hasFailed } = this.occasion;
    const sentAt = sentAtOf(creation);
    return !hasFailed && sentAt !== undefined && enabledAt >= sentAt && enabledAt - sentAt < PROMPT_MS;
  }

  /** Verifies by resynchronizing that the secret holds this device's seed; false: look at the device again. */
  private async verify(): Promise<boolean> {
    if (this.isVerified) {
      return true;
    }
    await this.readSeed();
    const outcome = await this.sendCodes((codes) =>
      this.ports.iam.resyncMFADevice(this.properties.UserName, this.serialNumber, codes),
    );
    if (outcome.kind === 'answered') {
      this.ports.logger.log('seed verified');
    }
    return outcome.kind === 'answered';
  }

  private async look(): Promise<State> {
    const { enabledAt } = await this.readAttachment();
    // Last, because the tags are what the request decides by.
    const tags = (await this.readTags()) ?? this.tagsOf([]);
    return { enabledAt, tags };
  }

  private async readAttachment(): Promise<Pick<State, 'enabledAt'>> {
    const devices = await this.attempts.make(() => this.ports.iam.listMFADevices(this.properties.UserName));
    const ours =
      devices.kind === 'answered'
        ? devices.value.find(({ serialNumber }) => serialNumber === this.serialNumber)
        : undefined;
    this.deviceLeft = ours === undefined ? 'not enabled' : 'enabled';
    return { enabledAt: ours?.enabledAt };
  }

  private async readSeed(): Promise<void> {
    if (this.seed === undefined) {
      const { SeedSecretArn, SeedSecretField } = this.properties;
      const secret = await this.attempts.answerTo(() => this.ports.seeds.read(SeedSecretArn));
      this.seed = parseSeed(secret, SeedSecretField);
    }
  }

  /** Sends pairs of codes until one is accepted, or until something else than the codes decides. */
  private async sendCodes(send: (codes: CodePair) => Promise<void>): Promise<Outcome<void>> {
    for (;;) {
      let sent: CodePair | undefined;
      const sendNext = async () => {
        do {
          sent = await this.nextPair();
        } while (await this.stopIfOvertakenSince());
        if (this.occasion.request === 'Update') {
          // Its Delete may be over. Who enables the device must look again.
          this.attempts.require(MOST_CALL_MS + JOINER_LOOKS_AGAIN_MS);
        }
        this.sentCodesAt = this.ports.iam.awsTime();
        await this.observed(
          () => send(sent!),
          () => (this.deviceLeft = 'unknown'),
        );
      };
      const outcome = await this.attempts.make(sendNext, 'needs it', () => this.isFresh);
      if (outcome.kind === 'answered') {
        this.isVerified = true;
        return outcome;
      }
      this.spentStep = sent?.step;
      if (outcome.kind !== 'nextPair') {
        this.lostStep = outcome.error.effectUnknown ? sent?.step : this.lostStep;
        return outcome;
      }
      this.countRefusal(sent!.step);
    }
  }

  /** A pair whose response was lost may have been accepted. IAM then refuses the pair of the next step, whatever the seed. */
  private countRefusal(step: Step): void {
    if (this.lostStep !== undefined && step <= next(this.lostStep)) {
      return;
    }
    this.refusedPairs++;
    if (this.refusedPairs === MOST_PAIRS) {
      throw failures.wrongSeed(this.properties, MOST_PAIRS);
    }
  }

  /**
   * The pair of AWS's current step. Steps of which IAM may have accepted a code are waited out: it refuses them for good,
   * and codes from the future would leave the device with a clock adjustment.
   */
  private async nextPair(): Promise<CodePair> {
    for (;;) {
      const now = this.ports.iam.awsTime();
      const current = stepAt(now);
      const earliest = this.spentStep === undefined ? current : next(this.spentStep);
      const untilNext = startOf(next(current)) - now;
      if (current >= earliest && untilNext >= STEP_MARGIN_MS) {
        return codePairAt(this.seed!, current);
      }
      await this.attempts.wait(untilNext);
    }
  }
}

/** Waits for all of them even where one fails, so that no call is under way when the request is answered. */
async function all<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  const [first, second] = await Promise.allSettled([a, b]);
  // A secret without a seed is the more telling of two failures.
  if (second.status === 'rejected') {
    throw second.reason;
  }
  if (first.status === 'rejected') {
    throw first.reason;
  }
  return [first.value, second.value];
}
