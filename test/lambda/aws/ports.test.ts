import { CallError } from '../../../lambda/aws/ports';

test.each<[string, string | undefined, number | undefined, boolean]>([
  ['no answer', undefined, undefined, true],
  ['a 500', 'ServiceFailure', 500, true],
  ['a 503', 'ServiceUnavailable', 503, true],
  ['a 499', 'SomethingNew', 499, false],
  ['a refusal', 'LimitExceeded', 409, false],
  ['a request that was not sent', 'CredentialsProviderError', undefined, false],
])('%s: whether the call took effect can be told, or not', (_, code, httpStatus, unknown) => {
  expect(new CallError('iam:TagMFADevice', code, httpStatus).effectUnknown).toBe(unknown);
});

test('a failed call shows its action and its code, and nothing else', () => {
  expect(String(new CallError('iam:TagMFADevice', 'LimitExceeded', 409))).toBe(
    'CallError: iam:TagMFADevice: LimitExceeded',
  );
  expect(String(new CallError('iam:TagMFADevice', undefined))).toBe('CallError: iam:TagMFADevice: no answer');
});
