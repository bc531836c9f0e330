import { type DeviceProperties, SEED_VERSION_KEY } from '../../lib/contract';
import { Failure } from '../failure';

/*
 * What can be wrong with a device and its secret, in words for who has nothing but the stack event.
 */

const NEW_DEVICE =
  "make a new device: raise 'generation', or, where the name or the secret is given, give another name and another secret";

/** Whoever makes the device again finds the same. */
const MEETS_ALL = true;

const COPY =
  'copy the seed before, where somebody needs it: after the last try in an update, CloudFormation goes on and deletes the secret made for the device';

/** So many that the rest of the text still has room in an answer. */
const MOST_LISTED = 3;

function listed(claims: readonly string[]): string {
  const more = claims.length - MOST_LISTED;
  return claims.slice(0, MOST_LISTED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

export function secretOfAnotherDevice({ SeedSecretArn }: DeviceProperties): Failure {
  return new Failure(
    {
      cause: `the current or previous version of secret ${SeedSecretArn} is the seed of another device, and storing this device's seed would end the only copy of that one`,
      next: 'give this device a secret of its own',
    },
    'SeedOfAnotherDevice',
    MEETS_ALL,
  );
}

export function secretIsDeleted({ SeedSecretArn }: DeviceProperties): Failure {
  return new Failure(
    {
      cause: `secret ${SeedSecretArn} is scheduled for deletion, and takes no seed`,
      next: `restore it (aws secretsmanager restore-secret --secret-id ${SeedSecretArn}) or name another secret`,
    },
    'SecretScheduledForDeletion',
    MEETS_ALL,
  );
}

export function madeBySomebodyElse({ SerialNumber }: DeviceProperties): Failure {
  return new Failure(
    {
      cause: `device ${SerialNumber} exists already, and no VirtualMfaDevice of this library made it; AWS shows a seed once, so that nothing can be done with it here`,
      next: 'give this device another name, or delete the one that exists if nobody needs it',
    },
    // Not what meets all: the device may be that of another attempt of the same Create, whose tags can't be read yet.
    'EntityAlreadyExists',
  );
}

export function anotherSecret({ SerialNumber, SeedSecretArn }: DeviceProperties, claims: readonly string[]): Failure {
  return new Failure(
    {
      cause: `device ${SerialNumber} was made with another secret than ${SeedSecretArn}; AWS shows a seed once, so that it can't be stored anew`,
      next: `name the secret that it was made with by those whose claims stand on it, each with its region and stack: ${listed(claims)}; where that secret is lost, ${NEW_DEVICE}`,
    },
    'AnotherSecret',
    MEETS_ALL,
  );
}

export function seedLost({ SerialNumber, SeedSecretArn }: DeviceProperties): Failure {
  return new Failure(
    {
      cause: `secret ${SeedSecretArn} does not hold the seed of device ${SerialNumber} any more: somebody has written to it more than once, or made it anew; AWS shows a seed once, so that it can't be stored anew`,
      next: NEW_DEVICE,
    },
    'SeedLost',
    MEETS_ALL,
  );
}

export function seedReplaced(
  { SerialNumber, SeedSecretArn }: DeviceProperties,
  version: string,
  current: string | undefined,
): Failure {
  const from = current === undefined ? '' : ` --remove-from-version-id ${current}`;
  return new Failure(
    {
      cause: `the current version of secret ${SeedSecretArn} is not the seed of device ${SerialNumber}: somebody has written to the secret`,
      next: `make the seed's version current again: aws secretsmanager update-secret-version-stage --secret-id ${SeedSecretArn} --version-stage AWSCURRENT --move-to-version-id ${version}${from}`,
    },
    'SeedReplaced',
    MEETS_ALL,
  );
}

export function untagged({ SerialNumber, SeedSecretArn }: DeviceProperties): Failure {
  return new Failure(
    {
      cause: `device ${SerialNumber} has lost its tag '${SEED_VERSION_KEY}': somebody has removed it, or has made the device anew by hand`,
      next: `if it is the same device, put the tag back (aws iam tag-mfa-device --serial-number ${SerialNumber} --tags Key=${SEED_VERSION_KEY},Value=<id>) with the id of the version that holds the seed, which aws secretsmanager describe-secret --secret-id ${SeedSecretArn} shows; else ${NEW_DEVICE}`,
    },
    'SeedVersionUntagged',
    MEETS_ALL,
  );
}

export function gone({ SerialNumber }: DeviceProperties): Failure {
  return new Failure(
    {
      cause: `device ${SerialNumber} does not exist any more: somebody has deleted it, and its seed is of no use without it`,
      next: NEW_DEVICE,
    },
    'NoSuchEntity',
  );
}

export function neverStored({ SerialNumber, SeedSecretArn }: DeviceProperties): Failure {
  return new Failure(
    {
      cause: `an earlier attempt made device ${SerialNumber} and never stored its seed in secret ${SeedSecretArn}`,
      next: 'let CloudFormation delete this resource, which deletes the device',
    },
    'SeedNeverStored',
  );
}

export function overtaken({ SerialNumber, SeedSecretArn }: DeviceProperties): Failure {
  return new Failure(
    {
      cause: `the seed of device ${SerialNumber} was stored in secret ${SeedSecretArn}, and then somebody else wrote to the device or the secret`,
      next: 'find out who writes to them (CloudTrail shows it)',
    },
    'Overtaken',
  );
}

export function inUse({ SerialNumber }: DeviceProperties, enrollmentClaims: readonly string[]): Failure {
  const byHand = `deactivate it (aws iam list-virtual-mfa-devices --assignment-status Assigned shows for whom it is enabled; aws iam deactivate-mfa-device --user-name <that user> --serial-number ${SerialNumber})`;
  return new Failure(
    enrollmentClaims.length === 0
      ? {
          cause: `device ${SerialNumber} is enabled for a user (DeleteConflict), and no enrollment of this library did it`,
          next: `${byHand}; ${COPY}`,
        }
      : {
          cause: `device ${SerialNumber} is enabled for a user (DeleteConflict), and these enrollments claim it, each with its region and stack: ${listed(enrollmentClaims)}`,
          next: `remove its enrollment first, or, where a removal policy has kept one that no stack has any more, ${byHand}; ${COPY}`,
        },
    'DeleteConflict',
  );
}
