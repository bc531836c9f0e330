import { Action } from './ports';

/**
 * All that may be logged. The list is closed on purpose: an event holds a live response URL, inputs of calls hold
 * codes, outputs hold the seed, and the text of an error can quote any of them.
 */
export interface LogFields {
  readonly userName?: string;
  readonly serialNumber?: string;
  readonly requestType?: string;
  readonly action?: Action;
  readonly attempt?: number;
  readonly errorCode?: string;
  readonly ms?: number;
}

export type LogMessage = 'request received' | 'call failed' | 'request failed' | 'answering' | 'answer not delivered';

export interface Logger {
  log(message: LogMessage, fields: LogFields): void;
}

/** One JSON object a line. Fields are picked by name, so that nothing else slips through. */
export class LineLogger implements Logger {
  constructor(private readonly write: (line: string) => void) {}

  log(message: LogMessage, { userName, serialNumber, requestType, action, attempt, errorCode, ms }: LogFields): void {
    this.write(
      JSON.stringify({
        message,
        requestType,
        userName,
        serialNumber,
        action,
        attempt,
        errorCode,
        ms: ms === undefined ? undefined : Math.round(ms),
      }),
    );
  }
}
