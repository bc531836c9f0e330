import { type Clock, type EnabledDevice, type Iam, SecretText, type SeedStore, type Tag } from '../../lambda/aws/ports';
import { callIam, callSecretsManager } from '../signed-request';

/**
 * Replaces `lambda/aws/sdk.ts` with the smallest possible client, for the calls that a cold start makes. Only a lower
 * limit to compare with: it supports one partition and handles no errors.
 */
export class SdkIam implements Pick<Iam, 'awsTime' | 'listMFADevices' | 'listMFADeviceTags'> {
  constructor(private readonly clock: Clock) {}

  awsTime(): number {
    return this.clock.now();
  }

  async listMFADevices(userName: string): Promise<EnabledDevice[]> {
    const response = await callIam('ListMFADevices', { UserName: userName });
    return [...response.matchAll(/<SerialNumber>([^<]*)<\/SerialNumber>/g)].map(([, serialNumber = '']) => ({
      serialNumber,
      enabledAt: 0,
    }));
  }

  async listMFADeviceTags(serialNumber: string): Promise<Tag[]> {
    const response = await callIam('ListMFADeviceTags', { SerialNumber: serialNumber });
    return [...response.matchAll(/<Key>([^<]*)<\/Key>\s*<Value>([^<]*)<\/Value>/g)].map(([, key = '', value = '']) => ({
      key,
      value,
    }));
  }
}

/** Replaces the SDK's client like {@link SdkIam}. */
export class SdkSeedStore implements Pick<SeedStore, 'read'> {
  async read(secretArn: string): Promise<SecretText> {
    const response = await callSecretsManager('GetSecretValue', { SecretId: secretArn });
    return new SecretText((JSON.parse(response) as { SecretString: string }).SecretString);
  }
}
