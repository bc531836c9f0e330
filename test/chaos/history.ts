import { claimIn, DEVICE_CLAIM_PREFIX, ENROLLMENT_CLAIM_PREFIX } from '../../lib/contract';
import { type ManualStep, runManualStep } from './administrators';
import { type Device, type StackName, STACKS, type User } from './declaration';
import { allowDevicesOf, allowRetainedAndAbandoned, checkOrphans, checkStored } from './device-invariants';
import { finishByHand } from './by-hand';
import { exceptionFor } from './exceptions';
import { CALM, type FaultPlan } from './faults';
import {
  abandonedDevices,
  checkDeleted,
  checkEnrolled,
  checkForeignTags,
  checkUndone,
  type EndedOperation,
  uuidOf,
} from './invariants';
import { checkInspected } from './inspected';
import type { DeviceChange, Name, StackDevice } from './made-devices';
import type { Sabotage } from './sabotage';
import { type DeviceSnapshot, type Snapshot, snapshotOf } from './snapshot';
import { type Change, changed, EMPTY, type StackDeclaration } from './stack-declaration';
import { checkKept, checkState } from './state-invariants';
import { synthesize } from './synthesis';
import { type Operation, type Violation, World, type WorldOptions } from './world';

/** What two stacks can declare. */
export type Shared =
  | { readonly kind: 'enrollment'; readonly user: User; readonly device: Device }
  | { readonly kind: 'device'; readonly name: Name; readonly user: User | undefined };

/** What can be wrong when something is declared again. */
export const MISTAKES = ['none', 'wrong', 'junk', 'missing', 'another', 'denied'] as const;
export type Mistake = (typeof MISTAKES)[number];

/** What an operator does with a stack that failed without rollback. */
export interface AfterFailure {
  readonly then: 'roll forward' | 'roll back' | 'delete';
  readonly faults: FaultPlan;
  /** How long after the failure, while duplicates can still run. Absent: when nothing runs any more. */
  readonly soonMs?: number;
}

/**
 * One step: an operation on a stack, a manual step of an administrator, or a pause. An operation with `soonMs` begins so
 * long after the operation before, while duplicates of that can still run.
 */
export type Step =
  | {
      readonly do: 'deploy';
      readonly stack: StackName;
      readonly change: Change;
      readonly faults: FaultPlan;
      /** When another resource of the stack fails. Absent: never. */
      readonly breakAfterMs?: number;
      /** When the update is cancelled. Absent: never. */
      readonly cancelAfterMs?: number;
      /** Rollback is disabled, and this is what the operator does after a failure. Absent: CloudFormation rolls back. */
      readonly afterFailure?: AfterFailure;
      readonly soonMs?: number;
    }
  | {
      readonly do: 'move to the other stack';
      readonly stack: StackName;
      readonly index: number;
      readonly faults: FaultPlan;
    }
  | {
      readonly do: 'destroy';
      readonly stack: StackName;
      readonly faults: FaultPlan;
      readonly soonMs?: number;
    }
  | {
      /** Both stacks act on something that both declare, or that both want to declare. */
      readonly do: 'act at once';
      readonly what: Shared;
      /** The user for whom the second stack declares it, if it joins. Absent: the same user. */
      readonly otherUser?: User;
      readonly both: 'leave' | 'leave and join' | 'join';
      /** How they leave. */
      readonly by: 'update' | 'destroy';
      readonly offsetMs: number;
      readonly faults: FaultPlan;
    }
  | {
      /** A stack declares, removes and later declares again what it retains. */
      readonly do: 'declare a kept one again';
      readonly stack: StackName;
      readonly what: Shared;
      readonly mistake: Mistake;
      readonly hours: number;
      readonly faults: FaultPlan;
      readonly breakAfterMs?: number;
      readonly cancelAfterMs?: number;
    }
  | {
      readonly do: 'move a device to the other stack';
      readonly stack: StackName;
      readonly index: number;
      readonly faults: FaultPlan;
    }
  | ManualStep
  | { readonly do: 'wait'; readonly minutes: number };

/** The input of a history. */
export interface Scenario extends Required<Omit<WorldOptions, 'tagLag'>> {
  readonly steps: readonly Step[];
}

