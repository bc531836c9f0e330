import { type ReadPorts } from '../../inspection/ports';
import { type Tag } from '../../lambda/aws/ports';
import { type SecretText } from '../../lambda/seed';

/** Which secret to read. */
export interface SecretId {
  /** Name or ARN. */
  readonly id: string;
  /** Absent: the region of the ARN, else that of the environment. */
  readonly region?: string;
  /** The id of a version. Absent: the current version. */
  readonly version?: string;
}

/** AWS as the commands use it. Every call rejects with an `AwsFailure` or a `Failure`. */
export interface Aws {
  /** Milliseconds since the epoch by AWS's clock, at the earliest: AWS tells whole seconds. */
  time(): number;
  /** The serial numbers of all devices that are enabled for a user. */
  devicesOf(userName: string): Promise<string[]>;
  tagsOf(serialNumber: string): Promise<Tag[]>;
  /** The region of the environment; `undefined` if there is none. */
  region(): Promise<string | undefined>;
  /**
   * The ARNs of the secrets of a region, page by page.
   *
   * @param stackName only those that CloudFormation created for this stack, and perhaps others
   */
  secretArns(region: string, stackName?: string): AsyncIterable<readonly string[]>;
  readSecret(secret: SecretId): Promise<SecretText>;
  /**
   * What `status` reads with.
   *
   * @param region of the client for IAM, which is global within a partition
   */
  reader(region: string): Promise<ReadPorts>;
}

/** How a call failed: the code of AWS's error, or `undefined` if no response came. Never AWS's text, which can quote the request. */
export class AwsFailure extends Error {
  override readonly name = 'AwsFailure';

  constructor(
    /** As policies spell it. */
    readonly action: string,
    /** Without the `Exception` that the SDK appends to some. */
    readonly code: string | undefined,
    readonly httpStatus?: number,
  ) {
    super(`${action}: ${code ?? 'no response'}`);
  }
}
