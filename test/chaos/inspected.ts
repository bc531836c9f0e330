import {
  DEVICE_CLAIM_PREFIX,
  DEVICE_RESOURCE_TYPE,
  ENROLLMENT_CLAIM_PREFIX,
  ENROLLMENT_RESOURCE_TYPE,
  SEED_PREFIX,
} from '../../lib/contract';
import { inspect } from '../../inspection/inspect';
import type { Finding, FindingCode, Undecided } from '../../inspection/report';
import type { StackDescription } from '../../local/cloudformation';
import { STACKS } from './declaration';
import { uuidOf } from './invariants';
import { gotDelete } from './leaving';
import { REGION } from './synthesis';
import type { World } from './world';

/*
 * An inspection finds exactly what is wrong. The harness knows that without marks and versions: it knows who created
 * which device, reads the secrets, and saw every request.
 */

const STABLE = ['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'UPDATE_ROLLBACK_COMPLETE'];
const ORPHANED: readonly FindingCode[] = ['ORPHANED_CLAIM', 'ORPHANED_DEVICE'];
const OF_SEED: readonly FindingCode[] = [
  'SEED_OVERWRITTEN',
  'SEED_OF_OTHER_DEVICE',
  'SECRET_MISSING',
  'SECRET_SCHEDULED_FOR_DELETION',
];

/** Inspects the account while nothing runs, and compares the result with the truth. */
export async function checkInspected(
  world: World,
  { administrators }: { readonly administrators: boolean },
): Promise<void> {
  const stacks = STACKS.map((stack) => world.cloudFormation.describeStack(stack)).filter(
    (stack) => stack !== undefined && stack.status !== 'DELETE_COMPLETE',
  ) as StackDescription[];
  const { findings, undecided, missed } = await inspect(
    { regions: [REGION] },
    {
      ports: world.readPorts(),
      // The inspection takes no time, so the history goes on as it would without.
      clock: { now: () => world.clock.now(), sleep: () => Promise.resolve() },
      random: () => 0.5,
    },
  );
  if (missed.length > 0) {
    world.violated('inspected', `could not look: ${JSON.stringify(missed)}`);
  }
  if (!stacks.every(({ status }) => STABLE.includes(status) || status === 'ROLLBACK_COMPLETE')) {
    return; // CloudFormation itself says that something is wrong
  }
  const wasAbandoned = world.events.some(({ status }) => status === 'DELETE_FAILED');
  const truth = new Truth(
    world,
    stacks.filter(({ status }) => STABLE.includes(status)),
  );
  // A Create that wrote its claim after its Delete, and lost its permissions or its life then, leaves the claim behind.
  const unexpected = findings.find(
    ({ code, subject }) => !ORPHANED.includes(code) || !truth.isLeftBehind(subject.serialNumber!, subject.tagKey),
  );
  if (!administrators && !wasAbandoned && unexpected !== undefined) {
    world.violated(
      'inspected',
      `found ${textOf(unexpected)}, though nobody did anything`,
      unexpected.subject.serialNumber,
    );
  }
  const found = findings.filter(({ code }) => !ORPHANED.includes(code)).map(textOf);
  const expected = truth.findings();
  for (const each of found.filter((text) => !expected.includes(text))) {
    world.violated('inspected', `found ${each}, which is not so`);
  }
  for (const each of expected.filter((text) => !found.includes(text))) {
    world.violated('inspected', `did not find ${each}`);
  }
  const orphans = findings.filter(({ code }) => ORPHANED.includes(code));
  for (const { code, subject } of orphans) {
    if (!truth.isOrphan(subject.serialNumber!, subject.tagKey)) {
      world.violated('inspected', `found ${code} ${subject.serialNumber} ${subject.tagKey}, which is not so`);
    }
  }
  checkEnablings(world, truth, undecided);
  const told = [...orphans, ...undecided];
  for (const { serialNumber, key } of truth.abandonedClaims()) {
    const isTold = told.some(
      ({ subject }) =>
        subject.serialNumber === serialNumber && (subject.tagKey === key || subject.tagKey === undefined),
    );
    if (!isTold) {
      world.violated('inspected', `did not tell of the abandoned claim ${key} on ${serialNumber}`);
    }
  }
}

/** An enrollment is told of if others enabled its device and its claims show that, and not if the library did. */
function checkEnablings(world: World, truth: Truth, undecided: readonly Undecided[]): void {
  const told = undecided.flatMap(({ code, subject }) =>
    code === 'ENABLED_BY_OTHERS' ? [`${subject.logicalId} ${subject.serialNumber}`] : [],
  );
  for (const { logicalId, serialNumber, mayBeOthers, mustBeOthers } of truth.enrolled()) {
    const isTold = told.includes(`${logicalId} ${serialNumber}`);
    if (isTold && !mayBeOthers) {
      world.violated('inspected', `found that others enabled ${serialNumber}, though the library did`);
    }
    if (!isTold && mustBeOthers) {
      world.violated('inspected', `did not find that others enabled ${serialNumber}`);
    }
  }
}

/** A finding in words. What is wrong with a seed is one thing. */
function textOf({ code, subject }: Pick<Finding, 'code' | 'subject'>): string {
  const { logicalId, serialNumber, userName } = subject;
  if (code === 'DEVICE_MISSING') {
    return `${code} ${serialNumber}`;
  }
  return OF_SEED.includes(code)
    ? `seed or secret ${serialNumber}`
    : `${code} ${[logicalId, serialNumber, userName].filter((part) => part !== undefined).join(' ')}`;
}

interface DeclaredResource {
  readonly logicalId: string;
  readonly isEnrollment: boolean;
  readonly isDevice: boolean;
  readonly userName: string | undefined;
  readonly serialNumber: string;
  readonly claimKey: string;
}

class Truth {
  private readonly state: ReturnType<World['iam']['state']>;
  private readonly resources: readonly DeclaredResource[];

  constructor(
    private readonly world: World,
    stacks: readonly StackDescription[],
  ) {
    this.state = world.iam.state();
    this.resources = stacks.flatMap(({ stackId, resources }) =>
      resources.map(({ logicalId, type, physicalId }) => {
        const parts = physicalId.split('|');
        const isEnrollment = type === ENROLLMENT_RESOURCE_TYPE;
        return {
          ...{ logicalId, isEnrollment, isDevice: type === DEVICE_RESOURCE_TYPE },
          userName: isEnrollment ? parts[0]! : undefined,
          serialNumber: isEnrollment ? parts[1]! : parts[0]!,
          claimKey: `${isEnrollment ? ENROLLMENT_CLAIM_PREFIX : DEVICE_CLAIM_PREFIX}${uuidOf(stackId)}/${logicalId}`,
        };
      }),
    );
  }

  findings(): string[] {
    const { users, devices } = this.state;
    const found: { code: FindingCode; subject: Finding['subject'] }[] = [];
    const ours = this.resources.filter(({ isEnrollment, isDevice }) => isEnrollment || isDevice);
    const enrollments = ours.filter(({ isEnrollment }) => isEnrollment);
    for (const { logicalId, isEnrollment, userName, serialNumber, claimKey } of ours) {
      const device = devices.find((each) => each.serialNumber === serialNumber);
      const subject = { logicalId, serialNumber, userName };
      const hasUser = users.some((user) => user.userName === userName);
      if (isEnrollment && !hasUser) {
        found.push({ code: 'USER_MISSING', subject });
      }
      if (device === undefined) {
        found.push({ code: 'DEVICE_MISSING', subject });
        continue;
      }
      if (device.tags[claimKey] === undefined) {
        found.push({ code: isEnrollment ? 'CLAIM_MISSING' : 'DEVICE_CLAIM_MISSING', subject });
      }
      if (isEnrollment && hasUser && device.userName !== userName) {
        found.push({ code: device.userName === undefined ? 'DEVICE_OFF' : 'DEVICE_ON_OTHER_USER', subject });
      }
      if (this.hasLostSeed(serialNumber, device.tags)) {
        found.push({ code: 'SEED_OVERWRITTEN', subject });
      }
    }
    const enrolled = new Set(enrollments.map(({ userName }) => userName));
    for (const { serialNumber, userName, tags } of devices) {
      const isDeclared = ours.some((each) => each.serialNumber === serialNumber);
      const isClaimed = Object.entries(tags).some(
        ([key, value]) => key.startsWith(ENROLLMENT_CLAIM_PREFIX) && value.split(' ')[1] === userName,
      );
      const isOwnDevice = enrollments.some((each) => each.serialNumber === serialNumber && each.userName === userName);
      const isOthers = enrollments.some((each) => each.serialNumber === serialNumber && each.userName !== userName);
      if (enrolled.has(userName) && userName !== undefined && !isOwnDevice && !isOthers && !isClaimed) {
        if (!isDeclared) {
          found.push({ code: 'UNEXPECTED_DEVICE', subject: { serialNumber, userName } });
        }
      }
    }
    return [...new Set(found.map(textOf))];
  }

  /** Enrollments with a claim on a device that is enabled for their user, and who can or must have enabled it. */
  enrolled(): readonly {
    readonly logicalId: string;
    readonly serialNumber: string;
    readonly mayBeOthers: boolean;
    readonly mustBeOthers: boolean;
  }[] {
    const { enablings } = this.world;
    return this.resources.flatMap(({ isEnrollment, logicalId, serialNumber, userName, claimKey }) => {
      const device = this.state.devices.find((each) => each.serialNumber === serialNumber);
      return isEnrollment && device?.userName === userName && device?.tags[claimKey] !== undefined
        ? [
            {
              ...{ logicalId, serialNumber },
              mayBeOthers: enablings.mayBeOthers(serialNumber, device.tags),
              mustBeOthers: enablings.mustBeOthers(serialNumber, device.tags),
            },
          ]
        : [];
    });
  }

  /** Whether the secret of a device that the library created does not hold its seed, although a tag says that it does. */
  private hasLostSeed(serialNumber: string, tags: Readonly<Record<string, string>>): boolean {
    const birth = this.world.births.of(serialNumber)!;
    const isTagged = Object.keys(tags).some((key) => key.startsWith(SEED_PREFIX));
    return birth.by === 'library' && isTagged && !this.world.holdsSeed(birth.secretArn!, undefined, serialNumber);
  }

  /** Whether a Delete has failed to remove a claim, or a device that the library created is left without any. */
  isOrphan(serialNumber: string, key: string | undefined): boolean {
    const isDeclared = this.resources.some((each) => each.isDevice && each.serialNumber === serialNumber);
    if (key !== undefined) {
      return this.abandonedClaims().some((each) => each.serialNumber === serialNumber && each.key === key);
    }
    const keys = Object.keys(this.world.tagsOf(serialNumber, DEVICE_CLAIM_PREFIX));
    const abandoned = this.abandonedClaims().filter((each) => each.serialNumber === serialNumber);
    const isOurs = this.world.births.of(serialNumber)?.by === 'library';
    return isOurs && !isDeclared && keys.every((each) => abandoned.some((claim) => claim.key === each));
  }

  /** Whether everything that makes this an orphan is of requests that could not finish. */
  isLeftBehind(serialNumber: string, key: string | undefined): boolean {
    const left = this.abandonedClaims().filter(
      (claim) => claim.serialNumber === serialNumber && (key === undefined || claim.key === key),
    );
    return left.length > 0 && left.every((claim) => this.world.cutShort.has(claim.owner));
  }

  /** Claims whose resource got a Delete, but is gone from its stack. */
  abandonedClaims(): readonly { readonly serialNumber: string; readonly key: string; readonly owner: string }[] {
    return this.state.devices.flatMap(({ serialNumber, tags }) =>
      Object.entries(tags).flatMap(([key, value]) => {
        const prefix = [ENROLLMENT_CLAIM_PREFIX, DEVICE_CLAIM_PREFIX].find((each) => key.startsWith(each));
        const isDeclared = this.resources.some((each) => each.claimKey === key && each.serialNumber === serialNumber);
        const creation = value.split(' ')[prefix === ENROLLMENT_CLAIM_PREFIX ? 2 : 0]!;
        const owner = key.slice(prefix?.length);
        return prefix !== undefined && !isDeclared && gotDelete(this.world.requests, owner, creation)
          ? [{ serialNumber, key, owner }]
          : [];
      }),
    );
  }
}
