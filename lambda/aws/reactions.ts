import { type Action, type CallError } from './ports';

export type RequestType = 'Create' | 'Update' | 'Delete';

/** What to do after a call that failed. */
export type Reaction =
  /** What the call was to achieve is so already. */
  | { readonly do: 'accept' }
  /** The same call again, later; `forMs`: no longer than that, else as long as time allows. */
  | { readonly do: 'backOff'; readonly forMs?: number }
  /** A pair of codes of a later step. */
  | { readonly do: 'nextPair' }
  /** Read the state and decide by it. */
  | { readonly do: 'readState' }
  | { readonly do: 'fail' };

/** How long a policy or a new user may take to be known everywhere in IAM. */
const PROPAGATION_MS = 2 * 60 * 1000;
/** How long a secret that was just written may be unknown, and how long to insist on what a request can do without. */
const SHORT_MS = 15 * 1000;

/** How AWS says that calls come too fast. */
const THROTTLING = [
  'Throttling',
  'Throttled',
  'RequestThrottled',
  'RequestThrottling',
  'RequestLimitExceeded',
  'TooManyRequests',
  'SlowDown',
];
/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableMFADevice.html#API_EnableMFADevice_Errors */
const PASSING: readonly (string | undefined)[] = ['EntityTemporarilyUnmodifiable', 'ConcurrentModification'];

/** Whether AWS refused a call because there are too many. */
export function isThrottled({ code, httpStatus }: Pick<CallError, 'code' | 'httpStatus'>): boolean {
  return httpStatus === 429 || (code !== undefined && THROTTLING.includes(code));
}

/** Whether a refusal passes, however long that takes. */
export function isPassing(error: CallError): boolean {
  return isThrottled(error) || PASSING.includes(error.code);
}

/**
 * Calls that must not be sent twice without a look: their codes age, a seed was lost with the response, or somebody else
 * may have enabled or created since what they deactivate or delete.
 */
const ONCE: readonly Action[] = [
  'iam:EnableMFADevice',
  'iam:ResyncMFADevice',
  'iam:DeactivateMFADevice',
  'iam:CreateVirtualMFADevice',
  'iam:DeleteVirtualMFADevice',
];

/** What a call has to do with the entity that it names. */
export type Relation =
  | 'needs it'
  | 'asks whether it exists'
  /** After this request has deleted it: AWS may deny reading what no longer exists. */
  | 'asks whether it is gone'
  /** The request goes on if the call is refused. */
  | 'can do without it';

/** The one table of reactions. Only codes decide, never the text of a message. */
export function reactionTo(error: CallError, request: RequestType, relation: Relation = 'needs it'): Reaction {
  const { action, code } = error;

  if (error.effectUnknown) {
    return ONCE.includes(action) ? { do: 'readState' } : { do: 'backOff' };
  }
  switch (code) {
    case 'InvalidAuthenticationCode':
      return { do: 'nextPair' };
    case 'EntityAlreadyExists':
    case 'DeleteConflict':
      return { do: 'readState' };
    case 'AccessDenied':
      return relation === 'asks whether it is gone'
        ? { do: 'accept' }
        : { do: 'backOff', forMs: relation === 'can do without it' ? SHORT_MS : PROPAGATION_MS };
    case 'NoSuchEntity':
      return relation === 'needs it' ? afterNoSuchEntity(error, request) : { do: 'accept' };
    case 'InvalidRequest':
      // A secret that is being deleted refuses to be deleted.
      return { do: action === 'secretsmanager:DeleteSecret' ? 'accept' : 'fail' };
    case 'ResourceNotFound':
      return relation === 'needs it' ? { do: 'backOff', forMs: SHORT_MS } : { do: 'accept' };
    default:
      return isPassing(error) ? { do: 'backOff' } : { do: 'fail' };
  }
}

function afterNoSuchEntity({ action }: CallError, request: RequestType): Reaction {
  switch (action) {
    case 'iam:DeactivateMFADevice':
    case 'iam:UntagMFADevice':
    case 'iam:DeleteVirtualMFADevice':
      return { do: 'accept' };
    case 'iam:ResyncMFADevice':
      // It was attached when it was read: somebody took it off meanwhile.
      return { do: 'readState' };
    default:
      return request === 'Delete' ? { do: 'accept' } : { do: 'backOff', forMs: PROPAGATION_MS };
  }
}
