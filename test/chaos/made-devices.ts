import { otherProvider, type Provider, type User } from './declaration';

/** Explicit device names, used by stacks and by administrators. One device has a path. */
export const NAMES = ['m1', 'm2', 'm3'] as const;
export type Name = (typeof NAMES)[number];

/** Secrets that exist before the history begins and receive the seed of a device: one empty, one with a value. */
export const VAULTS = ['empty', 'used'] as const;
/** The secret for the seed: the default one of the device, one that the stack declares, or one that exists. */
export const SEED_SECRETS = ['default', 'declared', ...VAULTS] as const;
export type SeedSecret = (typeof SEED_SECRETS)[number];

/** Tags that stacks declare. */
export const TAGS = {
  none: {},
  one: { team: 'red' },
  two: { team: 'blue', cost: '42' },
} as const satisfies Record<string, Readonly<Record<string, string>>>;
export const TAG_KEYS: readonly string[] = ['team', 'cost'];

/** A device that a stack creates, and its enrollment. */
export interface StackDevice {
  readonly id: string;
  /** Id of a construct between the stack and these. */
  readonly team?: string;
  /** Absent: the default name, derived from the construct. */
  readonly name?: Name;
  /** Applies only to a device with a default name and a default secret. */
  readonly generation: number;
  readonly secret: SeedSecret;
  readonly tags: keyof typeof TAGS;
  /** The user that it is enrolled for. Absent: none. */
  readonly user?: User;
  readonly retain: 'nothing' | 'the device' | 'both';
  /** The provider of the device and of the enrollment. */
  readonly provider: Provider;
}

/** One change of a device. `index` picks one of the stack's devices. */
export type DeviceChange =
  | { readonly kind: 'add device'; readonly device: Omit<StackDevice, 'id' | 'team' | 'generation'> }
  | {
      readonly kind: 'remove device' | 'rename construct' | 'move construct' | 'switch provider' | 'rotate';
      readonly index: number;
    }
  | { readonly kind: 'name device'; readonly index: number; readonly name: Name | undefined }
  | { readonly kind: 'swap secret'; readonly index: number; readonly secret: SeedSecret }
  | { readonly kind: 'tag device'; readonly index: number; readonly tags: StackDevice['tags'] }
  | { readonly kind: 'enroll'; readonly index: number; readonly user: User | undefined }
  | { readonly kind: 'keep device'; readonly index: number; readonly retain: StackDevice['retain'] };

const IDS = ['K', 'L', 'M'];

/** Applies a change. Returns the same devices if the change doesn't apply or the result can't be synthesized. */
export function changedDevices(before: readonly StackDevice[], change: DeviceChange): readonly StackDevice[] {
  const after = applied(before, change);
  const names = after.map(({ name }) => name).filter((name) => name !== undefined);
  const secrets = after.map(({ secret }) => secret).filter((secret) => secret !== 'default');
  return after.length <= IDS.length && isUnique(names) && isUnique(secrets) ? after : before;
}

/** The constructs accept a generation only with a default name and a default secret. */
export function hasGenerations({ name, secret }: Pick<StackDevice, 'name' | 'secret'>): boolean {
  return name === undefined && secret === 'default';
}

function applied(before: readonly StackDevice[], change: DeviceChange): readonly StackDevice[] {
  if (change.kind === 'add device') {
    return [...before, { ...change.device, id: freeId(before), generation: 1 }];
  }
  const picked = before[change.index % Math.max(1, before.length)];
  if (picked === undefined) {
    return before;
  }
  const replaced = (by: Partial<StackDevice>) =>
    before.map((device) => (device === picked ? { ...device, ...by } : device));
  switch (change.kind) {
    case 'remove device':
      return before.filter((device) => device !== picked);
    case 'rename construct':
      return replaced({ id: picked.id.startsWith('Z') ? picked.id.slice(1) : `Z${picked.id}` });
    case 'move construct':
      return replaced({ team: picked.team === undefined ? 'Team' : undefined });
    case 'switch provider':
      return replaced({ provider: otherProvider(picked.provider) });
    case 'rotate':
      return hasGenerations(picked) ? replaced({ generation: picked.generation + 1 }) : before;
    case 'name device':
      return replaced({ name: change.name, generation: 1 });
    case 'swap secret':
      return replaced({ secret: change.secret, generation: 1 });
    case 'tag device':
      return replaced({ tags: change.tags });
    case 'enroll':
      return replaced({ user: change.user });
    case 'keep device':
      return replaced({ retain: change.retain });
  }
}

function isUnique(values: readonly string[]): boolean {
  return new Set(values).size === values.length;
}

/** Uses few ids, so that declarations recur and their templates can be reused. */
function freeId(devices: readonly StackDevice[]): string {
  const taken = devices.map(({ id }) => id.replace(/^Z/, ''));
  return IDS.find((id) => !taken.includes(id)) ?? 'N';
}
