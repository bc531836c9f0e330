import { ENROLLMENT_CLAIM_PREFIX, enrollmentClaimKey, EnrollmentProperties } from '../../lib/contract';
import { SecretText } from '../../lambda/ports';
import { parseSeed } from '../../lambda/seed';
import { codePairAt, stepAt } from '../../lambda/totp';
import { AwsError } from '../../local/aws-error';
import type { StackDescription } from '../../local/cloudformation';
import { Change, changed, Device, EMPTY, StackDeclaration, StackName, STACKS, User } from './declaration';
import { CALM, FaultPlan } from './faults';
import type { Sabotage } from './sabotage';
import { serialNumberOf, synthesize } from './synthesis';
import { Violation, World } from './world';

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
  | { readonly do: 'enable' | 'deactivate'; readonly device: Device; readonly user: User }
  | { readonly do: 'tag' | 'untag' | 'delete'; readonly device: Device }
  | { readonly do: 'wait'; readonly minutes: number };

/** What a history consists of. */
export interface Story {
  readonly seed: number;
  readonly oldHalfOrder: 'ordered' | 'unordered';
  readonly rollbackOfReplaced: 'update-then-delete' | 'delete-only';
  readonly steps: readonly Step[];
}

type Devices = Readonly<
  Record<string, { readonly userName?: string; readonly tags: Readonly<Record<string, string>> }>
>;

/** What is compared before and after an operation. */
interface Snapshot {
  readonly users: readonly string[];
  readonly devices: Devices;
  readonly stack?: StackDescription;
}

