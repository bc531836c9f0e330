import { type Action, type CallError } from '../lambda/aws/ports';
import { LineLogger } from '../lambda/logger';
import { type CustomResourceEvent, type InvocationContext, serve, type Shell } from '../lambda/protocol';
import {
  CloudFormationApi,
  ResponseUrls,
  CloudFormation,
  type CloudFormationOptions,
  type UndocumentedBehavior,
  providersOf,
  type ResourceFault,
  type ResourcesOptions,
  type StackEvent,
  type UrlSignature,
} from './cloudformation';
import { type Caller, Iam, TRUST_POLICY } from './iam';
import { type Delivery, InProcessEnvironments, LambdaRunner, type FunctionLifetime, deliverOnce } from './lambda';
import { uuid } from './lambda/uuid';
import { directChannel, InProcessIam, InProcessSeedStore } from './ports';
import { bytes } from './random';
import { InProcessReadPorts, type ReadChannel } from './read-ports';
import { SecretsManager } from './secrets-manager';
import { VirtualClock } from './virtual-clock';

export interface InProcessAccountOptions
  extends
    UndocumentedBehavior,
    Pick<CloudFormationOptions, 'templateAt'>,
    Partial<Pick<ResourcesOptions, 'codeDirectory'>> {
  readonly region: string;
  /** The same account in another region: IAM is global. @default a new account */
  readonly sameAccount?: Pick<InProcessAccount, 'clock' | 'iam' | 'regions'>;
  /** Returns numbers in [0, 1). Every id, seed, response URL and delay comes from it. */
  readonly random: () => number;
  /** How response URLs are signed. @default 'date' */
  readonly signature?: UrlSignature;
  /** How many events Lambda runs at once. @default no limit */
  readonly concurrency?: number;
  /** Longest one-way delay between the function and AWS, in milliseconds. @default 100 */
  readonly maxDelayMs?: number;
}

/** A fault of one call from the function to AWS. */
export interface CallFault {
  readonly error: CallError;
  /** Whether the call takes effect, so that only its response is lost. */
  readonly effect: boolean;
}

/** Carries out a call that has reached AWS. `isLost` says whether its response will be lost. */
export type CarryOut = <T>(action: Action, effect: () => T, isLost: boolean) => Promise<T>;

/** What IAM returns when it creates a virtual MFA device. */
export function createdDevice(output: unknown): { readonly serialNumber: string; readonly seed: string } {
  const { SerialNumber, Base32StringSeed } = (output as { VirtualMFADevice: Record<string, unknown> }).VirtualMFADevice;
  return { serialNumber: SerialNumber as string, seed: (Base32StringSeed as Buffer).toString() };
}

/**
 * An AWS account in this process and in virtual time: IAM, Secrets Manager, Lambda and CloudFormation, which run the
 * rules of the function under the role and the policies that a template gives it.
 */
export class InProcessAccount {
  static readonly accountId = '123456789012';

  readonly clock: VirtualClock;
  readonly iam: Iam;
  readonly secretsManager: SecretsManager;
  readonly desk: ResponseUrls;
  readonly lambda: LambdaRunner;
  readonly cloudFormation: CloudFormation;
  /** CloudFormation in each region of the account. */
  readonly regions: Map<string, CloudFormation>;
  /** Stack events, oldest first. */
  events: StackEvent[] = [];
  /** Requests that reached the function, oldest first. A second delivery counts again. */
  readonly requests: CustomResourceEvent[] = [];
  /** Log lines and responses of the function. */
  readonly output: string[] = [];
  /** How Lambda delivers an event. */
  deliveries: (event: CustomResourceEvent) => readonly Delivery[] = deliverOnce;
  /** Runs before each resource operation of CloudFormation: it can delay the operation, or fail it. */
  fault: ResourceFault = () => undefined;
  /** The fault of a call from the function to AWS. */
  faultOf: (action: Action, event: CustomResourceEvent) => CallFault | undefined = () => undefined;

  /** Decides how long calls take, and what the function draws. */
  protected random: () => number;
  private readonly maxDelayMs: number;
  private uuids = 0;

