import type { Random } from '../lambda/uuid';

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

/** A random suffix for physical ids. */
export function suffix(random: Random, length = 12): string {
  return [...random(length)].map((byte) => LETTERS[byte % LETTERS.length]).join('');
}

/**
 * A name for a resource that has none in the template: `<stack>-<logical id>-<suffix>`, shortened to a maximum length.
 *
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-name.html
 */
export function physicalName(stackName: string, logicalId: string, random: Random, maxLength = 64): string {
  const ending = suffix(random);
  const available = maxLength - ending.length - 2;
  const forLogicalId = logicalId.slice(0, Math.max(24, available - stackName.length));
  return `${stackName.slice(0, available - forLogicalId.length)}-${forLogicalId}-${ending}`;
}
