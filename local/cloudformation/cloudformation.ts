import { AwsError } from '../aws-error';
import type { Clock } from '../clock';
import { systemRandom, type Random } from '../lambda/uuid';
import { isSame } from './blueprint';
import type { Engine, FailureOptions, UndocumentedBehavior, ResourceFault } from './engine';
import type { ResourceStatus, StackEvent, StackStatus } from './events';
import type { Json } from './json';
import { NestedStackOperations } from './nested-stacks';
import { nestedStack } from './resources/nested-stack';
import type { ResourceProvider } from './resources/provider';
import type { Stack } from './stack';
import { StackUpdate } from './stack-update';
import { isUnfinished, Stacks, type StackSource } from './stacks';
import { templateError, validationError } from './validation-error';

/** Options of {@link CloudFormation}. */
export interface CloudFormationOptions extends UndocumentedBehavior {
  readonly clock: Clock;
  readonly region: string;
  readonly accountId: string;
  /** @default 'aws' */
  readonly partition?: string;
  /** Source of stack ids and physical names. @default node:crypto */
  readonly random?: Random;
  /** The provider of a resource type, or `undefined` if the type is unknown. Nested stacks are built in. */
  readonly providerOf: (type: string) => ResourceProvider | undefined;
  /** Returns the template of a nested stack by its URL. @default no templates */
  readonly templateAt?: (url: string) => unknown;
  /** The same account's CloudFormation in another region, for `Fn::GetStackOutput`. @default no other regions */
  readonly inRegion?: (region: string) => CloudFormation | undefined;
  /** Called for every event, when it happens. */
  readonly onEvent?: (event: StackEvent) => void;
  /** The fault to inject into operations on resources. @default none */
  readonly fault?: ResourceFault;
}

/** A stack to create or to update. */
export interface StackRequest extends StackSource, FailureOptions {
  readonly stackName: string;
}

/** How to delete a stack. */
export interface DeletionOptions {
  /** Logical ids of resources to leave as they are. Only for a stack in DELETE_FAILED. @default none */
  readonly retainResources?: readonly string[];
}

/** A stack in the shape of `DescribeStacks` and `DescribeStackResources`. */
export interface StackDescription {
  readonly stackId: string;
  readonly stackName: string;
  readonly status: StackStatus;
  readonly reason?: string;
  readonly outputs: Readonly<Record<string, Json>>;
  readonly resources: readonly { readonly logicalId: string; readonly type: string; readonly physicalId: string }[];
}

/** A stack in the shape of `ListStacks`. */
export interface StackListing extends Pick<StackDescription, 'stackId' | 'stackName' | 'status' | 'reason'> {
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** A resource in the shape of `ListStackResources`. */
export interface ResourceListing {
  readonly logicalId: string;
  /** Absent until CloudFormation knows it. */
  readonly physicalId?: string;
  readonly type: string;
  readonly status: ResourceStatus;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

/**
 * CloudFormation in one process: it processes stacks in CloudFormation's order and with CloudFormation's failures. It
 * rejects by name what it doesn't support, before it changes anything.
 *
 * Operations resolve when the stack has reached a final status, whether success or failure; see the returned
 * description. They reject with a `ValidationError` only if the request itself is invalid.
 */
export class CloudFormation {
  private readonly engine: Engine;
  private readonly stacks: Stacks;

  constructor(options: CloudFormationOptions) {
    this.engine = engineOf(options, () => this.stacks);
    this.stacks = new Stacks(this.engine);
  }

  /** Creates a stack. Rolls back if that fails, unless rollback is disabled. */
  async createStack({ stackName, disableRollback, ...source }: StackRequest): Promise<StackDescription> {
    if (this.stacks.find(stackName) !== undefined) {
      throw new AwsError('AlreadyExistsException', 400, `Stack [${stackName}] already exists`);
    }
    const { stack, creation } = this.stacks.begin(stackName, source, { disableRollback });
    if ((await creation.forward()) === undefined) {
      if (disableRollback) {
        creation.keep();
      } else {
        await creation.rollback();
      }
    }
    return describe(stack);
  }

