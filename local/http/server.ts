import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AwsError } from '../aws-error';
import type { Clock } from '../clock';
import type { Caller, Iam } from '../iam';
import type { SecretsManager } from '../secrets-manager';
import { type CredentialScope, credentialScopeOf } from './credential-scope';
import { jsonProtocol } from './json-protocol';
import type { Call, Protocol, WireRequest, WireResponse } from './protocol';
import { queryProtocol } from './query-protocol';

/** More than any request of these services: a secret's value has 65,536 bytes at most. */
const MOST_BODY_BYTES = 1024 * 1024;

/** A call on its way in. Its input can hold codes and seeds: for faults to be chosen by, not for telling. */
export interface IncomingCall extends Call {
  readonly service: 'iam' | 'secretsmanager';
  readonly accessKeyId: string;
  readonly caller: Caller | undefined;
}

/** What goes wrong with a call. Nothing does where a member is absent. */
export interface Fault {
  /** The answer that comes instead of the effect. */
  readonly before?: AwsError;
  /** The connection breaks: before the effect, or after it with the answer lost. */
  readonly lost?: 'before' | 'after';
  /** How much later than at once the call is carried out, in milliseconds of the clock's time. */
  readonly delayMs?: number;
}

/** A call that was answered. It holds nothing of inputs and outputs, so that it may be told. */
export interface AnsweredCall {
  readonly service: string;
  readonly action: string;
  /** How long it took, in milliseconds of the clock's time. */
  readonly ms: number;
  readonly errorCode?: string;
  readonly accessKeyId: string;
  readonly caller: Caller | undefined;
}

/** What the server is made with. */
export interface AwsServerOptions {
  readonly iam: Iam;
  /** One for each region that is served. */
  readonly secretsManagers: readonly SecretsManager[];
  /** The clock of the `Date` header: callers take it for AWS's. */
  readonly clock: Clock;
  /** 0 for any that is free. @default 0 */
  readonly port?: number;
  /** Whose an access key is; `undefined` for an administrator's. @default everybody is an administrator */
  readonly callerOf?: (accessKeyId: string, sessionToken: string | undefined) => Caller | undefined;
  /** What goes wrong with a call. @default nothing does */
  readonly faultOf?: (call: IncomingCall) => Fault | undefined;
  /** Told of each call when it is over, before it is answered. */
  readonly onCall?: (call: AnsweredCall) => void;
}

/** Where the server listens. */
export interface Endpoint {
  readonly url: string;
  readonly port: number;
}

/** IAM and Secrets Manager on one port of the loopback interface, told apart by the scope of the request's signature. */
export class AwsServer {
  private readonly server: Server;

  constructor(private readonly options: AwsServerOptions) {
    this.server = createServer((request, response) => {
      // The machine's time would go out beside the clock's.
      response.sendDate = false;
      void this.serve(request, response);
    });
  }

  /** Begins to listen. Rejects where the port is taken. */
  async start(): Promise<Endpoint> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(this.options.port ?? 0, '127.0.0.1', () => {
        this.server.off('error', reject);
        resolve();
      });
    });
    const { port } = this.server.address() as AddressInfo;
    return { url: `http://127.0.0.1:${port}`, port };
  }

  /** Stops listening and breaks what is still open. */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }

  private async serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const requestId = randomUUID();
    const answer = await this.answerTo(message, requestId);
    if (answer === 'lost') {
      message.socket.destroy();
      return;
    }
    response.writeHead(answer.status, {
      ...answer.headers,
      Date: new Date(this.options.clock.now()).toUTCString(),
      'x-amzn-RequestId': requestId,
    });
    response.end(answer.body);
  }

  private async answerTo(message: IncomingMessage, requestId: string): Promise<WireResponse | 'lost'> {
    // Until the service is known, errors are written as IAM writes them.
    let protocol: Protocol = queryProtocol;
    try {
      const request = await received(message);
      const scope = credentialScopeOf(request.headers);
      protocol = scope.service === 'secretsmanager' ? jsonProtocol : queryProtocol;
      return await this.carryOut(protocol, scope, request, requestId);
    } catch (error) {
      return protocol.refusal(asAwsError(error), requestId);
    }
  }

  private async carryOut(
    protocol: Protocol,
    scope: CredentialScope,
    request: WireRequest,
    requestId: string,
  ): Promise<WireResponse | 'lost'> {
    const service = this.serviceOf(scope);
    const call: IncomingCall = {
      ...protocol.read(request),
      service: service.name,
      accessKeyId: scope.accessKeyId,
      caller: this.options.callerOf?.(scope.accessKeyId, scope.sessionToken),
    };
    const begun = this.options.clock.now();
    const over = (errorCode?: string): void =>
      this.options.onCall?.({
        service: call.service,
        action: call.action,
        ms: this.options.clock.now() - begun,
        ...(errorCode === undefined ? {} : { errorCode }),
        accessKeyId: call.accessKeyId,
        caller: call.caller,
      });
    const fault = this.options.faultOf?.(call) ?? {};
    if (fault.delayMs !== undefined) {
      await this.options.clock.sleep(fault.delayMs);
    }
    if (fault.lost === 'before') {
      over('ConnectionLost');
      return 'lost';
    }
    try {
      if (fault.before !== undefined) {
        throw fault.before;
      }
      const output = service.call(call.action, call.input, call.caller);
      over(fault.lost === 'after' ? 'ConnectionLost' : undefined);
      return fault.lost === 'after' ? 'lost' : protocol.answer(call.action, output, requestId);
    } catch (error) {
      const refused = asAwsError(error);
      over(refused.code);
      return protocol.refusal(refused, requestId);
    }
  }

  private serviceOf({ service, region }: CredentialScope): {
    name: IncomingCall['service'];
    call: (...call: Parameters<Iam['call']>) => Record<string, unknown>;
  } {
    const { iam, secretsManagers } = this.options;
    if (service === 'iam') {
      return { name: 'iam', call: (...call) => iam.call(...call) };
    }
    if (service !== 'secretsmanager') {
      throw new AwsError('InvalidAction', 400, `service ${service} is not served here: iam and secretsmanager are`);
    }
    const secretsManager = secretsManagers.find((each) => each.region === region);
    if (secretsManager === undefined) {
      const served = secretsManagers.map((each) => each.region).join(', ');
      throw new AwsError('InvalidAction', 400, `secretsmanager is not served in region ${region}, only in: ${served}`);
    }
    return { name: 'secretsmanager', call: (...call) => secretsManager.call(...call) };
  }
}

async function received(message: IncomingMessage): Promise<WireRequest> {
  const method = message.method ?? '';
  if (method !== 'GET' && method !== 'POST') {
    throw new AwsError('UnsupportedMethod', 405, `method ${method} is not served here: GET and POST are`);
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  // The stream is left standing when reading stops early: the refusal goes out over the same connection.
  for await (const chunk of message.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BODY_BYTES) {
      throw new AwsError('RequestEntityTooLarge', 413, `The body has more than ${MOST_BODY_BYTES} bytes.`);
    }
    chunks.push(chunk);
  }
  return {
    method,
    url: new URL(message.url ?? '/', 'http://127.0.0.1'),
    headers: message.headers,
    body: Buffer.concat(chunks),
  };
}

/** What is no answer of AWS is a limit of this IAM, or a mistake in it, and is said in its own words. */
function asAwsError(error: unknown): AwsError {
  if (error instanceof AwsError) {
    return error;
  }
  return new AwsError('InternalFailure', 500, error instanceof Error ? error.message : String(error));
}
