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
  /**
   * How stale reads of MFA devices can be: each shows the state of some moment in this time. A read can show an older
   * state than the read before it.
   */
  reads?: number;
  /** How stale reads of a device's tags can be. @default the staleness of other reads */
  tagReads?: number;
  /** Until every read shows a written or removed tag, and none before that. Reads can be stale besides. */
  tags?: number;
  /** How long a user with the name of a deleted user refuses changes of its devices. */
  recreated?: number;
}

/** A value that remembers its history. */
export class History<T> {
  private readonly versions: { readonly value: T; readonly writtenAt: number }[] = [];

  /** @param initial the value before the first write */
  constructor(private readonly initial: T) {}

  write(value: T, now: number): void {
    this.versions.push({ value, writtenAt: now });
  }

  /** The value at a moment, in milliseconds since the epoch. */
  at(moment: number): T {
    const version = this.versions.findLast(({ writtenAt }) => writtenAt <= moment);
    return version === undefined ? this.initial : version.value;
  }
}

/** A moment in the last `staleness` milliseconds, which a read sees. Both ends are possible. */
export function momentOfRead(now: number, staleness: number, random: (bytes: number) => Buffer): number {
  return staleness === 0 ? now : now - staleness * (random(4).readUInt32BE() / 0xffffffff);
}
