import { createHash } from 'node:crypto';
import { problemOfTag } from '../../lib/checks';
import {
  DEVICE_PROPERTIES,
  deviceClaimKey,
  deviceClaimValue,
  type DeviceProperties,
  hashesIn,
  SEED_VERSION_KEY,
  seedVersion,
} from '../../lib/contract';
import { type Attempts } from '../aws/attempts';
import { DeviceTags } from './tags';
import * as failures from './failures';
import { CallError, type DeviceName, type SecretText, type SecretVersions, type Tag } from '../aws/ports';
import { type Failure } from '../failure';
import { propertiesIn } from '../properties';
import { type Declaration, type Ports, type Work } from '../resource';

/** How long a device and a secret that were just written may show what they were before. */
const VISIBILITY_MS = 30_000;

/**
 * What Create, Update and Delete mean for a virtual MFA device and its seed. AWS shows a seed once, in the answer that
 * makes the device: it goes from there straight into the secret, and a device whose seed got lost is worthless.
 */
export class VirtualMfaDevice implements Work {
  private readonly claim: Tag;
  private readonly left: DeviceLeft = { device: 'not read', ours: 'no', wasChanged: false };
  /** Versions that were to hold seeds which got lost: what bears one of them was made by this very request. */
  private readonly lost: string[] = [];

  constructor(
    private readonly properties: DeviceProperties,
    declaration: Declaration,
    private readonly ports: Ports,
    private readonly attempts: Attempts,
  ) {
    this.claim = {
      key: deviceClaimKey(declaration.stackUuid, declaration.logicalId),
      value: deviceClaimValue(declaration.region, declaration.stackName),
    };
  }

  /** Makes the device and stores its seed, or joins those who declare it with the same secret. */
  async create(): Promise<void> {
    for (let round = 1; ; round++) {
      // A secret that can't take the seed is found out before anything is changed.
      const versions = await this.freeVersions();
      const found = await this.attempts.lookTwice(
        () => this.look(),
        (read) => read === undefined || this.isOfThisRequest(read) || read.ours || isStored(read, versions),
      );
      if (await (found === undefined ? this.make(versions) : this.takeUp(found))) {
        return;
      }
      await this.attempts.backOff(round);
    }
  }

  /** Makes sure that the device is there, with our claim and the declared tags, and that the secret holds its seed. */
  async update(old: Readonly<Record<string, unknown>>): Promise<void> {
    const former = (propertiesIn(DEVICE_PROPERTIES, old).Tags ?? [])
      // A key that is refused was never written: what bears it is not of this resource.
      .filter((tag) => problemOfTag(tag) === undefined)
      .map(({ Key }) => Key)
      .filter((key) => !this.declaredTags.some((tag) => tag.key === key));
    const versions = await this.versions();
    const found = await this.attempts.lookTwice(
      () => this.look(),
      (read) => read !== undefined && read.ours && isStored(read, versions),
    );
    if (found === undefined) {
      throw failures.gone(this.properties);
    }
    if (!isStored(found, versions)) {
      throw this.whyNotStored(found, versions);
    }
    // First what goes, then what comes: the device has room for fifty, and keys may differ in case only.
    for (const key of former) {
      await this.change(() => this.ports.iam.untagMFADevice(this.properties.SerialNumber, key));
    }
    await this.putTags(found);
  }

  /** Withdraws our claim; the last one takes the device with it. */
  async delete(): Promise<void> {
    for (let round = 1; !(await this.undo()); round++) {
      await this.attempts.backOff(round);
    }
  }

  /** False: look at the device again. */
  private async undo(): Promise<boolean> {
    const found = await this.attempts.lookTwice(
      () => this.look(),
      (read) => read !== undefined && read.ours && read.others,
    );
    if (found === undefined) {
      this.ports.logger.log('the device is gone, nothing to undo');
    } else if (!found.ours) {
      this.ports.logger.log('no claim of ours, nothing to undo');
    } else if (found.others) {
      this.ports.logger.log('others declare the device, it stays');
      await this.change(() => this.ports.iam.untagMFADevice(this.properties.SerialNumber, this.claim.key));
      this.left.ours = 'no';
    } else {
      switch (await this.deleteDevice()) {
        case 'deleted':
          return true;
        case 'unknown':
          return false;
        case 'in use':
          throw failures.inUse(this.properties, found.enrollmentClaims);
      }
    }
    return true;
  }

  get wasChanged(): boolean {
    return this.left.wasChanged;
  }

