/* What all calls to AWS have in common, those of the inspection and those of the commands that read a seed. */

/** The names of regions. They become parts of host names and of commands. */
export const REGION_NAME = /^[a-z]{2,}(?:-[a-z]+)+-\d+$/;

/** Of every client. The first two end at the response's headers; the last ends a response that stops halfway. */
export const REQUEST_HANDLER = {
  connectionTimeout: 5_000,
  requestTimeout: 10_000,
  throwOnRequestTimeout: true,
  socketTimeout: 10_000,
};

/** Codes that say that no call can succeed with these credentials. */
export const UNUSABLE_CREDENTIALS: readonly (string | undefined)[] = [
  'CredentialsProviderError',
  'TokenProviderError',
  'ExpiredToken',
  'InvalidClientTokenId',
  'UnrecognizedClient',
  'InvalidSignature',
  'SignatureDoesNotMatch',
  'IncompleteSignature',
  'MissingAuthenticationToken',
  'InvalidAccessKeyId',
];

/**
 * The code of an error of AWS, as the API reference spells it. `undefined` if it can't be one: whatever is between here and
 * AWS can respond with any text in place of a code.
 *
 * @param name how the SDK names the error; it appends `Exception` to some codes
 */
export function errorCodeIn(name: string): string | undefined {
  return /^[A-Za-z][\w.]*$/.test(name) ? name.replace(/Exception$/, '') : undefined;
}
