import { createHash } from 'node:crypto';
import { type CfnElement } from 'aws-cdk-lib';
import { type Construct } from 'constructs';
import { Lazy, Stack } from './cdk';
import { LOGICAL_ID_LENGTH } from '../contract';

/** What a resource is. */
export interface Identity {
  /** Whatever makes it another resource. */
  readonly key: Readonly<Record<string, unknown>>;
  /** What people recognise it by, as far as it is known. */
  readonly names: readonly unknown[];
}

const HASH_LENGTH = 8;

/** Gives the elements of a construct that are one thing the logical ids `<prefix><readable part><8 hex>`. */
export function deriveLogicalIds(
  construct: Construct,
  identityIn: (stack: Stack) => Identity,
  elements: Readonly<Record<string, CfnElement | undefined>>,
): void {
  workOutOnce(construct, Object.values(elements), () =>
    Object.keys(elements).map(logicalIdsOf(identityIn(Stack.of(construct)))),
  );
}

/** Leaves elements the logical ids that aws-cdk-lib gives them, where many resources refer to them. */
export function keepLogicalIds(construct: Construct, elements: readonly CfnElement[]): void {
  workOutOnce(construct, elements, () => elements.map((element) => element.stack.getLogicalId(element)));
}

/**
 * Logical ids are worked out at synthesis only: until then a user of the construct may still override or rename those of
 * the resources that they follow from. Once constructs are validated that is over, and the ids are kept, as a synthesis
 * asks for them many times, and aws-cdk-lib would work them out each time.
 */
function workOutOnce(
  construct: Construct,
  elements: readonly (CfnElement | undefined)[],
  logicalIds: () => string[],
): void {
  let kept: string[] | undefined;
  elements.forEach((element, index) =>
    element?.overrideLogicalId(
      Lazy.uncachedString({
        // A stack that is being prepared is searched for tokens, of which an id that is worked out holds none.
        produce: ({ preparing }) => (preparing ? 'Prepared' : (kept ?? logicalIds())[index]),
      }),
    ),
  );
  construct.node.addValidation({
    validate: () => {
      kept = logicalIds();
      return [];
    },
  });
}

function logicalIdsOf({ key, names }: Identity): (prefix: string) => string {
  const hash = createHash('sha256').update(JSON.stringify(key)).digest('hex').slice(0, HASH_LENGTH).toUpperCase();
  const readablePart = [...new Set(names.map(readable))].join('');
  return (prefix) => prefix + readablePart.slice(0, LOGICAL_ID_LENGTH - prefix.length - HASH_LENGTH) + hash;
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
