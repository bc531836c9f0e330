import { DEVICE_RESOURCE_TYPE, SEED_VERSION_KEY } from '../../lib/contract';
import { CALM } from './faults';
import { History, Step } from './history';
import type { DeviceChange, MadeDevice } from './made-devices';
import { NONE, Sabotage } from './sabotage';
import { ofType, withIam } from './wrapped-shell';

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

  test('would be deleted in the rollback by who does not ask which secret it was made with', async () => {
    const overlooking: Sabotage = {
      shell: ofType(DEVICE_RESOURCE_TYPE, (shell, event) =>
        event.RequestType === 'Delete'
          ? withIam(shell, (iam) => ({
              listMFADeviceTags: async (serialNumber) =>
                (await iam.listMFADeviceTags(serialNumber)).filter(({ key }) => key !== SEED_VERSION_KEY),
            }))
          : shell,
      ),
    };
    expect(await violations(overlooking)).toMatchObject([{ invariant: 'undone' }]);
  });
});
