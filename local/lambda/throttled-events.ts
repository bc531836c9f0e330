import type { Random } from './uuid';

const FIRST_MS = 1_000;
const LONGEST_MS = 5 * 60_000;

/**
 * How long the queue holds an event for which no concurrency was left. Throttling counts as no attempt: only the event's
 * age ends it. AWS documents the shortest and the longest interval, and nothing of how it spreads events between them.
 *
 * @param times how often the event was throttled, this time included
 * @see https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 */
export function throttledDelayMs(times: number, random: Random): number {
  const longest = Math.min(FIRST_MS * 2 ** (times - 1), LONGEST_MS);
  return longest * (0.5 + random(4).readUInt32BE() / 2 ** 33);
}
