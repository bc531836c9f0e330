import type { JsonObject } from '../json';

/** A resource that exists, as templates refer to it. */
export interface Made {
  /** What `Ref` answers. */
  readonly physicalId: string;
  /** What `Fn::GetAtt` answers. */
  readonly attributes: JsonObject;
  /** What is left to do once the stack's operation stands: a nested stack cleans up when its parent does. */
  readonly cleanUp?: () => Promise<void>;
}

/** The resource that a request is about. */
export interface ResourceRequest {
  readonly stackId: string;
  readonly stackName: string;
  readonly logicalId: string;
  readonly type: string;
  /**
   * Aborted when another resource of the stack fails: who waits for others gives up then, who is quick need not care.
   * Missing where nothing cancels the request.
   */
  readonly signal?: AbortSignal;
}

/** Makes, changes and unmakes the resources of one type. Failures are thrown. */
export interface ResourceProvider {
  /** Properties that it knows; a template with others is refused. */
  readonly properties: readonly string[] | 'any';
  /** Attributes that it answers. */
  readonly attributes: readonly string[] | 'any';
  create(properties: JsonObject, request: ResourceRequest): Made | Promise<Made>;
  /** Changes the resource in place, or says that only another resource can have these properties. */
  update(
    made: Made,
    properties: JsonObject,
    before: JsonObject,
    request: ResourceRequest,
  ): Made | 'replace' | Promise<Made | 'replace'>;
  delete(made: Made, properties: JsonObject, request: ResourceRequest): void | Promise<void>;
}

/** The providers of all types. */
export interface ResourceProviders {
  /** @throws AwsError `ValidationError` that names a type that nobody provides */
  of(type: string): ResourceProvider;
}

/** A failed Create or Update that says what was left behind. */
export class ResourceFailure extends Error {
  /**
   * @param reason in words, for the stack event
   * @param physicalId of what has to be deleted, or changed back, now; none where nothing was made
   */
  constructor(
    reason: string,
    readonly physicalId?: string,
  ) {
    super(reason);
    this.name = 'ResourceFailure';
  }
}

/** A request that was refused before it did anything: there is nothing to change back. */
export class ResourceRefusal extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'ResourceRefusal';
  }
}
