import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../local/clock';
import { cliPart } from './cli/cli';
import { deploymentPart } from './deployment/deployment';
import { type Figure, isMissed, type Part } from './figure';
import { fleetPart } from './fleet/fleet';
import { functionPart } from './function/function';
import { drawPlots } from './plots/plots';
import { requestsPart } from './requests/requests';
import { scriptPart } from './script/script';
import { statusPart } from './status/status';
import { synthesisPart } from './synthesis/synthesis';

const HELP = `Measures the costs of this library and of the alternatives. If all parts run, writes bench/results.json and
docs/bench-*.svg. Exits with status 1 if a figure exceeds its bound. Ratios carry over to other machines; absolute
times don't.

  npm run bench -- [--part <name>] [--runs <number>] [--node <path>] [--json]

  --part  measure only this part; repeatable (default: all)
  --runs  number of runs of each contender (default: 25)
  --node  path of another Node.js to measure on; repeatable (default: only the running one)
  --json  print the results as JSON instead of a table
  --help  print this text
`;

const PARTS: readonly Part[] = [
  functionPart,
  requestsPart,
  scriptPart,
  synthesisPart,
  deploymentPart,
  fleetPart,
  cliPart,
  statusPart,
];

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      part: { type: 'string', multiple: true, default: PARTS.map(({ name }) => name) },
      runs: { type: 'string', default: '25' },
      node: { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1) {
    throw new Error(`'--runs': invalid value '${values.runs}': expected a whole number of at least 1`);
  }
  const unknown = values.part.find((name) => !PARTS.some((part) => part.name === name));
  if (unknown !== undefined) {
    throw new Error(
      `'--part': invalid value '${unknown}': expected one of ${PARTS.map(({ name }) => name).join(', ')}`,
    );
  }

  const figures: Figure[] = [];
  const notes: string[] = [];
  const conditions = { nodes: [process.execPath, ...values.node], runs, note: (text: string) => void notes.push(text) };
  const parts = PARTS.filter(({ name }) => values.part.includes(name));
  for (const part of parts) {
    figures.push(...(await part.measure(conditions)));
  }
  const results = `${JSON.stringify({ ...circumstances(), runs, notes, figures }, null, 2)}\n`;
  if (parts.length === PARTS.length) {
    drawPlots(figures, join(__dirname, '..', 'docs'));
    writeFileSync(join(__dirname, 'results.json'), results);
  }
  process.stdout.write(values.json ? results : [...figures.map(line), ...notes.map((note) => `${note}\n`)].join(''));
  if (figures.some(isMissed)) {
    process.exitCode = 1;
  }
}

function circumstances() {
  const [cpu] = cpus();
  return {
    date: new Date(systemClock.now()).toISOString(),
    machine: {
      cpu: cpu?.model.trim(),
      cores: cpus().length,
      memoryBytes: totalmem(),
      // The load of the last minute, which includes other processes.
      load: loadavg()[0],
      system: `${platform()} ${release()}`,
    },
    versions: {
      node: process.versions.node,
      'aws-cdk-lib': versionOf('aws-cdk-lib'),
      esbuild: versionOf('esbuild'),
      '@aws-sdk/client-iam': versionOf('@aws-sdk/client-iam'),
    },
  };
}

function versionOf(name: string): string {
  const file = join(__dirname, '..', 'node_modules', name, 'package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

const SHOWN: Record<Figure['unit'], (value: number) => string> = {
  bytes: (value) => Math.round(value).toLocaleString('en'),
  count: (value) => Math.round(value).toLocaleString('en'),
  ms: (value) => value.toFixed(1),
  s: (value) => value.toFixed(1),
  ratio: (value) => value.toFixed(2),
};

function line(figure: Figure): string {
  const { name, value, unit, atMost } = figure;
  const shown = SHOWN[unit](value);
  const bound = atMost === undefined ? '' : `  at most ${atMost}${isMissed(figure) ? ': MISSED' : ''}`;
  return `${name.padEnd(56)} ${shown.padStart(12)} ${unit === 'ratio' || unit === 'count' ? '' : unit}${bound}\n`;
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
