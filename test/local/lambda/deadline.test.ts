import { SkippingClock, systemClock } from '../../../local/clock';
import { deadline } from '../../../local/lambda/deadline';
import { VirtualClock } from '../../../local/virtual-clock';

describe('a deadline', () => {
  test('is reached when the clock reaches its time', async () => {
    const clock = new VirtualClock();
    const at = clock.now() + 5_000;
    await clock.run(deadline(clock, at).reached);
    expect(clock.now()).toBe(at);
  });

  test('in the past is reached immediately, even on the machine’s clock', async () => {
    await deadline(systemClock, 0).reached;
  });

  test('is never reached after it was canceled', async () => {
    const clock = new VirtualClock();
    const watch = deadline(clock, clock.now() + 5_000);
    let reached = false;
    void watch.reached.then(() => (reached = true));
    watch.cancel();
    await clock.run(clock.sleep(10_000));
    expect(reached).toBe(false);
  });

  test('does not advance a skipping clock while there is other work', async () => {
    const clock = new SkippingClock();
    const start = clock.now();
    deadline(clock, start + 5_000);
    await new Promise(setImmediate);
    expect(clock.now()).toBe(start);
  });

  test('advances a skipping clock if only the passing of time can end the wait', async () => {
    const clock = new SkippingClock();
    const at = clock.now() + 5_000;
    const watch = deadline(clock, at);
    watch.waitForTimeOnly();
    await watch.reached;
    expect(clock.now()).toBe(at);
  });

  test('does not advance a skipping clock after it was canceled', async () => {
    const clock = new SkippingClock();
    const start = clock.now();
    const watch = deadline(clock, start + 5_000);
    watch.cancel();
    watch.waitForTimeOnly();
    await new Promise(setImmediate);
    expect(clock.now()).toBe(start);
  });
});
