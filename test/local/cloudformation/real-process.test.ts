import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SkippingClock } from '../../../local/clock';
import { ResponseUrls, ResponseServer, Assets, CloudFormation, providersOf } from '../../../local/cloudformation';
import type { StackEvent } from '../../../local/cloudformation';
import { Iam } from '../../../local/iam';
import { LambdaRunner, Processes } from '../../../local/lambda';
import { bytes, numbers } from '../../../local/random';
import { SecretsManager } from '../../../local/secrets-manager';
import { ACCOUNT, REGION } from './world';

/** A function that responds over HTTP, as in the cloud. The property `Mode` selects its behavior. */
const FUNCTION = `
const http = require('node:http');
const put = (url, body) => new Promise((resolve, reject) => {
  const request = http.request(url, { method: 'PUT', headers: { 'content-type': '' } }, (response) => {
    response.resume();
    response.on('end', resolve);
  });
  request.on('error', reject);
  request.end(JSON.stringify(body));
});
exports.handler = async (event) => {
  const { StackId, RequestId, LogicalResourceId, RequestType, ResourceProperties: { Mode } } = event;
  console.log(RequestType, LogicalResourceId);
  if (Mode === 'late' && RequestType === 'Create') await require('node:timers/promises').setTimeout(3_700_000);
  if (Mode === 'die' && RequestType === 'Create') process.exit(1);
  await put(event.ResponseURL, {
    Status: 'SUCCESS', StackId, RequestId, LogicalResourceId,
    PhysicalResourceId: event.PhysicalResourceId ?? 'made', Data: { Type: RequestType },
  });
};`;

jest.setTimeout(30_000);

describe('a custom resource whose function runs in a child process', () => {
  const clock = new SkippingClock();
  const random = bytes(numbers(1));
  const listener = new ResponseServer();
  const events: StackEvent[] = [];
  let directory: string;
  let lambda: LambdaRunner;
  let processes: Processes;
  let cloudFormation: CloudFormation;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'asset-'));
    writeFileSync(join(directory, 'index.js'), FUNCTION);
    const responseUrls = new ResponseUrls(clock, random, await listener.start());
    listener.serveFor(responseUrls);
    const endpoints = { iam: 'http://127.0.0.1:1', secretsManager: 'http://127.0.0.1:1' };
    processes = new Processes({ clock, region: REGION, endpoints });
    lambda = new LambdaRunner({ clock, environments: processes });
    const assets = new Assets();
    assets.publish(new Map([['code.zip', directory]]));
    const common = { clock, random, region: REGION, accountId: ACCOUNT, partition: 'aws' };
    cloudFormation = new CloudFormation({
      ...common,
      providerOf: providersOf({
        ...common,
        responseUrls,
        lambda,
        iam: new Iam({ clock, accountId: ACCOUNT }),
        secretsManager: new SecretsManager({ ...common, authorize: () => undefined }),
        codeDirectory: (key) => assets.pathOf(key),
      }),
      onEvent: (event) => events.push(event),
    });
  });
  afterAll(async () => {
    await lambda.close();
    await listener.close();
    rmSync(directory, { recursive: true });
  });

  const template = (Mode: string) => ({
    Resources: {
      Function: {
        Type: 'AWS::Lambda::Function',
        Properties: {
          FunctionName: `function-${Mode}`,
          Code: { S3Bucket: 'b', S3Key: 'code.zip' },
          Handler: 'index.handler',
          Timeout: 5_000,
          Role: `arn:aws:iam::${ACCOUNT}:role/r`,
        },
      },
      Thing: {
        Type: 'Custom::Thing',
        Properties: { ServiceToken: { 'Fn::GetAtt': ['Function', 'Arn'] }, ServiceTimeout: 3_600, Mode },
      },
    },
    Outputs: { Type: { Value: { 'Fn::GetAtt': ['Thing', 'Type'] } } },
  });

  test('is created and deleted by its responses', async () => {
    const stack = await cloudFormation.createStack({ stackName: 'Works', template: template('work') });
    expect(stack).toMatchObject({ status: 'CREATE_COMPLETE', outputs: { Type: 'Create' } });
    expect((await cloudFormation.deleteStack('Works')).status).toBe('DELETE_COMPLETE');
    expect(processes.logs('function-work')).toEqual(['Create Thing', 'Delete Thing']);
  });

  test('fails if its function sleeps beyond ServiceTimeout on the clock of the test', async () => {
    const stack = await cloudFormation.createStack({ stackName: 'Late', template: template('late') });
    expect(stack.status).toBe('ROLLBACK_COMPLETE');
    expect(events.findLast(({ status }) => status === 'CREATE_FAILED')?.reason).toContain('did not receive a response');
  });

  test('fails after ServiceTimeout if its function dies in every attempt', async () => {
    const start = clock.now();
    const stack = await cloudFormation.createStack({ stackName: 'Dies', template: template('die') });
    expect(stack.status).toBe('ROLLBACK_COMPLETE');
    expect(processes.logs('function-die')).toEqual([...Array<string>(3).fill('Create Thing'), 'Delete Thing']);
    const failure = events.findLast(({ status }) => status === 'CREATE_FAILED');
    expect(failure).toMatchObject({ time: start + 3_600_000, logicalId: 'Thing' });
    expect(failure?.reason).toContain('did not receive a response');
  });
});
