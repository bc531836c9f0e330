import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const ROOT = join(__dirname, '../../..');

/** Starts what `npm run local` starts. */
function serve(...args: string[]): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, ['--import', 'tsx', 'local/serve.ts', ...args], { cwd: ROOT });
}

/** The output and the exit status of a process when it has ended. */
async function ended(child: ChildProcessWithoutNullStreams) {
  const texts = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => (texts.stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (texts.stderr += String(chunk)));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, ...texts };
}

test('serves at the exported endpoint until interrupted, and a second server on its port is an error', async () => {
  const child = serve('--port', '0', '--region', 'eu-west-1');
  const closed = ended(child);
  const [printed] = (await once(child.stdout, 'data')) as [Buffer];
  const environment = Object.fromEntries(
    [...printed.toString().matchAll(/^export (\w+)=(.*)$/gm)].map(([, name, value]) => [name ?? '', value]),
  );
  const endpoint = environment.AWS_ENDPOINT_URL_IAM ?? '';
  expect(environment).toEqual({
    AWS_ENDPOINT_URL_IAM: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) as string,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoint,
    AWS_ENDPOINT_URL_CLOUDFORMATION: endpoint,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: 'eu-west-1',
    AWS_DEFAULT_REGION: 'eu-west-1',
  });
  expect((await fetch(endpoint)).status).toBe(403);

  const { port } = new URL(endpoint);
  const second = await ended(serve('--port', port));
  expect(second.status).toBe(1);
  expect(second.stderr).toBe(`npm run local: port ${port} of 127.0.0.1 is in use: choose another with --port\n`);

  child.kill('SIGINT');
  const { status, stderr } = await closed;
  expect(status).toBe(0);
  expect(stderr).toContain(`Serving IAM and Secrets Manager at ${endpoint} (account 123456789012, region eu-west-1).`);
  expect(stderr).toContain('Press Ctrl+C to stop.');
}, 30_000);

test.each([
  [['--color', 'red'], "Unknown option '--color'"],
  [['--port', '70000'], "--port: invalid value '70000': expected a number from 0 to 65535"],
  [['--account', '12'], "--account: invalid value '12': expected 12 digits"],
  [['--region', 'Mars'], "--region: invalid value 'Mars': expected a region such as us-east-1"],
])(
  '%j is an error',
  async (args, message) => {
    const { status, stdout, stderr } = await ended(serve(...args));
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain(message);
  },
  30_000,
);
