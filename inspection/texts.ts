import { printable } from '../lib/checks';
import { REGION_NAME } from './aws';
import {
  deactivateDevice,
  deleteDevice,
  inTurn,
  listVersions,
  makeCurrent,
  restoreSecret,
  untagDevice,
} from './shell-commands';
import { type Finding, type FindingCode, type Subject, type Undecided, type UndecidedCode } from './report';

/*
 * What findings say: what is wrong, and what to do next. Values from AWS can hold anything, so each in a sentence
 * passes `printable`, and each in a command is checked.
 */

const NO_COMMAND = 'No command is shown, because a name in it has characters that a shell could interpret.';
const RECHECK = "Raise 'recheck' of the enrollment or its provider and deploy";

/** A device's default name ends with its generation. */
function newDevice(serialNumber: string): string {
  const [, generation] = /-(\d{1,6})$/.exec(serialNumber) ?? [];
  const raised = generation === undefined ? '' : `: ${Number(generation) + 1} if the device has its default name`;
  return `Create a new device: raise 'generation'${raised}, or use another device name and another secret, and deploy`;
}

/** The secret that was created for a device. Its tag, which goes with the device, names it only by a hash. */
function secretOf(serialNumber: string): string {
  const [, name = ''] = /:mfa(\/.*)$/.exec(serialNumber) ?? [];
  return `, which has the description '${printable(`Seed of virtual MFA device ${name}`)}' if this library created it`;
}

function nameOf({ logicalId, stackName, region }: Subject): string {
  return `${printable(logicalId ?? '')} of stack ${printable(stackName ?? '')} in ${printable(region ?? '')}`;
}

type Texts = Omit<Finding, 'code' | 'subject'>;

/** What a finding needs to know besides its subject. */
export interface Details {
  /** The user that a device is enabled for in fact. */
  readonly holder?: string;
  /** Whether a command may deactivate the device for its holder. */
  readonly mayDeactivate?: boolean;
  /** Whether none of the user's declared devices is enabled, so that a further one may be the only MFA. */
  readonly isOnlyMfa?: boolean;
  /** The id of the version that holds the seed, if it can be made current again. */
  readonly restorable?: string;
  readonly current?: string;
  /** Whether the current version was stored in this secret for the other device, and is not a copy from another secret. */
  readonly isShared?: boolean;
}

const TEXTS: { readonly [Code in FindingCode]: (subject: Subject, details: Details) => Texts } = {
  DEVICE_OFF: ({ userName = '', serialNumber = '' }) => ({
    message: `Device ${serialNumber} is not enabled for user ${userName}.`,
    next: `${RECHECK}: the function enables the device again.`,
  }),
  DEVICE_MISSING: ({ serialNumber = '' }) => ({
    message: `Device ${serialNumber} does not exist. Its seed is useless without it.`,
    next: `${newDevice(serialNumber)}.`,
  }),
  DEVICE_ON_OTHER_USER: ({ userName = '', serialNumber = '' }, { holder = '' }) => ({
    message: `Device ${serialNumber} of user ${userName} is enabled for user ${printable(holder)}.`,
    next: `Find out who moved it (CloudTrail shows it). If nobody relies on it there, deactivate it there, then ${lowerFirst(RECHECK)}.`,
  }),
  USER_MISSING: (subject) => ({
    message: `User ${subject.userName} does not exist.`,
    next: `Remove enrollment ${nameOf(subject)} and deploy. If somebody renamed the user, enroll the new name.`,
  }),
  CLAIM_MISSING: (subject) => ({
    message: `Device ${subject.serialNumber} has no claim of enrollment ${nameOf(subject)}. Without it, the enrollment is not removed with its stack.`,
    next: `${RECHECK}: the function verifies the seed and writes the claim again.`,
  }),
  DEVICE_CLAIM_MISSING: (subject) => ({
    message: `Device ${subject.serialNumber} has no claim of ${nameOf(subject)}. Without it, the device is not deleted with its stack.`,
    next: "Raise 'recheck' of the device's provider, or of the enrollment if this is its default device, and deploy: the function writes the claim again.",
  }),
  SEED_OVERWRITTEN: ({ serialNumber = '', secretArn = '' }, details) => ({
    message: `The current version of secret ${printable(secretArn)} is not the seed of device ${serialNumber}: somebody wrote to the secret.`,
    ...restore(serialNumber, secretArn, details),
  }),
  SEED_OF_OTHER_DEVICE: ({ serialNumber = '', secretArn = '' }, details) => ({
    message: `Secret ${printable(secretArn)} holds the seed of another device, not of ${serialNumber}.`,
    ...(details.isShared === true
      ? {
          next: `Two devices share this secret. Do not change it: it can be the only copy of the other seed. ${newDevice(serialNumber)}.`,
        }
      : restore(serialNumber, secretArn, details)),
  }),
  SECRET_MISSING: ({ serialNumber = '', secretArn = '' }) => ({
    message: `Secret ${printable(secretArn)}, which held the seed of device ${serialNumber}, does not exist.`,
    next: `${newDevice(serialNumber)}.`,
  }),
  SECRET_SCHEDULED_FOR_DELETION: ({ serialNumber = '', secretArn = '' }) => ({
    message: `Secret ${printable(secretArn)}, which holds the seed of device ${serialNumber}, is scheduled for deletion.`,
    next: 'Restore the secret.',
    command: restoreSecret(secretArn),
  }),
  UNEXPECTED_DEVICE: ({ userName = '', serialNumber = '' }, { isOnlyMfa = false }) => ({
    message: `User ${userName} has a further MFA device, ${printable(serialNumber)}, that no enrollment declares.`,
    ...(isOnlyMfa
      ? {
          next: 'Find out who enabled it (CloudTrail shows it). Enable the declared device before you deactivate this one: otherwise the user is left without MFA.',
        }
      : {
          next: 'Find out who enabled it (CloudTrail shows it). If nobody needs it, deactivate it.',
          command: deactivateDevice(userName, serialNumber),
        }),
  }),
  ORPHANED_CLAIM: ({ serialNumber = '', tagKey = '' }, { holder = '', mayDeactivate = false }) => ({
    message: `Device ${serialNumber} has a claim of a resource that was deleted, but whose Delete did not finish: ${printable(tagKey)}.`,
    ...(mayDeactivate
      ? {
          next: 'If no other stack needs the device, finish by hand.',
          command: inTurn(deactivateDevice(holder, serialNumber), untagDevice(serialNumber, tagKey)),
        }
      : { next: 'Remove the claim. The device stays as it is.', command: untagDevice(serialNumber, tagKey) }),
  }),
  ORPHANED_DEVICE: ({ serialNumber = '' }, { holder, mayDeactivate = false }) => ({
    message: `Device ${serialNumber} was created by this library, and no stack declares it.`,
    ...(holder === undefined || mayDeactivate
      ? {
          next: `If a stack in another region declares it, raise 'recheck' there. If nobody needs the device, delete it, and then its secret${secretOf(serialNumber)}.`,
          command: inTurn(
            ...(holder === undefined ? [] : [deactivateDevice(holder, serialNumber)]),
            deleteDevice(serialNumber),
          ),
        }
      : {
          next: `It is enabled for user ${printable(holder)}, and no claim says that this library enabled it. Ask that user. If nobody needs the device, deactivate and delete it, and then its secret${secretOf(serialNumber)}.`,
        }),
  }),
};

