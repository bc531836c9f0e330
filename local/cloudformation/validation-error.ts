import { AwsError } from '../aws-error';

/** A request that CloudFormation refuses before anything is changed. */
export function validationError(message: string): AwsError {
  return new AwsError('ValidationError', 400, message);
}

/** A template that CloudFormation refuses, or that holds what this CloudFormation does not know. */
export function templateError(message: string): AwsError {
  return validationError(`Template error: ${message}`);
}
