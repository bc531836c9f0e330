import { createDevice, newIam, refusal } from './fixture';

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

test('tags are listed by key, and a tag written again replaces the first', () => {
  const { tag, read } = setUp();
  tag(['b', '1'], ['a', '2']);
  tag(['b', '3']);
  expect(read()).toEqual(['a=2', 'b=3']);
});

test('keys are not case-sensitive, in writing and in removing', () => {
  const { tag, untag, read } = setUp();
  tag(['Owner', 'a']);
  tag(['owner', 'b']);
  expect(read()).toEqual(['owner=b']);
  untag('OWNER');
  expect(read()).toEqual([]);
});

test('one request can’t write one key twice', () => {
  const { tag } = setUp();
  expect(refusal(() => tag(['a', '1'], ['A', '2']))).toEqual({
    code: 'InvalidInput',
    status: 400,
    message: 'Duplicate tag keys found. Please note that Tag keys are case insensitive.',
  });
});

test('removing a tag that is not there is no error', () => {
  const { untag } = setUp();
  expect(untag('none')).toEqual({});
});

test('the fiftieth tag is accepted, the fifty-first refused, and a refusal writes none of its tags', () => {
  const { tag, read } = setUp();
  for (let count = 1; count <= 49; count += 1) {
    tag([`key-${count}`, 'x']);
  }
  expect(refusal(() => tag(['one', 'x'], ['two', 'x']))).toMatchObject({ code: 'LimitExceeded', status: 409 });
  expect(read()).toHaveLength(49);
  tag(['one', 'x']);
  tag(['key-1', 'again']);
  expect(refusal(() => tag(['two', 'x'])).code).toBe('LimitExceeded');
  expect(read()).toHaveLength(50);
});

test.each([
  ['a key of 129 characters', 'k'.repeat(129), 'v'],
  ['a value of 257 characters', 'k', 'v'.repeat(257)],
  ['a key of other characters', 'k|', 'v'],
  ['a value of other characters', 'k', 'v*'],
  ['no key', '', 'v'],
])('%s is refused', (_, key, value) => {
  const { tag } = setUp();
  expect(refusal(() => tag([key, value])).code).toBe('ValidationError');
});

test('keys of 128 and values of 256 letters, digits, spaces and _.:/=+-@ are accepted', () => {
  const { tag, read } = setUp();
  const key = 'Schlüssel 1_.:/=+-@'.padEnd(128, 'k');
  tag([key, 'v'.repeat(256)], ['empty', '']);
  expect(read()).toEqual([`${key}=${'v'.repeat(256)}`, 'empty=']);
});

test('a device that nobody knows has no tags to speak of', () => {
  const { iam, SerialNumber } = setUp();
  iam.call('DeleteVirtualMFADevice', { SerialNumber });
  expect(refusal(() => iam.call('ListMFADeviceTags', { SerialNumber })).code).toBe('NoSuchEntity');
});

describe('with a delay', () => {
  test('a written tag is read only after it, and until then what stood before', () => {
    const { iam, clock, tag, read } = setUp();
    tag(['claim', 'old']);
    clock.turn(60_000);
    iam.delays = { tags: 5_000 };
    tag(['claim', 'new'], ['other', 'x']);
    expect(read()).toEqual(['claim=old']);
    clock.turn(4_999);
    expect(read()).toEqual(['claim=old']);
    clock.turn(1);
    expect(read()).toEqual(['claim=new', 'other=x']);
  });

  test('a removed tag is gone at once, and does not come back', () => {
    const { iam, clock, tag, untag, read } = setUp();
    iam.delays = { tags: 5_000 };
    tag(['claim', 'x']);
    untag('claim');
    clock.turn(10_000);
    expect(read()).toEqual([]);
  });

  test('the state for tests shows what was written, delay or not', () => {
    const { iam, SerialNumber, tag } = setUp();
    iam.delays = { tags: 5_000 };
    tag(['claim', 'x']);
    expect(iam.state().devices).toEqual([{ serialNumber: SerialNumber, tags: { claim: 'x' } }]);
  });
});
