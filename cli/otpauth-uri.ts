import { ScureBase32Plugin } from 'otplib';
import { SecretText, type Seed } from '../lambda/seed';

/** What authenticator apps show above the label. */
const ISSUER = 'AWS';

/**
 * What a phone scans to take a device. AWS uses SHA1, six digits, and 30 seconds, which are the defaults.
 *
 * @see https://github.com/google/google-authenticator/wiki/Key-Uri-Format
 */
export function otpauthUri(seed: Seed, label: string): SecretText {
  const secret = new ScureBase32Plugin().encode(seed.reveal()).replace(/=+$/, '');
  return new SecretText(`otpauth://totp/${ISSUER}:${encodeURIComponent(label)}?secret=${secret}&issuer=${ISSUER}`);
}
