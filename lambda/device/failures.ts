import { type DeviceProperties, ENROLLMENT_CLAIM_PREFIX, hashesIn, SEED_PREFIX } from '../../lib/contract';
import { type DeviceTags } from '../claims/device-tags';
import { Failure, listed, secretOptions, TROUBLESHOOTING } from '../failure';

/*
 * What can be wrong with a device and its secret, for a reader who has only the stack event.
 */

/** What is known of the device when a request ends. */
export type DeviceLeft = 'not read' | 'absent' | 'exists' | 'unknown';

/** The state that a failure leaves. */
export function stateLeft(device: DeviceLeft, isClaimed: boolean, claimKey: string, wasChanged: boolean): string {
  const ofDevice = {
    'not read': [],
    absent: ['the device does not exist'],
    exists: ['the device exists'],
    unknown: ['the device may or may not exist, because a response was lost'],
  }[device];
  const ofClaim = isClaimed ? [`the device has the claim tag '${claimKey}'`] : [];
  return [...ofDevice, ...ofClaim, ...(wasChanged ? [] : ['nothing was changed'])].join('; ');
}

/** The library's own names of devices end in eight hexadecimal digits and the generation. */
function newDevice({ SerialNumber, OwnSecret }: DeviceProperties): string {
  const generation = /-[0-9a-f]{8}-(\d+)$/.exec(SerialNumber)?.[1];
  return generation !== undefined && OwnSecret === 'true'
    ? `create a new device: set 'generation' to ${Number(generation) + 1}`
    : "create a new device: raise 'generation', or use another name and another secret if you set them";
}

export function secretOfAnotherDevice({ SeedSecretArn }: DeviceProperties): Failure {
  return new Failure(
    {
      cause: `the current or previous version of secret ${SeedSecretArn} is the seed of another device, and storing a seed there would destroy the only copy of it`,
      next: 'use another secret for this device',
    },
    'SeedOfAnotherDevice',
  );
}

export function secretIsDeleted({ SeedSecretArn }: DeviceProperties): Failure {
  return new Failure(
    {
      cause: `secret ${SeedSecretArn} is scheduled for deletion and cannot store a seed`,
      next: `restore it (aws secretsmanager restore-secret ${secretOptions(SeedSecretArn)}) or use another secret`,
    },
    'SecretScheduledForDeletion',
  );
}

export function madeBySomebodyElse({ SerialNumber }: DeviceProperties): Failure {
  return new Failure(
    {
      cause: `device ${SerialNumber} already exists, and no VirtualMfaDevice of this library created it or claims it; AWS shows a seed only once, so this device can't be used here`,
      next: 'use another device name, or delete the existing device if nobody needs it',
    },
    'EntityAlreadyExists',
  );
}

export function anotherSecret(properties: DeviceProperties, claims: readonly string[]): Failure {
  const { SerialNumber, SeedSecretArn } = properties;
  return new Failure(
    {
      cause: `device ${SerialNumber} was created with another secret than ${SeedSecretArn}, or with a deleted one of its name; AWS shows a seed only once`,
      next: `use the secret that the device was created with. It is declared by: ${listed(claims)}. If that is this resource, restore its former seedSecret. If that secret is lost, ${newDevice(properties)}`,
    },
    'AnotherSecret',
  );
}

/** Who writes to the secret chooses the id of its version, and people paste commands into shells. */
function isSafe(version: string | undefined): boolean {
  return version === undefined || /^(?!-)[\w-]+$/.test(version);
}

/** The command that makes a version of the secret current. */
function makeCurrent({ SeedSecretArn }: DeviceProperties, version: string, current: string | undefined): string {
  const from = current === undefined ? '' : ` --remove-from-version-id ${current}`;
  return `aws secretsmanager update-secret-version-stage ${secretOptions(SeedSecretArn)} --version-stage AWSCURRENT --move-to-version-id ${version}${from}`;
}

