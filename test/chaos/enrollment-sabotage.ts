import { ENROLLMENT_RESOURCE_TYPE, physicalIdIn } from '../../lib/contract';
import { CallError } from '../../lambda/aws/ports';
import { type CustomResourceEvent, type InvocationContext, serve, type Shell } from '../../lambda/protocol';
import type { Sabotage } from './sabotage';
import { renamed, resourcesOf, shortHash, type Template, type TemplateResource as Resource } from './template';
import { ofType, seeingItsOwnClaimOnly, withIam } from './wrapped-shell';

/** Each disables one safeguard of enrollments. */
export const ENROLLMENT_SABOTAGES: Readonly<Record<string, () => Sabotage>> = {
  'share one policy': () => ({ template: withOneSharedPolicy }),
  'derive logical ids from the path': () => ({
    template: (template) => withLogicalIds(template, ({ Metadata }) => Metadata?.['aws:cdk:path']),
    serve: replacing,
  }),
  'change the user in place': () => ({
    template: (template) => withLogicalIds(template, ({ Properties }) => Properties.SerialNumber),
    serve: replacing,
  }),
  'ignore claims': () => ({ shell: ofType(ENROLLMENT_RESOURCE_TYPE, withoutClaims) }),
  'claim after enabling': () => ({ shell: ofType(ENROLLMENT_RESOURCE_TYPE, claimingAfterEnabling) }),
  'claim adopted devices as enabled': () => ({
    shell: (shell) =>
      withIam(shell, (iam) => ({
        tagMFADevice: (serialNumber, tags) =>
          iam.tagMFADevice(
            serialNumber,
            tags.map(({ key, value }) => ({ key, value: value.replace(/^adopted/, 'enabled') })),
          ),
      })),
  }),
  'deactivate despite other claims': () => ({
    shell: ofType(ENROLLMENT_RESOURCE_TYPE, (shell, event) =>
      event.RequestType === 'Delete' ? seeingItsOwnClaimOnly(shell, event) : shell,
    ),
  }),
  'ignore invented physical ids': () => ({
    serve: (event, context, shell) =>
      event.RequestType === 'Delete' && event.PhysicalResourceId?.includes(':mfa/') === false
        ? succeed(event, shell)
        : serve(event, context, shell),
  }),
  'skip the Delete after a failed Create': skippingDelete,
  'skip Updates': () => ({
    serve: (event, context, shell) =>
      event.RequestType === 'Update' && event.ResourceType === ENROLLMENT_RESOURCE_TYPE
        ? succeed(event, shell)
        : serve(event, context, shell),
  }),
  'send future codes': () => ({
    shell: (shell) => withIam(shell, (iam) => ({ awsTime: () => iam.awsTime() + 60_000 })),
  }),
  'decide by error message': () => ({
    shell: (shell) =>
      withIam(shell, (iam) => ({
        // "MFA Device for user X already exists." and "MFA Device is already in use." are easy to confuse.
        enableMFADevice: (...args) => iam.enableMFADevice(...args).catch(unless('EntityAlreadyExists')),
      })),
  }),
};

function unless(code: string): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof CallError && error.code === code)) {
      throw error;
    }
  };
}

/** Treats every device as claimed by this enrollment. */
function withoutClaims(shell: Shell, { StackId, LogicalResourceId }: CustomResourceEvent): Shell {
  const key = `cdk-mfa-enrollment:enrollment:${StackId.split('/').at(-1)}/${LogicalResourceId}`;
  return withIam(shell, () => ({
    listMFADeviceTags: () => Promise.resolve([{ key, value: 'enabled' }]),
    tagMFADevice: () => Promise.resolve(),
    untagMFADevice: () => Promise.resolve(),
  }));
}

function claimingAfterEnabling(shell: Shell): Shell {
  let claim: (() => Promise<void>) | undefined;
  return withIam(shell, (iam) => ({
    tagMFADevice: (...args) => {
      claim = () => iam.tagMFADevice(...args);
      return Promise.resolve();
    },
    listMFADeviceTags: async (serialNumber) => {
      // Only the claim of a Create that enables is delayed; any other takes effect at the next read.
      await claim?.();
      claim = undefined;
      return iam.listMFADeviceTags(serialNumber);
    },
    enableMFADevice: async (...args) => {
      await iam.enableMFADevice(...args);
      await claim?.();
      claim = undefined;
    },
  }));
}

