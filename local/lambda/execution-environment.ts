import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { systemClock, type Clock } from '../clock';
import { deadline } from './deadline';
import type { Attempt, AttemptResult, FunctionConfiguration } from './function';
import { Output } from './output';

const RUNTIME = join(__dirname, 'child', 'runtime.js');
const TEST_CLOCK = join(__dirname, 'child', 'test-clock.js');

/** The messages that the child process sends. */
type FromChild =
  | { readonly type: 'ready' }
  | { readonly type: 'ended'; readonly ending: AttemptResult }
  | { readonly type: 'sleep'; readonly sleep: number; readonly ms: number };

/** A process that runs one function, one event at a time, and stays warm for the next event. */
export class ExecutionEnvironment {
  private readonly child: ChildProcess;
  private readonly outputs: readonly Output[];
  private readonly ready: Promise<void>;
  /** How the process ended, as a message. */
  private readonly gone: Promise<string>;
  private calls = 0;
  private current?: { readonly attempt: Attempt; readonly end: (ending: AttemptResult) => void };
  /** The function changed or was deleted: the environment accepts no further event. */
  retired = false;

  /**
   * @param variables the complete environment of the process
   * @param onLine called with each line of output
   */
  constructor(
    private readonly configuration: FunctionConfiguration,
    private readonly clock: Clock,
    private readonly logStreamName: string,
    variables: NodeJS.ProcessEnv,
    onLine: (line: string) => void,
  ) {
    this.child = fork(RUNTIME, {
      cwd: configuration.codeDirectory,
      env: variables,
      execArgv: clock === systemClock ? [] : ['--require', TEST_CLOCK],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.outputs = [this.child.stdout, this.child.stderr].map((stream) => new Output(stream as Readable, onLine));
    this.gone = new Promise((resolve) => {
      this.child.once('error', ({ message }) => resolve(message));
      this.child.once('close', (code, signal) => resolve(signal === null ? `exit status ${code}` : `signal ${signal}`));
    });
    this.ready = new Promise((resolve) => {
      this.child.on('message', (message: FromChild) => this.onMessage(message, resolve));
    });
  }

  /** Whether it can accept an event. */
  get idle(): boolean {
    return this.current === undefined && !this.retired && this.child.exitCode === null && this.child.connected;
  }

  /** Runs one attempt. */
  async run(attempt: Attempt): Promise<AttemptResult> {
    this.calls = 0;
    const ended = new Promise<AttemptResult>((resolve) => {
      this.current = { attempt, end: resolve };
    });
    const watch = deadline(this.clock, attempt.deadline);
    void watch.reached.then(() => this.timeOut());
    const died = this.gone.then((how): AttemptResult => ({ kind: 'died', reason: `Runtime exited: ${how}` }));
    void Promise.race([this.ready, this.gone]).then(() => this.send(attempt));
    const ending = await Promise.race([ended, died]);
    watch.cancel();
    if (ending.kind === 'returned' || ending.kind === 'threw') {
      await Promise.all(this.outputs.map((output) => output.endOf(attempt.requestId)));
    } else {
      await this.gone;
    }
    this.current = undefined;
    return ending;
  }

  /** Reports that an AWS call of this environment has taken effect. */
  recordCall(): void {
    this.calls += 1;
    if (this.current === undefined || this.calls !== this.current.attempt.killAtCall) {
      return;
    }
    this.current.end({ kind: 'died', reason: `killed at AWS call ${this.calls}` });
    this.child.kill('SIGKILL');
  }

  /** Kills the process, and resolves when it has ended. */
  async close(): Promise<void> {
    this.retired = true;
    this.child.kill('SIGKILL');
    await this.gone;
  }

  private send({ requestId, event, deadline }: Attempt): void {
    const { functionName, functionArn, memorySizeMb, logGroupName } = this.configuration;
    if (!this.child.connected) {
      return;
    }
    this.child.send({
      type: 'invoke',
      requestId,
      event,
      deadline,
      now: this.clock.now(),
      context: {
        functionName,
        functionVersion: '$LATEST',
        invokedFunctionArn: functionArn,
        memoryLimitInMB: String(memorySizeMb),
        awsRequestId: requestId,
        logGroupName,
        logStreamName: this.logStreamName,
        callbackWaitsForEmptyEventLoop: true,
      },
    });
  }

  private onMessage(message: FromChild, ready: () => void): void {
    switch (message.type) {
      case 'ready':
        return ready();
      case 'ended':
        return this.current?.end(message.ending);
      case 'sleep':
        void this.sleep(message.sleep, message.ms);
    }
  }

  /** Sleeps on the parent's clock for the child. A sleep beyond the function's timeout ends in the timeout. */
  private async sleep(sleep: number, ms: number): Promise<void> {
    const deadline = this.current?.attempt.deadline ?? Infinity;
    await this.clock.sleep(Math.min(ms, Math.max(0, deadline - this.clock.now())));
    if (this.clock.now() >= deadline) {
      return this.timeOut();
    }
    if (this.child.connected) {
      this.child.send({ type: 'awake', sleep, now: this.clock.now() });
    }
  }

  private timeOut(): void {
    this.current?.end({ kind: 'timedOut', afterSeconds: this.configuration.timeoutSeconds });
    this.child.kill('SIGKILL');
  }
}
