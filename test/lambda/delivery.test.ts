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

/** The error of a delivery that must fail. Whatever it is, it does not quote the URL. */
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
  test('is one PUT of the body to the whole of the URL', async () => {
    await deliver(server.url() + PATH, '{"Status":"SUCCESS"}');
    expect(server.requests).toEqual([
      expect.objectContaining({ method: 'PUT', path: PATH, body: '{"Status":"SUCCESS"}' }),
    ]);
  });

  test('carries a content type that is empty, as the URL is signed for', async () => {
    await deliver(server.url() + PATH, '{}');
    expect(server.requests[0]?.headers).toHaveProperty('content-type', '');
  });

  test('counts the length in bytes, not in characters', async () => {
    const body = '{"Reason":"Gerät für Zoë: 鍵 🔑"}';
    await deliver(server.url() + PATH, body);
    expect(server.requests[0]?.headers).toHaveProperty('content-length', String(Buffer.byteLength(body)));
    expect(server.requests[0]?.headers).not.toHaveProperty('transfer-encoding');
    expect(server.requests[0]?.body).toBe(body);
  });
});

describe('an answer', () => {
  test.each([200, 204])('of status %i is a delivery', async (status) => {
    server.respond = (response) => response.writeHead(status).end();
    await expect(deliver(server.url() + PATH, '{}')).resolves.toBeUndefined();
  });

  test('that breaks off after its status is a delivery', async () => {
    server.respond = (response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('half', () => response.destroy());
    };
    await expect(deliver(server.url() + PATH, '{}')).resolves.toBeUndefined();
  });

  test.each([300, 403, 500, 503])('of status %i is none', async (status) => {
    server.respond = (response) => response.writeHead(status).end('<Error>X-Amz-Signature=5ec2e7</Error>');
    expect((await failureOf(server.url() + PATH)).message).toBe(`the answer was refused with status ${status}`);
  });

  test('that redirects is none, and is not followed', async () => {
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

  test('on which nothing comes back for 5 seconds is a failure', async () => {
    const shortened = shortenSocketTimeouts();
    server.respond = silence;
    await failureOf(server.url() + PATH);
    expect(Math.max(...shortened)).toBe(5_000);
  });
});

const silence: Respond = () => {};

describe('a URL', () => {
  test('of http on loopback is served', async () => {
    await deliver(server.url('localhost') + PATH, '{}');
    expect(server.requests).toHaveLength(1);
  });

  test('of http on loopback of IPv6 is served', async () => {
    const url = new URL(server.url('[::1]') + PATH);
    await server.close();
    // Nobody listens there; what is refused by its URL fails in other words.
    expect((await failureOf(url.href)).message).toBe('the connection broke');
  });

  // 0.0.0.0 leads to this machine, too, so that a request would arrive; the rule does not know it by that name.
  test.each<[string, () => string]>([
    ['of http elsewhere', () => server.url('0.0.0.0') + PATH],
    ['of http to a name that begins like loopback', () => `http://localhost.example.com${PATH}`],
    ['of http with loopback for a user name', () => `http://localhost@0.0.0.0:${new URL(server.url()).port}${PATH}`],
    ['of another scheme', () => `ftp://localhost${PATH}`],
  ])('%s is refused before anything is sent', async (_, url) => {
    expect((await failureOf(url())).message).toBe('the response URL is neither https nor loopback');
    expect(server.requests).toEqual([]);
  });

  test.each(['', PATH, `https://[${PATH}`])("that is none, '%s', is refused", async (url) => {
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

  test('sends nothing to a server that nobody vouches for, not even on loopback', async () => {
    expect((await failureOf(secure.url('localhost') + PATH)).message).toBe('the connection broke');
    expect(secure.requests).toEqual([]);
  });

  test('reaches that server once its certificate is trusted', async () => {
    jest.replaceProperty(https.globalAgent, 'options', { ...https.globalAgent.options, ca: identity.cert });
    await deliver(secure.url('localhost') + PATH, '{"Status":"SUCCESS"}');
    expect(secure.requests).toEqual([
      expect.objectContaining({ method: 'PUT', path: PATH, body: '{"Status":"SUCCESS"}' }),
    ]);
  });
});
