import childProcess from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, CfnParameter, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import { DEVICE_CLAIM_PREFIX, ENROLLMENT_CLAIM_PREFIX, MARK_PREFIX, SEED_PREFIX, tagKey } from '../lib/contract';
import { MfaEnrollment, MfaEnrollmentProvider } from '../lib';
import { SdkIam } from '../lambda/aws/sdk';
import { deliver } from '../lambda/delivery';
import { type Action, CallError, SecretText } from '../lambda/aws/ports';
import { type CustomResourceEvent, type InvocationContext, serve } from '../lambda/protocol';
import { parseSeed } from '../lambda/seed';
import { codePairAt, type Step } from '../lambda/totp';
import { AwsError } from '../local/aws-error';
import { SkippingClock } from '../local/clock';
import {
  ResponseUrls,
  ResponseServer,
  type UndocumentedBehavior,
  type StackDescription,
} from '../local/cloudformation';
import { AwsServer, type Fault } from '../local/http';
import { Iam } from '../local/iam';
import { InProcessAccount } from '../local/in-process-account';
import type { FunctionLifetime } from '../local/lambda';
import { directChannel } from '../local/ports';
import { numbers } from '../local/random';
import { enroll, enrollmentResource, ENV, newStack } from './lib/fixture';

/*
 * Known traps of custom resources that manage something outside CloudFormation. Each test fails without its remedy.
 * test/README.md lists all traps, and the tests of those that are not here.
 */

const serialNumberOf = (device: string) => `arn:aws:iam::${ENV.account}:mfa/${device}`;

/** Deploys a stack of the real constructs, and records what its function does. */
class Account extends InProcessAccount {
  /** The calls of the function. */
  readonly calls: Action[] = [];
  /** The calls that IAM denied. */
  readonly denied: Action[] = [];

  constructor(open: UndocumentedBehavior = {}) {
    // With this seed 'unordered' deletes the old half of a replaced user last. If it came first, the user would stay.
    super({ region: ENV.region, random: numbers(2), ...open });
    for (const device of ['alice', 'bob']) {
      this.createSecret(`mfa/${device}`, this.createDevice(device).seed);
    }
    for (const UserName of ['ann', 'ben']) {
      this.iam.call('CreateUser', { UserName });
    }
  }

  deploy(
    declare: (stack: Stack) => void,
    parameters: Readonly<Record<string, string>> = {},
  ): Promise<StackDescription> {
    const stack = newStack();
    declare(stack);
    const request = { stackName: 'Stack', template: Template.fromStack(stack).toJSON(), parameters };
    const exists = this.cloudFormation.describeStack('Stack') !== undefined;
    return this.clock.run(exists ? this.cloudFormation.updateStack(request) : this.cloudFormation.createStack(request));
  }

  /** `<user> <device>` of each enabled device. */
  get enabled(): string[] {
    return this.iam
      .state()
      .devices.flatMap(({ userName, serialNumber }) =>
        userName === undefined ? [] : [`${userName} ${serialNumber.split('/').at(-1)}`],
      );
  }

  /** The logical ids in the claims on all devices. */
  get claims(): string[] {
    const keys = this.iam.state().devices.flatMap(({ tags }) => Object.keys(tags));
    return keys.filter((key) => key.startsWith(ENROLLMENT_CLAIM_PREFIX)).map((key) => key.split('/').at(-1)!);
  }

  /** What failed in CloudFormation, also where the operation itself succeeded. */
  get failed(): string[] {
    return this.events.flatMap(({ status, logicalId }) =>
      status.endsWith('_FAILED') ? [`${logicalId} ${status}`] : [],
    );
  }

  protected override handle(
    event: CustomResourceEvent,
    context: InvocationContext,
    life: FunctionLifetime,
  ): Promise<void> {
    return serve(
      event,
      context,
      this.shellFor(event, life, (action, effect) => this.record(action, effect)),
    );
  }

  private async record<T>(action: Action, effect: () => T): Promise<T> {
    this.calls.push(action);
    try {
      return await directChannel(action, effect);
    } catch (error) {
      if (error instanceof CallError && error.code === 'AccessDenied') {
        this.denied.push(action);
      }
      throw error;
    }
  }
}

