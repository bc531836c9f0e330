import { createHash, createHmac } from 'node:crypto';
import * as http from 'node:http';
import * as https from 'node:https';

/** Calls IAM at `AWS_ENDPOINT_URL` without the SDK. Resolves to the body of the response. */
export function callIam(action: string, parameters: Readonly<Record<string, string>>): Promise<string> {
  const body = new URLSearchParams({ Action: action, Version: '2010-05-08', ...parameters }).toString();
  return send('iam', 'us-east-1', { 'content-type': 'application/x-www-form-urlencoded' }, body);
}

/** Calls Secrets Manager at `AWS_ENDPOINT_URL`, in the region of the secret, without the SDK. */
export function callSecretsManager(action: string, input: { readonly SecretId: string }): Promise<string> {
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `secretsmanager.${action}` };
  return send('secretsmanager', input.SecretId.split(':')[3] ?? '', headers, JSON.stringify(input));
}

/**
 * Signs and sends a request.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
function send(service: string, region: string, headers: Record<string, string>, body: string): Promise<string> {
  const {
    AWS_ENDPOINT_URL = '',
    AWS_ACCESS_KEY_ID = '',
    AWS_SECRET_ACCESS_KEY = '',
    AWS_SESSION_TOKEN = '',
  } = process.env;
  const time = new Date().toISOString().replace(/[:-]|\.\d+/g, '');
  const scope = `${time.slice(0, 8)}/${region}/${service}/aws4_request`;
  const signed: Record<string, string> = {
    ...headers,
    host: new URL(AWS_ENDPOINT_URL).host,
    'x-amz-date': time,
    'x-amz-security-token': AWS_SESSION_TOKEN,
  };
  const names = Object.keys(signed).sort();
  const canonical = [
    'POST',
    '/',
    '',
    ...names.map((name) => `${name}:${signed[name]}`),
    '',
    names.join(';'),
    hash(body),
  ];
  const toSign = ['AWS4-HMAC-SHA256', time, scope, hash(canonical.join('\n'))].join('\n');
  const key = scope
    .split('/')
    .reduce<string | Buffer>(
      (secret, part) => createHmac('sha256', secret).update(part).digest(),
      `AWS4${AWS_SECRET_ACCESS_KEY}`,
    );
  const signature = createHmac('sha256', key).update(toSign).digest('hex');
  const authorization = `AWS4-HMAC-SHA256 Credential=${AWS_ACCESS_KEY_ID}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return new Promise((resolve, reject) => {
    const { request } = AWS_ENDPOINT_URL.startsWith('https:') ? https : http;
    request(AWS_ENDPOINT_URL, { method: 'POST', headers: { ...signed, authorization } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve(Buffer.concat(chunks).toString()));
    })
      .on('error', reject)
      .end(body);
  });
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
