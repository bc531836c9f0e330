import type { IncomingHttpHeaders } from 'node:http';
import type { AwsError } from '../aws-error';

/** A request as it came off the wire. */
export interface WireRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** What is asked for, freed from how it was written. */
export interface Call {
  readonly action: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** An answer as it goes onto the wire. */
export interface WireResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** How a service writes requests, answers and errors. */
export interface Protocol {
  /** @throws AwsError where the request can't be read */
  read(request: WireRequest): Call;
  answer(action: string, output: Readonly<Record<string, unknown>>, requestId: string): WireResponse;
  refusal(error: AwsError, requestId: string): WireResponse;
}
