import { ENROLLMENT_CLAIM_PREFIX } from '../../lib/contract';
import { LineLogger } from '../../lambda/logger';
import { type Action, CallError, SecretText } from '../../lambda/aws/ports';
import { type CustomResourceEvent, type InvocationContext, serve, type Shell } from '../../lambda/protocol';
import { NotASeedError, parseSeed } from '../../lambda/seed';
import { AwsError } from '../../local/aws-error';
import { AnswerDesk, CloudFormation, providersOf, type StackEvent } from '../../local/cloudformation';
import { type Caller, Iam } from '../../local/iam';
import { InProcessEnvironments, LambdaRunner, type Life } from '../../local/lambda';
import { uuid } from '../../local/lambda/uuid';
import { type Channel, directly, InProcessIam, InProcessSeedStore } from '../../local/ports';
import { SecretsManager } from '../../local/secrets-manager';
import { VirtualClock } from '../../local/virtual-clock';
import { Births } from './births';
import { DEVICES, IMPORTED } from './declaration';
import { CALM, drawCallFault, drawDeliveries, type FaultKind, type FaultPlan } from './faults';
import { bytes, numbers } from './random';
import type { Sabotage } from './sabotage';
import { VAULTS } from './made-devices';
import { ACCOUNT, pathOf, REGION, vaultNameOf } from './synthesis';
import { type EnabledBy, problemOfDeactivation, problemOfDeletion } from './untouched';

/** Slowest way of a call to AWS, and of its answer back. */
const SLOWEST_MS = 400;

/** One event on its way through the function. */
export interface Invocation {
  readonly event: CustomResourceEvent;
  readonly startedAt: number;
  readonly life: Life;
  answeredAt?: number;
  over: boolean;
  /** The tags of the device as this invocation read them last. */
  lastRead?: Readonly<Record<string, string>>;
}

/** Something that must not happen, under the name of the invariant that it breaks. */
export interface Violation {
  readonly invariant:
    'enrolled' | 'stored' | 'no orphan' | 'undone' | 'untouched' | 'no gap' | 'answered' | 'allowed' | 'secret';
  readonly words: string;
}

/**
 * An account in virtual time: the real rules of the function on the core of the local AWS, with faults at any call.
 * It watches every effect as it happens.
 */
export class World {
  readonly clock = new VirtualClock();
  readonly iam: Iam;
  readonly secretsManager: SecretsManager;
  readonly cloudFormation: CloudFormation;
  readonly lambda: LambdaRunner;
  readonly desk: AnswerDesk;
  readonly births = new Births();
  readonly violations: Violation[] = [];
  readonly faults = new Map<FaultKind, number>();
  readonly actions = new Set<Action>();
  /** Events since the operation began. */
  events: StackEvent[] = [];
  /** Requests to the function since the operation began. */
  invocations: Invocation[] = [];
  /** Told of every deactivation by the function, when it has taken effect. */
  onDeactivated: (userName: string) => void = () => undefined;
  /** Breaks the resource beside the enrollments, or not. */
  breakAfterMs?: number;

  private plan = CALM;
  private random: () => number;
  private readonly enabledBy = new Map<string, EnabledBy>();
  private readonly linesLeft: string[] = [];
  private policiesPutAt = 0;

  constructor(
    seed: number,
    private readonly sabotage: Sabotage,
    open: Pick<ConstructorParameters<typeof CloudFormation>[0], 'oldHalfOrder' | 'rollbackOfReplaced'>,
  ) {
    const { clock } = this;
    const random = bytes(numbers(seed));
    this.random = numbers(seed + 1);
    this.iam = new Iam({ clock, accountId: ACCOUNT, random });
    this.secretsManager = new SecretsManager({
      clock,
      accountId: ACCOUNT,
      region: REGION,
      random,
      authorize: (caller, request) => this.iam.refusalOf(caller, request),
    });
    this.desk = new AnswerDesk(clock, random);
    this.lambda = new LambdaRunner({
      clock,
      random,
      deliveries: () => drawDeliveries(this.plan, this.random, (kind) => this.count(kind)),
      environments: new InProcessEnvironments(clock, (event, context, life) =>
        this.handle(event as CustomResourceEvent, context, life),
      ),
    });
    const place = { clock, random, region: REGION, accountId: ACCOUNT, partition: 'aws' };
    this.cloudFormation = new CloudFormation({
      ...place,
      ...open,
      onEvent: (event) => this.events.push(event),
      fault: async ({ type, action, phase }) => {
        if (
          type === 'AWS::SSM::Parameter' &&
          action !== 'delete' &&
          phase === 'forward' &&
          this.breakAfterMs !== undefined
        ) {
          this.count('other resource broken');
          await clock.sleep(this.breakAfterMs);
          throw new Error('broken');
        }
      },
      providerOf: providersOf({
        ...place,
        desk: this.desk,
        iam: { call: (action, input) => this.callOfCloudFormation(action, input) },
        secretsManager: this.secretsManager,
        lambda: this.lambda,
        codeDirectory: () => '/nowhere',
      }),
    });
    this.furnish();
  }

