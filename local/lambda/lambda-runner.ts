import { AwsError } from '../aws-error';
import type { Clock } from '../clock';
import { deliverOnce, type Delivery, type DeliveryPolicy } from './deliveries';
import {
  DEFAULT_EVENT_INVOKE,
  type AttemptResult,
  type EventInvokeConfiguration,
  type ExecutionEnvironments,
  type FunctionConfiguration,
  type Invocation,
} from './function';
import { throttledDelayMs } from './throttled-events';
import { systemRandom, uuid, type Random } from './uuid';

/**
 * How long the queue waits before it retries a failed event.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 */
const RETRY_DELAYS_MS = [60_000, 120_000];

/** Options of {@link LambdaRunner}. */
export interface LambdaRunnerOptions {
  readonly clock: Clock;
  /** Where functions run: in child processes, or in this process. */
  readonly environments: ExecutionEnvironments;
  /** The number of events that run at once, over all functions. Further events are throttled. @default unlimited */
  readonly concurrency?: number;
  /** How events are delivered. @default each event once, without delay */
  readonly deliveries?: DeliveryPolicy;
  /** Source of request ids and of the jitter of throttled events. @default node:crypto */
  readonly random?: Random;
}

/** Lambda as CloudFormation uses it: functions, and the queue of asynchronous invocations. */
export class LambdaRunner {
  private readonly functions = new Map<string, FunctionConfiguration>();
  private readonly eventInvoke = new Map<string, EventInvokeConfiguration>();
  private readonly outstanding = new Set<Promise<unknown>>();
  private readonly clock: Clock;
  private readonly environments: ExecutionEnvironments;
  private readonly concurrency: number;
  private readonly deliveries: DeliveryPolicy;
  private readonly random: Random;
  private running = 0;

  constructor(options: LambdaRunnerOptions) {
    this.clock = options.clock;
    this.environments = options.environments;
    this.concurrency = options.concurrency ?? Infinity;
    this.deliveries = options.deliveries ?? deliverOnce;
    this.random = options.random ?? systemRandom;
  }

  /**
   * Creates a function.
   *
   * @throws AwsError `ResourceConflictException` if a function of that name exists
   */
  createFunction(configuration: FunctionConfiguration): void {
    const { functionName } = configuration;
    if (this.functions.has(functionName)) {
      throw new AwsError('ResourceConflictException', 409, `Function already exist: ${functionName}`);
    }
    this.functions.set(functionName, configuration);
  }

  /** Changes a function's code or configuration. Running events are not affected. */
  updateFunction(configuration: FunctionConfiguration): void {
    this.functionNamed(configuration.functionName);
    this.functions.set(configuration.functionName, configuration);
    this.environments.retire(configuration.functionName);
  }

  /** Deletes a function, if it exists. Running events are not affected. */
  deleteFunction(functionName: string): void {
    this.functions.delete(functionName);
    this.eventInvoke.delete(functionName);
    this.environments.retire(functionName);
  }

  /** Sets the retry settings of a function's asynchronous invocations. */
  putEventInvokeConfig(functionName: string, configuration: EventInvokeConfiguration): void {
    this.functionNamed(functionName);
    this.eventInvoke.set(functionName, configuration);
  }

  /** Resets the retry settings to the defaults. */
  deleteEventInvokeConfig(functionName: string): void {
    this.eventInvoke.delete(functionName);
  }

  /**
   * Adds an event to the function's queue.
   *
   * @param functionArn the function's ARN or its name
   * @throws AwsError `ResourceNotFoundException` if the function doesn't exist
   */
  invoke(functionArn: string, event: unknown): Invocation {
    const { functionName } = this.functionNamed(functionArn);
    const requestId = uuid(this.random);
    const results = this.deliverAll(functionName, requestId, event);
    this.outstanding.add(results);
    void results.then(() => this.outstanding.delete(results));
    return { requestId, results };
  }

  /** Resolves when no event is queued or running. */
  async idle(): Promise<void> {
    while (this.outstanding.size > 0) {
      await Promise.all(this.outstanding);
    }
  }

  /** Stops every execution environment, including those that run an event. */
  async close(): Promise<void> {
    await this.environments.close();
  }

  /**
   * The configuration of a function, by its ARN or its name.
   *
   * @throws AwsError `ResourceNotFoundException` if the function doesn't exist
   */
  functionNamed(functionArn: string): FunctionConfiguration {
    const functionName = functionArn.slice(functionArn.lastIndexOf(':') + 1);
    const configuration = this.functions.get(functionName);
    if (configuration === undefined) {
      throw new AwsError('ResourceNotFoundException', 404, `Function not found: ${functionArn}`);
    }
    return configuration;
  }

  private async deliverAll(functionName: string, requestId: string, event: unknown): Promise<readonly AttemptResult[]> {
    const endings: AttemptResult[] = [];
    const queuedAt = this.clock.now();
    await Promise.all(
      this.deliveries(event).map((delivery) =>
        this.deliver(functionName, requestId, event, queuedAt, delivery, endings),
      ),
    );
    return endings;
  }

  /** Runs the attempts of one delivery until one succeeds or the queue discards the event. */
  private async deliver(
    functionName: string,
    requestId: string,
    event: unknown,
    queuedAt: number,
    delivery: Delivery,
    endings: AttemptResult[],
  ): Promise<void> {
    if (delivery.delayMs > 0) {
      await this.clock.sleep(delivery.delayMs);
    }
    for (let attempt = 0; ; attempt++) {
      const ending = await this.attempt(functionName, requestId, event, queuedAt, attempt === 0 ? delivery : undefined);
      endings.push(ending);
      const { maximumRetryAttempts } = this.eventInvoke.get(functionName) ?? DEFAULT_EVENT_INVOKE;
      const retryDelay = RETRY_DELAYS_MS[attempt];
      if (ending.kind === 'returned' || ending.kind === 'dropped') {
        return;
      }
      if (attempt >= maximumRetryAttempts || retryDelay === undefined) {
        return;
      }
      await this.clock.sleep(retryDelay);
    }
  }

  private async attempt(
    functionName: string,
    requestId: string,
    event: unknown,
    queuedAt: number,
    delivery: Delivery | undefined,
  ): Promise<AttemptResult> {
    for (let throttled = 1; ; throttled++) {
      const configuration = this.functions.get(functionName);
      if (configuration === undefined) {
        return { kind: 'dropped', reason: `function ${functionName} was deleted` };
      }
      const { maximumEventAgeSeconds } = this.eventInvoke.get(functionName) ?? DEFAULT_EVENT_INVOKE;
      if (this.clock.now() - queuedAt > maximumEventAgeSeconds * 1000) {
        return { kind: 'dropped', reason: `event is older than ${maximumEventAgeSeconds} seconds` };
      }
      if (delivery?.kill === 'before') {
        return { kind: 'died', reason: 'killed before the handler ran' };
      }
      if (this.running < this.concurrency) {
        return this.run(configuration, requestId, event, delivery?.kill?.atCall);
      }
      await this.clock.sleep(throttledDelayMs(throttled, this.random));
    }
  }

  private async run(
    configuration: FunctionConfiguration,
    requestId: string,
    event: unknown,
    killAtCall: number | undefined,
  ): Promise<AttemptResult> {
    this.running += 1;
    try {
      return await this.environments.run(configuration, {
        requestId,
        event,
        deadline: this.clock.now() + configuration.timeoutSeconds * 1000,
        killAtCall,
      });
    } finally {
      this.running -= 1;
    }
  }
}
