import type { Clock } from '../clock';
import type { Random } from '../lambda/uuid';
import type { StackEvent } from './events';
import type { Json } from './json';
import type { ResourceProviders } from './resources/provider';
import type { Stack } from './stack';

/** Something that CloudFormation is about to do to a resource. */
export interface ResourceOperation {
  readonly stackName: string;
  readonly logicalId: string;
  readonly type: string;
  readonly action: 'create' | 'update' | 'delete';
  readonly phase: 'forward' | 'rollback' | 'cleanup' | 'delete';
}

/** What a test does to a resource operation before it begins: an error thrown is its failure, and waiting delays it. */
export type ResourceFault = (operation: ResourceOperation) => void | Promise<void>;

/** Behaviour of CloudFormation that is not documented, and reported in more than one way. */
export interface OpenBehaviour {
  /**
   * Whether clean-up deletes the old half of a replaced resource before what that depends on, or at any time.
   *
   * @default 'ordered'
   */
  readonly oldHalfOrder?: 'ordered' | 'unordered';
  /**
   * Whether a custom resource that answered an Update with a new physical id gets an Update back in a rollback, or only
   * the Delete of the new id.
   *
   * @default 'update-then-delete'
   */
  readonly rollbackOfReplaced?: 'update-then-delete' | 'delete-only';
}

/** What operations on stacks work with. */
export interface Engine extends Required<OpenBehaviour> {
  readonly clock: Clock;
  readonly random: Random;
  readonly providers: ResourceProviders;
  readonly onEvent: (event: StackEvent) => void;
  readonly fault: ResourceFault;
  /** What stack ids begin with, up to the stack's name. */
  readonly stackArnPrefix: string;
  /** What `AWS::Region` and its like mean in this stack. */
  pseudoParameters(stackId: string, stackName: string): ReadonlyMap<string, Json>;
  /** @throws AwsError `ValidationError` when no stack exports it */
  importValue(exportName: string): Json;
  /** The stacks that import an export of this one. */
  importersOf(stack: Stack, exportName: string): readonly Stack[];
}
