import { StateLeft } from '../../../lambda/enrollment/state-left';

const KEY = 'cdk-mfa-enrollment:enrollment:1/Alice';

function textOf(state: Partial<StateLeft>): string {
  return Object.assign(new StateLeft(), state).words(KEY);
}

test('the initial state is that nothing was changed', () => {
  expect(textOf({})).toBe('nothing was changed');
});

test.each<[StateLeft['device'], string]>([
  ['not deactivated', 'the device was not deactivated; nothing was changed'],
  ['enabled', 'the device is enabled for this user; nothing was changed'],
  ['not enabled', 'the device is not enabled for this user; nothing was changed'],
  ['enabled for another user', 'the device stays enabled for another user; nothing was changed'],
  ['unknown', 'it is not known whether the device is enabled, as an answer was lost; nothing was changed'],
])('the state of a device that is %s is described', (device, text) => {
  expect(textOf({ device })).toBe(text);
});

test('a claim is described with its key', () => {
  expect(textOf({ device: 'enabled', claim: 'present', wasChanged: true })).toBe(
    `the device is enabled for this user; the device carries the claim tag of this enrollment, ${KEY}`,
  );
  expect(textOf({ claim: 'unknown', wasChanged: true })).toBe(
    `the device may carry the claim tag of this enrollment, ${KEY}`,
  );
});

test('the state says that nothing was changed only if that is true', () => {
  expect(textOf({ device: 'not enabled', wasChanged: true })).toBe('the device is not enabled for this user');
});
