import { DAY_MS } from '../../lambda/claims/timing';
import { resourceIn } from '../../lambda/custom-resources';
import { untag } from '../../lambda/failure';
import { occasionOf } from '../../lambda/occasion';
import { type CustomResourceEvent } from '../../lambda/protocol';
import { timeIn } from '../../lib/contract';
import { AwsError } from '../../local/aws-error';
import type { StackName } from './declaration';
import type { World } from './world';

/**
 * What an operator does when a stack can't be deleted: what the failed Deletes print. Afterwards nothing may be left of
 * what they could not undo.
 */
export async function finishByHand(world: World, stackName: StackName): Promise<void> {
  const { stackId, resources } = world.cloudFormation.describeStack(stackName)!;
  const remaining = resources.filter(({ type }) => type.startsWith('Custom::'));
  // As CloudFormation deletes: enrollments before devices.
  const requests = [...remaining]
    .sort((a, b) => a.type.localeCompare(b.type))
    .flatMap(({ logicalId }) => world.lastRequestFor(stackId, logicalId) ?? []);
  for (const request of requests) {
    for (const line of commandsFor(world, request)) {
      if (world.reasonOf(request)?.includes(line) === false) {
        world.violated('finished', `the reason of the failed Delete does not contain: ${line}`);
      }
      line.split(' && ').every((command) => run(world, command));
    }
  }
  for (const line of requests.flatMap((request) => commandsFor(world, request))) {
    world.violated('finished', `after the printed commands, this is left to do: ${line}`);
  }
  await world.cloudFormation.deleteStack(stackName, {
    retainResources: remaining.map(({ logicalId }) => logicalId),
  });
}

/** The command lines that the message of a failed Delete says to run, which depend on the tags of the device. */
function commandsFor(world: World, request: CustomResourceEvent): string[] {
  const { subject, parts, declaration } = resourceIn(request);
  const { serialNumber, claimKey, byHand, byHandIfGone } = subject;
  const { creation } = occasionOf(request, parts, declaration);
  if (!world.iam.state().devices.some((device) => device.serialNumber === serialNumber)) {
    return byHandIfGone !== undefined && world.hasSecret(subject.secretArn) ? [byHandIfGone] : [];
  }
  const claims = world.tagsOf(serialNumber, claimKey.slice(0, claimKey.lastIndexOf(':') + 1));
  const value = claims[claimKey];
  if (value === undefined || (creation === undefined ? isFromBefore(world, value) : !value.includes(creation))) {
    return [];
  }
  const isShared = Object.keys(claims).length > 1 || value.startsWith('adopted') || value.includes(' over ');
  return isShared ? [untag(subject)] : byHand.split('; ');
}

/** Whether a claim is older than any deployment. */
function isFromBefore(world: World, value: string): boolean {
  const [time] = /\d{8}T\d{6}Z/.exec(value) ?? [];
  return time !== undefined && world.clock.now() - timeIn(time)! > DAY_MS;
}

/** Runs a command of the AWS CLI, and returns whether it succeeded. */
function run(world: World, command: string): boolean {
  const [, service, verb = '', ...words] = command.split(' ');
  const valueOf = (option: string) => words[words.indexOf(option) + 1]!;
  const input = () => ({ SerialNumber: valueOf('--serial-number') });
  try {
    switch (`${service} ${verb}`) {
      case 'iam deactivate-mfa-device':
        world.iam.call('DeactivateMFADevice', { ...input(), UserName: valueOf('--user-name') });
        return true;
      case 'iam untag-mfa-device':
        world.iam.call('UntagMFADevice', { ...input(), TagKeys: [valueOf('--tag-keys')] });
        return true;
      case 'iam delete-virtual-mfa-device':
        world.iam.call('DeleteVirtualMFADevice', input());
        world.births.end(valueOf('--serial-number'));
        return true;
      case 'secretsmanager delete-secret':
        world.secretsManager.call('DeleteSecret', {
          SecretId: valueOf('--secret-id'),
          ForceDeleteWithoutRecovery: true,
        });
        return true;
      default:
        throw new Error(`unknown command: ${command}`);
    }
  } catch (error) {
    if (!(error instanceof AwsError && /^(NoSuchEntity|ResourceNotFound|DeleteConflict)/.test(error.code))) {
      throw error;
    }
    return false;
  }
}
