import { CallError } from '../../../lambda/aws/ports';

test.each<[string, string | undefined, number | undefined, boolean]>([
  ['no response', undefined, undefined, true],
  ['status 500', 'ServiceFailure', 500, true],
  ['status 503', 'ServiceUnavailable', 503, true],
  ['status 499', 'SomethingNew', 499, false],
  ['a refusal', 'LimitExceeded', 409, false],
  ['no request sent', 'CredentialsProviderError', undefined, false],
])('the effect of a call with %s, code %s and HTTP status %s, is unknown: %s', (_, code, httpStatus, unknown) => {
  expect(new CallError('iam:TagMFADevice', code, httpStatus).effectUnknown).toBe(unknown);
});

test('the error of a call shows only its action and code', () => {
  expect(String(new CallError('iam:TagMFADevice', 'LimitExceeded', 409))).toBe(
    'CallError: iam:TagMFADevice: LimitExceeded',
  );
  expect(String(new CallError('iam:TagMFADevice', undefined))).toBe('CallError: iam:TagMFADevice: no answer');
});
