import { errorCodeIn } from '../../inspection/aws';
import { type Clock } from '../environment';
import { noCredentials } from './explanation';
import { AwsFailure } from './ports';

type Credentials = () => Promise<{ readonly accessKeyId: string; readonly secretAccessKey: string }>;

/** The parts of an SDK client that this file uses. */
interface Client {
  readonly config: { readonly credentials: Credentials };
  readonly middlewareStack: {
    add(
      middleware: (
        next: (args: never) => Promise<{ response: unknown }>,
      ) => (args: never) => Promise<{ response: unknown }>,
      options: { step: 'deserialize'; priority: 'low'; name: string },
    ): void;
  };
}

/** What the clients share: credentials, which are loaded once, and AWS's time. */
export class Connection {
  /** Those of the first client. */
  credentials?: Credentials;
  private date?: { readonly epochMs: number; readonly readAt: number };

  constructor(private readonly clock: Clock) {}

  /** AWS's clock decides about codes. That of the machine can be wrong. */
  time(): number {
    if (this.date === undefined) {
      throw new Error('AWS has not responded yet');
    }
    return this.date.epochMs + this.clock.now() - this.date.readAt;
  }

  /** Reads AWS's time from every response of a client. */
  join(client: Client): void {
    this.credentials ??= client.config.credentials;
    client.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        this.readDate(result.response);
        return result;
      },
      { step: 'deserialize', priority: 'low', name: 'readDate' },
    );
  }

  /** Before any call, so that a refusal of STS or of single sign-on is not taken for one of the call. */
  async signIn(): Promise<void> {
    await this.credentials?.().catch(() => {
      throw noCredentials();
    });
  }

  /** Sends a call, and turns whatever the SDK throws into an `AwsFailure` that keeps nothing but the code. */
  async send<T>(action: string, call: () => Promise<T>): Promise<T> {
    await this.signIn();
    try {
      return await call();
    } catch (error) {
      throw failureOf(action, error);
    }
  }

  private readDate(response: unknown): void {
    const { headers } = response as { headers?: Record<string, string> };
    const epochMs = Date.parse(headers?.['date'] ?? '');
    if (!Number.isNaN(epochMs)) {
      this.date = { epochMs, readAt: this.clock.now() };
    }
  }
}

/** An error of AWS has a fault and a status. Anything else broke on the way, or before anything was sent. */
function failureOf(action: string, error: unknown): AwsFailure {
  const {
    name = '',
    $fault,
    $metadata,
  } = error as {
    name?: string;
    $fault?: string;
    $metadata?: { httpStatusCode?: number };
  };
  const code = $fault === undefined ? undefined : errorCodeIn(name);
  return new AwsFailure(action, code, code === undefined ? undefined : $metadata?.httpStatusCode);
}
