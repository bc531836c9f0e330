import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AnswerDesk } from './answer-desk';

/** More than any answer may hold, and enough to see that it holds too much. */
const MAX_BODY_BYTES = 1024 * 1024;

/** The response URLs on a loopback port, for functions that run in processes of their own. */
export class AnswerListener {
  private readonly server: Server;
  private desk?: AnswerDesk;

  constructor() {
    this.server = createServer((request, response) => void this.serve(request, response));
  }

  /** Starts to listen, and answers what response URLs begin with. */
  async start(): Promise<string> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Whose response URLs these are. */
  serveFor(desk: AnswerDesk): void {
    this.desk = desk;
  }

  /** Stops listening, and breaks what is still connected. */
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

/** The body; nothing for a connection that broke, or for a flood. */
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
