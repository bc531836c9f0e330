import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AwsError } from '../aws-error';
import type { Clock } from '../clock';
import type { CloudFormationApi } from '../cloudformation';
import type { Caller, Iam } from '../iam';
import type { SecretsManager } from '../secrets-manager';
import { type CredentialScope, credentialScopeOf } from './credential-scope';
import { jsonProtocol } from './json-protocol';
import type { Call, Protocol, WireRequest, WireResponse } from './protocol';
import { cloudFormationProtocol, iamProtocol } from './query-protocol';

/** More than any request of these services needs: a secret value has at most 65,536 bytes. */
const MAX_BODY_BYTES = 1024 * 1024;

/** What a client on this machine calls the server. A web page that rebinds its own name to this machine sends that name. */
const HOSTS = ['127.0.0.1', 'localhost'];

/** A call before it is executed. Its input may contain codes and seeds: use it to select faults, never to log. */
export interface IncomingCall extends Call {
  readonly service: 'iam' | 'secretsmanager' | 'cloudformation';
  readonly accessKeyId: string;
  readonly caller: Caller | undefined;
}

/** The fault to inject into a call. A member that is absent injects nothing. */
export interface Fault {
  /** The error to return instead of executing the call. */
  readonly before?: AwsError;
  /** When the connection breaks: before the call is executed, or after it, so that the response is lost. */
  readonly lost?: 'before' | 'after';
  /** How long to delay the execution, in milliseconds of the clock's time. */
  readonly delayMs?: number;
}

/** A completed call. It contains neither input nor output, so it is safe to log. */
export interface CompletedCall {
  readonly service: string;
  readonly action: string;
  /** Duration in milliseconds of the clock's time. */
  readonly ms: number;
  readonly errorCode?: string;
  readonly accessKeyId: string;
  readonly caller: Caller | undefined;
}

/** Options of {@link AwsServer}. */
export interface AwsServerOptions {
  readonly iam: Iam;
  /** One per region. */
  readonly secretsManagers: readonly SecretsManager[];
  /** One per region; regions can be added later. @default none */
  readonly cloudFormations?: readonly CloudFormationApi[];
  /** The clock of the `Date` header, which callers treat as AWS's time. */
  readonly clock: Clock;
  /** The port, or 0 for any free port. @default 0 */
  readonly port?: number;
  /**
   * The caller that an access key belongs to; `undefined` means an administrator.
   *
   * @default every caller is an administrator
   */
  readonly callerOf?: (accessKeyId: string, sessionToken: string | undefined) => Caller | undefined;
  /** The fault to inject into a call. @default none */
  readonly faultOf?: (call: IncomingCall) => Fault | undefined;
  /**
   * How much the time of a signature may differ from the clock, in milliseconds. AWS allows 5 minutes.
   *
   * @default no limit, because functions sign with the machine's time while tests run on other clocks
   */
  readonly signatureToleranceMs?: number;
  /** Called when a call has completed, before its response is sent. */
  readonly onCall?: (call: CompletedCall) => void;
}

/** Where the server listens. */
export interface Endpoint {
  readonly url: string;
  readonly port: number;
}

/** IAM, Secrets Manager and CloudFormation's read-only calls on one loopback port. The scope of a request's signature selects the service. */
export class AwsServer {
  private readonly server: Server;

  constructor(private readonly options: AwsServerOptions) {
    this.server = createServer((request, response) => {
      // Node.js would send the machine's time instead of the clock's.
      response.sendDate = false;
      void this.serve(request, response);
    });
  }

  /** Starts listening. Rejects if the port is in use. */
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

