import { generate } from 'lean-qr';
import { toPngBuffer } from 'lean-qr/extras/node_export';

/** Pixels of a module. */
const SCALE = 4;

/**
 * The `QRCodePNG` of a new device: the URI that IAM documents, which phones scan.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_VirtualMFADevice.html
 */
export function qrCodePng(deviceName: string, accountId: string, base32Seed: string): Buffer {
  const uri = `otpauth://totp/${encodeURIComponent(deviceName)}@${accountId}?secret=${base32Seed}`;
  return Buffer.from(toPngBuffer(generate(uri), { on: [0, 0, 0], off: [255, 255, 255], scale: SCALE }));
}
