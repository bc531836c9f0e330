import { createHash } from 'node:crypto';
import {
  deviceClaimKey,
  deviceClaimValue,
  deviceHashIn,
  DeviceProperties,
  SEED_VERSION_KEY,
  seedVersion,
} from '../lib/contract';
import { Attempts } from './attempts';
import { DeviceTags } from './device-tags';
import { Cause, Failure } from './failure';
import { CallError, DeviceName, SecretText, Tag } from './ports';
import { Declaration, Ports, Work } from './resource';

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
      const version = await this.currentVersion();
      if (version !== undefined && deviceHashIn(version) !== undefined && deviceHashIn(version) !== this.arnHash) {
        throw new Failure(secretOfAnotherDevice(this.properties), 'SeedOfAnotherDevice');
      }
      const found = await this.attempts.lookTwice(
        () => this.look(),
        (read) => read === undefined || this.isOfThisRequest(read) || read.ours || isStored(read, version),
      );
      if (await (found === undefined ? this.make() : this.takeUp(found))) {
        return;
      }
      await this.attempts.backOff(round);
    }
  }

  /** Makes sure that the device is there, with our claim and the declared tags, and that the secret holds its seed. */
  async update(old: Readonly<Record<string, unknown>>): Promise<void> {
    const version = await this.currentVersion();
    const found = await this.attempts.lookTwice(
      () => this.look(),
      (read) => read !== undefined && read.ours && isStored(read, version),
    );
    if (found === undefined) {
      throw new Failure(gone(this.properties), 'NoSuchEntity');
    }
    if (!isStored(found, version)) {
      throw new Failure(this.whyNotStored(found, old), 'SeedNotStored');
    }
    await this.putTags(found);
    const stays = (this.properties.Tags ?? []).map(({ Key }) => Key.toLowerCase());
    for (const { Key } of tagsIn(old)) {
      // IAM compares keys without regard to case.
      if (!stays.includes(Key.toLowerCase())) {
        await this.change(() => this.ports.iam.untagMFADevice(this.properties.SerialNumber, Key));
      }
    }
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
          throw new Failure(inUse(this.properties, found.enrollmentClaims), 'DeleteConflict');
      }
    }
    return true;
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
  private async make(): Promise<boolean> {
    const version = seedVersion(this.arnHash, this.ports.uuid());
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
    await this.store(made.value, version);
    await this.lookAgain(version);
    return true;
  }

  private async store(seed: SecretText, version: string): Promise<void> {
    try {
      await this.attempts.make(() => this.ports.seeds.write(this.properties.SeedSecretArn, seed, version));
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
      if ((await this.currentVersion()) === version) {
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

  /** The device and the secret must both bear this version: nobody came in between. */
  private async lookAgain(version: string): Promise<void> {
    for (let look = 1; ; look++) {
      const [tags, current] = [await this.look(), await this.currentVersion()];
      if (current !== version || (tags?.seedVersion ?? version) !== version) {
        throw new Failure(overtaken(this.properties), 'Overtaken');
      }
      if (tags?.seedVersion === version) {
        return;
      }
      await this.attempts.backOff(look, Infinity, () => new Failure(overtaken(this.properties), 'Overtaken'));
    }
  }

  private whyNotStored({ seedVersion: version }: DeviceTags, old: Readonly<Record<string, unknown>>): Cause {
    if (version === undefined) {
      return untagged(this.properties);
    }
    return old.SeedSecretArn === this.properties.SeedSecretArn
      ? seedReplaced(this.properties, version)
      : anotherSecret(this.properties);
  }

  /** Decides about a device that exists; false: look at it again. */
  private async takeUp(found: DeviceTags): Promise<boolean> {
    if (this.isOfThisRequest(found)) {
      await this.deleteDevice();
      return false;
    }
    const version = await this.currentVersion();
    if (isStored(found, version)) {
      await this.putTags(found);
      return (await this.look()) !== undefined;
    }
    if (found.ours) {
      await this.awaitItsMaker();
      return false;
    }
    throw found.seedVersion === undefined
      ? new Failure(madeBySomebodyElse(this.properties), 'EntityAlreadyExists')
      : new Failure(anotherSecret(this.properties), 'SeedNotStored');
  }

  /** A Create that came before this one has made the device and may be about to store its seed. */
  private async awaitItsMaker(): Promise<void> {
    this.ports.logger.log('waiting for another Create to store the seed');
    for (let look = 1; ; look++) {
      await this.attempts.backOff(look, Infinity, () => new Failure(neverStored(this.properties), 'SeedNotStored'));
      const [found, version] = [await this.look(), await this.currentVersion()];
      if (found === undefined || !found.ours || isStored(found, version)) {
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

  private async currentVersion(): Promise<string | undefined> {
    const outcome = await this.attempts.make(() => this.ports.seeds.currentVersion(this.properties.SeedSecretArn));
    return outcome.kind === 'answered' ? outcome.value : undefined;
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
    return createHash('sha256').update(this.properties.SerialNumber).digest('hex').slice(0, 16);
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
function isStored({ seedVersion: version }: DeviceTags, current: string | undefined): boolean {
  return version !== undefined && version === current;
}

/** `arn:<partition>:iam::<account>:mfa/<path><name>` */
function nameIn(serialNumber: string): DeviceName {
  const [, path = '', name = ''] = /:mfa(\/(?:.*\/)?)([^/]+)$/.exec(serialNumber) ?? [];
  return { path, name };
}

function tagsIn({ Tags: tags }: Readonly<Record<string, unknown>>): readonly { readonly Key: string }[] {
  return Array.isArray(tags) ? (tags as { Key: string }[]) : [];
}

const NEW_DEVICE = "make a new device by another name, or by raising 'generation' where the name is a default one";

function secretOfAnotherDevice({ SeedSecretArn }: DeviceProperties): Cause {
  return {
    cause: `the current version of secret ${SeedSecretArn} is the seed of another device, and storing this device's seed would end the only copy of that one`,
    next: 'give this device a secret of its own',
  };
}

function madeBySomebodyElse({ SerialNumber }: DeviceProperties): Cause {
  return {
    cause: `device ${SerialNumber} exists already, and no VirtualMfaDevice of this library made it; AWS shows a seed once, so that nothing can be done with it here`,
    next: 'give this device another name, or delete the one that exists if nobody needs it',
  };
}

function anotherSecret({ SerialNumber, SeedSecretArn }: DeviceProperties): Cause {
  return {
    cause: `the current version of secret ${SeedSecretArn} is not the seed of device ${SerialNumber}, which this library made with another secret; AWS shows a seed once, so that it can't be stored anew`,
    next: `name the secret that the device was made with, or ${NEW_DEVICE}`,
  };
}

function seedReplaced({ SerialNumber, SeedSecretArn }: DeviceProperties, version: string): Cause {
  return {
    cause: `the current version of secret ${SeedSecretArn} is not the seed of device ${SerialNumber}: somebody has written to the secret`,
    next: `make version ${version} current again (aws secretsmanager update-secret-version-stage --version-stage AWSCURRENT --move-to-version-id), or ${NEW_DEVICE}`,
  };
}

function untagged({ SerialNumber }: DeviceProperties): Cause {
  return {
    cause: `device ${SerialNumber} has lost its tag '${SEED_VERSION_KEY}': somebody has removed it, or has made the device anew by hand`,
    next: `if it is the same device, put the tag back (its value is the id of the secret's version that holds the seed, which 'aws secretsmanager describe-secret' shows); else ${NEW_DEVICE}`,
  };
}

function gone({ SerialNumber }: DeviceProperties): Cause {
  return {
    cause: `device ${SerialNumber} does not exist any more: somebody has deleted it, and its seed is of no use without it`,
    next: NEW_DEVICE,
  };
}

function neverStored({ SerialNumber, SeedSecretArn }: DeviceProperties): Cause {
  return {
    cause: `an earlier attempt made device ${SerialNumber} and never stored its seed in secret ${SeedSecretArn}`,
    next: 'let CloudFormation delete this resource, which deletes the device',
  };
}

function overtaken({ SerialNumber, SeedSecretArn }: DeviceProperties): Cause {
  return {
    cause: `the seed of device ${SerialNumber} was stored in secret ${SeedSecretArn}, and then somebody else wrote to the device or the secret`,
    next: 'find out who writes to them (CloudTrail shows it)',
  };
}

function inUse({ SerialNumber }: DeviceProperties, enrollmentClaims: readonly string[]): Cause {
  return {
    cause: `device ${SerialNumber} is enabled for a user (DeleteConflict)${enrollmentClaims.length === 0 ? ', and no enrollment of this library did it' : `, and these enrollments claim it: ${enrollmentClaims.join(', ')}`}`,
    next:
      enrollmentClaims.length === 0
        ? `deactivate it ('aws iam list-virtual-mfa-devices --assignment-status Assigned' shows whose it is)`
        : 'remove its enrollment first; the keys of the claims name the stack and the resource',
  };
}
