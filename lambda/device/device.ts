import { createHash } from 'node:crypto';
import { problemOfTag } from '../../lib/checks';
import {
  type Claim,
  DEVICE_CLAIM_PREFIX,
  DEVICE_PROPERTIES,
  type DeviceProperties,
  hashesIn,
  hashOf,
  SEED_PREFIX,
  seedVersion,
  tagKey,
} from '../../lib/contract';
import { type Attempts } from '../aws/attempts';
import { type CallError, type DeviceName, type SecretText, type SecretVersions, type Tag } from '../aws/ports';
import { Claimant, type Left, Overtaken, type Undone } from '../claims/claimant';
import { type DeviceTags } from '../claims/device-tags';
import { type Failure } from '../failure';
import { type Occasion } from '../occasion';
import { propertiesIn } from '../properties';
import { type Ports } from '../resource';
import * as failures from './failures';

/** How long a device and a secret that were just written may show what they were before. */
const VISIBILITY_MS = 30_000;

/** How long another delivery of the same Create may take from the device to the stored seed. */
const MAKING_MS = 60_000;

/**
 * What Create, Update and Delete mean for a virtual MFA device and its seed. AWS shows a seed once, in the response that
 * creates the device: it goes from there straight into the secret, and a device whose seed was lost is worthless.
 */
export class VirtualMfaDevice extends Claimant {
  /** Nobody gets the seed of a deleted device back. Its Delete looks again unless it has deleted or kept the device. */
  protected readonly undoesForOthers = false;
  private deviceLeft: failures.DeviceLeft = 'not read';
  /** Versions with which this request created the device. */
  private readonly made: string[] = [];
  /** Those among them whose seed was lost. */
  private readonly lost: string[] = [];
  /** Those among them whose device is deleted. */
  private readonly discarded: string[] = [];
  /** Whether the device that this request made is gone. */
  private isReplaced = false;

  constructor(
    private readonly properties: DeviceProperties,
    occasion: Occasion,
    ports: Ports,
    attempts: Attempts,
  ) {
    super(properties.SerialNumber, DEVICE_CLAIM_PREFIX, undefined, occasion, ports, attempts);
  }

  /** Key of the tag with the version of the secret that holds the seed. */
  private get seedKey(): string {
    const { stackUuid, logicalId } = this.occasion.declaration;
    return tagKey(SEED_PREFIX, stackUuid, logicalId);
  }

  get stateLeft(): string {
    return failures.stateLeft(this.deviceLeft, this.claimLeft === 'present', this.key, this.wasChanged);
  }

  get isDeviceGone(): boolean {
    return this.deviceLeft === 'absent';
  }

  protected get tookEffect(): boolean {
    return this.made.length > 0 && !this.isReplaced;
  }

  /** Creates the device and stores its seed, or joins those who declare it with the same secret. */
  protected async establish(): Promise<void> {
    for (let round = 1; ; round++) {
      let tags = await this.readTags();
      this.stopIfOvertaken(tags);
      // A secret that can't take the seed is found out before anything is changed. Reading it can take minutes.
      const versions = await this.freeVersions();
      if (await this.stopIfOvertakenSince()) {
        tags = this.lastTags;
      }
      if (await (tags === undefined ? this.make(versions) : this.takeUp(tags, versions))) {
        return;
      }
      await this.attempts.backOff(round);
    }
  }

  /** Makes sure that the device is there, with our claim and the declared tags, and that the secret holds its seed. */
  protected async sustain(old: Readonly<Record<string, unknown>>): Promise<void> {
    const former = (propertiesIn(DEVICE_PROPERTIES, old).Tags ?? [])
      // A key that is refused was never written: a tag with this key isn't this resource's.
      .filter((tag) => problemOfTag(tag) === undefined)
      .map(({ Key }) => Key)
      .filter((key) => !this.declaredTags.some((tag) => tag.key === key));
    const isSameSecret = old.SeedSecretArn === this.properties.SeedSecretArn;
    for (;;) {
      const tags = await this.readTags();
      this.stopIfOvertaken(tags);
      const problem =
        tags === undefined ? failures.gone(this.properties) : await this.problemOfSeed(tags, former, isSameSecret);
      if (tags !== undefined && problem === undefined) {
        await this.putTags(tags, former);
        if (this.isSettled) {
          return;
        }
      } else if (this.hasWaited) {
        throw problem!;
      }
      await this.settle();
    }
  }

  protected async undo(_claim: Claim): Promise<Undone> {
    const { seedVersion: version = '' } = this.lastTags!;
    if (this.tookEffect && this.isSettled && !this.made.includes(version)) {
      // Ours is deleted, and somebody has created this one under its name.
      return 'done';
    }
    await this.deleteDevice();
    return 'deleted';
  }

