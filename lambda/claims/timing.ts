import { ANSWER_WITHIN, EVENT_AGE } from '../../lib/contract';
import { MOST_CALL_MS } from '../aws/ports';

/*
 * IAM shows a write to everybody only after some seconds. The rules hold if a read is at most `READ_LAG_MS` old, and the
 * times below follow from that. All are milliseconds.
 */

/** How old the answer to a read may be. */
const READ_LAG_MS = 8_000;

/** How long a request acts on what it has read. Then it reads the tags again before it sends codes. */
export const FRESH_MS = 5_000;

/**
 * A Create that has not seen a Delete's mark may write its claim until the mark is `READ_LAG_MS` + `FRESH_MS` old. Again
 * `READ_LAG_MS` later the Delete sees that claim.
 */
export const LEAVER_LOOKS_AGAIN_MS = 2 * READ_LAG_MS + FRESH_MS + 1_000;

/**
 * For so long after a Create has read the tags, a later one of its resource can't have claimed the device: it comes after
 * our Delete, which looks again.
 */
export const MAY_CLAIM_MS = LEAVER_LOOKS_AGAIN_MS - READ_LAG_MS;

/**
 * A Delete that has not seen a Create's claim may deactivate the device until the claim is `READ_LAG_MS` old, and its call
 * takes up to `MOST_CALL_MS`. Again `READ_LAG_MS` later the Create sees that the device is off.
 */
export const JOINER_LOOKS_AGAIN_MS = 2 * READ_LAG_MS + MOST_CALL_MS + 4_000;

/** Until a device has been enabled for so long, the list of devices, or the claim of who enabled it, may not show it. */
export const JUST_ENABLED_MS = READ_LAG_MS + 2_000;

/** A Create that enables the device so soon after CloudFormation sent it was delivered at once, and met nobody else. */
export const PROMPT_MS = 30_000;

/** A Create that CloudFormation sent longer ago than this is over, even if it waited in Lambda's queue. */
export const CREATE_IS_OVER_MS = (EVENT_AGE + ANSWER_WITHIN + 60) * 1000;

/** A claim that is older was kept by a removal policy, unless its resource is still declared. */
export const DAY_MS = 24 * 60 * 60 * 1000;

/** A mark that is older stops nobody any more, because every request that it could stop is over. */
export const MARK_IS_OVER_MS = 60 * 60 * 1000;