function skippingDelete(): Sabotage {
  const failed = new Set<string>();
  const nameOf = ({ StackId, LogicalResourceId }: CustomResourceEvent) => `${StackId}/${LogicalResourceId}`;
  return {
    serve: async (event, context, shell) => {
      if (event.RequestType === 'Delete' && failed.delete(nameOf(event))) {
        return succeed(event, shell);
      }
      return serve(event, context, {
        ...shell,
        deliver: (url, body) => {
          const isFailure = event.RequestType === 'Create' && body.includes('"Status":"FAILED"');
          failed[isFailure ? 'add' : 'delete'](nameOf(event));
          return shell.deliver(url, body);
        },
      });
    },
  };
}

/**
 * Turns an Update to another user or device into a replacement: enables the new device and returns a new physical id.
 */
async function replacing(event: CustomResourceEvent, context: InvocationContext, shell: Shell): Promise<void> {
  const { UserName, SerialNumber } = event.ResourceProperties as Record<'UserName' | 'SerialNumber', string>;
  const isReplacement =
    event.ResourceType === ENROLLMENT_RESOURCE_TYPE &&
    physicalIdIn(event.PhysicalResourceId ?? '', [UserName, SerialNumber]) === undefined;
  return event.RequestType === 'Update' && isReplacement
    ? serve({ ...event, RequestType: 'Create', PhysicalResourceId: undefined }, context, shell)
    : serve(event, context, shell);
}

function succeed(event: CustomResourceEvent, { deliver }: Shell): Promise<void> {
  const { PhysicalResourceId, StackId, RequestId, LogicalResourceId, ResponseURL } = event;
  const response = { Status: 'SUCCESS', PhysicalResourceId, StackId, RequestId, LogicalResourceId };
  return deliver(ResponseURL, JSON.stringify(response));
}

/** Merges the policies of all enrollments into one policy, which each change updates in place. */
function withOneSharedPolicy(template: Template): Template {
  const resources = resourcesOf(template);
  const own = resources.filter(([logicalId]) => logicalId.startsWith('MfaEnrollmentPolicy'));
  if (own.length === 0) {
    return template;
  }
  const [, first] = own[0]!;
  const statements = own.flatMap(
    ([, { Properties }]) => (Properties.PolicyDocument as { Statement: unknown[] }).Statement,
  );
  const roles = own.flatMap(([, { Properties }]) => Properties.Roles as unknown[]);
  const shared: Resource = {
    ...first,
    DependsOn: [...new Set(own.flatMap(([, { DependsOn = [] }]) => DependsOn))],
    Properties: {
      PolicyName: 'Shared',
      PolicyDocument: { Version: '2012-10-17', Statement: statements },
      Roles: [...new Map(roles.map((role) => [JSON.stringify(role), role])).values()],
    },
  };
  const others = resources
    .filter((resource) => !own.includes(resource))
    .map(([logicalId, resource]) =>
      resource.Type === 'Custom::MfaEnrollment'
        ? [logicalId, { ...resource, DependsOn: ['Shared'] }]
        : [logicalId, resource],
    );
  return { ...template, Resources: Object.fromEntries([...others, ['Shared', shared]]) as unknown };
}

/** Derives the logical ids of enrollments and their policies from something else. */
function withLogicalIds(template: Template, source: (enrollment: Resource) => unknown): Template {
  const names = new Map<string, string>();
  for (const [logicalId, resource] of resourcesOf(template)) {
    if (resource.Type === 'Custom::MfaEnrollment') {
      const hash = shortHash(JSON.stringify(source(resource)));
      names.set(logicalId, `MfaEnrollment${hash}`);
      names.set(logicalId.replace(/^MfaEnrollment/, 'MfaEnrollmentPolicy'), `MfaEnrollmentPolicy${hash}`);
    }
  }
  return renamed(template, names);
}
