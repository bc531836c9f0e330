import * as https from 'node:https';
import { inspect } from 'node:util';
import { deliver } from '../../lambda/delivery';
import { LoopbackServer, reset, type Respond } from './aws/loopback-server';
import { selfSignedIdentity } from './aws/self-signed';
import { shortenSocketTimeouts } from './aws/socket-timeouts';

const PATH = '/answer?X-Amz-Signature=5ec2e7';

let server: LoopbackServer;
beforeEach(async () => {
  server = await LoopbackServer.listen();
});
afterEach(async () => {
  jest.restoreAllMocks();
  await server.close();
});

/** The error of a delivery that must fail. It must not quote the URL. */
async function failureOf(responseUrl: string): Promise<Error> {
  const failure = await deliver(responseUrl, '{}').then(
    () => undefined,
    (error: Error) => error,
  );
  expect(failure).toBeInstanceOf(Error);
  const shown = [failure?.message, failure?.stack, inspect(failure, { showHidden: true, depth: null })].join('\n');
  expect(shown).not.toContain('5ec2e7');
  expect(shown).not.toContain(responseUrl);
  return failure as Error;
}

describe('the request', () => {
  test('is one PUT of the body to the complete URL', async () => {
    await deliver(server.url() + PATH, '{"Status":"SUCCESS"}');
    expect(server.requests).toEqual([
      expect.objectContaining({ method: 'PUT', path: PATH, body: '{"Status":"SUCCESS"}' }),
    ]);
  });

  test('has an empty content type, because the URL is signed for that', async () => {
    await deliver(server.url() + PATH, '{}');
    expect(server.requests[0]?.headers).toHaveProperty('content-type', '');
  });

  test('has a content length in bytes', async () => {
    const body = '{"Reason":"Gerät für Zoë: 鍵 🔑"}';
    await deliver(server.url() + PATH, body);
    expect(server.requests[0]?.headers).toHaveProperty('content-length', String(Buffer.byteLength(body)));
    expect(server.requests[0]?.headers).not.toHaveProperty('transfer-encoding');
    expect(server.requests[0]?.body).toBe(body);
  });
});

describe('a response', () => {
  test.each([200, 204])('with status %i confirms the delivery', async (status) => {
    server.respond = (response) => response.writeHead(status).end();
    await expect(deliver(server.url() + PATH, '{}')).resolves.toBeUndefined();
  });

  test('that is interrupted after its status confirms the delivery', async () => {
    server.respond = (response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('half', () => response.destroy());
    };
    await expect(deliver(server.url() + PATH, '{}')).resolves.toBeUndefined();
  });

  test.each([300, 403, 500, 503])('with status %i is a failure', async (status) => {
    server.respond = (response) => response.writeHead(status).end('<Error>X-Amz-Signature=5ec2e7</Error>');
    expect((await failureOf(server.url() + PATH)).message).toBe(`the answer was refused with status ${status}`);
  });

  test('that redirects is a failure and is not followed', async () => {
    server.respond = (response) => response.writeHead(307, { location: `${server.url()}/elsewhere` }).end();
    expect((await failureOf(server.url() + PATH)).message).toBe('the answer was refused with status 307');
    expect(server.requests).toHaveLength(1);
  });
});

describe('a connection', () => {
  test('that is reset is a failure', async () => {
    server.respond = reset;
    expect((await failureOf(server.url() + PATH)).message).toBe('the connection broke');
  });

  test('that is refused is a failure', async () => {
    const url = server.url() + PATH;
    await server.close();
    expect((await failureOf(url)).message).toBe('the connection broke');
  });

  test('without data for 5 s is a failure', async () => {
    const shortened = shortenSocketTimeouts();
    server.respond = silence;
    await failureOf(server.url() + PATH);
    expect(Math.max(...shortened)).toBe(5_000);
  });
});

const silence: Respond = () => {};

describe('a URL', () => {
  test('with http on loopback is allowed', async () => {
    await deliver(server.url('localhost') + PATH, '{}');
    expect(server.requests).toHaveLength(1);
  });

  test('with http on IPv6 loopback is allowed', async () => {
    const url = new URL(server.url('[::1]') + PATH);
    await server.close();
    // Nothing listens there. A URL that isn't allowed fails with another message.
    expect((await failureOf(url.href)).message).toBe('the connection broke');
  });

  // 0.0.0.0 also reaches this machine, so a request would arrive, but the rule doesn't allow it.
  test.each<[string, () => string]>([
    ['with http to another host', () => server.url('0.0.0.0') + PATH],
    ['with http to a host name that starts like loopback', () => `http://localhost.example.com${PATH}`],
    ['with http and loopback as the user name', () => `http://localhost@0.0.0.0:${new URL(server.url()).port}${PATH}`],
    ['with another scheme', () => `ftp://localhost${PATH}`],
  ])('%s is refused before sending', async (_, url) => {
    expect((await failureOf(url())).message).toBe('the response URL is neither https nor loopback');
    expect(server.requests).toEqual([]);
  });

  test.each(['', PATH, `https://[${PATH}`])("that is invalid, '%s', is refused", async (url) => {
    const failure = await deliver(url, '{}').catch((error: Error) => error);
    expect(failure).toEqual(new Error('the response URL is no URL'));
    expect(inspect(failure, { showHidden: true })).not.toContain('5ec2e7');
  });
});

describe('https', () => {
  const identity = selfSignedIdentity();
  let secure: LoopbackServer;
  beforeEach(async () => {
    secure = await LoopbackServer.listenSecurely(identity);
  });
  afterEach(() => secure.close());

  test('sends nothing to a server with an untrusted certificate, not even on loopback', async () => {
    expect((await failureOf(secure.url('localhost') + PATH)).message).toBe('the connection broke');
    expect(secure.requests).toEqual([]);
  });

  test('delivers to a server with a trusted certificate', async () => {
    jest.replaceProperty(https.globalAgent, 'options', { ...https.globalAgent.options, ca: identity.cert });
    await deliver(secure.url('localhost') + PATH, '{"Status":"SUCCESS"}');
    expect(secure.requests).toEqual([
      expect.objectContaining({ method: 'PUT', path: PATH, body: '{"Status":"SUCCESS"}' }),
    ]);
  });
});
