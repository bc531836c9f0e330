/** What the documents say that the library does not protect from. Counted, never silently left out. */
export const DOCUMENTED_EXCEPTIONS = [
  'retained less than a day before a cancelled declaration',
  'a late Create of a device',
  'killed before it could undo what it did',
  'a Create that never answered, and a later one that succeeded',
  'a creation that could not be rolled back',
  "a failed Delete of a device with a caller's secret",
] as const;
export type DocumentedException = (typeof DOCUMENTED_EXCEPTIONS)[number];
