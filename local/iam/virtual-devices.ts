import { AwsError } from '../aws-error';
import { base32 } from './base32';
import type { AccountContext } from './context';
import { History, momentOfRead } from './delays';
import { type Codes, DeviceClock } from './device-clock';
import { type Page, type PageRequest, pageOf } from './pages';
import { type Tag, Tags } from './tags';
import type { User } from './users';

/** The size of a seed that AWS creates: 64 Base32 characters. */
const SEED_BYTES = 40;

/**
 * The maximum number of MFA devices of a user.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
 */
const MAX_DEVICES_PER_USER = 8;

/** A virtual MFA device. Its seed stays in its clock, which only says whether codes match. */
export interface VirtualDevice {
  readonly serialNumber: string;
  readonly clock: DeviceClock;
  readonly tags: Tags;
  /** The user that the device is enabled for, and since when. */
  assignment: Assignment | undefined;
}

/** What a read of a device shows. */
export interface DeviceView {
  readonly device: VirtualDevice;
  readonly serialNumber: string;
  readonly assignment: Assignment | undefined;
  readonly tags: readonly Tag[];
}

/** A device's user, by id because users can be renamed. */
export interface Assignment {
  readonly userId: string;
  readonly enabledAt: number;
}

/** The codes of a call. */
export interface CodesInput {
  readonly AuthenticationCode1: string;
  readonly AuthenticationCode2: string;
}

/** The virtual MFA devices of one account. */
export class VirtualDevices {
  private readonly devices = new Map<string, VirtualDevice>();
  /** What reads show or have shown, by serial number; `undefined` while a device does not exist. */
  private readonly views = new Map<string, History<DeviceView | undefined>>();

  constructor(private readonly context: AccountContext) {}

  /** Creates a device. Its seed is returned only here, in Base32. */
  create(input: { VirtualMFADeviceName: string; Path?: string; Tags?: readonly Tag[] }): {
    device: VirtualDevice;
    base32Seed: string;
  } {
    const serialNumber = this.serialNumberOf(input);
    if (this.devices.has(serialNumber)) {
      throw new AwsError('EntityAlreadyExists', 409, 'MFA device already exists.');
    }
    const tags = new Tags('sensitive');
    tags.put(input.Tags ?? []);
    const seed = this.context.random(SEED_BYTES);
    const device: VirtualDevice = { serialNumber, clock: new DeviceClock(seed), tags, assignment: undefined };
    this.devices.set(serialNumber, device);
    this.record(serialNumber);
    return { device, base32Seed: base32(seed) };
  }

  serialNumberOf({ VirtualMFADeviceName, Path = '/' }: { VirtualMFADeviceName: string; Path?: string }): string {
    return this.context.arn('mfa', Path, VirtualMFADeviceName);
  }

  find(serialNumber: string): VirtualDevice | undefined {
    return this.devices.get(serialNumber);
  }

  get(serialNumber: string): VirtualDevice {
    const device = this.find(serialNumber);
    if (device === undefined) {
      throw unknownDevice(serialNumber);
    }
    return device;
  }

  delete(serialNumber: string): void {
    const device = this.get(serialNumber);
    if (device.assignment !== undefined) {
      throw new AwsError('DeleteConflict', 409, 'MFA VirtualDevice in use. Must deactivate first.');
    }
    this.devices.delete(serialNumber);
    this.record(serialNumber);
  }

  tag(serialNumber: string, tags: readonly Tag[]): void {
    this.get(serialNumber).tags.put(tags);
    this.record(serialNumber);
  }

  untag(serialNumber: string, keys: readonly string[]): void {
    this.get(serialNumber).tags.remove(keys);
    this.record(serialNumber);
  }

