import { createHash } from 'node:crypto';
import { type Action, CallError, SecretText } from '../../lambda/aws/ports';
import { type CustomResourceEvent, serve } from '../../lambda/protocol';
import { parseSeed } from '../../lambda/seed';
import { codePairAt, type Step, stepAt } from '../../lambda/totp';
import { LineLogger } from '../../lambda/logger';
import { creationId, physicalId, timestamp } from '../../lib/contract';
import { type Caller, Iam } from '../../local/iam/iam';
import { type Channel, directChannel, InProcessIam, InProcessSeedStore } from '../../local/ports';
import { SecretsManager } from '../../local/secrets-manager/secrets-manager';
import { VirtualClock } from '../../local/virtual-clock';

const ACCOUNT = '123456789012';
export const STACK_UUID = '11111111-2222-3333-4444-555555555555';
export const STACK_ID = `arn:aws:cloudformation:eu-west-1:${ACCOUNT}:stack/Staging/${STACK_UUID}`;
export const LOGICAL_ID = 'MfaEnrollmentAlice0A1B2C3D';
export const DEVICE_LOGICAL_ID = 'VirtualMfaDevicePhone0A1B2C3D';
export const OTHER_STACK_UUID = '99999999-8888-7777-6666-555555555555';
/** The same resource in another stack. */
export const OTHER_STACK = {
  StackId: `arn:aws:cloudformation:eu-central-1:${ACCOUNT}:stack/Production/${OTHER_STACK_UUID}`,
};
/** The physical id that CloudFormation invents if a Create never responds. */
export const INVENTED = { PhysicalResourceId: 'Staging-Alice0A1B2C3D-1ABCDEFGHIJKL' };
export const MINUTE = 60_000;
export const DAY = 24 * 60 * MINUTE;

type Changes = Partial<CustomResourceEvent>;

export interface Answer {
  readonly Status: 'SUCCESS' | 'FAILED';
  readonly Reason?: string;
  readonly PhysicalResourceId: string;
  readonly StackId: string;
  readonly RequestId: string;
  readonly LogicalResourceId: string;
  readonly Data?: Record<string, string>;
}

/** The fault of a call, instead of or after its effect. */
export type Fault = (
  action: Action,
  call: number,
  event: CustomResourceEvent,
) => 'lose answer' | 'lose request' | CallError | (() => unknown) | undefined;

/**
 * The function on the local IAM and Secrets Manager, in process, with user `alice`, device `alice` and secret
 * `mfa/alice`. Time advances only when the function waits.
 */
export class Stage {
  readonly clock = new VirtualClock();
  /** When requests ran. */
  private readonly runs: { readonly from: number; readonly to: number }[] = [];
  /** The seeds of all devices. */
  private readonly seeds: string[] = [];
  readonly iam = new Iam({ clock: this.clock, accountId: ACCOUNT, random: countedBytes() });
  readonly secretsManager = new SecretsManager({
    clock: this.clock,
    accountId: ACCOUNT,
    region: 'eu-west-1',
    authorize: (caller, request) => this.iam.denialReason(caller, request),
  });
  readonly seed = this.createDevice('alice');
  readonly serialNumber = serialNumberOf('alice');
  readonly secretArn = this.createSecret('mfa/alice', this.seed);
  /** A secret without a value. */
  readonly phoneSecretArn = this.createSecret('mfa/phone');
  /** The calls of the function. */
  calls: Action[] = [];
  /** The output of the function: log lines and responses. */
  readonly left: string[] = [];
  fault: Fault = () => undefined;
  caller?: Caller;
  remainingMs = 15 * 60 * 1000;
  private uuids = 0;
  private events = 0;
  /** The physical ids that Creates answered with, by stack and logical id. */
  private readonly ids = new Map<string, string>();
  deliver: (url: string, body: string) => Promise<void> = () => Promise.resolve();

  constructor() {
    this.iam.call('CreateUser', { UserName: 'alice' });
  }

  createDevice(name: string): string {
    const seed = seedIn(this.iam.call('CreateVirtualMFADevice', { VirtualMFADeviceName: name }));
    this.seeds.push(seed);
    return seed;
  }

