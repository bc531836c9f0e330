import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SecretText } from '../../lambda/aws/ports';
import { parseSeed } from '../../lambda/seed';
import { codePairAt, stepAt } from '../../lambda/totp';
import { systemClock } from '../../local/clock';
import { AwsServer } from '../../local/http';
import { Iam } from '../../local/iam';
import { SecretsManager } from '../../local/secrets-manager';
import type { Subject } from './request-event';

const PLACE = { clock: systemClock, accountId: '123456789012', region: 'us-east-1' };

/** IAM and Secrets Manager over HTTP, and a server that accepts the responses of the function. */
export class Account {
  calls = 0;
  failures = 0;
  url = '';
  responseUrl = '';
  private readonly iam = new Iam(PLACE);
  private readonly secretsManager = new SecretsManager({ ...PLACE, authorize: () => undefined });
  private readonly seeds = new Map<Subject, string>();
  private readonly server = new AwsServer({
    iam: this.iam,
    secretsManagers: [this.secretsManager],
    clock: systemClock,
    onCall: ({ errorCode }) => {
      this.calls += 1;
      if (errorCode !== undefined) {
        this.failures += 1;
      }
    },
  });
  private readonly responses: Server = createServer((request, response) => {
    request.resume().on('end', () => response.end());
  });

  static async open(): Promise<Account> {
    const account = new Account();
    account.url = (await account.server.start()).url;
    await new Promise<void>((resolve) => account.responses.listen(0, '127.0.0.1', resolve));
    account.responseUrl = `http://127.0.0.1:${(account.responses.address() as AddressInfo).port}/response`;
    return account;
  }

  /** Creates a user, a device that isn't enabled yet, and a secret with its seed. */
  newSubject(name: string): Subject {
    this.iam.call('CreateUser', { UserName: name });
    const { VirtualMFADevice } = this.iam.call('CreateVirtualMFADevice', { VirtualMFADeviceName: name });
    const device = VirtualMFADevice as { SerialNumber: string; Base32StringSeed: Buffer };
    const seed = device.Base32StringSeed.toString();
    const { ARN } = this.secretsManager.call('CreateSecret', { Name: `mfa/${name}`, SecretString: seed });
    const subject = { userName: name, serialNumber: device.SerialNumber, secretArn: String(ARN) };
    this.seeds.set(subject, seed);
    return subject;
  }

  /** The current pair of codes. */
  codesOf(subject: Subject): readonly [string, string] {
    return codePairAt(
      parseSeed(new SecretText(this.seeds.get(subject)!), undefined),
      stepAt(systemClock.now()),
    ).reveal();
  }

  isEnabled({ serialNumber, userName }: Subject): boolean {
    return this.iam.state().devices.some((each) => each.serialNumber === serialNumber && each.userName === userName);
  }

  async close(): Promise<void> {
    await this.server.close();
    await new Promise<void>((resolve) => {
      this.responses.close(() => resolve());
      this.responses.closeAllConnections();
    });
  }
}
