import { type ReadPorts } from '../../inspection/ports';
import { type Tag } from '../../lambda/aws/ports';
import { type SecretText } from '../../lambda/seed';
import { type Clock } from '../environment';
import { Connection } from './connection';
import { type IamCalls } from './iam';
import { type Aws, type SecretId } from './ports';
import { SecretsManagerCalls } from './secrets-manager';

/** AWS by its SDK. A client is loaded when its first call is made. */
export class SdkAws implements Aws {
  private readonly connection: Connection;
  private readonly secretsManager: SecretsManagerCalls;
  private iam?: IamCalls;

  /** @param region of the environment's variables */
  constructor(clock: Clock, region: string | undefined) {
    this.connection = new Connection(clock);
    this.secretsManager = new SecretsManagerCalls(this.connection, region);
  }

  time(): number {
    return this.connection.time();
  }

  region(): Promise<string | undefined> {
    return this.secretsManager.defaultRegion();
  }

  async devicesOf(userName: string): Promise<string[]> {
    return (await this.loadIam()).devicesOf(userName);
  }

  async tagsOf(serialNumber: string): Promise<Tag[]> {
    return (await this.loadIam()).tagsOf(serialNumber);
  }

  secretArns(region: string, stackName?: string): AsyncIterable<readonly string[]> {
    return this.secretsManager.arns(region, stackName);
  }

  readSecret(secret: SecretId): Promise<SecretText> {
    return this.secretsManager.read(secret);
  }

  async reader(region: string): Promise<ReadPorts> {
    // Its first client loads the credentials that all others share.
    await this.region();
    await this.connection.signIn();
    const { SdkReadPorts } = await import('../../inspection/sdk');
    return new SdkReadPorts(region, { credentials: this.connection.credentials });
  }

  private async loadIam(): Promise<IamCalls> {
    if (this.iam === undefined) {
      const region = await this.region();
      const { IamCalls } = await import('./iam');
      this.iam = new IamCalls(this.connection, region);
    }
    return this.iam;
  }
}
