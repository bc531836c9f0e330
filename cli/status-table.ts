import { printable } from '../lib/checks';
import {
  type Finding,
  type Inspection,
  type Missed,
  type Row,
  type RowState,
  type Subject,
  type Undecided,
} from '../inspection/report';

/** On a terminal, everything but commands fits into this many columns. */
const WIDTH = 80;
const USER_WIDTH = 16;
const DEVICE_WIDTH = 29;
/** How many things of one kind are listed one by one. */
const MOST_LISTED = 5;

type Color = 'red' | 'green' | 'yellow' | 'dim' | 'bold';
type Paint = (color: Color, text: string) => string;

const ESCAPES: Readonly<Record<Color, string>> = { red: '31', green: '32', yellow: '33', dim: '2', bold: '1' };
const COLORS: Readonly<Record<RowState, Color>> = {
  ok: 'green',
  finding: 'red',
  unknown: 'yellow',
  'in progress': 'dim',
  failed: 'dim',
};

const OBSTACLES: Readonly<Record<Missed['code'], string>> = {
  NOT_ALLOWED: 'not allowed',
  THROTTLED: 'throttled for minutes',
  FAILED: 'failed',
};

/** How an inspection is shown. */
export interface TextOptions {
  /** The regions that were asked for. */
  readonly regions: readonly string[];
  readonly isColored: boolean;
  /** Whether a person reads it on a terminal. Elsewhere the names of users are complete, so that `grep` finds them. */
  readonly isTerminal: boolean;
}

/** An inspection as text for a person. */
export function statusText(inspection: Inspection, { regions, isColored, isTerminal }: TextOptions): string {
  const paint: Paint = (color, text) => (isColored ? `\u001b[${ESCAPES[color]}m${text}\u001b[0m` : text);
  const { rows, findings, undecided, missed } = inspection;
  return [
    ...(rows.length === 0 ? [nothingIn(regions, missed), ''] : tables(rows, isTerminal, paint)),
    ...findings.flatMap((finding) => findingLines(finding, paint)),
    ...undecidedLines(undecided, paint),
    ...missedLines(missed, paint),
    summary(inspection, paint),
    '',
  ].join('\n');
}

/** The text in place of tables. If stacks could not be looked at, there may be enrollments. */
function nothingIn(regions: readonly string[], missed: readonly Missed[]): string {
  const missedIn = (region: string) => missed.filter((each) => each.subject.region === region);
  const unlisted = regions.filter((region) =>
    missedIn(region).some(({ action }) => action === 'cloudformation:ListStacks'),
  );
  const unread = regions.filter(
    (region) =>
      !unlisted.includes(region) && missedIn(region).some(({ action }) => action.startsWith('cloudformation:')),
  );
  const read = regions.filter((region) => !unlisted.includes(region) && !unread.includes(region));
  return [
    ...(read.length > 0 ? [`No enrollments in ${read.join(', ')}.`] : []),
    ...(unread.length > 0 ? [`Could not look at all stacks in ${unread.join(', ')}.`] : []),
    ...(unlisted.length > 0 ? [`Could not list the stacks in ${unlisted.join(', ')}.`] : []),
  ].join('\n');
}

/** A table for each stack. */
function tables(rows: readonly Row[], isTerminal: boolean, paint: Paint): string[] {
  const byStack = new Map<string, Row[]>();
  for (const row of rows) {
    const stack = `${row.stackName} (${row.region})`;
    byStack.set(stack, [...(byStack.get(stack) ?? []), row]);
  }
  const longest = Math.max(USER_WIDTH, ...rows.map((row) => userText(row).length));
  const userWidth = isTerminal ? USER_WIDTH : longest;
  return [...byStack].flatMap(([stack, ofStack]) => [
    paint('bold', printable(stack)),
    paint('dim', `  ${'USER'.padEnd(userWidth)}  ${'DEVICE'.padEnd(DEVICE_WIDTH)}  STATE`),
    ...ofStack.flatMap((row) => rowLines(row, userWidth, paint)),
    '',
  ]);
}

function userText({ kind, userName }: Row): string {
  return printable(userName ?? (kind === 'device' ? '-' : '?'));
}

function rowLines(row: Row, userWidth: number, paint: Paint): string[] {
  const { serialNumber, logicalId, state, codes } = row;
  const device = serialNumber?.slice(serialNumber.lastIndexOf('/') + 1) ?? logicalId;
  const [first = state, ...more] = codes;
  const before = `  ${fit(userText(row), userWidth)}  ${fit(printable(device), DEVICE_WIDTH)}  `;
  return [
    before + paint(COLORS[state], first),
    ...more.map((code) => ' '.repeat(before.length) + paint(COLORS[state], code)),
  ];
}

/** Pads a text, or leaves out its middle: the end of a device's name is its generation. */
function fit(text: string, width: number): string {
  const end = Math.floor(width / 2);
  return text.length <= width ? text.padEnd(width) : `${text.slice(0, width - end - 1)}…${text.slice(-end)}`;
}

function findingLines({ code, message, next, command }: Finding, paint: Paint): string[] {
  return [
    paint('red', code),
    ...wrapped(message),
    ...wrapped(next),
    // In one line, so that it can be copied.
    ...(command === undefined ? [] : [`    ${command}`]),
    '',
  ];
}

function undecidedLines(undecided: readonly Undecided[], paint: Paint): string[] {
  return grouped(undecided, ({ code }) => code).flatMap(([code, all]) => [
    paint('yellow', code),
    ...all.slice(0, MOST_LISTED).flatMap(({ message }) => wrapped(message)),
    ...more(all.length),
    '',
  ]);
}

function missedLines(missed: readonly Missed[], paint: Paint): string[] {
  return grouped(missed, ({ action, code }) => `${action} ${code}`).flatMap(([, all]) => {
    const { action, code, errorCode = 'no response' } = all[0]!;
    return [
      paint('yellow', `Not inspected: ${action} ${OBSTACLES[code]} (${errorCode})`),
      ...all.slice(0, MOST_LISTED).map(({ subject }) => `  ${subjectText(subject)}`),
      ...more(all.length),
      '',
    ];
  });
}

function subjectText({ region, stackName, userName, serialNumber, secretArn }: Subject): string {
  const parts = [
    serialNumber && `device ${serialNumber}`,
    secretArn && `secret ${secretArn}`,
    userName && `user ${userName}`,
    stackName && `stack ${stackName}`,
    region,
  ].filter((part) => part !== undefined && part !== '');
  return parts.length === 0 ? 'the account' : printable(parts.join(', '));
}

function more(count: number): string[] {
  return count > MOST_LISTED ? [`  and ${count - MOST_LISTED} more; --json lists all of them`] : [];
}

function summary({ rows, findings, missed, isComplete }: Inspection, paint: Paint): string {
  const enrollments = rows.filter(({ kind }) => kind === 'enrollment').length;
  const count = `${plural(enrollments, 'enrollment')}, ${plural(findings.length, 'finding')}`;
  return isComplete
    ? paint(findings.length > 0 ? 'red' : 'green', `${count}.`)
    : paint(findings.length > 0 ? 'red' : 'yellow', `${count}; incomplete: ${plural(missed.length, 'lookup')} failed.`);
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): [string, T[]][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  }
  return [...groups];
}

/** Breaks a text between words. A word that is longer than a line stays whole, so that it can be copied. */
function wrapped(text: string, indent = '  '): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > WIDTH) {
      lines.push(indent + line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, indent + line];
}
