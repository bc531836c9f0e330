import { createHash } from 'node:crypto';
import { hashesIn } from '../lib/contract';
import { type SecretDescription } from './ports';
import { type FindingCode } from './report';
import { type Details } from './texts';

/** Digits of a secret's hash in the id of a version. */
const SECRET_HASH_LENGTH = 10;

/** Which secret a version says that it is in, and whose seed it is. */
export interface SeedVersion {
  readonly id: string;
  readonly secretHash: string;
}

/** Reads the tag with the version of the seed; `undefined` if it is not of this device. */
export function seedVersionOf(id: string | undefined, serialNumber: string): SeedVersion | undefined {
  const hashes = hashesIn(id ?? '');
  return hashes === undefined || hashes.device !== deviceHashOf(serialNumber)
    ? undefined
    : { id: id!, secretHash: hashes.secret };
}

/** Complete ARNs of secrets, by the hash with which versions name them. */
export function secretsByHash(arns: readonly string[]): ReadonlyMap<string, string> {
  return new Map(arns.map((arn) => [sha256(arn.split(':').at(-1) ?? '').slice(0, SECRET_HASH_LENGTH), arn]));
}

/** What is wrong with the seed of a device. */
export function problemOfSeed(
  secret: SecretDescription | undefined,
  { id, secretHash }: SeedVersion,
  serialNumber: string,
): ({ readonly code: FindingCode } & Pick<Details, 'restorable' | 'current' | 'isShared'>) | undefined {
  if (secret === undefined) {
    return { code: 'SECRET_MISSING' };
  }
  const { current, staged, isScheduledForDeletion } = secret;
  if (isScheduledForDeletion) {
    return { code: 'SECRET_SCHEDULED_FOR_DELETION' };
  }
  if (current === id) {
    return undefined;
  }
  const hashes = hashesIn(current ?? '');
  const isOfOther = hashes !== undefined && hashes.device !== deviceHashOf(serialNumber);
  return {
    code: isOfOther ? 'SEED_OF_OTHER_DEVICE' : 'SEED_OVERWRITTEN',
    restorable: staged.includes(id) ? id : undefined,
    current,
    isShared: isOfOther && hashes.secret === secretHash,
  };
}

function deviceHashOf(serialNumber: string): string {
  return sha256(serialNumber).slice(0, 16);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
