import type { Clock } from '../clock';
import { base32 } from './base32';
import type { Delays } from './delays';

/** What the parts of one account's IAM share. */
export class AccountContext {
  /** Settable at any time: what was written before obeys them too. */
  delays: Delays = {};

  constructor(
    readonly clock: Clock,
    readonly accountId: string,
    readonly partition: string,
    readonly random: (bytes: number) => Buffer,
  ) {}

  /** An ARN of this account: IAM's have no region. */
  arn(type: 'user' | 'mfa' | 'role', path: string, name: string): string {
    return `arn:${this.partition}:iam::${this.accountId}:${type}${path}${name}`;
  }

  /**
   * A unique id as IAM makes them: a prefix that says what it identifies, then letters and digits.
   *
   * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
   */
  uniqueId(prefix: 'AIDA' | 'AROA'): string {
    return prefix + base32(this.random(11)).slice(0, 17);
  }
}
