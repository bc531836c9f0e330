import { changedDevices, type DeviceChange, type MadeDevice } from './made-devices';

/**
 * What the operators of a history declare: one or two stacks of users and enrollments, over four devices that exist and
 * over those that the stacks make.
 */

/** The stack's own provider, a second one, or one with a scope. */
export const PROVIDERS = ['own', 'second', 'scoped'] as const;
export type Provider = (typeof PROVIDERS)[number];

export function otherProvider(provider: Provider): Provider {
  return PROVIDERS[(PROVIDERS.indexOf(provider) + 1) % PROVIDERS.length]!;
}

export type StackName = 'North' | 'South';
export const STACKS: readonly StackName[] = ['North', 'South'];

export const DEVICES = ['d1', 'd2', 'd3', 'd4'] as const;
export type Device = (typeof DEVICES)[number];

/** Users that exist before the history begins, and that apps import. */
export const IMPORTED = ['ivy', 'ian'] as const;
/** Users that stacks own, each stack its own. */
export const OWNED = ['Olga', 'Otto'] as const;
export type User = (typeof IMPORTED)[number] | (typeof OWNED)[number];

/** How the serial number is written: a literal, with pseudo parameters, or as the value of a parameter. */
export type Spelling = 'literal' | 'pseudo' | 'parameter';
/** Which secret is named: two that hold the device's seed, one that holds another device's, and one that holds none. */
export type SecretChoice = 'plain' | 'json' | 'wrong' | 'junk';

export interface Enrollment {
  readonly id: string;
  /** The scope that the construct stands in, below the stack. */
  readonly team?: string;
  readonly user: User;
  readonly device: Device;
  readonly spelling: Spelling;
  readonly secret: SecretChoice;
  readonly adopt: boolean;
  readonly retain: boolean;
  readonly provider: Provider;
}

export interface StackDeclaration {
  readonly enrollments: readonly Enrollment[];
  readonly devices: readonly MadeDevice[];
  /** Declared names of owned users; absent: CloudFormation names them. */
  readonly names: Readonly<Partial<Record<User, string>>>;
}

export const EMPTY: StackDeclaration = { enrollments: [], devices: [], names: {} };

/** One change of a declaration; `index` picks one of the enrollments that are there. */
export type Change =
  | { readonly kind: 'add'; readonly enrollment: Omit<Enrollment, 'id' | 'team'> }
  | { readonly kind: 'remove' | 'rename' | 'move' | 'adopt' | 'retain' | 'provider'; readonly index: number }
  | { readonly kind: 'device' | 'parameter'; readonly index: number; readonly device: Device }
  | { readonly kind: 'user'; readonly index: number; readonly user: User }
  | { readonly kind: 'secret'; readonly index: number; readonly secret: SecretChoice }
  | { readonly kind: 'spelling'; readonly index: number; readonly spelling: Spelling }
  | { readonly kind: 'rename user'; readonly user: User; readonly name: string | undefined }
  | { readonly kind: 'again' }
  | { readonly kind: 'made'; readonly change: DeviceChange };

/** The declaration after a change; unchanged where the change does not apply or could not be synthesized. */
export function changed(before: StackDeclaration, change: Change): StackDeclaration {
  const after = applied(before, change);
  const devices = after.enrollments.map((enrollment) => enrollment.device);
  const parameters = after.enrollments.filter(({ spelling }) => spelling === 'parameter');
  return new Set(devices).size === devices.length && parameters.length <= 1 ? after : before;
}

function applied(before: StackDeclaration, change: Change): StackDeclaration {
  const { enrollments } = before;
  if (change.kind === 'again') {
    return before;
  }
  if (change.kind === 'made') {
    return { ...before, devices: changedDevices(before.devices, change.change) };
  }
  if (change.kind === 'add') {
    return { ...before, enrollments: [...enrollments, { ...change.enrollment, id: freeId(enrollments) }] };
  }
  if (change.kind === 'rename user') {
    return { ...before, names: { ...before.names, [change.user]: change.name } };
  }
  const picked = enrollments[change.index % Math.max(1, enrollments.length)];
  if (picked === undefined) {
    return before;
  }
  const replaced = (by: Partial<Enrollment>) => ({
    ...before,
    enrollments: enrollments.map((enrollment) => (enrollment === picked ? { ...enrollment, ...by } : enrollment)),
  });
  switch (change.kind) {
    case 'remove':
      return { ...before, enrollments: enrollments.filter((enrollment) => enrollment !== picked) };
    case 'rename':
      return replaced({ id: picked.id.startsWith('Z') ? picked.id.slice(1) : `Z${picked.id}` });
    case 'move':
      return replaced({ team: picked.team === undefined ? 'Team' : undefined });
    case 'adopt':
      return replaced({ adopt: !picked.adopt });
    case 'retain':
      return replaced({ retain: !picked.retain });
    case 'provider':
      return replaced({ provider: otherProvider(picked.provider) });
    case 'device':
      return replaced({ device: change.device });
    case 'parameter':
      return picked.spelling === 'parameter' ? replaced({ device: change.device }) : before;
    case 'user':
      return replaced({ user: change.user });
    case 'secret':
      return replaced({ secret: change.secret });
    case 'spelling':
      return replaced({ spelling: change.spelling });
  }
}

/** Few ids, so that declarations recur and need not be synthesized again. */
function freeId(enrollments: readonly Enrollment[]): string {
  const taken = enrollments.map(({ id }) => id.replace(/^Z/, ''));
  return ['A', 'B', 'C', 'D'].find((id) => !taken.includes(id))!;
}
