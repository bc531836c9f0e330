import { AwsError } from '../../aws-error';

/** An AWS service with calls in the shape of its API. */
export interface Service {
  /** @throws AwsError */
  call(action: string, input: Record<string, unknown>): unknown;
}

/** Makes a call, and ignores errors with these codes. */
export async function ignoringErrors(codes: readonly string[], call: () => unknown): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (!(error instanceof AwsError) || !codes.includes(error.code)) {
      throw error;
    }
  }
}
