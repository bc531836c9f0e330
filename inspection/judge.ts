import { isInTimeFor, isSameUser } from '../lambda/claims/device-tags';
import { type Look } from './calls';
import { claimsIn, ClaimStatuses, type SeenClaim, seedVersionIn } from './device-claims';
import {
  type Expected,
  type ExpectedDevice,
  type ExpectedEnrollment,
  expectedIn,
  type ExpectedResource,
  type SeenScope,
} from './expected';
import {
  type EnabledDevice,
  type ReadAction,
  type ReadError,
  type SecretDescription,
  type Tag,
  type VirtualDevice,
} from './ports';
import { type FindingCode, type Inspection, type Missed, type Row, type Subject, type UndecidedCode } from './report';
import { problemOfSeed, secretsByHash, type SeedVersion, seedVersionOf } from './seeds';
import { type Details, finding, undecided } from './texts';

/** The user that a device is enabled for, and since when, in milliseconds since the epoch. */
interface Holder {
  readonly userName: string;
  readonly enabledAt?: number;
}

/** What there is. What is absent was not needed. A look that saw `undefined` found that it does not exist. */
export interface Actual {
  /** By user. */
  readonly enabledDevices: ReadonlyMap<string, Look<readonly EnabledDevice[] | undefined>>;
  /** By serial number. */
  readonly tags: ReadonlyMap<string, Look<readonly Tag[] | undefined>>;
  readonly virtualDevices?: Look<readonly VirtualDevice[] | undefined>;
  /** By ARN. */
  readonly secrets: ReadonlyMap<string, Look<SecretDescription | undefined>>;
  /** The ARNs of all secrets, by region. */
  readonly secretArns: ReadonlyMap<string, Look<readonly string[] | undefined>>;
  /** What could not be looked at before anything was expected: stacks and their resources. */
  readonly missed: readonly Missed[];
}

/** Finds the secret that a seed is in: one of a stack, or one of all. */
export function secretFinder(
  { secretArns }: Expected,
  actual: Pick<Actual, 'secretArns'>,
): (version: SeedVersion) => string | undefined {
  const listed = [...actual.secretArns.values()].flatMap((look) => (look.isSeen && look.value) || []);
  const byHash = secretsByHash([...listed, ...secretArns]);
  return ({ secretHash }) => byHash.get(secretHash);
}

/** Whether a serial number is that of a virtual device. Only these have tags here. */
export function isVirtual(serialNumber: string): boolean {
  return /^arn:[^:]+:iam::\d{12}:mfa\//.test(serialNumber);
}

/** The devices of a user that no resource declares for that user. */
export function furtherDevices(
  userName: string,
  devices: readonly EnabledDevice[],
  { resources }: Expected,
): readonly EnabledDevice[] {
  const declared = resources.flatMap((each) =>
    each.kind === 'enrollment' && each.userName === userName ? [each.serialNumber] : [],
  );
  return devices.filter(({ serialNumber }) => !declared.includes(serialNumber));
}

/** Compares what there is with what should be there. */
export function judge(scope: SeenScope, actual: Actual): Inspection {
  return new Judge(scope, actual).inspection();
}

class Judge {
  private readonly expected: Expected;
  private readonly statuses: ClaimStatuses;
  private readonly inEffect: readonly ExpectedResource[];
  private readonly declaredSerials: ReadonlySet<string>;
  private readonly findings: Inspection['findings'][number][] = [];
  private readonly undecided: Inspection['undecided'][number][] = [];
  private readonly missed = new Map<ReadError, Missed>();
  /** Codes of what is known to be wrong or not known, by the owners that it is about. */
  private readonly wrong = new Map<string, string[]>();
  private readonly unknown = new Map<string, string[]>();
  private readonly holders: ReadonlyMap<string, Holder>;
  private readonly secretOf: ReturnType<typeof secretFinder>;

