import { createHash } from 'node:crypto';
import { CfnElement, Lazy, Stack } from 'aws-cdk-lib';
import { LOGICAL_ID_LENGTH } from './contract';

/** What a resource is. */
export interface Identity {
  /** Whatever makes it another resource. */
  readonly key: Readonly<Record<string, unknown>>;
  /** What people recognise it by, as far as it is known. */
  readonly names: readonly unknown[];
}

const HASH_LENGTH = 8;

/**
 * Gives the elements of a stack that are one thing the logical ids `<prefix><readable part><8 hex>`. They are worked out
 * at synthesis only: until then a user of the construct may still override logical ids of the resources that the
 * identity refers to. Once constructs are validated that is over, and the ids are kept, as a synthesis asks for them
 * many times.
 */
export function deriveLogicalIds(
  { stack, node }: CfnElement,
  identityIn: (stack: Stack) => Identity,
  elements: Readonly<Record<string, CfnElement | undefined>>,
): void {
  const kept = new Map<string, string>();
  for (const [prefix, element] of Object.entries(elements)) {
    element?.overrideLogicalId(
      Lazy.uncachedString({
        // A stack that is being prepared is searched for tokens, of which an id that is worked out holds none.
        produce: ({ preparing }) => (preparing ? prefix : (kept.get(prefix) ?? logicalIdOf(prefix, identityIn(stack)))),
      }),
    );
  }
  node.addValidation({
    validate: () => {
      const identity = identityIn(stack);
      Object.keys(elements).forEach((prefix) => kept.set(prefix, logicalIdOf(prefix, identity)));
      return [];
    },
  });
}

function logicalIdOf(prefix: string, { key, names }: Identity): string {
  const hash = createHash('sha256').update(JSON.stringify(key)).digest('hex');
  const readablePart = [...new Set(names.map(readable))].join('');
  return (
    prefix +
    readablePart.slice(0, LOGICAL_ID_LENGTH - prefix.length - HASH_LENGTH) +
    hash.slice(0, HASH_LENGTH).toUpperCase()
  );
}

function readable(name: unknown): string {
  const { Ref: reference } = (name ?? {}) as { Ref?: unknown };
  const text = typeof name === 'string' ? name : typeof reference === 'string' ? reference : '';
  return text.replace(/[^A-Za-z0-9]+/g, '').replace(/^./, (first) => first.toUpperCase());
}

/** Says in words that a logical id, as it ends up, is too long for a claim. */
export function problemOfLogicalId(element: CfnElement): string | undefined {
  const logicalId = String(element.stack.resolve(element.logicalId));
  return logicalId.length <= LOGICAL_ID_LENGTH
    ? undefined
    : `the logical id '${logicalId}' has ${logicalId.length} characters: at most ${LOGICAL_ID_LENGTH} are allowed, as it is part of a tag key on the device`;
}
