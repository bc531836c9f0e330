import * as http from 'node:http';
import * as https from 'node:https';

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];
const TIMEOUT_MS = 5_000;

/**
 * Puts an answer to the presigned URL that CloudFormation sent. The URL is as good as a password, so no error that
 * leaves here quotes it, and it is used over https only; loopback is for development.
 */
export async function deliver(responseUrl: string, body: string): Promise<void> {
  if (!URL.canParse(responseUrl)) {
    // The error that parsing throws quotes what it was given.
    throw new Error('the response URL is no URL');
  }
  const url = new URL(responseUrl);
  const isLoopback = url.protocol === 'http:' && LOOPBACK.includes(url.hostname);
  if (url.protocol !== 'https:' && !isLoopback) {
    throw new Error('the response URL is neither https nor loopback');
  }
  await new Promise<void>((resolve, reject) => {
    const request = (isLoopback ? http : https).request(
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
          reject(new Error(`the answer was refused with status ${status}`));
        }
      },
    );
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', () => reject(new Error('the connection broke')));
    request.end(body);
  });
}
