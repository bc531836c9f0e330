import { AwsError } from '../aws-error';

/** The error for an operation that AWS may have, and the local AWS does not. AWS's own text would say that there is none. */
export function unsupportedOperation(service: string, operation: string, supported: readonly string[]): AwsError {
  return new AwsError(
    'InvalidAction',
    400,
    `${operation} is not supported by the local AWS. Supported operations of ${service}: ${[...supported].sort().join(', ')}.`,
  );
}
