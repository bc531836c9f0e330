import { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import { type Construct } from 'constructs';
import { MfaEnrollment, type MfaEnrollmentProps } from '../../lib';
import { devicePolicies, devices, enrollmentPolicies, enrollments, resources } from './fixture';

/** An enrollment of the stack's user Alice with the default device, unless `props` say otherwise. */
export function enrollDefault(
  scope: Construct,
  props: Partial<MfaEnrollmentProps> = {},
  id = 'AliceMfa',
): MfaEnrollment {
  const stack = Stack.of(scope);
  const existing = stack.node.tryFindChild('Alice') as iam.User | undefined;
  return new MfaEnrollment(scope, id, { ...props, user: props.user ?? existing ?? new iam.User(stack, 'Alice') });
}

/** A template as text without metadata. Objects are sorted, and lists are not: to CloudFormation, `DependsOn` is a list. */
export function withoutMetadata(template: Record<string, unknown>): string {
  return JSON.stringify(template, (key, value: unknown) => (key === 'Metadata' ? undefined : sorted(value)), 1);
}

function sorted(value: unknown): unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
    : value;
}

/** A stack's template as text without metadata. */
export function bareTemplate(stack: Stack): string {
  return withoutMetadata(Template.fromStack(stack).toJSON());
}

/** The logical ids of a stack's devices and enrollments, and of their secrets and policies. */
export function idsIn(stack: Stack) {
  return {
    device: Object.keys(devices(stack)),
    policy: Object.keys(devicePolicies(stack)),
    secret: Object.keys(resources(stack, 'AWS::SecretsManager::Secret')),
    enrollment: Object.keys(enrollments(stack)),
    enrollmentPolicy: Object.keys(enrollmentPolicies(stack)),
  };
}