  protected undoneBy(error: CallError, isFirst: boolean): Undone {
    if (error.effectUnknown) {
      return 'unknown';
    }
    if (error.code !== 'DeleteConflict') {
      this.noteGone();
      return 'deleted';
    }
    if (isFirst) {
      return 'later';
    }
    throw failures.inUse(this.properties, this.lastTags!);
  }

  protected async afterLeaving(left: Left): Promise<void> {
    switch (left) {
      case 'others':
        return this.ports.logger.log('others declare the device, it stays');
      case 'kept':
        return this.ports.logger.log('the device was retained before, it stays');
      case 'no claim':
        return this.ports.logger.log('no claim of this resource, nothing to undo');
      case 'gone':
        this.ports.logger.log('the device does not exist');
        return this.deleteOwnSecret();
      case 'done':
      case 'deleted':
        return this.deleteOwnSecret();
    }
  }

  /**
   * A seed lives as long as its device. CloudFormation keeps the device's own secret, except where it rolls back the
   * Create: a stack that is rolled forward still needs it.
   */
  private async deleteOwnSecret(): Promise<void> {
    const { creation, hasFailed } = this.occasion;
    if (this.properties.OwnSecret !== 'true' || creation === undefined || hasFailed) {
      return;
    }
    const { SeedSecretArn } = this.properties;
    const versions = await this.versionsIfThere();
    if (versions === undefined) {
      return;
    }
    if (!versions.staged.some((version) => hashesIn(version)?.device === this.arnHash)) {
      return this.ports.logger.log('the secret does not hold the seed of this device, it stays');
    }
    // Also if it is scheduled for deletion: that can take 30 days.
    await this.attempts.make(() => this.ports.seeds.delete(SeedSecretArn), 'asks whether it exists');
    this.wasChanged = true;
    for (let look = 1; ; look++) {
      const read = await this.attempts.make(() => this.ports.seeds.versions(SeedSecretArn), 'asks whether it is gone');
      if (read.kind !== 'answered') {
        return this.ports.logger.log('secret deleted');
      }
      await this.attempts.backOff(look);
    }
  }

  /** Creates the device and stores its seed; false: look at the device again. */
  private async make(versions: SecretVersions): Promise<boolean> {
    // What was there, or what was made for this request, is gone: a Delete has deleted it.
    if (this.hasTakenPart) {
      throw new Overtaken();
    }
    if (this.wasMadeBefore(versions)) {
      if (this.hasWaited) {
        throw new Overtaken();
      }
      await this.settle();
      return false;
    }
    const version = seedVersion(this.arnHash, sha256(versions.uniqueName), this.creation, this.ports.uuid());
    const tags = [this.claimTagFor(this.tagsOf([])), { key: this.seedKey, value: version }];
    const outcome = await this.attempts.make(async (attempt) => {
      if (attempt > 1) {
        // A secret that is gone says that this resource was deleted meanwhile.
        await this.freeVersions();
      }
      return this.observed(
        () => this.ports.iam.createVirtualMFADevice(nameIn(this.serialNumber), tags),
        () => (this.deviceLeft = 'unknown'),
      );
    });
    if (outcome.kind !== 'answered') {
      // If it took effect, the seed was lost with the response. If somebody else was faster, no device has this version.
      this.lost.push(version);
      return false;
    }
    this.made.push(version);
    this.noteEffect();
    this.deviceLeft = 'exists';
    this.claimLeft = 'present';
    this.ports.logger.log('device created');
    await this.store(outcome.value, version);
    this.ports.logger.log('seed stored');
    await this.putTags(await this.lookAgain(version), []);
    // A Delete of the device that had this name before may not be over yet, and take ours for that one.
    return !versions.staged.some((each) => hashesIn(each)?.device === this.arnHash);
  }

  /** Whether another delivery of this Create has stored a seed: then the device was there, and its Delete has deleted it. */
  private wasMadeBefore({ staged }: SecretVersions): boolean {
    return staged.some((version) => {
      const hashes = hashesIn(version);
      const isOurs = hashes?.device === this.arnHash && hashes.creation === hashOf(this.creation);
      return isOurs && !this.made.includes(version) && !this.lost.includes(version);
    });
  }

  private async store(seed: SecretText, version: string): Promise<void> {
    try {
      await this.attempts.make(async (attempt) => {
        const made = attempt === 1 ? undefined : (await this.readTags())?.seedVersion;
        if (made === undefined ? this.isSettled : made !== version) {
          // Ours was deleted, and somebody may have created one under its name.
          this.isReplaced = true;
          throw new Overtaken();
        }
        // In each attempt, because another device's seed may have been stored since the last one.
        await this.freeVersions();
        await this.ports.seeds.write(this.properties.SeedSecretArn, seed, version);
      });
    } catch (error) {
      if (!this.isReplaced && (await this.discardUnlessStored(version)) === 'stored') {
        return;
      }
      throw error;
    }
  }

