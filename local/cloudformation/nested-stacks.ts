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

/** Stacks within stacks: each goes forward with its parent, and cleans up or goes back when its parent does. */
export class StacksWithinStacks implements NestedStacks {
  /** Updates that have gone forward, or failed to, and wait for what becomes of the parent's. */
  private readonly halfway = new Map<string, StackUpdate>();

  /**
   * @param templateAt finds the template of a nested stack by its URL
   */
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
      return standing(stack);
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
    const unfinished = this.halfway.get(stackId);
    if (unfinished !== undefined) {
      return this.back(stack, unfinished);
    }
    const blueprint = this.stacks().blueprintFor(stack, { template: this.template(templateUrl), parameters });
    if (isSame(stack.blueprint, blueprint)) {
      return standing(stack);
    }
    return this.forward(stack, blueprint, signal);
  }

  async delete(stackId: string): Promise<void> {
    const stack = this.stacks().existing(stackId);
    await this.stacks().delete(stack);
    if (stack.status === 'DELETE_FAILED') {
      throw new Error(`Embedded stack ${stackId} was not successfully deleted: ${stack.reason}`);
    }
  }

  private async forward(stack: Stack, blueprint: Blueprint, signal?: AbortSignal): Promise<NestedStack> {
    const update = new StackUpdate(this.engine, stack, blueprint);
    this.halfway.set(stack.id, update);
    signal?.addEventListener('abort', () => update.cancel(), { once: true });
    if ((await update.forward()) === undefined) {
      throw new Error(`Embedded stack ${stack.id} was not successfully updated: ${update.reason}`);
    }
    const cleanUp = async () => {
      this.halfway.delete(stack.id);
      await update.cleanUp();
    };
    return { ...standing(stack), cleanUp };
  }

  /** The parent goes back, and asks for an update to what was: this one goes back the way it came. */
  private async back(stack: Stack, update: StackUpdate): Promise<NestedStack> {
    this.halfway.delete(stack.id);
    const leftovers = await update.rollback();
    if (leftovers === undefined) {
      throw new Error(`Embedded stack ${stack.id} was not successfully rolled back`);
    }
    return { ...standing(stack), cleanUp: () => update.cleanUpRollback(leftovers) };
  }

  private template(url: string): unknown {
    const template = this.templateAt(url);
    if (template === undefined) {
      throw validationError(`TemplateURL ${url} leads to no template`);
    }
    return template;
  }
}

function standing(stack: Stack): NestedStack {
  return { stackId: stack.id, outputs: Object.fromEntries(stack.outputs) };
}
