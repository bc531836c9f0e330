import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import logUpdate from 'log-update';
import type { StackEvent } from './cloudformation';
import { systemClock } from './clock';
import type { AnsweredCall } from './http';
import { clientEnvironment } from './client-environment';
import { LocalAws } from './local-aws';

const STACK = 'MfaExample';

const HELP = `Builds the function, deploys bin/app.ts to an empty local AWS, shows the result and destroys it again.

  npm start -- [--keep] [--json]

  --keep  wait before destroying, until interrupted by Ctrl+C
  --json  one JSON object per line, for machines; 'npm start --silent' leaves out npm's own lines
  --help  this text
`;

interface Device {
  readonly userName: string;
  readonly serialNumber: string;
  readonly clockAdjustment?: number;
}

/** What went on, told while it goes on. */
interface Teller {
  say(text: string): void;
  event(event: StackEvent): void;
  call(call: AnsweredCall): void;
  done(result: Result): void;
}

interface Result {
  readonly create: string;
  readonly devices: readonly Device[];
  readonly delete: string;
  readonly left: readonly string[];
}

async function main(): Promise<boolean> {
  const { values: wishes } = parseArgs({
    options: {
      keep: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (wishes.help) {
    process.stdout.write(HELP);
    return true;
  }
  const teller = wishes.json ? forMachines() : process.stdout.isTTY ? forTerminal() : forLog();
  teller.say('Building the construct library and its function');
  // What the build says goes to standard error: standard output may be for a machine.
  execFileSync('npm', ['run', 'build', '--silent'], { stdio: ['ignore', 2, 2] });

  const assembly = mkdtempSync(join(tmpdir(), 'mfa-example-'));
  const aws = await LocalAws.start({
    clock: systemClock,
    onEvent: (event) => teller.event(event),
    onCall: (call) => teller.call(call),
  });
  try {
    teller.say('Synthesizing bin/app.ts');
    execFileSync(process.execPath, ['--import', 'tsx', 'bin/app.ts'], {
      stdio: ['ignore', 2, 2],
      env: { ...process.env, CDK_OUTDIR: assembly },
    });
    const result = await roundTrip(aws, assembly, teller, wishes.keep);
    teller.done(result);
    return holds(result);
  } finally {
    await aws.close();
    rmSync(assembly, { recursive: true });
  }
}

async function roundTrip(aws: LocalAws, assembly: string, teller: Teller, keep: boolean): Promise<Result> {
  teller.say(`Deploying ${STACK}`);
  const created = await aws.deploy(assembly, STACK);
  const devices = enabledDevices(aws);
  for (const { userName, serialNumber, clockAdjustment } of devices) {
    teller.say(`User ${userName} has device ${serialNumber}, clock adjustment ${clockAdjustment}`);
  }
  if (keep) {
    teller.say(lookingAround(aws, devices));
    await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  }
  teller.say(`Destroying ${STACK}`);
  const deleted = await aws.destroy(STACK);
  const left = thingsIn(aws);
  teller.say(left.length === 0 ? 'Nothing is left.' : `Left behind: ${left.join(', ')}`);
  return { create: created.status, devices, delete: deleted.status, left };
}

function holds({ create, devices, delete: deleted, left }: Result): boolean {
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

/** Names of everything that a deployment may leave behind. */
function thingsIn({ iam, secretsManager }: LocalAws): string[] {
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

function lookingAround(aws: LocalAws, devices: readonly Device[]): string {
  return [
    'It is running. To look around, paste into another shell:',
    '',
    clientEnvironment(aws.url, LocalAws.region),
    ...devices.flatMap(({ userName, serialNumber }) => [
      `aws iam list-mfa-devices --user-name ${userName}`,
      `aws iam list-mfa-device-tags --serial-number ${serialNumber}`,
    ]),
    '',
    'Ctrl+C destroys the stack.',
  ].join('\n');
}

function lineOf({ status, type, logicalId, reason }: StackEvent): string {
  return [status.padEnd(22), type.padEnd(30), logicalId, reason].filter((part) => part !== undefined).join('  ');
}

/** One line per stack event. */
function forLog(): Teller {
  const write = (line: string) => void process.stdout.write(`${line}\n`);
  return { say: write, event: (event) => write(lineOf(event)), call: () => undefined, done: () => undefined };
}

/** One line per resource, rewritten in place while it changes. */
function forTerminal(): Teller {
  const lines = new Map<string, string>();
  return {
    say: (text) => {
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

/** One JSON object per line. */
function forMachines(): Teller {
  const write = (line: object) => void process.stdout.write(`${JSON.stringify(line)}\n`);
  return {
    say: (text) => void process.stderr.write(`${text}\n`),
    event: ({ logicalId, type, status, reason }) => write({ event: 'stack', logicalId, type, status, reason }),
    call: ({ action, ms, errorCode, caller }) => {
      // Who calls without a role is somebody looking around.
      if (caller?.roleName !== undefined) {
        write({ event: 'call', action, ms, error: errorCode });
      }
    },
    done: (result) => write({ event: 'done', ...result }),
  };
}

main().then(
  (allHeld) => {
    process.exitCode = allHeld ? 0 : 1;
  },
  (error: Error) => {
    process.stderr.write(`npm start: ${error.message}\n`);
    process.exitCode = 1;
  },
);
