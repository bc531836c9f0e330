import { deleteResources } from './deletion';
import { Forward, type Results } from './forward';
import { Operation } from './operation';
import type { Engine } from './engine';
import type { OperationUnderWay, Stack } from './stack';

/** The creation of a stack. */
export class StackCreation implements OperationUnderWay {
  private readonly operation: Operation;
  private readonly work: Forward;

  constructor(
    engine: Engine,
    private readonly stack: Stack,
  ) {
    this.operation = new Operation(engine, stack);
    this.work = new Forward(this.operation, stack.blueprint);
    stack.underWay = this;
  }

  /** Creates everything; the stack ends complete, or failed with everything that was made still there. */
  async forward(): Promise<Results | undefined> {
    this.operation.setStatus('CREATE_IN_PROGRESS', 'User Initiated');
    const results = await this.work.run();
    this.stack.underWay = undefined;
    if (results === undefined) {
      return undefined;
    }
    this.stack.outputs = results.outputs;
    this.stack.exports = results.exports;
    this.stack.imports = this.work.imports;
    this.operation.setStatus('CREATE_COMPLETE');
    return results;
  }

  /** Deletes everything that was made. */
  async rollback(): Promise<void> {
    this.operation.setStatus('ROLLBACK_IN_PROGRESS', this.work.reason);
    this.keepUnfinished();
    const failed = await deleteResources(this.operation, 'rollback', ['Retain']);
    if (failed.length === 0) {
      this.operation.setStatus('ROLLBACK_COMPLETE');
    } else {
      this.operation.setStatus(
        'ROLLBACK_FAILED',
        `The following resource(s) failed to delete: [${failed.join(', ')}].`,
      );
    }
  }

  /** The stack ends failed, and whoever asked for it deletes it. */
  fail(): void {
    this.keepUnfinished();
    this.operation.setStatus('CREATE_FAILED', this.work.reason);
  }

  /** Why it failed. */
  get reason(): string {
    return this.work.reason;
  }

  cancel(): void {
    this.work.cancel();
  }

  /** What a failed Create made, or may have made, is the stack's to delete. */
  private keepUnfinished(): void {
    for (const [logicalId, change] of this.work.changes) {
      if (change.after !== undefined) {
        this.stack.put(logicalId, change.after);
      }
    }
  }
}
