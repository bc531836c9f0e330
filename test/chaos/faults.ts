import { EVENT_AGE } from '../../lib/contract';
import { type Action, CallError } from '../../lambda/aws/ports';
import type { Throttle } from '../../local/iam';
import type { Delivery } from '../../local/lambda';

/** The faults of one operation. Delays are in milliseconds; the others are probabilities from 0 to 1. */
export interface FaultPlan {
  readonly seed: number;
  /** A call is refused with a transient error, or lost before or after it takes effect. */
  readonly calls: number;
  /** An event is delivered twice or late, or the function dies. */
  readonly duplicate: number;
  readonly late: number;
  readonly death: number;
  readonly policyDelay: number;
  readonly tagDelay: number;
  readonly recreatedDelay: number;
  /** How stale every read can be. */
  readonly readDelay: number;
  /** How long a deleted secret is only marked for deletion. */
  readonly secretDeletion: number;
  /** Whether a service control policy denies the tags that stacks declare for their devices. */
  readonly tagsDenied: boolean;
  /** IAM's limit on the rate of calls. Absent: no limit. */
  readonly bucket?: Throttle;
}

export const CALM: FaultPlan = {
  seed: 1,
  calls: 0,
  duplicate: 0,
  late: 0,
  death: 0,
  policyDelay: 0,
  tagDelay: 0,
  recreatedDelay: 0,
  readDelay: 0,
  secretDeletion: 0,
  tagsDenied: false,
};

/** Every kind of fault, for counting. */
export const FAULTS = [
  'throttled',
  'failed before the effect',
  'response lost',
  'seed lost',
  'request lost',
  'concurrent modification',
  'temporarily unmodifiable',
  'denied',
  'duplicate event',
  'late event',
  'function died',
  'late policy',
  'late tag',
  'user re-created',
  'stale read',
  'secret marked for deletion',
  'declared tags denied',
  'other resource broken',
  'update cancelled',
  'two stacks at once',
  'kept one declared again',
  'failure kept, then roll forward',
  'failure kept, then roll back',
  'failure kept, then delete',
] as const;
export type FaultKind = (typeof FAULTS)[number];

/** What happens to one call. */
export type CallFault = { readonly kind: FaultKind; readonly error: CallError; readonly effect: boolean };

/** Draws the fault of a call; usually none. Refusals are transient. */
export function drawCallFault(action: Action, chance: number, random: () => number): CallFault | undefined {
  if (random() >= chance) {
    return undefined;
  }
  const refused = (kind: FaultKind, code: string, status: number) => ({
    kind,
    error: new CallError(action, code, status),
    effect: false,
  });
  const isIam = action.startsWith('iam:');
  const drawn: readonly CallFault[] = [
    refused('throttled', 'Throttling', 400),
    refused('failed before the effect', isIam ? 'ServiceFailure' : 'InternalServiceError', 500),
    { kind: 'response lost', error: new CallError(action, undefined), effect: true },
    { kind: 'response lost', error: new CallError(action, 'ServiceUnavailable', 503), effect: true },
    { kind: 'request lost', error: new CallError(action, undefined), effect: false },
    refused('denied', 'AccessDenied', 403),
    ...(isIam
      ? [
          refused('concurrent modification', 'ConcurrentModification', 409),
          refused('temporarily unmodifiable', 'EntityTemporarilyUnmodifiable', 409),
        ]
      : []),
  ];
  return drawn[Math.floor(random() * drawn.length)];
}

/** Draws how an event is delivered, and reports each fault to `hit`. */
export function drawDeliveries(plan: FaultPlan, random: () => number, hit: (kind: FaultKind) => void): Delivery[] {
  const isLate = random() < plan.late;
  const lateMs = isLate ? Math.floor(random() * 470_000) : 0;
  const dies = random() < plan.death;
  const first: Delivery = { delayMs: lateMs, ...(dies && { kill: { atCall: 1 + Math.floor(random() * 8) } }) };
  const deliveries = [first];
  if (isLate) {
    hit('late event');
  }
  if (dies) {
    hit('function died');
  }
  if (random() < plan.duplicate) {
    hit('duplicate event');
    // Half of them soon, while the first is still running; the others at any time until the queue drops the event.
    const laterMs = random() < 0.5 ? random() ** 2 * 5_000 : random() * (EVENT_AGE * 1000 - lateMs);
    deliveries.push({ delayMs: lateMs + Math.floor(laterMs) });
  }
  return deliveries;
}