  /** Begins an operation with these faults. */
  begin(plan: FaultPlan): void {
    this.plan = plan;
    this.random = numbers(plan.seed);
    this.events = [];
    this.invocations = [];
    this.iam.delays = { policy: plan.policyDelay, tags: plan.tagDelay, recreated: plan.recreatedDelay };
    this.iam.throttle = plan.bucket;
    if (plan.policyDelay > 0) {
      this.count('late policy');
    }
    if (plan.tagDelay > 0) {
      this.count('late tag');
    }
    if (plan.recreatedDelay > 0) {
      this.count('user re-created');
    }
  }

  /** Ends an operation: whatever is still under way comes to its end. */
  async settle(): Promise<void> {
    await this.lambda.idle();
    await this.clock.sleep(60_000);
    this.iam.delays = {};
    this.iam.throttle = undefined;
    this.checkAnswers();
    this.checkSecrecy();
  }

  /** Whether a secret holds the seed of exactly this device. */
  holdsSeed(secretArn: string, field: string | undefined, serialNumber: string): boolean {
    try {
      const { SecretString } = this.secretsManager.call('GetSecretValue', { SecretId: secretArn });
      const stored = parseSeed(new SecretText(SecretString as string), field).reveal();
      const seed = parseSeed(new SecretText(this.births.of(serialNumber)!.seed)).reveal();
      return Buffer.compare(stored, seed) === 0;
    } catch (error) {
      if (error instanceof NotASeedError || error instanceof AwsError) {
        return false;
      }
      throw error;
    }
  }

  /** The user that a device is enabled for. */
  holderOf(serialNumber: string): string | undefined {
    return this.iam.state().devices.find((each) => each.serialNumber === serialNumber)?.userName;
  }

  /** An administrator enables a device by hand, with codes that a person would read off. */
  enableByHand(serialNumber: string, userName: string, codes: readonly [string, string]): void {
    this.iam.call('EnableMFADevice', {
      UserName: userName,
      SerialNumber: serialNumber,
      AuthenticationCode1: codes[0],
      AuthenticationCode2: codes[1],
    });
    const claims = Object.values(this.tagsOf(serialNumber, ENROLLMENT_CLAIM_PREFIX));
    const isOurs = claims.some((value) => value.startsWith('enabled'));
    // What an administrator does while a claim says that this library enabled the device counts as the library's.
    this.enabledBy.set(serialNumber, isOurs ? 'library' : 'administrator');
  }

  /** An administrator makes a device by hand. */
  makeByHand(path: string, name: string): string {
    const { VirtualMFADevice } = this.iam.call('CreateVirtualMFADevice', { Path: path, VirtualMFADeviceName: name });
    const { SerialNumber, seed } = madeIn(VirtualMFADevice);
    this.births.record(SerialNumber, { by: 'administrator', seed });
    return seed;
  }

  tagsOf(serialNumber: string, prefix = ''): Record<string, string> {
    const device = this.iam.state().devices.find((each) => each.serialNumber === serialNumber);
    return Object.fromEntries(Object.entries(device?.tags ?? {}).filter(([key]) => key.startsWith(prefix)));
  }

  violated(invariant: Violation['invariant'], words: string): void {
    this.violations.push({ invariant, words });
  }

  count(kind: FaultKind): void {
    this.faults.set(kind, (this.faults.get(kind) ?? 0) + 1);
  }

