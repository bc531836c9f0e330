import { REFUSED_SUFFIX } from '../../lib/contract';
import { serve } from '../../lambda/protocol';
import { CALM } from './faults';
import { History, type Step } from './history';
import type { DeviceChange, MadeDevice } from './made-devices';
import { NONE, type Sabotage } from './sabotage';

/** Too rare to be left to chance. */
describe('a device that a removal policy kept, declared anew with another secret', () => {
  const device: Omit<MadeDevice, 'id' | 'generation'> = {
    name: 'm1',
    secret: 'empty',
    tags: 'none',
    retain: 'the device',
    provider: 'own',
  };
  const deploy = (change: DeviceChange): Step => ({
    do: 'deploy',
    stack: 'North',
    change: { kind: 'made', change },
    faults: CALM,
  });
  const steps = [
    deploy({ kind: 'add device', device }),
    deploy({ kind: 'add device', device: { ...device, name: 'm2', secret: 'default', retain: 'nothing' } }),
    deploy({ kind: 'remove device', index: 0 }),
    deploy({ kind: 'add device', device: { ...device, secret: 'used' } }),
  ];
  const violations = (sabotage: Sabotage) =>
    new History({ seed: 1, oldHalfOrder: 'ordered', rollbackOfReplaced: 'update-then-delete', steps }, sabotage).run();

  test('is refused, and stays', async () => {
    expect(await violations(NONE)).toEqual([]);
  });

  test('would be deleted in the rollback by who does not know that the Create was refused', async () => {
    const forgetting: Sabotage = {
      serve: (event, context, shell) =>
        serve({ ...event, PhysicalResourceId: event.PhysicalResourceId?.replace(REFUSED_SUFFIX, '') }, context, shell),
    };
    expect(await violations(forgetting)).toMatchObject([{ invariant: 'undone' }]);
  });
});
