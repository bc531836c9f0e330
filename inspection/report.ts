import { type Obstacle } from './calls';
import { type ReadAction } from './ports';

/** The codes of findings. They are stable: scripts rely on them. */
export const FINDING_CODES = [
  'DEVICE_OFF',
  'DEVICE_MISSING',
  'DEVICE_ON_OTHER_USER',
  'USER_MISSING',
  'CLAIM_MISSING',
  'DEVICE_CLAIM_MISSING',
  'SEED_OVERWRITTEN',
  'SEED_OF_OTHER_DEVICE',
  'SECRET_MISSING',
  'SECRET_SCHEDULED_FOR_DELETION',
  'UNEXPECTED_DEVICE',
  'ORPHANED_CLAIM',
  'ORPHANED_DEVICE',
] as const;
export type FindingCode = (typeof FINDING_CODES)[number];

/** The codes of what nobody can decide from what there is to see. */
export const UNDECIDED_CODES = [
  'SEED_NOT_CHECKED',
  'SEED_VERSION_MISSING',
  'SECRET_NOT_FOUND',
  'ENABLED_BY_OTHERS',
  'CLAIM_NOT_CHECKED',
  'CLAIM_PERHAPS_RETAINED',
  'PHYSICAL_ID_UNREADABLE',
] as const;
export type UndecidedCode = (typeof UNDECIDED_CODES)[number];

/** What something is about. What does not apply is absent. */
export interface Subject {
  readonly region?: string;
  readonly stackName?: string;
  readonly logicalId?: string;
  readonly userName?: string;
  readonly serialNumber?: string;
  readonly secretArn?: string;
  /** Of an orphaned claim: the key of its tag. */
  readonly tagKey?: string;
}

/** Something that is not as it should be. */
export interface Finding {
  readonly code: FindingCode;
  readonly subject: Subject;
  /** What is wrong. */
  readonly message: string;
  /** What to do next. */
  readonly next: string;
  /**
   * A command of the AWS CLI that does it, for a shell. Absent: no command does, or a name in it could mean something else
   * to a shell.
   */
  readonly command?: string;
}

/** Something that could be looked at, and says neither that it is right nor that it is wrong. */
export interface Undecided {
  readonly code: UndecidedCode;
  readonly subject: Subject;
  readonly message: string;
}

/** Something that could not be looked at. */
export interface Missed {
  readonly code: Obstacle;
  readonly action: ReadAction;
  /** AWS's error code; absent: there was no response. */
  readonly errorCode?: string;
  readonly subject: Subject;
}

/**
 * How an enrollment or a device is:
 *
 * - `ok`: everything that could be checked is as it should be
 * - `finding`: something is not as it should be
 * - `unknown`: something could not be looked at, or not be decided
 * - `in progress`: an operation on its resource runs, so it was skipped
 * - `failed`: CloudFormation reports that its Create or Delete failed, so it was skipped
 */
export type RowState = 'ok' | 'finding' | 'unknown' | 'in progress' | 'failed';

/** One expected enrollment, or a device that no inspected enrollment names. */
export interface Row {
  readonly kind: 'enrollment' | 'device';
  readonly region: string;
  readonly stackName: string;
  readonly logicalId: string;
  readonly userName?: string;
  readonly serialNumber?: string;
  readonly enabledAt?: number;
  readonly state: RowState;
  /** The codes of its findings, and of what is unknown about it. */
  readonly codes: readonly string[];
}

/** The result of an inspection. */
export interface Inspection {
  readonly rows: readonly Row[];
  readonly findings: readonly Finding[];
  readonly undecided: readonly Undecided[];
  readonly missed: readonly Missed[];
  /** Whether everything that was asked for could be looked at. */
  readonly isComplete: boolean;
}
