import { quoted } from '../lib/checks';
import { secretIdOf } from '../lib/contract';
import { CallGivenUp, OutOfTime } from './aws/attempts';
import { type Action, type CallError } from './aws/ports';
import { isPassing, type RequestType } from './aws/reactions';
import { NotASeedError } from './seed';

/** What a request is about, for the reason of a failure. */
export interface Subject {
  readonly tried: Readonly<Record<RequestType, string>>;
  /** The key of the tag with which the resource claims the device. */
  readonly claimKey: string;
  /** The command line that finishes a Delete by hand. */
  readonly byHand: string;
  /** The command line that finishes a Delete whose device no longer exists; absent: nothing is left to do. */
  readonly byHandIfGone?: string;
  /** What can't change in it. */
  readonly lifelong: string;
  readonly region: string;
  readonly stackName: string;
  readonly logicalId: string;
  /** Of a resource that is about a user. */
  readonly userName?: string;
  readonly serialNumber: string;
  readonly secretArn: string;
}

/** Why something failed, and what to do about it before it is tried again: clauses without a full stop. */
export interface Cause {
  readonly cause: string;
  readonly next: string;
}

/** A request failed, for known reasons. */
export class Failure extends Error {
  override readonly name = 'Failure';

  constructor(
    readonly because: Cause,
    /** For the log. */
    readonly errorCode: string,
  ) {
    super(because.cause);
  }
}

/** Where a reason sends its reader for longer help. */
const DOCS = 'github.com/cdk-mfa-enrollment/cdk-mfa-enrollment/blob/main/docs';
export const TROUBLESHOOTING = `${DOCS}/troubleshooting.md`;

/** As many as leave room for the rest of the reason. */
const MOST_LISTED = 3;