  constructor(options: InProcessAccountOptions) {
    // No code is run from its asset, so by default none has to be published.
    const {
      region,
      random,
      signature,
      concurrency,
      maxDelayMs = 100,
      codeDirectory = () => '/nowhere',
      ...others
    } = options;
    const clock = options.sameAccount?.clock ?? new VirtualClock();
    this.clock = clock;
    this.random = random;
    this.maxDelayMs = maxDelayMs;
    const common = { clock, random: bytes(random), region, accountId: InProcessAccount.accountId, partition: 'aws' };
    this.iam = options.sameAccount?.iam ?? new Iam(common);
    this.secretsManager = new SecretsManager({
      ...common,
      authorize: (caller, request) => this.iam.denialReason(caller, request),
    });
    this.desk = new ResponseUrls(clock, common.random, undefined, signature);
    this.lambda = new LambdaRunner({
      ...common,
      concurrency,
      deliveries: (event) => this.deliveries(event as CustomResourceEvent),
      environments: new InProcessEnvironments(clock, (event, context, life) => {
        this.requests.push(event as CustomResourceEvent);
        return this.handle(event as CustomResourceEvent, context, life);
      }),
    });
    this.regions = options.sameAccount?.regions ?? new Map<string, CloudFormation>();
    const { iam, secretsManager, desk: responseUrls, lambda } = this;
    this.cloudFormation = new CloudFormation({
      ...common,
      ...others,
      onEvent: (event) => this.events.push(event),
      fault: (operation) => this.fault(operation),
      inRegion: (name) => this.regions.get(name),
      providerOf: providersOf({ ...common, responseUrls, iam, secretsManager, lambda, codeDirectory }),
    });
    this.regions.set(region, this.cloudFormation);
  }

  /** Creates a device as an administrator does, and returns its serial number and its seed. */
  createDevice(name: string, path = '/'): ReturnType<typeof createdDevice> {
    return createdDevice(this.iam.call('CreateVirtualMFADevice', { Path: path, VirtualMFADeviceName: name }));
  }

  createSecret(name: string, text?: string): void {
    this.secretsManager.call('CreateSecret', { Name: name, SecretString: text });
  }

  /** A caller with a new role, who may do these actions on everything, and nothing else. */
  callerWith(actions: readonly string[], roleName: string): Caller {
    const statement = { Effect: 'Allow', Action: actions, Resource: '*' };
    const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
    this.iam.call('CreateRole', { RoleName: roleName, AssumeRolePolicyDocument: TRUST_POLICY });
    this.iam.call('PutRolePolicy', { RoleName: roleName, PolicyName: 'Allowed', PolicyDocument });
    return { arn: `arn:aws:sts::${InProcessAccount.accountId}:assumed-role/${roleName}/session`, roleName };
  }

  /** The read-only ports of an inspection of this region. @param caller an administrator if absent */
  readPorts(caller?: Caller, channel?: ReadChannel): InProcessReadPorts {
    const { iam, secretsManager, cloudFormation } = this;
    const api = new CloudFormationApi({
      cloudFormation,
      accountId: InProcessAccount.accountId,
      region: secretsManager.region,
      authorize: (who, request) => iam.denialReason(who, request),
    });
    return new InProcessReadPorts({ iam, secretsManagers: [secretsManager], cloudFormations: [api] }, caller, channel);
  }

  /** Runs the function on one delivery of a request. */
  protected handle(event: CustomResourceEvent, context: InvocationContext, life: FunctionLifetime): Promise<void> {
    return serve(event, context, this.shellFor(event, life));
  }

  /** The function's ports, under the role of the function that the event names. */
  protected shellFor(event: CustomResourceEvent, life: FunctionLifetime, carryOut: CarryOut = directChannel): Shell {
    const { roleArn, functionName } = this.lambda.functionNamed(String(event.ResourceProperties.ServiceToken));
    const roleName = roleArn.split('/').at(-1)!;
    const arn = `arn:aws:sts::${InProcessAccount.accountId}:assumed-role/${roleName}/${functionName}`;
    const caller = { arn, roleName };
    const travel = () => life.clock.sleep(this.random() * this.maxDelayMs);
    const channel = async <T>(action: Action, effect: () => T): Promise<T> => {
      await travel();
      const fault = this.faultOf(action, event);
      const response = await life.call(async () => {
        if (fault === undefined) {
          return carryOut(action, effect, false);
        }
        if (fault.effect) {
          await carryOut(action, effect, true).catch(() => undefined);
        }
        throw fault.error;
      });
      await travel();
      return response;
    };
    const { random } = this;
    return {
      clock: life.clock,
      iam: new InProcessIam(this.iam, this.clock, caller, channel),
      seeds: new InProcessSeedStore(this.secretsManager, caller, channel),
      random,
      uuid: () =>
        uuid((count) => {
          const drawn = bytes(random)(count);
          // What is drawn can begin again; a uuid never comes twice.
          drawn.writeUInt32BE(++this.uuids, 12);
          return drawn;
        }),
      logger: new LineLogger((line) => this.output.push(line)),
      deliver: async (url, body) => {
        await travel();
        this.output.push(body);
        this.desk.put(url, body);
      },
    };
  }
}