  enable(user: User, serialNumber: string, codes: CodesInput): void {
    const device = this.get(serialNumber);
    if (device.assignment?.userId === user.id) {
      throw new AwsError('EntityAlreadyExists', 409, `MFA Device for user ${user.name} already exists.`);
    }
    if (device.assignment !== undefined) {
      throw new AwsError('EntityAlreadyExists', 409, 'MFA Device is already in use.');
    }
    if (this.of(user).length >= MAX_DEVICES_PER_USER) {
      throw new AwsError('LimitExceeded', 409, `Cannot exceed quota for MfaDevicesPerUser: ${MAX_DEVICES_PER_USER}`);
    }
    const now = this.context.clock.now();
    requireAccepted(device.clock.accept(codesOf(codes), now));
    device.assignment = { userId: user.id, enabledAt: now };
    this.record(serialNumber);
  }

  resync(user: User, serialNumber: string, codes: CodesInput): void {
    const device = this.enabledFor(user, serialNumber);
    requireAccepted(device.clock.accept(codesOf(codes), this.context.clock.now()));
  }

  deactivate(user: User, serialNumber: string): void {
    this.enabledFor(user, serialNumber).assignment = undefined;
    this.record(serialNumber);
  }

  /** The devices enabled for a user. */
  of(user: User): VirtualDevice[] {
    return this.all.filter(({ assignment }) => assignment?.userId === user.id);
  }

  list({
    AssignmentStatus = 'Any',
    ...request
  }: PageRequest & { AssignmentStatus?: 'Assigned' | 'Unassigned' | 'Any' }): Page<VirtualDevice> {
    const matching = this.all.filter(
      ({ assignment }) =>
        AssignmentStatus === 'Any' || (assignment !== undefined) === (AssignmentStatus === 'Assigned'),
    );
    return pageOf(matching, serialNumberOf, request);
  }

  /** The devices that a read shows as enabled for a user. */
  listOf(user: User, request: PageRequest): Page<DeviceView> {
    const moment = this.momentOfRead(this.context.delays.reads);
    const views = [...this.views.values()].map((history) => history.at(moment)).filter((view) => view !== undefined);
    const enabled = views.filter(({ assignment }) => assignment?.userId === user.id);
    return pageOf(enabled, serialNumberOf, request);
  }

  /** The tags that a read shows. */
  listTags(serialNumber: string, request: PageRequest): Page<Tag> {
    const { tags: lag = 0, reads, tagReads = reads } = this.context.delays;
    const history = this.views.get(serialNumber);
    const moment = this.momentOfRead(tagReads);
    const view = history?.at(moment);
    if (view === undefined) {
      throw unknownDevice(serialNumber);
    }
    const delayed = history?.at(moment - lag);
    const tags = delayed?.device === view.device ? delayed.tags : [];
    return pageOf(tags, ({ Key }) => Key, request);
  }

  /** All devices, sorted by serial number. */
  get all(): VirtualDevice[] {
    return [...this.devices.values()].sort((a, b) => (a.serialNumber < b.serialNumber ? -1 : 1));
  }

  private momentOfRead(staleness = 0): number {
    return momentOfRead(this.context.clock.now(), staleness, this.context.random);
  }

  /** Records what reads show from now on. */
  private record(serialNumber: string): void {
    const device = this.find(serialNumber);
    const history = this.views.get(serialNumber) ?? new History<DeviceView | undefined>(undefined);
    history.write(
      device && { device, serialNumber, assignment: device.assignment, tags: device.tags.all },
      this.context.clock.now(),
    );
    this.views.set(serialNumber, history);
  }

  private enabledFor(user: User, serialNumber: string): VirtualDevice {
    const device = this.get(serialNumber);
    if (device.assignment?.userId !== user.id) {
      throw new AwsError('NoSuchEntity', 404, 'MFA Device invalid for user.');
    }
    return device;
  }
}

function serialNumberOf({ serialNumber }: Pick<VirtualDevice, 'serialNumber'>): string {
  return serialNumber;
}

function unknownDevice(serialNumber: string): AwsError {
  return new AwsError('NoSuchEntity', 404, `MFA Device with serial number ${serialNumber} does not exist.`);
}

function codesOf({ AuthenticationCode1, AuthenticationCode2 }: CodesInput): Codes {
  return [AuthenticationCode1, AuthenticationCode2];
}

function requireAccepted(accepted: boolean): void {
  if (!accepted) {
    throw new AwsError('InvalidAuthenticationCode', 403, 'Authentication code for device is not valid.');
  }
}
