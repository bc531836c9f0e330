/**
 * An error as an AWS service returns it: the code that SDKs map to a typed exception, the HTTP status, and the message.
 */
export class AwsError extends Error {
  /**
   * @param code the error code as the service spells it, for example `NoSuchEntity`
   * @param status the HTTP status of the response
   * @param message the message for people
   */
  constructor(
    readonly code: string,
    readonly status: number,
    message: string,
  ) {
    super(message);
    this.name = code;
  }

  /**
   * Whose fault the error is, as the Query protocol's `Type`: `Receiver` for status 500 and above, otherwise `Sender`.
   */
  get fault(): 'Sender' | 'Receiver' {
    return this.status >= 500 ? 'Receiver' : 'Sender';
  }
}
