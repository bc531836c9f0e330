import {
  type App,
  CfnCondition,
  CfnParameter,
  CfnResource,
  DefaultStackSynthesizer,
  Duration,
  Fn,
  RemovalPolicy,
  Stack,
} from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { type Construct } from 'constructs';
import { MfaEnrollment, MfaEnrollmentProvider, VirtualMfaDevice } from '../../lib';

/**
 * What the stack goes through. Each is a value of its one parameter, so that an update from one to the next adds and
 * removes what another version of an app would, and is started by a call of the CloudFormation API.
 */
export const PHASES = [
  /** The user and the first device. */
  'enrolled',
  /** The second device in place of the first one. */
  'rotated',
  /** Another name for the user, whom CloudFormation replaces; with the third device, as devices are never moved. */
  'renamed',
  /** The enrollment is gone; the device stays. */
  'removed',
  /** The same enrollment, within the time for which IAM remembers the device's codes. */
  'again',
  /** Only the user is left. */
  'gone',
] as const;
export type Phase = (typeof PHASES)[number];

/** The stack's one parameter. */
export const PHASE_PARAMETER = 'Phase';

/** What is expected of IAM when the stack has come to rest in a phase. */
export interface Expectation {
  readonly userName: string;
  /** Names of the devices that exist. */
  readonly devices: readonly string[];
  /** Names of those that are enabled for the user. */
  readonly enabled: readonly string[];
}

const DEVICES = {
  first: { exists: ['enrolled'], enabled: ['enrolled'] },
  second: { exists: ['rotated'], enabled: ['rotated'] },
  third: { exists: ['renamed', 'removed', 'again'], enabled: ['renamed', 'again'] },
} as const satisfies Record<string, { exists: readonly Phase[]; enabled: readonly Phase[] }>;

/** A stack whose user goes through the phases. */
export class PhasesStack extends Stack {
  /** Path of the user and of the devices, and name below which the secrets are. */
  readonly path: string;
  private readonly phase: CfnParameter;

  /** @param own a path that nothing else in the account has */
  constructor(scope: Construct, id: string, own: string, providerOf: (stack: PhasesStack) => MfaEnrollmentProvider) {
    // Without the rule there is one parameter, and an update by API needs no permission to read that of the bootstrap.
    super(scope, id, { synthesizer: new DefaultStackSynthesizer({ generateBootstrapVersionRule: false }) });
    this.path = `/cdk-mfa-enrollment-integ/${own}/`;
    this.phase = new CfnParameter(this, PHASE_PARAMETER, { default: PHASES[0], allowedValues: [...PHASES] });

    const isRenamed = this.during('Renamed', ['renamed', 'removed', 'again', 'gone']);
    const user = new iam.User(this, 'User', {
      userName: Fn.conditionIf(isRenamed.logicalId, `${own}-after`, `${own}-before`).toString(),
      path: this.path,
    });
    const provider = providerOf(this);
    for (const [name, { exists, enabled }] of Object.entries(DEVICES)) {
      const device = new VirtualMfaDevice(this, `Device-${name}`, {
        virtualMfaDeviceName: name,
        path: this.path,
        encryptionKey: this.key,
        provider,
      });
      onlyIf(this.during(`Exists-${name}`, exists), device);
      const { serialNumber, seedSecret } = device;
      const enrollment = new MfaEnrollment(this, `Mfa-${name}`, { user, serialNumber, seedSecret, provider });
      onlyIf(this.during(`Enabled-${name}`, enabled), enrollment);
    }
  }

  /** The key of all seeds: what uses it goes by way of Secrets Manager, as that is called in this partition. */
  get key(): kms.Key {
    return (
      (this.node.tryFindChild('Key') as kms.Key | undefined) ??
      new kms.Key(this, 'Key', {
        enableKeyRotation: true,
        removalPolicy: RemovalPolicy.DESTROY,
        pendingWindow: Duration.days(7),
      })
    );
  }

  expectedIn(phase: Phase): Expectation {
    const own = this.path.split('/').at(-2)!;
    const devicesThat = (state: 'exists' | 'enabled') =>
      Object.entries(DEVICES).flatMap(([name, device]) =>
        (device[state] as readonly Phase[]).includes(phase) ? [name] : [],
      );
    return {
      userName: `${own}-${phase === 'enrolled' || phase === 'rotated' ? 'before' : 'after'}`,
      devices: devicesThat('exists'),
      enabled: devicesThat('enabled'),
    };
  }

  private during(id: string, phases: readonly Phase[]): CfnCondition {
    return new CfnCondition(this, id, {
      expression: Fn.conditionOr(...phases.map((phase) => Fn.conditionEquals(this.phase.valueAsString, phase))),
    });
  }
}

/** The stack of integ.enrollment.ts: each enrollment and each device has a policy of its own. */
export function enrollmentStack(app: App): PhasesStack {
  return new PhasesStack(app, 'MfaEnrollmentInteg', 'own', (stack) => MfaEnrollmentProvider.getOrCreate(stack));
}

/** The stack of integ.scope.ts. */
export function scopeStack(app: App): PhasesStack {
  return new PhasesStack(app, 'MfaEnrollmentIntegScope', 'scope', (stack) => {
    const scope = { userPath: stack.path, devicePath: stack.path, encryptionKeys: [stack.key] };
    return new MfaEnrollmentProvider(stack, 'Provider', { scope });
  });
}

/** Puts a condition on all resources of a construct. */
function onlyIf(condition: CfnCondition, construct: Construct): void {
  for (const child of construct.node.findAll()) {
    if (CfnResource.isCfnResource(child)) {
      child.cfnOptions.condition = condition;
    }
  }
}
