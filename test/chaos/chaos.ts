import { parseArgs } from 'node:util';
import logUpdate from 'log-update';
import { type Outcome, runHistories } from './run';
import { NONE, SABOTAGES } from './sabotage';

const HELP = `Runs random histories of stacks, administrators and faults, in virtual time, and checks the invariants.

  npm run chaos -- [--histories N] [--seed N] [--sabotage NAME] [--json]

  --histories  how many (default 1000)
  --seed       which ones (default 42); the same seed runs the same histories
  --sabotage   take a remedy out, to see that the histories find it missing:
${Object.keys(SABOTAGES)
  .map((name) => `                 ${name}`)
  .join('\n')}
  --json       the result as one JSON object
  --help       this text
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      histories: { type: 'string', default: '1000' },
      seed: { type: 'string', default: '42' },
      sabotage: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const [histories, seed] = [wholeNumber('histories', values.histories), wholeNumber('seed', values.seed)];
  const sabotage = values.sabotage === undefined ? () => NONE : SABOTAGES[values.sabotage];
  if (sabotage === undefined) {
    throw new Error(`--sabotage '${values.sabotage}': one of these is allowed: ${Object.keys(SABOTAGES).join(', ')}`);
  }
  const outcome = await runHistories({ histories, seed }, sabotage(), (count) => {
    if (process.stderr.isTTY && count % 100 === 0) {
      logUpdate(`${count} histories`);
    }
  });
  process.stdout.write(values.json ? `${JSON.stringify({ seed, ...outcome })}\n` : report(seed, outcome));
  return outcome.found === undefined ? 0 : 1;
}

function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) {
    throw new Error(`--${name} '${text}': a whole number is expected`);
  }
  return Number(text);
}

function report(seed: number, { histories, steps, faults, actions, found }: Outcome): string {
  const hits = Object.values(faults).reduce((sum, count) => sum + count, 0);
  return [
    `seed ${seed}`,
    ...Object.entries(faults).map(([kind, count]) => `${String(count).padStart(9)}  ${kind}`),
    `calls: ${actions.join(', ')}`,
    ...(found === undefined
      ? []
      : [
          `${found.violation.invariant}: ${found.violation.words}`,
          `found after ${found.after} histories; the smallest one that shows it:`,
          JSON.stringify(found.story, undefined, 2),
        ]),
    `${histories} histories, ${steps} steps, ${hits} faults, ${found === undefined ? 0 : 1} violations`,
    '',
  ].join('\n');
}

main().then(
  (status) => {
    process.exitCode = status;
  },
  (error: Error) => {
    process.stderr.write(`npm run chaos: ${error.message}\n`);
    process.exitCode = 2;
  },
);
