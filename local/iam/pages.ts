import { AwsError } from '../aws-error';

/** Items of a page when the caller names no number. */
const DEFAULT_ITEMS = 100;

/** What a caller says about the page wanted. */
export interface PageRequest {
  readonly Marker?: string;
  readonly MaxItems?: number;
}

/** One page, and where the next begins. */
export interface Page<T> {
  readonly items: T[];
  readonly IsTruncated: boolean;
  readonly Marker?: string;
}

/**
 * Cuts one page out of everything. A marker names the last item of its page and not a position, so that what comes and
 * goes between two calls neither repeats nor hides an item.
 *
 * @param keyOf what an item is sorted by and recognised by: unique
 */
export function pageOf<T>(all: readonly T[], keyOf: (item: T) => string, request: PageRequest): Page<T> {
  const after = request.Marker === undefined ? undefined : keyIn(request.Marker);
  const rest = [...all]
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
    .filter((item) => after === undefined || keyOf(item) > after);
  const items = rest.slice(0, request.MaxItems ?? DEFAULT_ITEMS);
  const last = items.at(-1);
  return last === undefined || items.length === rest.length
    ? { items, IsTruncated: false }
    : { items, IsTruncated: true, Marker: Buffer.from(`after:${keyOf(last)}`).toString('base64url') };
}

function keyIn(marker: string): string {
  const [, key] = /^after:(.+)$/s.exec(Buffer.from(marker, 'base64url').toString()) ?? [];
  if (key === undefined) {
    throw new AwsError('ValidationError', 400, `Invalid Marker: '${marker}' is none that this service gave out`);
  }
  return key;
}
