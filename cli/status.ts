import { CredentialsRefused } from '../inspection/calls';
import { inspect, NoSuchStack, type Progress } from '../inspection/inspect';
import { type Clock, type ReadPorts } from '../inspection/ports';
import { type Inspection, type Row, type Subject } from '../inspection/report';
import { quoted } from '../lib/checks';
import { EXIT } from './exit-codes';
import { Failure } from './failure';
import { statusText } from './status-table';

/** What `status` was asked for. */
export interface StatusOptions {
  /** Names or ids of stacks. Empty: all stacks of the regions. */
  readonly stacks: readonly string[];
  /** At least one. */
  readonly regions: readonly string[];
  readonly json: boolean;
}

/** Where a program writes. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

/** What `status` runs in. */
export interface StatusEnvironment {
  readonly ports: ReadPorts;
  readonly clock: Clock;
  /** Returns numbers in [0, 1). */
  readonly random: () => number;
  readonly stdout: Output;
  readonly stderr: Output;
  /** https://no-color.org */
  readonly variables: { readonly NO_COLOR?: string };
}

/** The version of the output of `--json`. It changes if a member is removed or means something else. */
const JSON_VERSION = 1;

/**
 * Shows what is expected, what there is, and what is wrong. It changes nothing and reads no seed.
 *
 * @returns what to exit with. Findings come first: they are certain, whatever could not be looked at.
 */
export async function status(options: StatusOptions, environment: StatusEnvironment): Promise<number> {
  const { stdout, stderr, variables } = environment;
  const { regions } = options;
  const progress = progressOn(stderr);
  let inspection: Inspection;
  try {
    inspection = await inspect(
      { regions: [...new Set(regions)], ...(options.stacks.length > 0 && { stacks: options.stacks }) },
      { ...environment, onProgress: progress.show },
    );
  } catch (error) {
    if (error instanceof NoSuchStack) {
      throw new Failure(
        `no stack ${quoted(error.stackName)} in ${error.regions.join(', ')}: check its name and the account of the credentials, or add --region`,
      );
    }
    if (error instanceof CredentialsRefused) {
      throw new Failure(
        `AWS credentials are missing, expired or not accepted (${error.code}): check AWS_PROFILE, or sign in again`,
      );
    }
    throw error;
  } finally {
    progress.clear();
  }
  const isTerminal = stdout.isTTY === true;
  const isColored = isTerminal && (variables.NO_COLOR ?? '') === '';
  stdout.write(
    options.json
      ? `${JSON.stringify(jsonOf(inspection, regions))}\n`
      : statusText(inspection, { regions, isColored, isTerminal }),
  );
  return inspection.findings.length > 0 ? EXIT.FINDINGS : inspection.isComplete ? EXIT.FINE : EXIT.INCOMPLETE;
}

/** One line on a terminal, which each step overwrites. */
function progressOn(stderr: Output): { show: (progress: Progress) => void; clear: () => void } {
  let isShown = false;
  return {
    show: ({ phase, done, total }) => {
      if (stderr.isTTY === true) {
        isShown = true;
        stderr.write(`\r\u001b[KLooking at ${phase}: ${done} of ${total}`);
      }
    },
    clear: () => {
      if (isShown) {
        stderr.write('\r\u001b[K');
      }
    },
  };
}

function jsonOf(inspection: Inspection, regions: readonly string[]): Readonly<Record<string, unknown>> {
  const { rows, findings, undecided, missed, isComplete } = inspection;
  const ofKind = (kind: Row['kind']) => rows.filter((row) => row.kind === kind).map(jsonOfRow);
  return {
    version: JSON_VERSION,
    complete: isComplete,
    regions,
    enrollments: ofKind('enrollment'),
    devices: ofKind('device'),
    findings: findings.map(({ code, subject, message, next, command }) => ({
      code,
      ...jsonOfSubject(subject),
      ...{ message, next, command },
    })),
    unknown: undecided.map(({ code, subject, message }) => ({ code, ...jsonOfSubject(subject), message })),
    notInspected: missed.map(({ code, action, errorCode, subject }) => ({
      ...{ code, action, errorCode },
      ...jsonOfSubject(subject),
    })),
  };
}

function jsonOfRow({ enabledAt, state, codes, ...row }: Row): Readonly<Record<string, unknown>> {
  return {
    ...jsonOfSubject(row),
    ...(enabledAt !== undefined && { enabledAt: new Date(enabledAt).toISOString() }),
    ...{ state, codes },
  };
}

function jsonOfSubject(subject: Subject): Readonly<Record<string, unknown>> {
  const { region, stackName, logicalId, userName, serialNumber, secretArn, tagKey } = subject;
  return { region, stack: stackName, logicalId, user: userName, serialNumber, secretArn, tagKey };
}
