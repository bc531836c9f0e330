import { randomBytes } from 'node:crypto';

/** Where random bytes come from: `crypto.randomBytes`, or a seeded source where a run has to be repeatable. */
export type Random = (bytes: number) => Buffer;

/** The machine's own source. */
export const systemRandom: Random = randomBytes;

/** A version 4 UUID made of bytes of the given source. */
export function uuid(random: Random): string {
  const bytes = random(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
