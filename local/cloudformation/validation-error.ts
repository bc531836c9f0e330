import { AwsError } from '../aws-error';

/** The error for a request that CloudFormation rejects before it changes anything. */
export function validationError(message: string): AwsError {
  return new AwsError('ValidationError', 400, message);
}

/** The error for a template that is invalid, or that uses something the local CloudFormation doesn't support. */
export function templateError(message: string): AwsError {
  return validationError(`Template error: ${message}`);
}
