import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { SecretText } from '../lambda/aws/ports';
import { parseSeed } from '../lambda/seed';
import { type CodePair, codePairAt, type Step, stepAt } from '../lambda/totp';
import { SkippingClock } from '../local/clock';
import type { StackDescription, StackEvent } from '../local/cloudformation';
import type { AnsweredCall, Fault, IncomingCall } from '../local/http';
import type { DeliveryPolicy } from '../local/lambda';
import { LocalAws } from '../local/local-aws';

export const STACK = 'RoundTrip';

/**
 * The synthesized template, the built asset in a process of its own, the SDK over HTTP: all real but the cloud, and
 * the clock, which skips whatever the function sleeps.
 */
export class Account {
  readonly clock = new SkippingClock();
  readonly startedAt = this.clock.now();
  readonly events: StackEvent[] = [];
  readonly calls: AnsweredCall[] = [];
  faultOf: (call: IncomingCall) => Fault | undefined = () => undefined;
  /** Told when a call is over. */
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
        this.noteSeedIn(call);
        return this.faultOf(call);
      },
      deliveries: (...args) => this.deliveries(...args),
    });
  }

  /** Makes a device as an administrator does, and returns its seed. */
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

  /** Deploys the stack that is declared, with values for its parameters. */
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

  /** Serial number and user of each device that is enabled. */
  get enabled(): [serialNumber: string, userName: string][] {
    return this.aws.iam
      .state()
      .devices.flatMap(({ serialNumber, userName }) => (userName ? [[serialNumber, userName]] : []));
  }

  /** Reasons that resources of one type failed for: what an operator reads. */
  failuresOf(type: string): string[] {
    return this.events.flatMap((event) => (event.type === type && event.reason !== undefined ? [event.reason] : []));
  }

  /** The calls of functions. */
  get actions(): string[] {
    return this.calls.filter(({ caller }) => caller?.roleName !== undefined).map(({ action }) => action);
  }

  /** Two codes of a seed that end in a step so many after AWS's current one. */
  codes(seed: string, stepsAhead: number): CodePair {
    return codePairAt(parseSeed(new SecretText(seed)), (stepAt(this.clock.now()) + stepsAhead) as Step);
  }

  /** Ends everything, and looks for every seed that was seen, for its codes and for response URLs in all that got out. */
  async close(): Promise<void> {
    const visible = this.everythingVisible();
    await this.aws.close();
    this.assemblies.forEach((assembly) => rmSync(assembly, { recursive: true }));
    for (const seed of this.seeds) {
      expect(visible).not.toContain(seed);
      expect(visible).not.toContain(Buffer.from(seed).toString('base64'));
      for (let step = stepAt(this.startedAt) - 2; step <= stepAt(this.clock.now()) + 2; step++) {
        const [, code] = codePairAt(parseSeed(new SecretText(seed)), step as Step).reveal();
        expect(visible).not.toMatch(new RegExp(`(?<![\\w.-])${code}(?![\\w.-])`));
      }
    }
    expect(visible).not.toMatch(/127\.0\.0\.1:\d+\/[0-9a-f]{16}/);
  }

  /** A seed that the function was given by IAM comes by here, as nobody else ever learns it. */
  private noteSeedIn({ action, input }: IncomingCall): void {
    if (action === 'PutSecretValue') {
      this.seeds.add((input as { SecretString: string }).SecretString);
    }
  }

  /**
   * Everything that somebody else than AWS's services could get to see: the cloud assemblies, templates among them,
   * logs, stack events, answers to CloudFormation, and what IAM and Secrets Manager tell without the right to read a
   * secret.
   */
  private everythingVisible(): string {
    const files = this.assemblies.flatMap((assembly) =>
      readdirSync(assembly, { recursive: true, withFileTypes: true }).flatMap((entry) =>
        entry.isFile() ? [readFileSync(join(entry.parentPath, entry.name), 'utf8')] : [],
      ),
    );
    const described = this.aws.secretsManager.secretNames.map((name) =>
      this.aws.secretsManager.call('DescribeSecret', { SecretId: name }),
    );
    const answers = this.aws.answers.map(({ body }) => body);
    const told = [...this.events, this.aws.iam.state(), ...described].map((each) => JSON.stringify(each));
    return [...files, ...this.aws.logs(), ...answers, ...told].join('\n');
  }
}
