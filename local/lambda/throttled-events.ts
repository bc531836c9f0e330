import type { Random } from './uuid';

const MIN_DELAY_MS = 1_000;
const MAX_DELAY_MS = 5 * 60_000;

/**
 * How long the queue holds an event that exceeds the concurrency. Throttling is not an attempt, so only the event's age
 * ends it. AWS documents only the shortest and the longest interval.
 *
 * @param times how often the event was throttled, including this time
 * @see https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 */
export function throttledDelayMs(times: number, random: Random): number {
  const maxDelayMs = Math.min(MIN_DELAY_MS * 2 ** (times - 1), MAX_DELAY_MS);
  return maxDelayMs * (0.5 + random(4).readUInt32BE() / 2 ** 33);
}
