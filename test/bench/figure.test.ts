import { isMissed, median, medianRatio } from '../../bench/figure';

test.each([
  [[3], 3],
  [[9, 1], 5],
  [[10, 9, 100], 10],
  [[4, 1, 100, 2], 3],
])('the median of %j is %d', (values, expected) => {
  expect(median(values)).toBe(expected);
});

test('the ratio of two contenders is that of a round, even if the machine slows down from round to round', () => {
  expect(medianRatio([1, 20, 300], [2, 40, 100])).toBe(0.5);
});

test.each([
  [0.37, 0.37, false],
  [0.38, 0.37, true],
  [0, 0.37, false],
  [1_000_000, undefined, false],
])('%d exceeds the bound %p: %s', (value, atMost, missed) => {
  expect(isMissed({ name: 'any', value, unit: 'ratio', atMost })).toBe(missed);
});