  /** What failed first is what is told. What fails in here leaves the device to the Delete that follows. */
  private async discardUnlessStored(version: string): Promise<'stored' | 'not stored'> {
    try {
      // A secret that is gone takes no seed any more, and its device may have had its Delete.
      if ((await this.versionsIfThere())?.current === version) {
        return 'stored';
      }
      await this.discard(version);
    } catch {
      this.ports.logger.log('the device stays without its seed');
    }
    return 'not stored';
  }

  /** Deletes the device with this version, and not one that somebody has made since under the same name. */
  private async discard(version: string): Promise<void> {
    for (let round = 1; ; round++) {
      const outcome = await this.attempts.make(async () => {
        const made = (await this.readTags())?.seedVersion;
        // The device and its tags may not be readable yet.
        if (made === version || (made === undefined && !this.isSettled)) {
          await this.deleteDevice();
        }
      });
      if (outcome.kind === 'accept') {
        this.noteGone();
      }
      if (outcome.kind !== 'readState') {
        return;
      }
      // After a lost response, the tags may still be those of the device that the call has deleted.
      await (outcome.error.effectUnknown ? this.settle() : this.attempts.backOff(round));
      if ((await this.readTags())?.seedVersion !== version) {
        return;
      }
    }
  }

  /** The device and the secret must both have this version, and no other device's: nobody wrote to them meanwhile. */
  private async lookAgain(version: string): Promise<DeviceTags> {
    const until = this.ports.clock.now() + VISIBILITY_MS;
    for (let look = 1; ; look++) {
      const tags = await this.readTags();
      this.stopIfOvertaken(tags);
      const versions = await this.versionsUnlessDeleted();
      if (tags?.seedVersion === version && versions?.current === version) {
        return tags;
      }
      await this.attempts.backOff(look, until, () =>
        tags === undefined || versions === undefined ? new Overtaken() : failures.overwritten(this.properties),
      );
    }
  }

  /** CloudFormation deletes a secret that this request has just written to only after the Delete of this resource. */
  private async versionsUnlessDeleted(): Promise<SecretVersions | undefined> {
    const versions = await this.versionsIfThere();
    return versions === undefined || versions.isDeleted ? undefined : this.freeAmong(versions);
  }

  /** Decides about a device that exists; false: look at it again. */
  private async takeUp(tags: DeviceTags, versions: SecretVersions): Promise<boolean> {
    const { seedVersion: version } = tags;
    if (version !== undefined && this.lost.includes(version)) {
      // IAM may show it for some seconds after its deletion.
      if (!this.discarded.includes(version)) {
        await this.discard(version);
        this.discarded.push(version);
      }
      return false;
    }
    const isOfThisLibrary = tags.isClaimed && hashesIn(tags.seedVersion ?? '') !== undefined;
    if (isOfThisLibrary && isStored(tags, versions)) {
      await this.putTags(tags, []);
      if (this.isSettled) {
        return true;
      }
      await this.settle();
      return false;
    }
    if (isOfThisLibrary && this.isInTheMaking(tags, versions)) {
      await this.awaitItsMaker();
      return false;
    }
    if (!this.hasWaited) {
      await this.settle();
      return false;
    }
    throw isOfThisLibrary || tags.ours !== undefined
      ? this.whyNotStored(tags, versions)
      : failures.madeBySomebodyElse(this.properties);
  }

  /** Whether another delivery of this Create may be about to store the seed. */
  private isInTheMaking(tags: DeviceTags, versions: SecretVersions): boolean {
    const { seedVersion: version = '' } = tags;
    return (
      tags.ours?.creation === this.creation && !versions.staged.includes(version) && !isOfAnotherSecret(tags, versions)
    );
  }

  private async awaitItsMaker(): Promise<void> {
    this.ports.logger.log('waiting for another delivery to store the seed');
    const until = this.ports.clock.now() + MAKING_MS;
    for (let look = 1; ; look++) {
      await this.attempts.backOff(look, until, () => failures.neverStored(this.properties));
      const [tags, versions] = [await this.readTags(), await this.versions()];
      this.stopIfOvertaken(tags);
      if (tags === undefined || !this.isInTheMaking(tags, versions)) {
        return;
      }
    }
  }

