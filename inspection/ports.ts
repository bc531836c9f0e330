/** The read-only AWS actions of an inspection, as policies spell them. None of them shows a seed. */
export const READ_ACTIONS = [
  'cloudformation:DescribeStacks',
  'cloudformation:ListStackResources',
  'cloudformation:ListStacks',
  'iam:ListMFADevices',
  'iam:ListMFADeviceTags',
  'iam:ListVirtualMFADevices',
  'secretsmanager:DescribeSecret',
  'secretsmanager:ListSecrets',
] as const;
export type ReadAction = (typeof READ_ACTIONS)[number];

/** How a call failed: AWS's error code, or `undefined` if there was no response or no code in it. Never AWS's text. */
export class ReadError extends Error {
  override readonly name = 'ReadError';

  constructor(
    readonly action: ReadAction,
    /** The code as the API reference spells it, without the `Exception` that the SDK appends to some. */
    readonly code: string | undefined,
    readonly httpStatus?: number,
  ) {
    super(`${action}: ${code ?? 'no response'}`);
  }
}

/** Time and sleep. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  sleep(ms: number): Promise<void>;
}

/** One page of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Where the next page begins; absent: this is the last one. */
  readonly next?: string;
}

export interface Tag {
  readonly key: string;
  readonly value: string;
}

/** An MFA device of any kind that is enabled for a user. */
export interface EnabledDevice {
  /** The ARN of a virtual device or of a security key, or the serial number of a hardware token. */
  readonly serialNumber: string;
  /** Milliseconds since the epoch. */
  readonly enabledAt?: number;
}

/** A virtual MFA device of the account, enabled or not. */
export interface VirtualDevice {
  readonly serialNumber: string;
  /** The user that it is enabled for; absent: nobody, or the root user. */
  readonly userName?: string;
  /** Since when, in milliseconds since the epoch. */
  readonly enabledAt?: number;
}

export interface StackSummary {
  readonly stackId: string;
  readonly status: string;
}

export interface ResourceSummary {
  readonly logicalId: string;
  /** Absent until CloudFormation knows it. */
  readonly physicalId?: string;
  readonly type: string;
  readonly status: string;
}

/** What can be known of a secret without permission to read its value. */
export interface SecretDescription {
  readonly arn: string;
  /** The id of the current version; absent: the secret has no value. */
  readonly current?: string;
  /** The ids of the versions with a staging label. */
  readonly staged: readonly string[];
  readonly isScheduledForDeletion: boolean;
}

/** IAM's lists, each call sent once. Every call rejects with a `ReadError`. */
export interface IamReader {
  listMFADevices(userName: string, next?: string): Promise<Page<EnabledDevice>>;
  listMFADeviceTags(serialNumber: string, next?: string): Promise<Page<Tag>>;
  listVirtualMFADevices(next?: string): Promise<Page<VirtualDevice>>;
}

/** The stacks of one region. */
export interface StackReader {
  /** @param stackName name or id */
  describeStack(stackName: string): Promise<StackSummary>;
  /** All stacks that are not deleted, nested ones included. */
  listStacks(next?: string): Promise<Page<StackSummary>>;
  listStackResources(stackId: string, next?: string): Promise<Page<ResourceSummary>>;
}

/** The secrets of one region. */
export interface SecretReader {
  describeSecret(arn: string): Promise<SecretDescription>;
  /** The ARNs of all secrets, also of those that are scheduled for deletion. It can lag some minutes behind. */
  listSecrets(next?: string): Promise<Page<string>>;
}

/** One account, as an inspection reads it. */
export interface ReadPorts {
  readonly iam: IamReader;
  stacks(region: string): StackReader;
  secrets(region: string): SecretReader;
}
