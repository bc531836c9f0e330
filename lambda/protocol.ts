import {
  ANSWER_WITHIN,
  enrollmentClaimKey,
  ENROLLMENT_RESOURCE_TYPE,
  EnrollmentAttributes,
  EnrollmentProperties,
  physicalResourceId,
  problemOfSerialNumber,
  problemOfUserName,
} from '../lib/contract';
import { Attempts } from './attempts';
import { Declaration, Enrollment, Ports } from './enrollment';
import { Failure, failureOf, reasonOf } from './failure';
import { bound } from './logger';
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
const LONGEST_PHYSICAL_ID = 1024;
const MOST_DELIVERIES = 6;
/** Kept back for delivering the answer. */
const DELIVERY_MS = 60_000;

/** Serves one request of CloudFormation: whatever happens, it is answered exactly once. */
export async function serve(event: CustomResourceEvent, context: InvocationContext, shell: Shell): Promise<void> {
  const startedAt = shell.clock.now();
  const { UserName: userName, SerialNumber: serialNumber } = textsOf(event.ResourceProperties);
  const logger = bound(shell.logger, {
    requestId: event.RequestId,
    requestType: event.RequestType,
    logicalId: event.LogicalResourceId,
    userName,
    serialNumber,
  });
  logger.log('request received');
  const outcome = await outcomeOf(event, context, { ...shell, logger });
  logger.log('answering', { status: outcome.status, ms: shell.clock.now() - startedAt });
  await answer(event, outcome, { ...shell, logger });
}

async function outcomeOf(event: CustomResourceEvent, context: InvocationContext, shell: Shell): Promise<Outcome> {
  const request = event.RequestType;
  const properties = textsOf(event.ResourceProperties);
  const problem = problemOf(event, properties);
  if (problem !== undefined && request === 'Delete') {
    // What Create refuses does nothing, so its Delete has nothing to undo.
    return { status: 'SUCCESS' };
  }
  const declaration = declarationOf(event);
  const attempts = new Attempts(request, shell.clock, shell.random, shell.logger, deadlineOf(request, context, shell));
  const enrollment = new Enrollment(properties, declaration, shell, attempts);
  try {
    if (problem !== undefined) {
      throw new Failure({ cause: problem, next: 'correct the value' }, 'InvalidProperty');
    }
    await carryOut(event, enrollment);
    return {
      status: 'SUCCESS',
      attributes: { UserName: properties.UserName, SerialNumber: properties.SerialNumber },
    };
  } catch (error) {
    const subject = {
      userName: properties.UserName,
      serialNumber: properties.SerialNumber,
      secretArn: properties.SeedSecretArn,
      claimKey: enrollmentClaimKey(declaration.stackUuid, declaration.logicalId),
    };
    const failure = failureOf(error, subject);
    shell.logger.log('request failed', { errorCode: failure.errorCode });
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
    // A Delete needs no secret.
    ...(event.RequestType !== 'Delete' && {
      SeedSecretArn: problemOfSecretArn(properties.SeedSecretArn),
      SeedSecretField: properties.SeedSecretField === '' ? "'' is no key of a JSON secret" : undefined,
    }),
  };
  const [property, problem] = Object.entries(problems).find(([, words]) => words !== undefined) ?? [];
  return problem === undefined ? undefined : `'${property}': ${problem}`;
}

function problemOfSecretArn(arn: string): string | undefined {
  if (/^arn:[^:]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:./.test(arn)) {
    return undefined;
  }
  // What is no ARN at all is not quoted: somebody may have put the seed itself here.
  return `${arn.startsWith('arn:') ? `'${arn}'` : 'the value'} is not the ARN of a secret: arn:aws:secretsmanager:<region>:<account>:secret:<name> is expected`;
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
  const answered = {
    Status: outcome.status,
    // A failed Update that named another id would make CloudFormation delete the resource it could not change.
    // Only of properties that are refused can it be too long.
    PhysicalResourceId: (event.PhysicalResourceId ?? physicalResourceId(textsOf(event.ResourceProperties))).slice(
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
