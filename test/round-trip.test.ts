import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { SecretText } from '../lambda/ports';
import { parseSeed } from '../lambda/seed';
import { codePairAt, Step, stepAt } from '../lambda/totp';
import { MfaEnrollment, MfaEnrollmentProps } from '../lib';
import { AwsError } from '../local/aws-error';
import { SkippingClock } from '../local/clock';
import type { StackDescription, StackEvent } from '../local/cloudformation';
import type { AnsweredCall, Fault, IncomingCall } from '../local/http';
import type { DeliveryPolicy } from '../local/lambda';
import { LocalAws } from '../local/local-aws';

const STACK = 'RoundTrip';
const SERIAL_NUMBER = 'arn:aws:iam::123456789012:mfa/alice';
const SECRET = 'mfa/alice';

/**
 * The synthesized template, the built asset in a process of its own, the SDK over HTTP: all real but the cloud, and
 * the clock, which skips whatever the function sleeps.
 */
class Account {
  readonly clock = new SkippingClock();
  readonly startedAt = this.clock.now();
  readonly events: StackEvent[] = [];
  readonly calls: AnsweredCall[] = [];
  faultOf: (call: IncomingCall) => Fault | undefined = () => undefined;
  deliveries: DeliveryPolicy = () => [{ delayMs: 0 }];
  aws!: LocalAws;
  readonly seeds: string[] = [];
  private readonly assemblies: string[] = [];

  async open(): Promise<void> {
    this.aws = await LocalAws.start({
      clock: this.clock,
      onEvent: (event) => this.events.push(event),
      onCall: (call) => this.calls.push(call),
      faultOf: (call) => this.faultOf(call),
      deliveries: (...args) => this.deliveries(...args),
    });
  }

  /** Creates a device and returns its seed. */
  createDevice(name: string): string {
    const { VirtualMFADevice } = this.aws.iam.call('CreateVirtualMFADevice', { VirtualMFADeviceName: name });
    const seed = (VirtualMFADevice as { Base32StringSeed: Buffer }).Base32StringSeed.toString();
    this.seeds.push(seed);
    return seed;
  }

  createSecret(name: string, text: string | undefined): void {
    this.aws.secretsManager.call('CreateSecret', { Name: name, SecretString: text });
  }

  async deploy(props: Partial<MfaEnrollmentProps> = {}, userName = 'alice'): Promise<StackDescription> {
    const assembly = mkdtempSync(join(tmpdir(), 'round-trip-'));
    this.assemblies.push(assembly);
    const app = new App({ outdir: assembly, analyticsReporting: false });
    const stack = new Stack(app, STACK);
    new MfaEnrollment(stack, 'Mfa', {
      user: new iam.User(stack, 'User', { userName, path: '/staff/' }),
      serialNumber: SERIAL_NUMBER,
      seedSecret: Secret.fromSecretNameV2(stack, 'Seed', SECRET),
      ...props,
    });
    app.synth();
    return this.aws.deploy(assembly, STACK);
  }

  destroy(): Promise<StackDescription> {
    return this.aws.destroy(STACK);
  }

  /** What an operator reads. */
  get failures(): string[] {
    return this.events.flatMap(({ type, reason }) =>
      type === 'Custom::MfaEnrollment' && reason !== undefined ? [reason] : [],
    );
  }

  get actions(): string[] {
    return this.calls.filter(({ caller }) => caller?.roleName !== undefined).map(({ action }) => action);
  }

  /** Everything that somebody else than AWS's services could get to see. */
  everythingVisible(): string {
    const files = this.assemblies.flatMap((assembly) =>
      readdirSync(assembly, { recursive: true, withFileTypes: true }).flatMap((entry) =>
        entry.isFile() ? [readFileSync(join(entry.parentPath, entry.name), 'utf8')] : [],
      ),
    );
    return [...files, ...this.aws.logs(), ...this.events.map((event) => JSON.stringify(event)), ...this.answers].join(
      '\n',
    );
  }

  get answers(): string[] {
    return this.aws.answers.map(({ body }) => body);
  }

  async close(): Promise<void> {
    await this.aws.close();
    this.assemblies.forEach((assembly) => rmSync(assembly, { recursive: true }));
  }
}

