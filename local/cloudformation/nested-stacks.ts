import type { Blueprint } from './blueprint';
import { isSame } from './blueprint';
import type { Engine } from './engine';
import { suffix } from './identifiers';
import type { NestedStack, NestedStacks } from './resources/nested-stack';
import { ResourceFailure, type ResourceRequest } from './resources/provider';
import type { Stack } from './stack';
import { StackUpdate } from './stack-update';
import type { Stacks } from './stacks';
import { validationError } from './validation-error';

/** Nested stacks. Each goes forward with its parent, and cleans up or rolls back when its parent does. */
export class NestedStackOperations implements NestedStacks {
  /** Updates whose first half has ended, by stack id. They wait for the outcome of the parent's update. */
  private readonly pendingUpdates = new Map<string, StackUpdate>();

  /** @param templateAt returns the template of a nested stack by its URL */
  constructor(
    private readonly engine: Engine,
    private readonly stacks: () => Stacks,
    private readonly templateAt: (url: string) => unknown,
  ) {}

  async create(
    { stackName: parent, logicalId, signal }: ResourceRequest,
    templateUrl: string,
    parameters: Record<string, string>,
  ): Promise<NestedStack> {
    const stackName = `${parent}-${logicalId}-${suffix(this.engine.random)}`;
    const { stack, creation } = this.stacks().begin(stackName, { template: this.template(templateUrl), parameters });
    signal?.addEventListener('abort', () => creation.cancel(), { once: true });
    if ((await creation.forward()) !== undefined) {
      return described(stack);
    }
    creation.fail();
    const reason = `Embedded stack ${stack.id} was not successfully created: ${creation.reason}`;
    throw new ResourceFailure(reason, stack.id);
  }

  async update(
    { signal }: ResourceRequest,
    stackId: string,
    templateUrl: string,
    parameters: Record<string, string>,
  ): Promise<NestedStack> {
    const stack = this.stacks().existing(stackId);
    const pendingUpdate = this.pendingUpdates.get(stackId);
    if (pendingUpdate !== undefined) {
      return this.rollBack(stack, pendingUpdate);
    }
    const blueprint = this.stacks().blueprintFor(stack, { template: this.template(templateUrl), parameters });
    if (isSame(stack.blueprint, blueprint)) {
      return described(stack);
    }
    return this.forward(stack, blueprint, signal);
  }

  async delete(stackId: string): Promise<void> {
    const stack = this.stacks().existing(stackId);
    await this.stacks().delete(stack);
    if (stack.status !== 'DELETE_COMPLETE') {
      throw new Error(`Embedded stack ${stackId} was not successfully deleted: ${stack.reason}`);
    }
  }

  private async forward(stack: Stack, blueprint: Blueprint, signal?: AbortSignal): Promise<NestedStack> {
    const update = new StackUpdate(this.engine, stack, blueprint);
    this.pendingUpdates.set(stack.id, update);
    signal?.addEventListener('abort', () => update.cancel(), { once: true });
    if ((await update.forward()) === undefined) {
      throw new Error(`Embedded stack ${stack.id} was not successfully updated: ${update.reason}`);
    }
    const cleanUp = async () => {
      this.pendingUpdates.delete(stack.id);
      await update.cleanUp();
    };
    return { ...described(stack), cleanUp };
  }

  /** Rolls back: the parent requests an update to the previous properties, and the pending update is undone. */
  private async rollBack(stack: Stack, update: StackUpdate): Promise<NestedStack> {
    this.pendingUpdates.delete(stack.id);
    const leftovers = await update.rollback();
    if (leftovers === undefined) {
      throw new Error(`Embedded stack ${stack.id} was not successfully rolled back`);
    }
    return { ...described(stack), cleanUp: () => update.cleanUpRollback(leftovers) };
  }

  private template(url: string): unknown {
    const template = this.templateAt(url);
    if (template === undefined) {
      throw validationError(`no template found at TemplateURL ${url}`);
    }
    return template;
  }
}

function described(stack: Stack): NestedStack {
  return { stackId: stack.id, outputs: Object.fromEntries(stack.outputs) };
}
