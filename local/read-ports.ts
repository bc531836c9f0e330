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
} from '../inspection/ports';
import { AwsError } from './aws-error';
import type { CloudFormationApi } from './cloudformation';
import type { Caller, Iam } from './iam';
import type { SecretsManager } from './secrets-manager';

type Output = Readonly<Record<string, unknown>>;

/** Carries a call to a service in this process. */
export type ReadChannel = (action: ReadAction, call: () => Output) => Promise<Output>;

/** Both the call and its response arrive at once. */
// eslint-disable-next-line @typescript-eslint/require-await -- an error must reject, not throw
export const directReadChannel: ReadChannel = async (_action, call) => call();

/** What the read-only ports of an account in this process are connected to. */
export interface ReadableAccount {
  readonly iam: Iam;
  /** One per region. */
  readonly secretsManagers: readonly SecretsManager[];
  /** One per region. */
  readonly cloudFormations: readonly CloudFormationApi[];
}

const LIVE = ['CREATE', 'UPDATE', 'UPDATE_ROLLBACK', 'ROLLBACK', 'DELETE'].flatMap((operation) =>
  ['IN_PROGRESS', 'COMPLETE', 'FAILED'].map((outcome) => `${operation}_${outcome}`),
);
const LIVE_STATUSES = [
  ...LIVE.filter((status) => status !== 'DELETE_COMPLETE'),
  'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS',
  'UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS',
];

/** The read-only ports of an inspection, connected to the local services in process: no HTTP and no SDK. */
export class InProcessReadPorts implements ReadPorts {
  constructor(
    private readonly account: ReadableAccount,
    private readonly caller?: Caller,
    private readonly channel: ReadChannel = directReadChannel,
  ) {}

  readonly iam: IamReader = {
    listMFADevices: async (userName, next) => {
      const output = await this.callIam('iam:ListMFADevices', { UserName: userName, Marker: next });
      return pageOf<{ SerialNumber: string; EnableDate: Date }, EnabledDevice>(
        output.MFADevices,
        output.Marker,
        ({ SerialNumber, EnableDate }) => ({ serialNumber: SerialNumber, enabledAt: EnableDate.getTime() }),
      );
    },
    listMFADeviceTags: async (serialNumber, next) => {
      const output = await this.callIam('iam:ListMFADeviceTags', { SerialNumber: serialNumber, Marker: next });
      return pageOf<{ Key: string; Value: string }, Tag>(output.Tags, output.Marker, ({ Key, Value }) => ({
        key: Key,
        value: Value,
      }));
    },
    listVirtualMFADevices: async (next) => {
      const output = await this.callIam('iam:ListVirtualMFADevices', { Marker: next, MaxItems: 1000 });
      return pageOf<{ SerialNumber: string; User?: { UserName: string }; EnableDate?: Date }, VirtualDevice>(
        output.VirtualMFADevices,
        output.Marker,
        ({ SerialNumber, User, EnableDate }) => ({
          serialNumber: SerialNumber,
          ...(User && { userName: User.UserName, enabledAt: EnableDate?.getTime() }),
        }),
      );
    },
  };

  stacks(region: string): StackReader {
    const api = this.account.cloudFormations.find((each) => each.region === region);
    const call = (action: ReadAction, input: Output) =>
      this.call(action, () => api!.call(nameIn(action), given(input), this.caller));
    const summaryOf = ({ StackId, StackStatus }: { StackId: string; StackStatus: string }): StackSummary => ({
      stackId: StackId,
      status: StackStatus,
    });
    return {
      describeStack: async (stackName) => {
        const { Stacks } = await call('cloudformation:DescribeStacks', { StackName: stackName });
        return summaryOf((Stacks as Parameters<typeof summaryOf>[0][])[0]!);
      },
      listStacks: async (next) => {
        const input = { NextToken: next, StackStatusFilter: LIVE_STATUSES };
        const output = await call('cloudformation:ListStacks', input);
        return pageOf(output.StackSummaries, output.NextToken, summaryOf);
      },
      listStackResources: async (stackId, next) => {
        const output = await call('cloudformation:ListStackResources', { StackName: stackId, NextToken: next });
        return pageOf<Record<string, string>, ResourceSummary>(
          output.StackResourceSummaries,
          output.NextToken,
          ({ LogicalResourceId = '', PhysicalResourceId, ResourceType = '', ResourceStatus = '' }) => ({
            logicalId: LogicalResourceId,
            physicalId: PhysicalResourceId,
            type: ResourceType,
            status: ResourceStatus,
          }),
        );
      },
    };
  }

  secrets(region: string): SecretReader {
    const service = this.account.secretsManagers.find((each) => each.region === region);
    const call = (action: ReadAction, input: Output) =>
      this.call(action, () => service!.call(nameIn(action), given(input), this.caller));
    return {
      describeSecret: async (arn): Promise<SecretDescription> => {
        const output = await call('secretsmanager:DescribeSecret', { SecretId: arn });
        const stages = output.VersionIdsToStages as Record<string, string[]>;
        const staged = Object.keys(stages);
        return {
          arn,
          current: staged.find((id) => stages[id]!.includes('AWSCURRENT')),
          staged,
          isScheduledForDeletion: output.DeletedDate !== undefined,
        };
      },
      listSecrets: async (next) => {
        const input = { NextToken: next, IncludePlannedDeletion: true };
        const output = await call('secretsmanager:ListSecrets', input);
        return pageOf<{ ARN: string }, string>(output.SecretList, output.NextToken, ({ ARN }) => ARN);
      },
    };
  }

  private callIam(action: ReadAction, input: Output): Promise<Output> {
    return this.call(action, () => this.account.iam.call(nameIn(action), given(input), this.caller));
  }

  private async call(action: ReadAction, call: () => Output): Promise<Output> {
    try {
      return await this.channel(action, call);
    } catch (error) {
      throw error instanceof AwsError
        ? new ReadError(action, error.code.replace(/Exception$/, ''), error.status)
        : error;
    }
  }
}

function pageOf<From, To>(items: unknown, next: unknown, as: (item: From) => To): Page<To> {
  return { items: (items as From[]).map(as), next: next as string | undefined };
}

function nameIn(action: ReadAction): string {
  return action.split(':')[1]!;
}

/** The parameters that are given. */
function given(input: Output): Output {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
}
