import { AwsError } from '../aws-error';
import type { Policy } from '../iam/authorization/policy';
import type { SecretTag } from './parameters';

/** A version's value: text or bytes. */
export interface SecretValue {
  readonly SecretString?: string;
  readonly SecretBinary?: Buffer;
}

/** One version of a secret's value. */
export interface SecretVersion {
  readonly id: string;
  readonly value: SecretValue;
  readonly createdAt: number;
  readonly stages: Set<string>;
}

/** The deletion of a secret that still exists. */
export interface Deletion {
  readonly askedAt: number;
  /** When the secret no longer exists. */
  readonly endsAt: number;
  /** Whether RestoreSecret can cancel it. */
  readonly isRestorable: boolean;
}

/** A secret and the versions of its value. */
export class Secret {
  /** Absent if the secret is not marked for deletion. */
  deletion?: Deletion;
  /** The resource-based policy. */
  policy?: { readonly document: string; readonly parsed: Policy };
  private readonly versions = new Map<string, SecretVersion>();

  constructor(
    readonly name: string,
    readonly arn: string,
    readonly createdAt: number,
    readonly description: string | undefined,
    /** ARN of the customer-managed key; `undefined` for the AWS managed key. */
    readonly keyArn: string | undefined,
    public tags: readonly SecretTag[],
  ) {}

  /**
   * Adds a version and makes it current. Writing the same id with the same value again changes nothing.
   *
   * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
   */
  put(id: string, value: SecretValue, now: number): SecretVersion {
    const existing = this.versions.get(id);
    if (existing !== undefined) {
      return this.repeatedWrite(existing, value);
    }
    this.stage('AWSPREVIOUS')?.stages.delete('AWSPREVIOUS');
    const replaced = this.stage('AWSCURRENT');
    replaced?.stages.delete('AWSCURRENT');
    replaced?.stages.add('AWSPREVIOUS');
    const version: SecretVersion = { id, value, createdAt: now, stages: new Set(['AWSCURRENT']) };
    this.versions.set(id, version);
    return version;
  }

  /**
   * Moves a staging label, or removes it, except AWSCURRENT. The version that loses AWSCURRENT gets AWSPREVIOUS.
   *
   * @param to the version that gets the label; absent: none
   * @param from the version that must have it now; absent: no version has it
   * @see https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html
   */
  moveStage(label: string, to: string | undefined, from: string | undefined): void {
    const holder = this.stage(label);
    if (holder?.id !== from && holder?.id !== to) {
      throw new AwsError(
        'InvalidParameterException',
        400,
        `The parameter RemoveFromVersionId can't be empty or different. Staging label ${label} is currently attached to version ${holder?.id}, so you must explicitly reference that version in RemoveFromVersionId.`,
      );
    }
    if (label === 'AWSCURRENT' && to === undefined) {
      throw new AwsError(
        'InvalidParameterException',
        400,
        'You can only move staging label AWSCURRENT to a different secret version. It can’t be completely removed.',
      );
    }
    const receiver = to === undefined ? undefined : this.versions.get(to);
    if (to !== undefined && receiver === undefined) {
      throw new AwsError(
        'ResourceNotFoundException',
        400,
        `Secrets Manager can't find the specified secret version: ${to}`,
      );
    }
    if (holder === receiver) {
      return;
    }
    holder?.stages.delete(label);
    receiver?.stages.add(label);
    if (label === 'AWSCURRENT' && holder !== undefined) {
      this.stage('AWSPREVIOUS')?.stages.delete('AWSPREVIOUS');
      holder.stages.add('AWSPREVIOUS');
    }
  }

  /** The versions, oldest first. Those without staging labels are deprecated. */
  allVersions(withDeprecated: boolean): SecretVersion[] {
    return [...this.versions.values()].filter(({ stages }) => withDeprecated || stages.size > 0);
  }

  /** A copy, which can be changed while readers still see this secret. */
  copy(): Secret {
    const { name, arn, createdAt, description, keyArn, tags, deletion, policy } = this;
    const copy = Object.assign(new Secret(name, arn, createdAt, description, keyArn, tags), { deletion, policy });
    for (const version of this.versions.values()) {
      copy.versions.set(version.id, { ...version, stages: new Set(version.stages) });
    }
    return copy;
  }

  /** Adds tags, or changes their values. */
  tag(tags: readonly SecretTag[]): void {
    this.untag(tags.map(({ Key }) => Key));
    this.tags = [...this.tags, ...tags];
  }

  untag(keys: readonly string[]): void {
    this.tags = this.tags.filter(({ Key }) => !keys.includes(Key));
  }

  version(id: string): SecretVersion | undefined {
    return this.versions.get(id);
  }

  /** The version with a staging label. */
  stage(label: string): SecretVersion | undefined {
    return [...this.versions.values()].find(({ stages }) => stages.has(label));
  }

  /** Staging labels by version id, for versions that have labels and were created by the given time. */
  versionIdsToStages(asOf: number): Record<string, string[]> {
    const staged = [...this.versions.values()].filter(({ stages, createdAt }) => stages.size > 0 && createdAt <= asOf);
    return Object.fromEntries(staged.map(({ id, stages }) => [id, [...stages]]));
  }

  /** When the last value was written. */
  get changedAt(): number {
    return Math.max(this.createdAt, ...[...this.versions.values()].map(({ createdAt }) => createdAt));
  }

  private repeatedWrite(existing: SecretVersion, value: SecretValue): SecretVersion {
    const same =
      existing.value.SecretString === value.SecretString &&
      Buffer.compare(existing.value.SecretBinary ?? Buffer.of(), value.SecretBinary ?? Buffer.of()) === 0;
    if (!same) {
      throw new AwsError(
        'ResourceExistsException',
        400,
        `You can't use ClientRequestToken ${existing.id} because that value is already in use for a version of secret ${this.arn}.`,
      );
    }
    return existing;
  }
}
