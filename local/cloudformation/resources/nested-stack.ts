import { isList, isObject, type Json, type JsonObject } from '../json';
import { requiredText, scalarText } from './properties';
import type { PhysicalResource, ResourceProvider, ResourceRequest } from './provider';

/** A nested stack. */
export interface NestedStack {
  readonly stackId: string;
  readonly outputs: JsonObject;
  /** Called when the parent cleans up. */
  readonly cleanUp?: () => Promise<void>;
}

/** The operations on nested stacks. */
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

/** `AWS::CloudFormation::Stack`. After its first half, an update waits for the parent's update to end. */
export function nestedStack(stacks: NestedStacks): ResourceProvider {
  return {
    properties: ['TemplateURL', 'Parameters'],
    attributes: 'any',
    create: async (properties, request) =>
      physicalResource(await stacks.create(request, requiredText(properties, 'TemplateURL'), parametersOf(properties))),
    update: async ({ physicalId }, properties, _before, request) =>
      physicalResource(
        await stacks.update(request, physicalId, requiredText(properties, 'TemplateURL'), parametersOf(properties)),
      ),
    delete: ({ physicalId }) => stacks.delete(physicalId),
  };
}

function physicalResource({ stackId, outputs, cleanUp }: NestedStack): PhysicalResource {
  return { physicalId: stackId, attributes: { Outputs: outputs }, ...(cleanUp && { cleanUp }) };
}

function parametersOf({ Parameters: parameters = {} }: JsonObject): Record<string, string> {
  if (!isObject(parameters)) {
    return {};
  }
  return Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, parameterText(value)]));
}

/** Converts a list to the text of a parameter with a list type. */
function parameterText(value: Json): string {
  return isList(value) ? value.map(String).join(',') : scalarText(value, 'Parameters');
}