let account: Account;
beforeEach(async () => {
  account = new Account();
  await account.open();
  account.createSecret(SECRET, account.createDevice('alice'));
});

afterEach(async () => {
  const visible = account.everythingVisible();
  await account.close();
  for (const seed of account.seeds) {
    expect(visible).not.toContain(seed);
    for (let step = stepAt(account.startedAt) - 2; step <= stepAt(account.clock.now()) + 2; step++) {
      const [, code] = codePairAt(parseSeed(new SecretText(seed)), step as Step).reveal();
      expect(visible).not.toMatch(new RegExp(`(?<![\\w.-])${code}(?![\\w.-])`));
    }
  }
  expect(visible).not.toMatch(/127\.0\.0\.1:\d+\/[0-9a-f]{16}/);
});

const enabled = () =>
  account.aws.iam.state().devices.flatMap(({ serialNumber, userName }) => (userName ? [[serialNumber, userName]] : []));
const claims = () => account.aws.iam.state().devices.flatMap(({ tags }) => Object.values(tags));

test('a deployment enables the device with a clock adjustment of 0 in at most five calls, a destroy leaves nothing', async () => {
  expect(await account.deploy()).toMatchObject({ status: 'CREATE_COMPLETE' });
  expect(enabled()).toEqual([[SERIAL_NUMBER, 'alice']]);
  expect(account.aws.iam.deviceClock(SERIAL_NUMBER)).toMatchObject({ adjustment: 0 });
  expect(claims()).toEqual([`enabled us-east-1 ${STACK}`]);
  expect(account.actions).toHaveLength(5);
  expect(account.clock.now()).toBe(account.startedAt);

  expect(await account.destroy()).toMatchObject({ status: 'DELETE_COMPLETE' });
  expect(enabled()).toEqual([]);
  expect(account.aws.iam.state()).toMatchObject({ users: [], roles: [], devices: [{ tags: {} }] });
});

test('the same Create delivered twice has one effect and one effective answer', async () => {
  account.deliveries = () => [{ delayMs: 0 }, { delayMs: 0 }];
  expect(await account.deploy()).toMatchObject({ status: 'CREATE_COMPLETE' });
  await account.aws.idle();
  expect(enabled()).toEqual([[SERIAL_NUMBER, 'alice']]);
  expect(claims()).toEqual([`enabled us-east-1 ${STACK}`]);
  expect(account.aws.answers.filter(({ effective }) => effective)).toHaveLength(1);
});

test('another secret with the same seed is proven in place', async () => {
  await account.deploy();
  account.createSecret('mfa/copy', JSON.stringify({ seed: account.seeds[0] }));
  const stack = new Stack();
  const updated = await account.deploy({
    seedSecret: Secret.fromSecretCompleteArn(stack, 'Copy', arnOfSecret('mfa/copy')),
    seedSecretField: 'seed',
  });
  expect(updated).toMatchObject({ status: 'UPDATE_COMPLETE' });
  expect(account.actions.at(-1)).toBe('ResyncMFADevice');
  expect(enabled()).toEqual([[SERIAL_NUMBER, 'alice']]);
});

test('deleting what is gone already is done', async () => {
  await account.deploy();
  account.aws.iam.call('DeactivateMFADevice', { UserName: 'alice', SerialNumber: SERIAL_NUMBER });
  account.aws.iam.call('DeleteVirtualMFADevice', { SerialNumber: SERIAL_NUMBER });
  expect(await account.destroy()).toMatchObject({ status: 'DELETE_COMPLETE' });
});

test('enrolling right after the device was deactivated waits for newer codes and sends none from the future', async () => {
  await account.deploy();
  await account.destroy();
  const before = account.clock.now();
  expect(await account.deploy()).toMatchObject({ status: 'CREATE_COMPLETE' });
  expect(account.clock.now() - before).toBeGreaterThan(30_000);
  expect(account.aws.iam.deviceClock(SERIAL_NUMBER)).toMatchObject({ adjustment: 0 });
});

