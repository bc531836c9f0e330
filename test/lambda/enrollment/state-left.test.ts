import { StateLeft } from '../../../lambda/enrollment/state-left';

const KEY = 'cdk-mfa-enrollment:enrollment:1/Alice';

function wordsOf(state: Partial<StateLeft>): string {
  return Object.assign(new StateLeft(), state).words(KEY);
}

test('before anything is read, nothing is said but that nothing was changed', () => {
  expect(wordsOf({})).toBe('nothing was changed');
});

test.each<[StateLeft['device'], string]>([
  ['not deactivated', 'the device was not deactivated; nothing was changed'],
  ['enabled', 'the device is enabled for this user; nothing was changed'],
  ['not enabled', 'the device is not enabled for this user; nothing was changed'],
  ['enabled for another user', 'the device stays enabled for another user; nothing was changed'],
  ['unknown', 'it is not known whether the device is enabled, as an answer was lost; nothing was changed'],
])('a device that is %s is told', (device, words) => {
  expect(wordsOf({ device })).toBe(words);
});

test('a claim is told by its key, so that it can be found', () => {
  expect(wordsOf({ device: 'enabled', claim: 'present', wasChanged: true })).toBe(
    `the device is enabled for this user; the device carries the claim tag of this enrollment, ${KEY}`,
  );
  expect(wordsOf({ claim: 'unknown', wasChanged: true })).toBe(
    `the device may carry the claim tag of this enrollment, ${KEY}`,
  );
});

test('that nothing was changed is said only where it is so', () => {
  expect(wordsOf({ device: 'not enabled', wasChanged: true })).toBe('the device is not enabled for this user');
});
