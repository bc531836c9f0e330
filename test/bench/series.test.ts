import type { Figure } from '../../bench/figure';
import { barsOf, linesOf } from '../../bench/plots/series';
import { svgOfBars, svgOfLines } from '../../bench/plots/svg';

const figures: Figure[] = [
  { name: 'a.1', value: 3, unit: 'ms' },
  { name: 'a.10', value: 30, unit: 'ms' },
  { name: 'b.10', value: 50, unit: 'ms' },
];
const plot = { file: 'any.svg', title: 'Any', labels: { b: 'Ours', a: 'Theirs', c: 'Nobody' } };

test('a line chart has the measured points and omits lines without any', () => {
  expect(linesOf({ ...plot, nameOf: (key, at) => `${key}.${at}`, at: [1, 10] }, figures)).toEqual([
    { label: 'Ours', points: [[10, 50]] },
    {
      label: 'Theirs',
      points: [
        [1, 3],
        [10, 30],
      ],
    },
  ]);
});

test('a bar chart has the measured bars in the order of the labels', () => {
  expect(barsOf({ ...plot, nameOf: (key) => `${key}.10` }, figures)).toEqual([
    { label: 'Ours', value: 50 },
    { label: 'Theirs', value: 30 },
  ]);
});

test('plots are SVG with a title and labels', () => {
  const lines = svgOfLines('Title', [
    {
      label: 'Ours',
      points: [
        [1, 3],
        [10, 30],
      ],
    },
  ]);
  const bars = svgOfBars('Title', [{ label: 'Ours', value: 3 }]);
  for (const svg of [lines, bars]) {
    expect(svg).toMatch(/^<svg .*<\/svg>\n$/s);
    expect(svg).toContain('Title');
    expect(svg).toContain('Ours');
  }
});
