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
 * The phases of the stack. Each is a value of the stack's parameter, so that a call of the CloudFormation API makes the
 * same changes as deploying another version of an app.
 */
export const PHASES = [
  /** The user has the first device. */
  'enrolled',
  /** The second device replaces the first one. */
  'rotated',
  /**
   * The user has another name, so CloudFormation replaces the user. The third device is required, because devices are
   * never reassigned.
   */
  'renamed',
  /** The enrollment is removed; the device stays. */
  'removed',
  /** The same enrollment again, while IAM still remembers the device's codes. */
  'again',
  /** Only the user is left. */
  'gone',
] as const;
export type Phase = (typeof PHASES)[number];

/** The stack's one parameter. */
export const PHASE_PARAMETER = 'Phase';

/** The expected state at the end of a phase. */
export interface Expectation {
  readonly userName: string;
  /** Names of the devices that exist. */
  readonly devices: readonly string[];
  /** Names of the devices that are enabled for the user. */
  readonly enabled: readonly string[];
}

const DEVICES = {
  first: { exists: ['enrolled'], enabled: ['enrolled'] },
  second: { exists: ['rotated'], enabled: ['rotated'] },
  third: { exists: ['renamed', 'removed', 'again'], enabled: ['renamed', 'again'] },
} as const satisfies Record<string, { exists: readonly Phase[]; enabled: readonly Phase[] }>;

/** A stack with the phases. */
export class PhasesStack extends Stack {
  /** Path of the user and of the devices, and prefix of the names of the secrets. */
  readonly path: string;
  private readonly phase: CfnParameter;

  /** @param own the last part of a path that nothing else in the account uses */
  constructor(scope: Construct, id: string, own: string, providerOf: (stack: PhasesStack) => MfaEnrollmentProvider) {
    // Without the bootstrap rule there is only one parameter, and updating needs no permission to read the other.
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
      const enrollment = new MfaEnrollment(this, `Mfa-${name}`, { user, device, provider });
      onlyIf(this.during(`Enabled-${name}`, enabled), enrollment);
    }
  }

  /** The key of all seeds. Its use is limited to Secrets Manager of this partition. */
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

/** The stack of integ.enrollment.ts: one policy for each enrollment and each device. */
export function enrollmentStack(app: App): PhasesStack {
  return new PhasesStack(app, 'MfaEnrollmentInteg', 'own', (stack) => MfaEnrollmentProvider.getOrCreate(stack));
}

/** The stack of integ.scope.ts: a provider with a path scope. */
export function scopeStack(app: App): PhasesStack {
  return new PhasesStack(app, 'MfaEnrollmentIntegScope', 'scope', (stack) => {
    const pathScope = { userPath: stack.path, devicePath: stack.path, encryptionKeys: [stack.key] };
    return new MfaEnrollmentProvider(stack, 'Provider', { pathScope });
  });
}

/** Adds a condition to all resources of a construct. */
function onlyIf(condition: CfnCondition, construct: Construct): void {
  for (const child of construct.node.findAll()) {
    if (CfnResource.isCfnResource(child)) {
      child.cfnOptions.condition = condition;
    }
  }
}
