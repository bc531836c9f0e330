import {
  type ClaimKind,
  enrollmentClaimKey,
  enrollmentClaimValue,
  type EnrollmentProperties,
} from '../../lib/contract';
import { type Attempts, type Outcome } from '../aws/attempts';
import { Claims } from './claims';
import { type Cause, Failure } from '../failure';
import { CallError } from '../aws/ports';
import { type Declaration, type Ports, type Work } from '../resource';
import { parseSeed, type Seed } from '../seed';
import { StateLeft } from './state-left';
import { type CodePair, codePairAt, next, startOf, type Step, stepAt } from '../totp';

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
interface State {
  /** Whether the device is enabled for this enrollment's user. */
  readonly attached: boolean;
  readonly claims: Claims;
}

/**
 * What Create, Update and Delete mean for one enrollment. The user and the device come from the properties alone,
 * never out of a physical id.
 */
export class Enrollment implements Work {
  private readonly claimKey: string;
  private readonly left = new StateLeft();
  private seed?: Seed;
  private refusedPairs = 0;
  /** The latest step of which AWS may have taken a code. */
  private spentStep?: Step;

  constructor(
    private readonly properties: EnrollmentProperties,
    private readonly declaration: Declaration,
    private readonly ports: Ports,
    private readonly attempts: Attempts,
  ) {
    this.claimKey = enrollmentClaimKey(declaration.stackUuid, declaration.logicalId);
  }

  /** Enables the device, or joins those who rely on it being enabled. */
  async create(): Promise<void> {
    const [state] = await all(this.look(), this.readSeed());
    await this.settle(
      state,
      (claims) => !claims.none,
      (claims) => this.join(claims),
    );
  }

  /** Makes sure that the device is enabled; where the secret changed, that it holds this device's seed. */
  async update(old: Readonly<Record<string, unknown>>): Promise<void> {
    const secretChanged =
      old.SeedSecretArn !== this.properties.SeedSecretArn || old.SeedSecretField !== this.properties.SeedSecretField;
    const [state] = await all(this.look(), secretChanged ? this.readSeed() : Promise.resolve());
    await this.settle(
      state,
      (claims) => claims.ours !== undefined,
      (claims) => this.keep(claims, secretChanged),
    );
  }

  /** Undoes what this enrollment did, and only that. */
  async delete(): Promise<void> {
    this.left.device = 'not deactivated';
    const claims = await this.attempts.lookTwice(
      () => this.readClaims(),
      (read) => read.ours !== undefined && !read.oursIsTheLast,
    );
    if (claims.ours === undefined) {
      this.ports.logger.log('no claim of ours, nothing to undo');
      return;
    }
    if (!claims.oursIsTheLast) {
      this.ports.logger.log('others rely on the device, it stays enabled');
    } else if (claims.ours === 'enabled') {
      await this.change('device', 'not enabled', () =>
        this.ports.iam.deactivateMFADevice(this.properties.UserName, this.properties.SerialNumber),
      );
      this.ports.logger.log('device deactivated');
    }
    await this.change('claim', 'absent', () =>
      this.ports.iam.untagMFADevice(this.properties.SerialNumber, this.claimKey),
    );
  }

  get wasChanged(): boolean {
    return this.left.wasChanged;
  }

  /** The state that a failure leaves, in words. */
  get stateLeft(): string {
    return this.left.words(this.claimKey);
  }

  /**
   * Switches the device on where it is off, else keeps it on in the way of the request; again and again while the
   * ground moves or answers are lost, each time by what is read.
   *
   * @param isConclusive whether these claims on an enabled device need no second look
   * @param keep what to do with an enabled device; false: look again
   */
  private async settle(
    state: State,
    isConclusive: (claims: Claims) => boolean,
    keep: (claims: Claims) => Promise<boolean>,
  ): Promise<void> {
    for (let round = 1; ; round++) {
      const { attached, claims } = await this.attempts.lookTwice(
        () => this.look(),
        (read) => !read.attached || isConclusive(read.claims),
        state,
      );
      if (await (attached ? keep(claims) : this.switchOn(claims))) {
        return;
      }
      await this.attempts.backOff(round);
      state = await this.look();
    }
  }

  /** Claims, then enables: a crash in between leaves a claim that a Delete withdraws, never a device that nobody owns up to. */
  private async switchOn(claims: Claims): Promise<boolean> {
    // A secret that holds no seed is found out before anything is changed.
    await this.readSeed();
    if (claims.ours !== 'enabled') {
      await this.claim('enabled', claims);
    }
    const outcome = await this.sendCodes((codes) =>
      this.ports.iam.enableMFADevice(this.properties.UserName, this.properties.SerialNumber, codes),
    );
    if (outcome.kind === 'answered') {
      this.left.device = 'enabled';
      this.ports.logger.log('device enabled');
      return true;
    }
    if (outcome.error.code === 'EntityAlreadyExists') {
      const seen = await this.attempts.lookTwice(
        () => this.look(),
        (read) => read.attached,
      );
      if (!seen.attached) {
        this.left.device = 'enabled for another user';
        throw new Failure(enabledForAnotherUser(this.properties), 'EntityAlreadyExists');
      }
    }
    return false;
  }

  /** Proves the seed, then claims, then looks again. */
  private async join(claims: Claims): Promise<boolean> {
    if (claims.none && this.properties.AdoptExisting !== 'true') {
      throw new Failure(enabledBySomebodyElse(this.properties), 'EntityAlreadyExists');
    }
    if (!(await this.prove())) {
      return false;
    }
    if (claims.ours !== claims.kindToJoin) {
      await this.claim(claims.kindToJoin, claims);
    }
    return (await this.look()).attached;
  }

