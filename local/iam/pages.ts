import { AwsError } from '../aws-error';

/** The page size if the caller specifies none. */
const DEFAULT_ITEMS = 100;

/** The parameters of a request for a page. */
export interface PageRequest {
  readonly Marker?: string;
  readonly MaxItems?: number;
}

/** One page, and the marker of the next. */
export interface Page<T> {
  readonly items: T[];
  readonly IsTruncated: boolean;
  readonly Marker?: string;
}

/**
 * Returns one page. The marker contains the last item's key instead of a position, so that items added or removed
 * between two calls neither repeat nor hide other items.
 *
 * @param keyOf an item's unique key, which is also the sort key
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
    throw new AwsError('ValidationError', 400, `Invalid Marker: '${marker}' was not issued by this service`);
  }
  return key;
}
