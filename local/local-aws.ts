import {
  CloudFormationApi,
  ResponseUrls,
  ResponseServer,
  Assets,
  CloudFormation,
  type DeletionOptions,
  deploy,
  providersOf,
  type ReceivedResponse,
  type StackDescription,
  type StackEvent,
} from './cloudformation';
import type { Clock } from './clock';
import { type CompletedCall, AwsServer, type Fault, type IncomingCall } from './http';
import { type Caller, Iam } from './iam';
import { type DeliveryPolicy, LambdaRunner, Processes } from './lambda';
import { type Credentials, roleSession, temporaryCredentials } from './lambda/credentials';
import { systemRandom } from './lambda/uuid';
import { SecretsManager } from './secrets-manager';

const ACCOUNT_ID = '123456789012';
const PARTITION = 'aws';

export interface LocalAwsOptions {
  readonly clock: Clock;
  /** Called for every stack event. */
  readonly onEvent?: (event: StackEvent) => void;
  /** Called for every HTTP call to a service. */
  readonly onCall?: (call: CompletedCall) => void;
  /** The fault to inject into such a call. @default none */
  readonly faultOf?: (call: IncomingCall) => Fault | undefined;
  /** How Lambda delivers events. @default each event once, without delay */
  readonly deliveries?: DeliveryPolicy;
}

/**
 * An AWS account with IAM, Secrets Manager, Lambda and CloudFormation on this machine. It deploys a synthesized cloud
 * assembly and runs the built function asset in a child process that calls it over HTTP.
 */
export class LocalAws {
  static readonly region = 'us-east-1';

  readonly iam: Iam;
  readonly secretsManager: SecretsManager;
  /** The endpoint of IAM, Secrets Manager and CloudFormation. */
  url = '';

  private readonly server: AwsServer;
  private readonly listener = new ResponseServer();
  private readonly assets = new Assets();
  private lambda?: LambdaRunner;
  private processes?: Processes;
  private responseUrls?: ResponseUrls;
  private cloudFormation?: CloudFormation;
  private readonly cloudFormationApis: CloudFormationApi[] = [];
  /** Sessions of roles that callers other than functions have assumed, by access key. */
  private readonly sessions = new Map<string, Caller>();

  private constructor(private readonly options: LocalAwsOptions) {
    const { clock, onCall, faultOf } = options;
    this.iam = new Iam({ clock, accountId: ACCOUNT_ID });
    this.secretsManager = new SecretsManager({
      clock,
      accountId: ACCOUNT_ID,
      region: LocalAws.region,
      authorize: (caller, request) => this.iam.denialReason(caller, request),
    });
    this.server = new AwsServer({
      iam: this.iam,
      secretsManagers: [this.secretsManager],
      cloudFormations: this.cloudFormationApis,
      clock,
      callerOf: (accessKeyId) => this.sessions.get(accessKeyId) ?? this.processes?.callerOf(accessKeyId),
      onCall: (call) => {
        onCall?.(call);
        this.processes?.recordCall(call.accessKeyId);
      },
      faultOf,
    });
  }

  static async start(options: LocalAwsOptions): Promise<LocalAws> {
    const aws = new LocalAws(options);
    await aws.listen();
    return aws;
  }

  /** Deploys a stack of a cloud assembly, like `cdk deploy`. */
  deploy(
    assembly: string,
    stackName: string,
    parameters?: Readonly<Record<string, string>>,
  ): Promise<StackDescription> {
    return deploy({ cloudFormation: this.cloudFormation!, assets: this.assets }, assembly, stackName, parameters);
  }

  destroy(stackName: string, options?: DeletionOptions): Promise<StackDescription> {
    return this.cloudFormation!.deleteStack(stackName, options);
  }

  /** Assumes a role that exists. Calls with these credentials may do what its policies allow. */
  assumeRole(roleName: string, sessionName = 'session'): Credentials {
    const { Role } = this.iam.call('GetRole', { RoleName: roleName });
    const credentials = temporaryCredentials(systemRandom);
    this.sessions.set(credentials.accessKeyId, roleSession((Role as { Arn: string }).Arn, sessionName));
    return credentials;
  }

  /** Everything that was uploaded to a response URL. */
  get responses(): readonly ReceivedResponse[] {
    return this.responseUrls!.received;
  }

  /** The log lines of all functions. */
  logs(): readonly string[] {
    return this.processes!.logs();
  }

  /** Resolves when no event is queued or running. */
  async idle(): Promise<void> {
    await this.lambda!.idle();
  }

  /** Stops every process and closes every port. */
  async close(): Promise<void> {
    await this.lambda?.close();
    await this.listener.close();
    await this.server.close();
  }

  private async listen(): Promise<void> {
    const { clock, onEvent, deliveries } = this.options;
    const region = LocalAws.region;
    const [{ url }, answersUrl] = await Promise.all([this.server.start(), this.listener.start()]);
    this.url = url;
    this.processes = new Processes({ clock, region, endpoints: { iam: url, secretsManager: url } });
    this.lambda = new LambdaRunner({ clock, environments: this.processes, deliveries });
    this.responseUrls = new ResponseUrls(clock, systemRandom, answersUrl);
    this.listener.serveFor(this.responseUrls);
    this.cloudFormation = new CloudFormation({
      clock,
      region,
      accountId: ACCOUNT_ID,
      partition: PARTITION,
      onEvent,
      templateAt: (templateUrl) => this.assets.templateAt(templateUrl),
      providerOf: providersOf({
        clock,
        random: systemRandom,
        region,
        accountId: ACCOUNT_ID,
        partition: PARTITION,
        responseUrls: this.responseUrls,
        iam: this.iam,
        secretsManager: this.secretsManager,
        lambda: this.lambda,
        codeDirectory: (s3Key) => this.assets.pathOf(s3Key),
      }),
    });
    this.cloudFormationApis.push(
      new CloudFormationApi({
        cloudFormation: this.cloudFormation,
        accountId: ACCOUNT_ID,
        partition: PARTITION,
        region,
        authorize: (caller, request) => this.iam.denialReason(caller, request),
      }),
    );
  }
}
