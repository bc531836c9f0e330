import { otherProvider, type Provider, type User } from './declaration';

/** Names that operators give devices, and administrators too. One of them stands in a path. */
export const NAMES = ['m1', 'm2', 'm3'] as const;
export type Name = (typeof NAMES)[number];

/** Secrets that exist before the history begins and take the seed of a device: an empty one, and one with a value. */
export const VAULTS = ['empty', 'used'] as const;
/** Where a seed goes: into the secret made for the device, one that the stack declares, or one that exists. */
export const SEED_SECRETS = ['default', 'declared', ...VAULTS] as const;
export type SeedSecret = (typeof SEED_SECRETS)[number];

/** What operators tag devices with. */
export const TAGS = {
  none: {},
  one: { team: 'red' },
  two: { team: 'blue', cost: '42' },
} as const satisfies Record<string, Readonly<Record<string, string>>>;
export const TAG_KEYS: readonly string[] = ['team', 'cost'];

/** A device that a stack makes, and its enrollment. */
export interface MadeDevice {
  readonly id: string;
  /** The scope that the constructs stand in, below the stack. */
  readonly team?: string;
  /** Absent: the default name, which follows the construct. */
  readonly name?: Name;
  /** Counts for a device of a default name with a default secret. */
  readonly generation: number;
  readonly secret: SeedSecret;
  readonly tags: keyof typeof TAGS;
  /** Whom it is enrolled for; absent: nobody. */
  readonly user?: User;
  readonly retain: 'nothing' | 'the device' | 'both';
  /** Of device and enrollment. */
  readonly provider: Provider;
}

/** One change of a device; `index` picks one of those that are there. */
export type DeviceChange =
  | { readonly kind: 'add device'; readonly device: Omit<MadeDevice, 'id' | 'team' | 'generation'> }
  | {
      readonly kind: 'remove device' | 'rename construct' | 'move construct' | 'switch provider' | 'rotate';
      readonly index: number;
    }
  | { readonly kind: 'name device'; readonly index: number; readonly name: Name | undefined }
  | { readonly kind: 'swap secret'; readonly index: number; readonly secret: SeedSecret }
  | { readonly kind: 'tag device'; readonly index: number; readonly tags: MadeDevice['tags'] }
  | { readonly kind: 'enroll'; readonly index: number; readonly user: User | undefined }
  | { readonly kind: 'keep device'; readonly index: number; readonly retain: MadeDevice['retain'] };

const IDS = ['K', 'L', 'M'];

/** The devices after a change; unchanged where the change does not apply or could not be synthesized. */
export function changedDevices(before: readonly MadeDevice[], change: DeviceChange): readonly MadeDevice[] {
  const after = applied(before, change);
  const names = after.map(({ name }) => name).filter((name) => name !== undefined);
  const secrets = after.map(({ secret }) => secret).filter((secret) => secret !== 'default');
  return after.length <= IDS.length && isUnique(names) && isUnique(secrets) ? after : before;
}

/** A generation is part of a default name, and refused where the new seed would go into the old one's secret. */
export function hasGenerations({ name, secret }: Pick<MadeDevice, 'name' | 'secret'>): boolean {
  return name === undefined && secret === 'default';
}

function applied(before: readonly MadeDevice[], change: DeviceChange): readonly MadeDevice[] {
  if (change.kind === 'add device') {
    return [...before, { ...change.device, id: freeId(before), generation: 1 }];
  }
  const picked = before[change.index % Math.max(1, before.length)];
  if (picked === undefined) {
    return before;
  }
  const replaced = (by: Partial<MadeDevice>) =>
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

/** Few ids, so that declarations recur and need not be synthesized again. */
function freeId(devices: readonly MadeDevice[]): string {
  const taken = devices.map(({ id }) => id.replace(/^Z/, ''));
  return IDS.find((id) => !taken.includes(id)) ?? 'N';
}
