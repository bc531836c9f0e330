import {
  creationId,
  DEVICE_CLAIM_PREFIX,
  DEVICE_RESOURCE_TYPE,
  ENROLLMENT_CLAIM_PREFIX,
  FAILED_SUFFIX,
  hashesIn,
  MARK_PREFIX,
} from '../../lib/contract';
import type { Tag } from '../../lambda/aws/ports';
import { JOINER_LOOKS_AGAIN_MS, LEAVER_LOOKS_AGAIN_MS } from '../../lambda/claims/timing';
import { type CustomResourceEvent, serve, type Shell } from '../../lambda/protocol';
import type { Sabotage } from './sabotage';
import { resourcesOf, type Template } from './template';
import { withIam, type Wrap } from './wrapped-shell';

const HOUR_MS = 3_600_000;

/** Each disables one rule that enrollments and devices share: claims, marks, looking again, what was kept, secrets. */
export const CLAIM_SABOTAGES: Readonly<Record<string, () => Sabotage>> = {
  'write no mark': () => ({
    shell: writing((tags) => tags.filter(({ key }) => !key.startsWith(MARK_PREFIX))),
  }),
  'ignore marks': () => ({ shell: reading((tags) => tags.filter(({ key }) => !key.startsWith(MARK_PREFIX))) }),
  'read claims once': () => ({ shell: inRequest('Delete', readingOnce) }),
  'leave without looking again': () => ({
    shell: inRequest(
      'Delete',
      skippingSleeps((ms) => ms === LEAVER_LOOKS_AGAIN_MS),
    ),
  }),
  'join without looking again': () => ({
    shell: inRequest(
      'Create',
      skippingSleeps((ms) => ms > 25_000 && ms <= JOINER_LOOKS_AGAIN_MS),
    ),
  }),
  'forget the kept claim': () => ({
    shell: writing((tags) => tags.map(({ key, value }) => ({ key, value: value.replace(/ over \S+/, '') }))),
  }),
  'claims without creation ids': () => ({ shell: inRequest('Delete', takingAnyCreationForOwn) }),
  "any stack's claim counts as own": () => ({ shell: takingAnyStackForOwn }),
  'Update without verifying': () => ({
    shell: inRequest('Update', (shell) => withIam(shell, () => ({ resyncMFADevice: () => Promise.resolve() }))),
  }),
  'Create without verifying': () => ({
    shell: inRequest('Create', (shell) => withIam(shell, () => ({ resyncMFADevice: () => Promise.resolve() }))),
  }),
  'undo old claims by an invented id': () => ({ shell: inRequest('Delete', takingClaimsForNew) }),
  'mark whatever is there': () => ({
    shell: writing((tags) =>
      tags.map(({ key, value }) => ({
        key,
        value: key.startsWith(MARK_PREFIX) ? value.replace(/^\S+/, 'any') : value,
      })),
    ),
  }),
  "delete a caller's secret": () => ({ template: withOwnSecretsOnly }),
  'keep the secret of a device': () => ({ template: withoutOwnSecrets }),
  'forget what was stored': () => ({ shell: inRequest('Create', forgettingItsVersions) }),
  'delete the secret of a failed Create': () => ({ serve: forgettingTheFailure }),
  'let CloudFormation delete the secret': () => ({ template: withSecretsThatCloudFormationDeletes }),
};

function inRequest(type: CustomResourceEvent['RequestType'], wrap: Wrap): Wrap {
  return (shell, event) => (event.RequestType === type ? wrap(shell, event) : shell);
}

function writing(change: (tags: readonly Tag[]) => readonly Tag[]): Wrap {
  return (shell) =>
    withIam(shell, (iam) => ({
      tagMFADevice: (serialNumber, tags) => {
        const changed = change(tags);
        return changed.length === 0 ? Promise.resolve() : iam.tagMFADevice(serialNumber, changed);
      },
      createVirtualMFADevice: (name, tags) => iam.createVirtualMFADevice(name, change(tags)),
    }));
}

function reading(change: (tags: Tag[], event: CustomResourceEvent) => Tag[]): Wrap {
  return (shell, event) =>
    withIam(shell, (iam) => ({
      listMFADeviceTags: async (serialNumber) => change(await iam.listMFADeviceTags(serialNumber), event),
    }));
}

function readingOnce(shell: Shell): Shell {
  let known: Promise<Tag[]> | undefined;
  return withIam(shell, (iam) => ({
    listMFADeviceTags: (serialNumber) => {
      known ??= iam.listMFADeviceTags(serialNumber).catch((error: unknown) => {
        known = undefined;
        throw error;
      });
      return known;
    },
  }));
}

