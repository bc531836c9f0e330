import { parseArgs } from 'node:util';
import { clientEnvironment } from './client-environment';
import { systemClock } from './clock';
import { AwsServer } from './http';
import { Iam } from './iam';
import { SecretsManager } from './secrets-manager';

const HELP = `Serves IAM and Secrets Manager on this machine until interrupted.

  npm run local -- [--port PORT] [--account ACCOUNT] [--region REGION]

  --port     port on 127.0.0.1; 0 takes any that is free (default 0)
  --account  account id, twelve digits (default 123456789012)
  --region   region of Secrets Manager (default us-east-1)
  --help     this text
`;

/** What was asked for on the command line. */
interface Wishes {
  readonly port: number;
  readonly accountId: string;
  readonly region: string;
}

/** Reads the command line. Throws in words where it can't be followed; `'help'` where help is wanted. */
function wishesIn(args: readonly string[]): Wishes | 'help' {
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
    throw new Error(`--port ${values.port}: a port is a number from 0 to 65535`);
  }
  if (!/^\d{12}$/.test(values.account)) {
    throw new Error(`--account ${values.account}: an account id is twelve digits`);
  }
  if (!/^[a-z]+(-[a-z]+)+-\d+$/.test(values.region)) {
    throw new Error(`--region ${values.region}: a region is spelt like us-east-1`);
  }
  return { port, accountId: values.account, region: values.region };
}

async function main(): Promise<void> {
  const wishes = wishesIn(process.argv.slice(2));
  if (wishes === 'help') {
    process.stdout.write(HELP);
    return;
  }
  const { accountId, region, port } = wishes;
  const iam = new Iam({ clock: systemClock, accountId });
  const secretsManager = new SecretsManager({
    clock: systemClock,
    accountId,
    region,
    authorize: (caller, request) => iam.refusalOf(caller, request),
  });
  const server = new AwsServer({ iam, secretsManagers: [secretsManager], clock: systemClock, port });
  const { url } = await server.start();
  process.stdout.write(clientEnvironment(url, region));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void server.close());
  }
}

main().catch((error: NodeJS.ErrnoException & { readonly port?: number }) => {
  const words =
    error.code === 'EADDRINUSE' ? `port ${error.port} of 127.0.0.1 is taken: name another with --port` : error.message;
  process.stderr.write(`npm run local: ${words}\n`);
  process.exitCode = 1;
});
