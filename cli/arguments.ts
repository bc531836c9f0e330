import { parseArgs } from 'node:util';
import { quoted } from '../lib/checks';
import { UsageError } from './failure';

/** An option of a command. */
export interface Option {
  /** What the help calls its value. Absent: the option takes no value. */
  readonly value?: string;
  /** Whether it can be repeated. */
  readonly multiple?: true;
  readonly help: string;
}

export type Options = Readonly<Record<string, Option>>;

/** The values that were given. */
export class Values {
  constructor(private readonly given: ReadonlyMap<string, readonly string[]>) {}

  has(name: string): boolean {
    return this.given.has(name);
  }

  text(name: string): string | undefined {
    return this.given.get(name)?.[0];
  }

  all(name: string): string[] {
    return [...(this.given.get(name) ?? [])];
  }
}

/** Parses the arguments of a command. Errors quote what was given, except for what may be a seed. */
export function parse(args: readonly string[], options: Options): Values {
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      Object.entries(options).map(([name, { value }]) => [name, { type: value === undefined ? 'boolean' : 'string' }]),
    ),
    allowPositionals: true,
    // Not strict: the errors of parseArgs show every argument.
    strict: false,
    tokens: true,
  });
  const given = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind === 'option-terminator') {
      continue;
    }
    if (token.kind === 'positional') {
      throw new UsageError(`unexpected argument ${quoted(token.value)}`);
    }
    const { name, rawName, value, inlineValue } = token;
    const option = Object.hasOwn(options, name) && rawName.startsWith('--') ? options[name] : undefined;
    if (option === undefined) {
      throw new UsageError(`unknown option ${quoted(rawName)}${suggestion(name, Object.keys(options), '--')}`);
    }
    if (option.value === undefined && value !== undefined) {
      throw new UsageError(`--${name} takes no value`);
    }
    // `--user --json` lacks a value. Values that begin with a hyphen can be given as `--user=-x`.
    if (
      option.value !== undefined &&
      (value === undefined || value === '' || (!inlineValue && value.startsWith('-')))
    ) {
      throw new UsageError(`--${name} needs a value: --${name} ${option.value}`);
    }
    if (given.has(name) && option.multiple !== true) {
      throw new UsageError(`--${name} was given twice`);
    }
    given.set(name, [...(given.get(name) ?? []), value ?? '']);
  }
  return new Values(given);
}

/** The known word that somebody may have meant. */
export function suggestion(word: string, known: readonly string[], prefix = ''): string {
  const [closest] = known
    .map((each) => ({ each, distance: each.startsWith(word) && word !== '' ? 0 : editDistance(word, each) }))
    .filter(({ each, distance }) => distance <= Math.max(1, Math.floor(each.length / 3)))
    .sort((a, b) => a.distance - b.distance);
  return closest === undefined ? '' : `. Did you mean ${prefix}${closest.each}?`;
}

/** How many letters have to be added, removed, changed, or swapped with their neighbor. */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [[...Array(b.length + 1).keys()]];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, rows[i - 2]![j - 2]! + 1);
      }
      row.push(least);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