  constructor(
    private readonly scope: SeenScope,
    private readonly actual: Actual,
  ) {
    this.expected = expectedIn(scope);
    this.statuses = new ClaimStatuses(this.expected, scope);
    this.inEffect = this.expected.resources.filter(({ state }) => state === 'in effect');
    this.declaredSerials = new Set(this.inEffect.map(({ serialNumber }) => serialNumber));
    this.holders = this.holdersSeen();
    this.secretOf = secretFinder(this.expected, actual);
  }

  inspection(): Inspection {
    for (const resource of this.expected.unreadable) {
      this.leaveOpen('PHYSICAL_ID_UNREADABLE', subjectOf(resource), [resource.owner]);
    }
    for (const serialNumber of this.declaredSerials) {
      this.judgeDevice(serialNumber);
    }
    for (const resource of this.inEffect) {
      if (resource.kind === 'enrollment') {
        this.judgeEnrollment(resource);
      }
    }
    this.judgeUsers();
    this.judgeOrphans();
    const missed = [...this.actual.missed, ...this.missed.values()];
    return {
      rows: this.rows(),
      findings: this.findings,
      undecided: this.undecided,
      missed,
      isComplete: missed.length === 0,
    };
  }

  /** Whether the device exists, what its tags say, and where its seed is. */
  private judgeDevice(serialNumber: string): void {
    const resources = this.inEffect.filter((each) => each.serialNumber === serialNumber);
    const owners = resources.map(({ owner }) => owner);
    const main = resources.find(({ kind }) => kind === 'device') ?? resources[0]!;
    const tags = this.actual.tags.get(serialNumber);
    if (tags === undefined || !tags.isSeen) {
      this.miss(tags, 'iam:ListMFADeviceTags', { serialNumber }, owners);
      return;
    }
    if (tags.value === undefined) {
      this.find('DEVICE_MISSING', subjectOf(main), owners);
      return;
    }
    const keys = tags.value.map(({ key }) => key);
    for (const resource of resources) {
      if (!keys.includes(resource.claimKey)) {
        const code = resource.kind === 'device' ? 'DEVICE_CLAIM_MISSING' : 'CLAIM_MISSING';
        this.find(code, subjectOf(resource), [resource.owner]);
      }
    }
    this.judgeSeed(main, tags.value, owners);
  }

  private judgeSeed(main: ExpectedResource, tags: readonly Tag[], owners: readonly string[]): void {
    const { serialNumber } = main;
    const id = seedVersionIn(tags);
    const version = seedVersionOf(id, serialNumber);
    if (version === undefined) {
      const isOurs = main.kind === 'device' || id !== undefined;
      return this.leaveOpen(isOurs ? 'SEED_VERSION_MISSING' : 'SEED_NOT_CHECKED', subjectOf(main), owners);
    }
    const secretArn = this.secretOf(version);
    if (secretArn === undefined) {
      const lists = [...this.actual.secretArns].filter(([, look]) => !look.isSeen);
      for (const [region, look] of lists) {
        this.miss(look, 'secretsmanager:ListSecrets', { region }, owners);
      }
      return lists.length > 0 ? undefined : this.leaveOpen('SECRET_NOT_FOUND', subjectOf(main), owners);
    }
    const secret = this.actual.secrets.get(secretArn);
    if (secret === undefined || !secret.isSeen) {
      return this.miss(secret, 'secretsmanager:DescribeSecret', { secretArn }, owners);
    }
    const problem = problemOfSeed(secret.value, version, serialNumber);
    if (problem !== undefined) {
      this.find(problem.code, { ...subjectOf(main), secretArn }, owners, problem);
    }
  }

