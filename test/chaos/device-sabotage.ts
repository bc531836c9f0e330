import {
  DEVICE_RESOURCE_TYPE,
  ENROLLMENT_RESOURCE_TYPE,
  SEED_PREFIX,
  tagKey,
  DEVICE_CLAIM_PREFIX,
} from '../../lib/contract';
import { CallError, type Tag } from '../../lambda/aws/ports';
import type { CustomResourceEvent, Shell } from '../../lambda/protocol';
import type { Sabotage } from './sabotage';
import { renamed, resourcesOf, shortHash, type Template } from './template';
import { ofType, seeingItsOwnClaimOnly, withIam, type Wrap } from './wrapped-shell';

/** Each disables one safeguard of the devices that stacks create. */
export const DEVICE_SABOTAGES: Readonly<Record<string, () => Sabotage>> = {
  'store the seed after responding': () => ({ shell: inCreate(storingAfterResponding) }),
  're-create devices whose seed is not stored': () => ({ shell: inCreate(deletingUnstoredDevice) }),
  'rotate in place': () => ({ template: withGenerationsAsProperties, shell: inUpdate(rotatingInPlace) }),
  'keep the device after its last claim': () => ({
    shell: ofType(DEVICE_RESOURCE_TYPE, (shell, event) =>
      event.RequestType === 'Delete'
        ? withIam(shell, (iam) => ({
            deleteVirtualMFADevice: (serialNumber) => iam.untagMFADevice(serialNumber, [claimKeyOf(event)]),
          }))
        : shell,
    ),
  }),
  'delete despite other claims': () => ({
    shell: ofType(DEVICE_RESOURCE_TYPE, (shell, event) =>
      event.RequestType === 'Delete' ? seeingItsOwnClaimOnly(shell, event) : shell,
    ),
  }),
};

function inCreate(wrap: Wrap): Wrap {
  return ofType(DEVICE_RESOURCE_TYPE, (shell, event) => (event.RequestType === 'Create' ? wrap(shell, event) : shell));
}

function inUpdate(wrap: Wrap): Wrap {
  return ofType(DEVICE_RESOURCE_TYPE, (shell, event) => (event.RequestType === 'Update' ? wrap(shell, event) : shell));
}

function storingAfterResponding(shell: Shell): Shell {
  const { seeds } = shell;
  let pending: { readonly version: string; readonly store: () => Promise<void> } | undefined;
  return {
    ...shell,
    seeds: {
      read: (...args) => seeds.read(...args),
      delete: (...args) => seeds.delete(...args),
      write: (secretArn, seed, version) => {
        pending = { version, store: () => seeds.write(secretArn, seed, version) };
        return Promise.resolve();
      },
      versions: async (...args) => {
        const versions = await seeds.versions(...args);
        return pending === undefined ? versions : { ...versions, current: pending.version };
      },
    },
    deliver: async (url, body) => {
      await shell.deliver(url, body);
      await pending?.store().catch(() => undefined);
    },
  };
}

/** Treats an own device whose seed is not in the secret as left behind by an earlier attempt. */
function deletingUnstoredDevice(shell: Shell, event: CustomResourceEvent): Shell {
  const ourKey = claimKeyOf(event);
  const { seeds } = shell;
  let created: string | undefined;
  let current: string | undefined;
  const watched = {
    ...shell,
    seeds: {
      read: (secretArn: string) => seeds.read(secretArn),
      delete: (secretArn: string) => seeds.delete(secretArn),
      write: (...args: Parameters<typeof seeds.write>) => seeds.write(...args),
      versions: async (secretArn: string) => {
        const versions = await seeds.versions(secretArn);
        current = versions.current;
        return versions;
      },
    },
  };
  return withIam(watched, (iam) => ({
    createVirtualMFADevice: (device, tags) => {
      created = seedVersionIn(tags);
      return iam.createVirtualMFADevice(device, tags);
    },
    listMFADeviceTags: async (serialNumber) => {
      const tags = await iam.listMFADeviceTags(serialNumber);
      const version = seedVersionIn(tags);
      const isOurs = tags.some(({ key }) => key === ourKey) && version !== created;
      if (!isOurs || version === current) {
        return tags;
      }
      await iam.deleteVirtualMFADevice(serialNumber);
      throw new CallError('iam:ListMFADeviceTags', 'NoSuchEntity', 404);
    },
  }));
}

/** Gives the device another seed under the same name. */
function rotatingInPlace(shell: Shell, event: CustomResourceEvent): Shell {
  const { Generation, User, SeedSecretArn } = event.ResourceProperties as Record<string, string>;
  let isDone = Generation === event.OldResourceProperties?.Generation;
  return withIam(shell, (iam) => ({
    listMFADeviceTags: async (serialNumber) => {
      const tags = await iam.listMFADeviceTags(serialNumber);
      if (isDone) {
        return tags;
      }
      isDone = true;
      if (User !== undefined) {
        await iam.deactivateMFADevice(User, serialNumber);
      }
      await iam.deleteVirtualMFADevice(serialNumber);
      const [, path = '', name = ''] = /:mfa(\/(?:.*\/)?)([^/]+)$/.exec(serialNumber) ?? [];
      const version = `${seedVersionIn(tags)?.slice(0, 27)}-${shell.uuid()}`;
      const renewed = tags
        .filter(({ key }) => !key.startsWith(SEED_PREFIX))
        .concat({ key: tags.find(({ key }) => key.startsWith(SEED_PREFIX))!.key, value: version });
      const seed = await iam.createVirtualMFADevice({ path, name }, renewed);
      await shell.seeds.write(SeedSecretArn!, seed, version);
      return renewed;
    },
  }));
}

function claimKeyOf({ StackId, LogicalResourceId }: CustomResourceEvent): string {
  return tagKey(DEVICE_CLAIM_PREFIX, StackId.split('/').at(-1)!, LogicalResourceId);
}

function seedVersionIn(tags: readonly Tag[]): string | undefined {
  return tags.find(({ key }) => key.startsWith(SEED_PREFIX))?.value;
}

/**
 * Moves the generation from the default name to a property, so that everything derived from the name stays the same.
 */
function withGenerationsAsProperties(template: Template): Template {
  const names = new Map<string, string>();
  const resources = resourcesOf(template).map(([logicalId, resource]) => {
    const path = resource.Metadata?.['aws:cdk:path'] ?? '';
    // The ids that histories give to the constructs of devices.
    if (/^\w+\/(Team\/)?Z?[KLM](Mfa)?\//.test(path)) {
      names.set(logicalId, `${resource.Type.split(':').at(-1)}${shortHash(path)}`);
    }
    const generation = /-[0-9a-f]{8}-(\d+)"/.exec(JSON.stringify(resource.Properties.SerialNumber ?? ''))?.[1];
    if (resource.Type !== DEVICE_RESOURCE_TYPE || generation === undefined) {
      return [logicalId, resource] as const;
    }
    const enrollment = resourcesOf(template).find(
      ([, { Type, Properties }]) =>
        Type === ENROLLMENT_RESOURCE_TYPE && JSON.stringify(Properties.SerialNumber) === `{"Ref":"${logicalId}"}`,
    );
    const added = { Generation: generation, User: enrollment?.[1].Properties.UserName };
    return [logicalId, { ...resource, Properties: { ...resource.Properties, ...added } }] as const;
  });
  const text = JSON.stringify({ ...template, Resources: Object.fromEntries(resources) as unknown });
  return renamed(JSON.parse(text.replace(/(-[0-9a-f]{8})-\d+"/g, '$1-1"')) as Template, names);
}
