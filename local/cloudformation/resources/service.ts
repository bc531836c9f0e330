import { AwsError } from '../../aws-error';

/** An AWS service, called in the shape of its API. */
export interface Service {
  /** @throws AwsError */
  call(action: string, input: Record<string, unknown>): unknown;
}

/** Calls what is as good as done when the service answers with one of these errors. */
export async function unless(codes: readonly string[], call: () => unknown): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (!(error instanceof AwsError) || !codes.includes(error.code)) {
      throw error;
    }
  }
}