  createSecret(name: string, text?: string): string {
    return this.secretsManager.call('CreateSecret', { Name: name, SecretString: text }).ARN as string;
  }

  /** An event for the enrollment of `alice`. Unless it is a Create, it has the id that the last Create answered with. */
  event(type: CustomResourceEvent['RequestType'], changes: Changes = {}): CustomResourceEvent {
    return this.eventOf(type, ['alice', this.serialNumber], {
      LogicalResourceId: LOGICAL_ID,
      ResourceType: 'Custom::MfaEnrollment',
      ResourceProperties: this.properties(),
      ...(type === 'Update' ? { OldResourceProperties: this.properties() } : {}),
      ...changes,
    });
  }

  /** An event for a `VirtualMfaDevice` called `phone` with the secret `phoneSecretArn`. */
  deviceEvent(
    type: CustomResourceEvent['RequestType'],
    properties: Record<string, unknown> = {},
    changes: Changes = {},
  ): CustomResourceEvent {
    const ResourceProperties = {
      ServiceToken: this.properties().ServiceToken,
      ServiceTimeout: '1410',
      SerialNumber: serialNumberOf('phone'),
      SeedSecretArn: this.phoneSecretArn,
      ...properties,
    };
    return this.eventOf(type, [serialNumberOf('phone')], {
      LogicalResourceId: DEVICE_LOGICAL_ID,
      ResourceType: 'Custom::VirtualMfaDevice',
      ResourceProperties,
      ...(type === 'Update' ? { OldResourceProperties: ResourceProperties } : {}),
      ...changes,
    });
  }

  private eventOf(
    type: CustomResourceEvent['RequestType'],
    parts: readonly string[],
    changes: Changes & Pick<CustomResourceEvent, 'LogicalResourceId' | 'ResourceType' | 'ResourceProperties'>,
  ): CustomResourceEvent {
    const number = String(++this.events).padStart(12, '0');
    const { StackId = STACK_ID, LogicalResourceId } = changes;
    const id = this.ids.get(keyOf(StackId, LogicalResourceId)) ?? physicalId(parts, creationId('0a1b2c3d', 0));
    return {
      RequestType: type,
      ResponseURL: responseUrl({ 'X-Amz-Date': timestamp(this.clock.now()), 'X-Amz-Signature': number }),
      StackId,
      RequestId: `b1c2d3e4-0000-0000-0000-${number}`,
      ...(type === 'Create' ? {} : { PhysicalResourceId: id }),
      ...changes,
    };
  }

  /** The creation id of a resource, by default of the enrollment of `alice`. */
  creationOf({ StackId = STACK_ID, LogicalResourceId = LOGICAL_ID }: Changes = {}): string {
    const [, creation] = /\|([^|]+)(?:\|failed)?$/.exec(this.ids.get(keyOf(StackId, LogicalResourceId)) ?? '') ?? [];
    return creation!;
  }

  properties(changes: Record<string, unknown> = {}): Record<string, unknown> {
    return {
      ServiceToken: `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:Provider`,
      ServiceTimeout: '1410',
      UserName: 'alice',
      SerialNumber: this.serialNumber,
      SeedSecretArn: this.secretArn,
      ...changes,
    };
  }

  /** Sends an event for the enrollment to the function and returns its response. */
  async request(...args: Parameters<Stage['event']>): Promise<Answer> {
    return this.send(this.event(...args));
  }

  /** Sends an event for the device to the function and returns its response. */
  async deviceRequest(...args: Parameters<Stage['deviceEvent']>): Promise<Answer> {
    return this.send(this.deviceEvent(...args));
  }

  /** Sends an event to the function and returns its response. */
  async send(event: CustomResourceEvent): Promise<Answer> {
    return this.clock.run(this.start(event));
  }

  /** Sends events in parallel, each this many milliseconds from now, and returns their responses. */
  async sendAll(...sent: readonly (readonly [afterMs: number, event: () => CustomResourceEvent])[]): Promise<Answer[]> {
    const answers = sent.map(([ms, event]) => this.clock.sleep(ms).then(() => this.start(event())));
    return this.clock.run(Promise.all(answers));
  }

