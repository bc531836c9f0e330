import { type Action } from './aws/ports';

/**
 * All that may be logged. The list is closed on purpose: an event holds a live response URL, inputs of calls hold
 * codes, outputs hold the seed, and the text of an error can quote any of them.
 */
export interface LogFields {
  /** The id by which CloudFormation's own messages refer to a request. */
  readonly requestId?: string;
  readonly requestType?: string;
  readonly logicalId?: string;
  readonly userName?: string;
  readonly serialNumber?: string;
  readonly action?: Action;
  readonly attempt?: number;
  readonly errorCode?: string;
  readonly status?: 'SUCCESS' | 'FAILED';
  readonly ms?: number;
}

export type LogMessage =
  | 'request received'
  | 'no response is possible, nothing was done'
  | 'no claim of this resource, nothing to undo'
  | 'others rely on the device, it stays enabled'
  | 'others declare the device, it stays'
  | 'the device was retained before, it stays enabled'
  | 'the device was retained before, it stays'
  | 'the device does not exist'
  | 'the device could not be marked'
  | 'overtaken by a later request'
  | 'what this request did could not be undone'
  | 'the claim could not be restored'
  | 'the claim could not be withdrawn'
  | 'device enabled'
  | 'seed verified'
  | 'device deactivated'
  | 'device created'
  | 'seed stored'
  | 'device deleted'
  | 'secret deleted'
  | 'the secret does not hold the seed of this device, it stays'
  | 'the secret of the device is gone'
  | 'waiting for another delivery to store the seed'
  | 'the device stays without its seed'
  | 'call failed'
  | 'request failed'
  | 'responding'
  | 'response not delivered';

export interface Logger {
  log(message: LogMessage, fields?: LogFields): void;
}

/** One JSON object a line. Fields are picked by name, so that nothing else slips through. */
export class LineLogger implements Logger {
  constructor(private readonly write: (line: string) => void) {}

  log(message: LogMessage, fields: LogFields = {}): void {
    const { requestId, requestType, logicalId, userName, serialNumber, action, attempt, errorCode, status, ms } =
      fields;
    this.write(
      JSON.stringify({
        message,
        requestId,
        requestType,
        logicalId,
        userName,
        serialNumber,
        action,
        attempt,
        errorCode,
        status,
        ms: ms === undefined ? undefined : Math.round(ms),
      }),
    );
  }
}

/** A logger whose every line carries these fields, so that lines of requests that run side by side can be told apart. */
export function bound(logger: Logger, always: LogFields): Logger {
  return { log: (message, fields) => logger.log(message, { ...always, ...fields }) };
}
