import { setMaxListeners } from 'node:events';
import { isDeepStrictEqual } from 'node:util';
import type { Blueprint, PlannedResource } from './blueprint';
import { isObject, type Json, type JsonObject } from './json';
import { reasonOf, type Operation } from './operation';
import { resolve, type Scope } from './resolve';
import { ResourceFailure, ResourceRefusal, type Made } from './resources/provider';
import { inOrder, type Outcome } from './schedule';
import type { StackResource } from './stack';
import { validationError } from './validation-error';

/** What an operation did to one resource, whether it succeeded or not. */
export type Change =
  /** `after` is missing where nothing was made. */
  | { readonly kind: 'created'; readonly after?: StackResource }
  /** In place: the physical id is the same. */
  | { readonly kind: 'updated'; readonly before: StackResource; readonly after: StackResource }
  /** By another physical resource; `before` stands until clean-up. */
  | { readonly kind: 'replaced'; readonly before: StackResource; readonly after?: StackResource };

/** Outputs and exports of a stack. */
export interface Results {
  readonly outputs: ReadonlyMap<string, Json>;
  readonly exports: ReadonlyMap<string, Json>;
}

/**
 * The first half of every creation and update: creates and updates in the new template's order, until all is done or
 * something fails. A failure lets nothing further begin, and cancels what waits for others.
 */
export class Forward {
  readonly changes = new Map<string, Change>();
  /** Names of the exports of other stacks that were imported. */
  readonly imports = new Set<string>();
  private readonly failed = { create: [] as string[], update: [] as string[] };
  private readonly controller = new AbortController();
  private readonly scope: Scope;
  private stopped?: string;

  constructor(
    private readonly operation: Operation,
    private readonly blueprint: Blueprint,
  ) {
    // As many listen as there are resources under way.
    setMaxListeners(0, this.controller.signal);
    const { engine, stack } = operation;
    this.scope = {
      parameters: blueprint.parameters,
      mappings: blueprint.template.mappings,
      conditions: blueprint.conditions,
      pseudoParameters: engine.pseudoParameters(stack.id, stack.name),
      resource: (logicalId) => stack.resources.get(logicalId)?.made,
      importValue: (exportName) => {
        const value = engine.importValue(exportName);
        this.imports.add(exportName);
        return value;
      },
    };
  }

  /** @returns outputs and exports; nothing where something failed or the operation was cancelled */
  async run(): Promise<Results | undefined> {
    const { resources } = this.blueprint;
    await inOrder(
      resources.keys(),
      (logicalId) => resources.get(logicalId)?.dependsOn ?? [],
      (logicalId) => this.work(resources.get(logicalId) as PlannedResource),
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

  /** Stops where it is. */
  cancel(): void {
    this.stop('User Initiated');
  }

  /** Why it stopped, in the words of the stack's event. */
  get reason(): string {
    if (this.stopped !== undefined) {
      return this.stopped;
    }
    return (['create', 'update'] as const)
      .filter((action) => this.failed[action].length > 0)
      .map((action) => `The following resource(s) failed to ${action}: [${this.failed[action].join(', ')}].`)
      .join(' ');
  }

  private stop(reason: string): void {
    this.stopped = reason;
    this.controller.abort();
  }

  private async work(planned: PlannedResource): Promise<Outcome> {
    const { stack } = this.operation;
    const { logicalId } = planned.declaration;
    const before = stack.resources.get(logicalId);
    let properties: JsonObject;
    try {
      properties = this.propertiesOf(planned);
    } catch (error) {
      return this.fail(planned, before === undefined ? 'create' : 'update', error, before?.made.physicalId);
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

  /** Makes a new physical resource, for a new logical one or in the place of another. */
  private async create(
    planned: PlannedResource,
    properties: JsonObject,
    as: 'CREATE' | 'UPDATE',
    change: (after?: StackResource) => Change,
  ): Promise<Outcome> {
    const { operation } = this;
    const { logicalId } = planned.declaration;
    if (as === 'CREATE') {
      operation.tell(planned, 'CREATE_IN_PROGRESS');
    }
    this.changes.set(logicalId, change());
    let made: Made;
    try {
      made = await operation.create(planned, properties, 'forward', this.controller.signal);
    } catch (error) {
      const physicalId = error instanceof ResourceFailure ? error.physicalId : undefined;
      if (physicalId !== undefined) {
        this.changes.set(logicalId, change({ planned, properties, made: { physicalId, attributes: {} } }));
      }
      return this.fail(planned, as === 'CREATE' ? 'create' : 'update', error, physicalId);
    }
    const after = { planned, properties, made };
    this.changes.set(logicalId, change(after));
    operation.stack.put(logicalId, after);
    operation.tell(planned, `${as}_IN_PROGRESS`, made.physicalId, 'Resource creation Initiated');
    operation.tell(planned, `${as}_COMPLETE`, made.physicalId);
    return 'done';
  }

  private async update(before: StackResource, planned: PlannedResource, properties: JsonObject): Promise<Outcome> {
    const { operation } = this;
    const { logicalId } = planned.declaration;
    const { physicalId } = before.made;
    operation.tell(planned, 'UPDATE_IN_PROGRESS', physicalId);
    const changed = (made: Made): Change => ({
      kind: made.physicalId === physicalId ? 'updated' : 'replaced',
      before,
      after: { planned, properties, made },
    });
    let made: Made | 'replace';
    try {
      made = await operation.update(before, planned, properties, 'forward', this.controller.signal);
    } catch (error) {
      // A FAILED answer with another id names another resource, exactly as a successful one does.
      const named = error instanceof ResourceFailure ? error.physicalId : undefined;
      const left = named === undefined ? before.made : { physicalId: named, attributes: {} };
      if (!(error instanceof ResourceRefusal)) {
        this.changes.set(logicalId, changed(left));
      }
      return this.fail(planned, 'update', error, left.physicalId);
    }
    if (made === 'replace') {
      const reason = 'Requested update requires the creation of a new physical resource; hence creating one.';
      operation.tell(planned, 'UPDATE_IN_PROGRESS', physicalId, reason);
      return this.create(planned, properties, 'UPDATE', (after) => ({ kind: 'replaced', before, after }));
    }
    this.changes.set(logicalId, changed(made));
    operation.stack.put(logicalId, { planned, properties, made });
    operation.tell(planned, 'UPDATE_COMPLETE', made.physicalId);
    return 'done';
  }

  private fail(planned: PlannedResource, action: 'create' | 'update', error: unknown, physicalId?: string): Outcome {
    const status = action === 'create' ? 'CREATE_FAILED' : 'UPDATE_FAILED';
    this.operation.tell(planned, status, physicalId, reasonOf(error));
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
        throw validationError(`Export of output '${name}' has a name that is no string`);
      }
      exports.set(exported, resolved);
    }
    this.refuseBrokenImports(exports);
    return { outputs, exports };
  }

  /** What another stack imports can be neither changed nor removed. */
  private refuseBrokenImports(exports: ReadonlyMap<string, Json>): void {
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
