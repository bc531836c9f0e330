import { readAssembly } from './assembly';
import type { Assets } from './assets';
import type { CloudFormation, StackDescription } from './cloudformation';

/** What is deployed to. */
export interface Environment {
  readonly cloudFormation: CloudFormation;
  readonly assets: Assets;
}

/**
 * Deploys a stack of a cloud assembly as `cdk deploy` does: it publishes the assets, and creates the stack or updates
 * it; one whose creation was rolled back is deleted first.
 *
 * @param directory `cdk.out`
 * @param stackName the stack's name, or the id that the CDK CLI knows it by
 * @param parameters values of the template's parameters that have no default
 */
export async function deploy(
  { cloudFormation, assets }: Environment,
  directory: string,
  stackName: string,
  parameters: Readonly<Record<string, string>> = {},
): Promise<StackDescription> {
  const { stacks, files } = readAssembly(directory);
  const stack = stacks.find((candidate) => [candidate.stackName, candidate.displayName].includes(stackName));
  if (stack === undefined) {
    const known = stacks.map(({ displayName }) => displayName).join(', ');
    throw new Error(`${directory} holds no stack '${stackName}', only: ${known}`);
  }
  assets.publish(files);
  const request = { stackName: stack.stackName, template: stack.template, parameters };
  const existing = cloudFormation.describeStack(stack.stackName);
  if (existing === undefined || existing.status === 'DELETE_COMPLETE') {
    return cloudFormation.createStack(request);
  }
  if (existing.status === 'ROLLBACK_COMPLETE') {
    await cloudFormation.deleteStack(stack.stackName);
    return cloudFormation.createStack(request);
  }
  if (!cloudFormation.isDifferent(request)) {
    return existing;
  }
  return cloudFormation.updateStack(request);
}
