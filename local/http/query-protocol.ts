import { XMLBuilder } from 'fast-xml-parser';
import { AwsError } from '../aws-error';
import { type ActionParameters, type Constraint, constraintOf, type Parameters } from '../constraints';
import { CLOUDFORMATION_PARAMETERS } from '../cloudformation/api-parameters';
import { IAM_PARAMETERS } from '../iam/parameters';
import type { Call, Protocol, WireRequest, WireResponse } from './protocol';
import { unsupportedOperation } from './unsupported';

const xml = new XMLBuilder({ ignoreAttributes: false, attributeNamePrefix: '@', suppressEmptyNode: true });

/** What differs from one service to another. */
interface QueryService {
  readonly name: string;
  readonly version: string;
  readonly namespace: string;
  readonly parameters: Readonly<Record<string, ActionParameters>>;
}

/** IAM's protocol. */
export const iamProtocol: Protocol = queryProtocol({
  name: 'IAM',
  version: '2010-05-08',
  namespace: 'https://iam.amazonaws.com/doc/2010-05-08/',
  parameters: IAM_PARAMETERS,
});

/** CloudFormation's protocol. */
export const cloudFormationProtocol: Protocol = queryProtocol({
  name: 'CloudFormation',
  version: '2010-05-15',
  namespace: 'http://cloudformation.amazonaws.com/doc/2010-05-15/',
  parameters: CLOUDFORMATION_PARAMETERS,
});

/**
 * The AWS Query protocol: parameters in a form or in the URL, output as XML.
 *
 * @see https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
 */
function queryProtocol({ name, version: served, namespace, parameters }: QueryService): Protocol {
  const response = (status: number, document: Readonly<Record<string, unknown>>): WireResponse => ({
    status,
    headers: { 'Content-Type': 'text/xml' },
    body: xml.build(document),
  });
  return {
    read: ({ method, url, body }: WireRequest): Call => {
      const form = new URLSearchParams(method === 'GET' ? url.search : body.toString('utf8'));
      const action = form.get('Action');
      const version = form.get('Version');
      form.delete('Action');
      form.delete('Version');
      if (action === null) {
        throw new AwsError('MissingAction', 400, 'The request is missing an action.');
      }
      if (version !== served) {
        throw new AwsError('InvalidAction', 400, `Could not find operation ${action} for version ${version ?? 'none'}`);
      }
      if (!Object.hasOwn(parameters, action)) {
        throw unsupportedOperation(name, action, Object.keys(parameters));
      }
      return { action, input: parseStructure(new Map(form), parameters[action]!.members) };
    },

    encodeOutput: (action, output, requestId): WireResponse => {
      const result = Object.keys(output).length === 0 ? {} : { [`${action}Result`]: serialized(output) };
      return response(200, {
        [`${action}Response`]: { '@xmlns': namespace, ...result, ResponseMetadata: { RequestId: requestId } },
      });
    },

    encodeError: ({ fault, code, status, message }, requestId): WireResponse =>
      response(status, {
        ErrorResponse: {
          '@xmlns': namespace,
          Error: { Type: fault, Code: code, Message: message },
          RequestId: requestId,
        },
      }),
  };
}

/**
 * Builds nested values from keys such as `Tags.member.1.Key`. Unknown parameters stay text, for the service to reject.
 */
function parseStructure(form: ReadonlyMap<string, string>, members: Parameters): Record<string, unknown> {
  const names = new Set([...form.keys()].map((path) => path.split('.', 1)[0] ?? path));
  return Object.fromEntries(
    [...names].map((name) => [name, parseValue(below(form, name), constraintOf(members, name))]),
  );
}

function parseValue(form: ReadonlyMap<string, string>, constraint: Constraint | undefined): unknown {
  const text = form.get('') ?? '';
  switch (constraint?.type) {
    case 'integer':
      return /^-?\d+$/.test(text) ? Number(text) : text;
    case 'list':
      return parseMembers(below(form, 'member'), constraint.of);
    case 'structure':
      return parseStructure(form, constraint.members);
    default:
      return text;
  }
}

function parseMembers(form: ReadonlyMap<string, string>, of: Constraint): unknown[] {
  const positions = new Set([...form.keys()].map((path) => Number(path.split('.', 1)[0])));
  return [...positions].sort((a, b) => a - b).map((position) => parseValue(below(form, String(position)), of));
}

/** The entries of a form below a name. The name's own value has the empty path. */
function below(form: ReadonlyMap<string, string>, name: string): ReadonlyMap<string, string> {
  const entries = [...form].filter(([path]) => path === name || path.startsWith(`${name}.`));
  return new Map(entries.map(([path, text]) => [path.slice(name.length + 1), text]));
}

/** Converts an output value to XML. */
function serialized(value: unknown): unknown {
  if (Buffer.isBuffer(value)) {
    return value.toString('base64');
  }
  if (value instanceof Date) {
    return `${value.toISOString().slice(0, 19)}Z`;
  }
  if (Array.isArray(value)) {
    return value.length === 0 ? '' : { member: value.map(serialized) };
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, serialized(member)]));
  }
  return value;
}
