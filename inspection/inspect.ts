import { Calls, forEach, type Look } from './calls';
import { seedVersionIn } from './device-claims';
import { type Expected, expectedIn, NESTED_STACK_TYPE, type SeenScope, type SeenStack } from './expected';
import { type Actual, furtherDevices, isVirtual, judge, secretFinder } from './judge';
import { type Clock, type ReadAction, type ReadPorts, type ResourceSummary, type StackSummary } from './ports';
import { type Finding, type Inspection, type Missed, type Subject } from './report';
import { type SeedVersion, seedVersionOf } from './seeds';

/** What to inspect. */
export interface Scope {
  /** At least one. */
  readonly regions: readonly string[];
  /** Names or ids of stacks; each is inspected with its nested stacks. @default all stacks of the regions */
  readonly stacks?: readonly string[];
}

/** How far an inspection is. */
export interface Progress {
  readonly phase: 'stacks' | 'devices';
  readonly done: number;
  readonly total: number;
}

export interface Environment {
  readonly ports: ReadPorts;
  readonly clock: Clock;
  /** Returns numbers in [0, 1). */
  readonly random: () => number;
  readonly onProgress?: (progress: Progress) => void;
}

/** A stack that was asked for does not exist in any of the regions. */
export class NoSuchStack extends Error {
  override readonly name = 'NoSuchStack';

  constructor(
    readonly stackName: string,
    readonly regions: readonly string[],
  ) {
    super(`no stack '${stackName}' in ${regions.join(', ')}`);
  }
}

/**
 * Looks at what stacks declare and at what there is, and compares both. It reads no secret's value and changes nothing.
 *
 * @throws NoSuchStack, CredentialsRefused
 */
export async function inspect(scope: Scope, environment: Environment): Promise<Inspection> {
  return new Looker(scope, environment).inspect();
}

const NO_SUCH_ENTITY = ['NoSuchEntity'];
/** CloudFormation's code for a stack that doesn't exist. */
const NO_SUCH_STACK = ['ValidationError'];
const NO_SUCH_SECRET = ['ResourceNotFound'];
/** All calls to IAM share one rate. */
const IAM_LANE = 'iam';

/**
 * After how long what looks wrong is looked at again. IAM shows a change to everybody only after some seconds, and a
 * deployment may have begun since the stacks were read.
 */
const SECOND_LOOK_MS = 10_000;

type ValueIn<Lookup> = Lookup extends ReadonlyMap<string, infer T> ? T : never;

class Looker {
  private readonly calls: Calls;
  private readonly missed: Missed[] = [];
  private readonly enabledDevices = new Map<string, ValueIn<Actual['enabledDevices']>>();
  private readonly tags = new Map<string, ValueIn<Actual['tags']>>();
  private readonly secrets = new Map<string, ValueIn<Actual['secrets']>>();
  readonly secretArns = new Map<string, ValueIn<Actual['secretArns']>>();
  private virtualDevices?: Actual['virtualDevices'];

  constructor(
    private readonly scope: Scope,
    private readonly environment: Environment,
  ) {
    this.calls = new Calls(environment.clock, environment.random);
  }

  async inspect(): Promise<Inspection> {
    const inspection = await this.look();
    if (inspection.findings.length === 0) {
      return inspection;
    }
    await this.environment.clock.sleep(SECOND_LOOK_MS);
    this.forget(inspection.findings);
    return this.look();
  }

  /** Forgets what findings are about, and all lists, so that the next look reads them again. */
  private forget(findings: readonly Finding[]): void {
    this.missed.length = 0;
    this.virtualDevices = undefined;
    this.secretArns.clear();
    for (const { subject } of findings) {
      const { userName = '', serialNumber = '', secretArn = '' } = subject;
      this.enabledDevices.delete(userName);
      this.tags.delete(serialNumber);
      this.secrets.delete(secretArn);
    }
  }

  /** Looks at what was not seen yet. Stacks are always read: a deployment may have begun. */
  private async look(): Promise<Inspection> {
    const scope = await this.lookAtStacks();
    const expected = expectedIn(scope);
    if (scope.isWhole) {
      await this.listVirtualDevices();
    }
    await this.lookAtDevices(expected);
    await this.lookAtFurtherDevices(expected);
    await this.lookAtFurtherSecrets(expected, scope);
    const { missed, enabledDevices, tags, virtualDevices, secrets, secretArns } = this;
    return judge(scope, { missed, enabledDevices, tags, virtualDevices, secrets, secretArns });
  }

