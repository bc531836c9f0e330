import { ANSWER_WITHIN, EVENT_AGE } from '../../../lib/contract';
import {
  CREATE_IS_OVER_MS,
  DAY_MS,
  FRESH_MS,
  JOINER_LOOKS_AGAIN_MS,
  JUST_ENABLED_MS,
  LEAVER_LOOKS_AGAIN_MS,
  MARK_IS_OVER_MS,
} from '../../../lambda/claims/timing';

/** The oldest answer to a read for which the rules hold. */
const READ_LAG_MS = 8_000;
/** The longest call. */
const CALL_MS = 10_000;

test('a Delete looks again after it can see the claim of a Create that could not see its mark', () => {
  expect(LEAVER_LOOKS_AGAIN_MS).toBeGreaterThanOrEqual(READ_LAG_MS + FRESH_MS + READ_LAG_MS);
});

test('a Create looks again after it can see the effect of a Delete that could not see its claim', () => {
  expect(JOINER_LOOKS_AGAIN_MS).toBeGreaterThanOrEqual(READ_LAG_MS + CALL_MS + READ_LAG_MS);
});

test('a Delete waits until it can see the claim of the request that enabled the device', () => {
  expect(JUST_ENABLED_MS).toBeGreaterThanOrEqual(READ_LAG_MS);
});

test('a Create is over after the time in the queue and the time to respond', () => {
  expect(CREATE_IS_OVER_MS).toBeGreaterThanOrEqual((EVENT_AGE + ANSWER_WITHIN) * 1000);
});

test('a mark outlives every request that it can stop, and no retained claim', () => {
  expect(MARK_IS_OVER_MS).toBeGreaterThanOrEqual(CREATE_IS_OVER_MS);
  expect(MARK_IS_OVER_MS).toBeLessThan(DAY_MS);
});
