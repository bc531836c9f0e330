import type { Clock } from '../clock';
import { base32 } from './base32';
import type { Delays } from './delays';

/** State that the parts of one account's IAM share. */
export class AccountContext {
  /** Can be changed at any time, and applies to earlier writes, too. */
  delays: Delays = {};

  constructor(
    readonly clock: Clock,
    readonly accountId: string,
    readonly partition: string,
    readonly random: (bytes: number) => Buffer,
  ) {}

  /** An ARN of this account. IAM's ARNs have no region. */
  arn(type: 'user' | 'mfa' | 'role', path: string, name: string): string {
    return `arn:${this.partition}:iam::${this.accountId}:${type}${path}${name}`;
  }

  /**
   * A unique id in IAM's format: a prefix for the kind of entity, then letters and digits.
   *
   * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
   */
  uniqueId(prefix: 'AIDA' | 'AROA'): string {
    return prefix + base32(this.random(11)).slice(0, 17);
  }
}
