import { AwsError } from '../aws-error';
import { constraintOf } from '../constraints';
import { isSecretsManagerAction, SECRETS_MANAGER_PARAMETERS } from '../secrets-manager/parameters';
import type { Call, Protocol, WireRequest, WireResponse } from './protocol';
import { unsupportedOperation } from './unsupported';

const TARGET = /^secretsmanager\.([A-Za-z]+)$/;

/**
 * AWS JSON 1.1 as Secrets Manager uses it: the action in a header, parameters and output as JSON.
 *
 * @see https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
 */
export const jsonProtocol: Protocol = {
  read: ({ headers, body }: WireRequest): Call => {
    const target = String(headers['x-amz-target']);
    const [, action] = TARGET.exec(target) ?? [];
    if (action === undefined || !isSecretsManagerAction(action)) {
      throw unsupportedOperation('Secrets Manager', action ?? target, Object.keys(SECRETS_MANAGER_PARAMETERS));
    }
    const { members } = SECRETS_MANAGER_PARAMETERS[action];
    const input = Object.entries(parseObject(body)).map(([name, value]) => [
      name,
      constraintOf(members, name)?.type === 'blob' && typeof value === 'string' ? Buffer.from(value, 'base64') : value,
    ]);
    return { action, input: Object.fromEntries(input) as Record<string, unknown> };
  },

  encodeOutput: (_action, output): WireResponse => response(200, serialized(output)),

  encodeError: ({ code, status, message }): WireResponse => {
    const { headers, ...rest } = response(status, { __type: code, message });
    return { ...rest, headers: { ...headers, 'x-amzn-ErrorType': code } };
  },
};

function response(status: number, body: unknown): WireResponse {
  return { status, headers: { 'Content-Type': 'application/x-amz-json-1.1' }, body: JSON.stringify(body) };
}

function parseObject(body: Buffer): Record<string, unknown> {
  let input: unknown;
  try {
    input = JSON.parse(body.toString('utf8'));
  } catch {
    throw notAJsonObject();
  }
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw notAJsonObject();
  }
  return input as Record<string, unknown>;
}

/** Never quotes the body: it may contain a seed. */
function notAJsonObject(): AwsError {
  return new AwsError('SerializationException', 400, 'The body is not a JSON object.');
}

/** Converts an output value to JSON 1.1: blobs become Base64, times become seconds since the epoch. */
function serialized(value: unknown): unknown {
  if (Buffer.isBuffer(value)) {
    return value.toString('base64');
  }
  if (value instanceof Date) {
    return value.getTime() / 1000;
  }
  if (Array.isArray(value)) {
    return value.map(serialized);
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, serialized(member)]));
  }
  return value;
}