/** Enrolls an existing user. */
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
  test('a removed enrollment keeps its grant until its Delete has used it', async () => {
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

  test('a replaced enrollment keeps the grant on its former user until its Delete has used it', async () => {
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
    "renaming the stack's own user replaces it under the same reference: the former user has no device and can be deleted (old halves deleted %s)",
    async (oldHalfOrder) => {
      const account = new Account({ oldHalfOrder });
      const declare = (userName: string, device: string) => (stack: Stack) =>
        void enroll(stack, {
          user: new iam.User(stack, 'User', { userName }),
          // A literal would give the two enrollments different logical ids.
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

test('the role of a provider can write and remove the claims of its own stack, and none of another stack', async () => {
  const account = new Account();
  const { stackId, resources } = await account.deploy((stack) => enrollImported(stack, 'ann', 'alice'));
  const roleName = resources.find(({ type }) => type === 'AWS::IAM::Role')!.physicalId;
  const caller = { arn: `arn:aws:sts::${ENV.account}:assumed-role/${roleName}/function`, roleName };
  const SerialNumber = serialNumberOf('bob');
  const write = (stackUuid: string) => () => {
    for (const prefix of [ENROLLMENT_CLAIM_PREFIX, DEVICE_CLAIM_PREFIX, MARK_PREFIX, SEED_PREFIX]) {
      const Key = tagKey(prefix, stackUuid, 'Bob');
      account.iam.call('TagMFADevice', { SerialNumber, Tags: [{ Key, Value: 'enabled' }] }, caller);
      account.iam.call('UntagMFADevice', { SerialNumber, TagKeys: [Key] }, caller);
    }
  };
  expect(write(stackId.split('/').at(-1)!)).not.toThrow();
  expect(write('22222222-2222-2222-2222-222222222222')).toThrow(/not authorized to perform: iam:TagMFADevice/);
});

describe('renaming a construct', () => {
  test('sends no request to the function', async () => {
    const account = new Account();
    const declare = (id: string) => (stack: Stack) => {
      enroll(stack, {}, id);
      // CloudFormation refuses an update that changes nothing.
      new StringParameter(stack, 'Note', { stringValue: id });
    };
    await account.deploy(declare('AliceMfa'));
    account.requests.length = 0;
    expect(await account.deploy(declare('Renamed'))).toMatchObject({ status: 'UPDATE_COMPLETE' });
    expect(account.requests).toEqual([]);
  });

  test('and its logical id, by an override, never leaves the user without the device', async () => {
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
  account.faultOf = (action, { RequestType }) => {
    isEnabled ||= action === 'iam:EnableMFADevice';
    return isEnabled && RequestType === 'Create'
      ? { error: new CallError(action, undefined), effect: true }
      : undefined;
  };
  expect(await account.deploy((stack) => enrollImported(stack, 'ann', 'alice'))).toMatchObject({
    status: 'ROLLBACK_COMPLETE',
  });
  expect(isEnabled).toBe(true);
  expect(account.requests.map(({ RequestType }) => RequestType)).toEqual(['Create', 'Delete']);
  expect(account).toMatchObject({ enabled: [], claims: [] });
});

test('a response with multi-byte characters arrives whole', async () => {
  const listener = new ResponseServer();
  const desk = new ResponseUrls(new SkippingClock(), (bytes) => Buffer.alloc(bytes, 7), await listener.start());
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
    expect(desk.received).toMatchObject([{ body, accepted: true }]);
  } finally {
    await listener.close();
  }
});

describe('the SDK sends a call with codes once and leaves retries to the function', () => {
  const environment = { ...process.env };
  afterEach(() => {
    process.env = { ...environment };
  });

  test.each<[string, Fault]>([
    ['its response is lost', { lost: 'after' }],
    ['AWS fails', { before: new AwsError('ServiceFailure', 500, 'unknown failure') }],
    ['AWS throttles it', { before: new AwsError('Throttling', 400, 'Rate exceeded') }],
  ])('if %s', async (_how, fault) => {
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

test('synthesis starts no process, so it needs neither Docker nor a bundler', () => {
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

test('the function receives no request before its retry settings are in force: a Create that dies runs once', async () => {
  const account = new Account();
  account.fault = async ({ type, action }) => {
    if (type === 'AWS::Lambda::EventInvokeConfig' && action === 'create') {
      await account.clock.sleep(5 * 60_000);
    }
  };
  account.deliveries = ({ RequestType }) => [{ delayMs: 0, ...(RequestType === 'Create' && { kill: { atCall: 4 } }) }];
  expect(await account.deploy((stack) => enrollImported(stack, 'ann', 'alice'))).toMatchObject({
    status: 'ROLLBACK_COMPLETE',
  });
  expect(account.requests.map(({ RequestType }) => RequestType)).toEqual(['Create', 'Delete']);
  expect(account).toMatchObject({ enabled: [], claims: [] });
});

describe('CloudFormation waits longer than Lambda queues an event and the function works on it', () => {
  /** One second less than Lambda queues an event. */
  const LATE_MS = 479_000;

  test('so a Create that is delivered as late as possible succeeds', async () => {
    const account = new Account();
    account.deliveries = () => [{ delayMs: LATE_MS }];
    expect(await account.deploy((stack) => enrollImported(stack, 'ann', 'alice'))).toMatchObject({
      status: 'CREATE_COMPLETE',
    });
    expect(account.enabled).toEqual(['ann alice']);
  });

  test('so a Delete that is delivered as late as possible, after the Create before it, succeeds', async () => {
    const account = new Account();
    account.deliveries = () => [{ delayMs: LATE_MS }];
    account.fault = async ({ type, action }) => {
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

test('the function is one file, with the same bytes in every build', () => {
  const root = join(__dirname, '..');
  const folder = mkdtempSync(join(tmpdir(), 'build-'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const builtIn = (place: string) => {
    for (const part of [
      'scripts/bundle.mjs',
      'scripts/bundle-function.mjs',
      'lambda',
      'lib/contract.ts',
      'lib/checks.ts',
      'package.json',
      'tsconfig.json',
    ]) {
      cpSync(join(root, part), join(place, part), { recursive: true });
    }
    childProcess.execFileSync(process.execPath, ['scripts/bundle-function.mjs'], { cwd: place });
    const files = readdirSync(join(place, 'dist/function'));
    return Object.fromEntries(files.map((file) => [file, readFileSync(join(place, 'dist/function', file), 'utf8')]));
  };
  try {
    const built = builtIn(join(folder, 'here'));
    expect(Object.keys(built)).toEqual(['index.js']);
    // toEqual would print a megabyte of differences.
    expect(builtIn(join(folder, 'deeper', 'there'))['index.js'] === built['index.js']).toBe(true);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 30_000);

describe('a change of what the function may access', () => {
  const STAFF = { userPath: '/staff/', devicePath: '/staff/' };
  const declare =
    ({ path = '/staff/', scope }: { path?: string; scope?: typeof STAFF | undefined }, name = 'Provider') =>
    (stack: Stack) => {
      const provider = new MfaEnrollmentProvider(stack, name, { pathScope: scope });
      const user = new iam.User(stack, 'User', { userName: 'amy', path });
      new MfaEnrollment(stack, 'Mfa', { user, provider });
    };

  test.each([
    ['a path scope', undefined, STAFF],
    ['no path scope any more', STAFF, undefined],
    ['another path scope', STAFF, { userPath: '/', devicePath: '/people/' }],
  ])('leaves nothing behind if a provider gets %s', async (_, before, after) => {
    const account = new Account();
    await account.deploy(declare({ scope: before }));
    expect(await account.deploy(declare({ scope: after }))).toMatchObject({ status: 'UPDATE_COMPLETE' });
    expect([account.enabled, account.failed, account.denied]).toEqual([[expect.stringMatching(/^amy /)], [], []]);
    expect(account.secretsManager.secretNames.filter((each) => !/^mfa\/(alice|bob)$/.test(each))).toHaveLength(1);
  });

  test('leaves nothing behind if a user changes to another path before the provider changes', async () => {
    const account = new Account();
    await account.deploy(declare({ path: '/contractors/', scope: { userPath: '/contractors/', devicePath: '/c/' } }));
    // The recipe of the documentation.
    for (const path of ['/contractors/', '/staff/']) {
      await account.deploy(declare({ path }, 'Unscoped'));
    }
    expect(await account.deploy(declare({ scope: STAFF }, 'Staff'))).toMatchObject({ status: 'UPDATE_COMPLETE' });
    expect([account.enabled, account.failed, account.denied]).toEqual([[expect.stringMatching(/^amy /)], [], []]);
  });
});
