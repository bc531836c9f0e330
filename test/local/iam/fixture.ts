import { createHash } from 'node:crypto';
import { AwsError } from '../../../local/aws-error';
import { Iam } from '../../../local/iam';
import { hotp } from '../../../local/iam/device-clock';
import { ManualClock } from './manual-clock';

export const ACCOUNT = '123456789012';
export const STEP_MS = 30_000;

/** Bytes that differ between calls but not between runs. */
export function seededRandom(): (bytes: number) => Buffer {
  let calls = 0;
  return (bytes) => {
    calls += 1;
    const block = createHash('sha512').update(String(calls)).digest();
    return Buffer.concat([block, block]).subarray(0, bytes);
  };
}

type Random = (bytes: number) => Buffer;

/** A new IAM and the clock that it uses. */
export function newIam(wrap: (random: Random) => Random = (random) => random): { iam: Iam; clock: ManualClock } {
  const clock = new ManualClock();
  return { iam: new Iam({ clock, accountId: ACCOUNT, random: wrap(seededRandom()) }), clock };
}

/** A device with its seed, as its holder knows it. */
export interface Device {
  readonly serialNumber: string;
  readonly seed: Buffer;
}

export function createDevice(iam: Iam, name: string, more: Record<string, unknown> = {}): Device {
  const { VirtualMFADevice } = iam.call('CreateVirtualMFADevice', { VirtualMFADeviceName: name, ...more }) as {
    VirtualMFADevice: { SerialNumber: string; Base32StringSeed: Buffer };
  };
  return { serialNumber: VirtualMFADevice.SerialNumber, seed: decoded(VirtualMFADevice.Base32StringSeed.toString()) };
}

/** Parameters with a device and the pair of codes that ends `distance` steps from now. */
export function withCodes(userName: string, device: Device, now: number, distance = 0): Record<string, unknown> {
  const second = Math.floor(now / STEP_MS) + distance;
  return {
    UserName: userName,
    SerialNumber: device.serialNumber,
    AuthenticationCode1: hotp(device.seed, second - 1),
    AuthenticationCode2: hotp(device.seed, second),
  };
}

/** The error of a call that must fail. */
export function errorOf(call: () => unknown): { code: string; status: number; message: string } {
  try {
    call();
  } catch (error) {
    if (error instanceof AwsError) {
      return { code: error.code, status: error.status, message: error.message };
    }
    throw error;
  }
  throw new Error('the call did not fail');
}

export function decoded(base32: string): Buffer {
  const bits = [...base32].map((letter) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'),
  );
  const bytes = bits.join('').match(/.{8}/g) ?? [];
  return Buffer.from(bytes.map((byte) => Number.parseInt(byte, 2)));
}
