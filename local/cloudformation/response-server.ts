import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ResponseUrls } from './response-urls';

/** More than the maximum size of a response, so that larger ones can be recognized. */
const MAX_BODY_BYTES = 1024 * 1024;

/** Serves the response URLs on a loopback port, for functions in child processes. */
export class ResponseServer {
  private readonly server: Server;
  private desk?: ResponseUrls;

  constructor() {
    this.server = createServer((request, response) => void this.serve(request, response));
  }

  /** Starts listening, and returns the start of every response URL. */
  async start(): Promise<string> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Sets the receiver of the responses. */
  serveFor(desk: ResponseUrls): void {
    this.desk = desk;
  }

  /** Stops listening, and drops open connections. */
  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    if (body === undefined) {
      return;
    }
    const status =
      request.method === 'PUT' ? this.desk?.put(request.url ?? '/', body, request.headers['content-type']) : undefined;
    response.writeHead(status ?? 403, { 'content-length': 0 }).end();
  }
}

/** The body, or `undefined` if the connection broke or the body is too large. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_BODY_BYTES) {
        return undefined;
      }
      chunks.push(chunk);
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(chunks).toString('utf8');
}
