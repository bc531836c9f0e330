import { uuid } from '../lambda/uuid';
import { createBlueprint, type Blueprint } from './blueprint';
import { deleteResources } from './deletion';
import type { Engine, FailureOptions } from './engine';
import type { Json } from './json';
import { Operation } from './operation';
import { exportInUse, failedResources } from './reasons';
import { Stack } from './stack';
import { StackCreation } from './stack-creation';
import type { StackStatus } from './events';
import { readTemplate, type ResourceDeclaration } from './template';
import { newResource, oldHalf, replacedIn } from './unfinished';
import { templateError, validationError } from './validation-error';

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
  begin(
    stackName: string,
    source: StackSource,
    options?: FailureOptions,
  ): { readonly stack: Stack; readonly creation: StackCreation } {
    const id = `${this.engine.stackArnPrefix}${stackName}/${uuid(this.engine.random)}`;
    const stack = new Stack(id, stackName, this.createBlueprint(id, stackName, source), this.engine.clock.now());
    rejectNestedStacks(stack.blueprint, options);
    this.byId.set(id, stack);
    return { stack, creation: new StackCreation(this.engine, stack, options) };
  }

  /**
   * The blueprint of an update of an existing stack.
   *
   * @throws AwsError `ValidationError` if the stack can't be updated to it
   */
  blueprintFor(stack: Stack, source: StackSource, options?: FailureOptions): Blueprint {
    if (!UPDATABLE.includes(stack.status) && !isUnfinished(stack)) {
      throw validationError(`Stack:${stack.id} is in ${stack.status} state and can not be updated.`);
    }
    const blueprint = this.createBlueprint(stack.id, stack.name, source);
    rejectNestedStacks(blueprint, options);
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

  /** Deletes a stack, unless another stack imports one of its exports. A stack in DELETE_FAILED can be deleted again. */
  async delete(stack: Stack, retained: ReadonlySet<string> = new Set()): Promise<void> {
    if (stack.busy) {
      throw validationError(`Stack:${stack.id} is in ${stack.status} state and can not be deleted.`);
    }
    rejectInvalidRetention(stack, retained);
    const operation = new Operation(this.engine, stack);
    const { status } = stack;
    operation.setStatus('DELETE_IN_PROGRESS', 'User Initiated');
    for (const exportName of stack.exports.keys()) {
      const importers = this.importersOf(stack, exportName).map(({ name }) => name);
      if (importers.length > 0) {
        return operation.setStatus(status, exportInUse('delete', exportName, importers));
      }
    }
    const { unfinished } = stack;
    if (unfinished !== undefined) {
      stack.unfinished = undefined;
      stack.unused = [...replacedIn(unfinished).map(oldHalf), ...unfinished.failed.map(newResource)];
    }
    const keeps = ({ deletionPolicy }: ResourceDeclaration) => deletionPolicy !== 'Delete';
    const failed = await deleteResources(operation, 'delete', keeps, { retained });
    if (failed.length > 0) {
      return operation.setStatus('DELETE_FAILED', failedResources('delete', failed));
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

  /** All stacks, deleted ones included, oldest first. */
  get all(): readonly Stack[] {
    return [...this.byId.values()];
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

  /** The value of an output of a stack. */
  outputOf(stackName: string, outputName: string): Json {
    const value = this.existing(stackName).outputs.get(outputName);
    if (value === undefined) {
      throw validationError(`Stack '${stackName}' has no output '${outputName}'`);
    }
    return value;
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

/** @throws AwsError `ValidationError` if the deletion of a stack can't retain these resources */
function rejectInvalidRetention({ id, status, resources, unused }: Stack, retained: ReadonlySet<string>): void {
  if (retained.size > 0 && status !== 'DELETE_FAILED') {
    throw validationError(
      `Invalid operation on stack [${id}]. When you delete a stack, specify which resources to retain only when the ` +
        'stack is in the DELETE_FAILED state.',
    );
  }
  const failed = unused.map(({ resource }) => resource.planned.declaration.logicalId);
  if ([...retained].some((logicalId) => !resources.has(logicalId) && !failed.includes(logicalId))) {
    throw validationError(
      'The specified resources to retain must be in a valid state. ' +
        'Do not specify resources that are in the DELETE_COMPLETE state.',
    );
  }
}

/** Whether the last operation on a stack failed without rollback, so that an update can go on from there. */
export function isUnfinished({ status, unfinished }: Stack): boolean {
  return unfinished !== undefined && (status === 'CREATE_FAILED' || status === 'UPDATE_FAILED');
}

function rejectNestedStacks({ resources }: Blueprint, { disableRollback = false }: FailureOptions = {}): void {
  const isNested = [...resources.values()].some(({ declaration: { type } }) => type === 'AWS::CloudFormation::Stack');
  if (disableRollback && isNested) {
    throw templateError('nested stacks are not supported locally if rollback is disabled');
  }
}
