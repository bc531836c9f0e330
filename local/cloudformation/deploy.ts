import { readAssembly } from './assembly';
import type { Assets } from './assets';
import type { CloudFormation, StackDescription } from './cloudformation';

/** The target of a deployment. */
export interface Environment {
  readonly cloudFormation: CloudFormation;
  readonly assets: Assets;
}

/**
 * Deploys a stack of a cloud assembly like `cdk deploy`: publishes the assets, then creates or updates the stack. A
 * stack in ROLLBACK_COMPLETE is deleted first.
 *
 * @param directory `cdk.out`
 * @param stackName the stack's name, or its id in the CDK CLI
 * @param parameters values of template parameters
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
    throw new Error(`${directory} does not contain stack '${stackName}', only: ${known}`);
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
