/**
 * An error as an AWS service answers it: the code that SDKs turn into a typed exception, the HTTP status, and the words.
 *
 * Statuses from 500 on are the receiver's fault (`Type` is `Receiver`), all others the sender's.
 */
export class AwsError extends Error {
  /**
   * @param code the error code as the service spells it, `NoSuchEntity` for example
   * @param status the HTTP status that carries it
   * @param message the words for people
   */
  constructor(
    readonly code: string,
    readonly status: number,
    message: string,
  ) {
    super(message);
    this.name = code;
  }

  /** Who is to blame, in the words of the Query protocol. */
  get fault(): 'Sender' | 'Receiver' {
    return this.status >= 500 ? 'Receiver' : 'Sender';
  }
}
