import fc from 'fast-check';
import { type Codes, DeviceClock, hotp } from '../../../local/iam/device-clock';

const STEP_MS = 30_000;
const seed = Buffer.from('12345678901234567890');
const NOW = 50_000_000 * STEP_MS + 7_000;
const CURRENT = 50_000_000;

/** The pair of codes whose second code has this counter. */
function pair(second: number): Codes {
  return [hotp(seed, second - 1), hotp(seed, second)];
}

describe('one-time passwords', () => {
  // https://datatracker.ietf.org/doc/html/rfc4226#appendix-D
  test.each([
    [0, '755224'],
    [1, '287082'],
    [2, '359152'],
    [3, '969429'],
    [4, '338314'],
    [5, '254676'],
    [6, '287922'],
    [7, '162583'],
    [8, '399871'],
    [9, '520489'],
  ])('RFC 4226: the code of counter %i is %s', (counter, code) => {
    expect(hotp(seed, counter)).toBe(code);
  });

  // The last six of the eight digits in https://datatracker.ietf.org/doc/html/rfc6238#appendix-B
  test.each([
    [59, '287082'],
    [1111111109, '081804'],
    [1234567890, '005924'],
    [20000000000, '353130'],
  ])('RFC 6238: the code at second %i is %s', (second, code) => {
    expect(hotp(seed, Math.floor(second / 30))).toBe(code);
  });
});

describe('a pair of codes for a new device', () => {
  test.each([-998, -997, -1, 0, 1, 999, 1000])('is accepted if the second code is %i steps from now', (distance) => {
    const clock = new DeviceClock(seed);
    expect(clock.accept(pair(CURRENT + distance), NOW)).toBe(true);
    expect(clock.reading).toEqual({ adjustment: distance, lastCounter: CURRENT + distance });
  });

  test.each([-1500, -1000, -999, 1001, 1002, 1500])(
    'is rejected if the second code is %i steps from now',
    (distance) => {
      const clock = new DeviceClock(seed);
      expect(clock.accept(pair(CURRENT + distance), NOW)).toBe(false);
      expect(clock.reading).toBeUndefined();
    },
  );

  test('stores an adjustment of 0 if it is (previous, current), at the start and at the end of a step', () => {
    for (const within of [0, STEP_MS - 1]) {
      const clock = new DeviceClock(seed);
      expect(clock.accept(pair(CURRENT), CURRENT * STEP_MS + within)).toBe(true);
      expect(clock.reading?.adjustment).toBe(0);
    }
  });

  test('is rejected if its codes are equal, swapped, two steps apart, or from another seed', () => {
    const clock = new DeviceClock(seed);
    const code = (counter: number): string => hotp(seed, counter);
    const other = Buffer.from('09876543210987654321');
    expect(clock.accept([code(CURRENT), code(CURRENT)], NOW)).toBe(false);
    expect(clock.accept([code(CURRENT), code(CURRENT - 1)], NOW)).toBe(false);
    expect(clock.accept([code(CURRENT - 2), code(CURRENT)], NOW)).toBe(false);
    expect(clock.accept([hotp(other, CURRENT - 1), hotp(other, CURRENT)], NOW)).toBe(false);
    expect(clock.reading).toBeUndefined();
  });

  test('sets the adjustment to the distance of its second counter', () => {
    fc.assert(
      fc.property(fc.integer({ min: -998, max: 1000 }), (distance) => {
        const clock = new DeviceClock(seed);
        clock.accept(pair(CURRENT + distance), NOW);
        expect(clock.reading?.adjustment).toBe(distance);
      }),
      { seed: 1, numRuns: 25 },
    );
  });

  test('is accepted near the start of the epoch, where the search window has no earlier counters', () => {
    const clock = new DeviceClock(seed);
    expect(clock.accept(pair(1), 5 * STEP_MS)).toBe(true);
  });
});

describe('replay protection', () => {
  function accepted(): DeviceClock {
    const clock = new DeviceClock(seed);
    clock.accept(pair(CURRENT), NOW);
    return clock;
  }

  test('after a pair that ends at c, (c−1,c) and (c,c+1) are rejected', () => {
    expect(accepted().accept(pair(CURRENT), NOW)).toBe(false);
    expect(accepted().accept(pair(CURRENT + 1), NOW)).toBe(false);
  });

  test('after a pair that ends at c, (c+1,c+2) is accepted', () => {
    const clock = accepted();
    expect(clock.accept(pair(CURRENT + 2), NOW)).toBe(true);
    expect(clock.reading).toEqual({ adjustment: 2, lastCounter: CURRENT + 2 });
  });

  test('a rejected pair changes nothing', () => {
    const clock = accepted();
    clock.accept(['000000', '000000'], NOW);
    clock.accept(pair(CURRENT + 1), NOW);
    expect(clock.reading).toEqual({ adjustment: 0, lastCounter: CURRENT });
  });

  test('(previous, current) is rejected one step after it was accepted, and accepted two steps after', () => {
    const clock = accepted();
    expect(clock.accept(pair(CURRENT + 1), NOW + STEP_MS)).toBe(false);
    expect(clock.accept(pair(CURRENT + 2), NOW + 2 * STEP_MS)).toBe(true);
    expect(clock.reading?.adjustment).toBe(0);
  });
});

describe('a pair of codes for a device with a stored adjustment', () => {
  test('is searched around the stored adjustment: 600, 1200 and 1800 are accepted in that order', () => {
    const clock = new DeviceClock(seed);
    expect(clock.accept(pair(CURRENT), NOW)).toBe(true);
    for (const distance of [600, 1200, 1800]) {
      expect(clock.accept(pair(CURRENT + distance), NOW)).toBe(true);
      expect(clock.reading?.adjustment).toBe(distance);
    }
  });

  test('is accepted 1,000 steps ahead of the stored adjustment, and rejected 1,001 ahead', () => {
    const clock = new DeviceClock(seed);
    clock.accept(pair(CURRENT + 500), NOW);
    expect(clock.accept(pair(CURRENT + 1501), NOW)).toBe(false);
    expect(clock.accept(pair(CURRENT + 1500), NOW)).toBe(true);
  });

  test('is rejected if it is current and the stored adjustment is beyond the search window', () => {
    const clock = new DeviceClock(seed);
    clock.accept(pair(CURRENT + 600), NOW);
    clock.accept(pair(CURRENT + 1200), NOW);
    const later = NOW + 1300 * STEP_MS;
    expect(clock.accept(pair(CURRENT + 1300), later)).toBe(false);
    expect(clock.accept(pair(CURRENT + 1300 + 202), later)).toBe(true);
  });

  test('is accepted 998 steps behind the stored adjustment, and rejected 999 behind', () => {
    const later = NOW + 2000 * STEP_MS;
    const clock = new DeviceClock(seed);
    clock.accept(pair(CURRENT + 500), NOW);
    expect(clock.accept(pair(CURRENT + 2500 - 999), later)).toBe(false);
    expect(clock.accept(pair(CURRENT + 2500 - 998), later)).toBe(true);
    expect(clock.reading?.adjustment).toBe(500 - 998);
  });
});
