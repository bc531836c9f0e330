import { AwsError } from '../aws-error';
import { DelayedValue } from './delays';

/** A tag in the API's shape. */
export interface Tag {
  readonly Key: string;
  readonly Value: string;
}

/**
 * The maximum number of tags of a resource.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
 */
const MAX_TAGS = 50;

/** The tags of one resource. Keys are case-insensitive and keep the case of the last write. */
export class Tags {
  private readonly byKey = new Map<string, DelayedValue<Tag | undefined>>();

  /** Writes all of the tags, or none if one of them is rejected. */
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
    if (new Set([...this.byKey.keys(), ...keys]).size > MAX_TAGS) {
      throw new AwsError('LimitExceeded', 409, `The number of tags has reached the maximum limit: ${MAX_TAGS}.`);
    }
    for (const tag of tags) {
      const value = this.byKey.get(folded(tag.Key)) ?? new DelayedValue<Tag | undefined>(undefined);
      value.write(tag, now);
      this.byKey.set(folded(tag.Key), value);
    }
  }

  remove(keys: readonly string[]): void {
    for (const key of keys) {
      this.byKey.delete(folded(key));
    }
  }

  /** The tags, sorted by key, that a reader sees whose view is `delay` milliseconds old. */
  visible(now: number, delay: number): Tag[] {
    return sorted([...this.byKey.values()].map((tag) => tag.visible(now, delay)));
  }

  /** The tags, sorted by key, as written. */
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
