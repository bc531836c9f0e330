import { type Surroundings } from '../lib/checks';
import { type Attempts } from './aws/attempts';
import { type Clock, type Iam, type SeedStore } from './aws/ports';
import { type RequestType } from './aws/reactions';
import { type Subject } from './failure';
import { type LogFields, type Logger } from './logger';
import { type Declaration } from './declaration';
import { type Occasion } from './occasion';

/** Of what CloudFormation sends, what says which resource it is about. */
export interface Request {
  readonly RequestType: RequestType;
  readonly StackId: string;
  readonly LogicalResourceId: string;
  readonly ResourceType: string;
  readonly ResourceProperties: Readonly<Record<string, unknown>>;
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

/** A custom resource as one request describes it. What it is comes from its properties, never from a physical id. */
export interface Resource {
  /** What it is, as its physical id begins. */
  readonly parts: readonly string[];
  readonly declaration: Declaration;
  /** What is wrong with its properties; absent: nothing. */
  readonly problem: string | undefined;
  /** What `Fn::GetAtt` finds. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly subject: Subject;
  readonly logFields: LogFields;
  work(occasion: Occasion, ports: Ports, attempts: Attempts): Work;
}

/** What the requests mean for a resource. */
export interface Work {
  create(): Promise<void>;
  /** @param old the properties before, as CloudFormation sent them */
  update(old: Readonly<Record<string, unknown>>): Promise<void>;
  delete(): Promise<void>;
  /** The state that a failure leaves, for its reason. */
  readonly stateLeft: string;
  /** Whether the device of a Delete that failed no longer exists. Absent: not known. */
  readonly isDeviceGone?: boolean;
}
