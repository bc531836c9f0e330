import type { StackDescription } from '../../local/cloudformation';
import type { StackName } from './declaration';
import type { World } from './world';

/** A device at one point in time. */
export interface DeviceSnapshot {
  readonly userName?: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Distinguishes a device from one that was re-created under the same name. */
  readonly creation: number;
  readonly by: 'library' | 'administrator';
  /** The secret that it was created with, if the library created the device. */
  readonly secretArn?: string;
  /** Whether that secret holds its seed. */
  readonly stored: boolean;
}

/** The state that is compared before and after an operation. */
export interface Snapshot {
  readonly time: number;
  readonly users: readonly string[];
  readonly devices: Readonly<Record<string, DeviceSnapshot>>;
  readonly stack?: StackDescription;
}

export function snapshotOf(world: World, stackName: StackName): Snapshot {
  const { users, devices } = world.iam.state();
  const stack = world.cloudFormation.describeStack(stackName);
  return {
    time: world.clock.now(),
    users: users.map(({ userName }) => userName),
    devices: Object.fromEntries(
      devices.map(({ serialNumber, userName, tags }) => {
        const { number: creation, by, secretArn } = world.births.of(serialNumber)!;
        const stored = secretArn !== undefined && world.holdsSeed(secretArn, undefined, serialNumber);
        return [serialNumber, { userName, tags, creation, by, secretArn, stored }];
      }),
    ),
    stack: stack?.status === 'DELETE_COMPLETE' ? undefined : stack,
  };
}
