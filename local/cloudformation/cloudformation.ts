import { AwsError } from '../aws-error';
import type { Clock } from '../clock';
import { systemRandom, type Random } from '../lambda/uuid';
import { isSame } from './blueprint';
import type { Engine, UndocumentedBehavior, ResourceFault } from './engine';
import type { StackEvent, StackStatus } from './events';
import type { Json } from './json';
import { NestedStackOperations } from './nested-stacks';
import { nestedStack } from './resources/nested-stack';
import type { ResourceProvider } from './resources/provider';
import type { Stack } from './stack';
import { StackUpdate } from './stack-update';
import { Stacks, type StackSource } from './stacks';
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
  /** Called for every event, when it happens. */
  readonly onEvent?: (event: StackEvent) => void;
  /** The fault to inject into operations on resources. @default none */
  readonly fault?: ResourceFault;
}

/** A stack to create or to update. */
export interface StackRequest extends StackSource {
  readonly stackName: string;
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

  /** Creates a stack. Rolls back if that fails. */
  async createStack({ stackName, ...source }: StackRequest): Promise<StackDescription> {
    if (this.stacks.find(stackName) !== undefined) {
      throw new AwsError('AlreadyExistsException', 400, `Stack [${stackName}] already exists`);
    }
    const { stack, creation } = this.stacks.begin(stackName, source);
    if ((await creation.forward()) === undefined) {
      await creation.rollback();
    }
    return describe(stack);
  }

  /**
   * Updates a stack. Rolls back if that fails.
   *
   * @throws AwsError `ValidationError` "No updates are to be performed." if nothing changes
   */
  async updateStack({ stackName, ...source }: StackRequest): Promise<StackDescription> {
    const stack = this.stacks.existing(stackName);
    const blueprint = this.stacks.blueprintFor(stack, source);
    if (isSame(stack.blueprint, blueprint)) {
      throw validationError('No updates are to be performed.');
    }
    const update = new StackUpdate(this.engine, stack, blueprint);
    if ((await update.forward()) !== undefined) {
      await update.cleanUp();
    } else {
      const leftovers = await update.rollback();
      if (leftovers !== undefined) {
        await update.cleanUpRollback(leftovers);
      }
    }
    return describe(stack);
  }

  /** Whether an update to this request would change anything. */
  isDifferent({ stackName, ...source }: StackRequest): boolean {
    const stack = this.stacks.existing(stackName);
    return !isSame(stack.blueprint, this.stacks.blueprintFor(stack, source));
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
  async deleteStack(stackName: string): Promise<StackDescription> {
    const stack = this.stacks.existing(stackName);
    await this.stacks.delete(stack);
    return describe(stack);
  }

  /** A stack by its name or its id, or `undefined` if there is none. Deleted stacks are found only by their id. */
  describeStack(stackName: string): StackDescription | undefined {
    const stack = this.stacks.find(stackName);
    return stack && describe(stack);
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
    importersOf: (stack, exportName) => stacks().importersOf(stack, exportName),
  };
  const nested = nestedStack(new NestedStackOperations(engine, stacks, options.templateAt ?? (() => undefined)));
  return engine;
}

function describe({ id, name, status, reason, outputs, resources }: Stack): StackDescription {
  return {
    stackId: id,
    stackName: name,
    status,
    ...(reason !== undefined && { reason }),
    outputs: Object.fromEntries(outputs),
    resources: [...resources].map(([logicalId, { planned, physical }]) => ({
      logicalId,
      type: planned.declaration.type,
      physicalId: physical.physicalId,
    })),
  };
}
