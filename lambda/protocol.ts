import {
  ANSWER_WITHIN,
  ENROLLMENT_RESOURCE_TYPE,
  EnrollmentAttributes,
  EnrollmentProperties,
  physicalResourceId,
  problemOfSerialNumber,
  problemOfUserName,
} from '../lib/contract';
import { Attempts } from './attempts';
import { Declaration, Enrollment, Ports } from './enrollment';
import { failureOf, reasonOf } from './failure';
import { Logger } from './logger';
import { RequestType } from './reactions';

/**
 * What CloudFormation sends.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html
 */
export interface CustomResourceEvent {
  readonly RequestType: RequestType;
  readonly ResponseURL: string;
  readonly StackId: string;
  readonly RequestId: string;
  readonly LogicalResourceId: string;
  readonly ResourceType: string;
  readonly ResourceProperties: Record<string, unknown>;
  readonly OldResourceProperties?: Record<string, unknown>;
  readonly PhysicalResourceId?: string;
}

/** Of Lambda's context, what is used. */
export interface InvocationContext {
  getRemainingTimeInMillis(): number;
}

export interface Shell extends Ports {
  readonly logger: Logger;
  /** A number from 0 up to 1. */
  readonly random: () => number;
  /** Sends the body to the response URL, once; rejects where it did not arrive. */
  readonly deliver: (responseUrl: string, body: string) => Promise<void>;
}

type Outcome =
  | { readonly status: 'SUCCESS'; readonly attributes?: EnrollmentAttributes }
  | { readonly status: 'FAILED'; readonly reason: string };

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html */
const MOST_BYTES = 4096;
const MOST_DELIVERIES = 6;
/** Kept back for delivering the answer. */
const DELIVERY_MS = 45_000;

/** Serves one request of CloudFormation: whatever happens, it is answered exactly once. */
export async function serve(event: CustomResourceEvent, context: InvocationContext, shell: Shell): Promise<void> {
  const startedAt = shell.clock.now();
  const { UserName: userName, SerialNumber: serialNumber } = textsOf(event.ResourceProperties);
  const fields = { requestType: event.RequestType, userName, serialNumber };
  shell.logger.log('request received', fields);

  const outcome = await outcomeOf(event, context, shell);
  shell.logger.log('answering', { ...fields, ms: shell.clock.now() - startedAt });
  await answer(event, outcome, shell);
}

async function outcomeOf(event: CustomResourceEvent, context: InvocationContext, shell: Shell): Promise<Outcome> {
  try {
    return await dispatch(event, context, shell);
  } catch (error) {
    // Only the name: the text of an error that nobody foresaw can quote anything.
    const name = error instanceof Error ? error.name : 'unknown';
    shell.logger.log('call failed', { requestType: event.RequestType, errorCode: name });
    return {
      status: 'FAILED',
      reason: `unexpected error in the function (${name}); please report it to cdk-mfa-enrollment`,
    };
  }
}

async function dispatch(event: CustomResourceEvent, context: InvocationContext, shell: Shell): Promise<Outcome> {
  const request = event.RequestType;
  const properties = textsOf(event.ResourceProperties);
  const problem = problemOf(event, properties);
  if (problem !== undefined) {
    // What Create refuses does nothing, so its Delete has nothing to undo.
    return request === 'Delete' ? { status: 'SUCCESS' } : { status: 'FAILED', reason: problem };
  }
  const subject = {
    userName: properties.UserName,
    serialNumber: properties.SerialNumber,
    secretArn: properties.SeedSecretArn,
  };
  const attempts = new Attempts(request, shell.clock, shell.random, shell.logger, deadlineOf(request, context, shell));
  const enrollment = new Enrollment(properties, declarationOf(event), shell, attempts);
  try {
    await carryOut(event, enrollment);
    return {
      status: 'SUCCESS',
      attributes: { UserName: properties.UserName, SerialNumber: properties.SerialNumber },
    };
  } catch (error) {
    const failure = failureOf(error, subject);
    shell.logger.log('request failed', {
      requestType: request,
      errorCode: failure.errorCode,
      userName: subject.userName,
      serialNumber: subject.serialNumber,
    });
    return { status: 'FAILED', reason: reasonOf(request, subject, failure, enrollment.stateLeft) };
  }
}

