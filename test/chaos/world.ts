import { claimIn, ENROLLMENT_CLAIM_PREFIX, hashesIn, MARK_PREFIX, secretIdOf, SEED_PREFIX } from '../../lib/contract';
import { type Action, CallError, SecretText } from '../../lambda/aws/ports';
import { type CustomResourceEvent, type InvocationContext, serve, type Shell } from '../../lambda/protocol';
import { NotASeedError, parseSeed } from '../../lambda/seed';
import { AwsError } from '../../local/aws-error';
import type { StackEvent, UrlSignature, UndocumentedBehavior } from '../../local/cloudformation';
import { createdDevice, InProcessAccount } from '../../local/in-process-account';
import { STACK_TYPE } from '../../local/cloudformation/events';
import type { FunctionLifetime } from '../../local/lambda';
import { directChannel } from '../../local/ports';
import { numbers } from '../../local/random';
import { Births } from './births';
import { DEVICES, IMPORTED, type StackName } from './declaration';
import { CALM, drawCallFault, drawDeliveries, type FaultKind, type FaultPlan } from './faults';
import type { DocumentedException } from './documented-exceptions';
import type { Invocation } from './invocation';
import { TAG_KEYS, VAULTS } from './made-devices';
import type { Sabotage } from './sabotage';
import { pathOf, REGION, vaultNameOf } from './synthesis';
import { Enablings } from './enablings';
import { ownerIn } from './leaving';
import { type EnabledBy, problemOfDeactivation, problemOfDeletion } from './untouched';
import { withIam } from './wrapped-shell';

/** A violation, under the name of the invariant. */
export interface Violation {
  readonly invariant:
    | 'enrolled'
    | 'stored'
    | 'no orphan'
    | 'undone'
    | 'kept'
    | 'finished'
    | 'untouched'
    | 'no gap'
    | 'answered'
    | 'allowed'
    | 'secret'
    | 'inspected';
  readonly words: string;
  /** The serial number of the device, where a documented exception can explain it. */
  readonly about?: string;
}

/** An operation on a stack, and what happened in it. */
export interface Operation {
  readonly stackName: StackName;
  /** What the function did for requests of this operation, late duplicates included. */
  readonly invocations: readonly Invocation[];
  /** Its stack events, oldest first. */
  readonly events: readonly StackEvent[];
  /** Whether requests of earlier operations could still run when it began. */
  readonly isAmongStragglers: boolean;
}

/** What differs from one account of a history to another. */
export interface WorldOptions extends UndocumentedBehavior {
  readonly seed: number;
  readonly signature: UrlSignature;
  /** How stale reads of tags can be, in milliseconds. @default as each operation says */
  readonly tagLag?: number | undefined;
}

/** The account of a history: it injects faults, and checks the invariants of single calls and requests as they happen. */
export class World extends InProcessAccount {
  readonly births = new Births();
  readonly enablings = new Enablings();
  violations: Violation[] = [];
  readonly faults = new Map<FaultKind, number>();
  readonly exceptions = new Map<DocumentedException, number>();
  readonly actions = new Set<Action>();
  /** Called after the function has deactivated a device. */
  onDeactivated: (userName: string, serialNumber: string) => void = () => undefined;
  /** What the function's role may not do, whatever its policies say. */
  denied: ReadonlySet<Action> = new Set();
  /** After how long the resource beside the enrollments fails. Absent: it doesn't. */
  breakAfterMs?: number;

  private readonly tagLag: number | undefined;
  private plan = CALM;
  /** Requests to the function since nothing was running. */
  private readonly invocations: Invocation[] = [];
  private readonly operations = new Map<string, { readonly invocations: Invocation[] }>();
  /** The operation that sent a request, by the request's id. */
  private readonly senders = new Map<string, { readonly invocations: Invocation[] }>();
  private readonly lastRequests = new Map<string, CustomResourceEvent>();
  /** The reason that the function gave for the latest failure of a request, by the request's id. */
  private readonly reasons = new Map<string, string>();
  /** The user for whom the library last enabled a device. */
  private readonly lastHolders = new Map<string, string>();
  private readonly enabledBy = new Map<string, EnabledBy>();
  /** Devices that lost their claims by hand since they were enabled: nobody can tell any more who enabled them. */
  private readonly unclaimedByHand = new Set<string>();
  /** Resources whose Create CloudFormation has heard to succeed: their stacks and physical ids. */
  private readonly succeeded = new Set<string>();
  /**
   * The resources, as `<stack uuid>/<logical id>`, whose Create or Update was denied a call after their Delete, or whose
   * function died. Only these can leave a claim behind although no Delete has failed.
   */
  readonly cutShort = new Set<string>();
  private policiesPutAt = 0;
  private hasUnsettled = false;

