import type { Delays } from '../../../local/iam';
import { createDevice, errorOf, newIam, withCodes } from './fixture';

const ALICE = { UserName: 'alice' };
const STALENESS = 8_000;

/** A device that was enabled and tagged long ago, in an IAM whose random source returns one byte for ever. */
function setUp(delays: Delays = { reads: STALENESS }) {
  let byte: number | undefined;
  const { iam, clock } = newIam(
    (random) => (bytes) => (byte === undefined ? random(bytes) : Buffer.alloc(bytes, byte)),
  );
  iam.call('CreateUser', ALICE);
  const device = createDevice(iam, 'alice');
  const SerialNumber = device.serialNumber;
  const tag = (Value: string, Key = 'claim') => iam.call('TagMFADevice', { SerialNumber, Tags: [{ Key, Value }] });
  const untag = (...TagKeys: string[]) => iam.call('UntagMFADevice', { SerialNumber, TagKeys });
  const tags = () =>
    (iam.call('ListMFADeviceTags', { SerialNumber }) as { Tags: { Key: string; Value: string }[] }).Tags.map(
      ({ Key, Value }) => `${Key}=${Value}`,
    );
  const enabled = () => (iam.call('ListMFADevices', ALICE) as { MFADevices: object[] }).MFADevices;
  const enable = () => iam.call('EnableMFADevice', withCodes('alice', device, clock.now()));
  const deactivate = () => iam.call('DeactivateMFADevice', { ...ALICE, SerialNumber });
  tag('old');
  clock.advance(60_000);
  iam.delays = delays;
  /** What a read returns that sees the latest state, and one that sees the state of `STALENESS` ago. */
  const extremes = <T>(read: () => T): [latest: T, oldest: T] => {
    const results = [0, 255].map((each) => {
      byte = each;
      return read();
    });
    byte = undefined;
    return results as [T, T];
  };
  return { iam, clock, SerialNumber, tag, untag, tags, enabled, enable, deactivate, extremes };
}

describe('with stale reads', () => {
  test('the tags of a device are those of some moment within the staleness, all of the same moment', () => {
    const { clock, tag, untag, tags, extremes } = setUp();
    tag('new');
    tag('x', 'other');
    expect(extremes(tags)).toEqual([['claim=new', 'other=x'], ['claim=old']]);
    clock.advance(STALENESS);
    expect(extremes(tags)).toEqual([
      ['claim=new', 'other=x'],
      ['claim=new', 'other=x'],
    ]);
    untag('claim');
    expect(extremes(tags)).toEqual([['other=x'], ['claim=new', 'other=x']]);
    clock.advance(STALENESS - 1);
    expect(extremes(tags)[1]).toEqual(['claim=new', 'other=x']);
    clock.advance(1);
    expect(extremes(tags)[1]).toEqual(['other=x']);
  });

  test('a read can show an older state than the read before it', () => {
    const { clock, tag, tags } = setUp();
    tag('new');
    clock.advance(STALENESS / 2);
    const seen = Array.from({ length: 50 }, () => tags().join());
    expect(seen.some((state, index) => state === 'claim=old' && seen[index - 1] === 'claim=new')).toBe(true);
  });

  test('a device is listed as enabled as of some moment, with the date of that enablement', () => {
    const { clock, enabled, enable, deactivate, SerialNumber, extremes } = setUp();
    const first = { UserName: 'alice', SerialNumber, EnableDate: new Date(clock.now()) };
    enable();
    expect(extremes(enabled)).toEqual([[first], []]);
    clock.advance(60_000);
    deactivate();
    expect(extremes(enabled)).toEqual([[], [first]]);
    enable();
    expect(extremes(enabled)).toEqual([[{ ...first, EnableDate: new Date(clock.now()) }], [first]]);
  });

  test('a device exists for readers as of some moment', () => {
    const { iam, SerialNumber, tags, extremes } = setUp();
    iam.call('DeleteVirtualMFADevice', { SerialNumber });
    const read = () => {
      try {
        return tags();
      } catch {
        return errorOf(tags).code;
      }
    };
    expect(extremes(read)).toEqual(['NoSuchEntity', ['claim=old']]);
    createDevice(iam, 'alice');
    expect(extremes(read)).toEqual([[], ['claim=old']]);
  });

  test('calls that change something act on the latest state', () => {
    const { iam, enable, deactivate, SerialNumber } = setUp();
    enable();
    expect(errorOf(enable).code).toBe('EntityAlreadyExists');
    deactivate();
    expect(errorOf(deactivate).code).toBe('NoSuchEntity');
    iam.call('DeleteVirtualMFADevice', { SerialNumber });
    expect(errorOf(() => iam.call('UntagMFADevice', { SerialNumber, TagKeys: ['claim'] })).code).toBe('NoSuchEntity');
  });

  test('state() is the latest state', () => {
    const { iam, tag, SerialNumber } = setUp();
    tag('new');
    expect(iam.state().devices).toEqual([{ serialNumber: SerialNumber, tags: { claim: 'new' } }]);
  });
});

test('tags can have a staleness of their own', () => {
  const { tag, tags, enable, enabled, extremes } = setUp({ reads: 0, tagReads: STALENESS });
  tag('new');
  enable();
  expect(extremes(tags)).toEqual([['claim=new'], ['claim=old']]);
  expect(extremes(enabled)[1]).toHaveLength(1);
});

describe('with a delay of tags', () => {
  test('no read shows a written or removed tag until the delay is over, and every read afterwards', () => {
    const { clock, tag, untag, tags } = setUp({ tags: 5_000 });
    tag('new');
    tag('x', 'other');
    clock.advance(4_999);
    expect(tags()).toEqual(['claim=old']);
    clock.advance(1);
    expect(tags()).toEqual(['claim=new', 'other=x']);
    untag('claim');
    clock.advance(4_999);
    expect(tags()).toEqual(['claim=new', 'other=x']);
    clock.advance(1);
    expect(tags()).toEqual(['other=x']);
  });

  test('reads can be stale besides', () => {
    const { clock, tag, tags, extremes } = setUp({ tags: 5_000, reads: STALENESS });
    tag('new');
    clock.advance(5_000);
    expect(extremes(tags)).toEqual([['claim=new'], ['claim=old']]);
  });
});
