import { TRUST_POLICY } from '../../../local/iam';
import { createDevice, newIam, errorOf } from './fixture';

function setUp() {
  const { iam, clock } = newIam();
  const { serialNumber: SerialNumber } = createDevice(iam, 'alice');
  const tag = (...Tags: [string, string][]) =>
    iam.call('TagMFADevice', { SerialNumber, Tags: Tags.map(([Key, Value]) => ({ Key, Value })) });
  const untag = (...TagKeys: string[]) => iam.call('UntagMFADevice', { SerialNumber, TagKeys });
  const read = () => {
    const { Tags } = iam.call('ListMFADeviceTags', { SerialNumber }) as { Tags: { Key: string; Value: string }[] };
    return Tags.map(({ Key, Value }) => `${Key}=${Value}`);
  };
  return { iam, clock, SerialNumber, tag, untag, read };
}

test('tags are sorted by key, and writing a key again replaces its value', () => {
  const { tag, read } = setUp();
  tag(['b', '1'], ['a', '2']);
  tag(['b', '3']);
  expect(read()).toEqual(['a=2', 'b=3']);
});

test('tag keys of devices are case-sensitive when written and when removed', () => {
  const { tag, untag, read } = setUp();
  tag(['Owner', 'a'], ['owner', 'b']);
  expect(read()).toEqual(['Owner=a', 'owner=b']);
  untag('OWNER');
  untag('Owner');
  expect(read()).toEqual(['owner=b']);
});

test.each([
  ['users', 'CreateUser', { UserName: 'alice' }],
  ['roles', 'CreateRole', { RoleName: 'alice', AssumeRolePolicyDocument: TRUST_POLICY }],
])('tag keys of %s are case-insensitive', (_, action, input) => {
  const { iam } = newIam();
  const Tags = ['Owner', 'owner'].map((Key) => ({ Key, Value: 'a' }));
  expect(errorOf(() => iam.call(action, { ...input, Tags })).code).toBe('InvalidInput');
});

test('a request with the same key twice is an error', () => {
  const { tag } = setUp();
  expect(errorOf(() => tag(['a', '1'], ['a', '2']))).toEqual({
    code: 'InvalidInput',
    status: 400,
    message: 'Duplicate tag keys found. Please note that Tag keys are case insensitive.',
  });
});

test('removing a tag that does not exist succeeds', () => {
  const { untag } = setUp();
  expect(untag('none')).toEqual({});
});

test('a device has at most 50 tags, and a request that would exceed that writes none of its tags', () => {
  const { tag, read } = setUp();
  for (let count = 1; count <= 49; count += 1) {
    tag([`key-${count}`, 'x']);
  }
  expect(errorOf(() => tag(['one', 'x'], ['two', 'x']))).toMatchObject({ code: 'LimitExceeded', status: 409 });
  expect(read()).toHaveLength(49);
  tag(['one', 'x']);
  tag(['key-1', 'again']);
  expect(errorOf(() => tag(['two', 'x'])).code).toBe('LimitExceeded');
  expect(read()).toHaveLength(50);
});

test.each([
  ['a key of 129 characters', 'k'.repeat(129), 'v'],
  ['a value of 257 characters', 'k', 'v'.repeat(257)],
  ['a key with invalid characters', 'k|', 'v'],
  ['a value with invalid characters', 'k', 'v*'],
  ['an empty key', '', 'v'],
])('%s is an error', (_, key, value) => {
  const { tag } = setUp();
  expect(errorOf(() => tag([key, value])).code).toBe('ValidationError');
});

test('keys of 128 and values of 256 letters, digits, spaces and _.:/=+-@ are valid', () => {
  const { tag, read } = setUp();
  const key = 'Schlüssel 1_.:/=+-@'.padEnd(128, 'k');
  tag([key, 'v'.repeat(256)], ['empty', '']);
  expect(read()).toEqual([`${key}=${'v'.repeat(256)}`, 'empty=']);
});

test('listing the tags of a device that does not exist fails', () => {
  const { iam, SerialNumber } = setUp();
  iam.call('DeleteVirtualMFADevice', { SerialNumber });
  expect(errorOf(() => iam.call('ListMFADeviceTags', { SerialNumber })).code).toBe('NoSuchEntity');
});
