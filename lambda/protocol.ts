import { isDeepStrictEqual } from 'node:util';
import { ANSWER_WITHIN, FAILED_SUFFIX, physicalId, physicalIdIn, REFUSED } from '../lib/contract';
import { Attempts } from './aws/attempts';
import { type RequestType } from './aws/reactions';
import { resourceIn } from './custom-resources';
import { DeliveryError, problemOfResponseUrl } from './delivery';
import { Failure, failureOf, identityChanged, reasonOf } from './failure';
import { bound } from './logger';
import { type Occasion, occasionOf } from './occasion';
import { problemOfStackId } from './declaration';
import { type Ports, type Request, type Resource, type Work } from './resource';

/**
 * What CloudFormation sends.
 *
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html
 */
export interface CustomResourceEvent extends Request {
  readonly ResponseURL: string;
  readonly RequestId: string;
  readonly OldResourceProperties?: Readonly<Record<string, unknown>>;
  readonly PhysicalResourceId?: string;
}

/** The part of Lambda's context that is used. */
export interface InvocationContext {
  getRemainingTimeInMillis(): number;
}

export interface Shell extends Ports {
  /** A number from 0 up to 1. */
  readonly random: () => number;
  /** Whether response URLs may point to this machine. Only the local AWS sends such. @default false */
  readonly isLocal?: boolean;
  /** Sends the body to the response URL, once; rejects with a `DeliveryError` if it did not arrive. */
  readonly deliver: (responseUrl: string, body: string) => Promise<void>;
}

type Outcome =
  | { readonly status: 'SUCCESS'; readonly attributes?: Resource['attributes'] }
  | { readonly status: 'FAILED'; readonly reason: string };

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html */
const MOST_BYTES = 4096;
/** Characters. Ids of this function are ASCII, and of values that are refused nothing is in them. */
const LONGEST_PHYSICAL_ID = 1024;
const MOST_DELIVERIES = 6;
const USE_CLOUDFORMATION = 'use AWS CloudFormation, the only engine that is supported';
/** Kept back of the function's time, for the last call and all deliveries of the response. */
const DELIVERIES_MS = 60_000;
/** Kept back of the time to respond, for the last call and the first delivery. */
const DELIVERY_MS = 20_000;

/** Serves one request of CloudFormation. Whatever happens, it gets exactly one response. */
export async function serve(sent: CustomResourceEvent, context: InvocationContext, shell: Shell): Promise<void> {
  const startedAt = shell.clock.now();
  const event = eventIn(sent);
  const { RequestId: requestId, RequestType: requestType, LogicalResourceId: logicalId } = event;
  const problem = problemOfResponseUrl(event.ResponseURL, shell.isLocal === true);
  if (problem !== undefined) {
    // Without a response, CloudFormation would undo what is done here.
    shell.logger.log('no response is possible, nothing was done', {
      requestId,
      requestType,
      logicalId,
      errorCode: problem,
    });
    throw new Error(`the response URL can't be used: ${problem}`);
  }
  const resource = resourceIn(event);
  const occasion = occasionOf(event, resource.parts, resource.declaration);
  const logger = bound(shell.logger, { requestId, requestType, logicalId, ...resource.logFields });
  logger.log('request received');
  const outcome = await outcomeOf(event, resource, occasion, context, { ...shell, logger });
  logger.log('responding', { status: outcome.status, ms: shell.clock.now() - startedAt });
  await respond(event, bodyOf(event, physicalIdOf(event, resource, occasion, outcome), outcome), { ...shell, logger });
}

/** An event of which every field that is used is there. */
function eventIn(sent: unknown): CustomResourceEvent {
  const fields = recordIn(sent);
  const text = (name: string) => (typeof fields[name] === 'string' ? fields[name] : '');
  return {
    RequestType: text('RequestType') as RequestType,
    ResponseURL: text('ResponseURL'),
    StackId: text('StackId'),
    RequestId: text('RequestId'),
    LogicalResourceId: text('LogicalResourceId'),
    ResourceType: text('ResourceType'),
    ResourceProperties: recordIn(fields.ResourceProperties),
    OldResourceProperties: recordIn(fields.OldResourceProperties),
    ...(fields.PhysicalResourceId !== undefined && { PhysicalResourceId: text('PhysicalResourceId') }),
  };
}

