import { Lazy, Stack } from './cdk';
import { createHash } from 'node:crypto';
import { type CfnElement } from 'aws-cdk-lib';
import { type Construct } from 'constructs';
import { LOGICAL_ID_LENGTH } from '../contract';

/** What a resource is. */
export interface Identity {
  /** A difference in any of these is another resource. */
  readonly key: Readonly<Record<string, unknown>>;
  /** What people recognize it by, as far as it is known. */
  readonly names: readonly unknown[];
}

const HASH_LENGTH = 8;

/**
 * Gives the elements of one thing the logical ids `<prefix><readable part><8 hex digits>`.
 *
 * They are computed at synthesis: until then, the logical ids of the resources that they depend on may still change.
 * After validation that is over. A synthesis asks for an id many times, so it is then computed once.
 */
export function deriveLogicalIds(
  construct: Construct,
  identityIn: (stack: Stack) => Identity,
  elements: Readonly<Record<string, CfnElement | undefined>>,
): void {
  const stack = Stack.of(construct);
  computeOnce(construct, Object.values(elements), () =>
    Object.keys(elements)
      .map(logicalIdsOf(identityIn(stack)))
      .map((logicalId) => renamedIn(stack, logicalId)),
  );
}

/**
 * Leaves elements the logical ids that aws-cdk-lib gives them, computed once. This is for speed only: every enrollment
 * refers to them, and aws-cdk-lib computes an id for each reference, which a bound of the synthesis bench does not allow.
 */
export function keepLogicalIds(construct: Construct, elements: readonly CfnElement[]): void {
  extendLogicalIds(construct, elements, () => undefined);
}

/** Extends the logical ids that aws-cdk-lib gives elements by 8 hex digits of a key, if there is one. */
export function extendLogicalIds(
  construct: Construct,
  elements: readonly CfnElement[],
  keyIn: (stack: Stack) => unknown,
): void {
  computeOnce(construct, elements, () =>
    elements.map((element) => {
      const { stack } = element;
      const key = keyIn(stack);
      const logicalId = stack.getLogicalId(element);
      return key === undefined ? logicalId : renamedIn(stack, logicalId + hashOf(key));
    }),
  );
}

function hashOf(key: unknown): string {
  return createHash('sha256').update(JSON.stringify(key)).digest('hex').slice(0, HASH_LENGTH).toUpperCase();
}

function computeOnce(
  construct: Construct,
  elements: readonly (CfnElement | undefined)[],
  logicalIds: () => string[],
): void {
  let computed: string[] | undefined;
  elements.forEach((element, index) =>
    element?.overrideLogicalId(
      Lazy.uncachedString({
        // A stack that is being prepared is searched for tokens, and a computed id holds none.
        produce: ({ preparing }) => (preparing ? 'Prepared' : (computed ?? logicalIds())[index]),
      }),
    ),
  );
  construct.node.addValidation({
    validate: () => {
      computed = logicalIds();
      return [];
    },
  });
}

/** What `stack.renameLogicalId` makes of an id. aws-cdk-lib itself renames only the ids that it computes. */
function renamedIn(stack: Stack, logicalId: string): string {
  const { _logicalIds: renames } = stack as unknown as { _logicalIds?: { applyRename?(logicalId: string): string } };
  return renames?.applyRename?.(logicalId) ?? logicalId;
}

function logicalIdsOf({ key, names }: Identity): (prefix: string) => string {
  const hash = hashOf(key);
  const readablePart = [...new Set(names.map(readable))].join('');
  return (prefix) => prefix + readablePart.slice(0, LOGICAL_ID_LENGTH - prefix.length - HASH_LENGTH) + hash;
}

function readable(name: unknown): string {
  const { Ref: reference } = (name ?? {}) as { Ref?: unknown };
  const text = typeof name === 'string' ? name : typeof reference === 'string' ? reference : '';
  return text.replace(/[^A-Za-z0-9]+/g, '').replace(/^./, (first) => first.toUpperCase());
}

/** Checks a logical id as it ends up: a claim must have room for it. */
export function problemOfLogicalId(element: CfnElement): string | undefined {
  const logicalId = String(element.stack.resolve(element.logicalId));
  return logicalId.length <= LOGICAL_ID_LENGTH
    ? undefined
    : `invalid logical id '${logicalId}' of ${logicalId.length} characters: expected at most ${LOGICAL_ID_LENGTH}, because it is part of a tag key on the device`;
}
