import * as http from 'node:http';
import * as https from 'node:https';
import { type AddressInfo } from 'node:net';

export interface ReceivedRequest {
  readonly method?: string;
  readonly path?: string;
  readonly headers: http.IncomingHttpHeaders;
  /** Names and values as received, alternating. */
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

export type Respond = (response: http.ServerResponse, request: ReceivedRequest) => void;

/** A server on a free port. Records requests, and responds as the test says. */
export class LoopbackServer {
  /** The requests that were received completely. */
  readonly requests: ReceivedRequest[] = [];
  respond: Respond = (response) => response.end();

  private constructor(
    private readonly server: http.Server | https.Server,
    private readonly scheme: 'http' | 'https',
  ) {
    server.on('request', (message: http.IncomingMessage, response: http.ServerResponse) => {
      const chunks: Buffer[] = [];
      message.on('data', (chunk: Buffer) => chunks.push(chunk));
      message.on('end', () => {
        const { method, url: path, headers, rawHeaders } = message;
        const request = { method, path, headers, rawHeaders, body: Buffer.concat(chunks).toString() };
        this.requests.push(request);
        this.respond(response, request);
      });
    });
  }

  static async listen(): Promise<LoopbackServer> {
    return new LoopbackServer(await listening(http.createServer()), 'http');
  }

  static async listenSecurely(identity: { key: string; cert: string }): Promise<LoopbackServer> {
    return new LoopbackServer(await listening(https.createServer(identity)), 'https');
  }

  /** The URL of the server. `host` can be any name of this machine. */
  url(host = '127.0.0.1'): string {
    return `${this.scheme}://${host}:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }
}

async function listening<S extends http.Server>(server: S): Promise<S> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** Resets the connection without a response. */
export const reset: Respond = (response) => response.socket?.resetAndDestroy();
