import { LineLogger } from '../../lambda/logger';
import { type Action, CallError } from '../../lambda/aws/ports';
import { type CustomResourceEvent, type InvocationContext, serve } from '../../lambda/protocol';
import { AnswerDesk, CloudFormation, providersOf, type StackDescription } from '../../local/cloudformation';
import { Iam, type Throttle } from '../../local/iam';
import { InProcessEnvironments, LambdaRunner, type Life } from '../../local/lambda';
import { uuid, type Random } from '../../local/lambda/uuid';
import { type Channel, directly, InProcessIam, InProcessSeedStore } from '../../local/ports';
import { SecretsManager } from '../../local/secrets-manager';
import { VirtualClock } from '../../local/virtual-clock';
import { ACCOUNT, type Fleet, REGION, secretNameOf, userNameOf } from './fleet-app';
import { numbers } from './numbers';

/** Slowest way of a call to AWS, and of its answer back, in milliseconds. */
const SLOWEST_MS = 100;

/** What a fleet is deployed under. */
export interface Weather {
  /** How fast IAM lets the function's calls through; absent: as they come. */
  readonly bucket?: Throttle;
  /** How many events Lambda runs at once; absent: any number. */
  readonly concurrency?: number;
  /** Chance, from 0 to 1, that a call of the function fails though it is in order. */
  readonly failing?: number;
  /** @default 1 */
  readonly seed?: number;
}

/** The seconds that a bucket alone imposes on so many calls. */
export function secondsOf(calls: number, { perSecond, burst }: Throttle): number {
  return Math.max(0, calls - burst) / perSecond;
}

/** How it went. */
export interface Deployment {
  readonly status: StackDescription['status'];
  /** Devices that are enabled in the end. */
  readonly enabled: number;
  readonly seconds: number;
  /** Calls of the function that reached IAM, those that it refused for their number included. */
  readonly iamCalls: number;
  /** Of these, how many IAM let through. */
  readonly iamCallsLetThrough: number;
  /** Requests to the function that CloudFormation got no success for. */
  readonly failures: readonly string[];
}

/** Deploys a stack of enrollments in virtual time, by the function's own rules. */
export async function deployFleet(fleet: Fleet, weather: Weather): Promise<Deployment> {
  return new FleetWorld(fleet, weather).deploy();
}

class FleetWorld {
  private readonly clock = new VirtualClock();
  private readonly random: () => number;
  private readonly iam: Iam;
  private readonly secretsManager: SecretsManager;
  private readonly lambda: LambdaRunner;
  private readonly desk: AnswerDesk;
  private readonly cloudFormation: CloudFormation;
  private readonly failures: string[] = [];
  private iamCalls = 0;
  private iamCallsLetThrough = 0;

  constructor(
    private readonly fleet: Fleet,
    private readonly weather: Weather,
  ) {
    const { clock } = this;
    this.random = numbers(weather.seed ?? 1);
    const random: Random = (count) => Buffer.from(Array.from({ length: count }, () => this.random() * 256));
    this.iam = new Iam({ clock, accountId: ACCOUNT, random });
    this.secretsManager = new SecretsManager({
      clock,
      accountId: ACCOUNT,
      region: REGION,
      random,
      authorize: (caller, request) => this.iam.refusalOf(caller, request),
    });
    this.desk = new AnswerDesk(clock, random);
    this.lambda = new LambdaRunner({
      clock,
      random,
      concurrency: weather.concurrency,
      environments: new InProcessEnvironments(clock, (event, context, life) =>
        this.handle(event as CustomResourceEvent, context, life, random),
      ),
    });
    const place = { clock, random, region: REGION, accountId: ACCOUNT, partition: 'aws' };
    this.cloudFormation = new CloudFormation({
      ...place,
      onEvent: ({ status, logicalId, reason }) => {
        if (status.endsWith('FAILED')) {
          this.failures.push(`${logicalId}: ${reason}`);
        }
      },
      providerOf: providersOf({
        ...place,
        desk: this.desk,
        iam: this.iam,
        secretsManager: this.secretsManager,
        lambda: this.lambda,
        codeDirectory: () => '/nowhere',
      }),
    });
    this.furnish();
  }

