import { secretIdOf } from '../lib/contract';
import {
  type Action,
  CallError,
  type DeviceName,
  type EnabledDevice,
  type Iam as IamPort,
  SecretText,
  type SecretVersions,
  type SeedStore,
  type Tag,
} from '../lambda/aws/ports';
import { type CodePair } from '../lambda/totp';
import { AwsError } from './aws-error';
import { type Clock } from './clock';
import { type Caller, type Iam } from './iam/iam';
import { type SecretsManager } from './secrets-manager/secrets-manager';

/** How a call travels: what happens before, instead of and after its effect. Rejects with a `CallError`. */
export type Channel = <T>(action: Action, effect: () => T) => Promise<T>;

/** Both the call and its response arrive. */
// eslint-disable-next-line @typescript-eslint/require-await -- an error must reject, not throw
export const directChannel: Channel = async (action, effect) => {
  try {
    return effect();
  } catch (error) {
    throw error instanceof AwsError ? new CallError(action, error.code.replace(/Exception$/, ''), error.status) : error;
  }
};

/**
 * The function's IAM port, connected to the local IAM in process: no HTTP and no SDK, for tests that advance the clock.
 */
export class InProcessIam implements IamPort {
  private date = 0;
  private readAt = 0;

  constructor(
    private readonly iam: Iam,
    private readonly clock: Clock,
    private readonly caller: Caller | undefined,
    private readonly channel: Channel = directChannel,
  ) {}

  awsTime(): number {
    return this.date + this.clock.now() - this.readAt;
  }

  async listMFADevices(userName: string): Promise<EnabledDevice[]> {
    const output = await this.call('iam:ListMFADevices', { UserName: userName });
    return (output.MFADevices as { SerialNumber: string; EnableDate: Date }[]).map(({ SerialNumber, EnableDate }) => ({
      serialNumber: SerialNumber,
      enabledAt: EnableDate.getTime(),
    }));
  }

  async listMFADeviceTags(serialNumber: string): Promise<Tag[]> {
    const output = await this.call('iam:ListMFADeviceTags', { SerialNumber: serialNumber });
    return (output.Tags as { Key: string; Value: string }[]).map(({ Key, Value }) => ({ key: Key, value: Value }));
  }

  async tagMFADevice(serialNumber: string, tags: readonly Tag[]): Promise<void> {
    await this.call('iam:TagMFADevice', { SerialNumber: serialNumber, Tags: tags.map(asSent) });
  }

  async untagMFADevice(serialNumber: string, tagKeys: readonly string[]): Promise<void> {
    await this.call('iam:UntagMFADevice', { SerialNumber: serialNumber, TagKeys: tagKeys });
  }

  async enableMFADevice(...args: [userName: string, serialNumber: string, codes: CodePair]): Promise<void> {
    await this.call('iam:EnableMFADevice', withCodes(...args));
  }

  async resyncMFADevice(...args: [userName: string, serialNumber: string, codes: CodePair]): Promise<void> {
    await this.call('iam:ResyncMFADevice', withCodes(...args));
  }

  async deactivateMFADevice(userName: string, serialNumber: string): Promise<void> {
    await this.call('iam:DeactivateMFADevice', { UserName: userName, SerialNumber: serialNumber });
  }

  async createVirtualMFADevice({ path, name }: DeviceName, tags: readonly Tag[]): Promise<SecretText> {
    const { VirtualMFADevice } = await this.call('iam:CreateVirtualMFADevice', {
      Path: path,
      VirtualMFADeviceName: name,
      Tags: tags.map(asSent),
    });
    return new SecretText((VirtualMFADevice as { Base32StringSeed: Buffer }).Base32StringSeed.toString());
  }

  async deleteVirtualMFADevice(serialNumber: string): Promise<void> {
    await this.call('iam:DeleteVirtualMFADevice', { SerialNumber: serialNumber });
  }

  private async call(action: Action, input: Record<string, unknown>): Promise<Record<string, unknown>> {
    const [, name = ''] = action.split(':');
    return this.channel(action, () => {
      // An HTTP date has no fractions of a second.
      this.date = Math.floor(this.clock.now() / 1000) * 1000;
      this.readAt = this.clock.now();
      return this.iam.call(name, input, this.caller);
    });
  }
}

/** The function's seed store, connected to the local Secrets Manager in process. */
export class InProcessSeedStore implements SeedStore {
  constructor(
    private readonly secretsManager: SecretsManager,
    private readonly caller: Caller | undefined,
    private readonly channel: Channel = directChannel,
  ) {}

  async read(secretArn: string): Promise<SecretText> {
    const output = await this.call('secretsmanager:GetSecretValue', { SecretId: secretIdOf(secretArn) });
    const { SecretString, SecretBinary } = output as { SecretString?: string; SecretBinary?: Uint8Array };
    return new SecretText(SecretString ?? Buffer.from(SecretBinary ?? []).toString('utf8'));
  }

  async write(secretArn: string, seed: SecretText, version: string): Promise<void> {
    const input = { SecretId: secretIdOf(secretArn), SecretString: seed.reveal(), ClientRequestToken: version };
    await this.call('secretsmanager:PutSecretValue', input);
  }

  async versions(secretArn: string): Promise<SecretVersions> {
    const output = await this.call('secretsmanager:DescribeSecret', { SecretId: secretIdOf(secretArn) });
    const stages = output.VersionIdsToStages as Record<string, string[]>;
    const staged = Object.keys(stages);
    return {
      uniqueName: (output.ARN as string).split(':').at(-1) ?? '',
      current: staged.find((id) => stages[id]!.includes('AWSCURRENT')),
      staged,
      isDeleted: output.DeletedDate !== undefined,
    };
  }

  async delete(secretArn: string): Promise<void> {
    await this.call('secretsmanager:DeleteSecret', {
      SecretId: secretIdOf(secretArn),
      ForceDeleteWithoutRecovery: true,
    });
  }

  private async call(action: Action, input: Record<string, unknown>): Promise<Record<string, unknown>> {
    const [, name = ''] = action.split(':');
    return this.channel(action, () => this.secretsManager.call(name, input, this.caller));
  }
}

function asSent({ key, value }: Tag) {
  return { Key: key, Value: value };
}

function withCodes(userName: string, serialNumber: string, codes: CodePair): Record<string, unknown> {
  const [first, second] = codes.reveal();
  return { UserName: userName, SerialNumber: serialNumber, AuthenticationCode1: first, AuthenticationCode2: second };
}
