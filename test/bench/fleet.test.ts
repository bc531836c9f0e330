import { fleetOf } from '../../bench/fleet/fleet-app';
import { deployFleet, secondsOf, type Conditions } from '../../bench/fleet/fleet-world';

const bucket = { perSecond: 10, burst: 10 };
const fleet = fleetOf(490);

describe('a stack of 490 enrollments on one provider with a path scope', () => {
  test('has at most 500 resources and less than 1 MB', () => {
    const { Resources } = fleet.template as { Resources: object };
    expect(Object.keys(Resources).length).toBeLessThanOrEqual(500);
    expect(Buffer.byteLength(JSON.stringify(fleet.template))).toBeLessThan(1024 * 1024);
  });

  test.each<[string, Conditions]>([
    ['IAM allows 10 calls per second', { bucket }],
    ['IAM allows 10 calls per second and 5% of the calls fail', { bucket, failing: 0.05 }],
  ])('deploys in at most 1.3 times the minimum time if %s', async (_, conditions) => {
    const { status, enabled, failures, seconds, iamCallsLetThrough } = await deployFleet(fleet, conditions);
    expect({ status, enabled, failures }).toEqual({ status: 'CREATE_COMPLETE', enabled: 490, failures: [] });
    expect(seconds).toBeLessThanOrEqual(1.3 * secondsOf(iamCallsLetThrough, bucket));
  });

  test.each<[string, Conditions]>([
    ['Lambda runs 10 events at once', {}],
    [
      'Lambda runs 10 events at once, IAM allows 10 calls per second and 5% of the calls fail',
      { bucket, failing: 0.05 },
    ],
  ])('deploys if %s', async (_, conditions) => {
    const { status, enabled, failures } = await deployFleet(fleet, { ...conditions, concurrency: 10 });
    expect({ status, enabled, failures }).toEqual({ status: 'CREATE_COMPLETE', enabled: 490, failures: [] });
  });

  test('needs four IAM calls per enrollment if nothing is throttled', async () => {
    const { iamCalls } = await deployFleet(fleet, {});
    expect(iamCalls).toBe(4 * 490);
  });
});

describe('a stack with one bad secret is rolled back with nothing left enabled', () => {
  const badSecret = 'the seed of another device';
  const sixty = fleetOf(60);

  test.each([
    ['creation', false, 'ROLLBACK_COMPLETE'],
    ['update', true, 'UPDATE_ROLLBACK_COMPLETE'],
  ])('within four minutes, if Lambda runs 10 events of 60 at once: %s', async (_, asUpdate, status) => {
    const failed = await deployFleet(sixty, { concurrency: 10, badSecret, asUpdate });
    expect(failed).toMatchObject({ status, enabled: 0 });
    expect(failed.seconds).toBeLessThanOrEqual(240);
  });

  test.each([
    ['creation', false, 'ROLLBACK_COMPLETE'],
    ['update', true, 'UPDATE_ROLLBACK_COMPLETE'],
  ])('in 1.2 times the minimum time, if IAM allows 10 calls per second for 490: %s', async (_, asUpdate, status) => {
    const failed = await deployFleet(fleet, { bucket, badSecret, asUpdate });
    expect(failed).toMatchObject({ status, enabled: 0 });
    expect(failed.seconds).toBeLessThanOrEqual(1.2 * secondsOf(failed.iamCallsLetThrough, bucket));
  });
});

test.each([
  [10, 0],
  [1960, 195],
  [0, 0],
])('a bucket of 10 calls lets %d calls through in %d s', (calls, seconds) => {
  expect(secondsOf(calls, bucket)).toBe(seconds);
});
