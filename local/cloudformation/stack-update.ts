import type { Blueprint } from './blueprint';
import { cleanUp, type Leftover } from './cleanup';
import type { Engine } from './engine';
import { Forward, type Results } from './forward';
import { Operation } from './operation';
import { updateBack } from './rollback';
import type { OperationUnderWay, Stack, StackResource } from './stack';

/**
 * The update of a stack in two halves: forward, and then either cleanup, or rollback with its own cleanup. Nested
 * stacks wait for their parents between the halves.
 */
export class StackUpdate implements OperationUnderWay {
  private readonly operation: Operation;
  private readonly work: Forward;
  private readonly before: Pick<Stack, 'blueprint' | 'resources' | 'outputs' | 'exports' | 'imports'>;

  constructor(
    engine: Engine,
    private readonly stack: Stack,
    private readonly blueprint: Blueprint,
  ) {
    const { blueprint: old, resources, outputs, exports, imports } = stack;
    this.before = { blueprint: old, resources, outputs, exports, imports };
    this.operation = new Operation(engine, stack);
    this.work = new Forward(this.operation, blueprint);
    stack.underWay = this;
  }

  /** Creates and updates resources. */
  async forward(): Promise<Results | undefined> {
    this.operation.setStatus('UPDATE_IN_PROGRESS', 'User Initiated');
    const results = await this.work.run();
    this.stack.underWay = undefined;
    if (results === undefined) {
      return undefined;
    }
    this.stack.blueprint = this.blueprint;
    this.stack.outputs = results.outputs;
    this.stack.exports = results.exports;
    this.stack.imports = this.work.imports;
    this.operation.setStatus('UPDATE_COMPLETE_CLEANUP_IN_PROGRESS');
    return results;
  }

  /** Deletes removed resources and the old halves of replaced ones. */
  async cleanUp(): Promise<void> {
    const leftovers: Leftover[] = [];
    for (const [logicalId, resource] of this.before.resources) {
      if (this.blueprint.resources.has(logicalId)) {
        continue;
      }
      const retained = resource.planned.declaration.deletionPolicy !== 'Delete';
      leftovers.push({ kind: 'resource', resource, retained, oldHalf: false });
      this.stack.forget(logicalId);
    }
    for (const [logicalId, change] of this.work.changes) {
      const cleanUpNested = change.after?.physical.cleanUp;
      if (cleanUpNested !== undefined) {
        leftovers.push({ kind: 'nested', logicalId, cleanUp: cleanUpNested });
      }
      if (change.kind !== 'replaced') {
        continue;
      }
      const retained = change.before.planned.declaration.updateReplacePolicy !== 'Delete';
      leftovers.push({ kind: 'resource', resource: change.before, retained, oldHalf: true });
    }
    await cleanUp(this.operation, leftovers, needsIn(this.before.resources));
    this.operation.setStatus('UPDATE_COMPLETE');
  }

  /**
   * Rolls back.
   *
   * @returns what to clean up with {@link cleanUpRollback}, or `undefined` if the rollback failed
   */
  async rollback(): Promise<readonly Leftover[] | undefined> {
    this.operation.setStatus('UPDATE_ROLLBACK_IN_PROGRESS', this.work.reason || undefined);
    this.restore();
    const { failed, leftovers } = await updateBack(this.operation, this.work);
    if (failed.length > 0) {
      this.operation.setStatus(
        'UPDATE_ROLLBACK_FAILED',
        `The following resource(s) failed to update: [${failed.join(', ')}].`,
      );
      return undefined;
    }
    this.operation.setStatus('UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS');
    return leftovers;
  }

  /** Deletes the resources that the update created. */
  async cleanUpRollback(leftovers: readonly Leftover[]): Promise<void> {
    for (const [logicalId, change] of this.work.changes) {
      if (change.kind === 'created') {
        this.stack.forget(logicalId);
      }
    }
    const planned = [...this.blueprint.resources].map(([id, resource]) => [id, { planned: resource }] as const);
    await cleanUp(this.operation, leftovers, needsIn(new Map([...this.before.resources, ...planned])));
    this.operation.setStatus('UPDATE_ROLLBACK_COMPLETE');
  }

  /** Why the update failed. */
  get reason(): string {
    return this.work.reason;
  }

  cancel(): void {
    this.work.cancel();
  }

  /** Restores the stack's previous state, except for resources that must be updated back or that were created. */
  private restore(): void {
    const { blueprint, resources, outputs, exports, imports } = this.before;
    Object.assign(this.stack, { blueprint, outputs, exports, imports });
    for (const [logicalId, resource] of resources) {
      if (!this.work.changes.has(logicalId)) {
        this.stack.put(logicalId, resource);
      }
    }
    for (const [logicalId, change] of this.work.changes) {
      if (change.kind !== 'created') {
        // Dependencies are those of the previous template, even if the properties can't be changed back.
        this.stack.put(logicalId, { ...(change.after ?? change.before), planned: change.before.planned });
      } else if (change.after !== undefined) {
        this.stack.put(logicalId, change.after);
      }
    }
  }
}

function needsIn(resources: ReadonlyMap<string, Pick<StackResource, 'planned'>>) {
  return (logicalId: string) => resources.get(logicalId)?.planned.dependsOn ?? [];
}
