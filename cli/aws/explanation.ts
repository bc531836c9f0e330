import { UNUSABLE_CREDENTIALS } from '../../inspection/aws';
import { isThrottled } from '../../lambda/aws/reactions';
import { shown } from '../../lib/checks';
import { Failure } from '../failure';
import { type AwsFailure } from './ports';

/** No credentials were found, or what was found didn't work. */
export function noCredentials(): Failure {
  return new Failure(
    'could not load AWS credentials. Check AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. ' +
      "If the profile uses IAM Identity Center, run 'aws sso login' first. A profile that asks for an MFA code does not work here.",
  );
}

/** No region is configured, or it is invalid. */
export function noRegion(): Failure {
  return new Failure('no usable AWS region is set. Add --region, or set AWS_REGION.');
}

/**
 * Explains the failure of a call. Only codes decide, never the text of AWS.
 *
 * @param subject what the call was about, such as "user 'alice'"
 */
export function explained({ action, code, httpStatus }: AwsFailure, subject: string): Failure {
  const failed = `${action} on ${subject} failed`;
  if (code === undefined) {
    return new Failure(`${failed}: AWS sent no response. Check the network, the region, and the proxy, and try again.`);
  }
  if (isThrottled({ code, httpStatus })) {
    return new Failure(`${failed}: AWS receives too many calls from this account. Wait a few seconds and try again.`);
  }
  if (UNUSABLE_CREDENTIALS.includes(code) || code === 'OptInRequired') {
    return new Failure(
      `${failed}: AWS does not accept the credentials (${code}). They may have expired, or belong to another partition.`,
    );
  }
  switch (code) {
    case 'AccessDenied':
    case 'AccessDeniedForDependency':
      return new Failure(
        `${failed}: access denied. The policies of the caller must allow ${action}, and ${
          action === 'secretsmanager:GetSecretValue'
            ? "the secret's resource policy and its key must not deny it."
            : 'no policy may deny it.'
        }`,
      );
    case 'NoSuchEntity':
      return new Failure(`${failed}: ${subject} does not exist in this account. Check the name and the credentials.`);
    case 'ResourceNotFound':
      return new Failure(
        `${failed}: no such secret, or it has no value. Check the name, the region, and the account of the credentials.`,
      );
    case 'InvalidRequest':
      return new Failure(
        `${failed}: the secret is scheduled for deletion. To use it again, run 'aws secretsmanager restore-secret' with its name or ARN as --secret-id.`,
      );
    case 'DecryptionFailure':
      return new Failure(`${failed}: its KMS key can't decrypt it. Check that the key is enabled.`);
    case 'Validation':
    case 'ValidationError':
    case 'InvalidParameter':
      return new Failure(`${failed}: AWS does not accept this as a name or an ARN.`);
    default:
      return new Failure(
        `${failed}: AWS error ${shown(code)}${httpStatus === undefined ? '' : ` (HTTP ${httpStatus})`}.`,
      );
  }
}
