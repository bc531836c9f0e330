import { createHmac } from 'node:crypto';
import { inspect } from 'node:util';
import * as fc from 'fast-check';
import { Seed } from '../../lambda/seed';
import { codePairAt, next, startOf, type Step, stepAt } from '../../lambda/totp';

/** HOTP as in RFC 4226, section 5.3, without a library. */
function hotp(key: Uint8Array, counter: number): string {
  const message = Buffer.alloc(8);
  message.writeBigUInt64BE(BigInt(counter));
  const mac = createHmac('sha1', key).update(message).digest();
  const binary = mac.readUInt32BE(mac[19]! & 0x0f) & 0x7fffffff;
  return String(binary % 1_000_000).padStart(6, '0');
}

const rfcSeed = new Seed(new TextEncoder().encode('12345678901234567890'));
const step = (value: number) => value as Step;

test.each([
  [1, '755224', '287082'],
  [2, '287082', '359152'],
  [3, '359152', '969429'],
  [4, '969429', '338314'],
  [5, '338314', '254676'],
  [6, '254676', '287922'],
  [7, '287922', '162583'],
  [8, '162583', '399871'],
  [9, '399871', '520489'],
])('the codes match RFC 4226, appendix D, in step %i', (counter, previous, current) => {
  expect(codePairAt(rfcSeed, step(counter)).reveal()).toEqual([previous, current]);
});

// The RFC lists eight digits. Codes of six digits are the last six.
test.each([
  [59, '287082'],
  [1111111109, '081804'],
  [1111111111, '050471'],
  [1234567890, '005924'],
  [2000000000, '279037'],
  [20000000000, '353130'],
])('the code matches RFC 6238, appendix B, at second %i', (seconds, current) => {
  expect(codePairAt(rfcSeed, stepAt(seconds * 1000)).reveal()[1]).toBe(current);
});

test('a pair consists of the previous and the current code', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 16, maxLength: 64 }),
      fc.integer({ min: 30_000, max: 4_102_444_800_000 }),
      (key, epochMs) => {
        const counter = Math.floor(epochMs / 30_000);
        const pair = codePairAt(new Seed(key), stepAt(epochMs));
        expect(pair.reveal()).toEqual([hotp(key, counter - 1), hotp(key, counter)]);
        expect(pair.step).toBe(counter);
      },
    ),
    { seed: 1 },
  );
});

test('a step starts every 30 seconds', () => {
  expect(stepAt(29_999)).toBe(0);
  expect(stepAt(30_000)).toBe(1);
  expect(startOf(next(stepAt(30_000)))).toBe(60_000);
});

test('printing a seed or a pair does not show its value', () => {
  const pair = codePairAt(rfcSeed, step(1));
  const shown = [pair, rfcSeed].map((value) => JSON.stringify(value) + inspect(value, { depth: 9, showHidden: true }));
  expect(shown.join()).not.toMatch(/755224|287082|12345678901234567890|49,\s*50/);
});
