import { AwsError } from '../aws-error';
import type { Clock } from '../clock';
import { onceAtOnce, type Delivery, type DeliveryPolicy } from './deliveries';
import {
  DEFAULT_EVENT_INVOKE,
  type Ending,
  type EventInvokeConfiguration,
  type ExecutionEnvironments,
  type FunctionConfiguration,
  type Invocation,
} from './function';
import { throttledDelayMs } from './throttled-events';
import { systemRandom, uuid, type Random } from './uuid';

/** How long the queue waits before it tries a failed event again. https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html */
const RETRY_DELAYS_MS = [60_000, 120_000];

/** What a {@link LambdaRunner} is made of. */
export interface LambdaRunnerOptions {
  readonly clock: Clock;
  /** Where the functions run: processes of their own, or this process. */
  readonly environments: ExecutionEnvironments;
  /** How many events run at once, of all functions; what comes beyond is throttled. Default: any number. */
  readonly concurrency?: number;
  /** How events are delivered. Default: once and at once. */
  readonly deliveries?: DeliveryPolicy;
  /** Source of request ids, and of what spreads throttled events. Default: the machine's. */
  readonly random?: Random;
}

/** Lambda as CloudFormation uses it: functions, and the queue that invokes them asynchronously. */
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
    this.deliveries = options.deliveries ?? onceAtOnce;
    this.random = options.random ?? systemRandom;
  }

  /**
   * Creates a function.
   *
   * @throws AwsError `ResourceConflictException` when there is one of that name
   */
  createFunction(configuration: FunctionConfiguration): void {
    const { functionName } = configuration;
    if (this.functions.has(functionName)) {
      throw new AwsError('ResourceConflictException', 409, `Function already exist: ${functionName}`);
    }
    this.functions.set(functionName, configuration);
  }

  /** Changes a function's code or configuration; what runs already goes on as it was. */
  updateFunction(configuration: FunctionConfiguration): void {
    this.functionNamed(configuration.functionName);
    this.functions.set(configuration.functionName, configuration);
    this.environments.retire(configuration.functionName);
  }

  /** Deletes a function; a missing one is as good as deleted. What runs already goes on. */
  deleteFunction(functionName: string): void {
    this.functions.delete(functionName);
    this.eventInvoke.delete(functionName);
    this.environments.retire(functionName);
  }

  /** Sets how asynchronous invocations of a function are treated. */
  putEventInvokeConfig(functionName: string, configuration: EventInvokeConfiguration): void {
    this.functionNamed(functionName);
    this.eventInvoke.set(functionName, configuration);
  }

  /** Back to the defaults. */
  deleteEventInvokeConfig(functionName: string): void {
    this.eventInvoke.delete(functionName);
  }

  /**
   * Puts an event into the function's queue.
   *
   * @param functionArn the function's ARN or its name
   * @throws AwsError `ResourceNotFoundException` when there is no such function
   */
  invoke(functionArn: string, event: unknown): Invocation {
    const { functionName } = this.functionNamed(functionArn);
    const requestId = uuid(this.random);
    const ended = this.deliverAll(functionName, requestId, event);
    this.outstanding.add(ended);
    void ended.then(() => this.outstanding.delete(ended));
    return { requestId, ended };
  }

  /** Resolves when no event is waiting or running any more. */
  async idle(): Promise<void> {
    while (this.outstanding.size > 0) {
      await Promise.all(this.outstanding);
    }
  }

  /** Ends every execution environment, the running ones included. */
  async close(): Promise<void> {
    await this.environments.close();
  }

  /**
   * The configuration of a function, by its ARN or its name.
   *
   * @throws AwsError `ResourceNotFoundException` when there is no such function
   */
  functionNamed(functionArn: string): FunctionConfiguration {
    const functionName = functionArn.slice(functionArn.lastIndexOf(':') + 1);
    const configuration = this.functions.get(functionName);
    if (configuration === undefined) {
      throw new AwsError('ResourceNotFoundException', 404, `Function not found: ${functionArn}`);
    }
    return configuration;
  }

  private async deliverAll(functionName: string, requestId: string, event: unknown): Promise<readonly Ending[]> {
    const endings: Ending[] = [];
    const queuedAt = this.clock.now();
    await Promise.all(
      this.deliveries(event).map((delivery) =>
        this.deliver(functionName, requestId, event, queuedAt, delivery, endings),
      ),
    );
    return endings;
  }

  /** One delivery and the attempts that follow from it, until one ends well or the queue gives the event up. */
  private async deliver(
    functionName: string,
    requestId: string,
    event: unknown,
    queuedAt: number,
    delivery: Delivery,
    endings: Ending[],
  ): Promise<void> {
    if (delivery.delayMs > 0) {
      await this.clock.sleep(delivery.delayMs);
    }
    for (let attempt = 0; ; attempt++) {
      const ending = await this.attempt(functionName, requestId, event, queuedAt, attempt === 0 ? delivery : undefined);
      endings.push(ending);
      const { maximumRetryAttempts } = this.eventInvoke.get(functionName) ?? DEFAULT_EVENT_INVOKE;
      const wait = RETRY_DELAYS_MS[attempt];
      if (ending.kind === 'returned' || ending.kind === 'dropped') {
        return;
      }
      if (attempt >= maximumRetryAttempts || wait === undefined) {
        return;
      }
      await this.clock.sleep(wait);
    }
  }

  private async attempt(
    functionName: string,
    requestId: string,
    event: unknown,
    queuedAt: number,
    delivery: Delivery | undefined,
  ): Promise<Ending> {
    for (let throttled = 1; ; throttled++) {
      const configuration = this.functions.get(functionName);
      if (configuration === undefined) {
        return { kind: 'dropped', reason: `function ${functionName} is deleted` };
      }
      const { maximumEventAgeSeconds } = this.eventInvoke.get(functionName) ?? DEFAULT_EVENT_INVOKE;
      if (this.clock.now() - queuedAt > maximumEventAgeSeconds * 1000) {
        return { kind: 'dropped', reason: `event is older than ${maximumEventAgeSeconds} seconds` };
      }
      if (delivery?.dies === 'before') {
        return { kind: 'died', reason: 'killed before the handler ran' };
      }
      if (this.running < this.concurrency) {
        return this.run(configuration, requestId, event, delivery?.dies?.atCall);
      }
      await this.clock.sleep(throttledDelayMs(throttled, this.random));
    }
  }

  private async run(
    configuration: FunctionConfiguration,
    requestId: string,
    event: unknown,
    diesAtCall: number | undefined,
  ): Promise<Ending> {
    this.running += 1;
    try {
      return await this.environments.run(configuration, {
        requestId,
        event,
        deadline: this.clock.now() + configuration.timeoutSeconds * 1000,
        diesAtCall,
      });
    } finally {
      this.running -= 1;
    }
  }
}
