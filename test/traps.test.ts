import childProcess from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, CfnParameter, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import { SdkIam } from '../lambda/aws/sdk';
import { deliver } from '../lambda/delivery';
import { LineLogger } from '../lambda/logger';
import { type Action, CallError, SecretText } from '../lambda/aws/ports';
import { type CustomResourceEvent, type InvocationContext, serve } from '../lambda/protocol';
import { parseSeed } from '../lambda/seed';
import { codePairAt, type Step } from '../lambda/totp';
import { AwsError } from '../local/aws-error';
import { SkippingClock } from '../local/clock';
import {
  AnswerDesk,
  AnswerListener,
  CloudFormation,
  type OpenBehaviour,
  providersOf,
  type ResourceFault,
  type StackDescription,
  type StackEvent,
} from '../local/cloudformation';
import { AwsServer, type Fault } from '../local/http';
import { type Caller, Iam } from '../local/iam';
import { type Delivery, InProcessEnvironments, LambdaRunner, type Life } from '../local/lambda';
import { type Channel, directly, InProcessIam, InProcessSeedStore } from '../local/ports';
import { SecretsManager } from '../local/secrets-manager';
import { VirtualClock } from '../local/virtual-clock';
import { enroll, enrollmentResource, ENV, newStack } from './lib/fixture';
import { seededRandom } from './local/cloudformation/world';

/*
 * What others fell into who manage something outside CloudFormation by a custom resource. Each test here fails without
 * its remedy; test/README.md lists them all, and where those stand that are not here.
 */

const serialNumberOf = (device: string) => `arn:aws:iam::${ENV.account}:mfa/${device}`;

/** A stack by the real constructs, CloudFormation's order of work, the function's rules, and an IAM that enforces. */
class Account {
  readonly clock = new VirtualClock();
  private readonly random = seededRandom();
  readonly iam = new Iam({ clock: this.clock, accountId: ENV.account, random: this.random });
  /** What the function was sent, in order. */
  readonly requests: CustomResourceEvent[] = [];
  readonly calls: Action[] = [];
  readonly denied: Action[] = [];
  readonly events: StackEvent[] = [];
  /** What comes instead of a call's answer, the effect having taken place. */
  instead: (action: Action, request: CustomResourceEvent) => CallError | undefined = () => undefined;
  deliveryOf: (request: CustomResourceEvent) => Delivery = () => ({ delayMs: 0 });
  /** What happens before a resource is worked on. */
  before: ResourceFault = () => undefined;

  private readonly secretsManager = new SecretsManager({
    clock: this.clock,
    accountId: ENV.account,
    region: ENV.region,
    authorize: (caller, request) => this.iam.refusalOf(caller, request),
  });
  private readonly desk = new AnswerDesk(this.clock, this.random);
  private readonly lambda = new LambdaRunner({
    clock: this.clock,
    deliveries: (event) => [this.deliveryOf(event as CustomResourceEvent)],
    environments: new InProcessEnvironments(this.clock, (event, context, life) =>
      this.serve(event as CustomResourceEvent, context, life),
    ),
  });
  private readonly cloudFormation: CloudFormation;

  constructor(open: OpenBehaviour = {}) {
    const { clock, random, desk, iam, secretsManager, lambda } = this;
    const place = { clock, random, region: ENV.region, accountId: ENV.account, partition: 'aws' };
    this.cloudFormation = new CloudFormation({
      ...place,
      ...open,
      onEvent: (event) => this.events.push(event),
      fault: (operation) => this.before(operation),
      providerOf: providersOf({ ...place, desk, iam, secretsManager, lambda, codeDirectory: () => '/nowhere' }),
    });
    for (const device of ['alice', 'bob']) {
      const { VirtualMFADevice } = iam.call('CreateVirtualMFADevice', { VirtualMFADeviceName: device });
      const seed = (VirtualMFADevice as { Base32StringSeed: Buffer }).Base32StringSeed.toString();
      secretsManager.call('CreateSecret', { Name: `mfa/${device}`, SecretString: seed });
    }
    for (const UserName of ['ann', 'ben']) {
      iam.call('CreateUser', { UserName });
    }
  }

  deploy(
    declare: (stack: Stack) => void,
    parameters: Readonly<Record<string, string>> = {},
  ): Promise<StackDescription> {
    const stack = newStack();
    declare(stack);
    const request = { stackName: 'Stack', template: Template.fromStack(stack).toJSON(), parameters };
    const isThere = this.cloudFormation.describeStack('Stack') !== undefined;
    return this.clock.run(
      isThere ? this.cloudFormation.updateStack(request) : this.cloudFormation.createStack(request),
    );
  }

