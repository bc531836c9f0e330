import { isMissed } from '../../bench/figure';
import { figuresOf, type Rounds } from '../../bench/synthesis/figures';

const rounds = (scoped: number, other: number): Rounds =>
  new Map([
    ['scoped', [{ ms: scoped, bytes: scoped }]],
    ['ownPolicy', [{ ms: scoped, bytes: scoped }]],
    ['awsCustomResource', [{ ms: other, bytes: other }]],
    ['awsCustomResourceSharedRole', [{ ms: other, bytes: other }]],
    ['nodejsFunction', [{ ms: other, bytes: other }]],
  ]);
const figures = figuresOf(
  new Map([
    [1, rounds(45, 100)],
    [10, rounds(46, 100)],
    [100, rounds(300, 1_000)],
    [247, rounds(700, 1_000)],
    [490, rounds(1_800, 10_000)],
  ]),
);
const figure = (name: string) => figures.find((each) => each.name === `synthesis.${name}`)!;

test('bytes are reported per enrollment', () => {
  expect(figure('scoped.100.bytesPerEnrollment').value).toBe(3);
});

test('growth compares the time per enrollment at 490 and at 100 enrollments', () => {
  expect(figure('scoped.timePerEnrollment.490.to.100').value).toBeCloseTo(1_800 / 490 / 3);
  expect(isMissed(figure('scoped.timePerEnrollment.490.to.100'))).toBe(true);
});

test.each([
  ['scoped.1.time.to.nodejsFunction', false],
  ['scoped.10.time.to.nodejsFunction', true],
  ['scoped.100.time.to.nodejsFunction', false],
  ['scoped.10.bytesPerEnrollment.to.awsCustomResource', false],
  ['scoped.100.bytesPerEnrollment.to.awsCustomResource', false],
  ['scoped.247.bytesPerEnrollment.to.awsCustomResource', true],
  ['ownPolicy.247.bytesPerEnrollment.to.awsCustomResource', false],
  ['scoped.247.time.to.awsCustomResource', true],
  ['ownPolicy.247.time.to.awsCustomResource', false],
])('%s exceeds its bound: %s', (name, missed) => {
  expect(isMissed(figure(name))).toBe(missed);
});
