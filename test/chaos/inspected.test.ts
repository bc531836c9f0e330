import { CALM } from './faults';
import { History, type Step } from './history';
import { D1, PLAIN } from './plain';
import { NONE } from './sabotage';
import { serialNumberOf } from './synthesis';

/*
 * Random histories seldom wait long enough between a request and what an administrator does. These do.
 */

const deploy: Step = { do: 'deploy', stack: 'North', change: { kind: 'add', enrollment: D1 }, faults: CALM };
const recheck: Step = { do: 'deploy', stack: 'North', change: { kind: 'recheck' }, faults: CALM };
const wait: Step = { do: 'wait', minutes: 30 };
const deactivate: Step = { do: 'deactivate', device: 'd1', user: 'ivy' };
const enable: Step = { do: 'enable', device: 'd1', user: 'ivy' };

test.each([
  ['by hand long after the deployment: others must have enabled it', [deploy, wait, deactivate, enable], true, true],
  ['by the function long after the deployment: others can not', [deploy, wait, deactivate, recheck], false, false],
  ['by hand soon after the deployment: others can have enabled it', [deploy, deactivate, enable], true, false],
])('an inspection agrees if a device is enabled %s', async (_, steps, may, must) => {
  const history = new History({ ...PLAIN, steps }, NONE);
  expect(await history.run()).toEqual([]);
  const { world } = history;
  const serialNumber = serialNumberOf('d1');
  expect(world.holderOf(serialNumber)).toBe('ivy');
  const tags = world.tagsOf(serialNumber);
  expect(world.enablings.mayBeOthers(serialNumber, tags)).toBe(may);
  expect(world.enablings.mustBeOthers(serialNumber, tags)).toBe(must);
});