  private judgeEnrollment(enrollment: ExpectedEnrollment): void {
    const { userName, serialNumber, owner } = enrollment;
    const devices = this.actual.enabledDevices.get(userName);
    if (devices === undefined || !devices.isSeen) {
      return this.miss(devices, 'iam:ListMFADevices', { userName }, [owner]);
    }
    if (devices.value === undefined) {
      return this.find('USER_MISSING', subjectOf(enrollment), [owner]);
    }
    const enabled = devices.value.find((device) => device.serialNumber === serialNumber);
    if (enabled !== undefined) {
      return this.judgeTime(enrollment, enabled);
    }
    if (this.isMissing(serialNumber)) {
      return;
    }
    const { virtualDevices } = this.actual;
    if (virtualDevices?.isSeen === false) {
      this.miss(virtualDevices, 'iam:ListVirtualMFADevices', {}, [owner]);
    }
    const holder = this.holders.get(serialNumber)?.userName;
    const code = holder === undefined || isSameUser(holder, userName) ? 'DEVICE_OFF' : 'DEVICE_ON_OTHER_USER';
    this.find(code, subjectOf(enrollment), [owner], { holder });
  }

  /** Tags can be copied to a device of the same name. When a device was enabled can't be forged. */
  private judgeTime({ claimKey, ...enrollment }: ExpectedEnrollment, { enabledAt }: EnabledDevice): void {
    const { userName, serialNumber, owner } = enrollment;
    const claims = this.claimsOn(serialNumber)?.filter(({ claim }) => isSameUser(claim.user, userName)) ?? [];
    const isClaimed = claims.some(({ key }) => key === claimKey);
    if (isClaimed && enabledAt !== undefined && !claims.some(({ claim }) => isInTimeFor(claim, enabledAt))) {
      this.leaveOpen('ENABLED_BY_OTHERS', subjectOf(enrollment), [owner]);
    }
  }

  /** Devices that are enabled for an enrolled user, and that no enrollment declares for that user. */
  private judgeUsers(): void {
    const enrolled = this.inEffect.flatMap((each) => (each.kind === 'enrollment' ? [each] : []));
    for (const userName of new Set(enrolled.map((each) => each.userName))) {
      const devices = this.actual.enabledDevices.get(userName);
      const owners = enrolled.filter((each) => each.userName === userName).map(({ owner }) => owner);
      const enabled = (devices?.isSeen && devices.value) || [];
      const further = furtherDevices(userName, enabled, this.expected);
      const isOnlyMfa = further.length === enabled.length;
      for (const { serialNumber } of further) {
        // A device that is declared for somebody else is a finding there.
        if (!this.declaredSerials.has(serialNumber)) {
          this.judgeFurther({ userName, serialNumber }, owners, { isOnlyMfa });
        }
      }
    }
  }

  private judgeFurther(
    subject: { readonly userName: string; readonly serialNumber: string },
    owners: readonly string[],
    details: Details,
  ): void {
    const tags = isVirtual(subject.serialNumber) ? this.actual.tags.get(subject.serialNumber) : undefined;
    if (tags?.isSeen === false) {
      return this.miss(tags, 'iam:ListMFADeviceTags', { serialNumber: subject.serialNumber }, owners);
    }
    const claims = claimsIn((tags?.isSeen && tags.value) || []).filter(
      ({ kind, claim }) => kind === 'enrollment' && isSameUser(claim.user, subject.userName),
    );
    if (claims.length === 0) {
      return this.find('UNEXPECTED_DEVICE', subject, owners, details);
    }
    // Orphaned claims are findings of their own, and so is what may have been retained.
    const elsewhere = claims.filter((claim) => this.statuses.of(claim, subject.serialNumber) === 'not inspected');
    if (!this.scope.isWhole) {
      elsewhere.forEach((claim) => this.leaveOpen('CLAIM_NOT_CHECKED', { ...subject, ...claimSubject(claim) }, owners));
    }
  }

  /** Claims and devices that nobody relies on. */
  private judgeOrphans(): void {
    const { virtualDevices } = this.actual;
    if (this.scope.isWhole && (virtualDevices === undefined || !virtualDevices.isSeen)) {
      this.miss(virtualDevices, 'iam:ListVirtualMFADevices', {}, []);
    }
    for (const [serialNumber, tags] of this.actual.tags) {
      if (!tags.isSeen) {
        this.miss(tags, 'iam:ListMFADeviceTags', { serialNumber }, []);
      } else if (tags.value !== undefined) {
        this.judgeClaims(serialNumber, tags.value);
      }
    }
  }

