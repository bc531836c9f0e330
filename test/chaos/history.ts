import { DEVICE_CLAIM_PREFIX } from '../../lib/contract';
import type { StackDescription } from '../../local/cloudformation';
import { type ManualStep, runManualStep } from './administrators';
import { type StackName, STACKS } from './declaration';
import { allowDevicesOf, allowRetainedAndAbandoned, checkOrphans, checkStored } from './device-invariants';
import { CALM, type FaultPlan } from './faults';
import { checkDeleted, checkEnrolled, checkForeignTags, checkUndone, type EndedOperation, uuidOf } from './invariants';
import type { DeviceChange, StackDevice } from './made-devices';
import type { Sabotage } from './sabotage';
import { type Snapshot, snapshotOf } from './snapshot';
import { type Change, changed, EMPTY, type StackDeclaration } from './stack-declaration';
import { synthesize } from './synthesis';
import { type Violation, World } from './world';

/** One step: an operation on a stack, a manual step of an administrator, or a pause. */
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
    }
  | {
      readonly do: 'move to the other stack';
      readonly stack: StackName;
      readonly index: number;
      readonly faults: FaultPlan;
    }
  | { readonly do: 'destroy'; readonly stack: StackName; readonly faults: FaultPlan }
  | {
      readonly do: 'move a device to the other stack';
      readonly stack: StackName;
      readonly index: number;
      readonly faults: FaultPlan;
    }
  | ManualStep
  | { readonly do: 'wait'; readonly minutes: number };

/** The input of a history. */
export interface Scenario {
  readonly seed: number;
  readonly oldHalfOrder: 'ordered' | 'unordered';
  readonly rollbackOfReplaced: 'update-then-delete' | 'delete-only';
  readonly steps: readonly Step[];
}

/** Statuses from which a stack can be updated. */
const STABLE: readonly string[] = ['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'UPDATE_ROLLBACK_COMPLETE'];
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

/** Runs a scenario and reports the violated invariants. */
export class History {
  readonly world: World;
  private readonly declared: Record<StackName, StackDeclaration> = { North: EMPTY, South: EMPTY };
  private deployments = 0;

  constructor(
    private readonly scenario: Scenario,
    private readonly sabotage: Sabotage,
  ) {
    this.world = new World(scenario.seed, sabotage, scenario);
  }

  async run(): Promise<readonly Violation[]> {
    for (const step of this.scenario.steps) {
      await this.world.clock.run(this.runStep(step));
      if (this.world.violations.length > 0) {
        break;
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
      case 'wait':
        return this.world.clock.sleep(step.minutes * 60_000);
      default:
        return runManualStep(this.world, step);
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
    {
      change,
      faults,
      breakAfterMs,
      cancelAfterMs,
    }: Pick<Extract<Step, { do: 'deploy' }>, 'change' | 'faults' | 'breakAfterMs' | 'cancelAfterMs'>,
  ): Promise<void> {
    const { world } = this;
    if (!(await this.ensureStable(stackName))) {
      return;
    }
    const before = snapshotOf(world, stackName);
    world.begin(faults);
    world.breakAfterMs = breakAfterMs;
    if (WITHOUT_GAP.includes(change.kind === 'stack device' ? change.change.kind : change.kind)) {
      this.watchForGaps(stackName, declaration, before);
    }
    const source = synthesize(stackName, declaration, ++this.deployments);
    const template = this.sabotage.template?.(source.template) ?? source.template;
    const request = { stackName, ...source, template };
    const isUpdate = before.stack !== undefined;
    if (isUpdate && cancelAfterMs !== undefined) {
      void this.cancelLater(stackName, cancelAfterMs);
    }
    const after = isUpdate
      ? await world.cloudFormation.updateStack(request)
      : await world.cloudFormation.createStack(request);
    const ended = await this.end(before, after);
    if (after.status === 'CREATE_COMPLETE' || after.status === 'UPDATE_COMPLETE') {
      this.declared[stackName] = declaration;
      checkEnrolled(ended);
      checkStored(ended);
      checkOrphans(ended);
    } else if (after.status === 'ROLLBACK_COMPLETE' || after.status === 'UPDATE_ROLLBACK_COMPLETE') {
      checkOrphans(ended);
      checkUndone(ended);
      if (!isUpdate) {
        this.declared[stackName] = EMPTY;
      }
    }
    checkForeignTags(ended);
  }

  /** Waits until everything that still runs has ended. */
  private async end(before: Snapshot, stack: StackDescription): Promise<EndedOperation> {
    const { world } = this;
    await world.settle();
    world.breakAfterMs = undefined;
    world.onDeactivated = () => undefined;
    allowRetainedAndAbandoned(world);
    return { world, before, after: snapshotOf(world, stack.stackName as StackName), stack };
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
    const { world } = this;
    const existing = world.cloudFormation.describeStack(stackName);
    if (existing === undefined || existing.status === 'DELETE_COMPLETE') {
      return;
    }
    const before = snapshotOf(world, stackName);
    world.begin(faults);
    const after = await world.cloudFormation.deleteStack(stackName);
    const ended = await this.end(before, { ...existing, stackId: after.stackId });
    if (after.status === 'DELETE_COMPLETE') {
      this.declared[stackName] = EMPTY;
      // After a rollback nothing is left to undo. After a failed rollback the properties that a resource has are
      // unknown.
      if (existing.status === 'UPDATE_ROLLBACK_FAILED') {
        allowDevicesOf(world, after.stackId);
      } else if (existing.status !== 'ROLLBACK_COMPLETE') {
        checkDeleted(ended);
      }
      checkOrphans(ended);
    }
    checkForeignTags(ended);
  }

  private watchForGaps(stackName: StackName, declaration: StackDeclaration, before: Snapshot): void {
    const userOf = (id: string) =>
      before.stack?.resources.find(({ logicalId, type }) => type === 'AWS::IAM::User' && logicalId.startsWith(id))
        ?.physicalId ?? id;
    const enrolledUsers = [...declaration.enrollments, ...declaration.devices].map(({ user }) => user && userOf(user));
    const usersBefore = Object.values(before.devices).map(({ userName }) => userName);
    this.world.onDeactivated = (userName) => {
      const devices = this.world.iam.state().devices.filter((device) => device.userName === userName);
      if (devices.length === 0 && usersBefore.includes(userName) && enrolledUsers.includes(userName)) {
        this.world.violated('no gap', `${userName} had no enabled device during an update of ${stackName}`);
      }
    };
  }
}
