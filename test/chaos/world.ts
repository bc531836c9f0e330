import { ENROLLMENT_CLAIM_PREFIX } from '../../lib/contract';
import { type Action, CallError, SecretText } from '../../lambda/aws/ports';
import { type CustomResourceEvent, type InvocationContext, serve } from '../../lambda/protocol';
import { NotASeedError, parseSeed } from '../../lambda/seed';
import { AwsError } from '../../local/aws-error';
import type { UndocumentedBehavior } from '../../local/cloudformation';
import { createdDevice, InProcessAccount } from '../../local/in-process-account';
import type { FunctionLifetime } from '../../local/lambda';
import { directChannel } from '../../local/ports';
import { numbers } from '../../local/random';
import { Births } from './births';
import { DEVICES, IMPORTED } from './declaration';
import { CALM, drawCallFault, drawDeliveries, type FaultKind, type FaultPlan } from './faults';
import type { Invocation } from './invocation';
import { VAULTS } from './made-devices';
import type { Sabotage } from './sabotage';
import { pathOf, REGION, vaultNameOf } from './synthesis';
import { type EnabledBy, problemOfDeactivation, problemOfDeletion } from './untouched';

/** A violation, under the name of the invariant. */
export interface Violation {
  readonly invariant:
    'enrolled' | 'stored' | 'no orphan' | 'undone' | 'untouched' | 'no gap' | 'answered' | 'allowed' | 'secret';
  readonly words: string;
}

/** The account of a history: it injects faults, and checks the invariants of single calls and requests as they happen. */
export class World extends InProcessAccount {
  readonly births = new Births();
  readonly violations: Violation[] = [];
  readonly faults = new Map<FaultKind, number>();
  readonly actions = new Set<Action>();
  /** Requests to the function in the current operation. */
  invocations: Invocation[] = [];
  /** Called after the function has deactivated a device. */
  onDeactivated: (userName: string) => void = () => undefined;
  /** After how long the resource beside the enrollments fails. Absent: it doesn't. */
  breakAfterMs?: number;

  private plan = CALM;
  private readonly enabledBy = new Map<string, EnabledBy>();
  private policiesPutAt = 0;

  constructor(
    seed: number,
    private readonly sabotage: Sabotage,
    { oldHalfOrder, rollbackOfReplaced }: UndocumentedBehavior,
  ) {
    super({ region: REGION, random: numbers(seed), maxDelayMs: 400, oldHalfOrder, rollbackOfReplaced });
    this.deliveries = () => drawDeliveries(this.plan, this.random, (kind) => this.count(kind));
    this.fault = async ({ type, action, phase }) => {
      if (type === 'AWS::IAM::Policy') {
        this.policiesPutAt = this.clock.now();
      }
      const canBreak = type === 'AWS::SSM::Parameter' && action !== 'delete' && phase === 'forward';
      if (canBreak && this.breakAfterMs !== undefined) {
        this.count('other resource broken');
        await this.clock.sleep(this.breakAfterMs);
        throw new Error('broken');
      }
    };
    this.faultOf = (action) => {
      const fault = drawCallFault(action, this.plan.calls, this.random);
      if (fault !== undefined) {
        this.count(fault.kind);
      }
      return fault;
    };
    this.createExistingResources();
  }

  /** Starts an operation with these faults. */
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

  /** Ends an operation: waits until nothing runs any more. */
  async settle(): Promise<void> {
    await this.lambda.idle();
    await this.clock.sleep(60_000);
    this.iam.delays = {};
    this.iam.throttle = undefined;
    this.checkResponses();
    this.checkSecrecy();
  }

  /** Whether a secret holds the seed of this device. */
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

  /** An administrator enables a device by hand. */
  enableByHand(serialNumber: string, userName: string, codes: readonly [string, string]): void {
    this.iam.call('EnableMFADevice', {
      UserName: userName,
      SerialNumber: serialNumber,
      AuthenticationCode1: codes[0],
      AuthenticationCode2: codes[1],
    });
    const claims = Object.values(this.tagsOf(serialNumber, ENROLLMENT_CLAIM_PREFIX));
    const isOurs = claims.some((value) => value.startsWith('enabled'));
    // While a claim says that the library enabled the device, enabling it again counts as the library's.
    this.enabledBy.set(serialNumber, isOurs ? 'library' : 'administrator');
  }

