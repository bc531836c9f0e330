/** A function as `AWS::Lambda::Function` configures it. */
export interface FunctionConfiguration {
  readonly functionName: string;
  readonly functionArn: string;
  /** The unpacked asset: the directory that the handler's file stands in. */
  readonly codeDirectory: string;
  /** `<file without extension>.<export>`. */
  readonly handler: string;
  readonly timeoutSeconds: number;
  readonly memorySizeMb: number;
  readonly roleArn: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly logGroupName: string;
}

/** How asynchronous invocations of a function are treated, as `AWS::Lambda::EventInvokeConfig` says it. */
export interface EventInvokeConfiguration {
  readonly maximumRetryAttempts: number;
  readonly maximumEventAgeSeconds: number;
}

/** What holds for a function without such a configuration. https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html */
export const DEFAULT_EVENT_INVOKE: EventInvokeConfiguration = {
  maximumRetryAttempts: 2,
  maximumEventAgeSeconds: 21_600,
};

/** How one attempt at an event ended. */
export type Ending =
  | { readonly kind: 'returned'; readonly value: unknown }
  /** The handler threw, or rejected. */
  | { readonly kind: 'threw'; readonly errorType: string; readonly message: string }
  /** The process went away under the handler. */
  | { readonly kind: 'died'; readonly reason: string }
  | { readonly kind: 'timedOut'; readonly afterSeconds: number }
  /** Never delivered: the queue gave the event up. */
  | { readonly kind: 'dropped'; readonly reason: string };

/** An event in the asynchronous queue. */
export interface Invocation {
  readonly requestId: string;
  /** Every attempt of every delivery, in the order in which they ended. Never rejects. */
  readonly ended: Promise<readonly Ending[]>;
}

/** One attempt, as the execution environment gets it. */
export interface Attempt {
  readonly requestId: string;
  readonly event: unknown;
  /** Milliseconds since the epoch at which the function's timeout strikes. */
  readonly deadline: number;
  /** The function dies when its n-th AWS call (counted from 1) has taken effect and before it hears of it. */
  readonly diesAtCall?: number;
}

/** Where functions run. */
export interface ExecutionEnvironments {
  run(configuration: FunctionConfiguration, attempt: Attempt): Promise<Ending>;
  /** Environments that stand ready for this function are outdated: its code or configuration changed, or it is gone. */
  retire(functionName: string): void;
  close(): Promise<void>;
}

/** The context that a handler gets, as far as asynchronous handlers use it. */
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