/** Statuses from which a stack can be updated. */
const STABLE: readonly string[] = ['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'UPDATE_ROLLBACK_COMPLETE'];
const MANUAL_STEP_MS = 30_000;
/** Statuses of an operation that failed without rollback. */
const KEPT: readonly string[] = ['CREATE_FAILED', 'UPDATE_FAILED'];
/** Changes during which a user with an enabled device must always have one. */
const WITHOUT_GAP: readonly (Change['kind'] | DeviceChange['kind'])[] = [
  'rename',
  'move',
  'device',
  'provider',
  'spelling',
  'rename construct',
  'move construct',
  'switch provider',
  'rotate',
  'name device',
];

/** An operation of which duplicates can still run. */
type Unsettled = Pick<EndedOperation, 'operation' | 'before' | 'stack'>;

/** How a stack is deployed. */
type Deployment = Pick<
  Extract<Step, { do: 'deploy' }>,
  'change' | 'faults' | 'breakAfterMs' | 'cancelAfterMs' | 'afterFailure'
>;

/** Runs a scenario and reports the violated invariants. */
export class History {
  readonly world: World;
  private readonly declared: Record<StackName, StackDeclaration> = { North: EMPTY, South: EMPTY };
  private deployments = 0;
  /** How soon the next operation begins. Absent: when nothing runs any more. */
  private soonMs?: number;
  /** The operations since nothing ran any more. */
  private recent: Unsettled[] = [];

  constructor(
    private readonly scenario: Scenario,
    private readonly sabotage: Sabotage,
    tagLag?: number,
  ) {
    this.world = new World({ ...scenario, tagLag }, sabotage);
  }

  async run(): Promise<readonly Violation[]> {
    const { steps } = this.scenario;
    // Until reads show what exists before.
    await this.world.clock.run(this.world.clock.sleep(MANUAL_STEP_MS));
    for (const [index, step] of steps.entries()) {
      const following = steps[index + 1];
      this.soonMs = following !== undefined && 'soonMs' in following ? following.soonMs : undefined;
      await this.world.clock.run(this.runStep(step));
      if (this.isOver) {
        break;
      }
      if (this.soonMs === undefined) {
        if (!this.world.isSettled) {
          // This step did nothing, and the one before did not wait.
          await this.world.clock.run(this.world.settle());
        }
        const administrators = steps.slice(0, index + 1).some(isManual);
        await this.world.clock.run(checkInspected(this.world, { administrators }));
        this.exceptWhatIsDocumented();
        this.recent = [];
        if (this.isOver) {
          break;
        }
      }
    }
    return this.world.violations;
  }

  private async runStep(step: Step): Promise<void> {
    switch (step.do) {
      case 'deploy':
        return this.deploy(step.stack, changed(this.declared[step.stack], step.change), step);
      case 'move to the other stack':
        return this.moveEnrollment(step.stack, step.index, step.faults);
      case 'move a device to the other stack':
        return this.moveDevice(step.stack, step.index, step.faults);
      case 'destroy':
        return this.destroy(step.stack, step.faults);
      case 'act at once':
        return this.actAtOnce(step);
      case 'declare a kept one again':
        return this.declareAgain(step);
      case 'wait':
        return this.world.clock.sleep(step.minutes * 60_000);
      default:
        runManualStep(this.world, step);
        // Administrators don't race with deployments: reads show their changes by then.
        return this.world.clock.sleep(MANUAL_STEP_MS);
    }
  }

  private async moveEnrollment(from: StackName, index: number, faults: FaultPlan): Promise<void> {
    const to = STACKS.find((stack) => stack !== from)!;
    const { enrollments } = this.declared[from];
    const moved = enrollments[index % Math.max(1, enrollments.length)];
    if (moved === undefined || moved.user === 'Olga' || moved.user === 'Otto') {
      return; // a user that the stack owns can't move
    }
    const target = changed(this.declared[to], { kind: 'add', enrollment: moved });
    await this.deploy(to, target, { change: { kind: 'move', index }, faults });
    if (this.declared[to] !== target) {
      return; // the deployment failed, so the enrollment stays
    }
    await this.deploy(from, changed(this.declared[from], { kind: 'remove', index }), {
      change: { kind: 'move', index },
      faults,
    });
  }

  /** Moves a device with an explicit name. A default name belongs to its stack. */
  private async moveDevice(from: StackName, index: number, faults: FaultPlan): Promise<void> {
    const to = STACKS.find((stack) => stack !== from)!;
    const { devices } = this.declared[from];
    const moved = devices[index % Math.max(1, devices.length)];
    if (moved?.name === undefined || moved.user === 'Olga' || moved.user === 'Otto') {
      return;
    }
    const add = { kind: 'stack device', change: { kind: 'add device', device: moved } } as const;
    const remove = { kind: 'stack device', change: { kind: 'remove device', index } } as const;
    const move = { kind: 'stack device', change: { kind: 'move construct', index } } as const;
    await this.deploy(to, changed(this.declared[to], add), { change: move, faults });
    const isMoved = ({ name, secret, user }: StackDevice) =>
      name === moved.name && secret === moved.secret && user === moved.user;
    if (!this.declared[to].devices.some(isMoved)) {
      return; // the other stack can't declare it, so it stays
    }
    await this.deploy(from, changed(this.declared[from], remove), { change: move, faults });
  }

  private async deploy(
    stackName: StackName,
    declaration: StackDeclaration,
    { change, faults, breakAfterMs, cancelAfterMs, afterFailure }: Deployment,
  ): Promise<void> {
    if (!(await this.ensureStable(stackName))) {
      return;
    }
    const deployment = { change, faults, breakAfterMs, cancelAfterMs, afterFailure };
    const deployed = await this.startDeployment(stackName, declaration, deployment);
    const hasFailed = KEPT.includes(deployed.stack.status);
    if (hasFailed && afterFailure!.soonMs === undefined) {
      this.judge(await this.settled([deployed]));
    }
    if (this.world.violations.length === 0 && this.world.exceptions.size === 0) {
      const last = hasFailed
        ? await this.goOn(deployed, declaration, { change, afterFailure: afterFailure! })
        : deployed;
      this.judge(await this.end([last]));
    }
  }

  /** Goes on from an operation that failed without rollback. */
  private async goOn(
    failed: Unsettled,
    declaration: StackDeclaration,
    {
      change,
      afterFailure: { then, faults, soonMs = 0 },
    }: Pick<Deployment, 'change'> & { readonly afterFailure: AfterFailure },
  ): Promise<Unsettled> {
    const { world } = this;
    const { stackName } = failed.operation;
    world.count(`failure kept, then ${then}`);
    allowRetainedAndAbandoned(world, failed.operation);
    world.breakAfterMs = undefined;
    await world.clock.sleep(soonMs);
    if (then === 'delete') {
      world.onDeactivated = () => undefined;
      return this.startDeletion(stackName, faults);
    }
    const next =
      then === 'roll back'
        ? await this.startRollback(stackName, faults)
        : await this.startDeployment(stackName, declaration, { change, faults });
    // Together they lead from one stable state to another.
    return { ...next, before: failed.before, operation: together(failed.operation, next.operation) };
  }

  /** Rolls back to the last stable state, and doesn't wait for what still runs then. */
  private async startRollback(stackName: StackName, faults: FaultPlan): Promise<Unsettled> {
    const { world } = this;
    const before = snapshotOf(world, stackName);
    world.begin(faults);
    const operation = world.start(stackName);
    const stack = await world.cloudFormation.rollbackStack(stackName);
    if (stack.status === 'ROLLBACK_COMPLETE') {
      this.declared[stackName] = EMPTY;
    }
    return { operation, before, stack };
  }

  /** Deploys, and doesn't wait for what still runs then. */
  private async startDeployment(
    stackName: StackName,
    declaration: StackDeclaration,
    { change, faults, breakAfterMs, cancelAfterMs, afterFailure }: Deployment,
  ): Promise<Unsettled> {
    const { world } = this;
    const before = snapshotOf(world, stackName);
    world.begin(faults);
    const operation = world.start(stackName);
    world.breakAfterMs = breakAfterMs;
    if (WITHOUT_GAP.includes(change.kind === 'stack device' ? change.change.kind : change.kind)) {
      this.watchForGaps(stackName, declaration, before);
    }
    const source = synthesize(stackName, declaration, ++this.deployments);
    const template = this.sabotage.template?.(source.template) ?? source.template;
    const request = { stackName, ...source, template, disableRollback: afterFailure !== undefined };
    const isUpdate = before.stack !== undefined;
    if (isUpdate && cancelAfterMs !== undefined) {
      void this.cancelLater(stackName, cancelAfterMs);
    }
    const stack = isUpdate
      ? await world.cloudFormation.updateStack(request)
      : await world.cloudFormation.createStack(request);
    if (stack.status === 'CREATE_COMPLETE' || stack.status === 'UPDATE_COMPLETE') {
      this.declared[stackName] = declaration;
    } else if (stack.status === 'ROLLBACK_COMPLETE') {
      this.declared[stackName] = EMPTY;
    }
    return { operation, before, stack };
  }

  /** Deletes a stack, and doesn't wait for what still runs then. */
  private async startDeletion(stackName: StackName, faults: FaultPlan): Promise<Unsettled> {
    const { world } = this;
    const before = snapshotOf(world, stackName);
    world.begin(faults);
    const operation = world.start(stackName);
    const { stackId, status } = await world.cloudFormation.deleteStack(stackName);
    if (status === 'DELETE_COMPLETE') {
      this.declared[stackName] = EMPTY;
    }
    return { operation, before, stack: { ...before.stack!, stackId, status } };
  }

  /** Waits until everything that still runs has ended, unless the next operation is to begin before. */
  private async end(unsettled: readonly Unsettled[]): Promise<readonly EndedOperation[]> {
    const { world } = this;
    this.recent.push(...unsettled);
    world.breakAfterMs = undefined;
    world.onDeactivated = () => undefined;
    unsettled.forEach(({ operation }) => allowRetainedAndAbandoned(world, operation));
    for (const { stack } of unsettled) {
      if (stack.status === 'DELETE_COMPLETE' && world.isMixed(stack.stackId)) {
        allowDevicesOf(world, stack.stackId);
      }
    }
    if (this.soonMs !== undefined) {
      await world.clock.sleep(this.soonMs);
      return [];
    }
    return this.settled(unsettled);
  }

  /** Waits until everything that still runs has ended. */
  private async settled(unsettled: readonly Unsettled[]): Promise<readonly EndedOperation[]> {
    const { world } = this;
    const isAlone = unsettled.length === 1 && !unsettled[0]!.operation.isAmongStragglers;
    await world.settle();
    const abandoned = unsettled.flatMap(({ operation }) => abandonedDevices(operation));
    return unsettled.map(({ stack, ...others }) => {
      const after = snapshotOf(world, stack.stackName as StackName);
      return { world, after, stack, isAlone, abandoned, ...others };
    });
  }

  private judge(ended: readonly EndedOperation[]): void {
    for (const each of ended) {
      const { before, stack, isAlone } = each;
      switch (stack.status) {
        case 'CREATE_COMPLETE':
        case 'UPDATE_COMPLETE':
          checkEnrolled(each);
          checkStored(each);
          checkOrphans(each);
          break;
        case 'ROLLBACK_COMPLETE':
        case 'UPDATE_ROLLBACK_COMPLETE':
          checkOrphans(each);
          if (isAlone) {
            checkUndone(each);
          }
          break;
        case 'DELETE_COMPLETE':
          // After a rollback nothing is left to undo. After a failed rollback the properties that a resource has are
          // unknown.
          if (isAlone && before.stack?.status !== 'ROLLBACK_COMPLETE' && !this.world.isMixed(stack.stackId)) {
            checkDeleted(each);
          }
          checkOrphans(each);
          break;
        default:
          break;
      }
      checkState(each);
      checkKept(each);
      if (isAlone) {
        checkForeignTags(each);
      }
    }
    this.exceptWhatIsDocumented();
  }

  private get isOver(): boolean {
    return this.world.violations.length > 0 || this.world.exceptions.size > 0;
  }

  private exceptWhatIsDocumented(): void {
    this.world.violations = this.world.violations.filter((violation) => !this.isExcepted(violation));
  }

  /** Whether a violation is what the documents say that can happen. */
  private isExcepted(violation: Violation): boolean {
    const { about } = violation;
    const exception = this.recent
      .map(({ operation, before }) =>
        about === undefined
          ? undefined
          : exceptionFor(
              operation,
              violation,
              before.devices[about],
              this.world.births.of(about),
              logicalIdsIn(before),
            ),
      )
      .find((each) => each !== undefined);
    if (exception !== undefined) {
      this.world.except(exception);
    }
    return exception !== undefined;
  }

  private async cancelLater(stackName: StackName, ms: number): Promise<void> {
    await this.world.clock.sleep(ms);
    if (this.world.cloudFormation.describeStack(stackName)?.status === 'UPDATE_IN_PROGRESS') {
      this.world.count('update cancelled');
      this.world.cloudFormation.cancelUpdate(stackName);
    }
  }

  /** Deletes a stack that can't be updated, as an operator would. Returns false if that fails. */
  private async ensureStable(stackName: StackName): Promise<boolean> {
    const statusOf = () => this.world.cloudFormation.describeStack(stackName)?.status ?? 'DELETE_COMPLETE';
    for (let attempt = 1; attempt <= 2 && ![...STABLE, 'DELETE_COMPLETE'].includes(statusOf()); attempt++) {
      await this.destroy(stackName, CALM);
      if (statusOf() === 'DELETE_FAILED') {
        this.deactivateBlockingDevices(stackName);
      }
    }
    if (statusOf() === 'DELETE_FAILED') {
      await finishByHand(this.world, stackName);
      this.declared[stackName] = EMPTY;
      if (statusOf() !== 'DELETE_COMPLETE') {
        this.world.violated('finished', `${stackName} can't be deleted, not even by hand: ${statusOf()}`);
      }
    }
    return [...STABLE, 'DELETE_COMPLETE'].includes(statusOf());
  }

  /**
   * Deactivates the devices that block the deletion: CloudFormation can't delete their user, and the library doesn't
   * delete a device that somebody else enabled.
   */
  private deactivateBlockingDevices(stackName: StackName): void {
    const { iam, cloudFormation } = this.world;
    const { stackId, resources } = cloudFormation.describeStack(stackName)!;
    const users = resources.filter(({ type }) => type === 'AWS::IAM::User').map(({ physicalId }) => physicalId);
    for (const { serialNumber, userName, tags } of iam.state().devices) {
      const isDeclared = Object.keys(tags).some((key) => key.startsWith(`${DEVICE_CLAIM_PREFIX}${uuidOf(stackId)}/`));
      if (userName !== undefined && (users.includes(userName) || isDeclared)) {
        iam.call('DeactivateMFADevice', { UserName: userName, SerialNumber: serialNumber });
      }
    }
  }

  private async destroy(stackName: StackName, faults: FaultPlan): Promise<void> {
    const status = this.world.cloudFormation.describeStack(stackName)?.status;
    if (status !== undefined && status !== 'DELETE_COMPLETE') {
      this.judge(await this.end([await this.startDeletion(stackName, faults)]));
    }
  }

  /** Both stacks act on the same device, at almost the same moment. */
  private async actAtOnce(step: Extract<Step, { do: 'act at once' }>): Promise<void> {
    const { both, by, offsetMs, faults } = step;
    const joining: readonly StackName[] = { leave: [], 'leave and join': ['South' as const], join: STACKS }[both];
    // A device that two stacks already share has one user.
    const whatOf = (stack: StackName): Shared =>
      stack === 'South' && both !== 'leave' && step.otherUser !== undefined && step.what.user !== undefined
        ? { ...step.what, user: step.otherUser }
        : step.what;
    for (const stack of STACKS) {
      const what = whatOf(stack);
      const isThere = declares(this.declared[stack], what);
      if (isThere === joining.includes(stack)) {
        const wanted = isThere ? without(this.declared[stack], what) : withShared(this.declared[stack], what);
        await this.deploy(stack, wanted, { change: { kind: 'redeploy' }, faults: CALM });
      }
      const isStable = await this.ensureStable(stack);
      const isPrepared = declares(this.declared[stack], what) !== joining.includes(stack);
      if (!isStable || !isPrepared || this.world.violations.length > 0) {
        return;
      }
    }
    const act = (stack: StackName) => {
      const what = whatOf(stack);
      if (joining.includes(stack)) {
        const wanted = withShared(this.declared[stack], what);
        return this.startDeployment(stack, wanted, { change: { kind: 'redeploy' }, faults });
      }
      return by === 'destroy'
        ? this.startDeletion(stack, faults)
        : this.startDeployment(stack, without(this.declared[stack], what), { change: { kind: 'redeploy' }, faults });
    };
    this.world.count('two stacks at once');
    const starting = act('North');
    await this.world.clock.sleep(offsetMs);
    const [first, second] = await Promise.all([starting, act('South')]);
    // Both are compared with what was there before the first began.
    const before = { ...first.before, stack: second.before.stack };
    this.judge(await this.end([first, { ...second, before }]));
  }

  /** A stack retains something, and declares it again later, perhaps with a mistake. */
  private async declareAgain(step: Extract<Step, { do: 'declare a kept one again' }>): Promise<void> {
    const { stack, what, mistake, hours, faults, breakAfterMs, cancelAfterMs } = step;
    if (declares(this.declared[stack], what)) {
      return;
    }
    for (const wanted of [
      () => withShared(this.declared[stack], what, 'retained'),
      () => without(this.declared[stack], what),
    ]) {
      await this.deploy(stack, wanted(), { change: { kind: 'redeploy' }, faults: CALM });
      if (this.world.violations.length > 0) {
        return;
      }
    }
    await this.world.clock.sleep(hours * 3_600_000);
    this.world.count('kept one declared again');
    this.world.denied = new Set(
      mistake === 'denied' ? ['secretsmanager:GetSecretValue' as const, 'secretsmanager:DescribeSecret' as const] : [],
    );
    await this.deploy(stack, withShared(this.declared[stack], what, 'retained', mistake), {
      change: { kind: 'redeploy' },
      faults,
      breakAfterMs,
      cancelAfterMs,
    });
    this.world.denied = new Set();
  }

  /** Whether only Creates that failed have enabled a device: to roll forward, CloudFormation undoes them. */
  private isOfFailedCreates(tags: DeviceSnapshot['tags']): boolean {
    const claims = Object.entries(tags).filter(([key]) => key.startsWith(ENROLLMENT_CLAIM_PREFIX));
    return claims.length > 0 && claims.every(([, value]) => !this.world.hasSucceeded(claimIn(value, true).creation));
  }

  private watchForGaps(stackName: StackName, declaration: StackDeclaration, before: Snapshot): void {
    if (before.stack?.status === 'CREATE_FAILED') {
      return; // its rollback deletes everything
    }
    const userOf = (id: string) =>
      before.stack?.resources.find(({ logicalId, type }) => type === 'AWS::IAM::User' && logicalId.startsWith(id))
        ?.physicalId ?? id;
    const enrolledUsers = [...declaration.enrollments, ...declaration.devices].map(({ user }) => user && userOf(user));
    const usersBefore = Object.values(before.devices)
      .filter(({ tags }) => !this.isOfFailedCreates(tags) && !this.world.isLeft(tags))
      .map(({ userName }) => userName);
    this.world.onDeactivated = (userName, serialNumber) => {
      const devices = this.world.iam.state().devices.filter((device) => device.userName === userName);
      if (devices.length === 0 && usersBefore.includes(userName) && enrolledUsers.includes(userName)) {
        this.world.violated(
          'no gap',
          `${userName} had no enabled device during an update of ${stackName}`,
          serialNumber,
        );
      }
    };
  }
}

function logicalIdsIn({ stack }: Snapshot): readonly string[] {
  return stack?.resources.map(({ logicalId }) => logicalId) ?? [];
}

function isManual(step: Step): boolean {
  return !('faults' in step) && step.do !== 'wait';
}

/** Two operations on a stack, of which the second goes on from the first. */
function together(first: Operation, second: Operation): Operation {
  return {
    stackName: first.stackName,
    isAmongStragglers: first.isAmongStragglers,
    get invocations() {
      return [...first.invocations, ...second.invocations];
    },
    get events() {
      return [...first.events, ...second.events];
    },
  };
}

function declares({ enrollments, devices }: StackDeclaration, what: Shared): boolean {
  return what.kind === 'enrollment'
    ? enrollments.some(({ device, user }) => device === what.device && user === what.user)
    : devices.some(({ name, user }) => name === what.name && user === what.user);
}

function without(declaration: StackDeclaration, what: Shared): StackDeclaration {
  const { enrollments, devices } = declaration;
  return what.kind === 'enrollment'
    ? { ...declaration, enrollments: enrollments.filter(({ device }) => device !== what.device) }
    : { ...declaration, devices: devices.filter(({ name }) => name !== what.name) };
}

/** Both stacks store the seed of a shared device in the same secret; a retained device has its own. */
function withShared(
  declaration: StackDeclaration,
  what: Shared,
  retain?: 'retained',
  mistake: Mistake = 'none',
): StackDeclaration {
  if (what.kind === 'enrollment') {
    const secret = mistake === 'wrong' || mistake === 'junk' || mistake === 'missing' ? mistake : 'plain';
    const { user, device } = what;
    const enrollment = { user, device, secret, spelling: 'literal', adopt: true, provider: 'own' } as const;
    return changed(declaration, { kind: 'add', enrollment: { ...enrollment, retain: retain !== undefined } });
  }
  const secret = mistake === 'another' ? 'used' : mistake === 'missing' ? 'default' : 'empty';
  const device = { name: what.name, user: what.user, secret, tags: 'none', provider: 'own' } as const;
  const change = { kind: 'add device', device: { ...device, retain: retain ? 'both' : 'nothing' } } as const;
  return changed(declaration, { kind: 'stack device', change });
}
