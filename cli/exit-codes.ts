/** What the command exits with. Scripts rely on these numbers. */
export const EXIT = {
  FINE: 0,
  /** Wrong usage, or refused. */
  REFUSED: 1,
  FINDINGS: 2,
  /** Not everything could be looked at. */
  INCOMPLETE: 3,
  /** As shells report a command that Ctrl+C ended. */
  INTERRUPTED: 130,
} as const;
