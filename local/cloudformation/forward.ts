import { setMaxListeners } from 'node:events';
import { isDeepStrictEqual } from 'node:util';
import type { Blueprint, PlannedResource } from './blueprint';
import type { Change } from './change';
import { isObject, type Json, type JsonObject } from './json';
import { reasonOf, type Operation } from './operation';
import { exportInUse, failedResources } from './reasons';
import { resolve, type Scope } from './resolve';
import { ResourceFailure, ResourceRefusal, type PhysicalResource } from './resources/provider';
import { runInOrder, type Outcome } from './schedule';
import type { StackResource } from './stack-resource';
import { validationError } from './validation-error';

/** The outputs and exports of a stack. */
export interface Results {
  readonly outputs: ReadonlyMap<string, Json>;
  readonly exports: ReadonlyMap<string, Json>;
}

/** How the first half of an operation treats failures. */
export interface ForwardOptions {
  /**
   * Whether a failure stops only what depends on it, so that everything else can be kept. Otherwise nothing new begins,
   * and requests in progress are canceled.
   */
  readonly goesOn?: boolean;
  /** Logical ids of resources to update even if their properties don't change. */
  readonly repeats?: ReadonlySet<string>;
}

/** The first half of every creation and update: creates and updates resources in the order of the new template. */
export class Forward {
  readonly changes = new Map<string, Change>();
  /** Names of the imported exports of other stacks. */
  readonly imports = new Set<string>();
  /** Physical resources whose creation failed. */
  readonly failedResources: StackResource[] = [];
  /** Logical ids of resources whose update in place failed. */
  readonly failedUpdates = new Set<string>();
  private readonly failed = { create: [] as string[], update: [] as string[] };
  private readonly controller = new AbortController();
  private readonly scope: Scope;
  private stopReason?: string;
  isCanceled = false;

  constructor(
    private readonly operation: Operation,
    private readonly blueprint: Blueprint,
    private readonly options: ForwardOptions = {},
  ) {
    // Every resource in progress adds a listener, so disable the warning about many listeners.
    setMaxListeners(0, this.controller.signal);
    const { engine, stack } = operation;
    this.scope = {
      parameters: blueprint.parameters,
      mappings: blueprint.template.mappings,
      conditions: blueprint.conditions,
      pseudoParameters: engine.pseudoParameters(stack.id, stack.name),
      resource: (logicalId) => stack.resources.get(logicalId)?.physical,
      importValue: (exportName) => {
        const value = engine.importValue(exportName);
        this.imports.add(exportName);
        return value;
      },
      stackOutput: (...output) => engine.stackOutput(...output),
    };
  }

  /** @returns outputs and exports, or `undefined` if the operation failed or was canceled */
  async run(): Promise<Results | undefined> {
    const { resources } = this.blueprint;
    await runInOrder(
      resources.keys(),
      (logicalId) => resources.get(logicalId)?.dependsOn ?? [],
      (logicalId) => this.process(resources.get(logicalId) as PlannedResource),
      this.controller.signal,
    );
    if (this.controller.signal.aborted || this.reason !== '') {
      return undefined;
    }
    try {
      return this.results();
    } catch (error) {
      this.stop(reasonOf(error));
      return undefined;
    }
  }

  /** Cancels the operation. */
  cancel(): void {
    this.isCanceled = true;
    this.stop('User Initiated');
  }

  /** Why the operation stopped, as the reason of a stack event. */
  get reason(): string {
    if (this.stopReason !== undefined) {
      return this.stopReason;
    }
    return failedResources('create', this.failed.create) + failedResources('update', this.failed.update);
  }

  private stop(reason: string): void {
    this.stopReason = reason;
    this.controller.abort();
  }

  private async process(planned: PlannedResource): Promise<Outcome> {
    const { stack } = this.operation;
    const { logicalId } = planned.declaration;
    const before = stack.resources.get(logicalId);
    let properties: JsonObject;
    try {
      properties = this.propertiesOf(planned);
    } catch (error) {
      if (before === undefined) {
        this.changes.set(logicalId, { kind: 'created', planned });
      }
      return this.fail(planned, before === undefined ? 'create' : 'update', error, before?.physical.physicalId);
    }
    if (before === undefined) {
      return this.create(planned, properties, 'CREATE', (after) => ({ kind: 'created', planned, after }));
    }
    if (isDeepStrictEqual(before.properties, properties) && this.options.repeats?.has(logicalId) !== true) {
      stack.put(logicalId, { ...before, planned });
      return 'done';
    }
    return this.update(before, planned, properties);
  }

