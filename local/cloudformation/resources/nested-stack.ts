import { isList, isObject, type Json, type JsonObject } from '../json';
import { requiredText, scalarText } from './properties';
import type { Made, ResourceProvider, ResourceRequest } from './provider';

/** A nested stack as it stands. */
export interface NestedStack {
  readonly stackId: string;
  readonly outputs: JsonObject;
  /** To be called when the parent cleans up. */
  readonly cleanUp?: () => Promise<void>;
}

/** Stacks within stacks. */
export interface NestedStacks {
  create(request: ResourceRequest, templateUrl: string, parameters: Record<string, string>): Promise<NestedStack>;
  update(
    request: ResourceRequest,
    stackId: string,
    templateUrl: string,
    parameters: Record<string, string>,
  ): Promise<NestedStack>;
  delete(stackId: string): Promise<void>;
}

/** `AWS::CloudFormation::Stack`. Its update waits, once it has gone forward, for the end of its parent's. */
export function nestedStack(stacks: NestedStacks): ResourceProvider {
  return {
    properties: ['TemplateURL', 'Parameters'],
    attributes: 'any',
    create: async (properties, request) =>
      made(await stacks.create(request, requiredText(properties, 'TemplateURL'), parametersOf(properties))),
    update: async ({ physicalId }, properties, _before, request) =>
      made(await stacks.update(request, physicalId, requiredText(properties, 'TemplateURL'), parametersOf(properties))),
    delete: ({ physicalId }) => stacks.delete(physicalId),
  };
}

function made({ stackId, outputs, cleanUp }: NestedStack): Made {
  return { physicalId: stackId, attributes: { Outputs: outputs }, ...(cleanUp && { cleanUp }) };
}

function parametersOf({ Parameters: parameters = {} }: JsonObject): Record<string, string> {
  if (!isObject(parameters)) {
    return {};
  }
  return Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, parameterText(value)]));
}

/** Lists become the text that a parameter of a list type is given as. */
function parameterText(value: Json): string {
  return isList(value) ? value.map(String).join(',') : scalarText(value, 'Parameters');
}
