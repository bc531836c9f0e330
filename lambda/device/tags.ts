import { DEVICE_CLAIM_PREFIX, ENROLLMENT_CLAIM_PREFIX, SEED_VERSION_KEY } from '../../lib/contract';
import { type Tag } from '../aws/ports';

/** What the tags of a device say about who declares it, and where its seed is. */
export class DeviceTags {
  /**
   * @param tags all tags of the device
   * @param ourKey the key of our own claim
   */
  constructor(
    private readonly tags: readonly Tag[],
    private readonly ourKey: string,
  ) {}

  /** Whether our own claim stands. */
  get ours(): boolean {
    return this.tags.some(({ key }) => key === this.ourKey);
  }

  /** Whether others declare the device, too. */
  get others(): boolean {
    return this.tags.some(({ key }) => key.startsWith(DEVICE_CLAIM_PREFIX) && key !== this.ourKey);
  }

  /** The version of the secret that holds the device's seed; `undefined` of a device that this library did not make. */
  get seedVersion(): string | undefined {
    return this.tags.find(({ key }) => key === SEED_VERSION_KEY)?.value;
  }

  /** The enrollments' claims on the device, for people. */
  get enrollmentClaims(): string[] {
    return this.claims(ENROLLMENT_CLAIM_PREFIX);
  }

  /** The claims of those who declare the device, for people. */
  get deviceClaims(): string[] {
    return this.claims(DEVICE_CLAIM_PREFIX);
  }

  private claims(prefix: string): string[] {
    return this.tags.filter(({ key }) => key.startsWith(prefix)).map(({ key, value }) => `${key} (${value})`);
  }

  /** Whether the device bears this tag. */
  has({ key, value }: Tag): boolean {
    return this.tags.some((tag) => tag.key === key && tag.value === value);
  }
}
