import { generate } from 'lean-qr';
import { type SecretText } from '../lambda/seed';

/** A picture that fits a terminal. */
export interface Picture {
  readonly lines: readonly string[];
  readonly columns: number;
}

/** Light modules around the code: what the standard asks for, and what scanners still read, for small terminals. */
const MARGINS = [4, 2, 1];

/** Black on white, whatever the colors of the terminal are. */
const COLORS = '\x1b[30;107m';
const NO_COLORS = '\x1b[0m';

/**
 * A QR code of two rows of modules a line.
 *
 * @returns the picture with the widest margin that fits, or the smallest picture if none does
 */
export function qrPicture(text: SecretText, rows: number, columns: number): Picture {
  const code = generate(text.reveal());
  const pictures = MARGINS.map((margin) => {
    const lines: string[] = [];
    for (let y = -margin; y < code.size + margin; y += 2) {
      let line = '';
      for (let x = -margin; x < code.size + margin; x++) {
        line += module(code.get(x, y), code.get(x, y + 1));
      }
      lines.push(COLORS + line + NO_COLORS);
    }
    return { lines, columns: code.size + 2 * margin };
  });
  return pictures.find((picture) => picture.lines.length <= rows && picture.columns <= columns) ?? pictures.at(-1)!;
}

function module(upper: boolean, lower: boolean): string {
  return upper ? (lower ? '█' : '▀') : lower ? '▄' : ' ';
}
