import { fork, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LoopbackServer, type Respond } from '../../test/lambda/aws/loopback-server';
import { selfSignedIdentity } from '../../test/lambda/aws/self-signed';
import { type Conditions, type Figure, interleaved, median, medianRatio, type Part } from '../figure';
import { type Contender, contenders } from './contenders';

/** Bounds of the built function: bytes, and times relative to the minified default bundle. */
const BOUNDS: Record<string, number> = { bytes: 215_000, load: 0.37, thirdAnswer: 0.62 };

const UNITS = { load: 'ms', thirdAnswer: 'ms', peakMemory: 'bytes' } as const;
type Quantity = keyof typeof UNITS;
type Start = Readonly<Record<Quantity, number>>;

/** Size and cold starts of the bundle on each Node.js: time to load, and time to the third response of AWS. */
export const functionPart: Part = {
  name: 'function',
  async measure({ nodes, runs }: Conditions): Promise<Figure[]> {
    const folder = mkdtempSync(join(tmpdir(), 'bench-function-'));
    const aws = await LoopbackServer.listenSecurely(selfSignedIdentity());
    aws.respond = respond;
    try {
      const bundles = await contenders(folder);
      const figures = bundles.flatMap(sizes);
      for (const node of nodes) {
        const starts = await interleaved(
          bundles.map(({ name }) => name),
          runs,
          (name) => start(node, bundles.find((contender) => contender.name === name)!.file, aws.url('localhost')),
        );
        figures.push(...onNode(majorOf(node), starts));
      }
      return figures;
    } finally {
      await aws.close();
      rmSync(folder, { recursive: true });
    }
  },
};

function sizes({ name, bytes, gzipBytes }: Contender): Figure[] {
  return [
    {
      name: `function.${name}.size`,
      value: bytes,
      unit: 'bytes',
      ...(name === 'built' ? { atMost: BOUNDS.bytes } : {}),
    },
    { name: `function.${name}.gzip`, value: gzipBytes, unit: 'bytes' },
  ];
}

function onNode(node: string, starts: ReadonlyMap<string, readonly Start[]>): Figure[] {
  return (Object.keys(UNITS) as Quantity[]).flatMap((quantity) => {
    const of = (name: string) => starts.get(name)!.map((one) => one[quantity]);
    const absolute = [...starts.keys()].map((name): Figure => {
      return { name: `function.${name}.${node}.${quantity}`, value: median(of(name)), unit: UNITS[quantity] };
    });
    const ratios = ['default', 'minified', 'bare'].map((other): Figure => {
      const atMost = other === 'minified' ? BOUNDS[quantity] : undefined;
      const value = medianRatio(of('built'), of(other));
      return {
        name: `function.built.${node}.${quantity}.to.${other}`,
        value,
        unit: 'ratio',
        ...(atMost && { atMost }),
      };
    });
    return [...absolute, ...ratios];
  });
}

function majorOf(node: string): string {
  return `node${execFileSync(node, ['--print', 'process.versions.node.split(".")[0]'], { encoding: 'utf8' }).trim()}`;
}

/** Runs a Create that fails after three calls to AWS, because the secret holds no seed. */
async function start(node: string, file: string, awsUrl: string): Promise<Start> {
  const event = {
    RequestType: 'Create',
    ResponseURL: `${awsUrl}/answer`,
    StackId: 'arn:aws:cloudformation:eu-west-1:123456789012:stack/Bench/11111111-2222-3333-4444-555555555555',
    RequestId: 'b1c2d3e4-0000-0000-0000-000000000000',
    LogicalResourceId: 'MfaEnrollmentAlice0A1B2C3D',
    ResourceType: 'Custom::MfaEnrollment',
    ResourceProperties: {
      UserName: 'alice',
      SerialNumber: 'arn:aws:iam::123456789012:mfa/alice',
      SeedSecretArn: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mfa/alice-AbCdEf',
    },
  };
  const child = fork(join(__dirname, 'start.js'), [file, JSON.stringify(event)], {
    execPath: node,
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: {
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'ASIABENCH',
      AWS_SECRET_ACCESS_KEY: 'bench',
      AWS_SESSION_TOKEN: 'bench',
      AWS_ENDPOINT_URL: awsUrl,
      // The server's certificate is self-signed. Warnings about that, or about the Node.js version, don't matter here.
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
      NODE_NO_WARNINGS: '1',
    },
  });
  return new Promise((resolve, reject) => {
    let result: Start | undefined;
    child.once('message', (message) => (result = message as Start));
    child.once('error', reject);
    child.once('exit', (code) =>
      result === undefined
        ? reject(new Error(`${file} did not start on ${node}: exit status ${code}`))
        : resolve(result),
    );
  });
}

const respond: Respond = (response, { headers, body }) => {
  if (headers['x-amz-target'] !== undefined) {
    response.end(JSON.stringify({ SecretString: 'no seed' }));
  } else if (body.startsWith('Action=')) {
    const action = new URLSearchParams(body).get('Action');
    response.end(`<${action}Response><${action}Result/></${action}Response>`);
  } else {
    response.end();
  }
};