  async deploy(): Promise<Deployment> {
    const { clock, cloudFormation } = this;
    const { template } = this.fleet;
    this.iam.throttle = this.weather.bucket;
    const begun = clock.now();
    const { status } = await clock.run(cloudFormation.createStack({ stackName: 'Fleet', template, parameters: {} }));
    return {
      status,
      enabled: this.iam.state().devices.filter(({ userName }) => userName !== undefined).length,
      seconds: (clock.now() - begun) / 1000,
      iamCalls: this.iamCalls,
      iamCallsLetThrough: this.iamCallsLetThrough,
      failures: this.failures,
    };
  }

  private furnish(): void {
    for (let index = 0; index < this.fleet.enrollments; index++) {
      const name = userNameOf(index);
      this.iam.call('CreateUser', { UserName: name, Path: '/staff/' });
      const { VirtualMFADevice } = this.iam.call('CreateVirtualMFADevice', { VirtualMFADeviceName: name });
      const seed = (VirtualMFADevice as { Base32StringSeed: Buffer }).Base32StringSeed.toString();
      this.secretsManager.call('CreateSecret', { Name: secretNameOf(index), SecretString: seed });
    }
  }

  private async handle(
    event: CustomResourceEvent,
    context: InvocationContext,
    life: Life,
    random: Random,
  ): Promise<void> {
    const functionName = String(event.ResourceProperties.ServiceToken).split(':').at(-1)!;
    const roleName = this.lambda.functionNamed(functionName).roleArn.split('/').at(-1)!;
    const caller = { arn: `arn:aws:sts::${ACCOUNT}:assumed-role/${roleName}/${functionName}`, roleName };
    const channel: Channel = (action, effect) => this.travel(action, effect, life);
    await serve(event, context, {
      clock: life.clock,
      iam: new InProcessIam(this.iam, this.clock, caller, channel),
      seeds: new InProcessSeedStore(this.secretsManager, caller, channel),
      random: this.random,
      uuid: () => uuid(random),
      logger: new LineLogger(() => undefined),
      deliver: async (url, body) => {
        await life.clock.sleep(this.random() * SLOWEST_MS);
        this.desk.put(url, body);
      },
    });
  }

  private async travel<T>(action: Action, effect: () => T, life: Life): Promise<T> {
    await life.clock.sleep(this.random() * SLOWEST_MS);
    const answer = await life.call(() => this.answered(action, effect));
    await life.clock.sleep(this.random() * SLOWEST_MS);
    return answer;
  }

  private async answered<T>(action: Action, effect: () => T): Promise<T> {
    const fault = this.fault(action);
    if (fault?.effect === false) {
      throw fault.error;
    }
    const isIam = action.startsWith('iam:');
    if (isIam) {
      this.iamCalls += 1;
    }
    try {
      const output = await directly(action, effect);
      if (isIam) {
        this.iamCallsLetThrough += 1;
      }
      if (fault?.effect === true) {
        throw fault.error;
      }
      return output;
    } catch (error) {
      if (isIam && error !== fault?.error && error instanceof CallError && error.code !== 'Throttling') {
        this.iamCallsLetThrough += 1;
      }
      throw error;
    }
  }

  /** What is wrong with a call that fails: AWS is out of order, or no answer comes, with the effect or without. */
  private fault(action: Action): { readonly error: CallError; readonly effect: boolean } | undefined {
    if (this.random() >= (this.weather.failing ?? 0)) {
      return undefined;
    }
    const effect = this.random() < 0.5;
    const error =
      this.random() < 0.5 ? new CallError(action, 'ServiceUnavailable', 503) : new CallError(action, undefined);
    return { error, effect };
  }
}
