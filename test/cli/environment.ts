import { createHash } from 'node:crypto';
import { type Aws, AwsFailure, type SecretId } from '../../cli/aws/ports';
import { type Environment, type Output } from '../../cli/environment';
import { type Tag } from '../../lambda/aws/ports';
import { SecretText } from '../../lambda/seed';
import { seedVersion } from '../../lib/contract';

export const SEED = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
export const REGION = 'eu-west-1';
const STACK_UUID = '11111111-2222-3333-4444-555555555555';
const CREATION = '20260101T120000Z-1a2b3c4d';

export function serialNumberOf(name: string): string {
  return `arn:aws:iam::123456789012:mfa/${name}`;
}

export function secretArnOf(name: string, region = REGION): string {
  return `arn:aws:secretsmanager:${region}:123456789012:secret:${name}-AbCdEf`;
}

/** AWS in memory. Its clock is that of the environment. */
export class StubAws implements Aws {
  devices: string[] = [];
  readonly tags = new Map<string, Tag[]>();
  /** Pages of ARNs, by `<region>` or `<region> <stack name>`. */
  readonly pages = new Map<string, string[][]>();
  readonly values = new Map<string, string>();
  environmentRegion: string | undefined = REGION;
  readonly reads: SecretId[] = [];
  readonly lists: string[] = [];

  constructor(private readonly now: () => number) {}

  /** Adds an enabled device with the tags of a created one, whose claim names this place. */
  addDevice(name: string, place = `${REGION} Staff`, secretArn = secretArnOf(name)): void {
    const serialNumber = serialNumberOf(name);
    const version = seedVersion(
      sha256(serialNumber),
      sha256(secretArn.split(':').at(-1)!),
      CREATION,
      '00000000-1111-2222-3333-444444444444',
    );
    this.devices.push(serialNumber);
    this.tags.set(serialNumber, [
      { key: `cdk-mfa-enrollment:enrollment:${STACK_UUID}/Mfa`, value: `enabled ${CREATION} ${place}` },
      { key: `cdk-mfa-enrollment:seed:${STACK_UUID}/Device`, value: version },
      { key: `cdk-mfa-enrollment:device:${STACK_UUID}/Device`, value: `${CREATION} ${place}` },
    ]);
    this.values.set(`${secretArn} ${version}`, SEED);
  }

  time(): number {
    return this.now();
  }

  region(): Promise<string | undefined> {
    return Promise.resolve(this.environmentRegion);
  }

  devicesOf(): Promise<string[]> {
    return Promise.resolve(this.devices);
  }

  tagsOf(serialNumber: string): Promise<Tag[]> {
    return Promise.resolve(this.tags.get(serialNumber) ?? []);
  }

  async *secretArns(region: string, stackName?: string): AsyncIterable<readonly string[]> {
    const key = [region, stackName].filter(Boolean).join(' ');
    for (const page of (await Promise.resolve(this.pages.get(key))) ?? []) {
      this.lists.push(key);
      yield page;
    }
  }

  reader(): Promise<never> {
    return Promise.reject(new Error('not stubbed'));
  }

  readSecret(secret: SecretId): Promise<SecretText> {
    this.reads.push(secret);
    const text = this.values.get([secret.id, secret.version].filter(Boolean).join(' '));
    return text === undefined
      ? Promise.reject(new AwsFailure('secretsmanager:GetSecretValue', 'ResourceNotFound', 400))
      : Promise.resolve(new SecretText(text));
  }
}

class StubOutput implements Output {
  isTTY = false;
  columns = 80;
  rows = 24;
  text = '';

  write(text: string): void {
    this.text += text;
  }
}

/** A machine without a terminal, whose clock stands still until something sleeps. */
export class StubEnvironment implements Environment {
  readonly stdout = new StubOutput();
  readonly stderr = new StubOutput();
  readonly variables = {};
  readonly sleeps: number[] = [];
  readonly abort = new AbortController();
  readonly interruption = this.abort.signal;
  readonly aws: StubAws;
  connections: (string | undefined)[] = [];
  onSleep: () => void = () => undefined;
  /** `undefined`: nobody presses any. */
  key: 'enter' | 'interrupt' | Error | undefined = 'enter';
  /** What the screen held while somebody could see it. */
  shown = '';

  constructor(private time = Date.UTC(2026, 0, 1, 12, 0, 0)) {
    this.aws = new StubAws(() => this.time);
  }

  readonly clock = {
    now: () => this.time,
    sleep: async (ms: number, signal: AbortSignal) => {
      this.sleeps.push(ms);
      this.onSleep();
      // Keys are pressed before time passes.
      await new Promise((resolve) => setImmediate(resolve));
      if (signal.aborted) {
        throw new Error('aborted');
      }
      this.time += ms;
    },
  };

  readonly keyboard = {
    isTTY: false,
    pressed: async () => {
      await Promise.resolve();
      this.shown = this.stdout.text;
      if (this.key instanceof Error) {
        throw this.key;
      }
      return this.key ?? new Promise<never>(() => undefined);
    },
  };

  /** Makes it a terminal. */
  withTerminal(rows = 24, columns = 80): this {
    Object.assign(this.stdout, { isTTY: true, rows, columns });
    this.stderr.isTTY = true;
    this.keyboard.isTTY = true;
    return this;
  }

  connect(region?: string): Promise<Aws> {
    this.connections.push(region);
    return Promise.resolve(this.aws);
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
