import { createHmac } from 'node:crypto';

const STEP_MS = 30_000;

/**
 * The accepted distance of the second code's counter from the expected one, both ends included. Observed against AWS,
 * which documents no number. Because of this window, an accepted pair doesn't show that the clock was right.
 */
const FURTHEST_BEHIND = 998;
const FURTHEST_AHEAD = 1000;

/** The cache of codes is cleared when it reaches this size, a few search windows. */
const REMEMBERED_CODES = 8192;

/** What a device has learned from the pairs of codes that it accepted. */
export interface DeviceClockReading {
  /** Steps from the counter at the time of the last accepted pair to that pair's second counter. */
  readonly adjustment: number;
  /** The second counter of the last accepted pair. */
  readonly lastCounter: number;
}

/** A pair of codes in the order in which it is sent. */
export type Codes = readonly [first: string, second: string];

/**
 * Checks pairs of TOTP codes as AWS does for one virtual device, and remembers accepted pairs.
 *
 * The codes must belong to two consecutive counters, in order, and both must be later than the last accepted pair. That
 * memory belongs to the device: it survives deactivation and a change of user. A rejected pair changes nothing.
 */
export class DeviceClock {
  private accepted: DeviceClockReading | undefined;
  private readonly codes = new Map<number, string>();

  /** @param seed the shared secret, decoded */
  constructor(private readonly seed: Uint8Array) {}

  /** The state after the last accepted pair; `undefined` before the first. */
  get reading(): DeviceClockReading | undefined {
    return this.accepted;
  }

  /**
   * Checks a pair that enables or resynchronizes the device. AWS searches around the stored adjustment, which the device
   * keeps when it is deactivated.
   */
  accept([first, second]: Codes, now: number): boolean {
    const current = counterAt(now);
    const match = this.find(first, second, current + (this.accepted?.adjustment ?? 0));
    if (match === undefined) {
      return false;
    }
    this.accepted = { adjustment: match - current, lastCounter: match };
    return true;
  }

  /** The second counter closest to the expected one at which both codes match. */
  private find(first: string, second: string, expected: number): number | undefined {
    for (let distance = 0; distance <= FURTHEST_AHEAD; distance += 1) {
      const behind = expected - distance;
      if (distance <= FURTHEST_BEHIND && this.matches(first, second, behind)) {
        return behind;
      }
      const ahead = expected + distance;
      if (this.matches(first, second, ahead)) {
        return ahead;
      }
    }
    return undefined;
  }

  private matches(first: string, second: string, counter: number): boolean {
    const earliest = this.accepted === undefined ? 1 : this.accepted.lastCounter + 2;
    return counter >= earliest && this.codeOf(counter) === second && this.codeOf(counter - 1) === first;
  }

  /** Cached, because a pair that doesn't match has to be compared with the whole window. */
  private codeOf(counter: number): string {
    const known = this.codes.get(counter);
    if (known !== undefined) {
      return known;
    }
    if (this.codes.size >= REMEMBERED_CODES) {
      this.codes.clear();
    }
    const code = hotp(this.seed, counter);
    this.codes.set(counter, code);
    return code;
  }
}

/** The number of the 30-second step that contains a time. */
function counterAt(epochMs: number): number {
  return Math.floor(epochMs / STEP_MS);
}

/**
 * A six-digit one-time password.
 *
 * @see https://datatracker.ietf.org/doc/html/rfc4226#section-5.3
 */
export function hotp(seed: Uint8Array, counter: number): string {
  const moving = Buffer.alloc(8);
  moving.writeBigUInt64BE(BigInt(counter));
  const digest = createHmac('sha1', seed).update(moving).digest();
  const offset = digest.readUInt8(digest.length - 1) & 0x0f;
  const truncated = digest.readUInt32BE(offset) & 0x7fffffff;
  return String(truncated % 1_000_000).padStart(6, '0');
}