  /** The state that a failure leaves, in words. */
  get stateLeft(): string {
    const device = {
      'not read': [],
      absent: ['the device does not exist'],
      exists: ['the device exists'],
      unknown: ['it is not known whether the device exists, as an answer was lost'],
    }[this.left.device];
    const claim = this.left.ours === 'yes' ? [`it carries the claim tag of this resource, ${this.claim.key}`] : [];
    return [...device, ...claim, ...(this.left.wasChanged ? [] : ['nothing was changed'])].join('; ');
  }

  /** Makes the device and stores its seed; false: look at the device again. */
  private async make({ uniqueName }: SecretVersions): Promise<boolean> {
    const version = seedVersion(this.arnHash, sha256(uniqueName), this.ports.uuid());
    const tags = [this.claim, { key: SEED_VERSION_KEY, value: version }, ...this.declaredTags];
    const made = await this.attempts.make(() =>
      this.observed(
        () => this.ports.iam.createVirtualMFADevice(nameIn(this.properties.SerialNumber), tags),
        () => (this.left.device = 'unknown'),
      ),
    );
    if (made.kind !== 'answered') {
      // If it took effect, the seed went with the answer. If somebody else was faster, nothing bears this version.
      this.lost.push(version);
      return false;
    }
    Object.assign(this.left, { device: 'exists', ours: 'yes', wasChanged: true } satisfies DeviceLeft);
    this.ports.logger.log('device made');
    await this.store(made.value, version);
    this.ports.logger.log('seed stored');
    await this.lookAgain(version);
    return true;
  }

  private async store(seed: SecretText, version: string): Promise<void> {
    try {
      await this.attempts.make(async () => {
        // Each time anew: between two attempts, another device's seed may have come to stand there.
        await this.freeVersions();
        await this.ports.seeds.write(this.properties.SeedSecretArn, seed, version);
      });
    } catch (error) {
      if ((await this.discardUnlessStored(version)) === 'stored') {
        return;
      }
      throw error;
    }
  }

  /** What failed first is what is told. What fails in here leaves the device to the Delete that follows. */
  private async discardUnlessStored(version: string): Promise<'stored' | 'not stored'> {
    try {
      if ((await this.readVersions()).current === version) {
        return 'stored';
      }
      await this.discard(version);
    } catch {
      this.ports.logger.log('the device stays without its seed');
    }
    return 'not stored';
  }

  private async discard(version: string): Promise<void> {
    for (let round = 1; (await this.deleteDevice()) === 'unknown'; round++) {
      await this.attempts.backOff(round);
      if ((await this.look())?.seedVersion !== version) {
        return;
      }
    }
  }

  /** The device and the secret must both bear this version, as soon as both can be read: nobody came in between. */
  private async lookAgain(version: string): Promise<void> {
    const until = this.ports.clock.now() + VISIBILITY_MS;
    for (let look = 1; ; look++) {
      const [found, { current }] = [await this.look(), await this.versions()];
      if (found?.seedVersion === version && current === version) {
        return;
      }
      await this.attempts.backOff(look, until, () => failures.overtaken(this.properties));
    }
  }

  private whyNotStored(found: DeviceTags, versions: SecretVersions): Failure {
    const { seedVersion: version } = found;
    const { staged, current } = versions;
    if (version === undefined) {
      return failures.untagged(this.properties);
    }
    if (isOfAnotherSecret(found, versions)) {
      return failures.anotherSecret(this.properties, found.deviceClaims);
    }
    return staged.includes(version)
      ? failures.seedReplaced(this.properties, version, current)
      : failures.seedLost(this.properties);
  }

  /** Decides about a device that exists; false: look at it again. */
  private async takeUp(found: DeviceTags): Promise<boolean> {
    if (this.isOfThisRequest(found)) {
      await this.deleteDevice();
      return false;
    }
    const versions = await this.versions();
    if (isStored(found, versions)) {
      await this.putTags(found);
      return (await this.look()) !== undefined;
    }
    if (this.isInTheMaking(found, versions)) {
      await this.awaitItsMaker();
      return false;
    }
    throw !found.ours && found.seedVersion === undefined
      ? failures.madeBySomebodyElse(this.properties)
      : this.whyNotStored(found, versions);
  }

  /** Whether a Create that came before this one may be about to store the seed. */
  private isInTheMaking(found: DeviceTags, versions: SecretVersions): boolean {
    const version = found.seedVersion;
    const wasStored = version !== undefined && versions.staged.includes(version);
    return found.ours && version !== undefined && !wasStored && !isOfAnotherSecret(found, versions);
  }

