import { REFUSED_SUFFIX } from '../../lib/contract';
import { serve } from '../../lambda/protocol';
import { CALM } from './faults';
import { History, type Step } from './history';
import type { DeviceChange, StackDevice } from './made-devices';
import { NONE, type Sabotage } from './sabotage';

/** Too rare in random histories. */
describe('a retained device that is declared again with another secret', () => {
  const device: Omit<StackDevice, 'id' | 'generation'> = {
    name: 'm1',
    secret: 'empty',
    tags: 'none',
    retain: 'the device',
    provider: 'own',
  };
  const deploy = (change: DeviceChange): Step => ({
    do: 'deploy',
    stack: 'North',
    change: { kind: 'stack device', change },
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

  test('fails to deploy, and the rollback leaves the device unchanged', async () => {
    expect(await violations(NONE)).toEqual([]);
  });

  test('is deleted in the rollback if the function forgets that it refused the Create', async () => {
    const forgetting: Sabotage = {
      serve: (event, context, shell) =>
        serve({ ...event, PhysicalResourceId: event.PhysicalResourceId?.replace(REFUSED_SUFFIX, '') }, context, shell),
    };
    expect(await violations(forgetting)).toMatchObject([{ invariant: 'undone' }]);
  });
});
