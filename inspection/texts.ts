import { shown } from '../lib/checks';
import { type Finding, type FindingCode, type Subject, type Undecided, type UndecidedCode } from './report';

/*
 * What findings say: what is wrong, and what to do next. Values from AWS can hold anything, so each passes `shown`.
 */

const RECHECK = "Raise 'recheck' of the enrollment or its provider and deploy";

/** A device's default name ends with its generation. */
function newDevice(serialNumber: string): string {
  const [, generation] = /-(\d{1,6})$/.exec(serialNumber) ?? [];
  const raised = generation === undefined ? '' : `: ${Number(generation) + 1} if the device has its default name`;
  return `Create a new device: raise 'generation'${raised}, or use another device name and another secret, and deploy`;
}

function nameOf({ logicalId, stackName, region }: Subject): string {
  return `${shown(logicalId ?? '')} of stack ${shown(stackName ?? '')} in ${shown(region ?? '')}`;
}

type Texts = Omit<Finding, 'code' | 'subject'>;

/** What a finding needs to know besides its subject. */
export interface Details {
  /** The user that a device is enabled for in fact. */
  readonly holder?: string;
  /** The id of the version that holds the seed, if it can be made current again. */
  readonly restorable?: string;
  readonly current?: string;
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
    message: `Device ${serialNumber} of user ${userName} is enabled for user ${shown(holder)}.`,
    next: `Find out who moved it (CloudTrail shows it), and deactivate it there. Then ${lowerFirst(RECHECK)}.`,
    command: deactivate(holder, serialNumber),
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
    next: `${RECHECK}: the function writes the claim again.`,
  }),
  SEED_OVERWRITTEN: ({ serialNumber = '', secretArn = '' }, details) => ({
    message: `The current version of secret ${shown(secretArn)} is not the seed of device ${serialNumber}: somebody wrote to the secret.`,
    ...restore(serialNumber, secretArn, details),
  }),
  SEED_OF_OTHER_DEVICE: ({ serialNumber = '', secretArn = '' }, details) => ({
    message: `Secret ${shown(secretArn)} holds the seed of another device than ${serialNumber}.`,
    ...restore(serialNumber, secretArn, details),
  }),
  SECRET_MISSING: ({ serialNumber = '', secretArn = '' }) => ({
    message: `Secret ${shown(secretArn)}, which held the seed of device ${serialNumber}, does not exist.`,
    next: `${newDevice(serialNumber)}.`,
  }),
  SECRET_SCHEDULED_FOR_DELETION: ({ serialNumber = '', secretArn = '' }) => ({
    message: `Secret ${shown(secretArn)}, which holds the seed of device ${serialNumber}, is scheduled for deletion.`,
    next: 'Restore the secret.',
    command: `aws secretsmanager restore-secret --region ${regionOf(secretArn)} --secret-id ${shown(secretArn)}`,
  }),
  UNEXPECTED_DEVICE: ({ userName = '', serialNumber = '' }) => ({
    message: `User ${userName} has a further MFA device, ${shown(serialNumber)}, that no enrollment declares.`,
    next: 'Find out who enabled it (CloudTrail shows it). If nobody needs it, deactivate it.',
    command: deactivate(userName, serialNumber),
  }),
  ORPHANED_CLAIM: ({ serialNumber = '', tagKey = '' }, { holder }) => ({
    message: `Device ${serialNumber} has a claim of a resource that was deleted, but whose Delete did not finish: ${shown(tagKey)}.`,
    next: 'If no other stack needs the device, finish by hand.',
    command: [
      ...(holder === undefined ? [] : [deactivate(holder, serialNumber)]),
      `aws iam untag-mfa-device --serial-number ${serialNumber} --tag-keys ${shown(tagKey)}`,
    ].join(' && '),
  }),
  ORPHANED_DEVICE: ({ serialNumber = '' }, { holder }) => ({
    message: `Device ${serialNumber} was created by this library, and no stack declares it.`,
    next: "If a stack in another region declares it, raise 'recheck' there. If nobody needs the device, delete it and its secret.",
    command: [
      ...(holder === undefined ? [] : [deactivate(holder, serialNumber)]),
      `aws iam delete-virtual-mfa-device --serial-number ${serialNumber}`,
    ].join(' && '),
  }),
};

export function finding(code: FindingCode, subject: Subject, details: Details = {}): Finding {
  return { code, subject, ...TEXTS[code](subject, details) };
}

const UNDECIDED: { readonly [Code in UndecidedCode]: (subject: Subject) => string } = {
  SEED_NOT_CHECKED: ({ serialNumber }) =>
    `Whether a secret holds the seed of device ${serialNumber} can't be known without reading it: this library did not store it.`,
  SEED_VERSION_MISSING: ({ serialNumber }) =>
    `Device ${serialNumber} has no tag with the version of its seed: somebody removed the tag, or created the device again.`,
  SECRET_NOT_FOUND: ({ serialNumber }) =>
    `The secret with the seed of device ${serialNumber} is not in the inspected regions: it was deleted, or it is in another region.`,
  CLAIM_NOT_CHECKED: ({ serialNumber, tagKey = '', region = '', stackName = '' }) =>
    `Claim ${shown(tagKey)} on device ${serialNumber} is of stack ${shown(stackName)} in ${shown(region)}, which was not inspected.`,
  CLAIM_PERHAPS_RETAINED: ({ serialNumber, tagKey = '' }) =>
    `Claim ${shown(tagKey)} on device ${serialNumber} is of a resource that is in no stack any more: a removal policy retained it, or CloudFormation abandoned it.`,
  PHYSICAL_ID_UNREADABLE: (subject) => `The physical id of ${nameOf(subject)} names no device.`,
};

export function undecided(code: UndecidedCode, subject: Subject): Undecided {
  return { code, subject, message: UNDECIDED[code](subject) };
}

function restore(
  serialNumber: string,
  secretArn: string,
  { restorable, current }: Details,
): Pick<Finding, 'next' | 'command'> {
  const secret = `--region ${regionOf(secretArn)} --secret-id ${shown(secretArn)}`;
  const from = current === undefined ? '' : ` --remove-from-version-id ${shown(current)}`;
  return restorable === undefined
    ? {
        next: `The version with the seed has no staging label any more. ${newDevice(serialNumber)}. If the device must stay, see whether the version still exists.`,
        command: `aws secretsmanager list-secret-version-ids ${secret} --include-deprecated`,
      }
    : {
        next: 'Make the version with the seed current again.',
        command: `aws secretsmanager update-secret-version-stage ${secret} --version-stage AWSCURRENT --move-to-version-id ${restorable}${from}`,
      };
}

function deactivate(userName: string, serialNumber: string): string {
  return `aws iam deactivate-mfa-device --user-name ${shown(userName)} --serial-number ${shown(serialNumber)}`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function regionOf(arn: string): string {
  return shown(arn.split(':')[3] ?? '');
}
