import type { PlannedResource } from './blueprint';
import type { StackResource } from './stack-resource';

/** What an operation did to one resource, successfully or not. */
export type Change =
  /** `after` is absent if nothing was created. */
  | { readonly kind: 'created'; readonly planned: PlannedResource; readonly after?: StackResource }
  /** Updated in place: the physical id is the same. */
  | { readonly kind: 'updated'; readonly before: StackResource; readonly after: StackResource }
  /** Replaced by another physical resource; `before` exists until cleanup. */
  | { readonly kind: 'replaced'; readonly before: StackResource; readonly after?: StackResource };