function recordIn(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

async function outcomeOf(
  event: CustomResourceEvent,
  resource: Resource,
  occasion: Occasion,
  context: InvocationContext,
  shell: Shell,
): Promise<Outcome> {
  const { RequestType: request } = event;
  const { subject, attributes } = resource;
  const problemOfStack = problemOfStackId(resource.declaration.stackUuid);
  const problem = problemOfStack ?? resource.problem;
  const wasRefused = physicalIdIn(event.PhysicalResourceId ?? '', [REFUSED]) !== undefined;
  if (request === 'Delete' && (wasRefused || problem !== undefined)) {
    // A Create that is refused does nothing, so its Delete has nothing to undo.
    return { status: 'SUCCESS' };
  }
  const attempts = new Attempts(request, shell.clock, shell.random, shell.logger, deadlineOf(request, context, shell));
  const work = resource.work(occasion, shell, attempts);
  try {
    if (problem !== undefined) {
      const next = problemOfStack === undefined ? 'correct the value' : USE_CLOUDFORMATION;
      throw new Failure({ cause: problem, next }, 'InvalidProperty');
    }
    await carryOut(event, resource, occasion, work);
    return { status: 'SUCCESS', attributes };
  } catch (error) {
    const failure = failureOf(error, subject);
    shell.logger.log('request failed', { errorCode: failure.errorCode });
    return {
      status: 'FAILED',
      reason: reasonOf(request, subject, failure, {
        stateLeft: work.stateLeft,
        isDeviceGone: work.isDeviceGone,
        creation: occasion.creation,
      }),
    };
  }
}

async function carryOut(
  event: CustomResourceEvent,
  { parts, subject }: Resource,
  { creation }: Occasion,
  work: Work,
): Promise<void> {
  switch (event.RequestType) {
    case 'Create':
      return work.create();
    case 'Update':
      if (creation === undefined) {
        throw identityChanged(event.PhysicalResourceId, parts, subject);
      }
      return isRecheckWithdrawn(event) ? undefined : work.update(event.OldResourceProperties ?? {});
    case 'Delete':
      return work.delete();
    default:
      throw new Failure({ cause: 'unknown request type', next: USE_CLOUDFORMATION }, 'UnknownRequestType');
  }
}

/**
 * Whether an Update only lowers `Recheck`: CloudFormation rolls back an Update that raised it. It must succeed although
 * what the raised number has found is still there.
 */
function isRecheckWithdrawn({ ResourceProperties: properties, OldResourceProperties: old = {} }: CustomResourceEvent) {
  const { Recheck: to = '0', ...others } = properties;
  const { Recheck: from = '0', ...formerOthers } = old;
  return Number(to) < Number(from) && isDeepStrictEqual(others, formerOthers);
}

/** CloudFormation keeps waiting for a Delete longer than for the others, so that a failed one can take its time. */
function deadlineOf(request: RequestType, context: InvocationContext, { clock }: Shell): number {
  const remaining = context.getRemainingTimeInMillis() - DELIVERIES_MS;
  const allowed = request === 'Delete' ? remaining : Math.min(remaining, ANSWER_WITHIN * 1000 - DELIVERY_MS);
  return clock.now() + allowed;
}

/** Only a Create names a new id: an Update that did would make CloudFormation delete the resource. */
function physicalIdOf(
  { PhysicalResourceId }: CustomResourceEvent,
  { parts, problem }: Resource,
  { creation = '' }: Occasion,
  { status }: Outcome,
): string {
  const id = physicalId(problem === undefined ? parts : [REFUSED], creation);
  return PhysicalResourceId ?? (status === 'FAILED' ? id + FAILED_SUFFIX : id);
}

async function respond(event: CustomResourceEvent, body: string, shell: Shell): Promise<void> {
  for (let delivery = 1; delivery <= MOST_DELIVERIES; delivery++) {
    try {
      return await shell.deliver(event.ResponseURL, body);
    } catch (error) {
      const errorCode = error instanceof DeliveryError ? error.message : 'unknown error';
      shell.logger.log('response not delivered', { attempt: delivery, errorCode });
    }
    await shell.clock.sleep(2 ** (delivery - 1) * 500);
  }
  // Without the original error, which could quote the URL: that is as good as a password.
  throw new Error('the response could not be delivered to CloudFormation');
}

/** The body of a response: at most as many bytes as CloudFormation accepts, at the cost of the reason. */
export function bodyOf(event: CustomResourceEvent, id: string, outcome: Outcome): string {
  const { StackId, RequestId, LogicalResourceId } = event;
  const ids = { PhysicalResourceId: id.slice(0, LONGEST_PHYSICAL_ID), StackId, RequestId, LogicalResourceId };
  const answered = { Status: outcome.status, ...ids };
  if (outcome.status === 'SUCCESS') {
    return JSON.stringify({ ...answered, Data: outcome.attributes });
  }
  const bodyWith = (reason: string) => JSON.stringify({ ...answered, Reason: reason });
  const characters = [...outcome.reason];
  for (;;) {
    const reason = characters.join('');
    const excess = Buffer.byteLength(bodyWith(reason)) - MOST_BYTES;
    if (excess <= 0 || characters.length === 0) {
      // The beginning of a name in a command can be another one's name.
      return bodyWith(reason === outcome.reason ? reason : reason.replace(/\s\S*$/, ''));
    }
    // A character is at most six bytes, as an escape.
    characters.splice(-Math.max(1, Math.ceil(excess / 6)));
  }
}