  private async keep(claims: Claims, prove: boolean): Promise<boolean> {
    if (claims.ours === undefined) {
      await this.claim(claims.kindToJoin, claims);
    }
    return !prove || this.prove();
  }

  /** Proves by resynchronising that the secret holds this device's seed; false: look at the device again. */
  private async prove(): Promise<boolean> {
    await this.readSeed();
    const outcome = await this.sendCodes((codes) =>
      this.ports.iam.resyncMFADevice(this.properties.UserName, this.properties.SerialNumber, codes),
    );
    if (outcome.kind === 'answered') {
      this.ports.logger.log('seed proven');
    }
    return outcome.kind === 'answered';
  }

  private async claim(kind: ClaimKind, standing: Claims): Promise<void> {
    const value = enrollmentClaimValue(kind, this.declaration.region, this.declaration.stackName);
    await this.change('claim', 'present', () =>
      this.ports.iam.tagMFADevice(this.properties.SerialNumber, { key: this.claimKey, value }),
    );
    // Whoever withdraws a claim next must see ours, or would take itself for the last.
    for (let look = 1; !standing.none && (await this.readClaims()).ours !== kind; look++) {
      await this.attempts.backOff(look);
    }
  }

  /** Makes a call that changes something, and keeps in mind what it left even if its answer is lost. */
  private async change<What extends 'device' | 'claim'>(
    what: What,
    to: StateLeft[What],
    call: () => Promise<void>,
  ): Promise<void> {
    await this.attempts.make(() => this.observed(what, call));
    this.left[what] = to;
    this.left.wasChanged = true;
  }

  private async observed(what: 'device' | 'claim', call: () => Promise<void>): Promise<void> {
    try {
      await call();
    } catch (error) {
      if (error instanceof CallError && error.effectUnknown) {
        this.left[what] = 'unknown';
        this.left.wasChanged = true;
      }
      throw error;
    }
  }

  private async look(): Promise<State> {
    const [serialNumbers, claims] = await all(
      this.attempts.make(() => this.ports.iam.listMFADevices(this.properties.UserName)),
      this.readClaims(),
    );
    const attached = serialNumbers.kind === 'answered' && serialNumbers.value.includes(this.properties.SerialNumber);
    this.left.device = attached ? 'enabled' : 'not enabled';
    return { attached, claims };
  }

  private async readClaims(): Promise<Claims> {
    const tags = await this.attempts.make(() => this.ports.iam.listMFADeviceTags(this.properties.SerialNumber));
    // A device that is gone carries no claims.
    const claims = new Claims(tags.kind === 'answered' ? tags.value : [], this.claimKey);
    this.left.claim = claims.ours === undefined ? 'absent' : 'present';
    return claims;
  }

  private async readSeed(): Promise<void> {
    if (this.seed === undefined) {
      const { SeedSecretArn, SeedSecretField } = this.properties;
      const secret = await this.attempts.make(() => this.ports.seeds.read(SeedSecretArn));
      if (secret.kind === 'answered') {
        this.seed = parseSeed(secret.value, SeedSecretField);
      }
    }
  }

  /** Sends pairs of codes until one is accepted, or until something else than the codes decides. */
  private async sendCodes(send: (codes: CodePair) => Promise<void>): Promise<Outcome<void>> {
    for (;;) {
      let sent: CodePair | undefined;
      const outcome = await this.attempts.make(async () => {
        const codes = await this.nextPair();
        sent = codes;
        await this.observed('device', () => send(codes));
      });
      if (outcome.kind === 'answered') {
        return outcome;
      }
      this.spentStep = sent?.step;
      if (outcome.kind !== 'nextPair') {
        return outcome;
      }
      this.refusedPairs++;
      if (this.refusedPairs === MOST_PAIRS) {
        throw new Failure(wrongSeed(this.properties), 'InvalidAuthenticationCode');
      }
    }
  }

  /**
   * The pair of AWS's current step. Steps of which AWS may have taken a code are outwaited: it refuses them for good,
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
      await this.attempts.wait(current >= earliest ? untilNext : startOf(earliest) - now);
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

function wrongSeed({ SeedSecretArn, SerialNumber }: EnrollmentProperties): Cause {
  return {
    cause: `IAM refused ${MOST_PAIRS} pairs of codes of successive time steps (InvalidAuthenticationCode), so secret ${SeedSecretArn} does not hold the seed of device ${SerialNumber}`,
    next: "name the secret that holds this device's seed, or store it, unless the secret holds the only copy of another's; AWS shows a seed once, when it makes the device: where it is lost, make a new one",
  };
}

function enabledBySomebodyElse({ SerialNumber }: EnrollmentProperties): Cause {
  return {
    cause: `device ${SerialNumber} is enabled for this user already, and no enrollment of this library did it`,
    next: "set 'adoptExisting' to true to take it over as it is",
  };
}

function enabledForAnotherUser({ SerialNumber }: EnrollmentProperties): Cause {
  return {
    cause: `device ${SerialNumber} is enabled for another user (EntityAlreadyExists); a device is never moved between users, as its first user may know its seed`,
    next: "make a new device for this user, or correct the serial number ('aws iam list-virtual-mfa-devices' shows whose device it is)",
  };
}