  private furnish(): void {
    for (const user of IMPORTED) {
      this.iam.call('CreateUser', { UserName: user, Path: pathOf(user) });
    }
    for (const device of [...DEVICES, 'foreign']) {
      const seed = this.makeByHand('/', device);
      this.createSecret(`mfa/${device}/plain`, seed);
      this.createSecret(`mfa/${device}/json`, JSON.stringify({ seed }));
      if (device === 'foreign') {
        this.createSecret('mfa/wrong', seed);
      }
    }
    this.createSecret('mfa/junk', 'not a seed!');
    for (const vault of VAULTS) {
      this.createSecret(vaultNameOf(vault), vault === 'used' ? 'to be replaced' : undefined);
    }
  }

  private createSecret(name: string, text?: string): void {
    this.secretsManager.call('CreateSecret', { Name: name, ...(text !== undefined && { SecretString: text }) });
  }

  private callOfCloudFormation(action: string, input: Record<string, unknown>): unknown {
    if (/RolePolicy$/.test(action)) {
      this.policiesPutAt = this.clock.now();
    }
    return this.iam.call(action, input);
  }

  private async handle(event: CustomResourceEvent, context: InvocationContext, life: Life): Promise<void> {
    // Its role goes with the function, and the function may be deleted while it runs.
    const caller = this.callerOf(event);
    await this.duplicatesOfEarlierEvents(event);
    const invocation: Invocation = { event, startedAt: this.clock.now(), life, over: false };
    this.invocations.push(invocation);
    try {
      const shell =
        this.sabotage.shell?.(this.shellFor(invocation, caller, life), event) ??
        this.shellFor(invocation, caller, life);
      await (this.sabotage.serve ?? serve)(event, context, shell);
    } finally {
      invocation.over = true;
    }
  }

  /** A duplicate of an event that was answered ends before the resource's next event begins. */
  private async duplicatesOfEarlierEvents(event: CustomResourceEvent): Promise<void> {
    const isEarlier = (other: Invocation) =>
      !other.over &&
      other.life.death === undefined &&
      other.event.RequestId !== event.RequestId &&
      other.event.StackId === event.StackId &&
      other.event.LogicalResourceId === event.LogicalResourceId &&
      this.isAnswered(other.event.RequestId);
    while (this.invocations.some(isEarlier)) {
      await this.clock.sleep(1_000);
    }
  }

  private isAnswered(requestId: string): boolean {
    return this.desk.received.some(({ request, effective }) => effective && request.requestId === requestId);
  }

  private shellFor(invocation: Invocation, caller: Caller, life: Life): Shell {
    const channel: Channel = (action, effect) => this.travel(action, effect, invocation, life);
    const iam = new InProcessIam(this.iam, this.clock, caller, channel);
    return {
      clock: life.clock,
      iam,
      seeds: new InProcessSeedStore(this.secretsManager, caller, channel),
      random: this.random,
      uuid: () => uuid(bytes(this.random)),
      logger: new LineLogger((line) => this.linesLeft.push(line)),
      deliver: async (url, body) => {
        await life.clock.sleep(this.random() * SLOWEST_MS);
        this.linesLeft.push(body);
        invocation.answeredAt ??= this.clock.now();
        this.desk.put(url, body);
      },
    };
  }

  /** The role of the function that the event names. */
  private callerOf(event: CustomResourceEvent): Caller {
    const functionName = String(event.ResourceProperties.ServiceToken).split(':').at(-1)!;
    const roleName = this.lambda.functionNamed(functionName).roleArn.split('/').at(-1)!;
    return { arn: `arn:aws:sts::${ACCOUNT}:assumed-role/${roleName}/${functionName}`, roleName };
  }

  private async travel<T>(action: Action, effect: () => T, invocation: Invocation, life: Life): Promise<T> {
    this.actions.add(action);
    await life.clock.sleep(this.random() * SLOWEST_MS);
    const fault = drawCallFault(action, this.plan.calls, this.random);
    if (fault !== undefined) {
      this.count(fault.kind);
    }
    const answer = await life.call(async () => {
      if (fault?.effect === false) {
        throw fault.error;
      }
      const watched = this.watch(action, effect, invocation);
      if (fault?.effect === true) {
        const made = await watched.catch(() => undefined);
        if (action === 'iam:CreateVirtualMFADevice' && made !== undefined) {
          this.count('seed lost');
        }
        throw fault.error;
      }
      return watched;
    });
    await life.clock.sleep(this.random() * SLOWEST_MS);
    return answer;
  }

