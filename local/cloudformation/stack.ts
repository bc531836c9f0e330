import type { Blueprint, PlannedResource } from './blueprint';
import type { StackStatus } from './events';
import type { Json, JsonObject } from './json';
import type { PhysicalResource } from './resources/provider';

/** A resource of a stack. */
export interface StackResource {
  readonly planned: PlannedResource;
  /** The properties with all expressions resolved. */
  readonly properties: JsonObject;
  readonly physical: PhysicalResource;
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

  /**
   * @param id the ARN
   * @param blueprint the current or planned state
   */
  constructor(
    readonly id: string,
    readonly name: string,
    public blueprint: Blueprint,
  ) {}

  /** Whether an operation is in progress. */
  get busy(): boolean {
    return this.status.endsWith('_IN_PROGRESS');
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
