import { DEVICE_CLAIM_PREFIX } from '../../lib/contract';
import type { StackDescription } from '../../local/cloudformation';
import { type ByHand, workByHand } from './administrators';
import { type Change, changed, EMPTY, type StackDeclaration, type StackName, STACKS } from './declaration';
import { checkOrphans, checkStored, excuseDevicesOf, excuseWhatIsLeft } from './device-invariants';
import { CALM, type FaultPlan } from './faults';
import { checkDeleted, checkEnrolled, checkForeignTags, checkUndone, type Ended, uuidOf } from './invariants';
import type { DeviceChange, MadeDevice } from './made-devices';
import type { Sabotage } from './sabotage';
import { type Snapshot, snapshotOf } from './snapshot';
import { synthesize } from './synthesis';
import { type Violation, World } from './world';

/** What happens next: an operation on a stack, or an administrator at work. */
export type Step =
  | {
      readonly do: 'deploy';
      readonly stack: StackName;
      readonly change: Change;
      readonly faults: FaultPlan;
      /** After how long another resource of the stack fails; absent: it does not. */
      readonly breakAfterMs?: number;
      /** After how long the update is cancelled; absent: it is not. */
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
  | ByHand
  | { readonly do: 'wait'; readonly minutes: number };

/** What a history consists of. */
export interface Story {
  readonly seed: number;
  readonly oldHalfOrder: 'ordered' | 'unordered';
  readonly rollbackOfReplaced: 'update-then-delete' | 'delete-only';
  readonly steps: readonly Step[];
}

const RESTING: readonly string[] = ['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'UPDATE_ROLLBACK_COMPLETE'];
/** Changes during which a user who has an enabled device never is without one. */
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

/** Runs a story and says which invariants broke. */
export class History {
  readonly world: World;
  private readonly declared: Record<StackName, StackDeclaration> = { North: EMPTY, South: EMPTY };
  private deployments = 0;

  constructor(
    private readonly story: Story,
    private readonly sabotage: Sabotage,
  ) {
    this.world = new World(story.seed, sabotage, story);
  }

  async run(): Promise<readonly Violation[]> {
    for (const step of this.story.steps) {
      await this.world.clock.run(this.take(step));
      if (this.world.violations.length > 0) {
        break;
      }
    }
    return this.world.violations;
  }

  private async take(step: Step): Promise<void> {
    switch (step.do) {
      case 'deploy':
        return this.deploy(step.stack, changed(this.declared[step.stack], step.change), step);
      case 'move to the other stack':
        return this.moveToTheOther(step.stack, step.index, step.faults);
      case 'move a device to the other stack':
        return this.moveDeviceToTheOther(step.stack, step.index, step.faults);
      case 'destroy':
        return this.destroy(step.stack, step.faults);
      case 'wait':
        return this.world.clock.sleep(step.minutes * 60_000);
      default:
        return workByHand(this.world, step);
    }
  }

  private async moveToTheOther(from: StackName, index: number, faults: FaultPlan): Promise<void> {
    const to = STACKS.find((stack) => stack !== from)!;
    const { enrollments } = this.declared[from];
    const moved = enrollments[index % Math.max(1, enrollments.length)];
    if (moved === undefined || moved.user === 'Olga' || moved.user === 'Otto') {
      return; // a user that the stack owns stays with it
    }
    const joined = changed(this.declared[to], { kind: 'add', enrollment: moved });
    await this.deploy(to, joined, { change: { kind: 'move', index }, faults });
    if (this.declared[to] !== joined) {
      return; // nobody removes what has not arrived
    }
    await this.deploy(from, changed(this.declared[from], { kind: 'remove', index }), {
      change: { kind: 'move', index },
      faults,
    });
  }

  /** Only a device whose name and whose secret are no stack's own can be had by another. */
  private async moveDeviceToTheOther(from: StackName, index: number, faults: FaultPlan): Promise<void> {
    const to = STACKS.find((stack) => stack !== from)!;
    const { devices } = this.declared[from];
    const moved = devices[index % Math.max(1, devices.length)];
    if (moved?.name === undefined || moved.user === 'Olga' || moved.user === 'Otto') {
      return;
    }
    const add = { kind: 'made', change: { kind: 'add device', device: moved } } as const;
    const remove = { kind: 'made', change: { kind: 'remove device', index } } as const;
    const move = { kind: 'made', change: { kind: 'move construct', index } } as const;
    await this.deploy(to, changed(this.declared[to], add), { change: move, faults });
    const has = ({ name, secret, user }: MadeDevice) =>
      name === moved.name && secret === moved.secret && user === moved.user;
    if (!this.declared[to].devices.some(has)) {
      return; // the other stack could not have it, and so it stays
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
    if (!(await this.clearAway(stackName))) {
      return;
    }
    const before = snapshotOf(world, stackName);
    world.begin(faults);
    world.breakAfterMs = breakAfterMs;
    if (WITHOUT_GAP.includes(change.kind === 'made' ? change.change.kind : change.kind)) {
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

  /** Whatever is still under way comes to its end. */
  private async end(before: Snapshot, stack: StackDescription): Promise<Ended> {
    const { world } = this;
    await world.settle();
    world.breakAfterMs = undefined;
    world.onDeactivated = () => undefined;
    excuseWhatIsLeft(world);
    return { world, before, after: snapshotOf(world, stack.stackName as StackName), stack };
  }

  private async cancelLater(stackName: StackName, ms: number): Promise<void> {
    await this.world.clock.sleep(ms);
    if (this.world.cloudFormation.describeStack(stackName)?.status === 'UPDATE_IN_PROGRESS') {
      this.world.count('update cancelled');
      this.world.cloudFormation.cancelUpdate(stackName);
    }
  }

  /** A stack that came to no good rest is deleted before anything else, as an operator would; false where it can't be. */
  private async clearAway(stackName: StackName): Promise<boolean> {
    const statusOf = () => this.world.cloudFormation.describeStack(stackName)?.status ?? 'DELETE_COMPLETE';
    for (let attempt = 1; attempt <= 2 && ![...RESTING, 'DELETE_COMPLETE'].includes(statusOf()); attempt++) {
      await this.destroy(stackName, CALM);
      if (statusOf() === 'DELETE_FAILED') {
        this.deactivateWhatIsInTheWay(stackName);
      }
    }
    return [...RESTING, 'DELETE_COMPLETE'].includes(statusOf());
  }

  /** CloudFormation can't delete a user with a device that somebody else enabled, nor this library such a device. */
  private deactivateWhatIsInTheWay(stackName: StackName): void {
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
      // Nothing is left to undo after a rollback; and of a failed one nobody knows with which properties it left things.
      if (existing.status === 'UPDATE_ROLLBACK_FAILED') {
        excuseDevicesOf(world, after.stackId);
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
    const stays = [...declaration.enrollments, ...declaration.devices].map(({ user }) => user && userOf(user));
    const had = Object.values(before.devices).map(({ userName }) => userName);
    this.world.onDeactivated = (userName) => {
      const devices = this.world.iam.state().devices.filter((device) => device.userName === userName);
      if (devices.length === 0 && had.includes(userName) && stays.includes(userName)) {
        this.world.violated('no gap', `${userName} was without a device during an update of ${stackName}`);
      }
    };
  }
}
