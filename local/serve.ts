import { parseArgs } from 'node:util';
import { clientEnvironment } from './client-environment';
import { systemClock } from './clock';
import { AwsServer } from './http';
import { Iam } from './iam';
import { SecretsManager } from './secrets-manager';

const HELP = `Serves IAM and Secrets Manager on this machine until interrupted by Ctrl+C.

  npm run local -- [--port PORT] [--account ACCOUNT] [--region REGION]

  --port     port on 127.0.0.1; 0 selects a free port (default 0)
  --account  account ID, 12 digits (default 123456789012)
  --region   region of Secrets Manager (default us-east-1)
  --help     print this help

Standard output contains only the shell commands that point a client at the server.
`;

interface Options {
  readonly port: number;
  readonly accountId: string;
  readonly region: string;
}

/** Parses the command line. Throws an error for the user if it is invalid. */
function parseOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      port: { type: 'string', default: '0' },
      account: { type: 'string', default: '123456789012' },
      region: { type: 'string', default: 'us-east-1' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    return 'help';
  }
  const port = Number(values.port);
  if (!/^\d+$/.test(values.port) || port > 65535) {
    throw new Error(`--port: invalid value '${values.port}': expected a number from 0 to 65535`);
  }
  if (!/^\d{12}$/.test(values.account)) {
    throw new Error(`--account: invalid value '${values.account}': expected 12 digits`);
  }
  if (!/^[a-z]+(-[a-z]+)+-\d+$/.test(values.region)) {
    throw new Error(`--region: invalid value '${values.region}': expected a region such as us-east-1`);
  }
  return { port, accountId: values.account, region: values.region };
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options === 'help') {
    process.stdout.write(HELP);
    return;
  }
  const { accountId, region, port } = options;
  const iam = new Iam({ clock: systemClock, accountId });
  const secretsManager = new SecretsManager({
    clock: systemClock,
    accountId,
    region,
    authorize: (caller, request) => iam.denialReason(caller, request),
  });
  const server = new AwsServer({ iam, secretsManagers: [secretsManager], clock: systemClock, port });
  const { url } = await server.start();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void server.close());
  }
  // On standard error, so that standard output can be evaluated by a shell.
  process.stderr.write(
    `Serving IAM and Secrets Manager at ${url} (account ${accountId}, region ${region}). Press Ctrl+C to stop.\n` +
      "CloudFormation is not served: for stacks, run 'npm start -- --keep'.\n" +
      'To use them, run these commands in another shell:\n\n',
  );
  process.stdout.write(clientEnvironment(url, region));
}

main().catch((error: NodeJS.ErrnoException & { readonly port?: number }) => {
  const message =
    error.code === 'EADDRINUSE'
      ? `port ${error.port} of 127.0.0.1 is in use: choose another with --port`
      : error.message;
  process.stderr.write(`npm run local: ${message}\n`);
  process.exitCode = 1;
});
