import { uuid } from '../lambda/uuid';
import { createBlueprint, type Blueprint } from './blueprint';
import { deleteResources } from './deletion';
import type { Engine } from './engine';
import type { Json } from './json';
import { Operation } from './operation';
import { Stack } from './stack';
import { StackCreation } from './stack-creation';
import type { StackStatus } from './events';
import { readTemplate } from './template';
import { validationError } from './validation-error';

/** A template and the values of its parameters. */
export interface StackSource {
  /** The parsed template. */
  readonly template: unknown;
  readonly parameters?: Readonly<Record<string, string>>;
}

const UPDATABLE: readonly StackStatus[] = ['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'UPDATE_ROLLBACK_COMPLETE'];

/** The stacks of one account and region, including nested and deleted ones. */
export class Stacks {
  private readonly byId = new Map<string, Stack>();

  constructor(private readonly engine: Engine) {}

  /** Registers a stack. It is empty until its creation goes forward. */
  begin(stackName: string, source: StackSource): { readonly stack: Stack; readonly creation: StackCreation } {
    const id = `${this.engine.stackArnPrefix}${stackName}/${uuid(this.engine.random)}`;
    const stack = new Stack(id, stackName, this.createBlueprint(id, stackName, source));
    this.byId.set(id, stack);
    return { stack, creation: new StackCreation(this.engine, stack) };
  }

  /**
   * The blueprint of an update of an existing stack.
   *
   * @throws AwsError `ValidationError` if the stack can't be updated to it
   */
  blueprintFor(stack: Stack, source: StackSource): Blueprint {
    if (!UPDATABLE.includes(stack.status)) {
      throw validationError(`Stack:${stack.id} is in ${stack.status} state and can not be updated.`);
    }
    const blueprint = this.createBlueprint(stack.id, stack.name, source);
    const retyped = [...blueprint.resources].filter(([logicalId, { declaration }]) => {
      const existing = stack.resources.get(logicalId);
      return existing !== undefined && existing.planned.declaration.type !== declaration.type;
    });
    if (retyped.length > 0) {
      throw validationError(
        'Update of resource type is not permitted. The new template modifies resource type of the following ' +
          `resources: [${retyped.map(([logicalId]) => logicalId).join(', ')}]`,
      );
    }
    return blueprint;
  }

  /** Deletes a stack. A stack in DELETE_FAILED can be deleted again. */
  async delete(stack: Stack): Promise<void> {
    if (stack.busy) {
      throw validationError(`Stack:${stack.id} is in ${stack.status} state and can not be deleted.`);
    }
    for (const exportName of stack.exports.keys()) {
      const [importer] = this.importersOf(stack, exportName);
      if (importer === undefined) {
        continue;
      }
      throw validationError(`Delete canceled. Cannot delete export ${exportName} as it is in use by ${importer.name}.`);
    }
    const operation = new Operation(this.engine, stack);
    operation.setStatus('DELETE_IN_PROGRESS', 'User Initiated');
    const failed = await deleteResources(operation, 'delete', ['Retain', 'RetainExceptOnCreate']);
    if (failed.length > 0) {
      const reason = `The following resource(s) failed to delete: [${failed.join(', ')}].`;
      return operation.setStatus('DELETE_FAILED', reason);
    }
    stack.imports = new Set();
    stack.exports = new Map();
    operation.setStatus('DELETE_COMPLETE');
  }

  /** A stack by its name or its id. Deleted stacks are found only by their id. */
  find(stackName: string): Stack | undefined {
    const live = [...this.byId.values()].find(({ name, status }) => name === stackName && status !== 'DELETE_COMPLETE');
    return live ?? this.byId.get(stackName);
  }

  /** @throws AwsError `ValidationError` if the stack doesn't exist */
  existing(stackName: string): Stack {
    const stack = this.find(stackName);
    if (stack === undefined) {
      throw validationError(`Stack with id ${stackName} does not exist`);
    }
    return stack;
  }

  /** The value of an export of any stack. */
  importValue(exportName: string): Json {
    for (const { exports } of this.byId.values()) {
      const value = exports.get(exportName);
      if (value !== undefined) {
        return value;
      }
    }
    throw validationError(`No export named ${exportName} found.`);
  }

  /** The stacks that import an export of this stack. */
  importersOf(stack: Stack, exportName: string): readonly Stack[] {
    return [...this.byId.values()].filter((other) => other !== stack && other.imports.has(exportName));
  }

  private createBlueprint(stackId: string, stackName: string, { template, parameters = {} }: StackSource): Blueprint {
    const pseudoParameters = this.engine.pseudoParameters(stackId, stackName);
    return createBlueprint(readTemplate(template), parameters, pseudoParameters, this.engine.providers);
  }
}