  /**
   * Updates a stack. Rolls back to the last stable state if that fails, unless rollback is disabled.
   *
   * @throws AwsError `ValidationError` "No updates are to be performed." if nothing changes and nothing has failed
   */
  async updateStack({ stackName, disableRollback, ...source }: StackRequest): Promise<StackDescription> {
    const stack = this.stacks.existing(stackName);
    const blueprint = this.stacks.blueprintFor(stack, source, { disableRollback });
    if (isSame(stack.blueprint, blueprint) && !isUnfinished(stack)) {
      throw validationError('No updates are to be performed.');
    }
    const update = new StackUpdate(this.engine, stack, blueprint, { disableRollback });
    if ((await update.forward()) !== undefined) {
      await update.cleanUp();
    } else if (disableRollback && !update.isCanceled) {
      update.keep();
    } else {
      await rollBack(update);
    }
    return describe(stack);
  }

  /** Rolls a stack back to its last stable state, after an operation failed without rollback. */
  async rollbackStack(stackName: string): Promise<StackDescription> {
    const stack = this.stacks.existing(stackName);
    if (!isUnfinished(stack)) {
      throw validationError(`Stack:${stack.id} is in ${stack.status} state and can not be rolled back.`);
    }
    await rollBack(new StackUpdate(this.engine, stack, stack.blueprint), '');
    return describe(stack);
  }

  /** Whether an update to this request would change anything. */
  isDifferent({ stackName, ...source }: StackRequest): boolean {
    const stack = this.stacks.existing(stackName);
    return isUnfinished(stack) || !isSame(stack.blueprint, this.stacks.blueprintFor(stack, source));
  }

  /** Cancels a running update, which then rolls back. */
  cancelUpdate(stackName: string): void {
    const { id, status, underWay } = this.stacks.existing(stackName);
    if (status !== 'UPDATE_IN_PROGRESS' || underWay === undefined) {
      throw validationError(`CancelUpdateStack cannot be called from current stack status: ${status} of ${id}`);
    }
    underWay.cancel();
  }

  /** Deletes a stack. A stack in DELETE_FAILED can be deleted again. */
  async deleteStack(stackName: string, { retainResources = [] }: DeletionOptions = {}): Promise<StackDescription> {
    const stack = this.stacks.existing(stackName);
    await this.stacks.delete(stack, new Set(retainResources));
    return describe(stack);
  }

  /**
   * The value of an output of a stack.
   *
   * @throws AwsError `ValidationError` if there is no such output
   */
  outputOf(stackName: string, outputName: string): Json {
    return this.stacks.outputOf(stackName, outputName);
  }

  /** A stack by its name or its id, or `undefined` if there is none. Deleted stacks are found only by their id. */
  describeStack(stackName: string): StackDescription | undefined {
    const stack = this.stacks.find(stackName);
    return stack && describe(stack);
  }

  /** All stacks, nested and deleted ones included, newest first. */
  listStacks(): StackListing[] {
    return this.stacks.all.map(listing).reverse();
  }

  /** A stack as {@link describeStack} finds it. */
  listedStack(stackName: string): StackListing | undefined {
    const stack = this.stacks.find(stackName);
    return stack && listing(stack);
  }