  /**
   * What is wrong with the seed in an Update. If there is nothing to change, a secret that is gone is no problem: an
   * Update back after a failed Update must succeed.
   */
  private async problemOfSeed(
    tags: DeviceTags,
    former: readonly string[],
    isSameSecret: boolean,
  ): Promise<Failure | undefined> {
    const isAsDeclared =
      !former.some((key) => tags.hasKey(key)) &&
      [this.claimTagFor(tags), ...this.declaredTags].every((tag) => tags.has(tag));
    if (isSameSecret && isAsDeclared) {
      const found = await this.versionsIfThere();
      if (found === undefined || found.isDeleted) {
        this.ports.logger.log('the secret of the device is gone');
        return undefined;
      }
      return isStored(tags, found) ? undefined : this.whyNotStored(tags, found);
    }
    const versions = await this.versions();
    return isStored(tags, versions) ? undefined : this.whyNotStored(tags, versions);
  }

  private whyNotStored(tags: DeviceTags, versions: SecretVersions): Failure {
    const { seedVersion: version } = tags;
    const { staged, current } = versions;
    if (version === undefined) {
      return failures.untagged(this.properties, this.seedKey, this.arnHash);
    }
    if (isOfAnotherSecret(tags, versions)) {
      return failures.anotherSecret(this.properties, tags.claimsOf(DEVICE_CLAIM_PREFIX));
    }
    return staged.includes(version)
      ? failures.seedReplaced(this.properties, version, current)
      : failures.seedLost(this.properties, version, current);
  }

  /** Writes our claim and the declared tags where they are missing, and removes former ones. */
  private async putTags(tags: DeviceTags, former: readonly string[]): Promise<void> {
    const gone = former.filter((key) => tags.hasKey(key));
    if (gone.length > 0) {
      await this.change(() => this.ports.iam.untagMFADevice(this.serialNumber, gone));
    }
    await this.claim(tags, this.claimTagFor(tags));
    const missing = this.declaredTags.filter((tag) => !tags.has(tag));
    if (missing.length > 0) {
      await this.change(() => this.ports.iam.tagMFADevice(this.serialNumber, missing));
    }
  }

  /** In a single call: after a lost response, nobody knows whose device has the name by now. */
  private async deleteDevice(): Promise<void> {
    await this.observed(
      () => this.ports.iam.deleteVirtualMFADevice(this.serialNumber),
      () => (this.deviceLeft = 'unknown'),
    );
    this.wasChanged = true;
    this.noteGone();
    this.ports.logger.log('device deleted');
  }

  private noteGone(): void {
    this.deviceLeft = 'absent';
    this.claimLeft = 'absent';
  }

  protected override async readTags(): Promise<DeviceTags | undefined> {
    const tags = await super.readTags();
    this.deviceLeft = tags === undefined ? 'absent' : 'exists';
    return tags;
  }

  /** The versions of a secret that may take this device's seed: none is another device's seed, not even a former one. */
  private async freeVersions(): Promise<SecretVersions> {
    return this.freeAmong(await this.versions());
  }

  private freeAmong(versions: SecretVersions): SecretVersions {
    const holders = versions.staged.map((version) => hashesIn(version)?.device);
    if (holders.some((holder) => holder !== undefined && holder !== this.arnHash)) {
      throw failures.secretOfAnotherDevice(this.properties);
    }
    return versions;
  }

  private async versions(): Promise<SecretVersions> {
    const versions = await this.attempts.answerTo(() => this.ports.seeds.versions(this.properties.SeedSecretArn));
    if (versions.isDeleted) {
      throw failures.secretIsDeleted(this.properties);
    }
    return versions;
  }

  /** The versions of the secret; `undefined` if it does not exist. */
  private async versionsIfThere(): Promise<SecretVersions | undefined> {
    const { SeedSecretArn } = this.properties;
    const read = await this.attempts.make(() => this.ports.seeds.versions(SeedSecretArn), 'asks whether it exists');
    return read.kind === 'answered' ? read.value : undefined;
  }

  private get declaredTags(): Tag[] {
    return (this.properties.Tags ?? []).map(({ Key, Value }) => ({ key: Key, value: Value }));
  }

  private get arnHash(): string {
    return sha256(this.serialNumber).slice(0, 16);
  }
}

/** Whether the secret's current version is the seed of this device. */
function isStored(tags: DeviceTags, versions: SecretVersions): boolean {
  const { current } = versions;
  return current !== undefined && tags.seedVersion === current && !isOfAnotherSecret(tags, versions);
}

/** Whether the device was created with another secret; if it doesn't say, no. */
function isOfAnotherSecret({ seedVersion: version = '' }: DeviceTags, { uniqueName }: SecretVersions): boolean {
  const hash = hashesIn(version)?.secret;
  return hash !== undefined && !sha256(uniqueName).startsWith(hash);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** `arn:<partition>:iam::<account>:mfa/<path><name>` */
function nameIn(serialNumber: string): DeviceName {
  const [, path = '', name = ''] = /:mfa(\/(?:.*\/)?)([^/]+)$/.exec(serialNumber) ?? [];
  return { path, name };
}
