import { ANSWER_WITHIN, EVENT_AGE, REFUSED_SUFFIX } from '../lib/contract';
import { Attempts } from './aws/attempts';
import { resourceIn } from './custom-resources';
import { Failure, failureOf, identityChanged, reasonOf } from './failure';
import { bound } from './logger';
import { type RequestType } from './aws/reactions';
import { type Ports, type Request, type Resource, type Work } from './resource';

/**
 * What CloudFormation sends.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html
 */
export interface CustomResourceEvent extends Request {
  readonly ResponseURL: string;
  readonly RequestId: string;
  readonly OldResourceProperties?: Readonly<Record<string, unknown>>;
  readonly PhysicalResourceId?: string;
}

/** Of Lambda's context, what is used. */
export interface InvocationContext {
  getRemainingTimeInMillis(): number;
}

export interface Shell extends Ports {
  /** A number from 0 up to 1. */
  readonly random: () => number;
  /** Sends the body to the response URL, once; rejects where it did not arrive. */
  readonly deliver: (responseUrl: string, body: string) => Promise<void>;
}

type Outcome =
  | { readonly status: 'SUCCESS'; readonly attributes?: Resource['attributes'] }
  | {
      readonly status: 'FAILED';
      readonly reason: string;
      /** Whether a Create may change nothing, and has changed nothing. */
      readonly isRefused: boolean;
    };

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html */
const MOST_BYTES = 4096;
const LONGEST_PHYSICAL_ID = 1024;
const MOST_DELIVERIES = 6;
/** Kept back for delivering the answer. */
const DELIVERY_MS = 60_000;
/** By then a Create that has not answered is over, even if it waited in Lambda's queue for as long as it could. */
const CREATE_IS_OVER_MS = (EVENT_AGE + ANSWER_WITHIN) * 1000;

/** Serves one request of CloudFormation: whatever happens, it is answered exactly once. */
export async function serve(event: CustomResourceEvent, context: InvocationContext, shell: Shell): Promise<void> {
  const startedAt = shell.clock.now();
  const resource = resourceIn(event);
  const logger = bound(shell.logger, {
    requestId: event.RequestId,
    requestType: event.RequestType,
    logicalId: event.LogicalResourceId,
    ...resource.logFields,
  });
  logger.log('request received');
  const outcome = await outcomeOf(event, resource, context, { ...shell, logger });
  logger.log('answering', { status: outcome.status, ms: shell.clock.now() - startedAt });
  await answer(event, outcome, { ...shell, logger });
}

async function outcomeOf(
  event: CustomResourceEvent,
  resource: Resource,
  context: InvocationContext,
  shell: Shell,
): Promise<Outcome> {
  const { RequestType: request } = event;
  const { problem, subject, attributes } = resource;
  if (problem !== undefined && request === 'Delete') {
    // What Create refuses does nothing, so its Delete has nothing to undo.
    return { status: 'SUCCESS' };
  }
  const attempts = new Attempts(request, shell.clock, shell.random, shell.logger, deadlineOf(request, context, shell));
  const work = resource.work(shell, attempts);
  try {
    if (problem !== undefined) {
      throw new Failure({ cause: problem, next: 'correct the value' }, 'InvalidProperty');
    }
    await carryOut(event, resource, work, attempts, shell);
    return { status: 'SUCCESS', attributes };
  } catch (error) {
    const failure = failureOf(error, subject);
    shell.logger.log('request failed', { errorCode: failure.errorCode });
    const isRefused = request === 'Create' && failure.meetsAll && !work.wasChanged;
    return { status: 'FAILED', reason: reasonOf(request, subject, failure, work.stateLeft), isRefused };
  }
}

async function carryOut(
  event: CustomResourceEvent,
  { physicalId, subject }: Resource,
  work: Work,
  attempts: Attempts,
  { logger }: Shell,
): Promise<void> {
  const isOurs = event.PhysicalResourceId === physicalId;
  switch (event.RequestType) {
    case 'Create':
      return work.create();
    case 'Update':
      if (!isOurs) {
        throw identityChanged(event.PhysicalResourceId, physicalId, subject);
      }
      return work.update(event.OldResourceProperties ?? {});
    case 'Delete':
      if (event.PhysicalResourceId?.endsWith(REFUSED_SUFFIX)) {
        return logger.log('the Create was refused, nothing to undo');
      }
      if (!isOurs) {
        // CloudFormation made the id up, because a Create has not answered. It may still be queued or running.
        logger.log('waiting for a Create that may still be under way');
        await attempts.wait(CREATE_IS_OVER_MS);
      }
      return work.delete();
  }
}

/** Create and Update must be over when a Delete that follows an unanswered Create has waited for them. */
function deadlineOf(request: RequestType, context: InvocationContext, { clock }: Shell): number {
  const remaining = context.getRemainingTimeInMillis();
  const allowed = request === 'Delete' ? remaining : Math.min(remaining, ANSWER_WITHIN * 1000);
  return clock.now() + allowed - DELIVERY_MS;
}

async function answer(event: CustomResourceEvent, outcome: Outcome, shell: Shell): Promise<void> {
  const body = bodyOf(event, outcome);
  for (let delivery = 1; ; delivery++) {
    try {
      return await shell.deliver(event.ResponseURL, body);
    } catch {
      shell.logger.log('answer not delivered', { attempt: delivery });
      if (delivery === MOST_DELIVERIES) {
        // The error of the delivery could quote the URL, which is as good as a password.
        throw new Error('the answer could not be delivered to CloudFormation');
      }
      await shell.clock.sleep(2 ** (delivery - 1) * 500);
    }
  }
}

/** The body of an answer: at most as many bytes as CloudFormation takes, at the cost of the reason. */
export function bodyOf(event: CustomResourceEvent, outcome: Outcome): string {
  const suffix = outcome.status === 'FAILED' && outcome.isRefused ? REFUSED_SUFFIX : '';
  const answered = {
    Status: outcome.status,
    // A failed Update that named another id would make CloudFormation delete the resource it could not change.
    // Only of properties that are refused can it be too long.
    PhysicalResourceId: (event.PhysicalResourceId ?? resourceIn(event).physicalId + suffix).slice(
      0,
      LONGEST_PHYSICAL_ID,
    ),
    StackId: event.StackId,
    RequestId: event.RequestId,
    LogicalResourceId: event.LogicalResourceId,
  };
  if (outcome.status === 'SUCCESS') {
    return JSON.stringify({ ...answered, Data: outcome.attributes });
  }
  const characters = [...outcome.reason];
  for (;;) {
    const body = JSON.stringify({ ...answered, Reason: characters.join('') });
    const excess = Buffer.byteLength(body) - MOST_BYTES;
    if (excess <= 0 || characters.length === 0) {
      return body;
    }
    // A character is at most six bytes, as an escape.
    characters.splice(-Math.max(1, Math.ceil(excess / 6)));
  }
}
