import { fleetOf } from '../../bench/fleet/fleet-app';
import { deployFleet, secondsOf } from '../../bench/fleet/fleet-world';

const bucket = { perSecond: 10, burst: 10 };
/** As many as fit into a stack. The benchmark deploys them in more ways. */
const SIZE = 490;
const fleet = fleetOf(SIZE);

test('a stack of 490 enrollments on one provider with a path scope has at most 500 resources and less than 1 MB', () => {
  const { template } = fleet;
  const { Resources } = template as { Resources: object };
  expect(Object.keys(Resources).length).toBeLessThanOrEqual(500);
  expect(Buffer.byteLength(JSON.stringify(template))).toBeLessThan(1024 * 1024);
});

test('they are deployed in at most 1.3 times the minimum time if IAM allows 10 calls per second and 5% of the calls fail', async () => {
  const { status, enabled, failures, seconds, iamCallsLetThrough } = await deployFleet(fleet, {
    bucket,
    failing: 0.05,
  });
  expect({ status, enabled, failures }).toEqual({ status: 'CREATE_COMPLETE', enabled: SIZE, failures: [] });
  expect(seconds).toBeLessThanOrEqual(1.3 * secondsOf(iamCallsLetThrough, bucket));
});

test('half of them are deployed if Lambda runs 10 events at once, IAM allows 10 calls per second and 5% of the calls fail', async () => {
  const conditions = { bucket, failing: 0.05, concurrency: 10 };
  const { status, enabled, failures } = await deployFleet(fleetOf(SIZE / 2), conditions);
  expect({ status, enabled, failures }).toEqual({ status: 'CREATE_COMPLETE', enabled: SIZE / 2, failures: [] });
});

test('60 enrollments need four IAM calls each if nothing is throttled', async () => {
  const { iamCalls } = await deployFleet(fleetOf(60), {});
  expect(iamCalls).toBe(4 * 60);
});

describe('a stack with one bad secret is rolled back with nothing left enabled', () => {
  const badSecret = 'the seed of another device';
  const sixty = fleetOf(60);

  test.each([
    ['creation', badSecret, false, 'ROLLBACK_COMPLETE'],
    ['update', badSecret, true, 'UPDATE_ROLLBACK_COMPLETE'],
    ['creation', 'no seed', false, 'ROLLBACK_COMPLETE'],
    ['update', 'no seed', true, 'UPDATE_ROLLBACK_COMPLETE'],
  ] as const)(
    'within four minutes, if Lambda runs 10 events of 60 at once: %s, %s',
    async (_, bad, asUpdate, status) => {
      const failed = await deployFleet(sixty, { concurrency: 10, badSecret: bad, asUpdate });
      expect(failed).toMatchObject({ status, enabled: 0 });
      expect(failed.seconds).toBeLessThanOrEqual(240);
    },
  );

  test('in 1.2 times the minimum time, if IAM allows 10 calls per second for an update of 490', async () => {
    const failed = await deployFleet(fleet, { bucket, badSecret, asUpdate: true });
    expect(failed).toMatchObject({ status: 'UPDATE_ROLLBACK_COMPLETE', enabled: 0 });
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