  /**
   * The resources of a stack, sorted by logical id, with the status of their last event. Those of an operation in
   * progress are included, and so are deleted ones if the whole stack was deleted or rolled back.
   */
  listStackResources(stackName: string): ResourceListing[] {
    const { resources, reported, status, createdAt } = this.stacks.existing(stackName);
    const isListed = (each: ResourceStatus) =>
      each !== 'DELETE_COMPLETE' && each !== 'DELETE_SKIPPED' ? true : /^(ROLLBACK|DELETE)_/.test(status);
    const current = [...resources].map(([logicalId, { planned, physical }]) => ({
      logicalId,
      physicalId: physical.physicalId,
      type: planned.declaration.type,
      status: reported.get(logicalId)?.status ?? 'CREATE_COMPLETE',
      time: reported.get(logicalId)?.time ?? createdAt,
    }));
    const others = [...reported].filter(([logicalId, each]) => !resources.has(logicalId) && isListed(each.status));
    return [...current, ...others.map(([logicalId, each]) => ({ logicalId, ...each }))].sort((a, b) =>
      a.logicalId < b.logicalId ? -1 : 1,
    );
  }
}

function engineOf(options: CloudFormationOptions, stacks: () => Stacks): Engine {
  const { clock, region, accountId, partition = 'aws', random = systemRandom } = options;
  const engine: Engine = {
    clock,
    random,
    onEvent: options.onEvent ?? (() => undefined),
    fault: options.fault ?? (() => undefined),
    oldHalfOrder: options.oldHalfOrder ?? 'ordered',
    rollbackOfReplaced: options.rollbackOfReplaced ?? 'update-then-delete',
    deletionAfterFailure: options.deletionAfterFailure ?? 'goes on',
    failedResourceOrder: options.failedResourceOrder ?? 'delete last',
    stackArnPrefix: `arn:${partition}:cloudformation:${region}:${accountId}:stack/`,
    providers: {
      of: (type) => {
        const provider = type === 'AWS::CloudFormation::Stack' ? nested : options.providerOf(type);
        if (provider === undefined) {
          throw templateError(`resource type ${type} is not supported locally`);
        }
        return provider;
      },
    },
    pseudoParameters: (stackId, stackName) =>
      new Map<string, Json>([
        ['AWS::AccountId', accountId],
        ['AWS::NotificationARNs', []],
        ['AWS::Partition', partition],
        ['AWS::Region', region],
        ['AWS::StackId', stackId],
        ['AWS::StackName', stackName],
        ['AWS::URLSuffix', partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com'],
      ]),
    importValue: (exportName) => stacks().importValue(exportName),
    stackOutput: (stackName, outputName, outputRegion = region) => {
      if (outputRegion === region) {
        return stacks().outputOf(stackName, outputName);
      }
      const elsewhere = options.inRegion?.(outputRegion);
      if (elsewhere === undefined) {
        throw validationError(`Fn::GetStackOutput: region '${outputRegion}' is not served locally`);
      }
      return elsewhere.outputOf(stackName, outputName);
    },
    importersOf: (stack, exportName) => stacks().importersOf(stack, exportName),
  };
  const nested = nestedStack(new NestedStackOperations(engine, stacks, options.templateAt ?? (() => undefined)));
  return engine;
}

async function rollBack(update: StackUpdate, reason?: string): Promise<void> {
  const leftovers = await update.rollback(reason);
  if (leftovers !== undefined) {
    await update.cleanUpRollback(leftovers);
  }
}

function listing({ id, name, status, reason, createdAt }: Stack): StackListing {
  return { stackId: id, stackName: name, status, reason, createdAt };
}

function describe(stack: Stack): StackDescription {
  const { id, name, status, reason, outputs, resources, unfinished, unused } = stack;
  const failed = [...(unfinished?.failed ?? []), ...unused.map(({ resource }) => resource)]
    .map((resource) => [resource.planned.declaration.logicalId, resource] as const)
    .filter(([logicalId]) => !resources.has(logicalId));
  return {
    stackId: id,
    stackName: name,
    status,
    ...(reason !== undefined && { reason }),
    outputs: Object.fromEntries(outputs),
    resources: [...resources, ...failed].map(([logicalId, { planned, physical }]) => ({
      logicalId,
      type: planned.declaration.type,
      physicalId: physical.physicalId,
    })),
  };
}
