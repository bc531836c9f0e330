import type { Blueprint } from './blueprint';
import type { Change } from './change';
import { cleanUp, type Leftover } from './cleanup';
import { rollBackCreation } from './deletion';
import type { Engine, FailureOptions } from './engine';
import { Forward, type Results } from './forward';
import { Operation } from './operation';
import { failedResources } from './reasons';
import { updateBack } from './rollback';
import type { Changes, OperationUnderWay, Stack, StackState, Unfinished } from './stack';
import type { StackResource } from './stack-resource';
import {
  combined,
  continued,
  newResource,
  nothingUnfinished,
  oldHalf,
  replacedIn,
  withoutPhysicalResource,
} from './unfinished';

/**
 * The update of a stack in two halves: forward, and then either cleanup, or rollback with its own cleanup. Nested
 * stacks wait for their parents between the halves.
 */
export class StackUpdate implements OperationUnderWay {
  private readonly operation: Operation;
  private readonly work: Forward;
  /** The state before this update. */
  private readonly before: StackState;
  private readonly earlier: Unfinished;
  /** Physical resources whose creation failed in earlier operations, and that still exist. */
  private failedBefore: readonly StackResource[];

  constructor(
    engine: Engine,
    private readonly stack: Stack,
    private readonly blueprint: Blueprint,
    { disableRollback = false }: FailureOptions = {},
  ) {
    this.before = stack.state;
    this.earlier = stack.unfinished ?? nothingUnfinished(this.before);
    this.failedBefore = this.earlier.failed;
    this.operation = new Operation(engine, stack);
    this.work = new Forward(this.operation, blueprint, {
      goesOn: disableRollback,
      repeats: this.earlier.failedUpdates,
    });
    stack.underWay = this;
  }

  /** Creates and updates resources. */
  async forward(): Promise<Results | undefined> {
    this.operation.setStatus('UPDATE_IN_PROGRESS', 'User Initiated');
    if (this.operation.engine.failedResourceOrder === 'delete first') {
      await this.deleteFailed();
    }
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

  /** Deletes removed resources, the old halves of replaced ones, and what failed before. */
  async cleanUp(): Promise<void> {
    const replaced = replacedIn(this.unfinished);
    const leftovers: Leftover[] = [];
    for (const [logicalId, resource] of this.before.resources) {
      if (this.blueprint.resources.has(logicalId)) {
        continue;
      }
      const retained = resource.planned.declaration.deletionPolicy !== 'Delete';
      leftovers.push({ kind: 'resource', resource, retained, oldHalf: false });
      this.stack.forget(logicalId);
    }
    for (const [logicalId, { after }] of this.work.changes) {
      if (after?.physical.cleanUp !== undefined) {
        leftovers.push({ kind: 'nested', logicalId, cleanUp: after.physical.cleanUp });
      }
    }
    for (const resource of replaced) {
      leftovers.push({ kind: 'resource', ...oldHalf(resource), oldHalf: true });
    }
    leftovers.push(...this.leftoversOf(this.failedBefore));
    this.stack.unfinished = undefined;
    const isClean = await cleanUp(this.operation, leftovers, needsIn(this.before.resources));
    this.operation.setStatus(
      'UPDATE_COMPLETE',
      isClean ? undefined : 'Update successful. One or more resources could not be deleted.',
    );
  }

  /** Keeps what succeeded. The next update goes on from there. */
  keep(): void {
    const { stack, work } = this;
    stack.unfinished = this.unfinished;
    stack.blueprint = this.blueprint;
    stack.imports = new Set([...this.before.imports, ...work.imports]);
    this.operation.setStatus('UPDATE_FAILED', work.reason);
  }

  /** Whether the update was canceled, which always rolls back. */
  get isCanceled(): boolean {
    return this.work.isCanceled;
  }

  /**
   * Rolls back to the last stable state.
   *
   * @param reason the reason of the event
   * @returns what to clean up with {@link cleanUpRollback}, or `undefined` if the rollback is over
   */
  async rollback(reason = this.work.reason): Promise<readonly Leftover[] | undefined> {
    const { stack, operation } = this;
    const { stable } = this.earlier;
    const { changes, superseded } = this.allChanges;
    stack.underWay = undefined;
    stack.unfinished = undefined;
    const created = [...superseded, ...this.failedBefore];
    if (stable === undefined) {
      stack.unused = this.notCurrent([...created, ...this.work.failedResources]).map(newResource);
      await rollBackCreation(operation, reason, withoutPhysicalResource({ changes }));
      return undefined;
    }
    operation.setStatus('UPDATE_ROLLBACK_IN_PROGRESS', reason || undefined);
    this.restore(stable, changes);
    const { failed, leftovers } = await updateBack(operation, changes);
    if (failed.length > 0) {
      stack.unused = this.notCurrent(created).map(newResource);
      operation.setStatus('UPDATE_ROLLBACK_FAILED', failedResources('update', failed));
      return undefined;
    }
    operation.setStatus('UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS');
    return [...leftovers, ...this.leftoversOf(created)];
  }

  /** Deletes the resources that the update created. */
  async cleanUpRollback(leftovers: readonly Leftover[]): Promise<void> {
    for (const [logicalId, change] of this.allChanges.changes) {
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

  private get unfinished(): Unfinished {
    return continued(this.earlier, this.work, this.failedBefore);
  }

  /** Everything that changed since the last stable state, including what this update failed to change. */
  private get allChanges(): Changes {
    return combined(this.earlier, this.work.changes);
  }

  /** Deletes what failed in earlier operations, dependents first. What can't be deleted is left to cleanup. */
  private async deleteFailed(): Promise<void> {
    const remaining: StackResource[] = [];
    for (const resource of [...this.failedBefore].reverse()) {
      if (newResource(resource).retained) {
        this.operation.report(resource.planned, 'DELETE_SKIPPED', resource.physical.physicalId);
      } else if ((await this.operation.delete(resource, 'cleanup')) === 'failed') {
        remaining.unshift(resource);
      }
    }
    this.failedBefore = remaining;
  }

  /** Resources to delete, except for those that are part of the stack now. */
  private leftoversOf(resources: readonly StackResource[]): Leftover[] {
    return this.notCurrent(resources).map((resource) => ({
      kind: 'resource',
      ...newResource(resource),
      oldHalf: false,
    }));
  }

  /** The resources whose physical resource is not that of the stack. */
  private notCurrent(resources: readonly StackResource[]): StackResource[] {
    return resources.filter(({ planned, physical }) => {
      const current = this.stack.resources.get(planned.declaration.logicalId);
      return current?.physical.physicalId !== physical.physicalId;
    });
  }

  /** Restores the last stable state, except for resources that must be updated back or that were created. */
  private restore(
    { blueprint, resources, outputs, exports, imports }: StackState,
    changes: ReadonlyMap<string, Change>,
  ) {
    Object.assign(this.stack, { blueprint, outputs, exports, imports });
    for (const [logicalId, resource] of resources) {
      if (!changes.has(logicalId)) {
        this.stack.put(logicalId, resource);
      }
    }
    for (const [logicalId, change] of changes) {
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
