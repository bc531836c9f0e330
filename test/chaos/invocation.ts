import type { CustomResourceEvent } from '../../lambda/protocol';
import type { FunctionLifetime } from '../../local/lambda';

/** The function at work on one delivery of a request. */
export interface Invocation {
  readonly event: CustomResourceEvent;
  readonly life: FunctionLifetime;
  startedAt: number;
  respondedAt?: number;
  over: boolean;
  hasSucceeded: boolean;
  /** Whether CloudFormation still waited for its response. */
  isHeard: boolean;
  /** When this invocation last changed something in AWS. */
  changedAt?: number;
  /** Whether this invocation has enabled the device. */
  hasEnabled?: boolean;
  /** The tags of the device as this invocation last read them. */
  lastRead?: Readonly<Record<string, string>>;
}
