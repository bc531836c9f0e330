/** Why a command ends without a result: what failed, why, and what to do next. It quotes no text of AWS. */
export class Failure extends Error {
  override readonly name: string = 'Failure';
}

/** The arguments are wrong. */
export class UsageError extends Failure {
  override readonly name = 'UsageError';
}
