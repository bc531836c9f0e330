import { AwsError } from '../aws-error';

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

/** The case of tag keys: a user's or role's are case-insensitive and keep the case of the last write. */
export type TagCase = 'sensitive' | 'insensitive';

/**
 * The tags of one resource.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules
 */
export class Tags {
  private readonly byKey = new Map<string, Tag>();

  constructor(private readonly tagCase: TagCase) {}

  /** Writes all of the tags, or none if one of them is rejected. */
  put(tags: readonly Tag[]): void {
    const keys = tags.map(({ Key }) => this.folded(Key));
    const reserved = tags.find(({ Key }) => Key.toLowerCase().startsWith('aws:'));
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
      this.byKey.set(this.folded(tag.Key), tag);
    }
  }

  remove(keys: readonly string[]): void {
    for (const key of keys) {
      this.byKey.delete(this.folded(key));
    }
  }

  /** The tags, sorted by key. */
  get all(): readonly Tag[] {
    return [...this.byKey.values()].sort((a, b) => (a.Key < b.Key ? -1 : 1));
  }

  private folded(key: string): string {
    return this.tagCase === 'sensitive' ? key : key.toLowerCase();
  }
}
