import { CallGivenUp, OutOfTime } from './aws/attempts';
import { type Action, type CallError } from './aws/ports';
import { isPassing, type RequestType } from './aws/reactions';
import { NotASeedError } from './seed';

/** What a request is about, for words. */
export interface Subject {
  readonly tried: Readonly<Record<RequestType, string>>;
  /** How to finish a Delete by hand that CloudFormation gave up. */
  readonly byHand: string;
  /** What can't change in it. */
  readonly lifelong: string;
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

/** A request failed, for reasons that can be told. */
export class Failure extends Error {
  override readonly name = 'Failure';

  constructor(
    readonly because: Cause,
    /** For the log. */
    readonly errorCode: string,
    /** Whether every attempt of the same Create would have met it: then none has got any further. */
    readonly meetsAll = false,
  ) {
    super(because.cause);
  }
}

/**
 * What the person reads who has nothing but the stack event: what was tried, on which user and device, why it failed,
 * what state it left, and what to do next.
 */
export function reasonOf(request: RequestType, subject: Subject, failure: Failure, stateLeft: string): string {
  const { cause, next } = failure.because;
  return `${subject.tried[request]}: ${cause}. State: ${stateLeft}. Next: ${next}; then ${again(request, subject)}.`;
}

/** How to try again depends on where CloudFormation stands by then. */
function again(request: RequestType, { byHand, stackName, logicalId }: Subject): string {
  switch (request) {
    case 'Create':
      return 'deploy again';
    case 'Update':
      return `deploy again; from UPDATE_ROLLBACK_FAILED, continue the rollback first: aws cloudformation continue-update-rollback --stack-name ${stackName}, and where the cause can't be mended --resources-to-skip ${logicalId} (of a nested stack, name its parent, and skip ${stackName}.${logicalId})`;
    case 'Delete':
      return `delete the stack again if it is to go, or, where an update gave this resource up, finish by hand: ${byHand}`;
  }
}

/** A deploy-time value would turn the resource into another one. */
export function identityChanged(physicalId: string | undefined, wanted: string, { lifelong }: Subject): Failure {
  return new Failure(
    {
      cause: `this resource is '${physicalId}' and can't become '${wanted}': ${lifelong}`,
      next: 'give the parameters their former values, or remove the resource in one deployment and declare the new one in the next; values that are written into the app instead of a parameter make a new resource by themselves',
    },
    'IdentityChanged',
  );
}

/** Puts what went wrong into words. */
export function failureOf(error: unknown, subject: Subject): Failure {
  if (error instanceof Failure) {
    return error;
  }
  if (error instanceof CallGivenUp) {
    const code = codeOf(error.error);
    return new Failure(causeOf(error.error, subject), code, code === 'ResourceNotFound');
  }
  if (error instanceof NotASeedError) {
    const cause = `secret ${subject.secretArn} holds no seed: ${error.message}`;
    return new Failure({ cause, next: error.next }, error.name, true);
  }
  if (error instanceof OutOfTime) {
    const { last } = error;
    return last === undefined
      ? new Failure({ cause: 'the time for this request ran out', next: 'wait a minute' }, error.name)
      : new Failure(causeOf(last, subject), codeOf(last));
  }
  // Only the name: the text of an error that nobody foresaw can quote anything.
  const name = error instanceof Error ? error.name : 'unknown';
  const cause = `unexpected error in the function (${name})`;
  return new Failure({ cause, next: 'report it to the maintainers of cdk-mfa-enrollment' }, name);
}

function codeOf(error: CallError): string {
  return error.code ?? 'NoAnswer';
}

function causeOf(error: CallError, subject: Subject): Cause {
  const { action, code } = error;
  if (error.effectUnknown) {
    return {
      cause: `${action} got ${code ?? 'no answer'} until the time for this request ran out`,
      next: 'check the AWS health dashboard and, for a function in a VPC, its way to IAM and Secrets Manager',
    };
  }
  if (isPassing(error)) {
    return {
      cause: `${action} answered ${code} until the time for this request ran out`,
      next: 'wait some minutes, as this passes by itself',
    };
  }
  switch (code) {
    case 'AccessDenied':
      return accessDenied(error, subject);
    case 'NoSuchEntity':
      return {
        cause: `${entityOf(error, subject)} does not exist, or was renamed (NoSuchEntity from ${action})`,
        next: 'check the name and create what is missing; a device that is made anew has another seed',
      };
    case 'InvalidAuthenticationCode':
      return {
        cause: `IAM refused the codes (InvalidAuthenticationCode), and the time for this request ran out before newer ones could be tried`,
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
            : "check the secret's name and region; for a device that is still to be made, create the secret, with no value; one that exists needs a new device, as AWS shows a seed once",
      };
    case 'DecryptionFailure':
      return {
        cause: `secret ${subject.secretArn} can't be decrypted (DecryptionFailure)`,
        next: `check that its KMS key is enabled and that ${KEY_GRANTS}`,
      };
    case 'EncryptionFailure':
      return {
        cause: `the seed can't be encrypted for secret ${subject.secretArn} (EncryptionFailure)`,
        next: "check that the secret's KMS key exists and is enabled",
      };
    case 'InvalidRequest':
      return {
        cause: `secret ${subject.secretArn} can't be used, most likely because it is scheduled for deletion (InvalidRequestException)`,
        next: `restore it (aws secretsmanager restore-secret --secret-id ${subject.secretArn}) or name another secret`,
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
            cause: `${action} answered ${code}`,
            next: 'look the code up in the API reference of this action',
          };
  }
}

const BY_POLICY_AND_NAME =
  "to the function's role: by the policy of the key, and by naming a customer-managed key where the secret is imported (encryptionKey of Secret.fromSecretAttributes)";
const KEY_GRANTS = `kms:Decrypt is granted ${BY_POLICY_AND_NAME}`;

/** What looks like a refusal of the secret can be one of its key. */
const KEY_GRANTS_FOR: Readonly<Partial<Record<Action, string>>> = {
  'secretsmanager:GetSecretValue': ` and that ${KEY_GRANTS}`,
  'secretsmanager:PutSecretValue': ` and that kms:GenerateDataKey and kms:Decrypt are granted ${BY_POLICY_AND_NAME}`,
};

function accessDenied({ action }: CallError, subject: Subject): Cause {
  const cause = `${action} on ${resourceOf(action, subject)} is denied to the function's role (AccessDenied)`;
  const elsewhere =
    'a service control policy, a permissions boundary of the role, the policy of a VPC endpoint, or a role that was imported as immutable and lacks the grants that docs/permissions.md lists';
  if (isOnSecret(action)) {
    return {
      cause,
      next: `check that the secret exists${KEY_GRANTS_FOR[action] ?? ''}; else look for what can deny: the policy of the secret, ${elsewhere}`,
    };
  }
  return isOnUser(action)
    ? {
        cause,
        next: `look for what can deny: an imported user's missing path (import it by User.fromUserArn), ${elsewhere}`,
      }
    : { cause, next: `look for what can deny: ${elsewhere}` };
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
        next: "delete devices that nobody uses ('aws iam list-virtual-mfa-devices --assignment-status Unassigned' shows them), or have the quota of IAM users raised, which is that of devices, too",
      };
    case 'secretsmanager:PutSecretValue':
      return {
        cause: 'the secret has as many versions as Secrets Manager allows (LimitExceeded)',
        next: 'wait a day, after which Secrets Manager removes versions without a staging label, or use another secret',
      };
    default:
      return {
        cause: 'the user has eight MFA devices, the most that IAM allows (LimitExceeded)',
        next: 'deactivate one of them',
      };
  }
}

/** What an action is authorised against. */
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
