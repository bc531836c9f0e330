import { type Clock, type Iam, SecretText, type SeedStore, type Tag } from '../../lambda/aws/ports';
import { callIam, callSecretsManager } from '../signed-request';

/**
 * In the place of `lambda/aws.ts`: requests written by hand, for as many calls as a start makes. No client can do it
 * with less, and none should do it with this: it knows one partition and no error.
 */
export class SdkIam implements Pick<Iam, 'awsTime' | 'listMFADevices' | 'listMFADeviceTags'> {
  constructor(private readonly clock: Clock) {}

  awsTime(): number {
    return this.clock.now();
  }

  async listMFADevices(userName: string): Promise<string[]> {
    const answer = await callIam('ListMFADevices', { UserName: userName });
    return [...answer.matchAll(/<SerialNumber>([^<]*)<\/SerialNumber>/g)].map(([, serialNumber = '']) => serialNumber);
  }

  async listMFADeviceTags(serialNumber: string): Promise<Tag[]> {
    const answer = await callIam('ListMFADeviceTags', { SerialNumber: serialNumber });
    return [...answer.matchAll(/<Key>([^<]*)<\/Key>\s*<Value>([^<]*)<\/Value>/g)].map(([, key = '', value = '']) => ({
      key,
      value,
    }));
  }
}

/** As {@link SdkIam}. */
export class SdkSeedStore implements Pick<SeedStore, 'read'> {
  async read(secretArn: string): Promise<SecretText> {
    const answer = await callSecretsManager('GetSecretValue', { SecretId: secretArn });
    return new SecretText((JSON.parse(answer) as { SecretString: string }).SecretString);
  }
}