function carryOut(event: CustomResourceEvent, enrollment: Enrollment): Promise<void> {
  const physicalId = event.PhysicalResourceId ?? '';
  switch (event.RequestType) {
    case 'Create':
      return enrollment.create();
    case 'Update':
      return enrollment.update(textsOf(event.OldResourceProperties), physicalId);
    case 'Delete':
      return enrollment.delete(physicalId);
  }
}

/** Create and Update must be over when a Delete that follows an unanswered Create has waited for them. */
function deadlineOf(request: RequestType, context: InvocationContext, { clock }: Shell): number {
  const remaining = context.getRemainingTimeInMillis();
  const allowed = request === 'Delete' ? remaining : Math.min(remaining, ANSWER_WITHIN * 1000);
  return clock.now() + allowed - DELIVERY_MS;
}

function textsOf(properties: Record<string, unknown> = {}): EnrollmentProperties {
  const text = (name: keyof EnrollmentProperties): string | undefined => {
    const value = properties[name];
    return typeof value === 'string' ? value : undefined;
  };
  return {
    UserName: text('UserName') ?? '',
    SerialNumber: text('SerialNumber') ?? '',
    SeedSecretArn: text('SeedSecretArn') ?? '',
    SeedSecretField: text('SeedSecretField'),
    AdoptExisting: text('AdoptExisting'),
  };
}

/** What only the deployment knows is checked here, by the rules that synthesis has for what it knows. */
function problemOf(event: CustomResourceEvent, properties: EnrollmentProperties): string | undefined {
  if (event.ResourceType !== ENROLLMENT_RESOURCE_TYPE) {
    return `resource type '${event.ResourceType}' is not served: ${ENROLLMENT_RESOURCE_TYPE} is allowed`;
  }
  const [, partition, , , account] = event.StackId.split(':');
  const problems: Record<string, string | undefined> = {
    UserName: problemOfUserName(properties.UserName),
    SerialNumber: problemOfSerialNumber(properties.SerialNumber, { account, partition }),
    SeedSecretArn: /^arn:[^:]+:secretsmanager:[^:]+:\d{12}:secret:./.test(properties.SeedSecretArn)
      ? undefined
      : `'${properties.SeedSecretArn}' is not the ARN of a secret`,
    SeedSecretField: properties.SeedSecretField === '' ? "'' is no key of a JSON secret" : undefined,
  };
  const [property, problem] = Object.entries(problems).find(([, words]) => words !== undefined) ?? [];
  return problem === undefined ? undefined : `'${property}': ${problem}. State: nothing was changed.`;
}

/** `arn:<partition>:cloudformation:<region>:<account>:stack/<name>/<uuid>` */
function declarationOf({ StackId, LogicalResourceId }: CustomResourceEvent): Declaration {
  const [, , , region = '', , resource = ''] = StackId.split(':');
  const [, stackName = '', stackUuid = ''] = resource.split('/');
  return { logicalId: LogicalResourceId, stackName, stackUuid, region };
}

async function answer(event: CustomResourceEvent, outcome: Outcome, shell: Shell): Promise<void> {
  const body = bodyOf(event, outcome);
  for (let delivery = 1; ; delivery++) {
    try {
      return await shell.deliver(event.ResponseURL, body);
    } catch {
      shell.logger.log('answer not delivered', { requestType: event.RequestType, attempt: delivery });
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
  const answered = {
    Status: outcome.status,
    // A failed Update that named another id would make CloudFormation delete the resource it could not change.
    PhysicalResourceId: event.PhysicalResourceId ?? physicalResourceId(textsOf(event.ResourceProperties)),
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
    if (excess <= 0) {
      return body;
    }
    // A character is at most six bytes, as an escape.
    characters.splice(-Math.max(1, Math.ceil(excess / 6)));
  }
}
