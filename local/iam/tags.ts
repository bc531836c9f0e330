import { AwsError } from '../aws-error';
import { DelayedValue } from './delays';

/** A tag as the API spells it. */
export interface Tag {
  readonly Key: string;
  readonly Value: string;
}

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
const MOST_TAGS = 50;

/** The tags of one resource. Keys are compared without regard to case and kept as they were written last. */
export class Tags {
  private readonly byKey = new Map<string, DelayedValue<Tag | undefined>>();

  /** Writes all of the tags or, where they are refused, none. */
  put(tags: readonly Tag[], now: number): void {
    const keys = tags.map(({ Key }) => folded(Key));
    const reserved = tags.find(({ Key }) => folded(Key).startsWith('aws:'));
    if (reserved !== undefined) {
      throw new AwsError('InvalidInput', 400, `Tag key '${reserved.Key}' is reserved: keys must not begin with aws:`);
    }
    if (new Set(keys).size < keys.length) {
      throw new AwsError(
        'InvalidInput',
        400,
        'Duplicate tag keys found. Please note that Tag keys are case insensitive.',
      );
    }
    if (new Set([...this.byKey.keys(), ...keys]).size > MOST_TAGS) {
      throw new AwsError('LimitExceeded', 409, `The number of tags has reached the maximum limit: ${MOST_TAGS}.`);
    }
    for (const tag of tags) {
      const kept = this.byKey.get(folded(tag.Key)) ?? new DelayedValue<Tag | undefined>(undefined);
      kept.write(tag, now);
      this.byKey.set(folded(tag.Key), kept);
    }
  }

  remove(keys: readonly string[]): void {
    for (const key of keys) {
      this.byKey.delete(folded(key));
    }
  }

  /** The tags, sorted by key, that a reader sees who is `delay` milliseconds behind. */
  visible(now: number, delay: number): Tag[] {
    return sorted([...this.byKey.values()].map((tag) => tag.visible(now, delay)));
  }

  /** The tags, sorted by key, as they were written. */
  get latest(): Tag[] {
    return sorted([...this.byKey.values()].map((tag) => tag.latest));
  }
}

function sorted(tags: readonly (Tag | undefined)[]): Tag[] {
  return tags.filter((tag) => tag !== undefined).sort((a, b) => (a.Key < b.Key ? -1 : 1));
}

function folded(key: string): string {
  return key.toLowerCase();
}
