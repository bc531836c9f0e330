import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const ROOT = join(__dirname, '../../..');

/** Starts what `npm run local` starts. */
function serve(...args: string[]): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, ['--import', 'tsx', 'local/serve.ts', ...args], { cwd: ROOT });
}

/** What a process prints until it ends, and how it ends. */
async function ended(child: ChildProcessWithoutNullStreams) {
  const texts = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => (texts.stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (texts.stderr += String(chunk)));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, ...texts };
}

test('serves at the endpoint that its lines export, says when a port is taken, and ends when interrupted', async () => {
  const child = serve('--port', '0', '--region', 'eu-west-1');
  const over = ended(child);
  const [printed] = (await once(child.stdout, 'data')) as [Buffer];
  const environment = Object.fromEntries(
    [...printed.toString().matchAll(/^export (\w+)=(.*)$/gm)].map(([, name, value]) => [name ?? '', value]),
  );
  const endpoint = environment.AWS_ENDPOINT_URL_IAM ?? '';
  expect(environment).toEqual({
    AWS_ENDPOINT_URL_IAM: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) as string,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoint,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: 'eu-west-1',
    AWS_DEFAULT_REGION: 'eu-west-1',
  });
  expect((await fetch(endpoint)).status).toBe(403);

  const { port } = new URL(endpoint);
  const second = await ended(serve('--port', port));
  expect(second.status).toBe(1);
  expect(second.stderr).toBe(`npm run local: port ${port} of 127.0.0.1 is taken: name another with --port\n`);

  child.kill('SIGINT');
  expect((await over).status).toBe(0);
}, 30_000);

test.each([
  [['--colour', 'red'], "Unknown option '--colour'"],
  [['--port', '70000'], '--port 70000: a port is a number from 0 to 65535'],
  [['--account', '12'], '--account 12: an account id is twelve digits'],
  [['--region', 'Mars'], '--region Mars: a region is spelt like us-east-1'],
])(
  '%j is an error in words',
  async (args, words) => {
    const { status, stdout, stderr } = await ended(serve(...args));
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain(words);
  },
  30_000,
);
