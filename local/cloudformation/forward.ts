import { setMaxListeners } from 'node:events';
import { isDeepStrictEqual } from 'node:util';
import type { Blueprint, PlannedResource } from './blueprint';
import { isObject, type Json, type JsonObject } from './json';
import { reasonOf, type Operation } from './operation';
import { resolve, type Scope } from './resolve';
import { ResourceFailure, ResourceRefusal, type PhysicalResource } from './resources/provider';
import { runInOrder, type Outcome } from './schedule';
import type { StackResource } from './stack';
import { validationError } from './validation-error';

/** What an operation did to one resource, successfully or not. */
export type Change =
  /** `after` is absent if nothing was created. */
  | { readonly kind: 'created'; readonly after?: StackResource }
  /** Updated in place: the physical id is the same. */
  | { readonly kind: 'updated'; readonly before: StackResource; readonly after: StackResource }
  /** Replaced by another physical resource; `before` exists until cleanup. */
  | { readonly kind: 'replaced'; readonly before: StackResource; readonly after?: StackResource };

/** The outputs and exports of a stack. */
export interface Results {
  readonly outputs: ReadonlyMap<string, Json>;
  readonly exports: ReadonlyMap<string, Json>;
}

/**
 * The first half of every creation and update: creates and updates resources in the order of the new template. After a
 * failure nothing new begins, and requests in progress are canceled.
 */
export class Forward {
  readonly changes = new Map<string, Change>();
  /** Names of the imported exports of other stacks. */
  readonly imports = new Set<string>();
  private readonly failed = { create: [] as string[], update: [] as string[] };
  private readonly controller = new AbortController();
  private readonly scope: Scope;
  private stopReason?: string;

  constructor(
    private readonly operation: Operation,
    private readonly blueprint: Blueprint,
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
    if (this.controller.signal.aborted) {
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
    this.stop('User Initiated');
  }

  /** Why the operation stopped, as the reason of a stack event. */
  get reason(): string {
    if (this.stopReason !== undefined) {
      return this.stopReason;
    }
    return (['create', 'update'] as const)
      .filter((action) => this.failed[action].length > 0)
      .map((action) => `The following resource(s) failed to ${action}: [${this.failed[action].join(', ')}].`)
      .join(' ');
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
      return this.fail(planned, before === undefined ? 'create' : 'update', error, before?.physical.physicalId);
    }
    if (before === undefined) {
      return this.create(planned, properties, 'CREATE', (after) => ({ kind: 'created', after }));
    }
    if (isDeepStrictEqual(before.properties, properties)) {
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
        this.changes.set(logicalId, change({ planned, properties, physical: { physicalId, attributes: {} } }));
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
    operation.report(planned, 'UPDATE_IN_PROGRESS', physicalId);
    const changed = (physical: PhysicalResource): Change => ({
      kind: physical.physicalId === physicalId ? 'updated' : 'replaced',
      before,
      after: { planned, properties, physical },
    });
    let physical: PhysicalResource | 'replace';
    try {
      physical = await operation.update(before, planned, properties, 'forward', this.controller.signal);
    } catch (error) {
      // Another id in a FAILED response means another resource, just as in a successful response.
      const failedId = error instanceof ResourceFailure ? error.physicalId : undefined;
      const remaining = failedId === undefined ? before.physical : { physicalId: failedId, attributes: {} };
      if (!(error instanceof ResourceRefusal)) {
        this.changes.set(logicalId, changed(remaining));
      }
      return this.fail(planned, 'update', error, remaining.physicalId);
    }
    if (physical === 'replace') {
      const reason = 'Requested update requires the creation of a new physical resource; hence creating one.';
      operation.report(planned, 'UPDATE_IN_PROGRESS', physicalId, reason);
      return this.create(planned, properties, 'UPDATE', (after) => ({ kind: 'replaced', before, after }));
    }
    this.changes.set(logicalId, changed(physical));
    operation.stack.put(logicalId, { planned, properties, physical });
    operation.report(planned, 'UPDATE_COMPLETE', physical.physicalId);
    return 'done';
  }

  private fail(planned: PlannedResource, action: 'create' | 'update', error: unknown, physicalId?: string): Outcome {
    const status = action === 'create' ? 'CREATE_FAILED' : 'UPDATE_FAILED';
    this.operation.report(planned, status, physicalId, reasonOf(error));
    this.failed[action].push(planned.declaration.logicalId);
    this.controller.abort();
    return 'failed';
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
      const [importer] = engine.importersOf(stack, name);
      if (importer === undefined) {
        continue;
      }
      const verb = exports.has(name) ? 'updated' : 'deleted';
      throw validationError(`Export ${name} cannot be ${verb} as it is in use by ${importer.name}`);
    }
  }
}
