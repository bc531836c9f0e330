import type { IncomingHttpHeaders } from 'node:http';
import { AwsError } from '../aws-error';

/** The caller, the service and the region that a request's signature names. */
export interface CredentialScope {
  readonly accessKeyId: string;
  readonly region: string;
  readonly service: string;
  /** Sent with temporary credentials only. */
  readonly sessionToken: string | undefined;
}

/**
 * Reads the scope of a request's signature. The signature is not verified: the server knows no secret keys.
 *
 * @throws AwsError if the request doesn't identify its caller
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function credentialScopeOf(headers: IncomingHttpHeaders): CredentialScope {
  const { authorization, 'x-amz-security-token': sessionToken } = headers;
  if (authorization === undefined) {
    throw new AwsError('MissingAuthenticationToken', 403, 'Request is missing Authentication Token');
  }
  const scope = /^AWS4-HMAC-SHA256 .*?Credential=([^/,\s]+)\/\d{8}\/([^/,\s]+)\/([^/,\s]+)\/aws4_request/.exec(
    authorization,
  );
  if (scope === null) {
    throw new AwsError(
      'IncompleteSignature',
      400,
      "Authorization header requires 'AWS4-HMAC-SHA256' and 'Credential' with date, region, service and 'aws4_request'.",
    );
  }
  const [, accessKeyId = '', region = '', service = ''] = scope;
  return { accessKeyId, region, service, sessionToken: typeof sessionToken === 'string' ? sessionToken : undefined };
}