test('a wrong seed fails after four pairs, in words that name secret and device, and rolls back clean', async () => {
  account.aws.secretsManager.call('PutSecretValue', { SecretId: SECRET, SecretString: account.createDevice('bob') });
  expect(await account.deploy()).toMatchObject({ status: 'ROLLBACK_COMPLETE' });
  expect(account.actions.filter((action) => action === 'EnableMFADevice')).toHaveLength(4);
  expect(account.failures[0]).toContain(`secret:${SECRET} does not hold the seed of device ${SERIAL_NUMBER}`);
  expect(account.aws.iam.state()).toMatchObject({ users: [], roles: [], devices: [{ tags: {} }, { tags: {} }] });
});

const deny = (action: string) => (call: IncomingCall) =>
  call.action === action ? { before: new AwsError('AccessDenied', 403, 'User: … is not authorized') } : undefined;
const putSecret = (text: string) => () =>
  void account.aws.secretsManager.call('PutSecretValue', { SecretId: SECRET, SecretString: text });

test.each<[string, () => void, RegExp, Partial<MfaEnrollmentProps>?]>([
  [
    'no secret',
    () => account.aws.secretsManager.call('DeleteSecret', { SecretId: SECRET, ForceDeleteWithoutRecovery: true }),
    /secret:mfa\/alice does not exist, or has no current version/,
  ],
  [
    'a secret that is scheduled for deletion',
    () => account.aws.secretsManager.call('DeleteSecret', { SecretId: SECRET }),
    /secret:mfa\/alice can't be used, most likely because it is scheduled for deletion/,
  ],
  [
    'a secret that nobody can decrypt',
    () => (account.aws.secretsManager.faults = { undecryptable: new Set([SECRET]) }),
    /secret:mfa\/alice can't be decrypted/,
  ],
  ['a secret that holds no seed', putSecret('not a seed!'), /holds no seed: it is not Base32/],
  ['a secret that is JSON', putSecret('{"seed":"A"}'), /name the key that holds the seed in 'seedSecretField'/],
  ['a field that is not there', putSecret('{"seed":"A"}'), /has no field 'token'/, { seedSecretField: 'token' }],
  [
    'no device',
    () => account.aws.iam.call('DeleteVirtualMFADevice', { SerialNumber: SERIAL_NUMBER }),
    /device arn:aws:iam::123456789012:mfa\/alice does not exist/,
  ],
  ['a denied call', () => (account.faultOf = deny('EnableMFADevice')), /iam:EnableMFADevice on user alice is denied/],
  [
    'a denied secret',
    () => (account.faultOf = deny('GetSecretValue')),
    /secretsmanager:GetSecretValue on secret arn:.*:secret:mfa\/alice is denied/,
  ],
])('%s ends in words in the stack event, and in a clean rollback', async (...[, prepare, words, props]) => {
  prepare();
  expect(await account.deploy(props)).toMatchObject({ status: 'ROLLBACK_COMPLETE' });
  expect(account.failures[0]).toMatch(words);
  expect(account.failures[0]).toMatch(/State: .*Next: /);
  expect(account.aws.iam.state()).toMatchObject({ users: [], roles: [] });
});

test('a lost answer of EnableMFADevice is no failure', async () => {
  let lost = false;
  account.faultOf = ({ action }) => {
    if (action !== 'EnableMFADevice' || lost) return undefined;
    lost = true;
    return { lost: 'after' };
  };
  expect(await account.deploy()).toMatchObject({ status: 'CREATE_COMPLETE' });
  expect(lost).toBe(true);
  expect(account.actions).toContain('ResyncMFADevice');
});

test('a function that dies leaves a stack that rolls back clean', async () => {
  let dead = false;
  account.deliveries = () => {
    if (dead) return [{ delayMs: 0 }];
    dead = true;
    return [{ delayMs: 0, dies: { atCall: 5 } }];
  };
  expect(await account.deploy()).toMatchObject({ status: 'ROLLBACK_COMPLETE' });
  expect(account.aws.iam.state()).toMatchObject({ users: [], roles: [], devices: [{ tags: {} }] });
});

function arnOfSecret(name: string): string {
  return account.aws.secretsManager.call('DescribeSecret', { SecretId: name }).ARN as string;
}
