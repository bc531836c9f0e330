import { DEVICE_CLAIM_PREFIX, ENROLLMENT_CLAIM_PREFIX, SEED_VERSION_KEY } from '../../lib/contract';
import { SecretText } from '../../lambda/aws/ports';
import { parseSeed } from '../../lambda/seed';
import { codePairAt, stepAt } from '../../lambda/totp';
import { AwsError } from '../../local/aws-error';
import { type Device, DEVICES, type User } from './declaration';
import type { Name } from './made-devices';
import { pathOfDevice, serialNumberOf } from './synthesis';
import type { World } from './world';

/** What an administrator does by hand; `index` picks one of the devices that stacks, or administrators, have made. */
export type ByHand =
  | { readonly do: 'enable' | 'deactivate'; readonly device: Device; readonly user: User }
  | { readonly do: 'tag' | 'untag' | 'delete'; readonly device: Device }
  | { readonly do: 'make a device'; readonly name: Name }
  | { readonly do: 'enable a made device'; readonly index: number; readonly user: User }
  | {
      readonly do:
        | 'deactivate a made device'
        | 'write to its secret'
        | 'delete a made device'
        | 'make it anew'
        | 'take its claims off'
        | 'take its seed version off';
      readonly index: number;
    };

const PREMADE: readonly string[] = [...DEVICES, 'foreign'].map(serialNumberOf);

/** Administrators are refused things, too. */
export function workByHand(world: World, step: ByHand): void {
  try {
    new Administrator(world).take(step);
  } catch (error) {
    if (!(error instanceof AwsError)) {
      throw error;
    }
  }
}

class Administrator {
  constructor(private readonly world: World) {}

  take(step: ByHand): void {
    if ('device' in step) {
      return this.atWork(serialNumberOf(step.device), step);
    }
    if ('name' in step) {
      return this.make(pathOfDevice(step.name), step.name);
    }
    const made = this.made;
    const serialNumber = made[step.index % Math.max(1, made.length)];
    if (serialNumber !== undefined) {
      this.atWork(serialNumber, step);
    }
  }

  private get made(): string[] {
    const serialNumbers = this.world.iam.state().devices.map(({ serialNumber }) => serialNumber);
    return serialNumbers.filter((serialNumber) => !PREMADE.includes(serialNumber));
  }

  private atWork(serialNumber: string, step: Exclude<ByHand, { do: 'make a device' }>): void {
    const { iam, secretsManager, births } = this.world;
    const birth = births.of(serialNumber);
    if (birth === undefined) {
      return; // it was deleted
    }
    switch (step.do) {
      case 'enable':
      case 'enable a made device': {
        const seed = parseSeed(new SecretText(birth.seed));
        const codes = codePairAt(seed, stepAt(this.world.clock.now())).reveal();
        return this.world.enableByHand(serialNumber, step.user, codes);
      }
      case 'deactivate':
      case 'deactivate a made device':
        return this.deactivate(serialNumber);
      case 'tag':
        iam.call('TagMFADevice', { SerialNumber: serialNumber, Tags: [{ Key: 'owner', Value: 'security' }] });
        return;
      case 'untag':
        return this.untag(serialNumber, Object.keys(this.world.tagsOf(serialNumber, ENROLLMENT_CLAIM_PREFIX)));
      case 'take its claims off':
        births.excuse(serialNumber);
        return this.untag(serialNumber, Object.keys(this.world.tagsOf(serialNumber, DEVICE_CLAIM_PREFIX)));
      case 'take its seed version off':
        return this.untag(serialNumber, [SEED_VERSION_KEY]);
      case 'delete':
      case 'delete a made device':
        return this.delete(serialNumber);
      case 'make it anew': {
        this.deactivateIfEnabled(serialNumber);
        this.delete(serialNumber);
        const [, path = '/', name = ''] = /:mfa(\/(?:.*\/)?)([^/]+)$/.exec(serialNumber) ?? [];
        return this.make(path, name);
      }
      case 'write to its secret': {
        const { secretArn } = birth;
        if (secretArn !== undefined) {
          secretsManager.call('PutSecretValue', { SecretId: secretArn, SecretString: 'by hand' });
        }
      }
    }
  }

  private make(path: string, name: string): void {
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
