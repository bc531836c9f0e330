import type { IncomingHttpHeaders } from 'node:http';
import type { AwsError } from '../aws-error';

/** A request as received from the network. */
export interface WireRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** An API call, independent of the protocol that carried it. */
export interface Call {
  readonly action: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** A response as sent to the network. */
export interface WireResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** How a service encodes requests, output and errors. */
export interface Protocol {
  /** @throws AwsError if the request can't be parsed */
  read(request: WireRequest): Call;
  encodeOutput(action: string, output: Readonly<Record<string, unknown>>, requestId: string): WireResponse;
  encodeError(error: AwsError, requestId: string): WireResponse;
}