  private async awaitItsMaker(): Promise<void> {
    this.ports.logger.log('waiting for another Create to store the seed');
    for (let look = 1; ; look++) {
      await this.attempts.backOff(look, Infinity, () => failures.neverStored(this.properties));
      const [found, versions] = [await this.look(), await this.versions()];
      if (found === undefined || !found.ours || isStored(found, versions)) {
        return;
      }
    }
  }

  /** Puts our claim and the declared tags where they are missing. */
  private async putTags(found: DeviceTags): Promise<void> {
    for (const tag of [this.claim, ...this.declaredTags]) {
      if (!found.has(tag)) {
        await this.change(() => this.ports.iam.tagMFADevice(this.properties.SerialNumber, tag));
      }
    }
    // Whoever withdraws a claim next must see ours, or would take itself for the last.
    for (let look = 1; !found.ours && (await this.look())?.ours === false; look++) {
      await this.attempts.backOff(look);
    }
  }

  /** Once: after a lost answer, who knows whose device bears the name by now. */
  private async deleteDevice(): Promise<'deleted' | 'in use' | 'unknown'> {
    const outcome = await this.attempts.make(() =>
      this.observed(
        () => this.ports.iam.deleteVirtualMFADevice(this.properties.SerialNumber),
        () => (this.left.device = 'unknown'),
      ),
    );
    if (outcome.kind === 'readState') {
      return outcome.error.effectUnknown ? 'unknown' : 'in use';
    }
    Object.assign(this.left, { device: 'absent', ours: 'no', wasChanged: true } satisfies DeviceLeft);
    this.ports.logger.log('device deleted');
    return 'deleted';
  }

  private async look(): Promise<DeviceTags | undefined> {
    const tags = await this.attempts.make(
      () => this.ports.iam.listMFADeviceTags(this.properties.SerialNumber),
      'asks whether it exists',
    );
    const found = tags.kind === 'answered' ? new DeviceTags(tags.value, this.claim.key) : undefined;
    this.left.device = found === undefined ? 'absent' : 'exists';
    this.left.ours = found?.ours === true ? 'yes' : 'no';
    return found;
  }

  /** The versions of a secret that may take this device's seed: none is the seed of another device, not the former one either. */
  private async freeVersions(): Promise<SecretVersions> {
    const versions = await this.versions();
    const holders = versions.staged.map((version) => hashesIn(version)?.device);
    if (holders.some((holder) => holder !== undefined && holder !== this.arnHash)) {
      throw failures.secretOfAnotherDevice(this.properties);
    }
    return versions;
  }

  private async versions(): Promise<SecretVersions> {
    const versions = await this.readVersions();
    if (versions.isDeleted) {
      throw failures.secretIsDeleted(this.properties);
    }
    return versions;
  }

  private readVersions(): Promise<SecretVersions> {
    return this.attempts.answerTo(() => this.ports.seeds.versions(this.properties.SeedSecretArn));
  }

  private async change(call: () => Promise<void>): Promise<void> {
    await this.attempts.make(() => this.observed(call));
    this.left.wasChanged = true;
  }

  /** Keeps in mind that a call whose answer was lost may have changed something. */
  private async observed<T>(call: () => Promise<T>, onUnknown?: () => void): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (error instanceof CallError && error.effectUnknown) {
        this.left.wasChanged = true;
        onUnknown?.();
      }
      throw error;
    }
  }

  private isOfThisRequest({ seedVersion: version }: DeviceTags): boolean {
    return version !== undefined && this.lost.includes(version);
  }

  private get declaredTags(): Tag[] {
    return (this.properties.Tags ?? []).map(({ Key, Value }) => ({ key: Key, value: Value }));
  }

  private get arnHash(): string {
    return sha256(this.properties.SerialNumber).slice(0, 16);
  }
}

/** What is known of the device while a request works on it. */
interface DeviceLeft {
  device: 'not read' | 'absent' | 'exists' | 'unknown';
  /** Whether our claim stands on it. */
  ours: 'yes' | 'no';
  /** Whether this request has sent anything that changes something. */
  wasChanged: boolean;
}

/** Whether the secret's current version is the seed of this device. */
function isStored(found: DeviceTags, versions: SecretVersions): boolean {
  const { current } = versions;
  return current !== undefined && found.seedVersion === current && !isOfAnotherSecret(found, versions);
}

/** Whether the device was made with another secret; of a device that does not say, no. */
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
