import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { SecretText } from '../lambda/aws/ports';
import { parseSeed } from '../lambda/seed';
import { type CodePair, codePairAt, type Step, stepAt } from '../lambda/totp';
import { SkippingClock } from '../local/clock';
import type { StackDescription, StackEvent } from '../local/cloudformation';
import type { CompletedCall, Fault, IncomingCall } from '../local/http';
import type { DeliveryPolicy } from '../local/lambda';
import { LocalAws } from '../local/local-aws';

export const STACK = 'RoundTrip';

/**
 * The local AWS with real parts: the synthesized template, the built asset in a separate process and the SDK over HTTP.
 * Its clock skips the sleeps of the function.
 */
export class Account {
  readonly clock = new SkippingClock();
  readonly startedAt = this.clock.now();
  readonly events: StackEvent[] = [];
  readonly calls: CompletedCall[] = [];
  faultOf: (call: IncomingCall) => Fault | undefined = () => undefined;
  /** Called after each call. */
  afterCall: () => void = () => undefined;
  deliveries: DeliveryPolicy = () => [{ delayMs: 0 }];
  aws!: LocalAws;
  private readonly seeds = new Set<string>();
  private readonly assemblies: string[] = [];

  async open(): Promise<void> {
    this.aws = await LocalAws.start({
      clock: this.clock,
      onEvent: (event) => this.events.push(event),
      onCall: (call) => {
        this.calls.push(call);
        this.afterCall();
      },
      faultOf: (call) => {
        this.recordSeed(call);
        return this.faultOf(call);
      },
      deliveries: (...args) => this.deliveries(...args),
    });
  }

  /** Creates a device as an administrator and returns its seed. */
  createDevice(name: string): string {
    const { VirtualMFADevice } = this.aws.iam.call('CreateVirtualMFADevice', { VirtualMFADeviceName: name });
    const seed = (VirtualMFADevice as { Base32StringSeed: Buffer }).Base32StringSeed.toString();
    this.seeds.add(seed);
    return seed;
  }

  createSecret(name: string, text: string | undefined): void {
    this.aws.secretsManager.call('CreateSecret', { Name: name, SecretString: text });
  }

  /** Deploys an app with one stack. */
  deploy(declare: (stack: Stack) => void): Promise<StackDescription> {
    return this.deployStackOf((app) => {
      const stack = new Stack(app, STACK);
      declare(stack);
      return stack;
    });
  }

  /** Deploys the declared stack with these parameter values. */
  async deployStackOf(
    declare: (app: App) => Stack,
    parameters?: Readonly<Record<string, string>>,
  ): Promise<StackDescription> {
    const assembly = mkdtempSync(join(tmpdir(), 'round-trip-'));
    this.assemblies.push(assembly);
    const app = new App({ outdir: assembly, analyticsReporting: false });
    const { stackName } = declare(app);
    app.synth();
    return this.aws.deploy(assembly, stackName, parameters);
  }

  destroy(stackName = STACK): Promise<StackDescription> {
    return this.aws.destroy(stackName);
  }

  /** Serial number and user of each enabled device. */
  get enabled(): [serialNumber: string, userName: string][] {
    return this.aws.iam
      .state()
      .devices.flatMap(({ serialNumber, userName }) => (userName ? [[serialNumber, userName]] : []));
  }

  /** The reasons in the stack events of failed resources of one type. */
  failuresOf(type: string): string[] {
    return this.events.flatMap((event) => (event.type === type && event.reason !== undefined ? [event.reason] : []));
  }

  /** The actions that the functions called. */
  get actions(): string[] {
    return this.calls.filter(({ caller }) => caller?.roleName !== undefined).map(({ action }) => action);
  }

  /** The pair of codes that ends this many steps after the current one. */
  codes(seed: string, stepsAhead: number): CodePair {
    return codePairAt(parseSeed(new SecretText(seed)), (stepAt(this.clock.now()) + stepsAhead) as Step);
  }

  /** Closes the local AWS, and expects that its output contains no seeds, codes or response URLs. */
  async close(): Promise<void> {
    const output = this.output();
    await this.aws.close();
    this.assemblies.forEach((assembly) => rmSync(assembly, { recursive: true }));
    for (const seed of this.seeds) {
      expect(output).not.toContain(seed);
      expect(output).not.toContain(Buffer.from(seed).toString('base64'));
      for (let step = stepAt(this.startedAt) - 2; step <= stepAt(this.clock.now()) + 2; step++) {
        const [, code] = codePairAt(parseSeed(new SecretText(seed)), step as Step).reveal();
        expect(output).not.toMatch(new RegExp(`(?<![\\w.-])${code}(?![\\w.-])`));
      }
    }
    expect(output).not.toMatch(/127\.0\.0\.1:\d+\/[0-9a-f]{16}/);
  }

  /** Records the seed of a device that the function created. */
  private recordSeed({ action, input }: IncomingCall): void {
    if (action === 'PutSecretValue') {
      this.seeds.add((input as { SecretString: string }).SecretString);
    }
  }

  /**
   * Everything that must not contain a seed: cloud assemblies, logs, stack events, responses to CloudFormation, and the
   * descriptions that IAM and Secrets Manager return without permission to read a secret.
   */
  private output(): string {
    const files = this.assemblies.flatMap((assembly) =>
      readdirSync(assembly, { recursive: true, withFileTypes: true }).flatMap((entry) =>
        entry.isFile() ? [readFileSync(join(entry.parentPath, entry.name), 'utf8')] : [],
      ),
    );
    const described = this.aws.secretsManager.secretNames.map((name) =>
      this.aws.secretsManager.call('DescribeSecret', { SecretId: name }),
    );
    const responses = this.aws.responses.map(({ body }) => body);
    const descriptions = [...this.events, this.aws.iam.state(), ...described].map((each) => JSON.stringify(each));
    return [...files, ...this.aws.logs(), ...responses, ...descriptions].join('\n');
  }
}
