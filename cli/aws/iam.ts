import { IAMClient, ListMFADevicesCommand, ListMFADeviceTagsCommand } from '@aws-sdk/client-iam';
import { REQUEST_HANDLER } from '../../inspection/aws';
import { type Tag } from '../../lambda/aws/ports';
import { type Connection } from './connection';

/** IAM's endpoint depends on the partition of the region only. Without a region, it is the commercial one. */
const ANY_REGION = 'us-east-1';

/** The calls to IAM. */
export class IamCalls {
  private readonly client: IAMClient;

  constructor(
    private readonly connection: Connection,
    region: string | undefined,
  ) {
    const { credentials } = connection;
    this.client = new IAMClient({ requestHandler: REQUEST_HANDLER, credentials, region: region ?? ANY_REGION });
    connection.join(this.client);
  }

  async devicesOf(userName: string): Promise<string[]> {
    const devices = await this.allPages('iam:ListMFADevices', async (Marker) => {
      const page = await this.client.send(new ListMFADevicesCommand({ UserName: userName, Marker }));
      return { ...page, items: page.MFADevices };
    });
    return devices.map(({ SerialNumber = '' }) => SerialNumber);
  }

  async tagsOf(serialNumber: string): Promise<Tag[]> {
    const tags = await this.allPages('iam:ListMFADeviceTags', async (Marker) => {
      const page = await this.client.send(new ListMFADeviceTagsCommand({ SerialNumber: serialNumber, Marker }));
      return { ...page, items: page.Tags };
    });
    return tags.map(({ Key = '', Value = '' }) => ({ key: Key, value: Value }));
  }

  private async allPages<T>(
    action: string,
    read: (marker?: string) => Promise<{ items?: T[]; IsTruncated?: boolean; Marker?: string }>,
  ): Promise<T[]> {
    const all: T[] = [];
    let marker: string | undefined;
    do {
      const { items = [], IsTruncated, Marker } = await this.connection.send(action, () => read(marker));
      all.push(...items);
      marker = IsTruncated === true ? Marker : undefined;
    } while (marker !== undefined);
    return all;
  }
}
