import { parseArgs } from 'node:util';
import logUpdate from 'log-update';
import { type Outcome, runHistories } from './run';
import { CLAIM_SABOTAGES } from './claim-sabotage';
import { DEVICE_SABOTAGES } from './device-sabotage';
import { ENROLLMENT_SABOTAGES } from './enrollment-sabotage';
import { NONE } from './sabotage';

const SABOTAGES = { ...ENROLLMENT_SABOTAGES, ...DEVICE_SABOTAGES, ...CLAIM_SABOTAGES };

const HELP = `Runs random histories of stacks, administrators and faults in virtual time and checks the invariants.

  npm run chaos -- [--histories N] [--seed N] [--sabotage NAME] [--tag-lag MS] [--json]

  --histories  number of histories (default: 1000)
  --seed       seed of the random numbers (default: 42); the same seed runs the same histories
  --sabotage   disable one safeguard, to check that the histories detect it:
${Object.keys(SABOTAGES)
  .map((name) => `                 ${name}`)
  .join('\n')}
  --tag-lag    how stale reads of tags can be, in milliseconds; the rules assume at most 8000
  --json       print the result as one JSON object
  --help       print this text
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      histories: { type: 'string', default: '1000' },
      seed: { type: 'string', default: '42' },
      sabotage: { type: 'string' },
      'tag-lag': { type: 'string' },
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
    throw new Error(
      `'--sabotage': invalid value '${values.sabotage}': expected one of ${Object.keys(SABOTAGES).join(', ')}`,
    );
  }
  const tagLag = values['tag-lag'] === undefined ? undefined : wholeNumber('tag-lag', values['tag-lag']);
  const outcome = await runHistories({ histories, seed, tagLag }, sabotage(), (count) => {
    if (process.stderr.isTTY && count % 100 === 0) {
      logUpdate(`${count} histories`);
    }
  });
  process.stdout.write(values.json ? `${JSON.stringify({ seed, ...outcome })}\n` : report(seed, outcome));
  return outcome.found === undefined ? 0 : 1;
}

function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) {
    throw new Error(`'--${name}': invalid value '${text}': expected a whole number of at most 9 digits`);
  }
  return Number(text);
}

function report(seed: number, { histories, steps, faults, exceptions, actions, found }: Outcome): string {
  const hits = Object.values(faults).reduce((sum, count) => sum + count, 0);
  return [
    `seed ${seed}`,
    ...Object.entries(faults).map(([kind, count]) => `${String(count).padStart(9)}  ${kind}`),
    ...Object.entries(exceptions).map(([kind, count]) => `${String(count).padStart(9)}  documented exception: ${kind}`),
    `calls: ${actions.join(', ')}`,
    ...(found === undefined
      ? []
      : [
          `${found.violation.invariant}: ${found.violation.words}`,
          `found after ${found.after} histories; smallest scenario that reproduces it:`,
          JSON.stringify(found.scenario, undefined, 2),
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
