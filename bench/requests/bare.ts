import { request } from 'node:http';
import { callIam, callSecretsManager } from '../signed-request';
import type { RequestType, RequestEvent } from './request-event';

/** Sends the same requests as the function, and nothing else: it decides nothing, and computes and parses nothing. */
export async function handler(event: RequestEvent): Promise<void> {
  await CALLS[event.RequestType](event);
  await put(event.ResponseURL, JSON.stringify({ Status: 'SUCCESS', StackId: event.StackId }));
}

const CALLS: Record<RequestType, (event: RequestEvent) => Promise<unknown>> = {
  async Create({ ResourceProperties: { UserName, SerialNumber, SeedSecretArn }, claim, codes: [first, second] }) {
    await Promise.all([
      callIam('ListMFADevices', { UserName }),
      callIam('ListMFADeviceTags', { SerialNumber }),
      callSecretsManager('GetSecretValue', { SecretId: SeedSecretArn }),
    ]);
    await callIam('TagMFADevice', {
      SerialNumber,
      'Tags.member.1.Key': claim.key,
      'Tags.member.1.Value': claim.value,
    });
    await callIam('EnableMFADevice', {
      UserName,
      SerialNumber,
      AuthenticationCode1: first,
      AuthenticationCode2: second,
    });
  },
  Update: ({ ResourceProperties: { UserName, SerialNumber } }) =>
    Promise.all([callIam('ListMFADevices', { UserName }), callIam('ListMFADeviceTags', { SerialNumber })]),
  async Delete({ ResourceProperties: { UserName, SerialNumber }, claim, mark }) {
    await callIam('ListMFADeviceTags', { SerialNumber });
    await callIam('TagMFADevice', { SerialNumber, 'Tags.member.1.Key': mark.key, 'Tags.member.1.Value': mark.value });
    await callIam('ListMFADevices', { UserName });
    await callIam('ListMFADeviceTags', { SerialNumber });
    await callIam('DeactivateMFADevice', { UserName, SerialNumber });
    await callIam('UntagMFADevice', { SerialNumber, 'TagKeys.member.1': claim.key });
  },
};

function put(url: string, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    request(url, { method: 'PUT', headers: { 'content-length': Buffer.byteLength(body) } }, (response) => {
      response.resume();
      response.on('end', resolve);
    })
      .on('error', reject)
      .end(body);
  });
}
