import * as http from 'node:http';
import * as https from 'node:https';

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];
const TIMEOUT_MS = 5_000;

/** A response did not arrive. The message says why, and never quotes the URL, which is as good as a password. */
export class DeliveryError extends Error {
  override readonly name = 'DeliveryError';
}

/**
 * What is wrong with the presigned URL that CloudFormation sent: it must be https.
 *
 * @param isLocal whether http to this machine is allowed
 */
export function problemOfResponseUrl(responseUrl: string, isLocal: boolean): string | undefined {
  if (!URL.canParse(responseUrl)) {
    return 'not a URL';
  }
  const { protocol, hostname } = new URL(responseUrl);
  const isLoopback = isLocal && protocol === 'http:' && LOOPBACK.includes(hostname);
  return protocol === 'https:' || isLoopback ? undefined : 'not https';
}

/** Puts a response to the presigned URL. */
export async function deliver(responseUrl: string, body: string): Promise<void> {
  const url = new URL(responseUrl);
  await new Promise<void>((resolve, reject) => {
    const request = (url.protocol === 'http:' ? http : https).request(
      url,
      {
        method: 'PUT',
        // The URL is signed for an empty content type; the length counts bytes.
        headers: { 'content-type': '', 'content-length': Buffer.byteLength(body) },
        timeout: TIMEOUT_MS,
      },
      (response) => {
        response.resume();
        const status = response.statusCode ?? 0;
        if (status >= 200 && status < 300) {
          resolve();
        } else {
          reject(new DeliveryError(`status ${status}`));
        }
      },
    );
    request.on('timeout', () => request.destroy(new DeliveryError('timeout')));
    request.on('error', (error) =>
      reject(
        error instanceof DeliveryError ? error : new DeliveryError((error as NodeJS.ErrnoException).code ?? 'broken'),
      ),
    );
    request.end(body);
  });
}