  /** Lets time pass. */
  async pass(ms: number): Promise<void> {
    await this.clock.run(this.clock.sleep(ms));
  }

  /** Sends an event without running the clock, for requests that run in parallel. */
  async start(event: CustomResourceEvent): Promise<Answer> {
    const bodies: string[] = [];
    const from = this.clock.now();
    const endsAt = this.clock.now() + this.remainingMs;
    // The function's clock is wrong, because codes must come from AWS's time.
    const wrongClock = { now: () => this.clock.now() - 123_456_789, sleep: (ms: number) => this.clock.sleep(ms) };
    try {
      await serve(
        event,
        { getRemainingTimeInMillis: () => endsAt - this.clock.now() },
        {
          clock: wrongClock,
          iam: new InProcessIam(this.iam, this.clock, this.caller, this.channelOf(event)),
          seeds: new InProcessSeedStore(this.secretsManager, this.caller, this.channelOf(event)),
          logger: new LineLogger((line) => this.left.push(line)),
          random: () => 0.5,
          uuid: () => `00000000-0000-4000-8000-${String(++this.uuids).padStart(12, '0')}`,
          deliver: async (url, body) => {
            this.left.push(body);
            await this.deliver(url, body);
            bodies.push(body);
          },
        },
      );
    } finally {
      this.runs.push({ from, to: this.clock.now() });
    }
    expect(bodies).toHaveLength(1);
    const answer = JSON.parse(bodies[0]!) as Answer;
    if (event.RequestType === 'Create') {
      this.ids.set(keyOf(event.StackId, event.LogicalResourceId), answer.PhysicalResourceId);
    }
    return answer;
  }

  /** The enabled devices of a user. */
  devicesOf(userName = 'alice'): string[] {
    const { MFADevices } = this.iam.call('ListMFADevices', { UserName: userName });
    return (MFADevices as { SerialNumber: string }[]).map((device) => device.SerialNumber);
  }

  exists(serialNumber: string): boolean {
    return this.iam.state().devices.some((device) => device.serialNumber === serialNumber);
  }

  /** The stages of a secret's versions. */
  versions(SecretId = this.phoneSecretArn): Record<string, string[]> {
    return this.secretsManager.call('DescribeSecret', { SecretId }).VersionIdsToStages as Record<string, string[]>;
  }

  /** The current version of a secret. */
  currentVersion(secretArn?: string): string | undefined {
    return Object.entries(this.versions(secretArn)).find(([, stages]) => stages.includes('AWSCURRENT'))?.[0];
  }

  tags(serialNumber = this.serialNumber): Record<string, string> {
    const { Tags } = this.iam.call('ListMFADeviceTags', { SerialNumber: serialNumber });
    return Object.fromEntries((Tags as { Key: string; Value: string }[]).map(({ Key, Value }) => [Key, Value]));
  }

  tag(key: string, value: string, serialNumber = this.serialNumber): void {
    this.iam.call('TagMFADevice', { SerialNumber: serialNumber, Tags: [{ Key: key, Value: value }] });
  }

  untag(key: string, serialNumber = this.serialNumber): void {
    this.iam.call('UntagMFADevice', { SerialNumber: serialNumber, TagKeys: [key] });
  }

  /** Deactivates the device like an administrator. */
  deactivate(): void {
    this.iam.call('DeactivateMFADevice', { UserName: 'alice', SerialNumber: this.serialNumber });
  }

  /** Enables a device for `alice` like an administrator, with the seed in a secret. */
  enable(serialNumber = this.serialNumber, SecretId = this.secretArn, UserName = 'alice'): void {
    const { SecretString } = this.secretsManager.call('GetSecretValue', { SecretId });
    const seed = parseSeed(new SecretText(SecretString as string));
    const [first, second] = codePairAt(seed, stepAt(this.clock.now())).reveal();
    const codes = { AuthenticationCode1: first, AuthenticationCode2: second };
    this.iam.call('EnableMFADevice', { UserName, SerialNumber: serialNumber, ...codes });
  }

