import type { Blueprint } from './blueprint';
import type { Change } from './change';
import type { ResourceStatus, StackStatus } from './events';
import type { Json } from './json';
import type { StackResource, UnusedResource } from './stack-resource';

/** What a rollback restores. */
export type StackState = Pick<Stack, 'blueprint' | 'resources' | 'outputs' | 'exports' | 'imports'>;

/** What operations without rollback left when they failed. The next operation goes on from there, or rolls back. */
export interface Unfinished extends Changes {
  /** The last stable state; absent if the stack was never complete. */
  readonly stable?: StackState;
  /** Physical resources whose creation failed. The next operation deletes them. */
  readonly failed: readonly StackResource[];
  /** Logical ids of resources whose update in place failed. The next update repeats it. */
  readonly failedUpdates: ReadonlySet<string>;
}

/** What changed since the last stable state. */
export interface Changes {
  readonly changes: ReadonlyMap<string, Change>;
  /** Physical resources that were created since that state, and then replaced. */
  readonly superseded: readonly StackResource[];
}

/** The last event of a resource. */
export interface ReportedResource {
  readonly type: string;
  readonly status: ResourceStatus;
  readonly physicalId?: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

/** An update or a creation in progress. */
export interface OperationUnderWay {
  cancel(): void;
}

/** A stack and its resources. */
export class Stack {
  status: StackStatus = 'CREATE_IN_PROGRESS';
  reason?: string;
  /** The resources in the order of their creation. */
  resources: ReadonlyMap<string, StackResource> = new Map();
  outputs: ReadonlyMap<string, Json> = new Map();
  /** Values that other stacks can import, by export name. */
  exports: ReadonlyMap<string, Json> = new Map();
  /** Names of the exports of other stacks that this stack imports. */
  imports: ReadonlySet<string> = new Set();
  underWay?: OperationUnderWay;
  /** Absent unless the last operation failed without rollback. */
  unfinished?: Unfinished;
  /** Physical resources that a failed operation has left. */
  unused: readonly UnusedResource[] = [];

  /** The last events of resources, by logical id. */
  readonly reported = new Map<string, ReportedResource>();

  /**
   * @param id the ARN
   * @param blueprint the current or planned state
   */
  constructor(
    readonly id: string,
    readonly name: string,
    public blueprint: Blueprint,
    /** Milliseconds since the epoch. */
    readonly createdAt: number,
  ) {}

  /** Whether an operation is in progress. */
  get busy(): boolean {
    return this.status.endsWith('_IN_PROGRESS');
  }

  /** The current state. */
  get state(): StackState {
    const { blueprint, resources, outputs, exports, imports } = this;
    return { blueprint, resources, outputs, exports, imports };
  }

  /** Records an event of a resource. What is deleted behind a replacement is no longer the resource. */
  note(logicalId: string, event: ReportedResource): void {
    const current = this.resources.get(logicalId)?.physical.physicalId;
    const isOldHalf = event.status.startsWith('DELETE') && current !== undefined && event.physicalId !== current;
    if (!isOldHalf) {
      this.reported.set(logicalId, event);
    }
  }

  /** Forgets the events of resources that the stack no longer has. */
  forgetReported(): void {
    for (const logicalId of this.reported.keys()) {
      if (!this.resources.has(logicalId)) {
        this.reported.delete(logicalId);
      }
    }
  }

  /** Adds a resource, or replaces the one with the same logical id. */
  put(logicalId: string, resource: StackResource): void {
    this.resources = new Map(this.resources).set(logicalId, resource);
  }

  /** Removes a resource from the stack. */
  forget(logicalId: string): void {
    this.resources = new Map([...this.resources].filter(([known]) => known !== logicalId));
  }
}