  private async watch<T>(action: Action, effect: () => T, invocation: Invocation): Promise<T> {
    const { SerialNumber: serialNumber, SeedSecretArn: secretArn } = invocation.event.ResourceProperties as Record<
      'SerialNumber' | 'SeedSecretArn',
      string
    >;
    const holder = this.holderOf(serialNumber);
    try {
      const output = await directly(action, effect);
      switch (action) {
        case 'iam:ListMFADeviceTags':
          invocation.lastRead = Object.fromEntries(
            (output as { Tags: { Key: string; Value: string }[] }).Tags.map(({ Key, Value }) => [Key, Value]),
          );
          break;
        case 'iam:EnableMFADevice':
          this.enabledBy.set(serialNumber, 'library');
          break;
        case 'iam:DeactivateMFADevice':
          if (holder !== undefined) {
            this.untouched(problemOfDeactivation(invocation, this.enabledBy.get(serialNumber)));
            this.enabledBy.delete(serialNumber);
            this.onDeactivated(holder);
          }
          break;
        case 'iam:CreateVirtualMFADevice': {
          const { seed } = madeIn((output as { VirtualMFADevice: unknown }).VirtualMFADevice);
          this.births.record(serialNumber, { by: 'library', seed, secretArn, maker: invocation });
          break;
        }
        case 'iam:DeleteVirtualMFADevice':
          this.untouched(problemOfDeletion(invocation, this.births.of(serialNumber)!));
          this.births.end(serialNumber);
          break;
        default:
          break;
      }
      return output;
    } catch (error) {
      if (error instanceof CallError && error.code === 'Throttling') {
        this.count('throttled');
      }
      if (error instanceof CallError && error.code === 'AccessDenied') {
        this.checkAllowed(action, invocation);
      }
      throw error;
    }
  }

  private untouched(problem: string | undefined): void {
    if (problem !== undefined) {
      this.violated('untouched', problem);
    }
  }

  /**
   * While an enrollment's policy stands, no call on its behalf is denied. It may be gone, or another one, once nobody
   * waits for the request any more: it is answered, or the stack rolls back over it.
   */
  private checkAllowed(action: Action, { event }: Invocation): void {
    const mayBeGone = !this.desk.isAwaited(event.ResponseURL);
    if (!mayBeGone && this.clock.now() - this.policiesPutAt >= this.plan.policyDelay) {
      this.violated('allowed', `${action} was denied in ${event.RequestType} of ${event.LogicalResourceId}`);
    }
  }

  /** Every event is answered in its time, unless the function was made to die. */
  private checkAnswers(): void {
    for (const { event, startedAt, answeredAt, life } of this.invocations) {
      if (life.death === 'killed') {
        continue;
      }
      const name = `${event.RequestType} of ${event.LogicalResourceId}`;
      const allowedMs = (event.RequestType === 'Delete' ? 15 : 5) * 60_000;
      if (answeredAt === undefined) {
        this.violated('answered', `${name} was not answered`);
      } else if (answeredAt - startedAt > allowedMs) {
        this.violated('answered', `${name} was answered after ${(answeredAt - startedAt) / 1000} s`);
      }
    }
    const effective = this.desk.received.filter((answer) => answer.effective).map(({ request }) => request.requestId);
    if (new Set(effective).size !== effective.length) {
      this.violated('answered', 'an event got two effective answers');
    }
    for (const { body, effective: isEffective, why } of this.desk.received) {
      if (Buffer.byteLength(body) > 4_096 || (!isEffective && !/answered before|waits/.test(why ?? ''))) {
        this.violated('answered', `an answer was no good: ${why ?? 'over 4,096 bytes'}`);
      }
    }
    this.desk.received.length = 0;
  }

  private checkSecrecy(): void {
    const text = this.linesLeft.join('\n');
    if (this.births.allSeeds.some((seed) => text.includes(seed))) {
      this.violated('secret', 'a seed left the function');
    }
    // Codes are the only six digits by themselves that could be there.
    const digits = /(?<![\w.:-])\d{6}(?![\w.:-])/.exec(text);
    if (digits !== null) {
      this.violated(
        'secret',
        `six digits left the function: ${text.slice(Math.max(0, digits.index - 60), digits.index + 20)}`,
      );
    }
    this.linesLeft.length = 0;
  }
}

/** What IAM tells of a device once. */
function madeIn(device: unknown): { readonly SerialNumber: string; readonly seed: string } {
  const { SerialNumber, Base32StringSeed } = device as { SerialNumber: string; Base32StringSeed: Buffer };
  return { SerialNumber, seed: Base32StringSeed.toString() };
}
