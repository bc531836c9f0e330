import { ENROLLMENT_RESOURCE_TYPE, physicalResourceId } from '../../lib/contract';
import { CallError } from '../../lambda/aws/ports';
import { type CustomResourceEvent, type InvocationContext, serve, type Shell } from '../../lambda/protocol';
import { DEVICE_SABOTAGES } from './device-sabotage';
import { renamed, resourcesOf, shortHash, type Template, type TemplateResource as Resource } from './template';
import { ofType, seeingItsOwnClaimOnly, withIam } from './wrapped-shell';

/**
 * A remedy taken out, to show that the histories find it missing. Nothing in the library knows of this: a sabotage
 * changes the template, wraps a port or stands before the handler.
 */
export interface Sabotage {
  readonly template?: (template: Template) => Template;
  readonly shell?: (shell: Shell, event: CustomResourceEvent) => Shell;
  readonly serve?: typeof serve;
}

export const NONE: Sabotage = {};

export const SABOTAGES: Readonly<Record<string, () => Sabotage>> = {
  'one shared policy': () => ({ template: withOneSharedPolicy }),
  'logical ids from the path': () => ({
    template: (template) => withLogicalIds(template, ({ Metadata }) => Metadata?.['aws:cdk:path']),
    serve: replacing,
  }),
  'changing the user in place': () => ({
    template: (template) => withLogicalIds(template, ({ Properties }) => Properties.SerialNumber),
    serve: replacing,
  }),
  'no claims': () => ({ shell: ofType(ENROLLMENT_RESOURCE_TYPE, withoutClaims) }),
  'claiming after enabling': () => ({ shell: ofType(ENROLLMENT_RESOURCE_TYPE, claimingAfterEnabling) }),
  'claiming what was found enabled': () => ({
    shell: (shell) =>
      withIam(shell, (iam) => ({
        tagMFADevice: (serialNumber, tag) =>
          iam.tagMFADevice(serialNumber, { ...tag, value: tag.value.replace(/^adopted/, 'enabled') }),
      })),
  }),
  'deactivating though others claim': () => ({
    shell: ofType(ENROLLMENT_RESOURCE_TYPE, (shell, event) =>
      event.RequestType === 'Delete' ? seeingItsOwnClaimOnly(shell, event) : shell,
    ),
  }),
  'an invented id taken as nothing to do': () => ({
    serve: (event, context, shell) =>
      event.RequestType === 'Delete' && event.PhysicalResourceId?.includes(':mfa/') === false
        ? succeed(event, shell)
        : serve(event, context, shell),
  }),
  'a swallowed Delete after a failed Create': swallowing,
  'future codes': () => ({
    shell: (shell) => withIam(shell, (iam) => ({ awsTime: () => iam.awsTime() + 60_000 })),
  }),
  'deciding by message text': () => ({
    shell: (shell) =>
      withIam(shell, (iam) => ({
        // "MFA Device for user X already exists." and "MFA Device is already in use." look much alike.
        enableMFADevice: (...args) => iam.enableMFADevice(...args).catch(unless('EntityAlreadyExists')),
      })),
  }),
  ...DEVICE_SABOTAGES,
};

function unless(code: string): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof CallError && error.code === code)) {
      throw error;
    }
  };
}

/** Whatever stands on a device is taken for one's own work. */
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
      // Outside of Create's first look there is nothing to put off.
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

function swallowing(): Sabotage {
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

/** An Update to another user or device enables the new one and answers with a new physical id, a replacement. */
async function replacing(event: CustomResourceEvent, context: InvocationContext, shell: Shell): Promise<void> {
  const { UserName, SerialNumber } = event.ResourceProperties as Record<'UserName' | 'SerialNumber', string>;
  const isAnother =
    event.ResourceType === ENROLLMENT_RESOURCE_TYPE &&
    event.PhysicalResourceId !== physicalResourceId({ UserName, SerialNumber });
  return event.RequestType === 'Update' && isAnother
    ? serve({ ...event, RequestType: 'Create', PhysicalResourceId: undefined }, context, shell)
    : serve(event, context, shell);
}

function succeed(event: CustomResourceEvent, { deliver }: Shell): Promise<void> {
  const { PhysicalResourceId, StackId, RequestId, LogicalResourceId, ResponseURL } = event;
  const answer = { Status: 'SUCCESS', PhysicalResourceId, StackId, RequestId, LogicalResourceId };
  return deliver(ResponseURL, JSON.stringify(answer));
}

/** Statements of all enrollments in one policy of one logical id, updated in place with each change. */
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

/** Enrollments and their policies under logical ids that are derived from something else. */
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
