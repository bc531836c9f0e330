import { secondsOf } from '../../bench/fleet/fleet-world';
import { StatusWorld } from '../../bench/status/status-world';

/** As many as two stacks need. The benchmark looks at 490. */
const ENROLLMENTS = 150;
const throttle = { perSecond: 10, burst: 10 };

test('status of enrollments in two stacks needs two IAM calls a device, and 1.2 times the time of these if IAM allows 10 calls per second', async () => {
  const world = await StatusWorld.deploy(ENROLLMENTS);
  const ofStacks = await world.inspect('stacks', throttle);
  expect(ofStacks).toMatchObject({ isFine: true, iamCallsLetThrough: 2 * ENROLLMENTS });
  expect(ofStacks.seconds).toBeLessThanOrEqual(1.2 * secondsOf(ofStacks.iamCallsLetThrough, throttle));

  // The whole account needs the list of all virtual devices besides, in pages of 1,000.
  const ofAccount = await world.inspect('account', throttle);
  expect(ofAccount).toMatchObject({ isFine: true, iamCallsLetThrough: 2 * ENROLLMENTS + 1 });
  expect(ofAccount.seconds).toBeLessThanOrEqual(1.2 * secondsOf(ofAccount.iamCallsLetThrough, throttle));
});
