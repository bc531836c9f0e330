import {
  CloudFormationClient,
  type CloudFormationClientConfig,
  DescribeStacksCommand,
  ListStackResourcesCommand,
  ListStacksCommand,
  type StackStatus,
} from '@aws-sdk/client-cloudformation';
import {
  IAMClient,
  ListMFADevicesCommand,
  ListMFADeviceTagsCommand,
  ListVirtualMFADevicesCommand,
} from '@aws-sdk/client-iam';
import { DescribeSecretCommand, ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { errorCodeIn, REQUEST_HANDLER } from './aws';
import {
  type EnabledDevice,
  type IamReader,
  type Page,
  type ReadAction,
  ReadError,
  type ReadPorts,
  type ResourceSummary,
  type SecretDescription,
  type SecretReader,
  type StackReader,
  type StackSummary,
  type Tag,
  type VirtualDevice,
} from './ports';

/** What the caller decides about the clients. Absent: what the SDK finds in the environment. */
export type SdkConfig = Pick<CloudFormationClientConfig, 'credentials' | 'profile' | 'endpoint'>;

/** Each call is sent once: `Calls` decides what to try again, and when. */
const CLIENT_CONFIG = {
  maxAttempts: 1,
  retryMode: 'standard',
  requestHandler: REQUEST_HANDLER,
};

/** The largest pages of IAM and of Secrets Manager. */
const IAM_PAGE = 1_000;
const SECRETS_PAGE = 100;

/** All but DELETE_COMPLETE; the compiler checks that the list is complete. */
const LIVE: Readonly<Record<Exclude<StackStatus, 'DELETE_COMPLETE'>, true>> = {
  CREATE_COMPLETE: true,
  CREATE_FAILED: true,
  CREATE_IN_PROGRESS: true,
  DELETE_FAILED: true,
  DELETE_IN_PROGRESS: true,
  IMPORT_COMPLETE: true,
  IMPORT_IN_PROGRESS: true,
  IMPORT_ROLLBACK_COMPLETE: true,
  IMPORT_ROLLBACK_FAILED: true,
  IMPORT_ROLLBACK_IN_PROGRESS: true,
  REVIEW_IN_PROGRESS: true,
  ROLLBACK_COMPLETE: true,
  ROLLBACK_FAILED: true,
  ROLLBACK_IN_PROGRESS: true,
  UPDATE_COMPLETE: true,
  UPDATE_COMPLETE_CLEANUP_IN_PROGRESS: true,
  UPDATE_FAILED: true,
  UPDATE_IN_PROGRESS: true,
  UPDATE_ROLLBACK_COMPLETE: true,
  UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS: true,
  UPDATE_ROLLBACK_FAILED: true,
  UPDATE_ROLLBACK_IN_PROGRESS: true,
};
const LIVE_STATUSES = Object.keys(LIVE) as StackStatus[];

/** The read-only ports on the SDK. */
export class SdkReadPorts implements ReadPorts {
  readonly iam: IamReader;
  private readonly stackReaders = new Map<string, StackReader>();
  private readonly secretReaders = new Map<string, SecretReader>();

  /** @param region of IAM's client: IAM is global, but its endpoint depends on the partition */
  constructor(
    region: string,
    private readonly config: SdkConfig = {},
  ) {
    this.iam = new SdkIamReader(new IAMClient({ ...CLIENT_CONFIG, ...config, region }));
  }

  stacks(region: string): StackReader {
    return once(
      this.stackReaders,
      region,
      () => new SdkStackReader(new CloudFormationClient({ ...CLIENT_CONFIG, ...this.config, region })),
    );
  }

  secrets(region: string): SecretReader {
    return once(
      this.secretReaders,
      region,
      () => new SdkSecretReader(new SecretsManagerClient({ ...CLIENT_CONFIG, ...this.config, region })),
    );
  }
}

class SdkIamReader implements IamReader {
  constructor(private readonly client: IAMClient) {}

  async listMFADevices(userName: string, next?: string): Promise<Page<EnabledDevice>> {
    const { MFADevices = [], ...page } = await sent('iam:ListMFADevices', () =>
      this.client.send(new ListMFADevicesCommand({ UserName: userName, Marker: next })),
    );
    return {
      items: MFADevices.map(({ SerialNumber = '', EnableDate }) => ({
        serialNumber: SerialNumber,
        enabledAt: EnableDate?.getTime(),
      })),
      next: markerIn(page),
    };
  }

  async listMFADeviceTags(serialNumber: string, next?: string): Promise<Page<Tag>> {
    const { Tags = [], ...page } = await sent('iam:ListMFADeviceTags', () =>
      this.client.send(new ListMFADeviceTagsCommand({ SerialNumber: serialNumber, Marker: next })),
    );
    return { items: Tags.map(({ Key = '', Value = '' }) => ({ key: Key, value: Value })), next: markerIn(page) };
  }

  async listVirtualMFADevices(next?: string): Promise<Page<VirtualDevice>> {
    const { VirtualMFADevices = [], ...page } = await sent('iam:ListVirtualMFADevices', () =>
      this.client.send(new ListVirtualMFADevicesCommand({ Marker: next, MaxItems: IAM_PAGE })),
    );
    return {
      items: VirtualMFADevices.map(({ SerialNumber = '', User, EnableDate }) => ({
        serialNumber: SerialNumber,
        ...(User?.UserName !== undefined && { userName: User.UserName, enabledAt: EnableDate?.getTime() }),
      })),
      next: markerIn(page),
    };
  }
}

class SdkStackReader implements StackReader {
  constructor(private readonly client: CloudFormationClient) {}

  async describeStack(stackName: string): Promise<StackSummary> {
    const action = 'cloudformation:DescribeStacks';
    const { Stacks = [] } = await sent(action, () =>
      this.client.send(new DescribeStacksCommand({ StackName: stackName })),
    );
    const [stack] = Stacks;
    if (stack?.StackId === undefined) {
      throw new ReadError(action, 'ValidationError');
    }
    return { stackId: stack.StackId, status: stack.StackStatus ?? '' };
  }

  async listStacks(next?: string): Promise<Page<StackSummary>> {
    const { StackSummaries = [], NextToken } = await sent('cloudformation:ListStacks', () =>
      this.client.send(new ListStacksCommand({ NextToken: next, StackStatusFilter: LIVE_STATUSES })),
    );
    return {
      items: StackSummaries.map(({ StackId = '', StackStatus: status = '' }) => ({ stackId: StackId, status })),
      next: NextToken,
    };
  }

  async listStackResources(stackId: string, next?: string): Promise<Page<ResourceSummary>> {
    const { StackResourceSummaries = [], NextToken } = await sent('cloudformation:ListStackResources', () =>
      this.client.send(new ListStackResourcesCommand({ StackName: stackId, NextToken: next })),
    );
    return {
      items: StackResourceSummaries.map((summary) => ({
        logicalId: summary.LogicalResourceId ?? '',
        physicalId: summary.PhysicalResourceId,
        type: summary.ResourceType ?? '',
        status: summary.ResourceStatus ?? '',
      })),
      next: NextToken,
    };
  }
}

class SdkSecretReader implements SecretReader {
  constructor(private readonly client: SecretsManagerClient) {}

  async describeSecret(arn: string): Promise<SecretDescription> {
    const { VersionIdsToStages = {}, DeletedDate } = await sent('secretsmanager:DescribeSecret', () =>
      this.client.send(new DescribeSecretCommand({ SecretId: arn })),
    );
    const staged = Object.keys(VersionIdsToStages);
    return {
      arn,
      current: staged.find((id) => VersionIdsToStages[id]?.includes('AWSCURRENT')),
      staged,
      isScheduledForDeletion: DeletedDate !== undefined,
    };
  }

  async listSecrets(next?: string): Promise<Page<string>> {
    const { SecretList = [], NextToken } = await sent('secretsmanager:ListSecrets', () =>
      this.client.send(
        new ListSecretsCommand({ NextToken: next, MaxResults: SECRETS_PAGE, IncludePlannedDeletion: true }),
      ),
    );
    return { items: SecretList.flatMap(({ ARN }) => (ARN === undefined ? [] : [ARN])), next: NextToken };
  }
}

function markerIn({ IsTruncated, Marker }: { readonly IsTruncated?: boolean; readonly Marker?: string }) {
  return IsTruncated === true ? Marker : undefined;
}

function once<T>(made: Map<string, T>, key: string, make: () => T): T {
  let value = made.get(key);
  if (value === undefined) {
    value = make();
    made.set(key, value);
  }
  return value;
}

/** Codes of a request that was signed at another time than AWS's. */
const WRONG_TIME = /^(?:SignatureDoesNotMatch|InvalidSignature|RequestExpired|RequestTimeTooSkewed|RequestInTheFuture)/;

/** Turns whatever the SDK throws into a `ReadError`, of which nothing but the code is kept. */
async function sent<T>(action: ReadAction, send: () => Promise<T>): Promise<T> {
  for (let isFirst = true; ; isFirst = false) {
    try {
      return await send();
    } catch (error) {
      if (error instanceof ReadError || !(error instanceof Error)) {
        throw error;
      }
      // The SDK's exceptions for AWS's errors say whose fault it was; those for missing credentials are named after that.
      if (!('$fault' in error)) {
        throw new ReadError(action, /^(Credentials|Token)ProviderError$/.test(error.name) ? error.name : undefined);
      }
      const { $metadata = {} } = error as {
        readonly $metadata?: { readonly httpStatusCode?: number; readonly clockSkewCorrected?: boolean };
      };
      // From now on the client signs with AWS's time, because the machine's clock is wrong.
      if (!isFirst || $metadata.clockSkewCorrected !== true || !WRONG_TIME.test(error.name)) {
        throw new ReadError(action, errorCodeIn(error.name), $metadata.httpStatusCode);
      }
    }
  }
}