  /** `<user> <device>` of what is enabled. */
  get enabled(): string[] {
    return this.iam
      .state()
      .devices.flatMap(({ userName, serialNumber }) =>
        userName === undefined ? [] : [`${userName} ${serialNumber.split('/').at(-1)}`],
      );
  }

  /** The logical ids whose claims stand on devices. */
  get claims(): string[] {
    return this.iam.state().devices.flatMap(({ tags }) => Object.keys(tags).map((key) => key.split('/').at(-1)!));
  }

  /** What CloudFormation could not do, be it that it gave up in silence. */
  get failed(): string[] {
    return this.events.flatMap(({ status, logicalId }) =>
      status.endsWith('_FAILED') ? [`${logicalId} ${status}`] : [],
    );
  }

  private async serve(event: CustomResourceEvent, context: InvocationContext, life: Life): Promise<void> {
    this.requests.push(event);
    const caller = this.callerOf(event);
    const channel: Channel = (action, effect) =>
      life.call(async () => {
        this.calls.push(action);
        try {
          const output = await directly(action, effect);
          const fault = this.instead(action, event);
          if (fault !== undefined) {
            throw fault;
          }
          return output;
        } catch (error) {
          if (error instanceof CallError && error.code === 'AccessDenied') {
            this.denied.push(action);
          }
          throw error;
        }
      });
    await serve(event, context, {
      clock: life.clock,
      iam: new InProcessIam(this.iam, this.clock, caller, channel),
      seeds: new InProcessSeedStore(this.secretsManager, caller, channel),
      logger: new LineLogger(() => undefined),
      random: () => 0.5,
      uuid: () => '00000000-0000-4000-8000-000000000000',
      deliver: (url, body) => {
        this.desk.put(url, body);
        return Promise.resolve();
      },
    });
  }

  private callerOf(event: CustomResourceEvent): Caller {
    const { roleArn, functionName } = this.lambda.functionNamed(String(event.ResourceProperties['ServiceToken']));
    const roleName = roleArn.split('/').at(-1)!;
    return { arn: `arn:aws:sts::${ENV.account}:assumed-role/${roleName}/${functionName}`, roleName };
  }
}

/** An enrollment of a user that exists already. */
function enrollImported(stack: Stack, userName: string, device: string): void {
  enroll(
    stack,
    {
      user: iam.User.fromUserName(stack, userName, userName),
      serialNumber: serialNumberOf(device),
      seedSecret: Secret.fromSecretNameV2(stack, `${device}Seed`, `mfa/${device}`),
    },
    `${userName}Mfa`,
  );
}

describe('grants', () => {
  test('an enrollment that is removed keeps its grant until its Delete has used it', async () => {
    const account = new Account();
    await account.deploy((stack) => {
      enrollImported(stack, 'ann', 'alice');
      enrollImported(stack, 'ben', 'bob');
    });
    expect(account.enabled).toEqual(['ann alice', 'ben bob']);

    expect(await account.deploy((stack) => enrollImported(stack, 'ann', 'alice'))).toMatchObject({
      status: 'UPDATE_COMPLETE',
    });
    expect(account.enabled).toEqual(['ann alice']);
    expect(account).toMatchObject({ denied: [], failed: [] });
  });

  test('an enrollment that is replaced keeps the grant on its former user until its Delete has used it', async () => {
    const account = new Account();
    await account.deploy((stack) => enrollImported(stack, 'ann', 'alice'));
    const replaced = await account.deploy((stack) => {
      enroll(
        stack,
        {
          user: iam.User.fromUserName(stack, 'Imported', 'ben'),
          serialNumber: serialNumberOf('bob'),
          seedSecret: Secret.fromSecretNameV2(stack, 'Seed', 'mfa/bob'),
        },
        'annMfa',
      );
    });
    expect(replaced).toMatchObject({ status: 'UPDATE_COMPLETE' });
    expect(account.enabled).toEqual(['ben bob']);
    expect(account).toMatchObject({ denied: [], failed: [] });
  });

  test.each(['ordered', 'unordered'] as const)(
    "the stack's own user is renamed, and so replaced under one reference: the former one is left without a device, and can go (old halves deleted %s)",
    async (oldHalfOrder) => {
      const account = new Account({ oldHalfOrder });
      const declare = (userName: string, device: string) => (stack: Stack) =>
        void enroll(stack, {
          user: new iam.User(stack, 'User', { userName }),
          // A literal would tell the two enrollments apart by itself.
          serialNumber: new CfnParameter(stack, 'Device').valueAsString,
          seedSecret: Secret.fromSecretNameV2(stack, 'Seed', `mfa/${device}`),
        });
      await account.deploy(declare('alice', 'alice'), { Device: serialNumberOf('alice') });
      expect(account.enabled).toEqual(['alice alice']);

      const renamed = await account.deploy(declare('alicia', 'bob'), { Device: serialNumberOf('bob') });
      expect(renamed).toMatchObject({ status: 'UPDATE_COMPLETE' });
      expect(account.enabled).toEqual(['alicia bob']);
      expect(account.iam.state().users.map(({ userName }) => userName)).toEqual(['alicia', 'ann', 'ben']);
      expect(account.denied).toEqual([]);
    },
  );
});

