import { fleetOf } from '../../bench/fleet/fleet-app';
import { deployFleet, secondsOf, type Weather } from '../../bench/fleet/fleet-world';

const bucket = { perSecond: 10, burst: 10 };
const fleet = fleetOf(490);

describe('a stack of 490 enrollments on one scoped provider', () => {
  test('stays within 500 resources and a megabyte', () => {
    const { Resources } = fleet.template as { Resources: object };
    expect(Object.keys(Resources).length).toBeLessThanOrEqual(500);
    expect(Buffer.byteLength(JSON.stringify(fleet.template))).toBeLessThan(1024 * 1024);
  });

  test.each<[string, Weather]>([
    ['where IAM lets 10 calls through in a second', { bucket }],
    ['where 5 % of the calls fail, too', { bucket, failing: 0.05 }],
  ])('deploys %s, in 1.3 times the time that takes at least', async (_, weather) => {
    const { status, enabled, failures, seconds, iamCallsLetThrough } = await deployFleet(fleet, weather);
    expect({ status, enabled, failures }).toEqual({ status: 'CREATE_COMPLETE', enabled: 490, failures: [] });
    expect(seconds).toBeLessThanOrEqual(1.3 * secondsOf(iamCallsLetThrough, bucket));
  });

  test.each<[string, Weather]>([
    ['', {}],
    [', IAM lets 10 calls through in a second and 5 % of them fail', { bucket, failing: 0.05 }],
  ])('deploys where Lambda runs 10 events at once%s', async (_, weather) => {
    const { status, enabled, failures } = await deployFleet(fleet, { ...weather, concurrency: 10 });
    expect({ status, enabled, failures }).toEqual({ status: 'CREATE_COMPLETE', enabled: 490, failures: [] });
  });

  test('is enrolled by four calls of IAM each where nothing is in the way', async () => {
    const { iamCalls } = await deployFleet(fleet, {});
    expect(iamCalls).toBe(4 * 490);
  });
});

test.each([
  [10, 0],
  [1960, 195],
  [0, 0],
])('a bucket of 10 lets %d calls through in %d s', (calls, seconds) => {
  expect(secondsOf(calls, bucket)).toBe(seconds);
});
