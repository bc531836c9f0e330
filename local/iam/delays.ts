/**
 * How long IAM takes to show what was written, in milliseconds of the clock's time. An absent delay is 0.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
 */
export interface Delays {
  /** Until adding or removing a role's inline policy takes effect. */
  policy?: number;
  /** Until a new user is visible. `CreateUser` sees it immediately. */
  newUser?: number;
  /** Until a written tag is visible. Removing a tag is visible immediately. */
  tags?: number;
  /** How long a user with the name of a deleted user refuses changes of its devices. */
  recreated?: number;
}

/** A value whose readers see writes with a delay. */
export class DelayedValue<T> {
  private readonly versions: { readonly value: T; readonly writtenAt: number }[] = [];

  /** @param initial the value before the first write becomes visible */
  constructor(private readonly initial: T) {}

  write(value: T, now: number): void {
    this.versions.push({ value, writtenAt: now });
  }

  /** The last value written, visible or not. */
  get latest(): T {
    return this.versions.at(-1)?.value ?? this.initial;
  }

  /** The value that a reader sees whose view is `delay` milliseconds old. */
  visible(now: number, delay: number): T {
    return this.versions.findLast(({ writtenAt }) => now - writtenAt >= delay)?.value ?? this.initial;
  }
}