/** Claims, for a reason. */
export function listed(claims: readonly string[]): string {
  const more = claims.length - MOST_LISTED;
  return claims.slice(0, MOST_LISTED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** Options of the AWS CLI that name a secret. Its region need not be the one of the reader's shell. */
export function secretOptions(secretArn: string): string {
  const [, , , region] = secretArn.split(':');
  return `--region ${region} --secret-id ${secretIdOf(secretArn)}`;
}

/** What is known of a request that failed. */
interface Failed {
  readonly stateLeft: string;
  readonly isDeviceGone?: boolean;
  /** The creation id of the resource; `undefined` if CloudFormation invented its physical id. */
  readonly creation: string | undefined;
}

/**
 * What a reader gets who has only the stack event: what failed, on which user and device, why, what state it left, and
 * what to do next.
 */
export function reasonOf(request: RequestType, subject: Subject, failure: Failure, failed: Failed): string {
  const { cause, next } = failure.because;
  const tried = subject.tried[request] ?? subject.tried.Create;
  return `${tried}: ${cause}. State: ${failed.stateLeft}. Next: ${next}; ${thenAgain(request, subject, failed)}.`;
}

/** How to try again depends on the state of the stack by then. */
function thenAgain(request: RequestType, subject: Subject, failed: Failed): string {
  const { region, stackName, logicalId } = subject;
  const stack = `--region ${region} --stack-name ${stackName}`;
  switch (request) {
    case 'Update':
      return `then deploy again. From UPDATE_ROLLBACK_FAILED, first run: aws cloudformation continue-update-rollback ${stack} (if you can't fix the cause, add --resources-to-skip ${logicalId}; for a nested stack, name its parent and skip ${stackName}.${logicalId})`;
    case 'Delete':
      return `then, if the creation or the deletion of the stack failed, delete it again; in an update, CloudFormation itself repeats this Delete. If the function is gone, or if CloudFormation abandoned this resource, finish by hand (${TROUBLESHOOTING}): ${stepsByHand(subject, failed)}. From DELETE_FAILED, then run: aws cloudformation delete-stack ${stack} --retain-resources ${logicalId}`;
    default:
      return 'then deploy again';
  }
}

/**
 * The conditions by which the function decides, too. They come before the commands that delete, because people run
 * commands in the order in which they read them.
 */
function stepsByHand(subject: Subject, { isDeviceGone, creation }: Failed): string {
  const { byHand, byHandIfGone, claimKey, serialNumber } = subject;
  if (isDeviceGone === true) {
    return byHandIfGone ?? 'nothing is left to do';
  }
  const ofAnother =
    creation === undefined
      ? 'the time in its value is before this deployment'
      : `its value does not contain ${creation}`;
  const [library, kind] = claimKey.split(':');
  return `first run aws iam list-mfa-device-tags --serial-number ${serialNumber}. If tag ${claimKey} is missing, or ${ofAnother}, nothing is left to do. If its value begins with 'adopted' or contains ' over ', or another key begins with ${library}:${kind}:, run only: ${untag(subject)}. Otherwise, run: ${byHand}`;
}

/** The command that withdraws the claim. */
export function untag({ serialNumber, claimKey }: Pick<Subject, 'serialNumber' | 'claimKey'>): string {
  return `aws iam untag-mfa-device --serial-number ${serialNumber} --tag-keys ${claimKey}`;
}

/** A deploy-time value would turn the resource into another one. */
export function identityChanged(
  physicalId: string | undefined,
  wanted: readonly string[],
  { lifelong }: Subject,
): Failure {
  return new Failure(
    {
      cause: `this resource is ${quoted(physicalId ?? '')} and can't become ${quoted(wanted.join('|'))}: ${lifelong}`,
      next: 'restore the parameters, or remove the resource in one deployment and declare it with the new values in the next. Values that the app contains, instead of parameters, create a new resource',
    },
    'IdentityChanged',
  );
}

/** Explains what went wrong. */
export function failureOf(error: unknown, subject: Subject): Failure {
  if (error instanceof Failure) {
    return error;
  }
  if (error instanceof CallGivenUp) {
    return new Failure(causeOf(error.error, subject), codeOf(error.error));
  }
  if (error instanceof NotASeedError) {
    return new Failure(
      { cause: `secret ${subject.secretArn} holds no seed: ${error.message}`, next: error.next },
      error.name,
    );
  }
  if (error instanceof OutOfTime) {
    const { last } = error;
    return last === undefined
      ? new Failure({ cause: 'the time for this request ran out', next: 'wait a minute' }, error.name)
      : new Failure(causeOf(last, subject), codeOf(last));
  }
  // Only the name: the text of an unexpected error can quote anything.
  const name = error instanceof Error ? error.name : 'unknown';
  const cause = `unexpected error in the function (${name})`;
  return new Failure({ cause, next: 'report it to the maintainers of cdk-mfa-enrollment' }, name);
}

function codeOf(error: CallError): string {
  return error.code ?? 'NoResponse';
}

function causeOf(error: CallError, subject: Subject): Cause {
  const { action, code } = error;
  if (error.effectUnknown) {
    return {
      cause: `${action} got ${code ?? 'no response'} until the time for this request ran out`,
      next: 'check the AWS health dashboard and, for a function in a VPC, its route to IAM and Secrets Manager',
    };
  }
  if (isPassing(error)) {
    return {
      cause: `${action} was refused with ${code} until the time for this request ran out`,
      next: 'wait a few minutes and retry',
    };
  }
  switch (code) {
    case 'AccessDenied':
      return accessDenied(error, subject);
    case 'NoSuchEntity':
      return {
        cause: `${entityOf(error, subject)} does not exist, or was renamed (NoSuchEntity from ${action})`,
        next: "check the name, and create the user if it is missing. If the device was deleted, raise 'generation', or use another device name and secret",
      };
    case 'InvalidAuthenticationCode':
      return {
        cause: `IAM refused the codes (InvalidAuthenticationCode), and the time for this request ran out before later ones could be sent`,
        next: `check that secret ${subject.secretArn} holds the seed of this device`,
      };
    case 'LimitExceeded':
      return limitExceeded(error);
    case 'ResourceNotFound':
      return {
        cause: `secret ${subject.secretArn} does not exist, or has no current version`,
        next:
          action === 'secretsmanager:GetSecretValue'
            ? "check the secret's name and region, and store this device's seed in it"
            : "check the secret's name and region. For a new device, create the secret without a value. An existing device needs a replacement, because AWS shows a seed only once",
      };
    case 'DecryptionFailure':
      return {
        cause: `secret ${subject.secretArn} can't be decrypted (DecryptionFailure)`,
        next: `check that its KMS key is enabled and that ${keyGrants('kms:Decrypt')}`,
      };
    case 'EncryptionFailure':
      return {
        cause: `the seed can't be encrypted for secret ${subject.secretArn} (EncryptionFailure)`,
        next: "check that the secret's KMS key exists and is enabled",
      };
    case 'InvalidRequest':
      return {
        cause: `secret ${subject.secretArn} can't be used, most likely because it is scheduled for deletion (InvalidRequestException)`,
        next: `restore it (aws secretsmanager restore-secret ${secretOptions(subject.secretArn)}) or use another secret`,
      };
    case 'ValidationError':
      return {
        cause: `AWS refused the values sent with ${action} as invalid (ValidationError)`,
        next: 'check the names, the serial number and the tags',
      };
    default:
      return error.httpStatus === undefined
        ? {
            cause: `${action} could not be sent (${code})`,
            next: "check the function's role, region and environment variables",
          }
        : {
            cause: `${action} failed with ${code}`,
            next: 'look up the code in the API reference of this action',
          };
  }
}

const keyGrants = (actions: string) =>
  `the key's policy grants ${actions} (for an imported secret, set its encryptionKey)`;

/** A denial by the secret's key can look like one of the secret. */
const KEY_GRANTS_FOR: Readonly<Partial<Record<Action, string>>> = {
  'secretsmanager:GetSecretValue': ` and ${keyGrants('kms:Decrypt')}`,
  'secretsmanager:PutSecretValue': ` and ${keyGrants('kms:GenerateDataKey and kms:Decrypt')}`,
};

function accessDenied({ action }: CallError, subject: Subject): Cause {
  const cause = `${action} on ${resourceOf(action, subject)} is denied to the function's role (AccessDenied)`;
  const elsewhere = `a service control policy, a permissions boundary, an endpoint policy, or an immutable role (${DOCS}/permissions.md)`;
  if (isOnSecret(action)) {
    // A retained policy still names the function of the stack that was deleted.
    const readers =
      action === 'secretsmanager:GetSecretValue'
        ? ` (restrictSeedReaders of another stack: ${DOCS}/break-glass.md)`
        : '';
    return {
      cause,
      next: `check that the secret exists${KEY_GRANTS_FOR[action] ?? ''}. If so, look for a denial in the secret's policy${readers}, ${elsewhere}`,
    };
  }
  return isOnUser(action)
    ? {
        cause,
        next: `look for a missing path of an imported user (import it with User.fromUserArn), ${elsewhere}`,
      }
    : { cause, next: `look for a denial in ${elsewhere}` };
}

function limitExceeded({ action }: CallError): Cause {
  switch (action) {
    case 'iam:TagMFADevice':
      return {
        cause: 'the device has 50 tags, the most that IAM allows, and needs more (LimitExceeded)',
        next: 'remove a tag of your own from the device',
      };
    case 'iam:CreateVirtualMFADevice':
      return {
        cause: 'the account has as many virtual MFA devices as its quota allows (LimitExceeded)',
        next: "delete unused devices ('aws iam list-virtual-mfa-devices --assignment-status Unassigned' shows them). Don't delete a device that has cdk-mfa-enrollment: tags. Or request a higher quota for IAM users, which applies to devices, too",
      };
    case 'secretsmanager:PutSecretValue':
      return {
        cause: 'the secret has as many versions as Secrets Manager allows (LimitExceeded)',
        next: 'wait a day, after which Secrets Manager removes versions without a staging label, or use another secret',
      };
    default:
      return {
        cause: 'the user has eight MFA devices, the most that IAM allows (LimitExceeded)',
        next: 'deactivate one that nobody uses',
      };
  }
}

/** The resource that an action is authorized against. */
function resourceOf(action: CallError['action'], subject: Subject): string {
  if (isOnSecret(action)) {
    return `secret ${subject.secretArn}`;
  }
  return isOnUser(action) ? `user ${subject.userName}` : `device ${subject.serialNumber}`;
}

function isOnSecret(action: CallError['action']): boolean {
  return action.startsWith('secretsmanager:');
}

function isOnUser(action: CallError['action']): boolean {
  return /MFADevices?$/.test(action) && !/Tag|Untag|Virtual/.test(action);
}

/** `EnableMFADevice` needs both, and its code does not say which of them is missing. */
function entityOf({ action }: CallError, subject: Subject): string {
  return action === 'iam:EnableMFADevice'
    ? `user ${subject.userName} or device ${subject.serialNumber}`
    : resourceOf(action, subject);
}
