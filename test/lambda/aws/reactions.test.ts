import { type Action, CallError } from '../../../lambda/aws/ports';
import { type Reaction, reactionTo, type Relation, type RequestType } from '../../../lambda/aws/reactions';

const TWO_MINUTES = 120_000;
const FIFTEEN_SECONDS = 15_000;
const again: Reaction = { do: 'backOff' };
const fail: Reaction = { do: 'fail' };

/** The errors that the documentation of EnableMFADevice lists, and the common ones. */
test.each<[string, number, Reaction]>([
  ['InvalidAuthenticationCode', 403, { do: 'nextPair' }],
  ['EntityAlreadyExists', 409, { do: 'readState' }],
  ['EntityTemporarilyUnmodifiable', 409, again],
  ['ConcurrentModification', 409, again],
  ['ServiceFailure', 500, { do: 'readState' }],
  ['LimitExceeded', 409, fail],
  ['NoSuchEntity', 404, { do: 'backOff', forMs: TWO_MINUTES }],
  ['AccessDenied', 403, { do: 'backOff', forMs: TWO_MINUTES }],
  ['Throttling', 400, again],
  ['ValidationError', 400, fail],
  ['ServiceUnavailable', 503, { do: 'readState' }],
  ['RequestExpired', 400, fail],
  ['InvalidClientTokenId', 403, fail],
  ['SomethingNew', 400, fail],
])('reaction to %s of EnableMFADevice', (code, status, reaction) => {
  expect(reactionTo(new CallError('iam:EnableMFADevice', code, status), 'Create')).toEqual(reaction);
});

test.each<[Action, string | undefined, number | undefined, RequestType, Reaction]>([
  ['iam:EnableMFADevice', undefined, undefined, 'Create', { do: 'readState' }],
  ['iam:ResyncMFADevice', undefined, undefined, 'Create', { do: 'readState' }],
  ['iam:ResyncMFADevice', 'InvalidAuthenticationCode', 403, 'Update', { do: 'nextPair' }],
  ['iam:ResyncMFADevice', 'NoSuchEntity', 404, 'Create', { do: 'readState' }],
  ['iam:TagMFADevice', undefined, undefined, 'Create', again],
  ['iam:TagMFADevice', 'ServiceFailure', 500, 'Create', again],
  ['iam:TagMFADevice', 'LimitExceeded', 409, 'Create', fail],
  ['iam:TagMFADevice', 'NoSuchEntity', 404, 'Update', { do: 'backOff', forMs: TWO_MINUTES }],
  ['iam:ListMFADevices', 'NoSuchEntity', 404, 'Create', { do: 'backOff', forMs: TWO_MINUTES }],
  ['iam:ListMFADeviceTags', 'NoSuchEntity', 404, 'Delete', { do: 'accept' }],
  ['iam:DeactivateMFADevice', 'NoSuchEntity', 404, 'Delete', { do: 'accept' }],
  ['iam:DeactivateMFADevice', 'NoSuchEntity', 404, 'Update', { do: 'accept' }],
  ['iam:UntagMFADevice', 'NoSuchEntity', 404, 'Delete', { do: 'accept' }],
  ['iam:UntagMFADevice', 'NoSuchEntity', 404, 'Update', { do: 'accept' }],
  ['iam:DeactivateMFADevice', 'AccessDenied', 403, 'Delete', { do: 'backOff', forMs: TWO_MINUTES }],
  ['iam:DeactivateMFADevice', undefined, undefined, 'Delete', { do: 'readState' }],
  ['iam:CreateVirtualMFADevice', undefined, undefined, 'Create', { do: 'readState' }],
  ['iam:UntagMFADevice', undefined, undefined, 'Delete', again],
  ['iam:DeleteVirtualMFADevice', undefined, undefined, 'Delete', { do: 'readState' }],
  ['iam:DeleteVirtualMFADevice', 'ServiceFailure', 500, 'Create', { do: 'readState' }],
  ['iam:DeleteVirtualMFADevice', 'NoSuchEntity', 404, 'Create', { do: 'accept' }],
  ['iam:DeleteVirtualMFADevice', 'ConcurrentModification', 409, 'Delete', again],
  ['iam:DeactivateMFADevice', 'EntityTemporarilyUnmodifiable', 409, 'Delete', again],
  ['secretsmanager:GetSecretValue', 'ResourceNotFound', 400, 'Create', { do: 'backOff', forMs: FIFTEEN_SECONDS }],
  ['secretsmanager:GetSecretValue', 'AccessDenied', 400, 'Create', { do: 'backOff', forMs: TWO_MINUTES }],
  ['secretsmanager:GetSecretValue', 'DecryptionFailure', 400, 'Create', fail],
  ['secretsmanager:GetSecretValue', 'InvalidRequest', 400, 'Create', fail],
  ['secretsmanager:DeleteSecret', 'InvalidRequest', 400, 'Delete', { do: 'accept' }],
  ['secretsmanager:DeleteSecret', 'AccessDenied', 400, 'Delete', { do: 'backOff', forMs: TWO_MINUTES }],
  ['secretsmanager:DeleteSecret', 'InternalServiceError', 500, 'Delete', again],
  ['secretsmanager:GetSecretValue', 'InternalServiceError', 500, 'Create', again],
  ['secretsmanager:GetSecretValue', 'Throttling', 400, 'Create', again],
  ['secretsmanager:GetSecretValue', 'Unknown', 429, 'Create', again],
])('reaction to %s: %s (%s) in %s', (action, code, status, request, reaction) => {
  expect(reactionTo(new CallError(action, code, status), request)).toEqual(reaction);
});

test.each([
  'Throttling',
  'Throttled',
  'RequestThrottled',
  'RequestThrottling',
  'RequestLimitExceeded',
  'TooManyRequests',
  'SlowDown',
])('%s is treated as throttling', (code) => {
  expect(reactionTo(new CallError('iam:TagMFADevice', code, 400), 'Create')).toEqual(again);
});

test.each<[Relation, string, Reaction]>([
  ['asks whether it exists', 'NoSuchEntity', { do: 'accept' }],
  ['asks whether it exists', 'ResourceNotFound', { do: 'accept' }],
  ['asks whether it exists', 'AccessDenied', { do: 'backOff', forMs: TWO_MINUTES }],
  ['asks whether it is gone', 'ResourceNotFound', { do: 'accept' }],
  ['asks whether it is gone', 'AccessDenied', { do: 'accept' }],
  ['can do without it', 'AccessDenied', { do: 'backOff', forMs: FIFTEEN_SECONDS }],
  ['can do without it', 'NoSuchEntity', { do: 'accept' }],
  ['can do without it', 'LimitExceeded', fail],
])('reaction of a call that %s to %s', (relation, code, reaction) => {
  expect(reactionTo(new CallError('iam:ListMFADeviceTags', code, 400), 'Create', relation)).toEqual(reaction);
});