  private async lookAtStacks(): Promise<SeenScope> {
    const { regions, stacks: names } = this.scope;
    const listed: string[] = [];
    const stacks = new Map<string, SeenStack>();
    if (names === undefined) {
      for (const region of regions) {
        const list = await this.calls.list(laneOf(region), (next) => this.stacksIn(region).listStacks(next));
        if (this.isSeen(list, 'cloudformation:ListStacks', { region })) {
          listed.push(region);
          await this.readStacks(region, list.value ?? [], stacks);
        }
      }
    } else {
      for (const stackName of names) {
        await this.lookAtNamed(stackName, stacks);
      }
    }
    return { regions: listed, isWhole: names === undefined, stacks: [...stacks.values()] };
  }

  /** A stack that somebody named, in each region that has it, and its nested stacks. */
  private async lookAtNamed(stackName: string, stacks: Map<string, SeenStack>): Promise<void> {
    const regions = /^arn:/.test(stackName) ? [stackName.split(':')[3] ?? ''] : this.scope.regions;
    let isFound = false;
    for (const region of regions) {
      const look = await this.describe(region, stackName);
      isFound ||= look === undefined;
      if (look !== undefined && look !== 'absent') {
        isFound = true;
        await this.readStacks(region, [look], stacks, true);
      }
    }
    if (!isFound) {
      throw new NoSuchStack(stackName, regions);
    }
  }

  /** @returns `undefined` if it could not be looked at */
  private async describe(region: string, stackName: string): Promise<StackSummary | 'absent' | undefined> {
    const call = () => this.stacksIn(region).describeStack(stackName);
    const look = await this.calls.look(laneOf(region), call, NO_SUCH_STACK);
    if (!this.isSeen(look, 'cloudformation:DescribeStacks', { region, stackName })) {
      return undefined;
    }
    return look.value === undefined || look.value.status === 'DELETE_COMPLETE' ? 'absent' : look.value;
  }

  private async readStacks(
    region: string,
    summaries: readonly StackSummary[],
    stacks: Map<string, SeenStack>,
    withNested = false,
  ): Promise<void> {
    let done = 0;
    await forEach(
      summaries.filter(({ stackId }) => !stacks.has(stackId)),
      async ({ stackId, status }) => {
        const list = (next?: string) => this.stacksIn(region).listStackResources(stackId, next);
        const resources = await this.calls.list(laneOf(region), list, NO_SUCH_STACK);
        this.isSeen(resources, 'cloudformation:ListStackResources', { region, stackName: nameIn(stackId) });
        stacks.set(stackId, { stackId, status, resources });
        this.report('stacks', ++done, summaries.length);
      },
    );
    if (withNested) {
      for (const { resources } of summaries.map(({ stackId }) => stacks.get(stackId)!)) {
        await this.readNested(region, (resources.isSeen && resources.value) || [], stacks);
      }
    }
  }

  private async readNested(
    region: string,
    resources: readonly ResourceSummary[],
    stacks: Map<string, SeenStack>,
  ): Promise<void> {
    for (const { type, physicalId } of resources) {
      if (type === NESTED_STACK_TYPE && physicalId?.startsWith('arn:') === true) {
        const nested = await this.describe(region, physicalId);
        if (nested !== undefined && nested !== 'absent') {
          await this.readStacks(region, [nested], stacks, true);
        }
      }
    }
  }

  private async listVirtualDevices(): Promise<void> {
    this.virtualDevices ??= await this.calls.list(IAM_LANE, (next) =>
      this.environment.ports.iam.listVirtualMFADevices(next),
    );
  }

  private async lookAtDevices(expected: Expected): Promise<void> {
    const inEffect = inEffectOf(expected);
    const secretAmongStacks = secretFinder(expected, this);
    const users = new Set(inEffect.flatMap((each) => (each.kind === 'enrollment' ? [each.userName] : [])));
    const listed = (this.virtualDevices?.isSeen && this.virtualDevices.value) || [];
    const expectedSerials = new Set(inEffect.map(({ serialNumber }) => serialNumber));
    const serials = new Set([...expectedSerials, ...listed.map(({ serialNumber }) => serialNumber)]);
    const total = users.size + serials.size;
    let done = 0;
    const looks = [
      ...[...users].map((userName) => () => this.lookAtUser(userName)),
      ...[...serials].map((serialNumber) => async () => {
        await this.lookAtTags(serialNumber);
        // At once, because IAM's rate is much lower than that of Secrets Manager.
        if (expectedSerials.has(serialNumber)) {
          await this.lookAtSecrets(secretsOf(this.versionsOf([serialNumber]), secretAmongStacks));
        }
      }),
    ];
    await forEach(looks, async (look) => {
      await look();
      this.report('devices', ++done, total);
    });
    const isElsewhere = inEffect.some((each) => each.kind === 'enrollment' && !this.isOn(each));
    if (isElsewhere) {
      await this.listVirtualDevices();
    }
  }