  /** An administrator creates a device by hand. Returns its seed. */
  makeByHand(path: string, name: string): string {
    const { serialNumber, seed } = this.createDevice(name, path);
    this.births.record(serialNumber, { by: 'administrator', seed });
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

  /** What exists before a history starts. */
  private createExistingResources(): void {
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

  protected override async handle(
    event: CustomResourceEvent,
    context: InvocationContext,
    life: FunctionLifetime,
  ): Promise<void> {
    const invocation: Invocation = { event, life, startedAt: 0, over: false };
    // The role of the function is looked up before the wait, during which the function can be deleted.
    const { deliver, ...ports } = this.shellFor(event, life, (action, effect, isLost) =>
      this.watch(action, effect, isLost, invocation),
    );
    const shell = {
      ...ports,
      deliver: async (url: string, body: string) => {
        await deliver(url, body);
        invocation.respondedAt ??= this.clock.now();
      },
    };
    await this.duplicatesOfEarlierEvents(event);
    invocation.startedAt = this.clock.now();
    this.invocations.push(invocation);
    try {
      await (this.sabotage.serve ?? serve)(event, context, this.sabotage.shell?.(shell, event) ?? shell);
    } finally {
      invocation.over = true;
    }
  }

  /** Waits for duplicates of earlier events: one whose event has a response ends before the resource's next event starts. */
  private async duplicatesOfEarlierEvents(event: CustomResourceEvent): Promise<void> {
    const isEarlier = (other: Invocation) =>
      !other.over &&
      other.life.death === undefined &&
      other.event.RequestId !== event.RequestId &&
      other.event.StackId === event.StackId &&
      other.event.LogicalResourceId === event.LogicalResourceId &&
      this.hasResponse(other.event.RequestId);
    while (this.invocations.some(isEarlier)) {
      await this.clock.sleep(1_000);
    }
  }

  private hasResponse(requestId: string): boolean {
    return this.desk.received.some(({ request, accepted }) => accepted && request.requestId === requestId);
  }

  /** Carries out a call, notes what it changed, and checks that it may change it. */
  private async watch<T>(action: Action, effect: () => T, isLost: boolean, invocation: Invocation): Promise<T> {
    this.actions.add(action);
    const { SerialNumber: serialNumber, SeedSecretArn: secretArn } = invocation.event.ResourceProperties as Record<
      'SerialNumber' | 'SeedSecretArn',
      string
    >;
    const holder = this.holderOf(serialNumber);
    try {
      const output = await directChannel(action, effect);
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
            this.reportUntouched(problemOfDeactivation(invocation, this.enabledBy.get(serialNumber)));
            this.enabledBy.delete(serialNumber);
            this.onDeactivated(holder);
          }
          break;
        case 'iam:CreateVirtualMFADevice': {
          const { seed } = createdDevice(output);
          this.births.record(serialNumber, { by: 'library', seed, secretArn, maker: invocation });
          if (isLost) {
            this.count('seed lost');
          }
          break;
        }
        case 'iam:DeleteVirtualMFADevice':
          this.reportUntouched(problemOfDeletion(invocation, this.births.of(serialNumber)!));
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

  private reportUntouched(problem: string | undefined): void {
    if (problem !== undefined) {
      this.violated('untouched', problem);
    }
  }

  /**
   * While CloudFormation waits for a request, its policy exists, so no call is denied. Afterwards the policy may be gone
   * or changed: the request has its response, or the stack rolls back.
   */
  private checkAllowed(action: Action, { event }: Invocation): void {
    const mayBeGone = !this.desk.isPending(event.ResponseURL);
    if (!mayBeGone && this.clock.now() - this.policiesPutAt >= this.plan.policyDelay) {
      this.violated('allowed', `${action} was denied in ${event.RequestType} of ${event.LogicalResourceId}`);
    }
  }

  /** Every event gets one effective response in time, unless the function was killed. */
  private checkResponses(): void {
    for (const { event, startedAt, respondedAt, life } of this.invocations) {
      if (life.death === 'killed') {
        continue;
      }
      const name = `${event.RequestType} of ${event.LogicalResourceId}`;
      const allowedMs = (event.RequestType === 'Delete' ? 15 : 5) * 60_000;
      if (respondedAt === undefined) {
        this.violated('answered', `${name} got no response`);
      } else if (respondedAt - startedAt > allowedMs) {
        this.violated('answered', `${name} got its response after ${(respondedAt - startedAt) / 1000} s`);
      }
    }
    const effective = this.desk.received
      .filter((response) => response.accepted)
      .map(({ request }) => request.requestId);
    if (new Set(effective).size !== effective.length) {
      this.violated('answered', 'an event got two effective responses');
    }
    for (const { body, accepted: isEffective, ignoredBecause } of this.desk.received) {
      if (Buffer.byteLength(body) > 4_096 || (!isEffective && !/answered before|waits/.test(ignoredBecause ?? ''))) {
        this.violated('answered', `a response was invalid: ${ignoredBecause ?? 'over 4,096 bytes'}`);
      }
    }
    this.desk.received.length = 0;
  }

  /** Neither seeds nor codes appear in what the function logs or responds. */
  private checkSecrecy(): void {
    const text = this.output.join('\n');
    if (this.births.allSeeds.some((seed) => text.includes(seed))) {
      this.violated('secret', 'a seed left the function');
    }
    // Only a code can be six digits without anything around them.
    const digits = /(?<![\w.:-])\d{6}(?![\w.:-])/.exec(text);
    if (digits !== null) {
      this.violated(
        'secret',
        `six digits left the function: ${text.slice(Math.max(0, digits.index - 60), digits.index + 20)}`,
      );
    }
    this.output.length = 0;
  }
}
