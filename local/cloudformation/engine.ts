import type { Clock } from '../clock';
import type { Random } from '../lambda/uuid';
import type { StackEvent } from './events';
import type { Json } from './json';
import type { ResourceProviders } from './resources/provider';
import type { Stack } from './stack';

/** An operation on a resource that CloudFormation is about to begin. */
export interface ResourceOperation {
  readonly stackName: string;
  readonly logicalId: string;
  readonly type: string;
  readonly action: 'create' | 'update' | 'delete';
  readonly phase: 'forward' | 'rollback' | 'cleanup' | 'delete';
}

/**
 * A fault that a test injects before an operation on a resource: throwing makes the operation fail, waiting delays it.
 */
export type ResourceFault = (operation: ResourceOperation) => void | Promise<void>;

/** Behavior of CloudFormation that is undocumented and reported inconsistently. */
export interface UndocumentedBehavior {
  /**
   * Whether cleanup deletes the old half of a replaced resource before its dependencies, or at any time.
   *
   * @default 'ordered'
   */
  readonly oldHalfOrder?: 'ordered' | 'unordered';
  /**
   * What a rollback sends to a custom resource that responded to an Update with a new physical id: an Update back and a
   * Delete of the new id, or only the Delete.
   *
   * @default 'update-then-delete'
   */
  readonly rollbackOfReplaced?: 'update-then-delete' | 'delete-only';
  /**
   * Whether the deletion of a stack, or the rollback of its creation, deletes the dependencies of a resource that it
   * could not delete.
   *
   * @default 'goes on'
   */
  readonly deletionAfterFailure?: 'goes on' | 'stops';
  /**
   * When an update deletes the physical resource whose creation failed in an operation without rollback: before it
   * creates another, or during cleanup.
   *
   * @default 'delete last'
   */
  readonly failedResourceOrder?: 'delete first' | 'delete last';
}

/** How the creation or the update of a stack treats failures. */
export interface FailureOptions {
  /**
   * Keeps what succeeded if the operation fails. The next update goes on from there.
   *
   * @default false
   */
  readonly disableRollback?: boolean;
}

/** What operations on stacks depend on. */
export interface Engine extends Required<UndocumentedBehavior> {
  readonly clock: Clock;
  readonly random: Random;
  readonly providers: ResourceProviders;
  readonly onEvent: (event: StackEvent) => void;
  readonly fault: ResourceFault;
  /** The start of stack ids, up to the stack's name. */
  readonly stackArnPrefix: string;
  /** The values of `AWS::Region` and the other pseudo parameters in this stack. */
  pseudoParameters(stackId: string, stackName: string): ReadonlyMap<string, Json>;
  /** @throws AwsError `ValidationError` if no stack has this export */
  importValue(exportName: string): Json;
  /**
   * The value of an output of a stack.
   *
   * @param region absent for the region of this CloudFormation
   * @throws AwsError `ValidationError` if there is no such output
   */
  stackOutput(stackName: string, outputName: string, region?: string): Json;
  /** The stacks that import an export of this one. */
  importersOf(stack: Stack, exportName: string): readonly Stack[];
}