  constructor(
    {
      seed,
      signature,
      tagLag,
      oldHalfOrder,
      rollbackOfReplaced,
      deletionAfterFailure,
      failedResourceOrder,
    }: WorldOptions,
    private readonly sabotage: Sabotage,
  ) {
    super({
      region: REGION,
      random: numbers(seed),
      maxDelayMs: 400,
      oldHalfOrder,
      rollbackOfReplaced,
      deletionAfterFailure,
      failedResourceOrder,
      signature,
    });
    this.tagLag = tagLag;
    this.deliveries = ({ StackId, RequestId }) => {
      this.senders.set(RequestId, this.operations.get(StackId.split('/')[1]!)!);
      return drawDeliveries(this.plan, this.random, (kind) => this.count(kind));
    };
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
      if (this.denied.has(action)) {
        return { error: new CallError(action, 'AccessDenied', 403), effect: false };
      }
      const fault = drawCallFault(action, this.plan.calls, this.random);
      if (fault !== undefined) {
        this.count(fault.kind);
      }
      return fault;
    };
    this.createExistingResources();
  }

  /** From now on, these faults happen. */
  begin(plan: FaultPlan): void {
    this.hasUnsettled = true;
    this.plan = plan;
    this.random = numbers(plan.seed);
    this.iam.delays = {
      policy: plan.policyDelay,
      tags: plan.tagDelay,
      recreated: plan.recreatedDelay,
      reads: plan.readDelay,
      // Together, both delays of tags are at most the larger one.
      tagReads: this.tagLag ?? Math.max(0, plan.readDelay - plan.tagDelay),
    };
    this.secretsManager.delays = { reads: plan.readDelay, deletion: plan.secretDeletion };
    this.iam.throttle = plan.bucket;
    if (plan.readDelay > 0) {
      this.count('stale read');
    }
    if (plan.secretDeletion > 0) {
      this.count('secret marked for deletion');
    }
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

  /** Starts an operation. */
  start(stackName: StackName): Operation {
    const { events } = this;
    const first = events.length;
    const operation = {
      stackName,
      invocations: [],
      get events() {
        return events.slice(first).filter((event) => event.stackName === stackName);
      },
      isAmongStragglers: this.invocations.some(({ over, life }) => !over && life.death === undefined),
    };
    this.operations.set(stackName, operation);
    return operation;
  }

  /** Whether nothing has begun since everything had ended. */
  get isSettled(): boolean {
    return !this.hasUnsettled;
  }

  /** Waits until nothing runs any more, and reads show everything. */
  async settle(): Promise<void> {
    await this.lambda.idle();
    await this.clock.sleep(60_000);
    this.iam.delays = {};
    this.secretsManager.delays = {};
    this.iam.throttle = undefined;
    this.checkResponses();
    this.checkSecrecy();
    for (const { event, life } of this.invocations) {
      if (event.RequestType !== 'Delete' && life.death !== undefined) {
        this.cutShort.add(ownerIn(event));
      }
    }
    this.invocations.length = 0;
    this.hasUnsettled = false;
  }

  /** Whether an update of this stack could not be rolled back: then policies are those before, and properties either. */
  isMixed(stackId: string): boolean {
    return this.events.some((event) => event.stackId === stackId && event.status === 'UPDATE_ROLLBACK_FAILED');
  }

  /**
   * Whether the last update of this stack failed and was kept, and nothing has ended COMPLETE since: then policies are
   * those after it, and properties those before.
   */
  private keepsFailedUpdate(stackId: string): boolean {
    const ended = this.events.filter(
      (event) =>
        event.stackId === stackId &&
        event.type === STACK_TYPE &&
        /^UPDATE_(ROLLBACK_)?(COMPLETE|FAILED)$/.test(event.status),
    );
    return ended.at(-1)?.status === 'UPDATE_FAILED';
  }

  /** Whether a Create with this creation id has succeeded. */
  hasSucceeded(creation: string): boolean {
    return [...this.succeeded].some((resource) => resource.includes(creation));
  }

  /** Whether a secret holds the seed of this device. */
  holdsSeed(secretArn: string, field: string | undefined, serialNumber: string): boolean {
    try {
      const { SecretString } = this.secretsManager.call('GetSecretValue', { SecretId: secretIdOf(secretArn) });
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

  /** Whether a secret exists that is not marked for deletion. */
  hasSecret(secretArn: string): boolean {
    const secret = this.describeSecret(secretArn);
    return secret !== undefined && secret.DeletedDate === undefined;
  }

  private describeSecret(secretArn: string): Readonly<Record<string, unknown>> | undefined {
    try {
      return this.secretsManager.call('DescribeSecret', { SecretId: secretIdOf(secretArn) });
    } catch (error) {
      if (error instanceof AwsError) {
        return undefined;
      }
      throw error;
    }
  }

  /** The latest request for a resource. */
  lastRequestFor(stackId: string, logicalId: string): CustomResourceEvent | undefined {
    return this.lastRequests.get(`${stackId} ${logicalId}`);
  }

  /** Why the function says that a request failed. */
  reasonOf({ RequestId }: CustomResourceEvent): string | undefined {
    return this.reasons.get(RequestId);
  }

  /** Whether the latest request for the resource of a claim was a Delete, and has marked the device, even if it failed. */
  isLeaving(claimKey: string, tags: Readonly<Record<string, string>>): boolean {
    const owner = claimKey.slice(claimKey.lastIndexOf(':') + 1);
    const isDeleted = [...this.lastRequests.values()].some(
      ({ RequestType, StackId, LogicalResourceId }) =>
        RequestType === 'Delete' && `${StackId.split('/').at(-1)}/${LogicalResourceId}` === owner,
    );
    return isDeleted && tags[MARK_PREFIX + owner] !== undefined;
  }

  /** Whether all enrollments of a device leave it: it stays on only until one of them, or somebody else, leaves it again. */
  isLeft(tags: Readonly<Record<string, string>>): boolean {
    const enrollments = Object.keys(tags).filter((key) => key.startsWith(ENROLLMENT_CLAIM_PREFIX));
    return enrollments.length > 0 && enrollments.every((key) => this.isLeaving(key, tags));
  }

  /** Whether the library enabled a device, as far as nobody else enabled it or removed its claims since. */
  isEnabledByLibrary(serialNumber: string): boolean {
    return this.enabledBy.get(serialNumber) === 'library' && !this.unclaimedByHand.has(serialNumber);
  }

  /** An administrator removes the claims of all enrollments of a device by hand. */
  unclaimByHand(serialNumber: string): void {
    const keys = Object.keys(this.tagsOf(serialNumber, ENROLLMENT_CLAIM_PREFIX));
    this.iam.call('UntagMFADevice', { SerialNumber: serialNumber, TagKeys: keys });
    this.unclaimedByHand.add(serialNumber);
    this.enablings.noteUnclaimed(serialNumber);
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
    const claims = Object.values(this.tagsOf(serialNumber, ENROLLMENT_CLAIM_PREFIX)).map((value) =>
      claimIn(value, true),
    );
    const isOurs =
      this.lastHolders.get(serialNumber) === userName &&
      claims.some(({ kind, user }) => kind === 'enabled' && user === userName);
    // While a claim says that the library enabled the device for this user, enabling it again counts as the library's.
    this.enabledBy.set(serialNumber, isOurs ? 'library' : 'administrator');
    this.enablings.byHand(serialNumber, this.clock.now());
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

  violated(invariant: Violation['invariant'], words: string, about?: string): void {
    this.violations.push({ invariant, words, ...(about !== undefined && { about }) });
  }

  except(kind: DocumentedException): void {
    this.exceptions.set(kind, (this.exceptions.get(kind) ?? 0) + 1);
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
    this.lastRequests.set(`${event.StackId} ${event.LogicalResourceId}`, event);
    const invocation: Invocation = {
      event,
      life,
      startedAt: this.clock.now(),
      over: false,
      hasSucceeded: false,
      isHeard: false,
    };
    // The role of the function is looked up before the wait, during which the function can be deleted.
    const { deliver, ...ports } = this.denyingTags(
      this.shellFor(event, life, (action, effect, isLost) => this.watch(action, effect, isLost, invocation)),
    );
    const shell = {
      ...ports,
      deliver: async (url: string, body: string) => {
        await deliver(url, body);
        invocation.respondedAt ??= this.clock.now();
        invocation.isHeard ||= this.desk.received.some(
          ({ accepted, body: received, request }) =>
            accepted && received === body && request.requestId === event.RequestId,
        );
        const { Status, PhysicalResourceId, Reason } = JSON.parse(body) as Record<string, string>;
        invocation.hasSucceeded ||= Status === 'SUCCESS';
        if (event.RequestType === 'Create' && invocation.hasSucceeded && invocation.isHeard) {
          this.succeeded.add(`${event.StackId} ${PhysicalResourceId}`);
        }
        if (Reason !== undefined) {
          this.reasons.set(event.RequestId, Reason);
        }
      },
    };
    this.enablings.noteRequest(event.ResourceProperties.SerialNumber as string, this.clock.now());
    this.invocations.push(invocation);
    this.senders.get(event.RequestId)!.invocations.push(invocation);
    try {
      await (this.sabotage.serve ?? serve)(event, context, this.sabotage.shell?.(shell, event) ?? shell);
    } finally {
      invocation.over = true;
    }
  }

  /** The ports under the service control policy, if this operation has one. */
  private denyingTags(shell: Shell): Shell {
    return withIam(shell, (iam) => ({
      tagMFADevice: async (serialNumber, tags) => {
        if (this.plan.tagsDenied && tags.some(({ key }) => TAG_KEYS.includes(key))) {
          this.count('declared tags denied');
          throw new CallError('iam:TagMFADevice', 'AccessDenied', 403);
        }
        return iam.tagMFADevice(serialNumber, tags);
      },
    }));
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
      if (!/:(Describe|Get|List)/.test(action)) {
        invocation.changedAt = this.clock.now();
      }
      switch (action) {
        case 'iam:ListMFADeviceTags':
          invocation.lastRead = Object.fromEntries(
            (output as { Tags: { Key: string; Value: string }[] }).Tags.map(({ Key, Value }) => [Key, Value]),
          );
          break;
        case 'iam:EnableMFADevice':
          this.enabledBy.set(serialNumber, 'library');
          this.enablings.byLibrary(serialNumber, this.clock.now(), invocation.event);
          this.unclaimedByHand.delete(serialNumber);
          this.lastHolders.set(serialNumber, this.holderOf(serialNumber)!);
          invocation.hasEnabled = true;
          break;
        case 'iam:DeactivateMFADevice':
          if (holder !== undefined) {
            this.reportUntouched(problemOfDeactivation(invocation, this.enabledBy.get(serialNumber)));
            this.enabledBy.delete(serialNumber);
            this.onDeactivated(holder, serialNumber);
          }
          break;
        case 'iam:CreateVirtualMFADevice': {
          const { seed } = createdDevice(output);
          this.births.record(serialNumber, {
            by: 'library',
            seed,
            secretArn,
            maker: invocation,
            bornAt: this.clock.now(),
            isKnown: this.storedBefore(serialNumber, secretArn),
          });
          if (isLost) {
            this.count('seed lost');
          }
          break;
        }
        case 'iam:DeleteVirtualMFADevice':
          this.reportUntouched(
            problemOfDeletion(invocation, this.births.of(serialNumber)!, {
              requests: this.requests,
              now: this.clock.now(),
            }),
          );
          this.births.end(serialNumber);
          break;
        case 'secretsmanager:DeleteSecret': {
          const { StackId, PhysicalResourceId } = invocation.event;
          if (!this.succeeded.has(`${StackId} ${PhysicalResourceId}`)) {
            this.violated('untouched', `the secret of ${serialNumber} was deleted, though its Create had failed`);
          }
          break;
        }
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
        this.noteDenied(invocation);
      }
      throw error;
    }
  }

  /** Whether the secret shows that the Create which has just created this device had stored a seed before. */
  private storedBefore(serialNumber: string, secretArn: string): boolean {
    const made = hashesIn(Object.values(this.tagsOf(serialNumber, SEED_PREFIX))[0] ?? '');
    return Object.keys(this.describeSecret(secretArn)?.VersionIdsToStages ?? {}).some((id) => {
      const stored = hashesIn(id);
      return stored !== undefined && stored.device === made?.device && stored.creation === made.creation;
    });
  }

  private noteDenied({ event }: Invocation): void {
    const owner = ownerIn(event);
    const isDeleted = this.requests.some((each) => each.RequestType === 'Delete' && ownerIn(each) === owner);
    if (event.RequestType !== 'Delete' && isDeleted) {
      this.cutShort.add(owner);
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
    const { ResponseURL, StackId } = event;
    const mayBeGone = !this.desk.isPending(ResponseURL) || this.isMixed(StackId) || this.keepsFailedUpdate(StackId);
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
