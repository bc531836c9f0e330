import type { StackDescription } from '../../local/cloudformation';
import type { StackName } from './declaration';
import type { World } from './world';

/** A device at one moment. */
export interface DeviceSnapshot {
  readonly userName?: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Tells a device from one that was made anew under its name. */
  readonly birth: number;
  readonly by: 'library' | 'administrator';
  /** The secret that it was made with, of a device that the library made. */
  readonly secretArn?: string;
  /** Whether that secret holds its seed. */
  readonly stored: boolean;
}

/** What is compared before and after an operation. */
export interface Snapshot {
  readonly users: readonly string[];
  readonly devices: Readonly<Record<string, DeviceSnapshot>>;
  readonly stack?: StackDescription;
}

export function snapshotOf(world: World, stackName: StackName): Snapshot {
  const { users, devices } = world.iam.state();
  const stack = world.cloudFormation.describeStack(stackName);
  return {
    users: users.map(({ userName }) => userName),
    devices: Object.fromEntries(
      devices.map(({ serialNumber, userName, tags }) => {
        const { number: birth, by, secretArn } = world.births.of(serialNumber)!;
        const stored = secretArn !== undefined && world.holdsSeed(secretArn, undefined, serialNumber);
        return [serialNumber, { userName, tags, birth, by, secretArn, stored }];
      }),
    ),
    stack: stack?.status === 'DELETE_COMPLETE' ? undefined : stack,
  };
}
