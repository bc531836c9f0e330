import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import logUpdate from 'log-update';
import type { StackEvent } from './cloudformation';
import { systemClock } from './clock';
import type { CompletedCall } from './http';
import { clientEnvironment } from './client-environment';
import { Interrupted, Interruption, isInterrupting } from './interruption';
import { LocalAws } from './local-aws';

const STACK = 'MfaExample';

const HELP = `Builds the function, deploys bin/app.ts to an empty local AWS, shows the result, and destroys the stack.

  npm start -- [--keep] [--no-build] [--json]

  --keep      wait for Ctrl+C before destroying the stack
  --no-build  use the output of an earlier build
  --json      print one JSON object per line; 'npm start --silent' suppresses npm's own lines
  --help      print this help
`;

interface Device {
  readonly userName: string;
  readonly serialNumber: string;
  readonly clockAdjustment?: number;
}

/** Reports progress while it happens. */
interface Reporter {
  message(text: string): void;
  event(event: StackEvent): void;
  call(call: CompletedCall): void;
  done(result: Result): void;
}

interface Result {
  readonly create: string;
  readonly devices: readonly Device[];
  readonly delete: string;
  /** Names of everything that still exists after the stack was destroyed. */
  readonly left: readonly string[];
}

/** @returns whether the result is as expected */
async function main(): Promise<boolean> {
  const { values: options } = parseArgs({
    options: {
      keep: { type: 'boolean', default: false },
      'no-build': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (options.help) {
    process.stdout.write(HELP);
    return true;
  }
  const reporter = options.json ? jsonReporter() : process.stdout.isTTY ? terminalReporter() : logReporter();
  const interruption = new Interruption();
  if (!options['no-build']) {
    reporter.message('Building the construct library and its function');
    await run('npm', ['run', 'build', '--silent'], interruption);
  }
  const assembly = mkdtempSync(join(tmpdir(), 'mfa-example-'));
  // However the process ends: a second signal ends it before any `finally` runs.
  process.once('exit', () => rmSync(assembly, { recursive: true, force: true }));
  reporter.message('Synthesizing bin/app.ts');
  await run(process.execPath, ['--import', 'tsx', 'bin/app.ts'], interruption, { CDK_OUTDIR: assembly });
  const result = await deployAndDestroy(assembly, reporter, interruption, options.keep);
  reporter.done(result);
  return isExpected(result);
}

/**
 * Runs a command in its own process group, which an interruption stops as a whole. All of its output goes to standard
 * error, because programs may read standard output.
 */
async function run(
  command: string,
  args: readonly string[],
  { signal }: Interruption,
  env: NodeJS.ProcessEnv = {},
): Promise<void> {
  signal.throwIfAborted();
  const child = spawn(command, args, { stdio: ['ignore', 2, 2], env: { ...process.env, ...env }, detached: true });
  const stop = () => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      process.kill(-child.pid, 'SIGTERM');
    }
  };
  signal.addEventListener('abort', stop, { once: true });
  const [status, endedBy] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  signal.removeEventListener('abort', stop);
  signal.throwIfAborted();
  // A signal to both processes can end the child before it arrives here.
  if (isInterrupting(endedBy)) {
    throw new Interrupted(endedBy);
  }
  if (status !== 0) {
    throw new Error(`'${command} ${args.join(' ')}' failed`);
  }
}

async function deployAndDestroy(
  assembly: string,
  reporter: Reporter,
  interruption: Interruption,
  keep: boolean,
): Promise<Result> {
  const aws = await LocalAws.start({
    clock: systemClock,
    onEvent: (event) => reporter.event(event),
    onCall: (call) => reporter.call(call),
  });
  try {
    return await interruption.race(roundTrip(aws, assembly, reporter, keep ? () => interruption.next() : undefined));
  } finally {
    await aws.close();
  }
}

/** @param beforeDestroy awaited before the stack is destroyed */
async function roundTrip(
  aws: LocalAws,
  assembly: string,
  reporter: Reporter,
  beforeDestroy?: () => Promise<void>,
): Promise<Result> {
  reporter.message(`Deploying ${STACK}`);
  const created = await aws.deploy(assembly, STACK);
  const devices = enabledDevices(aws);
  for (const { userName, serialNumber, clockAdjustment } of devices) {
    reporter.message(`Enabled for user ${userName}: ${serialNumber} (clock adjustment ${clockAdjustment})`);
  }
  if (beforeDestroy !== undefined) {
    reporter.message(inspectionHelp(aws, devices));
    await beforeDestroy();
  }
  reporter.message(`Destroying ${STACK}`);
  const deleted = await aws.destroy(STACK);
  const left = remainingEntities(aws);
  reporter.message(
    left.length === 0
      ? 'Everything was deleted. CloudFormation skipped the secret, because the function deletes it with its device.'
      : `Not deleted: ${left.join(', ')}`,
  );
  return { create: created.status, devices, delete: deleted.status, left };
}

function isExpected({ create, devices, delete: deleted, left }: Result): boolean {
  return (
    create === 'CREATE_COMPLETE' &&
    devices.length === 1 &&
    devices.every((device) => device.clockAdjustment === 0) &&
    deleted === 'DELETE_COMPLETE' &&
    left.length === 0
  );
}

function enabledDevices({ iam }: LocalAws): Device[] {
  return iam
    .state()
    .devices.flatMap(({ userName, serialNumber }) =>
      userName === undefined
        ? []
        : [{ userName, serialNumber, clockAdjustment: iam.deviceClock(serialNumber)?.adjustment }],
    );
}

/** Names of all users, roles, devices, enrollments, tags and secrets. */
function remainingEntities({ iam, secretsManager }: LocalAws): string[] {
  const { users, roles, devices } = iam.state();
  return [
    ...users.map(({ userName }) => `user ${userName}`),
    ...roles.map(({ roleName }) => `role ${roleName}`),
    ...devices.map(({ serialNumber }) => `device ${serialNumber}`),
    ...devices.flatMap(({ serialNumber, userName }) =>
      userName === undefined ? [] : [`${serialNumber} of ${userName}`],
    ),
    ...devices.flatMap(({ serialNumber, tags }) => Object.keys(tags).map((key) => `tag ${key} of ${serialNumber}`)),
    ...secretsManager.secretNames.map((name) => `secret ${name}`),
  ];
}

/** How to inspect the deployed example from another shell. */
function inspectionHelp(aws: LocalAws, devices: readonly Device[]): string {
  return [
    'The example is deployed. To inspect it, run these commands in another shell:',
    '',
    clientEnvironment(aws.url, LocalAws.region),
    ...devices.flatMap(({ userName, serialNumber }) => [
      `aws iam list-mfa-devices --user-name ${userName}`,
      `aws iam list-mfa-device-tags --serial-number ${serialNumber}`,
      'node dist/cli/cdk-mfa-enrollment.js status',
      `node dist/cli/cdk-mfa-enrollment.js code --user ${userName}`,
    ]),
    '',
    'Press Ctrl+C to destroy the stack.',
  ].join('\n');
}

function lineOf({ status, type, logicalId, reason }: StackEvent): string {
  return [status.padEnd(22), type.padEnd(30), logicalId, reason].filter((part) => part !== undefined).join('  ');
}

/** Prints one line per stack event. */
function logReporter(): Reporter {
  const write = (line: string) => void process.stdout.write(`${line}\n`);
  return { message: write, event: (event) => write(lineOf(event)), call: () => undefined, done: () => undefined };
}

/** Prints one line per resource, and updates it in place. */
function terminalReporter(): Reporter {
  const lines = new Map<string, string>();
  return {
    message: (text) => {
      logUpdate.done();
      lines.clear();
      process.stdout.write(`${text}\n`);
    },
    event: (event) => {
      lines.set(event.logicalId, lineOf(event));
      logUpdate([...lines.values()].join('\n'));
    },
    call: () => undefined,
    done: () => logUpdate.done(),
  };
}

/** Prints one JSON object per line on standard output, and messages on standard error. */
function jsonReporter(): Reporter {
  const write = (line: object) => void process.stdout.write(`${JSON.stringify(line)}\n`);
  return {
    message: (text) => void process.stderr.write(`${text}\n`),
    event: ({ logicalId, type, status, reason }) => write({ event: 'stack', logicalId, type, status, reason }),
    call: ({ action, ms, errorCode, caller }) => {
      // A caller without a role is a person who inspects the example.
      if (caller?.roleName !== undefined) {
        write({ event: 'call', action, ms, error: errorCode });
      }
    },
    done: (result) => write({ event: 'done', ...result }),
  };
}

main().then(
  (isSuccessful) => {
    process.exitCode = isSuccessful ? 0 : 1;
  },
  (error: Error) => {
    process.stderr.write(`npm start: ${error.message}\n`);
    if (error instanceof Interrupted) {
      // The interrupted deployment would keep the process alive.
      process.exit(error.exitStatus);
    }
    process.exitCode = 1;
  },
);
