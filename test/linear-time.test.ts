import { join } from 'node:path';
import { isLinear, regularExpressionsIn } from './regular-expressions';

/** A pattern whose repeated group ends in a slash, which the group does not repeat. The value has 256 characters at most. */
const SERIAL_NUMBER = /^\^arn:\(\[a-z0-9-\]\+\):iam/;

test.each([
  ['=+$', false],
  ['\\s*=', false],
  ['^(?:a+)+$', false],
  ['a|b+c', false],
  ['[\\s-]+', true],
  ['^[A-Z]+=*$', true],
])('whether a regular expression takes time in proportion to the text: %s', (pattern, expected) => {
  expect(isLinear(pattern)).toBe(expected);
});

// Secrets have up to 64 kB, and their writers decide what is in them.
test.each(['lambda/seed.ts', 'lib/checks.ts'])(
  'no regular expression in %s begins anywhere and then goes on without a bound',
  (file) => {
    const patterns = regularExpressionsIn(join(__dirname, '..', file));
    expect(patterns.length).toBeGreaterThan(10);
    expect(patterns.filter((pattern) => !isLinear(pattern) && !SERIAL_NUMBER.test(pattern))).toEqual([]);
  },
);
