import { ENROLLMENT_RESOURCE_TYPE } from '../../lib/contract';
import { type Action, CallError } from '../../lambda/aws/ports';
import { type CustomResourceEvent, type InvocationContext, serve } from '../../lambda/protocol';
import type { StackDescription } from '../../local/cloudformation';
import type { Throttle } from '../../local/iam';
import { type CallFault, InProcessAccount } from '../../local/in-process-account';
import type { FunctionLifetime } from '../../local/lambda';
import { directChannel } from '../../local/ports';
import { numbers } from './numbers';
import { type Fleet, REGION, secretNameOf, userNameOf } from './fleet-app';

/** The conditions of a deployment. */
export interface Conditions {
  /** IAM's limit on the rate of calls. @default no limit */
  readonly bucket?: Throttle;
  /** How many events Lambda runs at once. @default no limit */
  readonly concurrency?: number;
  /** Probability, from 0 to 1, that a valid call of the function fails. @default 0 */
  readonly failing?: number;
  /** What the secret of one user holds instead of the device's seed. @default the seed, as the others */
  readonly badSecret?: 'no seed' | 'the seed of another device';
  /** Whether an existing stack is updated to have the enrollments. @default the stack is created with them */
  readonly asUpdate?: boolean;
}

/** The seconds that a bucket alone takes for this number of calls. */
export function secondsOf(calls: number, { perSecond, burst }: Throttle): number {
  return Math.max(0, calls - burst) / perSecond;
}

/** The result of a deployment. */
export interface Deployment {
  readonly status: StackDescription['status'];
  /** Number of enabled devices. */
  readonly enabled: number;
  readonly seconds: number;
  /** Calls of the function that reached IAM, throttled ones included. */
  readonly iamCalls: number;
  /** The calls among them that IAM did not throttle. */
  readonly iamCallsLetThrough: number;
  /** Resources that failed, with the reason. */
  readonly failures: readonly string[];
}

/** Deploys a stack of enrollments in virtual time, with the real rules of the function. */
export async function deployFleet(fleet: Fleet, conditions: Conditions): Promise<Deployment> {
  return new FleetWorld(fleet, conditions).deploy();
}

/** The user whose secret is bad. */
const BAD_INDEX = 7;

function withoutEnrollments(template: Fleet['template']): Fleet['template'] {
  const { Resources, ...others } = template as { Resources: Record<string, { Type: string }> };
  const kept = Object.entries(Resources).filter(([, { Type }]) => Type !== ENROLLMENT_RESOURCE_TYPE);
  return { ...others, Resources: Object.fromEntries(kept) };
}

class FleetWorld extends InProcessAccount {
  private iamCalls = 0;
  private iamCallsThrottled = 0;

  constructor(
    private readonly fleet: Fleet,
    private readonly conditions: Conditions,
  ) {
    super({ region: REGION, random: numbers(1), concurrency: conditions.concurrency });
    for (let index = 0; index < fleet.enrollments; index++) {
      const name = userNameOf(index);
      this.iam.call('CreateUser', { UserName: name, Path: '/staff/' });
      const { seed } = this.createDevice(name);
      this.createSecret(secretNameOf(index), (index === BAD_INDEX && this.badSecret()) || seed);
    }
    this.iam.throttle = conditions.bucket;
  }

  async deploy(): Promise<Deployment> {
    const { clock, cloudFormation, fleet, conditions } = this;
    const request = { stackName: 'Fleet', template: fleet.template };
    if (conditions.asUpdate === true) {
      await clock.run(cloudFormation.createStack({ ...request, template: withoutEnrollments(fleet.template) }));
    }
    const startedAt = clock.now();
    const { status } = await clock.run(
      conditions.asUpdate === true ? cloudFormation.updateStack(request) : cloudFormation.createStack(request),
    );
    return {
      status,
      enabled: this.iam.state().devices.filter(({ userName }) => userName !== undefined).length,
      seconds: (clock.now() - startedAt) / 1000,
      iamCalls: this.iamCalls,
      iamCallsLetThrough: this.iamCalls - this.iamCallsThrottled,
      failures: this.events.flatMap(({ status: to, logicalId, reason }) =>
        to.endsWith('FAILED') ? [`${logicalId}: ${reason}`] : [],
      ),
    };
  }

  private badSecret(): string | undefined {
    switch (this.conditions.badSecret) {
      case 'no seed':
        return 'not a seed!';
      case 'the seed of another device':
        return this.createDevice('another').seed;
      default:
        return undefined;
    }
  }

  protected override handle(
    event: CustomResourceEvent,
    context: InvocationContext,
    life: FunctionLifetime,
  ): Promise<void> {
    return serve(
      event,
      context,
      this.shellFor(event, life, (action, effect) => this.carryOut(action, effect)),
    );
  }

  /** Counts the calls of IAM. A throttled call stays throttled: only a valid one loses its response. */
  private async carryOut<T>(action: Action, effect: () => T): Promise<T> {
    const fault = this.drawFault(action);
    if (fault?.effect === false) {
      throw fault.error;
    }
    this.iamCalls += action.startsWith('iam:') ? 1 : 0;
    const output = await directChannel(action, effect).catch((error: unknown) => {
      this.iamCallsThrottled += error instanceof CallError && error.code === 'Throttling' ? 1 : 0;
      throw error;
    });
    if (fault !== undefined) {
      throw fault.error;
    }
    return output;
  }

  /** Either an error of AWS or no response at all, whether or not the call takes effect. */
  private drawFault(action: Action): CallFault | undefined {
    if (this.random() >= (this.conditions.failing ?? 0)) {
      return undefined;
    }
    const effect = this.random() < 0.5;
    const error =
      this.random() < 0.5 ? new CallError(action, 'ServiceUnavailable', 503) : new CallError(action, undefined);
    return { error, effect };
  }
}