const RESTING: readonly string[] = ['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'UPDATE_ROLLBACK_COMPLETE'];
/** Changes during which a user who has an enabled device never is without one. */
const WITHOUT_GAP: readonly Change['kind'][] = ['rename', 'move', 'device', 'provider', 'spelling'];

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
      case 'destroy':
        return this.destroy(step.stack, step.faults);
      case 'wait':
        return this.world.clock.sleep(step.minutes * 60_000);
      default:
        return this.byHand(step);
    }
  }

  /** Administrators are refused things, too. */
  private byHand(step: Extract<Step, { device: Device }>): Promise<void> {
    const { iam } = this.world;
    const serialNumber = serialNumberOf(step.device);
    const deactivate = () => {
      const userName = iam.state().devices.find((each) => each.serialNumber === serialNumber)?.userName ?? 'nobody';
      iam.call('DeactivateMFADevice', { UserName: userName, SerialNumber: serialNumber });
    };
    try {
      switch (step.do) {
        case 'enable': {
          const seed = parseSeed(new SecretText(this.world.seedOf(step.device)!));
          const codes = codePairAt(seed, stepAt(this.world.clock.now())).reveal();
          this.world.enableByHand(step.device, step.user, codes);
          break;
        }
        case 'deactivate':
          deactivate();
          break;
        case 'tag':
          iam.call('TagMFADevice', { SerialNumber: serialNumber, Tags: [{ Key: 'owner', Value: 'security' }] });
          break;
        case 'untag':
          iam.call('UntagMFADevice', {
            SerialNumber: serialNumber,
            TagKeys: Object.keys(this.world.tagsOf(serialNumber, ENROLLMENT_CLAIM_PREFIX)),
          });
          break;
        case 'delete':
          iam.call('DeleteVirtualMFADevice', { SerialNumber: serialNumber });
          break;
      }
    } catch (error) {
      if (!(error instanceof AwsError)) {
        throw error;
      }
    }
    return Promise.resolve();
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
    const before = this.snapshot(stackName);
    world.begin(faults);
    world.breakAfterMs = breakAfterMs;
    if (WITHOUT_GAP.includes(change.kind)) {
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
    await world.settle();
    this.rest();

    if (after.status === 'CREATE_COMPLETE' || after.status === 'UPDATE_COMPLETE') {
      this.declared[stackName] = declaration;
      this.checkEnrolled(after);
    } else if (after.status === 'ROLLBACK_COMPLETE' || after.status === 'UPDATE_ROLLBACK_COMPLETE') {
      this.checkUndone(before, after);
      if (!isUpdate) {
        this.declared[stackName] = EMPTY;
      }
    }
    this.checkForeignTags(before, after.stackId);
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
        this.deactivateDevicesOfUsers(stackName);
      }
    }
    return [...RESTING, 'DELETE_COMPLETE'].includes(statusOf());
  }

  /** CloudFormation can't delete a user with a device that somebody else enabled. */
  private deactivateDevicesOfUsers(stackName: StackName): void {
    const { iam, cloudFormation } = this.world;
    const users = cloudFormation
      .describeStack(stackName)!
      .resources.filter(({ type }) => type === 'AWS::IAM::User')
      .map(({ physicalId }) => physicalId);
    for (const { serialNumber, userName } of iam.state().devices) {
      if (userName !== undefined && users.includes(userName)) {
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
    const before = this.snapshot(stackName);
    world.begin(faults);
    const after = await world.cloudFormation.deleteStack(stackName);
    await world.settle();
    this.rest();
    if (after.status === 'DELETE_COMPLETE') {
      this.declared[stackName] = EMPTY;
      // Nothing is left to undo after a rollback; and of a failed one nobody knows with which properties it left things.
      if (existing.status !== 'ROLLBACK_COMPLETE' && existing.status !== 'UPDATE_ROLLBACK_FAILED') {
        this.checkDeleted(before, existing);
      }
    }
    this.checkForeignTags(before, after.stackId);
  }

  private rest(): void {
    this.world.breakAfterMs = undefined;
    this.world.onDeactivated = () => undefined;
  }

  private snapshot(stackName: StackName): Snapshot {
    const { users, devices } = this.world.iam.state();
    const stack = this.world.cloudFormation.describeStack(stackName);
    return {
      users: users.map(({ userName }) => userName),
      devices: Object.fromEntries(devices.map(({ serialNumber, ...device }) => [serialNumber, device])),
      stack: stack?.status === 'DELETE_COMPLETE' ? undefined : stack,
    };
  }

  private watchForGaps(stackName: StackName, declaration: StackDeclaration, before: Snapshot): void {
    const userOf = (id: string) =>
      before.stack?.resources.find(({ logicalId, type }) => type === 'AWS::IAM::User' && logicalId.startsWith(id))
        ?.physicalId ?? id;
    const stays = declaration.enrollments.map(({ user }) => userOf(user));
    const had = Object.values(before.devices).map(({ userName }) => userName);
    this.world.onDeactivated = (userName) => {
      const devices = this.world.iam.state().devices.filter((device) => device.userName === userName);
      if (devices.length === 0 && had.includes(userName) && stays.includes(userName)) {
        this.world.violated('no gap', `${userName} was without a device during an update of ${stackName}`);
      }
    };
  }

  /** After a deployment that ended COMPLETE, every enrollment that got an event in it is in effect. */
  private checkEnrolled(stack: StackDescription): void {
    const { devices } = this.snapshot('North');
    const standing = stack.resources.map(({ logicalId }) => logicalId);
    for (const { event } of this.world.invocations) {
      if (event.RequestType === 'Delete' || !standing.includes(event.LogicalResourceId)) {
        continue;
      }
      const { UserName, SerialNumber, ...secret } = event.ResourceProperties as unknown as EnrollmentProperties;
      const name = `${event.LogicalResourceId} (${UserName}, ${SerialNumber})`;
      const device = devices[SerialNumber];
      if (device?.userName !== UserName) {
        this.world.violated('enrolled', `${name}: the device is not enabled for its user`);
      } else if (device.tags[claimKeyOf(stack.stackId, event.LogicalResourceId)] === undefined) {
        this.world.violated('enrolled', `${name}: no claim stands`);
      } else if (!this.holdsSeed(secret, SerialNumber)) {
        this.world.violated('enrolled', `${name}: the secret does not hold the seed`);
      } else if (this.world.iam.deviceClock(SerialNumber)?.adjustment !== 0) {
        this.world.violated('enrolled', `${name}: the device was left with a clock adjustment`);
      }
    }
  }

  private holdsSeed(
    { SeedSecretArn, SeedSecretField }: Omit<EnrollmentProperties, 'UserName' | 'SerialNumber'>,
    serialNumber: string,
  ): boolean {
    const { SecretString } = this.world.secretsManager.call('GetSecretValue', { SecretId: SeedSecretArn });
    const stored = parseSeed(new SecretText(SecretString as string), SeedSecretField).reveal();
    const seed = parseSeed(new SecretText(this.world.seedOf(serialNumber.split('/').at(-1)!)!)).reveal();
    return Buffer.compare(stored, seed) === 0;
  }

  /** After a rollback that ended COMPLETE, users and devices are as they were before it. */
  private checkUndone(before: Snapshot, { stackId, resources }: StackDescription): void {
    const after = this.snapshot('North');
    const givenUp = this.givenUp();
    for (const user of before.users) {
      if (!after.users.includes(user)) {
        this.world.violated('undone', `user ${user} is gone`);
      }
    }
    for (const user of after.users) {
      if (!before.users.includes(user) && !givenUp.users.includes(user)) {
        this.world.violated('undone', `user ${user} was left behind`);
      }
    }
    const stayed = resources.map(({ logicalId }) => claimKeyOf(stackId, logicalId));
    for (const [serialNumber, was] of Object.entries(before.devices)) {
      const is = after.devices[serialNumber];
      const addedAgain = Object.keys(was.tags).some((key) => isClaimOf(stackId, key) && !stayed.includes(key));
      if (is === undefined || givenUp.devices.includes(serialNumber) || addedAgain) {
        continue;
      }
      const claims = (tags: Readonly<Record<string, string>>) =>
        Object.keys(tags).filter((key) => key.startsWith(ENROLLMENT_CLAIM_PREFIX) && !stayed.includes(key));
      if (claims(is.tags).sort().join() !== claims(was.tags).sort().join()) {
        this.world.violated(
          'undone',
          `the claims on ${serialNumber} are ${claims(is.tags).join()}, not ${claims(was.tags).join()}`,
        );
      }
      const switchedOnAgain =
        was.userName === undefined && Object.keys(is.tags).some((key) => key.startsWith(ENROLLMENT_CLAIM_PREFIX));
      if (is.userName !== was.userName && !switchedOnAgain) {
        this.world.violated(
          'undone',
          `${serialNumber} is enabled for ${is.userName ?? 'nobody'}, not for ${was.userName ?? 'nobody'}`,
        );
      }
    }
  }

  /** After a delete that ended COMPLETE, what the stack did is undone, and nothing else. */
  private checkDeleted(before: Snapshot, { stackId, resources }: StackDescription): void {
    const after = this.snapshot('North');
    const kept = this.world.events
      .filter(({ status }) => status === 'DELETE_SKIPPED')
      .map(({ logicalId }) => logicalId);
    const deleted = resources.filter(({ logicalId }) => !kept.includes(logicalId));
    for (const { type, physicalId } of deleted) {
      if (type === 'AWS::IAM::User' && after.users.includes(physicalId)) {
        this.world.violated('undone', `user ${physicalId} was left behind`);
      }
    }
    const deletes = this.deletes();
    for (const [serialNumber, was] of Object.entries(before.devices)) {
      const is = after.devices[serialNumber]!;
      // A claim of the same logical id on another device is what an earlier clean-up gave up.
      const withdrawn = deletes
        .filter(({ SerialNumber }) => SerialNumber === serialNumber)
        .map(({ logicalId }) => claimKeyOf(stackId, logicalId));
      const ours = Object.entries(was.tags).filter(([key]) => withdrawn.includes(key));
      const others = Object.keys(was.tags).filter(
        (key) => key.startsWith(ENROLLMENT_CLAIM_PREFIX) && !withdrawn.includes(key),
      );
      if (Object.keys(is.tags).some((key) => withdrawn.includes(key))) {
        this.world.violated('undone', `a claim of the deleted stack stands on ${serialNumber}`);
      }
      // A device that an administrator moved to another user is that user's.
      const isOurs = deletes.some(
        ({ UserName, SerialNumber }) => UserName === was.userName && SerialNumber === serialNumber,
      );
      const goesOff =
        isOurs && others.length === 0 && ours.length > 0 && ours.every(([, value]) => value.startsWith('enabled'));
      const staysOn = !isOurs || others.length > 0 || ours.every(([, value]) => value.startsWith('adopted'));
      if ((goesOff && is.userName !== undefined) || (staysOn && is.userName !== was.userName)) {
        this.world.violated(
          'undone',
          `${serialNumber} is enabled for ${is.userName ?? 'nobody'} after the delete, and was for ${was.userName ?? 'nobody'}`,
        );
      }
    }
  }

  /** What a clean-up gave up: users by their names; devices by the properties of the Deletes, as a physical id may be invented. */
  private givenUp(): { readonly users: readonly string[]; readonly devices: readonly string[] } {
    const failed = this.world.events.filter(({ status }) => status === 'DELETE_FAILED');
    return {
      users: failed.map(({ physicalId }) => physicalId ?? ''),
      devices: this.deletes()
        .filter((deleted) => failed.some(({ logicalId }) => logicalId === deleted.logicalId))
        .map(({ SerialNumber }) => SerialNumber),
    };
  }

  /** The Deletes of the operation, by their properties: the physical id of an enrollment whose Create never answered names nothing. */
  private deletes(): ({ readonly logicalId: string } & EnrollmentProperties)[] {
    return this.world.invocations
      .filter(({ event }) => event.RequestType === 'Delete')
      .map(({ event }) => ({
        logicalId: event.LogicalResourceId,
        ...(event.ResourceProperties as unknown as EnrollmentProperties),
      }));
  }

  /** Tags of others never change: those that are not this library's, and the claims of other stacks. */
  private checkForeignTags(before: Snapshot, stackId: string): void {
    const foreign = (tags: Readonly<Record<string, string>> = {}) =>
      JSON.stringify(
        Object.entries(tags)
          .filter(([key]) => !isClaimOf(stackId, key))
          .sort(),
      );
    const after = this.snapshot('North');
    for (const [serialNumber, { tags }] of Object.entries(before.devices)) {
      if (foreign(after.devices[serialNumber]?.tags) !== foreign(tags)) {
        this.world.violated('untouched', `tags of others on ${serialNumber} changed`);
      }
    }
  }
}

function claimKeyOf(stackId: string, logicalId: string): string {
  return enrollmentClaimKey(stackId.split('/').at(-1)!, logicalId);
}

function isClaimOf(stackId: string, key: string): boolean {
  return key.startsWith(`${ENROLLMENT_CLAIM_PREFIX}${stackId.split('/').at(-1)}/`);
}