/** Lets the request's time pass without waiting. At most three times, because a wait for AWS's clock must take place. */
function skippingSleeps(isSkipped: (ms: number) => boolean): Wrap {
  return (shell) => {
    let skippedMs = 0;
    let skips = 0;
    return {
      ...shell,
      clock: {
        now: () => shell.clock.now() + skippedMs,
        sleep: (ms) => {
          if (!isSkipped(ms) || skips === 3) {
            return shell.clock.sleep(ms);
          }
          skips++;
          skippedMs += ms;
          return Promise.resolve();
        },
      },
    };
  };
}

const takingAnyCreationForOwn: Wrap = (shell, event) => {
  const own =
    event.PhysicalResourceId?.replace(/\|failed$/, '')
      .split('|')
      .at(-1) ?? '';
  const suffix = `:${event.StackId.split('/').at(-1)}/${event.LogicalResourceId}`;
  return reading((tags) =>
    tags.map(({ key, value }) => ({
      key,
      value:
        key.endsWith(suffix) && !key.startsWith(MARK_PREFIX) && event.PhysicalResourceId!.includes('|')
          ? value.replace(/(?:\d{8}T\d{6}Z-)?[0-9a-f]{8}(?: over \S+)?/, own)
          : value,
    })),
  )(shell, event);
};

const takingAnyStackForOwn: Wrap = reading((tags, event) =>
  tags.map((tag) => {
    const prefix = [ENROLLMENT_CLAIM_PREFIX, DEVICE_CLAIM_PREFIX].find((each) => tag.key.startsWith(each));
    return prefix !== undefined && tag.key.endsWith(`/${event.LogicalResourceId}`)
      ? { ...tag, key: `${prefix}${event.StackId.split('/').at(-1)}/${event.LogicalResourceId}` }
      : tag;
  }),
);

/** Sees each claim as if its Create had been sent an hour ago, if CloudFormation invented the physical id. */
const takingClaimsForNew: Wrap = (shell, event) =>
  event.PhysicalResourceId!.includes('|')
    ? shell
    : reading((tags) => {
        const renewed = (_: string, hash: string) => creationId(hash, shell.clock.now() - HOUR_MS);
        return tags.map(({ key, value }) => ({
          key,
          value: key.startsWith(MARK_PREFIX) ? value : value.replace(/\d{8}T\d{6}Z-([0-9a-f]{8})/, renewed),
        }));
      })(shell, event);

/** Hides the versions that other deliveries have stored. */
function forgettingItsVersions(shell: Shell): Shell {
  const { seeds } = shell;
  const own = new Set<string>();
  return {
    ...shell,
    seeds: {
      read: (...args) => seeds.read(...args),
      delete: (...args) => seeds.delete(...args),
      write: (secretArn, seed, version) => {
        own.add(version);
        return seeds.write(secretArn, seed, version);
      },
      versions: async (...args) => {
        const { staged, ...others } = await seeds.versions(...args);
        return { ...others, staged: staged.filter((id) => own.has(id) || hashesIn(id) === undefined) };
      },
    },
  };
}

/** Deletes what a failed Create left like what a successful one did. */
const forgettingTheFailure: Sabotage['serve'] = (event, context, shell) => {
  const { RequestType, PhysicalResourceId: id } = event;
  if (RequestType !== 'Delete' || id?.endsWith(FAILED_SUFFIX) !== true) {
    return serve(event, context, shell);
  }
  const deliver: Shell['deliver'] = (url, body) =>
    shell.deliver(url, JSON.stringify({ ...(JSON.parse(body) as object), PhysicalResourceId: id }));
  return serve({ ...event, PhysicalResourceId: id.slice(0, -FAILED_SUFFIX.length) }, context, { ...shell, deliver });
};

/** The function takes every secret for one that the caller deletes. */
function withoutOwnSecrets(template: Template): Template {
  return withDevices(template, ({ OwnSecret: _, ...properties }) => properties);
}

/** The function takes every secret for one that it deletes. */
function withOwnSecretsOnly(template: Template): Template {
  return withDevices(template, (properties) => ({ ...properties, OwnSecret: 'true' }));
}

function withDevices(
  template: Template,
  change: (properties: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>,
): Template {
  const resources = resourcesOf(template).map(([logicalId, resource]) => [
    logicalId,
    resource.Type === DEVICE_RESOURCE_TYPE ? { ...resource, Properties: change(resource.Properties) } : resource,
  ]);
  return { ...template, Resources: Object.fromEntries(resources) as unknown };
}

function withSecretsThatCloudFormationDeletes(template: Template): Template {
  const resources = resourcesOf(template).map(([logicalId, resource]) => [
    logicalId,
    resource.Type === 'AWS::SecretsManager::Secret'
      ? { ...resource, DeletionPolicy: 'Delete', UpdateReplacePolicy: 'Delete' }
      : resource,
  ]);
  return { ...template, Resources: Object.fromEntries(resources) as unknown };
}
