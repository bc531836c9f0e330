import {
  type Device,
  type Enrollment,
  otherProvider,
  type SecretChoice,
  type Spelling,
  type User,
} from './declaration';
import { changedDevices, type DeviceChange, type StackDevice } from './made-devices';

/** What one stack declares. */
export interface StackDeclaration {
  readonly enrollments: readonly Enrollment[];
  readonly devices: readonly StackDevice[];
  /** Names of the stack's own users. Absent: CloudFormation generates one. */
  readonly names: Readonly<Partial<Record<User, string>>>;
  /** The `recheck` of all enrollments and devices. Absent: 0. */
  readonly recheck?: number;
}

export const EMPTY: StackDeclaration = { enrollments: [], devices: [], names: {} };

/** One change of a declaration. `index` picks one of its enrollments. */
export type Change =
  | { readonly kind: 'add'; readonly enrollment: Omit<Enrollment, 'id' | 'team'> }
  | { readonly kind: 'remove' | 'rename' | 'move' | 'adopt' | 'retain' | 'provider'; readonly index: number }
  | { readonly kind: 'device' | 'parameter'; readonly index: number; readonly device: Device }
  | { readonly kind: 'user'; readonly index: number; readonly user: User }
  | { readonly kind: 'secret'; readonly index: number; readonly secret: SecretChoice }
  | { readonly kind: 'spelling'; readonly index: number; readonly spelling: Spelling }
  | { readonly kind: 'rename user'; readonly user: User; readonly name: string | undefined }
  | { readonly kind: 'redeploy' }
  | { readonly kind: 'recheck' }
  | { readonly kind: 'stack device'; readonly change: DeviceChange };

/** Applies a change. Returns the same declaration if the change doesn't apply or the result can't be synthesized. */
export function changed(before: StackDeclaration, change: Change): StackDeclaration {
  const after = applied(before, change);
  const devices = after.enrollments.map((enrollment) => enrollment.device);
  const parameters = after.enrollments.filter(({ spelling }) => spelling === 'parameter');
  return new Set(devices).size === devices.length && parameters.length <= 1 ? after : before;
}

function applied(before: StackDeclaration, change: Change): StackDeclaration {
  const { enrollments } = before;
  if (change.kind === 'redeploy') {
    return before;
  }
  if (change.kind === 'recheck') {
    return { ...before, recheck: (before.recheck ?? 0) + 1 };
  }
  if (change.kind === 'stack device') {
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

/** Uses few ids, so that declarations recur and their templates can be reused. */
function freeId(enrollments: readonly Enrollment[]): string {
  const taken = enrollments.map(({ id }) => id.replace(/^Z/, ''));
  return ['A', 'B', 'C', 'D'].find((id) => !taken.includes(id))!;
}
