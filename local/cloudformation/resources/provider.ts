import type { JsonObject } from '../json';

/** A physical resource, as templates refer to it. */
export interface PhysicalResource {
  /** The value of `Ref`. */
  readonly physicalId: string;
  /** The values of `Fn::GetAtt`. */
  readonly attributes: JsonObject;
  /** What to do when the stack's operation has succeeded. A nested stack cleans up when its parent does. */
  readonly cleanUp?: () => Promise<void>;
}

/** The resource of a request. */
export interface ResourceRequest {
  readonly stackId: string;
  readonly stackName: string;
  readonly logicalId: string;
  readonly type: string;
  /**
   * Aborted when another resource of the stack fails. Requests that wait for others must then end; quick ones may
   * ignore it. Absent if nothing cancels the request.
   */
  readonly signal?: AbortSignal;
}

/** Creates, updates and deletes the resources of one type. Throws if an operation fails. */
export interface ResourceProvider {
  /** The supported properties. A template with other properties is rejected. */
  readonly properties: readonly string[] | 'any';
  /** The supported attributes of `Fn::GetAtt`. */
  readonly attributes: readonly string[] | 'any';
  /** The properties whose change requires replacement. @default none */
  readonly replacedBy?: readonly string[];
  create(properties: JsonObject, request: ResourceRequest): PhysicalResource | Promise<PhysicalResource>;
  /** Updates the resource, if no property requires replacement. */
  update(
    physical: PhysicalResource,
    properties: JsonObject,
    before: JsonObject,
    request: ResourceRequest,
  ): PhysicalResource | Promise<PhysicalResource>;
  delete(physical: PhysicalResource, properties: JsonObject, request: ResourceRequest): void | Promise<void>;
}

/** The providers of all types. */
export interface ResourceProviders {
  /** @throws AwsError `ValidationError` that names the unsupported type */
  of(type: string): ResourceProvider;
}

/** A failed Create or Update that may have left a resource behind. */
export class ResourceFailure extends Error {
  /**
   * @param reason the reason of the stack event
   * @param physicalId the resource to delete or to update back; absent if nothing was created
   */
  constructor(
    reason: string,
    readonly physicalId?: string,
  ) {
    super(reason);
    this.name = 'ResourceFailure';
  }
}

/** A request that was rejected before it did anything, so there is nothing to undo. */
export class ResourceRefusal extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'ResourceRefusal';
  }
}
