import { GetSecretValueCommand, ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { REQUEST_HANDLER } from '../../inspection/aws';
import { SecretText } from '../../lambda/seed';
import { type Connection } from './connection';
import { noRegion } from './explanation';
import { type SecretId } from './ports';

/** The largest page. */
const PAGE = 100;

/** The calls to Secrets Manager, in the region of each secret. */
export class SecretsManagerCalls {
  private readonly clients = new Map<string | undefined, SecretsManagerClient>();

  /** @param region of the environment's variables; `undefined`: the SDK looks for one in the AWS config file */
  constructor(
    private readonly connection: Connection,
    private readonly region: string | undefined,
  ) {}

  /** The region of the environment; `undefined` if there is none. */
  async defaultRegion(): Promise<string | undefined> {
    return this.clientOf(this.region)
      .config.region()
      .catch(() => undefined);
  }

  async *arns(region: string, stackName?: string): AsyncIterable<readonly string[]> {
    const client = this.clientOf(region);
    let token: string | undefined;
    do {
      const { SecretList = [], NextToken } = await this.connection.send('secretsmanager:ListSecrets', () =>
        client.send(
          new ListSecretsCommand({
            MaxResults: PAGE,
            NextToken: token,
            // CloudFormation tags each secret with the name of its stack.
            ...(stackName === undefined ? {} : { Filters: [{ Key: 'tag-value', Values: [stackName] }] }),
          }),
        ),
      );
      yield SecretList.map(({ ARN = '' }) => ARN);
      token = NextToken;
    } while (token !== undefined);
  }

  async read({ id, region = regionIn(id) ?? this.region, version }: SecretId): Promise<SecretText> {
    const client = this.clientOf(region);
    await client.config.region().catch(() => {
      throw noRegion();
    });
    const { SecretString, SecretBinary } = await this.connection.send('secretsmanager:GetSecretValue', () =>
      client.send(new GetSecretValueCommand({ SecretId: id, VersionId: version })),
    );
    return new SecretText(SecretString ?? new TextDecoder().decode(SecretBinary));
  }

  private clientOf(region: string | undefined): SecretsManagerClient {
    let client = this.clients.get(region);
    if (client === undefined) {
      const { credentials } = this.connection;
      client = new SecretsManagerClient({
        requestHandler: REQUEST_HANDLER,
        credentials,
        ...(region === undefined ? {} : { region }),
      });
      this.connection.join(client);
      this.clients.set(region, client);
    }
    return client;
  }
}

function regionIn(id: string): string | undefined {
  return /^arn:[^:]+:secretsmanager:([^:]+):/.exec(id)?.[1];
}
