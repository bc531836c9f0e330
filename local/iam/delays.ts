/**
 * How long IAM takes to show what was written, in milliseconds of the clock's time. What is absent takes no time.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
 */
export interface Delays {
  /** Until an inline policy of a role, put or removed, decides. */
  policy?: number;
  /** Until a new user is found by anything but another creation. */
  newUser?: number;
  /** Until a written tag is read. Removing one shows at once. */
  tags?: number;
  /** For how long a user of a name that was deleted before can't be given or relieved of devices. */
  recreated?: number;
}

/** A value whose readers lag behind its writers. */
export class DelayedValue<T> {
  private readonly versions: { readonly value: T; readonly writtenAt: number }[] = [];

  /** @param initial what readers see before anything that was written has become visible */
  constructor(private readonly initial: T) {}

  write(value: T, now: number): void {
    this.versions.push({ value, writtenAt: now });
  }

  /** What was written last, visible or not. */
  get latest(): T {
    return this.versions.at(-1)?.value ?? this.initial;
  }

  /** What a reader sees that is `delay` milliseconds behind. */
  visible(now: number, delay: number): T {
    return this.versions.findLast(({ writtenAt }) => now - writtenAt >= delay)?.value ?? this.initial;
  }
}