export function finding(code: FindingCode, subject: Subject, details: Details = {}): Finding {
  const texts = TEXTS[code](subject, details);
  return { code, subject, ...texts, ...(isUnsafe(texts) && { next: `${texts.next} ${NO_COMMAND}` }) };
}

/** Whether there is a command that must not be shown. */
function isUnsafe(texts: Texts): boolean {
  return 'command' in texts && texts.command === undefined;
}

const UNDECIDED: { readonly [Code in UndecidedCode]: (subject: Subject, next: string) => string } = {
  SEED_NOT_CHECKED: ({ serialNumber }) =>
    `Whether a secret holds the seed of device ${serialNumber} can't be known without reading it: this library did not store it.`,
  SEED_VERSION_MISSING: ({ serialNumber }) =>
    `Device ${serialNumber} has no tag with the version of its seed: somebody removed the tag, or created the device again.`,
  SECRET_NOT_FOUND: ({ serialNumber }) =>
    `The secret with the seed of device ${serialNumber} is not in the inspected regions: it was deleted, or it is in another region.`,
  ENABLED_BY_OTHERS: ({ serialNumber, userName }) =>
    `Device ${serialNumber} was enabled for user ${userName} later than its claims explain: somebody enabled it again, or created it again. Whether its secret holds its seed can't be known without reading it. ${RECHECK}: the function verifies the seed.`,
  CLAIM_NOT_CHECKED: ({ serialNumber, tagKey = '', region = '', stackName = '' }, next) =>
    `Claim ${printable(tagKey)} on device ${serialNumber} is of stack ${printable(stackName)} in ${printable(region)}, which was not inspected.${next}`,
  CLAIM_PERHAPS_RETAINED: ({ serialNumber, tagKey = '' }) =>
    `Claim ${printable(tagKey)} on device ${serialNumber} is of a resource that is in no stack any more: a removal policy retained it, or CloudFormation abandoned it.`,
  PHYSICAL_ID_UNREADABLE: (subject) => `The physical id of ${nameOf(subject)} names no device.`,
};

/** @param isOutside whether the region of the subject was not asked for */
export function undecided(code: UndecidedCode, subject: Subject, isOutside = false): Undecided {
  const { region = '' } = subject;
  const next = isOutside && REGION_NAME.test(region) ? ` To inspect it, add --region ${region}.` : '';
  return { code, subject, message: UNDECIDED[code](subject, next) };
}

function restore(
  serialNumber: string,
  secretArn: string,
  { restorable, current }: Details,
): Pick<Finding, 'next' | 'command'> {
  return restorable === undefined
    ? {
        next: `The version with the seed has no staging label any more. ${newDevice(serialNumber)}. If the device must stay, see whether the version still exists.`,
        command: listVersions(secretArn),
      }
    : {
        next: 'Make the version with the seed current again.',
        command: makeCurrent(secretArn, restorable, current),
      };
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
