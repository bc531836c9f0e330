import { AwsError } from '../aws-error';
import { violationsOf } from '../constraints';
import type { Authorizer, Caller } from '../iam/authorization/caller';
import { CLOUDFORMATION_AUTHORIZATION } from '../iam/authorization/service-authorization';
import type { CloudFormation, StackListing } from './cloudformation';
import {
  CLOUDFORMATION_PARAMETERS,
  type CloudFormationAction,
  type CloudFormationInputs,
  isCloudFormationAction,
} from './api-parameters';
import { validationError } from './validation-error';

/** Output in the API's shape: times are `Date`. */
export type Output = Record<string, unknown>;

type Handlers = { readonly [A in CloudFormationAction]: (input: CloudFormationInputs[A]) => Output };

/** Options of {@link CloudFormationApi}. */
export interface CloudFormationApiOptions {
  readonly cloudFormation: CloudFormation;
  /** 12 digits. */
  readonly accountId: string;
  /** @default aws */
  readonly partition?: string;
  readonly region: string;
  /** Decides whether a call is allowed. */
  readonly authorize: Authorizer;
  /** Items of a page. AWS decides by size: up to 1 MB. @default 100 */
  readonly pageSize?: number;
}

/** The read-only calls of CloudFormation in one region. */
export class CloudFormationApi {
  readonly region: string;

  constructor(private readonly options: CloudFormationApiOptions) {
    this.region = options.region;
  }

  /**
   * Executes one action.
   *
   * @param caller who signed the call; an administrator if absent
   * @throws AwsError as AWS would return it; parameters are checked first, then permissions, then the state
   */
  call(action: string, input: Readonly<Record<string, unknown>>, caller?: Caller): Output {
    if (!isCloudFormationAction(action)) {
      throw new AwsError('InvalidAction', 400, `Could not find operation ${action} for version 2010-05-15`);
    }
    const violations = violationsOf(CLOUDFORMATION_PARAMETERS[action], input);
    if (violations !== undefined) {
      throw validationError(violations);
    }
    const refusal = this.options.authorize(caller, {
      action: `cloudformation:${action}`,
      resource: CLOUDFORMATION_AUTHORIZATION[action] === '*' ? '*' : this.resourceOf(input),
    });
    if (refusal !== undefined) {
      throw new AwsError('AccessDenied', 403, refusal);
    }
    return (this.handlers[action] as (input: unknown) => Output)(input);
  }

  private readonly handlers: Handlers = {
    DescribeStacks: ({ StackName, NextToken }) => {
      if (StackName === undefined) {
        const { items, ...page } = this.pageOf(this.liveStacks(), NextToken);
        return { Stacks: items.map(stackOutput), ...page };
      }
      const stack = this.options.cloudFormation.listedStack(StackName);
      if (stack === undefined) {
        throw validationError(`Stack with id ${StackName} does not exist`);
      }
      return { Stacks: [stackOutput(stack)] };
    },
    ListStacks: ({ StackStatusFilter, NextToken }) => {
      const all = this.options.cloudFormation.listStacks();
      const matching = all.filter(({ status }) => StackStatusFilter?.includes(status) ?? true);
      const { items, ...page } = this.pageOf(matching, NextToken);
      return { StackSummaries: items.map(stackOutput), ...page };
    },
    ListStackResources: ({ StackName, NextToken }) => {
      const { items, ...page } = this.pageOf(this.options.cloudFormation.listStackResources(StackName), NextToken);
      return {
        StackResourceSummaries: items.map(({ logicalId, physicalId, type, status, time }) => ({
          LogicalResourceId: logicalId,
          ...(physicalId !== undefined && { PhysicalResourceId: physicalId }),
          ResourceType: type,
          ResourceStatus: status,
          LastUpdatedTimestamp: new Date(time),
        })),
        ...page,
      };
    },
  };

  private liveStacks(): StackListing[] {
    return this.options.cloudFormation.listStacks().filter(({ status }) => status !== 'DELETE_COMPLETE');
  }

  /** The ARN of the stack that a call names. A name that no stack has matches policies by name. */
  private resourceOf({ StackName }: { readonly StackName?: string }): string {
    const { accountId, partition = 'aws', region, cloudFormation } = this.options;
    if (StackName === undefined || StackName.startsWith('arn:')) {
      return StackName ?? '*';
    }
    const stack = cloudFormation.listedStack(StackName);
    return stack?.stackId ?? `arn:${partition}:cloudformation:${region}:${accountId}:stack/${StackName}/*`;
  }

  private pageOf<T>(all: readonly T[], token: string | undefined): { items: T[]; NextToken?: string } {
    const { pageSize = 100 } = this.options;
    const [, from = '0'] = /^from:(\d+)$/.exec(Buffer.from(token ?? '', 'base64url').toString()) ?? [];
    if (token !== undefined && from === '0') {
      throw validationError('The next token is invalid.');
    }
    const end = Number(from) + pageSize;
    return {
      items: all.slice(Number(from), end),
      ...(end < all.length && { NextToken: Buffer.from(`from:${end}`).toString('base64url') }),
    };
  }
}

function stackOutput({ stackId, stackName, status, reason, createdAt }: StackListing): Output {
  return {
    StackId: stackId,
    StackName: stackName,
    StackStatus: status,
    ...(reason !== undefined && { StackStatusReason: reason }),
    CreationTime: new Date(createdAt),
  };
}