  /** Stops listening and drops open connections. */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }

  private async serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const requestId = randomUUID();
    const reply = await this.replyTo(message, requestId);
    if (reply === 'lost') {
      message.socket.destroy();
      return;
    }
    response.writeHead(reply.status, {
      ...reply.headers,
      Date: new Date(this.options.clock.now()).toUTCString(),
      'x-amzn-RequestId': requestId,
    });
    response.end(reply.body);
  }

  private async replyTo(message: IncomingMessage, requestId: string): Promise<WireResponse | 'lost'> {
    // Until the service is known, errors are written in IAM's protocol.
    let protocol = PROTOCOLS.iam;
    try {
      const request = await readRequest(message);
      const scope = credentialScopeOf(request.headers);
      protocol = isService(scope.service) ? PROTOCOLS[scope.service] : protocol;
      return await this.execute(protocol, scope, request, requestId);
    } catch (error) {
      return protocol.encodeError(asAwsError(error), requestId);
    }
  }

  private async execute(
    protocol: Protocol,
    scope: CredentialScope,
    request: WireRequest,
    requestId: string,
  ): Promise<WireResponse | 'lost'> {
    const service = this.serviceOf(scope);
    const { signatureToleranceMs = Infinity, clock } = this.options;
    requireTimely(request.headers['x-amz-date'], clock.now(), signatureToleranceMs, service.name);
    const call: IncomingCall = {
      ...protocol.read(request),
      service: service.name,
      accessKeyId: scope.accessKeyId,
      caller: this.options.callerOf?.(scope.accessKeyId, scope.sessionToken),
    };
    const startedAt = this.options.clock.now();
    const complete = (errorCode?: string): void =>
      this.options.onCall?.({
        service: call.service,
        action: call.action,
        ms: this.options.clock.now() - startedAt,
        ...(errorCode === undefined ? {} : { errorCode }),
        accessKeyId: call.accessKeyId,
        caller: call.caller,
      });
    const fault = this.options.faultOf?.(call) ?? {};
    if (fault.delayMs !== undefined) {
      await this.options.clock.sleep(fault.delayMs);
    }
    if (fault.lost === 'before') {
      complete('ConnectionLost');
      return 'lost';
    }
    try {
      if (fault.before !== undefined) {
        throw fault.before;
      }
      const output = service.call(call.action, call.input, call.caller);
      complete(fault.lost === 'after' ? 'ConnectionLost' : undefined);
      return fault.lost === 'after' ? 'lost' : protocol.encodeOutput(call.action, output, requestId);
    } catch (error) {
      const awsError = asAwsError(error);
      complete(awsError.code);
      return protocol.encodeError(awsError, requestId);
    }
  }

  private serviceOf({ service, region }: CredentialScope): {
    name: IncomingCall['service'];
    call: (...call: Parameters<Iam['call']>) => Record<string, unknown>;
  } {
    const { iam, secretsManagers, cloudFormations = [] } = this.options;
    if (service === 'iam') {
      return { name: 'iam', call: (...call) => iam.call(...call) };
    }
    if (!isService(service)) {
      const known = Object.keys(PROTOCOLS).join(', ');
      throw new AwsError('InvalidAction', 400, `service ${service} is not supported: expected one of ${known}`);
    }
    const all = service === 'secretsmanager' ? secretsManagers : cloudFormations;
    const regional = all.find((each) => each.region === region);
    if (regional === undefined) {
      const served = all.map((each) => each.region).join(', ');
      throw new AwsError('InvalidAction', 400, `${service} is not served in region ${region}, only in: ${served}`);
    }
    return { name: service, call: (...call) => regional.call(...call) };
  }
}

const PROTOCOLS: Readonly<Record<IncomingCall['service'], Protocol>> = {
  iam: iamProtocol,
  secretsmanager: jsonProtocol,
  cloudformation: cloudFormationProtocol,
};

function isService(name: string): name is IncomingCall['service'] {
  return Object.hasOwn(PROTOCOLS, name);
}

/** @throws AwsError if a browser could have sent the request for a page from elsewhere */
function checkHost(host = ''): void {
  if (!HOSTS.includes(host.replace(/:\d+$/, '').toLowerCase())) {
    throw new AwsError('MisdirectedRequest', 421, `Host '${host}' is not this machine: expected ${HOSTS.join(' or ')}`);
  }
}

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html */
function requireTimely(
  date: string | string[] | undefined,
  now: number,
  toleranceMs: number,
  service: IncomingCall['service'],
): void {
  const signedAt = Date.parse(String(date).replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (toleranceMs === Infinity || Math.abs(signedAt - now) <= toleranceMs) {
    return;
  }
  const message = signedAt < now ? `Signature expired: ${String(date)}` : `Signature not yet current: ${String(date)}`;
  throw service === 'iam'
    ? new AwsError('SignatureDoesNotMatch', 403, message)
    : new AwsError('InvalidSignatureException', 400, message);
}

async function readRequest(message: IncomingMessage): Promise<WireRequest> {
  checkHost(message.headers.host);
  const method = message.method ?? '';
  if (method !== 'GET' && method !== 'POST') {
    throw new AwsError('UnsupportedMethod', 405, `method ${method} is not supported: expected GET or POST`);
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  // The stream stays open when reading stops early: the error response uses the same connection.
  for await (const chunk of message.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) {
      throw new AwsError('RequestEntityTooLarge', 413, `The body exceeds ${MAX_BODY_BYTES} bytes.`);
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

/** Any other error is a limitation of the local AWS or a bug in it; its own message helps most. */
function asAwsError(error: unknown): AwsError {
  if (error instanceof AwsError) {
    return error;
  }
  return new AwsError('InternalFailure', 500, error instanceof Error ? error.message : String(error));
}