  /** The fields of the log's lines. */
  get log(): Record<string, unknown>[] {
    return this.left.map((line) => JSON.parse(line) as Record<string, unknown>).filter((line) => 'message' in line);
  }

  /** Expects that the output of the function contains no seed, no code and no URL. */
  expectSecrecy(): void {
    const text = this.left.join('\n');
    for (const seed of this.seeds) {
      const bytes = Buffer.from(parseSeed(new SecretText(seed)).reveal());
      for (const spelt of [
        seed.slice(0, 16),
        bytes.toString('hex').slice(0, 16),
        bytes.toString('base64').slice(0, 16),
      ]) {
        expect(text.toLowerCase()).not.toContain(spelt.toLowerCase());
      }
    }
    const shown = new Set(text.match(/\b\d{6}\b/g));
    // Most output has no such word, and a test can last for days.
    if (shown.size > 0) {
      expect(this.seeds.flatMap((seed) => this.codesOf(seed)).filter((code) => shown.has(code))).toEqual([]);
    }
    expect(text).not.toMatch(/https?:/);
  }

  /** The codes of the steps in which a request ran, and of two before and after. */
  private codesOf(seed: string): string[] {
    return this.runs.flatMap(({ from, to }) => {
      const codes: string[] = [];
      for (let step = stepAt(from) - 2; step <= stepAt(to) + 2; step++) {
        codes.push(codePairAt(parseSeed(new SecretText(seed)), step as Step).reveal()[1]);
      }
      return codes;
    });
  }

  private channelOf(event: CustomResourceEvent): Channel {
    return (action, effect) => this.carry(event, action, effect);
  }

  private async carry<T>(event: CustomResourceEvent, action: Action, effect: () => T): Promise<T> {
    this.calls.push(action);
    const fault = this.fault(action, this.calls.filter((call) => call === action).length, event);
    if (fault instanceof CallError) {
      throw fault;
    }
    if (fault === 'lose request') {
      throw new CallError(action, undefined);
    }
    const answer = await directChannel(action, effect);
    if (action === 'iam:CreateVirtualMFADevice') {
      this.seeds.push(seedIn(answer as Record<string, unknown>));
    }
    if (fault === 'lose answer') {
      throw new CallError(action, undefined);
    }
    await fault?.();
    return answer;
  }
}

function keyOf(stackId: string, logicalId: string): string {
  return `${stackId} ${logicalId}`;
}

/** A presigned URL like CloudFormation's, with these parameters. */
export function responseUrl(parameters: Record<string, string>): string {
  const url = new URL('https://cloudformation-custom-resource-response-euwest1.s3-eu-west-1.amazonaws.com/answer');
  url.search = new URLSearchParams(parameters).toString();
  return url.href;
}

function seedIn(output: Record<string, unknown>): string {
  const { Base32StringSeed } = output.VirtualMFADevice as { Base32StringSeed: Uint8Array };
  return Buffer.from(Base32StringSeed).toString();
}

export function serialNumberOf(device: string): string {
  return `arn:aws:iam::${ACCOUNT}:mfa/${device}`;
}

/** Throttles an action of one request, for this long from now. */
export function throttle(stage: Stage, action: Action, { RequestId }: CustomResourceEvent, ms: number): Fault {
  const until = stage.clock.now() + ms;
  return (called, _call, event) =>
    called === action && event.RequestId === RequestId && stage.clock.now() < until
      ? new CallError(action, 'Throttling', 400)
      : undefined;
}

/** Refuses calls of an action, from the first to the last of a range. */
export function refuse(action: Action, code: string, httpStatus: number, [from, to] = [1, Infinity]): Fault {
  return (called, call) =>
    called === action && call >= from && call <= to ? new CallError(action, code, httpStatus) : undefined;
}

/** Returns the same bytes in each run, so that no code appears in a log by chance. */
function countedBytes(): (count: number) => Buffer {
  let call = 0;
  return (count) => {
    const blocks: Buffer[] = [];
    for (call++; Buffer.concat(blocks).length < count;) {
      blocks.push(createHash('sha256').update(`${call} ${blocks.length}`).digest());
    }
    return Buffer.concat(blocks).subarray(0, count);
  };
}
