import * as http from 'node:http';
import * as https from 'node:https';
import { connect, type TcpNetConnectOpts } from 'node:net';
import { inspect } from 'node:util';
import { deliver, DeliveryError, problemOfResponseUrl } from '../../lambda/delivery';
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
  expect(failure).toBeInstanceOf(DeliveryError);
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

  test('with a status below 200 is a failure', async () => {
    server.respond = (response) => response.socket?.end('HTTP/1.1 099 Odd\r\ncontent-length: 0\r\n\r\n');
    expect((await failureOf(server.url() + PATH)).message).toBe('status 99');
  });

  test.each([300, 403, 500, 503])('with status %i is a failure', async (status) => {
    server.respond = (response) => response.writeHead(status).end('<Error>X-Amz-Signature=5ec2e7</Error>');
    expect((await failureOf(server.url() + PATH)).message).toBe(`status ${status}`);
  });

  test('that redirects is a failure and is not followed', async () => {
    server.respond = (response) => response.writeHead(307, { location: `${server.url()}/elsewhere` }).end();
    expect((await failureOf(server.url() + PATH)).message).toBe('status 307');
    expect(server.requests).toHaveLength(1);
  });
});

describe('a connection', () => {
  test('that is reset is a failure', async () => {
    server.respond = reset;
    expect((await failureOf(server.url() + PATH)).message).toBe('ECONNRESET');
  });

  test('that is refused is a failure', async () => {
    const url = server.url() + PATH;
    await server.close();
    expect((await failureOf(url)).message).toBe('ECONNREFUSED');
  });

  test('that ends in an error without a code is a failure that is called broken', async () => {
    const broken = new Error('no code, but X-Amz-Signature=5ec2e7');
    jest.spyOn(http.globalAgent, 'createConnection').mockImplementation((options) => {
      const socket = connect(options as TcpNetConnectOpts);
      return socket.once('connect', () => socket.destroy(broken));
    });
    expect((await failureOf(server.url() + PATH)).message).toBe('broken');
  });

  test('without data for 5 s is a failure', async () => {
    const shortened = shortenSocketTimeouts();
    server.respond = silence;
    expect((await failureOf(server.url() + PATH)).message).toBe('timeout');
    expect(Math.max(...shortened)).toBe(5_000);
  });
});

const silence: Respond = () => {};

describe('a URL', () => {
  test.each(['https://example.com/x', 'HTTPS://example.com/x'])('%s can be used', (url) => {
    expect(problemOfResponseUrl(url, false)).toBeUndefined();
  });

  test.each(['localhost', '127.0.0.1', '[::1]'])(
    'with http to %s can be used by the local AWS, and by nothing else',
    (host) => {
      expect(problemOfResponseUrl(`http://${host}:8000/x`, true)).toBeUndefined();
      expect(problemOfResponseUrl(`http://${host}:8000/x`, false)).toBe('not https');
    },
  );

  test.each([
    'http://0.0.0.0/x',
    'http://example.com/x',
    'http://localhost.example.com/x',
    'http://localhost@example.com/x',
    'ftp://localhost/x',
    'file:///x',
  ])('%s can be used by nothing', (url) => {
    expect(problemOfResponseUrl(url, true)).toBe('not https');
  });

  test.each(['', '/x', 'https://[/x'])("'%s' is not a URL", (url) => {
    expect(problemOfResponseUrl(url, true)).toBe('not a URL');
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
    expect((await failureOf(secure.url('localhost') + PATH)).message).toBe('DEPTH_ZERO_SELF_SIGNED_CERT');
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
