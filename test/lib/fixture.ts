import { App, CfnElement, type CfnResource, Stack, type StackProps } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { type Construct } from 'constructs';
import {
  MfaEnrollment,
  type MfaEnrollmentProps,
  VirtualMfaDevice,
  type VirtualMfaDeviceAttributes,
  type VirtualMfaDeviceProps,
} from '../../lib';

export const ENV = { account: '123456789012', region: 'eu-central-1' };
export const DEVICE = 'arn:aws:iam::123456789012:mfa/alice';

/** A resource as it stands in a template. */
export interface Resource {
  readonly Type: string;
  readonly Properties: Record<string, unknown>;
  readonly DependsOn?: string[];
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}
type Resources = Record<string, Resource>;

/** Assets are referred to where they are, and there is no tree.json: for every app, they would only cost time. */
export function newApp(context: Record<string, unknown> = {}): App {
  return new App({
    analyticsReporting: false,
    treeMetadata: false,
    context: { 'aws:cdk:disable-asset-staging': true, ...context },
  });
}

export function newStack(props: StackProps = {}, app: Construct = newApp(), id = 'Stack'): Stack {
  return new Stack(app, id, props);
}

/** A stack whose ARNs come out as plain text: environment known, partition spelled out. */
export function literalStack(): Stack {
  return newStack({ env: ENV }, newApp({ '@aws-cdk/core:enablePartitionLiterals': true }));
}

/** Props of an enrollment; those of an imported device in place of `device`. */
export type Declaration = Partial<MfaEnrollmentProps & VirtualMfaDeviceAttributes>;

/** An enrollment of the stack's user Alice and an imported device, unless `props` say otherwise. */
export function enroll(scope: Construct, props: Declaration = {}, id = 'AliceMfa'): MfaEnrollment {
  const stack = Stack.of(scope);
  const existing = <T>(name: string) => stack.node.tryFindChild(name) as T | undefined;
  const { serialNumber = DEVICE, seedSecret, seedSecretField, ...rest } = props;
  return new MfaEnrollment(scope, id, {
    ...rest,
    user: rest.user ?? existing<iam.IUser>('Alice') ?? new iam.User(stack, 'Alice'),
    device:
      rest.device ??
      VirtualMfaDevice.fromVirtualMfaDeviceAttributes(scope, `${id}Device`, {
        serialNumber,
        seedSecret: seedSecret ?? existing<ISecret>('Seed') ?? Secret.fromSecretNameV2(stack, 'Seed', 'mfa/alice'),
        seedSecretField,
      }),
  });
}

/** A device, and an enrollment of the stack's user Alice with it. */
export function enrollMade(scope: Construct, props: VirtualMfaDeviceProps = {}, id = 'AliceDevice'): VirtualMfaDevice {
  const device = new VirtualMfaDevice(scope, id, props);
  enroll(scope, { device, provider: props.provider });
  return device;
}

/** The logical id as the construct tree stands now. */
export function logicalIdOf(construct: Construct): string {
  const element = CfnElement.isCfnElement(construct) ? construct : (construct.node.defaultChild as CfnElement);
  return String(element.stack.resolve(element.logicalId));
}

export function enrollmentResource(enrollment: MfaEnrollment): CfnResource {
  return enrollment.node.defaultChild as CfnResource;
}

export function resources(stack: Stack, type: string): Resources {
  return Template.fromStack(stack).findResources(type) as Resources;
}

/** The only resource of its type in the stack. */
export function only(stack: Stack, type: string): Resource & { readonly logicalId: string } {
  const found = Object.entries(resources(stack, type));
  const [logicalId, resource] = found[0] ?? [];
  if (logicalId === undefined || resource === undefined || found.length > 1) {
    throw new Error(`one ${type} was expected, not ${found.length}`);
  }
  return { logicalId, ...resource };
}

/** The custom resources of the stack. */
export function enrollments(stack: Stack): Resources {
  return resources(stack, 'Custom::MfaEnrollment');
}

/** The policies of enrollments, the provider's own left out. */
export function enrollmentPolicies(stack: Stack): Resources {
  const policies = Object.entries(resources(stack, 'AWS::IAM::Policy'));
  return Object.fromEntries(policies.filter(([logicalId]) => logicalId.startsWith('MfaEnrollmentPolicy')));
}

/** The custom resources that make devices. */
export function devices(stack: Stack): Resources {
  return resources(stack, 'Custom::VirtualMfaDevice');
}

/** The policies of devices. */
export function devicePolicies(stack: Stack): Resources {
  const policies = Object.entries(resources(stack, 'AWS::IAM::Policy'));
  return Object.fromEntries(policies.filter(([logicalId]) => logicalId.startsWith('VirtualMfaDevicePolicy')));
}

export interface Statement {
  readonly Action: string | string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

export function statementsOf(policy: Resource | undefined): Statement[] {
  return (policy?.Properties['PolicyDocument'] as { Statement: Statement[] } | undefined)?.Statement ?? [];
}