  /** Creates a physical resource, either for a new logical resource or as the replacement of another physical one. */
  private async create(
    planned: PlannedResource,
    properties: JsonObject,
    as: 'CREATE' | 'UPDATE',
    change: (after?: StackResource) => Change,
  ): Promise<Outcome> {
    const { operation } = this;
    const { logicalId } = planned.declaration;
    if (as === 'CREATE') {
      operation.report(planned, 'CREATE_IN_PROGRESS');
    }
    this.changes.set(logicalId, change());
    let physical: PhysicalResource;
    try {
      physical = await operation.create(planned, properties, 'forward', this.controller.signal);
    } catch (error) {
      const physicalId = error instanceof ResourceFailure ? error.physicalId : undefined;
      if (physicalId !== undefined) {
        this.changes.set(logicalId, change(this.failedResource(planned, properties, physicalId)));
      }
      return this.fail(planned, as === 'CREATE' ? 'create' : 'update', error, physicalId);
    }
    const after: StackResource = { planned, properties, physical };
    this.changes.set(logicalId, change(after));
    operation.stack.put(logicalId, after);
    operation.report(planned, `${as}_IN_PROGRESS`, physical.physicalId, 'Resource creation Initiated');
    operation.report(planned, `${as}_COMPLETE`, physical.physicalId);
    return 'done';
  }

  private async update(before: StackResource, planned: PlannedResource, properties: JsonObject): Promise<Outcome> {
    const { operation } = this;
    const { logicalId } = planned.declaration;
    const { physicalId } = before.physical;
    if (operation.requiresReplacement(before, properties)) {
      if (this.options.goesOn) {
        const refusal = new ResourceRefusal('Replacement type updates not supported on stack with disable-rollback.');
        return this.fail(planned, 'update', refusal, physicalId);
      }
      const reason = 'Requested update requires the creation of a new physical resource; hence creating one.';
      operation.report(planned, 'UPDATE_IN_PROGRESS', physicalId, reason);
      return this.create(planned, properties, 'UPDATE', (after) => ({ kind: 'replaced', before, after }));
    }
    operation.report(planned, 'UPDATE_IN_PROGRESS', physicalId);
    const changed = (after: StackResource): Change => ({
      kind: after.physical.physicalId === physicalId ? 'updated' : 'replaced',
      before,
      after,
    });
    let physical: PhysicalResource;
    try {
      physical = await operation.update(before, planned, properties, 'forward', this.controller.signal);
    } catch (error) {
      // Another id in a FAILED response means another resource, just as in a successful response.
      const failedId = (error instanceof ResourceFailure ? error.physicalId : undefined) ?? physicalId;
      if (!(error instanceof ResourceRefusal)) {
        const isSame = failedId === physicalId;
        const after = isSame
          ? { planned, properties, physical: before.physical }
          : this.failedResource(planned, properties, failedId);
        this.changes.set(logicalId, changed(after));
        this.failedUpdates.add(logicalId);
      }
      return this.fail(planned, 'update', error, failedId);
    }
    const after: StackResource = { planned, properties, physical };
    this.changes.set(logicalId, changed(after));
    operation.stack.put(logicalId, after);
    operation.report(planned, 'UPDATE_COMPLETE', physical.physicalId);
    return 'done';
  }

  private fail(planned: PlannedResource, action: 'create' | 'update', error: unknown, physicalId?: string): Outcome {
    const status = action === 'create' ? 'CREATE_FAILED' : 'UPDATE_FAILED';
    this.operation.report(planned, status, physicalId, reasonOf(error));
    this.failed[action].push(planned.declaration.logicalId);
    if (this.options.goesOn !== true) {
      this.controller.abort();
    }
    return 'failed';
  }

  private failedResource(planned: PlannedResource, properties: JsonObject, physicalId: string): StackResource {
    const resource = { planned, properties, physical: { physicalId, attributes: {} } };
    this.failedResources.push(resource);
    return resource;
  }

  private propertiesOf(planned: PlannedResource): JsonObject {
    const properties = resolve(planned.properties, this.scope);
    return isObject(properties) ? properties : {};
  }

  private results(): Results {
    const outputs = new Map<string, Json>();
    const exports = new Map<string, Json>();
    for (const [name, { value, exportName }] of this.blueprint.outputs) {
      const resolved = resolve(value, this.scope);
      if (resolved === undefined) {
        continue;
      }
      outputs.set(name, resolved);
      if (exportName === undefined) {
        continue;
      }
      const exported = resolve(exportName, this.scope);
      if (typeof exported !== 'string') {
        throw validationError(`Export of output '${name}' must have a string as its name`);
      }
      exports.set(exported, resolved);
    }
    this.rejectBrokenImports(exports);
    return { outputs, exports };
  }

  /** An export that another stack imports can't be changed or removed. */
  private rejectBrokenImports(exports: ReadonlyMap<string, Json>): void {
    const { engine, stack } = this.operation;
    for (const [name, value] of stack.exports) {
      if (isDeepStrictEqual(exports.get(name), value)) {
        continue;
      }
      const importers = engine.importersOf(stack, name).map((importer) => importer.name);
      if (importers.length > 0) {
        throw validationError(exportInUse(exports.has(name) ? 'update' : 'delete', name, importers));
      }
    }
  }
}
