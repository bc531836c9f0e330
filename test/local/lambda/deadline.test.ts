import { SkippingClock, systemClock } from '../../../local/clock';
import { deadline } from '../../../local/lambda/deadline';
import { VirtualClock } from '../../../local/virtual-clock';

describe('a deadline', () => {
  test('is reached when the clock gets there', async () => {
    const clock = new VirtualClock();
    const at = clock.now() + 5_000;
    await clock.run(deadline(clock, at).reached);
    expect(clock.now()).toBe(at);
  });

  test('that has passed is reached at once, on the machine’s clock too', async () => {
    await deadline(systemClock, 0).reached;
  });

  test('that is lifted is never reached', async () => {
    const clock = new VirtualClock();
    const watch = deadline(clock, clock.now() + 5_000);
    let reached = false;
    void watch.reached.then(() => (reached = true));
    watch.lift();
    await clock.run(clock.sleep(10_000));
    expect(reached).toBe(false);
  });

  test('does not move a skipping clock while there is work', async () => {
    const clock = new SkippingClock();
    const begun = clock.now();
    deadline(clock, begun + 5_000);
    await new Promise(setImmediate);
    expect(clock.now()).toBe(begun);
  });

  test('moves a skipping clock once only time is left', async () => {
    const clock = new SkippingClock();
    const at = clock.now() + 5_000;
    const watch = deadline(clock, at);
    watch.onlyTimeIsLeft();
    await watch.reached;
    expect(clock.now()).toBe(at);
  });

  test('that is lifted leaves a skipping clock where it is', async () => {
    const clock = new SkippingClock();
    const begun = clock.now();
    const watch = deadline(clock, begun + 5_000);
    watch.lift();
    watch.onlyTimeIsLeft();
    await new Promise(setImmediate);
    expect(clock.now()).toBe(begun);
  });
});
