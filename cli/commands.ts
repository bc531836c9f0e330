import { REGION_NAME } from '../inspection/aws';
import { invalid, isSeed, problemOfJsonKey, problemOfUserName, quoted, withoutSeed } from '../lib/checks';
import { type Options, parse, suggestion, type Values } from './arguments';
import { noRegion } from './aws/explanation';
import { type Environment } from './environment';
import { EXIT } from './exit-codes';
import { Failure, UsageError } from './failure';
import { type Selection } from './seed-source';

const NAME = 'cdk-mfa-enrollment';

interface Command {
  readonly summary: string;
  readonly synopsis: string;
  readonly options: Options;
  readonly examples: readonly string[];
  readonly needs: string;
  /** Loads no more than this command needs. */
  run(values: Values, environment: Environment): Promise<number>;
}

const REGION = {
  value: 'REGION',
  help: 'region of a secret that is not named by its ARN (default: of the environment)',
};
const SELECTION: Options = {
  user: { value: 'NAME', help: "IAM user; finds the user's device and the secret that was created for it" },
  secret: { value: 'NAME|ARN', help: 'secret that holds the seed' },
  field: { value: 'KEY', help: 'key of a JSON secret (default: the whole secret is the seed)' },
};
const NEEDS =
  'secretsmanager:GetSecretValue on the secret, and kms:Decrypt if the secret has a key of its own;\n' +
  'with --user also iam:ListMFADevices, iam:ListMFADeviceTags, and secretsmanager:ListSecrets';

const COMMANDS: Readonly<Record<string, Command>> = {
  status: {
    summary: 'Compares what stacks declare with what is there',
    synopsis: '[--stack NAME]... [--region REGION]... [--json]',
    options: {
      stack: { value: 'NAME', multiple: true, help: 'stack to look at; repeatable (default: all)' },
      region: { value: 'REGION', multiple: true, help: 'region to look at; repeatable (default: of the environment)' },
      json: { help: 'print JSON instead of a table' },
    },
    examples: ['status', 'status --stack Staff --region eu-west-1 --json'],
    needs: 'the list and describe calls of the AWS managed policy SecurityAudit',
    run: async (values, environment) => {
      const stacks = values.all('stack').map((stack) => checkedNoSeed('--stack', stack, 'the name or id of a stack'));
      const named = values.all('region').map((region) => checkedRegion(region));
      const aws = await environment.connect(named[0]);
      const home = named[0] ?? (await aws.region());
      if (home === undefined) {
        throw noRegion();
      }
      const { status } = await import('./status');
      const { clock, interruption } = environment;
      return status(
        { stacks, regions: named.length > 0 ? named : [home], json: values.has('json') },
        {
          ...environment,
          ports: await aws.reader(home),
          clock: { now: () => clock.now(), sleep: (ms) => clock.sleep(ms, interruption) },
          random: Math.random,
        },
      );
    },
  },
  code: {
    summary: 'Prints the current code of a device',
    synopsis: '(--user NAME | --secret NAME|ARN [--field KEY]) [--valid-for SECONDS] [--region REGION]',
    options: {
      ...SELECTION,
      'valid-for': {
        value: 'SECONDS',
        help: 'wait for the next code if the current one is valid for less, 0 to 29 (default: 5)',
      },
      region: REGION,
    },
    examples: [
      'code --user alice',
      'code --secret mfa/bob --field seed --valid-for 15',
      'code --secret arn:aws:secretsmanager:eu-west-1:123456789012:secret:mfa/bob-AbCdEf',
    ],
    needs: NEEDS,
    run: async (values, environment) => {
      const options = { selection: selectionIn(values), region: regionIn(values), validFor: secondsIn(values) };
      const { code } = await import('./code');
      return code(options, environment);
    },
  },
  qr: {
    summary: 'Shows a device as a QR code for a phone until you press Enter',
    synopsis: '(--user NAME | --secret NAME|ARN [--field KEY] --label TEXT) [--region REGION]',
    options: {
      ...SELECTION,
      label: { value: 'TEXT', help: 'what the phone shows (default with --user: the name of the user)' },
      region: REGION,
    },
    examples: ['qr --user alice', 'qr --secret mfa/bob --label bob'],
    needs: NEEDS,
    run: async (values, environment) => {
      const selection = selectionIn(values);
      const label = values.text('label') ?? values.text('user');
      if (label === undefined) {
        throw new UsageError('--secret needs a label for the phone: --label TEXT');
      }
      const { qr } = await import('./qr');
      return qr({ selection, region: regionIn(values), label }, environment);
    },
  },
};

/**
 * Runs the command line.
 *
 * @returns what to exit with
 */
