import { type Environment } from './environment';
import { EXIT } from './exit-codes';
import { Failure } from './failure';
import { otpauthUri } from './otpauth-uri';
import { qrPicture } from './qr-picture';
import { seedFor, type Selection } from './seed-source';

const PROMPT = 'Scan the code, then press Enter.';

/** A picture that somebody forgets must not stay. */
const SHOWN_MINUTES = 5;

/** The alternate screen has no scrollback. It is cleared before it is left, for terminals that keep it. */
const ENTER_SCREEN = '\x1b[?1049h\x1b[?25l\x1b[2J\x1b[H';
const LEAVE_SCREEN = '\x1b[2J\x1b[H\x1b[?25h\x1b[?1049l';

/** Shows a device's seed as a QR code until somebody presses Enter, for some minutes at most. */
export async function qr(
  options: { readonly selection: Selection; readonly region?: string; readonly label: string },
  environment: Environment,
): Promise<number> {
  const { stdout, stderr, keyboard, clock, interruption } = environment;
  // Anywhere else, the picture would end up in a file or a log.
  if (!stdout.isTTY || !keyboard.isTTY) {
    throw new Failure('qr shows a seed, so it needs a terminal. Do not redirect its input or output.');
  }
  const seed = await seedFor(options.selection, await environment.connect(options.region));
  // One line is the prompt's.
  const picture = qrPicture(otpauthUri(seed, options.label), stdout.rows - 1, stdout.columns);
  if (picture.lines.length >= stdout.rows || picture.columns > stdout.columns) {
    const needed = `${picture.columns} columns and ${picture.lines.length + 1} rows`;
    throw new Failure(`the terminal is too small for the QR code: enlarge it to ${needed}, or use a smaller font.`);
  }
  if (interruption.aborted) {
    return EXIT.INTERRUPTED;
  }
  const end = new AbortController();
  let how: 'enter' | 'interrupt' | 'timeout';
  try {
    // First, so that nothing that is typed shows on top of the picture.
    const pressed = keyboard.pressed(AbortSignal.any([interruption, end.signal]));
    stdout.write(`${ENTER_SCREEN}${picture.lines.join('\r\n')}\r\n${PROMPT}`);
    const timeout = clock.sleep(SHOWN_MINUTES * 60_000, end.signal).then(
      () => 'timeout' as const,
      () => 'interrupt' as const,
    );
    how = await Promise.race([pressed, timeout]);
  } finally {
    end.abort();
    stdout.write(LEAVE_SCREEN);
  }
  if (how === 'timeout') {
    stderr.write(`The QR code was cleared after ${SHOWN_MINUTES} minutes.\n`);
  }
  return how === 'interrupt' ? EXIT.INTERRUPTED : EXIT.FINE;
}
