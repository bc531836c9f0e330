import { ExpectedResult, type IApiCall, type IntegTest, Match } from '@aws-cdk/integ-tests-alpha';
import { type Phase, PHASE_PARAMETER, PHASES, type PhasesStack } from './phases';

/** Updates the stack from phase to phase, and checks the state of AWS after each. */
export function expectPhases(integ: IntegTest, stack: PhasesStack): void {
  const calls = PHASES.flatMap((phase) => [
    ...(phase === PHASES[0] ? [] : updateTo(integ, stack, phase)),
    ...checks(integ, stack, phase),
  ]);
  calls.reduce((before, call) => before.next(call));
}

function updateTo({ assertions }: IntegTest, { stackName }: PhasesStack, phase: Phase): IApiCall[] {
  return [
    // CloudFormation reuses the role that deployed the stack, so the caller needs no permission to pass it.
    assertions.awsApiCall('CloudFormation', 'updateStack', {
      StackName: stackName,
      UsePreviousTemplate: true,
      Parameters: [{ ParameterKey: PHASE_PARAMETER, ParameterValue: phase }],
      Capabilities: ['CAPABILITY_NAMED_IAM'],
    }),
    // UPDATE_COMPLETE includes the cleanup: removed and replaced resources are deleted, or abandoned.
    assertions
      .awsApiCall('CloudFormation', 'describeStacks', { StackName: stackName })
      .assertAtPath('Stacks.0.StackStatus', ExpectedResult.stringLikeRegexp('^UPDATE_COMPLETE$'))
      .waitForAssertions(),
  ];
}

function checks({ assertions }: IntegTest, stack: PhasesStack, phase: Phase): IApiCall[] {
  const { userName, devices, enabled } = stack.expectedIn(phase);
  const serialNumber = (name: string) => ({ SerialNumber: Match.stringLikeRegexp(`:mfa${stack.path}${name}$`) });
  const unassigned = devices.filter((name) => !enabled.includes(name));
  return [
    assertions
      .awsApiCall('IAM', 'listUsers', { PathPrefix: stack.path })
      .expect(ExpectedResult.objectLike({ Users: [{ UserName: userName }] })),
    assertions
      .awsApiCall('IAM', 'listMFADevices', { UserName: userName })
      .expect(ExpectedResult.objectLike({ MFADevices: enabled.map(serialNumber) })),
    assertions
      .awsApiCall('IAM', 'listVirtualMFADevices', { AssignmentStatus: 'Unassigned' })
      .expect(ExpectedResult.objectLike({ VirtualMFADevices: unassigned.map(serialNumber) })),
    // The list of secrets can lag by some minutes.
    assertions
      .awsApiCall('SecretsManager', 'listSecrets', { Filters: [{ Key: 'name', Values: [`mfa${stack.path}`] }] })
      .expect(ExpectedResult.objectLike({ SecretList: devices.map((name) => ({ Name: `mfa${stack.path}${name}` })) }))
      .waitForAssertions(),
  ];
}