  private judgeClaims(serialNumber: string, tags: readonly Tag[]): void {
    const all = claimsIn(tags);
    const claims = all
      .filter(({ owner }) => this.scope.isWhole || this.expected.stacks.has(owner.split('/')[0]!))
      .map((claim) => ({ claim, status: this.statuses.of(claim, serialNumber) }));
    const ofDevice = claims.filter(({ claim }) => claim.kind === 'device');
    const isOurs = seedVersionIn(tags) !== undefined || ofDevice.length > 0;
    const isOrphan = ofDevice.every(({ status }) => status === 'orphaned') && !this.isDeclared(serialNumber);
    const { userName: holder, enabledAt } = this.holders.get(serialNumber) ?? {};
    const isReliedOn = this.isReliedOn(serialNumber);
    /** Whether the library enabled the device, as a claim says, nobody has enabled it since, and nobody relies on it. */
    const mayDeactivate = ({ kind, claim }: SeenClaim) =>
      kind === 'enrollment' &&
      claim.kind === 'enabled' &&
      isSameUser(claim.user, holder) &&
      enabledAt !== undefined &&
      isInTimeFor(claim, enabledAt) &&
      !isReliedOn;
    if (this.scope.isWhole && isOurs && isOrphan && !isReliedOn) {
      const details = { holder, mayDeactivate: all.some(mayDeactivate) };
      return this.find('ORPHANED_DEVICE', { serialNumber, userName: holder }, [], details);
    }
    const isLast = all.filter(({ kind }) => kind === 'enrollment').length === 1;
    for (const { claim, status } of claims) {
      const subject = { serialNumber, ...claimSubject(claim) };
      switch (status) {
        case 'orphaned':
          this.find('ORPHANED_CLAIM', subject, [], { holder, mayDeactivate: isLast && mayDeactivate(claim) });
          break;
        case 'perhaps retained':
          this.leaveOpen('CLAIM_PERHAPS_RETAINED', subject, []);
          break;
        case 'not inspected':
          this.leaveOpen('CLAIM_NOT_CHECKED', subject, []);
          break;
        default:
          break;
      }
    }
  }

  /** Whether an enrollment may rely on a device, and nobody must deactivate it. What can't be looked at counts, too. */
  private isReliedOn(serialNumber: string): boolean {
    return (
      this.expected.resources.some((each) => each.kind === 'enrollment' && each.serialNumber === serialNumber) ||
      this.claimsOn(serialNumber)?.some(
        (each) => each.kind === 'enrollment' && this.statuses.of(each, serialNumber) !== 'orphaned',
      ) !== false
    );
  }

  /** The claims on a device; `undefined` if its tags could not be read. */
  private claimsOn(serialNumber: string): readonly SeenClaim[] | undefined {
    const tags = this.actual.tags.get(serialNumber);
    return tags?.isSeen === true ? claimsIn(tags.value ?? []) : undefined;
  }

  /** Whether a resource declares a device as its own, whatever its state. */
  private isDeclared(serialNumber: string): boolean {
    return this.expected.resources.some((each) => each.kind === 'device' && each.serialNumber === serialNumber);
  }

  private isMissing(serialNumber: string): boolean {
    const tags = this.actual.tags.get(serialNumber);
    return tags?.isSeen === true && tags.value === undefined;
  }

  private holdersSeen(): ReadonlyMap<string, Holder> {
    const { virtualDevices, enabledDevices } = this.actual;
    const listed = (virtualDevices?.isSeen && virtualDevices.value) || [];
    return new Map([
      ...listed.flatMap(({ serialNumber, userName, enabledAt }) =>
        userName === undefined ? [] : [[serialNumber, { userName, enabledAt }] as const],
      ),
      ...[...enabledDevices].flatMap(([userName, look]) =>
        ((look.isSeen && look.value) || []).map(
          ({ serialNumber, enabledAt }) => [serialNumber, { userName, enabledAt }] as const,
        ),
      ),
    ]);
  }

  private find(code: FindingCode, subject: Subject, owners: readonly string[], details?: Details): void {
    this.findings.push(finding(code, subject, details));
    owners.forEach((owner) => add(this.wrong, owner, code));
  }

