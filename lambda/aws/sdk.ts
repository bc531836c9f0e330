import { IAMClient, IAMServiceException } from '@aws-sdk/client-iam';
import {
  CreateVirtualMFADeviceCommand,
  DeactivateMFADeviceCommand,
  DeleteVirtualMFADeviceCommand,
  EnableMFADeviceCommand,
  ListMFADevicesCommand,
  ListMFADeviceTagsCommand,
  ResyncMFADeviceCommand,
  TagMFADeviceCommand,
  UntagMFADeviceCommand,
} from '@aws-sdk/client-iam';
import {
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  SecretsManagerServiceException,
} from '@aws-sdk/client-secrets-manager';
import { fromEnv } from '@aws-sdk/credential-provider-env';
import { secretIdOf } from '../../lib/contract';
import {
  type Action,
  CallError,
  type Clock,
  type DeviceName,
  type EnabledDevice,
  type Iam,
  MOST_CALL_MS,
  SecretText,
  type SecretVersions,
  type SeedStore,
  type Tag,
} from './ports';

/**
 * Each call is sent once. What to do after a failure is decided in one place, and the SDK's own retries would send
 * codes again that have aged meanwhile.
 */
const CLIENT_CONFIG = {
  maxAttempts: 1,
  retryStrategy: {
    mode: 'once',
    acquireInitialRetryToken: () => Promise.resolve({ getRetryCount: () => 0, getRetryDelay: () => 0 }),
    refreshRetryTokenForRetry: () => Promise.reject(new Error('each call is sent once')),
    recordSuccess: () => undefined,
  },
  // The first two end at the answer's headers; the third ends an answer that stops half-way.
  requestHandler: {
    connectionTimeout: 5_000,
    requestTimeout: MOST_CALL_MS,
    throwOnRequestTimeout: true,
    socketTimeout: MOST_CALL_MS,
  },
  // Lambda gives the credentials of the function's role in the environment, and nowhere else. A provider marked as
  // memoized is asked for each request: the SDK would keep the first credentials, as these name no expiration.
  credentials: Object.assign(fromEnv(), { memoized: true }),
};

/** The IAM port on the SDK. IAM is global: the SDK finds its endpoint by the partition of the function's region. */
export class SdkIam implements Iam {
  private readonly client = new IAMClient(CLIENT_CONFIG);
  private date?: { readonly epochMs: number; readonly readAt: number };

  constructor(private readonly clock: Clock) {
    this.client.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        this.readDate(result.response);
        return result;
      },
      // Next to the connection, so that the dates of errors count, too.
      { step: 'deserialize', priority: 'low', name: 'readDate' },
    );
    tellLostAnswers(this.client);
  }

  awsTime(): number {
    if (this.date === undefined) {
      throw new Error('AWS has not answered yet');
    }
    return this.date.epochMs + this.clock.now() - this.date.readAt;
  }

  async listMFADevices(userName: string): Promise<EnabledDevice[]> {
    const devices = await allPages('iam:ListMFADevices', async (Marker) => {
      const page = await this.client.send(new ListMFADevicesCommand({ UserName: userName, Marker }));
      return { ...page, items: page.MFADevices };
    });
    return devices.map(({ SerialNumber = '', EnableDate }) => ({
      serialNumber: SerialNumber,
      enabledAt: EnableDate?.getTime() ?? 0,
    }));
  }

  async listMFADeviceTags(serialNumber: string): Promise<Tag[]> {
    const tags = await allPages('iam:ListMFADeviceTags', async (Marker) => {
      const page = await this.client.send(new ListMFADeviceTagsCommand({ SerialNumber: serialNumber, Marker }));
      return { ...page, items: page.Tags };
    });
    return tags.map(({ Key = '', Value = '' }) => ({ key: Key, value: Value }));
  }

  async tagMFADevice(serialNumber: string, tags: readonly Tag[]): Promise<void> {
    await sent('iam:TagMFADevice', () =>
      this.client.send(new TagMFADeviceCommand({ SerialNumber: serialNumber, Tags: tags.map(asSent) })),
    );
  }

  async untagMFADevice(serialNumber: string, tagKeys: readonly string[]): Promise<void> {
    await sent('iam:UntagMFADevice', () =>
      this.client.send(new UntagMFADeviceCommand({ SerialNumber: serialNumber, TagKeys: [...tagKeys] })),
    );
  }

  async enableMFADevice(...args: Parameters<Iam['enableMFADevice']>): Promise<void> {
    await sent('iam:EnableMFADevice', () => this.client.send(new EnableMFADeviceCommand(withCodes(...args))));
  }

  async resyncMFADevice(...args: Parameters<Iam['resyncMFADevice']>): Promise<void> {
    await sent('iam:ResyncMFADevice', () => this.client.send(new ResyncMFADeviceCommand(withCodes(...args))));
  }

  async deactivateMFADevice(userName: string, serialNumber: string): Promise<void> {
    await sent('iam:DeactivateMFADevice', () =>
      this.client.send(new DeactivateMFADeviceCommand({ UserName: userName, SerialNumber: serialNumber })),
    );
  }

  async createVirtualMFADevice({ path, name }: DeviceName, tags: readonly Tag[]): Promise<SecretText> {
    const { VirtualMFADevice } = await sent('iam:CreateVirtualMFADevice', () =>
      this.client.send(
        new CreateVirtualMFADeviceCommand({
          Path: path,
          VirtualMFADeviceName: name,
          Tags: tags.map(asSent),
        }),
      ),
    );
    return new SecretText(new TextDecoder().decode(VirtualMFADevice?.Base32StringSeed));
  }

  async deleteVirtualMFADevice(serialNumber: string): Promise<void> {
    await sent('iam:DeleteVirtualMFADevice', () =>
      this.client.send(new DeleteVirtualMFADeviceCommand({ SerialNumber: serialNumber })),
    );
  }

  private readDate(response: unknown): void {
    const { headers } = response as { headers?: Record<string, string> };
    const epochMs = Date.parse(headers?.['date'] ?? '');
    if (!Number.isNaN(epochMs)) {
      this.date = { epochMs, readAt: this.clock.now() };
    }
  }
}