export function seedLost(properties: DeviceProperties, version: string, current: string | undefined): Failure {
  const { SerialNumber, SeedSecretArn } = properties;
  // A version without a staging label stays for a while. A tag that somebody else wrote can hold anything.
  const restore =
    hashesIn(version) !== undefined && isSafe(current)
      ? `if version ${version} is still listed (aws secretsmanager list-secret-version-ids ${secretOptions(SeedSecretArn)} --include-deprecated), make it current (${makeCurrent(properties, version, current)}). Otherwise, `
      : '';
  return new Failure(
    {
      cause: `secret ${SeedSecretArn} no longer holds the seed of device ${SerialNumber}: somebody wrote to it more than once; AWS shows a seed only once`,
      next: `${restore}${newDevice(properties)} (${TROUBLESHOOTING})`,
    },
    'SeedLost',
  );
}

export function seedReplaced(properties: DeviceProperties, version: string, current: string | undefined): Failure {
  const { SerialNumber, SeedSecretArn } = properties;
  if (!isSafe(version) || !isSafe(current)) {
    return new Failure(
      {
        cause: `the current version of secret ${SeedSecretArn} is not the seed of device ${SerialNumber}: somebody wrote to the secret, with a version id that is not a UUID`,
        next: `move the staging label AWSCURRENT back to the version with the seed, which the device's tag '${SEED_PREFIX}...' names, with 'aws secretsmanager update-secret-version-stage'`,
      },
      'SeedReplaced',
    );
  }
  return new Failure(
    {
      cause: `the current version of secret ${SeedSecretArn} is not the seed of device ${SerialNumber}: somebody wrote to the secret`,
      next: `make the seed's version current again: ${makeCurrent(properties, version, current)}`,
    },
    'SeedReplaced',
  );
}

/** @param arnHash begins the id of the version that holds the seed */
export function untagged(properties: DeviceProperties, seedKey: string, arnHash: string): Failure {
  const { SerialNumber, SeedSecretArn } = properties;
  return new Failure(
    {
      cause: `device ${SerialNumber} has lost its tag '${SEED_PREFIX}...': somebody removed it, or created the device again by hand`,
      next: `if it is the same device, restore the tag: aws iam tag-mfa-device --serial-number ${SerialNumber} --tags Key=${seedKey},Value=VERSION_ID (aws secretsmanager describe-secret ${secretOptions(SeedSecretArn)} shows version ids: use the one that begins with ${arnHash}). Otherwise, ${newDevice(properties)}`,
    },
    'SeedVersionUntagged',
  );
}

export function gone(properties: DeviceProperties): Failure {
  return new Failure(
    {
      cause: `device ${properties.SerialNumber} no longer exists: somebody deleted it, and its seed is useless without it`,
      next: newDevice(properties),
    },
    'NoSuchEntity',
  );
}

export function neverStored({ SerialNumber, SeedSecretArn }: DeviceProperties): Failure {
  return new Failure(
    {
      cause: `an earlier attempt created device ${SerialNumber} but never stored its seed in secret ${SeedSecretArn}`,
      next: 'let CloudFormation roll back, which deletes the device',
    },
    'SeedNeverStored',
  );
}

export function overwritten({ SerialNumber, SeedSecretArn }: DeviceProperties): Failure {
  return new Failure(
    {
      cause: `the seed of device ${SerialNumber} was stored in secret ${SeedSecretArn}, and then somebody else wrote to the device or the secret`,
      next: 'find out who writes to them (CloudTrail shows it)',
    },
    'Overwritten',
  );
}

export function inUse({ SerialNumber }: DeviceProperties, tags: DeviceTags): Failure {
  const claims = tags.claimsOf(ENROLLMENT_CLAIM_PREFIX);
  const findUser = `aws iam list-virtual-mfa-devices --assignment-status Assigned --query "VirtualMFADevices[?SerialNumber=='${SerialNumber}'].User.UserName" --output text`;
  const deactivate = `find its user (${findUser}) and run: aws iam deactivate-mfa-device --user-name USER_NAME --serial-number ${SerialNumber}`;
  return new Failure(
    claims.length === 0
      ? {
          cause: `device ${SerialNumber} is enabled for a user (DeleteConflict), but not by an enrollment of this library`,
          next: `find out who needs the device. Only if nobody does, ${deactivate}`,
        }
      : {
          cause: `device ${SerialNumber} is enabled for a user (DeleteConflict), and these enrollments claim it: ${listed(claims)}`,
          next: `remove these enrollments. Only if no stack declares them any more, ${deactivate}`,
        },
    'DeleteConflict',
  );
}
