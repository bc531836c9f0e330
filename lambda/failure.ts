import { CallGivenUp, OutOfTime } from './attempts';
import { CallError } from './ports';
import { RequestType } from './reactions';
import { NotASeedError } from './seed';

/** What an enrollment is about, for words. */
export interface Subject {
  readonly userName: string;
  readonly serialNumber: string;
  readonly secretArn: string;
}

/** Why something failed and what to do next, as clauses. */
export interface Cause {
  readonly cause: string;
  readonly next: string;
}

/** A request failed; the message is written for the person who reads the stack event. */
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

const TRIED: Record<RequestType, string> = {
  Create: 'cannot enable',
  Update: 'cannot keep enabled',
  Delete: 'cannot deactivate',
};

/** What was tried, on which user and device, why it failed, what state it left, and what to do next. */
export function reasonOf(request: RequestType, subject: Subject, failure: Failure, stateLeft: string): string {
  const { cause, next } = failure.because;
  return `${TRIED[request]} MFA device ${subject.serialNumber} for user ${subject.userName}: ${cause}. State: ${stateLeft}. Next: ${next}.`;
}

/** Puts what went wrong into words. Errors of the program itself are thrown on. */
export function failureOf(error: unknown, subject: Subject): Failure {
  if (error instanceof Failure) {
    return error;
  }
  if (error instanceof CallGivenUp) {
    return new Failure(causeOf(error.error, subject), error.error.code ?? 'NoAnswer');
  }
  if (error instanceof NotASeedError) {
    return new Failure(
      {
        cause: `secret ${subject.secretArn} holds no seed: ${error.message}`,
        next: "store this device's seed as Base32 text or as an otpauth://totp/ URI, and deploy again",
      },
      error.name,
    );
  }
  if (error instanceof OutOfTime) {
    return new Failure(
      { cause: 'the time for this request ran out while waiting to try again', next: 'deploy again' },
      error.name,
    );
  }
  throw error;
}

function causeOf(error: CallError, subject: Subject): Cause {
  const { action, code } = error;
  if (error.effectUnknown) {
    return {
      cause: `${action} got ${code === undefined ? 'no answer' : code} until time ran out`,
      next: 'check the AWS health dashboard and, for a function in a VPC, its way to IAM and Secrets Manager; then deploy again',
    };
  }
  switch (code) {
    case 'AccessDenied':
      return accessDenied(error, subject);
    case 'NoSuchEntity':
      return {
        cause: `${entityOf(error, subject)} does not exist (NoSuchEntity from ${action})`,
        next: 'check the name, create what is missing, and deploy again',
      };
    case 'LimitExceeded':
      return limitExceeded(error);
    case 'ResourceNotFound':
      return {
        cause: `secret ${subject.secretArn} does not exist, or has no current version`,
        next: "check the secret's name and region, store this device's seed in it, and deploy again",
      };
    case 'DecryptionFailure':
      return {
        cause: `secret ${subject.secretArn} can't be decrypted (DecryptionFailure)`,
        next: "check that its KMS key is enabled and that the key's policy allows kms:Decrypt to the function's role, and deploy again",
      };
    case 'InvalidRequest':
      return {
        cause: `secret ${subject.secretArn} is scheduled for deletion (InvalidRequestException)`,
        next: 'restore it (secretsmanager:RestoreSecret) or name another secret, and deploy again',
      };
    case 'ValidationError':
      return {
        cause: `AWS refused the values sent with ${action} as invalid (ValidationError)`,
        next: 'check the user name and the serial number, and deploy again',
      };
    default:
      return {
        cause: `${action} answered ${code}`,
        next: 'look the code up in the API reference of this action, and deploy again',
      };
  }
}

function accessDenied({ action }: CallError, subject: Subject): Cause {
  const elsewhere = 'a service control policy, a permissions boundary of the role, or the policy of a VPC endpoint';
  return {
    cause: `${action} on ${resourceOf(action, subject)} is denied to the function's role (AccessDenied)`,
    next:
      action === 'secretsmanager:GetSecretValue'
        ? `the role's own policy allows it, so look for what else can deny: the policy of the secret or of its KMS key, ${elsewhere}; then deploy again`
        : `the role's own policy allows it, so look for what else can deny: ${elsewhere}, or a path that is missing where the user is imported (import it by User.fromUserArn); then deploy again`,
  };
}

function limitExceeded({ action }: CallError): Cause {
  return action === 'iam:TagMFADevice'
    ? {
        cause:
          'the device has 50 tags, the most that IAM allows, and needs one more for the claim of this enrollment (LimitExceeded)',
        next: 'remove a tag from the device, and deploy again',
      }
    : {
        cause: 'the user has eight MFA devices, the most that IAM allows (LimitExceeded)',
        next: 'deactivate one of them, and deploy again',
      };
}

function resourceOf(action: CallError['action'], subject: Subject): string {
  switch (action) {
    case 'secretsmanager:GetSecretValue':
      return `secret ${subject.secretArn}`;
    case 'iam:ListMFADeviceTags':
    case 'iam:TagMFADevice':
    case 'iam:UntagMFADevice':
      return `device ${subject.serialNumber}`;
    case 'iam:EnableMFADevice':
    case 'iam:DeactivateMFADevice':
    case 'iam:ResyncMFADevice':
    case 'iam:ListMFADevices':
      return `user ${subject.userName}`;
  }
}

/** `EnableMFADevice` needs both, and its code does not say which of them is missing. */
function entityOf({ action }: CallError, subject: Subject): string {
  return action === 'iam:EnableMFADevice'
    ? `user ${subject.userName} or device ${subject.serialNumber}`
    : resourceOf(action, subject);
}
