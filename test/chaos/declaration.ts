/*
 * What a history starts with, and the enrollments that its stacks declare: one or two stacks, the users, and four
 * devices that exist. For the devices that stacks create, see made-devices.ts.
 */

/** The stack's own provider, a second one, or one with a path scope. */
export const PROVIDERS = ['own', 'second', 'scoped'] as const;
export type Provider = (typeof PROVIDERS)[number];

export function otherProvider(provider: Provider): Provider {
  return PROVIDERS[(PROVIDERS.indexOf(provider) + 1) % PROVIDERS.length]!;
}

export type StackName = 'North' | 'South';
export const STACKS: readonly StackName[] = ['North', 'South'];

export const DEVICES = ['d1', 'd2', 'd3', 'd4'] as const;
export type Device = (typeof DEVICES)[number];

/** Users that exist before the history begins. Stacks import them. */
export const IMPORTED = ['ivy', 'ian'] as const;
/** Users that each stack creates for itself. */
export const OWNED = ['Olga', 'Otto'] as const;
export type User = (typeof IMPORTED)[number] | (typeof OWNED)[number];

/** How the template specifies the serial number: a literal, pseudo parameters, or the value of a parameter. */
export type Spelling = 'literal' | 'pseudo' | 'parameter';
/**
 * The secret of the enrollment: two that hold the device's seed, one with the seed of another device, one without a
 * seed, one that doesn't exist.
 */
export type SecretChoice = 'plain' | 'json' | 'wrong' | 'junk' | 'missing';

export interface Enrollment {
  readonly id: string;
  /** Id of a construct between the stack and this one. */
  readonly team?: string;
  readonly user: User;
  readonly device: Device;
  readonly spelling: Spelling;
  readonly secret: SecretChoice;
  readonly adopt: boolean;
  readonly retain: boolean;
  readonly provider: Provider;
}
