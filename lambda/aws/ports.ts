import { type SecretText } from '../seed';
import { type CodePair } from '../totp';

export { SecretText } from '../seed';

/** Time and sleep: the shell's in Lambda, a test's in tests. Only differences of `now` mean anything. */
export interface Clock {
  /** Milliseconds since some fixed moment. */
  now(): number;
  /** Resolves `ms` milliseconds later. */
  sleep(ms: number): Promise<void>;
}

/** How long a call can take, in milliseconds. Then it counts as one without a response. */
export const MOST_CALL_MS = 10_000;

/** The AWS actions that the function uses, as policies spell them. */
export type Action =
  | 'iam:EnableMFADevice'
  | 'iam:DeactivateMFADevice'
  | 'iam:ResyncMFADevice'
  | 'iam:ListMFADevices'
  | 'iam:ListMFADeviceTags'
  | 'iam:TagMFADevice'
  | 'iam:UntagMFADevice'
  | 'iam:CreateVirtualMFADevice'
  | 'iam:DeleteVirtualMFADevice'
  | 'secretsmanager:GetSecretValue'
  | 'secretsmanager:PutSecretValue'
  | 'secretsmanager:DescribeSecret'
  | 'secretsmanager:DeleteSecret';

/** How a call failed: AWS's error code, or `undefined` where no answer came. Never AWS's text, which can quote what it was sent. */
export class CallError extends Error {
  override readonly name = 'CallError';

  constructor(
    readonly action: Action,
    /** The code as the API reference spells it, without the `Exception` that the SDK appends to some. */
    readonly code: string | undefined,
    readonly httpStatus?: number,
  ) {
    super(`${action}: ${code ?? 'no answer'}`);
  }

  /** Whether the call may have taken effect all the same: the answer is lost, or says that AWS itself failed. */
  get effectUnknown(): boolean {
    return this.code === undefined || (this.httpStatus ?? 0) >= 500;
  }
}

export interface Tag {
  readonly key: string;
  readonly value: string;
}

/** The IAM calls used, each sent once. Every one rejects with a `CallError`. */
export interface Iam {
  /** Milliseconds since the epoch by AWS's clock: the date of the latest answer, carried on by the function's clock. */
  awsTime(): number;
  /** The devices that are enabled for a user. */
  listMFADevices(userName: string): Promise<EnabledDevice[]>;
  listMFADeviceTags(serialNumber: string): Promise<Tag[]>;
  tagMFADevice(serialNumber: string, tags: readonly Tag[]): Promise<void>;
  untagMFADevice(serialNumber: string, tagKeys: readonly string[]): Promise<void>;
  enableMFADevice(userName: string, serialNumber: string, codes: CodePair): Promise<void>;
  resyncMFADevice(userName: string, serialNumber: string, codes: CodePair): Promise<void>;
  deactivateMFADevice(userName: string, serialNumber: string): Promise<void>;
  /** Makes a device. Its seed is in this answer, in Base32, and nowhere else ever after. */
  createVirtualMFADevice(device: DeviceName, tags: readonly Tag[]): Promise<SecretText>;
  deleteVirtualMFADevice(serialNumber: string): Promise<void>;
}

/** A device that is enabled for a user. */
export interface EnabledDevice {
  readonly serialNumber: string;
  /** Since when, in milliseconds since the epoch. */
  readonly enabledAt: number;
}

/** The parts of a device's ARN that IAM is given. */
export interface DeviceName {
  /** Begins and ends with a slash. */
  readonly path: string;
  readonly name: string;
}

/** Where seeds are kept. Rejects with a `CallError`. */
export interface SeedStore {
  read(secretArn: string): Promise<SecretText>;
  /** Makes this the current version. The same version stored again is no change. */
  write(secretArn: string, seed: SecretText, version: string): Promise<void>;
  versions(secretArn: string): Promise<SecretVersions>;
  /** Deletes the secret without recovery. It takes effect some seconds later. */
  delete(secretArn: string): Promise<void>;
}

/** What is known of a secret without reading its value. */
export interface SecretVersions {
  /** The end of the complete ARN, name and six random characters: a secret that is created again has another, a replica the same. */
  readonly uniqueName: string;
  /** The id of the current version; `undefined` of a secret that has none. */
  readonly current: string | undefined;
  /** The ids of the versions that bear a staging label; the others can be gone at any time. */
  readonly staged: readonly string[];
  /** Whether the secret is scheduled for deletion: it gives and takes no value then. */
  readonly isDeleted: boolean;
}
