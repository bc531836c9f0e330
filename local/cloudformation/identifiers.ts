import type { Random } from '../lambda/uuid';

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

/** The random end of physical ids. */
export function suffix(random: Random, length = 12): string {
  return [...random(length)].map((byte) => LETTERS[byte % LETTERS.length]).join('');
}

/**
 * A name for a resource that the template leaves unnamed: `<stack>-<logical id>-<suffix>`, shortened as IAM's and
 * Lambda's names have to be.
 *
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-name.html
 */
export function physicalName(stackName: string, logicalId: string, random: Random, maxLength = 64): string {
  const end = suffix(random);
  const room = maxLength - end.length - 2;
  const forLogicalId = logicalId.slice(0, Math.max(24, room - stackName.length));
  return `${stackName.slice(0, room - forLogicalId.length)}-${forLogicalId}-${end}`;
}
