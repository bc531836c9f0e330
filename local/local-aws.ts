import {
  AnswerDesk,
  AnswerListener,
  Assets,
  CloudFormation,
  deploy,
  providersOf,
  type ReceivedAnswer,
  type StackDescription,
  type StackEvent,
} from './cloudformation';
import type { Clock } from './clock';
import { type AnsweredCall, AwsServer, type Fault, type IncomingCall } from './http';
import { Iam } from './iam';
import { type DeliveryPolicy, LambdaRunner, Processes } from './lambda';
import { systemRandom } from './lambda/uuid';
import { SecretsManager } from './secrets-manager';

const ACCOUNT_ID = '123456789012';
const PARTITION = 'aws';

export interface LocalAwsOptions {
  readonly clock: Clock;
  /** Told of every stack event. */
  readonly onEvent?: (event: StackEvent) => void;
  /** Told of every call to IAM and Secrets Manager that came over HTTP. */
  readonly onCall?: (call: AnsweredCall) => void;
  /** What goes wrong with such a call. */
  readonly faultOf?: (call: IncomingCall) => Fault | undefined;
  /** How Lambda delivers events. @default once and at once */
  readonly deliveries?: DeliveryPolicy;
}

/**
 * An account with IAM, Secrets Manager, Lambda and CloudFormation on this machine. What it deploys is a synthesized
 * cloud assembly; what it runs is the built asset, in a process of its own that speaks to it over HTTP.
 */
export class LocalAws {
  static readonly region = 'us-east-1';

  readonly iam: Iam;
  readonly secretsManager: SecretsManager;
  /** Where clients find IAM and Secrets Manager. */
  url = '';

  private readonly server: AwsServer;
  private readonly listener = new AnswerListener();
  private readonly assets = new Assets();
  private lambda?: LambdaRunner;
  private processes?: Processes;
  private desk?: AnswerDesk;
  private cloudFormation?: CloudFormation;

  private constructor(private readonly options: LocalAwsOptions) {
    const { clock, onCall, faultOf } = options;
    this.iam = new Iam({ clock, accountId: ACCOUNT_ID });
    this.secretsManager = new SecretsManager({
      clock,
      accountId: ACCOUNT_ID,
      region: LocalAws.region,
      authorize: (caller, request) => this.iam.refusalOf(caller, request),
    });
    this.server = new AwsServer({
      iam: this.iam,
      secretsManagers: [this.secretsManager],
      clock,
      callerOf: (accessKeyId) => this.processes?.callerOf(accessKeyId),
      onCall: (call) => {
        onCall?.(call);
        this.processes?.callMade(call.accessKeyId);
      },
      faultOf,
    });
  }

  static async start(options: LocalAwsOptions): Promise<LocalAws> {
    const aws = new LocalAws(options);
    await aws.listen();
    return aws;
  }

  /** Deploys a stack of a cloud assembly, as `cdk deploy` does. */
  deploy(
    assembly: string,
    stackName: string,
    parameters?: Readonly<Record<string, string>>,
  ): Promise<StackDescription> {
    return deploy({ cloudFormation: this.cloudFormation!, assets: this.assets }, assembly, stackName, parameters);
  }

  destroy(stackName: string): Promise<StackDescription> {
    return this.cloudFormation!.deleteStack(stackName);
  }

  /** Everything that was put to a response URL. */
  get answers(): readonly ReceivedAnswer[] {
    return this.desk!.received;
  }

  /** What the functions wrote to their logs. */
  logs(): readonly string[] {
    return this.processes!.logs();
  }

  /** Resolves when no event is waiting or running any more. */
  async idle(): Promise<void> {
    await this.lambda!.idle();
  }

  /** Ends every process and closes every port. */
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
    this.desk = new AnswerDesk(clock, systemRandom, answersUrl);
    this.listener.serveFor(this.desk);
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
        desk: this.desk,
        iam: this.iam,
        secretsManager: this.secretsManager,
        lambda: this.lambda,
        codeDirectory: (s3Key) => this.assets.pathOf(s3Key),
      }),
    });
  }
}
