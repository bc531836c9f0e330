import { rollBackCreation } from './deletion';
import { Forward, type Results } from './forward';
import { Operation } from './operation';
import type { Engine, FailureOptions } from './engine';
import type { OperationUnderWay, Stack } from './stack';
import { continued, nothingUnfinished, withoutPhysicalResource } from './unfinished';

/** The creation of a stack. */
export class StackCreation implements OperationUnderWay {
  private readonly operation: Operation;
  private readonly work: Forward;

  constructor(
    engine: Engine,
    private readonly stack: Stack,
    { disableRollback = false }: FailureOptions = {},
  ) {
    this.operation = new Operation(engine, stack);
    this.work = new Forward(this.operation, stack.blueprint, { goesOn: disableRollback });
    stack.underWay = this;
  }

  /** Creates all resources. If that fails, everything that was created still exists. */
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

  /** Deletes all resources that were created. */
  async rollback(): Promise<void> {
    this.addUnfinished();
    await rollBackCreation(this.operation, this.work.reason, withoutPhysicalResource(this.work));
  }

  /** Keeps what was created. The next update goes on from there. */
  keep(): void {
    this.stack.unfinished = continued(nothingUnfinished(undefined), this.work, []);
    this.stack.imports = this.work.imports;
    this.operation.setStatus('CREATE_FAILED', this.work.reason);
  }

  /** Ends in CREATE_FAILED. The caller must delete the stack. */
  fail(): void {
    this.addUnfinished();
    this.operation.setStatus('CREATE_FAILED', this.work.reason);
  }

  /** Why the creation failed. */
  get reason(): string {
    return this.work.reason;
  }

  cancel(): void {
    this.work.cancel();
  }

  /** Adds the resources that a failed Create has, or may have, created, so that the stack deletes them. */
  private addUnfinished(): void {
    for (const [logicalId, change] of this.work.changes) {
      if (change.after !== undefined) {
        this.stack.put(logicalId, change.after);
      }
    }
  }
}