export async function run(args: readonly string[], version: string, environment: Environment): Promise<number> {
  const [name = '', ...rest] = args;
  const { stdout, stderr } = environment;
  const fail = (error: Failure, command?: string): number => {
    const help = `Run '${[NAME, command, '--help'].filter(Boolean).join(' ')}' for help.`;
    const prefix = [NAME, command].filter(Boolean).join(' ');
    stderr.write(`${prefix}: ${error.message}\n${error instanceof UsageError ? `${help}\n` : ''}`);
    return EXIT.REFUSED;
  };

  if (name === '--help' || name === '-h' || (name === 'help' && rest.length === 0)) {
    stdout.write(help());
    return EXIT.FINE;
  }
  if (name === '--version') {
    stdout.write(`${version}\n`);
    return EXIT.FINE;
  }
  if (name === '') {
    stderr.write(help());
    return EXIT.REFUSED;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    const kind = name.startsWith('-') ? 'option' : 'command';
    return fail(new UsageError(`unknown ${kind} ${quoted(name)}${suggestion(name, Object.keys(COMMANDS))}`));
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    stdout.write(helpOf(name, command));
    return EXIT.FINE;
  }
  try {
    const values = parse(rest, command.options);
    return await command.run(values, environment);
  } catch (error) {
    if (environment.interruption.aborted) {
      return EXIT.INTERRUPTED;
    }
    // The text of an unexpected error can quote anything.
    return fail(error instanceof Failure ? error : new Failure(`unexpected ${nameOf(error)}`), name);
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error && /^\w+$/.test(error.name) ? error.name : 'error';
}

function selectionIn(values: Values): Selection {
  const [user, secret, field] = ['user', 'secret', 'field'].map((name) => values.text(name));
  if ((user === undefined) === (secret === undefined)) {
    throw new UsageError('expected either --user NAME or --secret NAME|ARN');
  }
  if (field !== undefined && secret === undefined) {
    throw new UsageError('--field belongs to --secret: a secret that was created for a device is not a JSON object');
  }
  checkedNoSeed('--secret', secret ?? '', 'the name or ARN of a secret, never the seed');
  const problem =
    (user === undefined ? undefined : problemOfUserName(user)) ??
    (field === undefined ? undefined : problemOfJsonKey(field));
  if (problem !== undefined) {
    throw new UsageError(problem);
  }
  return secret === undefined ? { user: user! } : { secret, field };
}

/** What may be a seed by mistake is not sent to AWS, whose logs would show it. */
function checkedNoSeed(what: string, value: string, expected: string): string {
  // A name can contain a seed that was pasted with what is around it.
  const isName = /^[\w+=,.@/-]*$/.test(value);
  if (isName ? [value, ...value.split(/[/=]+/)].some(isSeed) : withoutSeed(value) !== value) {
    throw new UsageError(invalid(what, value, expected));
  }
  return value;
}

function regionIn(values: Values): string | undefined {
  const region = values.text('region');
  return region === undefined ? undefined : checkedRegion(region);
}

function checkedRegion(region: string): string {
  if (!REGION_NAME.test(region)) {
    throw new UsageError(invalid('--region', region, 'a region such as eu-west-1'));
  }
  return region;
}

const DEFAULT_SECONDS = '5';
/** A code is valid for 30 seconds, of which AWS's clock hides up to one. */
const MOST_SECONDS = 29;

function secondsIn(values: Values): number {
  const text = values.text('valid-for') ?? DEFAULT_SECONDS;
  if (!/^\d{1,2}$/.test(text) || Number(text) > MOST_SECONDS) {
    throw new UsageError(invalid('--valid-for', text, `a number of seconds from 0 to ${MOST_SECONDS}`));
  }
  return Number(text);
}

function help(): string {
  const commands = Object.entries(COMMANDS).map(([name, { summary }]): [string, string] => [name, summary]);
  return [
    `Looks at the virtual MFA devices that cdk-mfa-enrollment created, and uses them.`,
    '',
    `  ${NAME} <command> [options]`,
    '',
    ...table(commands),
    '',
    'Examples:',
    ...['status', 'code --user alice', 'qr --user alice'].map((example) => `  npx --no ${NAME} ${example}`),
    '',
    'Credentials and region come from the environment and the AWS config files, as for the AWS CLI.',
    'Exit codes: 0 fine, 1 wrong usage or refused, 2 findings, 3 not everything could be looked at, 130 interrupted.',
    `Run '${NAME} <command> --help' for the options of a command.`,
    '',
  ].join('\n');
}

function helpOf(name: string, { summary, synopsis, options, examples, needs }: Command): string {
  const listed = Object.entries(options).map(([option, { value, help: text }]): [string, string] => [
    `--${option}${value === undefined ? '' : ` ${value}`}`,
    text,
  ]);
  return [
    `${summary}.`,
    '',
    `  ${NAME} ${name} ${synopsis}`,
    '',
    ...table([...listed, ['--help', 'print this text']]),
    '',
    'Examples:',
    ...examples.map((example) => `  npx --no ${NAME} ${example}`),
    '',
    `Needs permission for ${needs}.`,
    '',
  ].join('\n');
}

function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