  private leaveOpen(code: UndecidedCode, subject: Subject, owners: readonly string[]): void {
    this.undecided.push(undecided(code, subject, this.isOutside(subject)));
    owners.forEach((owner) => add(this.unknown, owner, code));
  }

  /** Whether all stacks of some regions were asked for, and this is in none of them. */
  private isOutside({ region = '' }: Subject): boolean {
    const { isWhole, regions } = this.scope;
    return isWhole && !regions.includes(region) && !this.actual.missed.some(({ subject }) => subject.region === region);
  }

  /** @param look `undefined` if it was not made, because what leads to it could not be looked at */
  private miss(look: Look<unknown> | undefined, action: ReadAction, subject: Subject, owners: readonly string[]): void {
    if (look === undefined || look.isSeen) {
      owners.forEach((owner) => add(this.unknown, owner, 'NOT_INSPECTED'));
      return;
    }
    const { error, why } = look;
    this.missed.set(error, { code: why, action, ...(error.code !== undefined && { errorCode: error.code }), subject });
    owners.forEach((owner) => add(this.unknown, owner, why));
  }

  /** A row for each enrollment, and for each device without one. */
  private rows(): Row[] {
    const { resources, unreadable } = this.expected;
    const enrolled = new Set(resources.flatMap((each) => (each.kind === 'enrollment' ? [each.serialNumber] : [])));
    const shown = resources.filter((each) => each.kind === 'enrollment' || !enrolled.has(each.serialNumber));
    return [
      ...shown.map((each) => this.rowOf(each)),
      ...unreadable.map(({ kind, region, stackName, logicalId, owner }) => ({
        ...{ kind, region, stackName, logicalId, state: 'unknown' as const },
        codes: this.unknown.get(owner) ?? [],
      })),
    ];
  }

  private rowOf(resource: ExpectedEnrollment | ExpectedDevice): Row {
    const { kind, region, stackName, logicalId, serialNumber, owner, state } = resource;
    const userName = resource.kind === 'enrollment' ? resource.userName : undefined;
    const devices = userName === undefined ? undefined : this.actual.enabledDevices.get(userName);
    const enabled = (devices?.isSeen && devices.value) || [];
    const related = [owner, ...this.ownersOfDevice(serialNumber)];
    const codesIn = (codes: ReadonlyMap<string, string[]>) => [
      ...new Set(related.flatMap((each) => codes.get(each) ?? [])),
    ];
    const [wrong, unknown] = state === 'in effect' ? [codesIn(this.wrong), codesIn(this.unknown)] : [[], []];
    return {
      ...{ kind, region, stackName, logicalId, userName, serialNumber },
      enabledAt: enabled.find((device) => device.serialNumber === serialNumber)?.enabledAt,
      state: state !== 'in effect' ? state : wrong.length > 0 ? 'finding' : unknown.length > 0 ? 'unknown' : 'ok',
      codes: [...wrong, ...unknown],
    };
  }

  /** The row of an enrollment also has the codes of the device's resource. */
  private ownersOfDevice(serialNumber: string): string[] {
    return this.inEffect.flatMap((each) =>
      each.kind === 'device' && each.serialNumber === serialNumber ? [each.owner] : [],
    );
  }
}

function subjectOf(resource: Partial<Subject> & { readonly userName?: string }): Subject {
  const { region, stackName, logicalId, userName, serialNumber } = resource;
  return {
    region,
    stackName,
    logicalId,
    ...(userName !== undefined && { userName }),
    ...(serialNumber !== undefined && { serialNumber }),
  };
}

function claimSubject({ key, place, owner }: SeenClaim): Subject {
  return { ...place, logicalId: owner.slice(owner.indexOf('/') + 1), tagKey: key };
}

function add(codes: Map<string, string[]>, owner: string, code: string): void {
  const known = codes.get(owner) ?? [];
  if (!known.includes(code)) {
    codes.set(owner, [...known, code]);
  }
}
