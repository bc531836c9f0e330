import { randomBytes } from 'node:crypto';

/** A source of random bytes: `crypto.randomBytes`, or a seeded source for reproducible runs. */
export type Random = (bytes: number) => Buffer;

/** Random bytes from node:crypto. */
export const systemRandom: Random = randomBytes;

/** Creates a version 4 UUID. */
export function uuid(random: Random): string {
  const bytes = random(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
