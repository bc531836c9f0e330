import { DEVICE_CLAIM_PREFIX, secretIdOf, SEED_PREFIX } from '../../lib/contract';
import { SecretText } from '../../lambda/aws/ports';
import { parseSeed } from '../../lambda/seed';
import { codePairAt, stepAt } from '../../lambda/totp';
import { AwsError } from '../../local/aws-error';
import { type Device, DEVICES, type User } from './declaration';
import type { Name } from './made-devices';
import { pathOfDevice, serialNumberOf } from './synthesis';
import type { World } from './world';

/**
 * One manual step of an administrator. `index` picks one of the devices that a stack or an administrator created during
 * the history.
 */
export type ManualStep =
  | { readonly do: 'enable' | 'deactivate'; readonly device: Device; readonly user: User }
  | { readonly do: 'tag' | 'untag' | 'delete'; readonly device: Device }
  | { readonly do: 'create a device'; readonly name: Name }
  | { readonly do: 'enable a created device'; readonly index: number; readonly user: User }
  | {
      readonly do:
        | 'deactivate a created device'
        | 'write to its secret'
        | 'delete a created device'
        | 're-create it'
        | 'remove its claims'
        | 'remove its seed version';
      readonly index: number;
    };

const EXISTING_DEVICES: readonly string[] = [...DEVICES, 'foreign'].map(serialNumberOf);

/** Runs a manual step. AWS may refuse it, which is no violation. */
export function runManualStep(world: World, step: ManualStep): void {
  try {
    new Administrator(world).run(step);
  } catch (error) {
    if (!(error instanceof AwsError)) {
      throw error;
    }
  }
}

class Administrator {
  constructor(private readonly world: World) {}

  run(step: ManualStep): void {
    if ('device' in step) {
      return this.runOn(serialNumberOf(step.device), step);
    }
    if ('name' in step) {
      return this.create(pathOfDevice(step.name), step.name);
    }
    const created = this.createdDevices;
    const serialNumber = created[step.index % Math.max(1, created.length)];
    if (serialNumber !== undefined) {
      this.runOn(serialNumber, step);
    }
  }

  private get createdDevices(): string[] {
    const serialNumbers = this.world.iam.state().devices.map(({ serialNumber }) => serialNumber);
    return serialNumbers.filter((serialNumber) => !EXISTING_DEVICES.includes(serialNumber));
  }

  private runOn(serialNumber: string, step: Exclude<ManualStep, { do: 'create a device' }>): void {
    const { iam, secretsManager, births } = this.world;
    const birth = births.of(serialNumber);
    if (birth === undefined) {
      return; // it was deleted
    }
    switch (step.do) {
      case 'enable':
      case 'enable a created device': {
        const seed = parseSeed(new SecretText(birth.seed));
        const codes = codePairAt(seed, stepAt(this.world.clock.now())).reveal();
        return this.world.enableByHand(serialNumber, step.user, codes);
      }
      case 'deactivate':
      case 'deactivate a created device':
        return this.deactivate(serialNumber);
      case 'tag':
        iam.call('TagMFADevice', { SerialNumber: serialNumber, Tags: [{ Key: 'owner', Value: 'security' }] });
        return;
      case 'untag':
        return this.world.unclaimByHand(serialNumber);
      case 'remove its claims':
        births.allowUnowned(serialNumber);
        return this.untag(serialNumber, Object.keys(this.world.tagsOf(serialNumber, DEVICE_CLAIM_PREFIX)));
      case 'remove its seed version':
        return this.untag(serialNumber, Object.keys(this.world.tagsOf(serialNumber, SEED_PREFIX)));
      case 'delete':
      case 'delete a created device':
        return this.delete(serialNumber);
      case 're-create it': {
        this.deactivateIfEnabled(serialNumber);
        this.delete(serialNumber);
        const [, path = '/', name = ''] = /:mfa(\/(?:.*\/)?)([^/]+)$/.exec(serialNumber) ?? [];
        return this.create(path, name);
      }
      case 'write to its secret': {
        const { secretArn } = birth;
        if (secretArn !== undefined) {
          secretsManager.call('PutSecretValue', { SecretId: secretIdOf(secretArn), SecretString: 'manual edit' });
        }
      }
    }
  }

  private create(path: string, name: string): void {
    this.world.makeByHand(path, name);
  }

  private delete(serialNumber: string): void {
    this.world.iam.call('DeleteVirtualMFADevice', { SerialNumber: serialNumber });
    this.world.births.end(serialNumber);
  }

  private deactivateIfEnabled(serialNumber: string): void {
    if (this.world.holderOf(serialNumber) !== undefined) {
      this.deactivate(serialNumber);
    }
  }

  private deactivate(serialNumber: string): void {
    const userName = this.world.holderOf(serialNumber) ?? 'nobody';
    this.world.iam.call('DeactivateMFADevice', { UserName: userName, SerialNumber: serialNumber });
  }

  private untag(serialNumber: string, keys: readonly string[]): void {
    this.world.iam.call('UntagMFADevice', { SerialNumber: serialNumber, TagKeys: keys });
  }
}
