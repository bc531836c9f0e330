import { type EnrollmentProperties } from '../../lib/contract';
import { Failure, listed, TROUBLESHOOTING } from '../failure';

/*
 * What can be wrong with an enrollment, for a reader who has only the stack event.
 */

/** What is known of the device when a request ends. */
export type DeviceLeft = 'not read' | 'enabled' | 'not enabled' | 'enabled for another user' | 'unknown';

/** The state that a failure leaves. */
export function stateLeft(
  device: DeviceLeft,
  claim: 'present' | 'absent' | 'unknown',
  claimKey: string,
  wasChanged: boolean,
): string {
  const ofDevice = {
    'not read': [],
    enabled: ['the device is enabled for this user'],
    'not enabled': ['the device is not enabled for this user'],
    'enabled for another user': ['the device is enabled for another user'],
    unknown: ['the device may or may not be enabled, because a response was lost'],
  }[device];
  const ofClaim = {
    present: [`the device has the claim tag '${claimKey}'`],
    absent: [],
    unknown: device === 'not read' ? [] : [`the device may have the claim tag '${claimKey}'`],
  }[claim];
  return [...ofDevice, ...ofClaim, ...(wasChanged ? [] : ['nothing was changed'])].join('; ');
}

export function wrongSeed({ SeedSecretArn, SerialNumber }: EnrollmentProperties, pairs: number): Failure {
  return new Failure(
    {
      cause: `IAM refused ${pairs} pairs of codes in a row (InvalidAuthenticationCode): secret ${SeedSecretArn} doesn't hold the seed of device ${SerialNumber}, or somebody enabled the device before with a clock that was hours off`,
      next: `use the secret that holds this device's seed. Don't overwrite a secret that holds another device's seed. If the seed is right or lost, create a new device (${TROUBLESHOOTING})`,
    },
    'InvalidAuthenticationCode',
  );
}

export function enabledBySomebodyElse({ SerialNumber }: EnrollmentProperties): Failure {
  return new Failure(
    {
      cause: `device ${SerialNumber} is already enabled for this user, but not by an enrollment of this library`,
      next: "set 'adoptExisting' to true to adopt it as it is",
    },
    'EntityAlreadyExists',
  );
}

const NEVER_REASSIGNED = 'a device is never reassigned, because its first user may know the seed';
const DEVICE_FOR_THIS_USER =
  "create a new device for this user (if you renamed the user, in the same deployment: raise 'generation', or set another 'virtualMfaDeviceName'), or correct the serial number";

export function claimedForAnotherUser({ SerialNumber }: EnrollmentProperties, claims: readonly string[]): Failure {
  return new Failure(
    {
      cause: `device ${SerialNumber} is claimed for another user: ${listed(claims)}; ${NEVER_REASSIGNED}`,
      next: DEVICE_FOR_THIS_USER,
    },
    'ClaimedForAnotherUser',
  );
}

export function enabledForAnotherUser({ SerialNumber }: EnrollmentProperties): Failure {
  return new Failure(
    {
      cause: `device ${SerialNumber} is enabled for another user (EntityAlreadyExists); ${NEVER_REASSIGNED}`,
      next: `${DEVICE_FOR_THIS_USER} ('aws iam list-virtual-mfa-devices' shows who has it)`,
    },
    'EntityAlreadyExists',
  );
}