describe('a construct that is renamed', () => {
  test('sends the function nothing', async () => {
    const account = new Account();
    const declare = (id: string) => (stack: Stack) => {
      enroll(stack, {}, id);
      // Something that does change, as an update with nothing to do would be none.
      new StringParameter(stack, 'Note', { stringValue: id });
    };
    await account.deploy(declare('AliceMfa'));
    account.requests.length = 0;
    expect(await account.deploy(declare('Renamed'))).toMatchObject({ status: 'UPDATE_COMPLETE' });
    expect(account.requests).toEqual([]);
  });

  test('even in its logical id, by an override, never leaves the user without the device', async () => {
    const account = new Account();
    await account.deploy((stack) => void enroll(stack));
    const [before] = account.enabled;
    const renamed = await account.deploy((stack) => enrollmentResource(enroll(stack)).overrideLogicalId('Renamed'));
    expect(renamed).toMatchObject({ status: 'UPDATE_COMPLETE' });
    expect(account.requests.map(({ RequestType }) => RequestType)).toEqual(['Create', 'Create', 'Delete']);
    expect(account.calls).not.toContain('iam:DeactivateMFADevice');
    expect(account.enabled).toEqual([before]);
    expect(account.claims).toEqual(['Renamed']);
  });
});

test('a Create that fails after it enabled the device is undone by the Delete that follows', async () => {
  const account = new Account();
  let isEnabled = false;
  account.instead = (action, { RequestType }) => {
    isEnabled ||= action === 'iam:EnableMFADevice';
    return isEnabled && RequestType === 'Create' ? new CallError(action, undefined) : undefined;
  };
  expect(await account.deploy((stack) => enrollImported(stack, 'ann', 'alice'))).toMatchObject({
    status: 'ROLLBACK_COMPLETE',
  });
  expect(isEnabled).toBe(true);
  expect(account.requests.map(({ RequestType }) => RequestType)).toEqual(['Create', 'Delete']);
  expect(account).toMatchObject({ enabled: [], claims: [] });
});

test('an answer arrives whole, however many bytes its characters have', async () => {
  const listener = new AnswerListener();
  const desk = new AnswerDesk(new SkippingClock(), (bytes) => Buffer.alloc(bytes, 7), await listener.start());
  listener.serveFor(desk);
  try {
    const request = { stackId: 'stack', requestId: 'request', logicalId: 'Mfa' };
    const body = JSON.stringify({
      Status: 'FAILED',
      PhysicalResourceId: 'zoë|device',
      StackId: request.stackId,
      RequestId: request.requestId,
      LogicalResourceId: request.logicalId,
      Reason: 'Zoë’s device 🔑',
    });
    await deliver(desk.open(request).url, body);
    expect(desk.received).toMatchObject([{ body, effective: true }]);
  } finally {
    await listener.close();
  }
});

describe('the SDK sends a call with codes once, and leaves it to the function what to do', () => {
  const environment = { ...process.env };
  afterEach(() => {
    process.env = { ...environment };
  });

  test.each<[string, Fault]>([
    ['its answer is lost', { lost: 'after' }],
    ['AWS itself fails', { before: new AwsError('ServiceFailure', 500, 'unknown failure') }],
    ['calls come too fast', { before: new AwsError('Throttling', 400, 'Rate exceeded') }],
  ])('where %s', async (_how, fault) => {
    const clock = new SkippingClock();
    const account = new Iam({ clock, accountId: ENV.account });
    let sent = 0;
    const server = new AwsServer({
      iam: account,
      secretsManagers: [],
      clock,
      faultOf: ({ action }) => {
        sent += action === 'EnableMFADevice' ? 1 : 0;
        return fault;
      },
    });
    const { url } = await server.start();
    try {
      Object.assign(process.env, {
        AWS_ENDPOINT_URL_IAM: url,
        AWS_ACCESS_KEY_ID: 'test',
        AWS_SECRET_ACCESS_KEY: 'test',
        AWS_REGION: ENV.region,
      });
      const codes = codePairAt(parseSeed(new SecretText('A'.repeat(32))), 1 as Step);
      const enabled = new SdkIam(clock).enableMFADevice('alice', serialNumberOf('alice'), codes);
      await expect(enabled).rejects.toThrow(CallError);
      expect(sent).toBe(1);
    } finally {
      await server.close();
    }
  });
});

