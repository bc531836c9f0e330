import { type Surroundings } from '../lib/checks';
import { type Attempts } from './aws/attempts';
import { type RequestType } from './aws/reactions';
import { type Subject } from './failure';
import { type LogFields, type Logger } from './logger';
import { type Clock, type Iam, type SeedStore } from './aws/ports';

/** Of what CloudFormation sends, what says which resource it is about. */
export interface Request {
  readonly RequestType: RequestType;
  readonly StackId: string;
  readonly LogicalResourceId: string;
  readonly ResourceType: string;
  readonly ResourceProperties: Readonly<Record<string, unknown>>;
}

/** Where a resource is declared. */
export interface Declaration {
  readonly logicalId: string;
  readonly stackName: string;
  readonly stackUuid: string;
  readonly region: string;
}

/** `arn:<partition>:cloudformation:<region>:<account>:stack/<name>/<uuid>` */
export function declarationOf({ StackId, LogicalResourceId }: Request): Declaration {
  const [, , , region = '', , resource = ''] = StackId.split(':');
  const [, stackName = '', stackUuid = ''] = resource.split('/');
  return { logicalId: LogicalResourceId, stackName, stackUuid, region };
}

export function surroundingsOf({ StackId }: Request): Surroundings {
  const [, partition, , , account] = StackId.split(':');
  return { account, partition };
}

export interface Ports {
  readonly iam: Iam;
  readonly seeds: SeedStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A new uuid at each call. */
  readonly uuid: () => string;
}

/** A custom resource as one request describes it. What it is stands in its properties, never in a physical id. */
export interface Resource {
  readonly physicalId: string;
  /** What is wrong with its properties, in words; absent: nothing. */
  readonly problem: string | undefined;
  /** What `Fn::GetAtt` finds. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly subject: Subject;
  readonly logFields: LogFields;
  work(ports: Ports, attempts: Attempts): Work;
}

/** What the requests mean for a resource. */
export interface Work {
  create(): Promise<void>;
  /** @param old the properties before, as CloudFormation sent them */
  update(old: Readonly<Record<string, unknown>>): Promise<void>;
  delete(): Promise<void>;
  /** Whether this request has sent anything that changes something. */
  readonly wasChanged: boolean;
  /** The state that a failure leaves, in words. */
  readonly stateLeft: string;
}