/** Seeds in Secrets Manager, each read in the region that its ARN names. */
export class SdkSeedStore implements SeedStore {
  private readonly clients = new Map<string, SecretsManagerClient>();

  async read(secretArn: string): Promise<SecretText> {
    const { SecretString, SecretBinary } = await sent('secretsmanager:GetSecretValue', () =>
      this.clientOf(secretArn).send(new GetSecretValueCommand({ SecretId: secretIdOf(secretArn) })),
    );
    return new SecretText(SecretString ?? new TextDecoder().decode(SecretBinary));
  }

  async write(secretArn: string, seed: SecretText, version: string): Promise<void> {
    await sent('secretsmanager:PutSecretValue', () =>
      this.clientOf(secretArn).send(
        new PutSecretValueCommand({
          SecretId: secretIdOf(secretArn),
          SecretString: seed.reveal(),
          ClientRequestToken: version,
        }),
      ),
    );
  }

  async versions(secretArn: string): Promise<SecretVersions> {
    const {
      ARN = '',
      VersionIdsToStages = {},
      DeletedDate,
    } = await sent('secretsmanager:DescribeSecret', () =>
      this.clientOf(secretArn).send(new DescribeSecretCommand({ SecretId: secretIdOf(secretArn) })),
    );
    const staged = Object.keys(VersionIdsToStages);
    return {
      uniqueName: ARN.split(':').at(-1) ?? '',
      current: staged.find((id) => VersionIdsToStages[id]?.includes('AWSCURRENT')),
      staged,
      isDeleted: DeletedDate !== undefined,
    };
  }

  async delete(secretArn: string): Promise<void> {
    await sent('secretsmanager:DeleteSecret', () =>
      this.clientOf(secretArn).send(
        new DeleteSecretCommand({ SecretId: secretIdOf(secretArn), ForceDeleteWithoutRecovery: true }),
      ),
    );
  }

  private clientOf(secretArn: string): SecretsManagerClient {
    const region = secretArn.split(':')[3] ?? '';
    let client = this.clients.get(region);
    if (client === undefined) {
      client = new SecretsManagerClient({ ...CLIENT_CONFIG, region });
      tellLostAnswers(client);
      this.clients.set(region, client);
    }
    return client;
  }
}

/** More than IAM can need: a user has at most 8 devices, and a device at most 50 tags. */
const MOST_PAGES = 10;

/** Reads all pages. An answer that promises more pages without end counts as none. */
async function allPages<T>(
  action: Action,
  read: (marker?: string) => Promise<{ items?: T[]; IsTruncated?: boolean; Marker?: string }>,
): Promise<T[]> {
  const all: T[] = [];
  let marker: string | undefined;
  for (let count = 1; count <= MOST_PAGES; count++) {
    const { items = [], IsTruncated, Marker } = await sent(action, () => read(marker));
    all.push(...items);
    if (IsTruncated !== true) {
      return all;
    }
    marker = Marker;
  }
  throw new CallError(action, undefined);
}

function asSent({ key, value }: Tag) {
  return { Key: key, Value: value };
}

function withCodes(...[userName, serialNumber, codes]: Parameters<Iam['enableMFADevice']>) {
  const [first, second] = codes.reveal();
  return { UserName: userName, SerialNumber: serialNumber, AuthenticationCode1: first, AuthenticationCode2: second };
}

/**
 * What broke after a request was sent: the connection, or a response that was cut off or came from a load balancer. It
 * keeps nothing of the original error, which can hold the response.
 */
class AnswerLost extends Error {}

function tellLostAnswers(client: IAMClient | SecretsManagerClient): void {
  // Their stacks differ in the types of what goes through, which this does not look at.
  (client as IAMClient).middlewareStack.add(
    (next) => async (args) => {
      try {
        return await next(args);
      } catch (error) {
        throw isAnswer(error) ? error : new AnswerLost();
      }
    },
    // Around both the connection and the reading of the answer.
    { step: 'deserialize', priority: 'high', name: 'tellLostAnswers' },
  );
}

function isAnswer(error: unknown): error is IAMServiceException | SecretsManagerServiceException {
  return error instanceof IAMServiceException || error instanceof SecretsManagerServiceException;
}

/** Turns whatever the SDK throws into a `CallError`, of which nothing but the code is kept. */
async function sent<T>(action: Action, send: () => Promise<T>): Promise<T> {
  try {
    return await send();
  } catch (error) {
    if (isAnswer(error)) {
      // A code is logged, and it is all that is kept: no text of the response.
      const code = /^[A-Za-z][\w.]*$/.test(error.name) ? error.name.replace(/Exception$/, '') : 'UnknownError';
      throw new CallError(action, code, error.$metadata.httpStatusCode);
    }
    throw new CallError(action, error instanceof AnswerLost ? undefined : notSentCode(error));
  }
}

/** Why nothing was sent, as the SDK names it, where it does: `CredentialsProviderError`, say. */
function notSentCode(error: unknown): string {
  return error instanceof Error && error.name !== 'Error' ? error.name : 'RequestNotSent';
}
