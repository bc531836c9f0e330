import type { PlannedResource } from './blueprint';
import type { JsonObject } from './json';
import type { PhysicalResource } from './resources/provider';

/** A resource of a stack. */
export interface StackResource {
  readonly planned: PlannedResource;
  /** The properties with all expressions resolved. */
  readonly properties: JsonObject;
  readonly physical: PhysicalResource;
}

/** A physical resource that the stack no longer uses. The deletion of the stack deletes it, too. */
export interface UnusedResource {
  readonly resource: StackResource;
  readonly retained: boolean;
}
