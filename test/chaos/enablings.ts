import { claimIn, ENROLLMENT_CLAIM_PREFIX, sentAtOf, tagKey } from '../../lib/contract';
import { declarationOf } from '../../lambda/declaration';
import type { CustomResourceEvent } from '../../lambda/protocol';

/** How a device was enabled last. */
interface Enabling {
  readonly at: number;
  /** The key of the claim of the resource that the library enabled it for; absent: an administrator enabled it. */
  readonly claimKey?: string;
}

/** Longer than after the time in a claim its request can enable the device. */
const OVER_MS = 15 * 60_000;

type Tags = Readonly<Record<string, string>>;

/** Records who enabled each device, and decides without times in claims whether they can show that. */
export class Enablings {
  private readonly last = new Map<string, Enabling>();
  private readonly requestedAt = new Map<string, number>();
  /** Devices that lost claims by hand since the library enabled them. */
  private readonly unclaimed = new Set<string>();

  noteRequest(serialNumber: string, now: number): void {
    this.requestedAt.set(serialNumber, now);
  }

  noteUnclaimed(serialNumber: string): void {
    this.unclaimed.add(serialNumber);
  }

  byHand(serialNumber: string, at: number): void {
    this.last.set(serialNumber, { at });
  }

  byLibrary(serialNumber: string, at: number, event: CustomResourceEvent): void {
    const { stackUuid, logicalId } = declarationOf(event);
    this.unclaimed.delete(serialNumber);
    this.last.set(serialNumber, { at, claimKey: tagKey(ENROLLMENT_CLAIM_PREFIX, stackUuid, logicalId) });
  }

  /** Whether nothing on the device says that the library enabled it, or it did not. */
  mayBeOthers(serialNumber: string, tags: Tags): boolean {
    const { claimKey } = this.last.get(serialNumber) ?? {};
    return claimKey === undefined || tags[claimKey] === undefined || this.unclaimed.has(serialNumber);
  }

  /** Whether an administrator enabled the device long after the last request for it, and its claims have times. */
  mustBeOthers(serialNumber: string, tags: Tags): boolean {
    const { at, claimKey } = this.last.get(serialNumber) ?? {};
    const requestedAt = this.requestedAt.get(serialNumber) ?? 0;
    const claims = Object.entries(tags).filter(([key]) => key.startsWith(ENROLLMENT_CLAIM_PREFIX));
    return (
      at !== undefined &&
      claimKey === undefined &&
      requestedAt + OVER_MS < at &&
      claims.every(([, value]) => sentAtOf(claimIn(value, true).creation) !== undefined)
    );
  }
}
