import type { Enrollment } from './declaration';
import type { Scenario } from './history';

/* What the histories that a test writes by hand have in common. */

/** A scenario without steps. */
export const PLAIN: Omit<Scenario, 'steps'> = {
  seed: 1,
  signature: 'date',
  deletionAfterFailure: 'goes on',
  failedResourceOrder: 'delete last',
  oldHalfOrder: 'ordered',
  rollbackOfReplaced: 'update-then-delete',
};

/** The enrollment of an existing user with an existing device. */
export const D1: Omit<Enrollment, 'id' | 'team'> = {
  user: 'ivy',
  device: 'd1',
  spelling: 'literal',
  secret: 'plain',
  adopt: false,
  retain: false,
  provider: 'own',
};
