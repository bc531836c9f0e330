import type { Blueprint, PlannedResource } from './blueprint';
import type { StackStatus } from './events';
import type { Json, JsonObject } from './json';
import type { Made } from './resources/provider';

/** A resource of a stack as it stands. */
export interface StackResource {
  readonly planned: PlannedResource;
  /** Resolved. */
  readonly properties: JsonObject;
  readonly made: Made;
}

/** An update, or a creation, that has not come to its end. */
export interface OperationUnderWay {
  cancel(): void;
}

/** A stack and what it holds. */
export class Stack {
  status: StackStatus = 'CREATE_IN_PROGRESS';
  reason?: string;
  /** In the order in which they were made. */
  resources: ReadonlyMap<string, StackResource> = new Map();
  outputs: ReadonlyMap<string, Json> = new Map();
  /** Values that other stacks may import, by export name. */
  exports: ReadonlyMap<string, Json> = new Map();
  /** Names of exports of other stacks that this one imports. */
  imports: ReadonlySet<string> = new Set();
  underWay?: OperationUnderWay;

  /**
   * @param id the ARN
   * @param blueprint what it is, or is becoming
   */
  constructor(
    readonly id: string,
    readonly name: string,
    public blueprint: Blueprint,
  ) {}

  /** Whether an operation is at work on it. */
  get busy(): boolean {
    return this.status.endsWith('_IN_PROGRESS');
  }

  /** Adds a resource, or puts it in the place of what it replaces. */
  put(logicalId: string, resource: StackResource): void {
    this.resources = new Map(this.resources).set(logicalId, resource);
  }

  /** The resource is none of the stack's any more. */
  forget(logicalId: string): void {
    this.resources = new Map([...this.resources].filter(([known]) => known !== logicalId));
  }
}