test('a synthesis starts no process: no Docker and no bundler is needed where an app is built', () => {
  const starts = (['exec', 'execFile', 'execFileSync', 'execSync', 'fork', 'spawn', 'spawnSync'] as const).map((name) =>
    jest.spyOn(childProcess, name),
  );
  const outdir = mkdtempSync(join(tmpdir(), 'no-process-'));
  try {
    const app = new App({ outdir, analyticsReporting: false });
    enroll(newStack({}, app));
    app.synth();
    expect(starts.flatMap((start) => start.mock.calls)).toEqual([]);
  } finally {
    starts.forEach((start) => start.mockRestore());
    rmSync(outdir, { recursive: true });
  }
});

test('nothing is sent to the function before its retry settings are in force: a Create that dies runs once', async () => {
  const account = new Account();
  account.before = async ({ type, action }) => {
    if (type === 'AWS::Lambda::EventInvokeConfig' && action === 'create') {
      await account.clock.sleep(5 * 60_000);
    }
  };
  account.deliveryOf = ({ RequestType }) => ({
    delayMs: 0,
    ...(RequestType === 'Create' && { dies: { atCall: 4 } }),
  });
  expect(await account.deploy((stack) => enrollImported(stack, 'ann', 'alice'))).toMatchObject({
    status: 'ROLLBACK_COMPLETE',
  });
  expect(account.requests.map(({ RequestType }) => RequestType)).toEqual(['Create', 'Delete']);
  expect(account).toMatchObject({ enabled: [], claims: [] });
});

describe('CloudFormation waits for longer than Lambda’s queue holds an event and the function works on it', () => {
  /** A second less than the queue holds it. */
  const LATE_MS = 479_000;

  test('so a Create that comes as late as it can is not given up', async () => {
    const account = new Account();
    account.deliveryOf = () => ({ delayMs: LATE_MS });
    expect(await account.deploy((stack) => enrollImported(stack, 'ann', 'alice'))).toMatchObject({
      status: 'CREATE_COMPLETE',
    });
    expect(account.enabled).toEqual(['ann alice']);
  });

  test('nor is a Delete that comes as late as it can and then waits for the Create before it', async () => {
    const account = new Account();
    account.deliveryOf = () => ({ delayMs: LATE_MS });
    account.before = async ({ type, action }) => {
      if (type === 'AWS::SSM::Parameter' && action === 'create') {
        await account.clock.sleep(LATE_MS - 60_000);
        throw new Error('broken');
      }
    };
    const failed = await account.deploy((stack) => {
      enrollImported(stack, 'ann', 'alice');
      new StringParameter(stack, 'Note', { stringValue: 'broken' });
    });
    expect(failed).toMatchObject({ status: 'ROLLBACK_COMPLETE' });
    expect(account.requests.map(({ RequestType }) => RequestType)).toEqual(['Create', 'Delete']);
    expect(account).toMatchObject({ enabled: [], claims: [] });
  });
});

test('the function is one file, the same bytes wherever it is built', () => {
  const root = join(__dirname, '..');
  const folder = mkdtempSync(join(tmpdir(), 'build-'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const builtIn = (place: string) => {
    for (const part of [
      'scripts/build.mjs',
      'scripts/bundle-function.mjs',
      'lambda',
      'lib/contract.ts',
      'lib/checks.ts',
      'package.json',
      'tsconfig.json',
    ]) {
      cpSync(join(root, part), join(place, part), { recursive: true });
    }
    // The construct library is compiled, too, which takes long and has no part in the function.
    mkdirSync(join(place, 'node_modules/jsii/bin'), { recursive: true });
    writeFileSync(join(place, 'node_modules/jsii/bin/jsii'), '');
    childProcess.execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: place });
    const files = readdirSync(join(place, 'dist/function'));
    return Object.fromEntries(files.map((file) => [file, readFileSync(join(place, 'dist/function', file), 'utf8')]));
  };
  try {
    const built = builtIn(join(folder, 'here'));
    expect(Object.keys(built)).toEqual(['index.js']);
    // Not by toEqual, which would print a megabyte of differences.
    expect(builtIn(join(folder, 'deeper', 'there'))['index.js'] === built['index.js']).toBe(true);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 30_000);