  private async lookAtUser(userName: string): Promise<void> {
    if (this.enabledDevices.has(userName)) {
      return;
    }
    const list = (next?: string) => this.environment.ports.iam.listMFADevices(userName, next);
    this.enabledDevices.set(userName, await this.calls.list(IAM_LANE, list, NO_SUCH_ENTITY));
  }

  private async lookAtTags(serialNumber: string): Promise<void> {
    if (isVirtual(serialNumber) && !this.tags.has(serialNumber)) {
      const list = (next?: string) => this.environment.ports.iam.listMFADeviceTags(serialNumber, next);
      this.tags.set(serialNumber, await this.calls.list(IAM_LANE, list, NO_SUCH_ENTITY));
    }
  }

  private isOn({ userName, serialNumber }: { readonly userName: string; readonly serialNumber: string }): boolean {
    const devices = this.enabledDevices.get(userName);
    return devices?.isSeen === true && devices.value?.some((each) => each.serialNumber === serialNumber) === true;
  }

  /** Devices of enrolled users that no enrollment declares for them: their tags may say who does. */
  private async lookAtFurtherDevices(expected: Expected): Promise<void> {
    const further = [...this.enabledDevices].flatMap(([userName, look]) =>
      furtherDevices(userName, (look.isSeen && look.value) || [], expected),
    );
    await forEach(further, ({ serialNumber }) => this.lookAtTags(serialNumber));
  }

  /** The secrets of expected devices that are not resources of the inspected stacks are found in the lists of all. */
  private async lookAtFurtherSecrets(expected: Expected, { stacks }: SeenScope): Promise<void> {
    const versions = this.versionsOf(inEffectOf(expected).map(({ serialNumber }) => serialNumber));
    const amongStacks = secretFinder(expected, this);
    if (versions.every((version) => amongStacks(version) !== undefined)) {
      return;
    }
    const regions = new Set([...this.scope.regions, ...stacks.map(({ stackId }) => stackId.split(':')[3] ?? '')]);
    for (const region of regions) {
      const list = (next?: string) => this.environment.ports.secrets(region).listSecrets(next);
      this.secretArns.set(region, await this.calls.list(secretsLaneOf(region), list));
    }
    await this.lookAtSecrets(secretsOf(versions, secretFinder(expected, this)));
  }

  private async lookAtSecrets(arns: readonly string[]): Promise<void> {
    await forEach(
      arns.filter((arn) => !this.secrets.has(arn)),
      async (arn) => {
        const region = arn.split(':')[3] ?? '';
        const call = () => this.environment.ports.secrets(region).describeSecret(arn);
        this.secrets.set(arn, await this.calls.look(secretsLaneOf(region), call, NO_SUCH_SECRET));
      },
    );
  }

  /** The versions of secrets that hold the seeds of devices, as their tags say. */
  private versionsOf(serialNumbers: Iterable<string>): SeedVersion[] {
    return [...new Set(serialNumbers)].flatMap((serialNumber) => {
      const tags = this.tags.get(serialNumber);
      const version = seedVersionOf(seedVersionIn((tags?.isSeen && tags.value) || []), serialNumber);
      return version === undefined ? [] : [version];
    });
  }

  private isSeen<T>(look: Look<T>, action: ReadAction, subject: Subject): look is Extract<Look<T>, { isSeen: true }> {
    if (!look.isSeen) {
      const { why: code, error } = look;
      this.missed.push({ code, action, ...(error.code !== undefined && { errorCode: error.code }), subject });
    }
    return look.isSeen;
  }

  private report(phase: Progress['phase'], done: number, total: number): void {
    this.environment.onProgress?.({ phase, done, total });
  }

  private stacksIn(region: string) {
    return this.environment.ports.stacks(region);
  }
}

function inEffectOf({ resources }: Expected): Expected['resources'] {
  return resources.filter(({ state }) => state === 'in effect');
}

/** The secrets that are found for versions, each once. */
function secretsOf(versions: readonly SeedVersion[], find: (version: SeedVersion) => string | undefined): string[] {
  return [...new Set(versions.map(find).filter((arn) => arn !== undefined))];
}

function secretsLaneOf(region: string): string {
  return `secretsmanager ${region}`;
}

function laneOf(region: string): string {
  return `cloudformation ${region}`;
}

function nameIn(stackId: string): string {
  return stackId.split('/')[1] ?? stackId;
}
