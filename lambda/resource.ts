import { type Attempts } from './aws/attempts';
import { type Subject } from './failure';
import { type LogFields, type Logger } from './logger';
import { type Clock, type Iam, type SeedStore } from './aws/ports';

/** Where a resource is declared. */
export interface Declaration {
  readonly logicalId: string;
  readonly stackName: string;
  readonly stackUuid: string;
  readonly region: string;
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
