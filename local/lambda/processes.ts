import type { Clock } from '../clock';
import { roleSession, temporaryCredentials, type Credentials, type RoleSession } from './credentials';
import { ExecutionEnvironment } from './execution-environment';
import type { Attempt, AttemptResult, ExecutionEnvironments, FunctionConfiguration } from './function';
import { systemRandom, type Random } from './uuid';

/** The search path of Lambda's own runtimes. */
const LAMBDA_PATH = '/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin';

/** Options of {@link Processes}. */
export interface ProcessesOptions {
  readonly clock: Clock;
  readonly region: string;
  /** The endpoints of the function's SDK clients. */
  readonly endpoints: { readonly iam: string; readonly secretsManager: string };
  /** Source of credentials. @default node:crypto */
  readonly random?: Random;
}

/**
 * Runs functions in child processes, one per concurrent event, which stay warm for the next event. A process sees the
 * environment variables that functions see in Lambda, and none of this process.
 */
export class Processes implements ExecutionEnvironments {
  private readonly environments = new Map<string, Set<ExecutionEnvironment>>();
  private readonly sessions = new Map<string, { session: RoleSession; environment: ExecutionEnvironment }>();
  private readonly lines = new Map<string, string[]>();
  private readonly random: Random;
  private closed = false;

  constructor(private readonly options: ProcessesOptions) {
    this.random = options.random ?? systemRandom;
  }

  async run(configuration: FunctionConfiguration, attempt: Attempt): Promise<AttemptResult> {
    if (this.closed) {
      return { kind: 'died', reason: 'the execution environments are closed' };
    }
    const all = this.of(configuration.functionName);
    const environment = [...all].find(({ idle }) => idle) ?? this.start(configuration);
    const ending = await environment.run(attempt);
    if (!environment.idle) {
      all.delete(environment);
      await environment.close();
    }
    return ending;
  }

  retire(functionName: string): void {
    const all = this.of(functionName);
    for (const environment of all) {
      const { idle } = environment;
      environment.retired = true;
      if (idle) {
        void environment.close().then(() => all.delete(environment));
      }
    }
  }

  /** Stops every process. Later events start no new process. */
  async close(): Promise<void> {
    this.closed = true;
    const all = [...this.environments.values()].flatMap((environments) => [...environments]);
    await Promise.all(all.map((environment) => environment.close()));
  }

  /** The log lines of a function, or of all functions. */
  logs(functionName?: string): readonly string[] {
    return functionName === undefined ? [...this.lines.values()].flat() : (this.lines.get(functionName) ?? []);
  }

  /** The caller behind an access key, or `undefined` if no environment has that key. */
  callerOf(accessKeyId: string): RoleSession | undefined {
    return this.sessions.get(accessKeyId)?.session;
  }

  /**
   * Reports that a call signed with this access key has taken effect and has not been answered. A delivery may kill the
   * function at this call.
   */
  recordCall(accessKeyId: string): void {
    this.sessions.get(accessKeyId)?.environment.recordCall();
  }

  private of(functionName: string): Set<ExecutionEnvironment> {
    const existing = this.environments.get(functionName);
    if (existing !== undefined) {
      return existing;
    }
    const created = new Set<ExecutionEnvironment>();
    this.environments.set(functionName, created);
    return created;
  }

  private start(configuration: FunctionConfiguration): ExecutionEnvironment {
    const { functionName, roleArn } = configuration;
    const credentials = temporaryCredentials(this.random);
    const lines = this.lines.get(functionName) ?? [];
    this.lines.set(functionName, lines);
    const environment = new ExecutionEnvironment(
      configuration,
      this.options.clock,
      `[$LATEST]${this.random(16).toString('hex')}`,
      this.variablesOf(configuration, credentials),
      (line) => lines.push(line),
    );
    this.of(functionName).add(environment);
    this.sessions.set(credentials.accessKeyId, { session: roleSession(roleArn, functionName), environment });
    return environment;
  }

  /** @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime */
  private variablesOf(configuration: FunctionConfiguration, credentials: Credentials): NodeJS.ProcessEnv {
    const { region, endpoints } = this.options;
    return {
      ...configuration.variables,
      PATH: LAMBDA_PATH,
      _HANDLER: configuration.handler,
      LAMBDA_TASK_ROOT: configuration.codeDirectory,
      AWS_REGION: region,
      AWS_DEFAULT_REGION: region,
      AWS_LAMBDA_FUNCTION_NAME: configuration.functionName,
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(configuration.memorySizeMb),
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_SESSION_TOKEN: credentials.sessionToken,
      // The function then accepts response URLs on this machine.
      CDK_MFA_ENROLLMENT_LOCAL: 'true',
      AWS_ENDPOINT_URL_IAM: endpoints.iam,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoints.secretsManager,
    };
  }
}
