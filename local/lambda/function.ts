/** A function as `AWS::Lambda::Function` configures it. */
export interface FunctionConfiguration {
  readonly functionName: string;
  readonly functionArn: string;
  /** The unpacked asset: the directory of the handler's file. */
  readonly codeDirectory: string;
  /** `<file without extension>.<export>`. */
  readonly handler: string;
  readonly timeoutSeconds: number;
  readonly memorySizeMb: number;
  readonly roleArn: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly logGroupName: string;
}

/** The retry settings of asynchronous invocations, as in `AWS::Lambda::EventInvokeConfig`. */
export interface EventInvokeConfiguration {
  readonly maximumRetryAttempts: number;
  readonly maximumEventAgeSeconds: number;
}

/**
 * The retry settings of a function without such a configuration.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html
 */
export const DEFAULT_EVENT_INVOKE: EventInvokeConfiguration = {
  maximumRetryAttempts: 2,
  maximumEventAgeSeconds: 21_600,
};

/** How one attempt to process an event ended. */
export type AttemptResult =
  | { readonly kind: 'returned'; readonly value: unknown }
  /** The handler threw an error, or its promise was rejected. */
  | { readonly kind: 'threw'; readonly errorType: string; readonly message: string }
  /** The process ended before the handler did. */
  | { readonly kind: 'died'; readonly reason: string }
  | { readonly kind: 'timedOut'; readonly afterSeconds: number }
  /** Not delivered, because the queue discarded the event. */
  | { readonly kind: 'dropped'; readonly reason: string };

/** An event in the asynchronous queue. */
export interface Invocation {
  readonly requestId: string;
  /** How every attempt of every delivery ended, in the order of the ends. Never rejects. */
  readonly results: Promise<readonly AttemptResult[]>;
}

/** One attempt to process an event. */
export interface Attempt {
  readonly requestId: string;
  readonly event: unknown;
  /** The time of the function's timeout, in milliseconds since the epoch. */
  readonly deadline: number;
  /** Kills the function when its n-th AWS call (from 1) has taken effect but its response has not arrived. */
  readonly killAtCall?: number;
}

/** The processes, or their simulation, that functions run in. */
export interface ExecutionEnvironments {
  run(configuration: FunctionConfiguration, attempt: Attempt): Promise<AttemptResult>;
  /** Stops using existing environments of this function, because it changed or was deleted. */
  retire(functionName: string): void;
  close(): Promise<void>;
}

/** The context argument of a handler, as far as asynchronous handlers use it. */
export interface FunctionContext {
  readonly functionName: string;
  readonly functionVersion: string;
  readonly invokedFunctionArn: string;
  readonly memoryLimitInMB: string;
  readonly awsRequestId: string;
  readonly logGroupName: string;
  readonly logStreamName: string;
  callbackWaitsForEmptyEventLoop: boolean;
  getRemainingTimeInMillis(): number;
}
