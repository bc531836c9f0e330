import { join } from 'node:path';
import { type App, CustomResource, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { AwsCustomResource, AwsCustomResourcePolicy, PhysicalResourceId } from 'aws-cdk-lib/custom-resources';
import { MfaEnrollment, MfaEnrollmentProvider, VirtualMfaDevice } from '../../lib';

/**
 * The maximum number of resources in a stack.
 *
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
 */
const STACK_RESOURCES = 500;
/** The account and the region of every stack. */
const ENVIRONMENT = { account: '123456789012', region: 'eu-west-1' };

const ROOT = join(__dirname, '..', '..');

/** The existing user, device and secret of one enrollment. Nothing else of the app is measured. */
interface Subject {
  readonly index: number;
  readonly user: iam.IUser;
  readonly serialNumber: string;
  readonly seedSecret: secretsmanager.ISecret;
}

/** A way to declare enrollments. */
interface Contender {
  /** How many enrollments one stack holds. */
  readonly perStack: number;
  declare(stack: Stack, subjects: readonly Subject[]): void;
}

/** The enrollments on one role, each with its own policy. IAM limits the total size of a role's policies. */
const PER_PROVIDER = 25;
const PROVIDER_RESOURCES = 5;

const CONTENDERS = {
  /** One policy for all enrollments. */
  scoped: {
    perStack: 490,
    declare(stack, subjects) {
      const provider = new MfaEnrollmentProvider(stack, 'Fleet', {
        pathScope: { userPath: '/staff/', devicePath: '/' },
      });
      enroll(stack, subjects, provider);
    },
  },

  /** One policy for each enrollment, on as many providers as necessary. */
  ownPolicy: {
    perStack: Math.floor(STACK_RESOURCES / (2 * PER_PROVIDER + PROVIDER_RESOURCES)) * PER_PROVIDER,
    declare(stack, subjects) {
      for (let first = 0; first < subjects.length; first += PER_PROVIDER) {
        const provider = new MfaEnrollmentProvider(stack, `Provider${first / PER_PROVIDER}`);
        enroll(stack, subjects.slice(first, first + PER_PROVIDER), provider);
      }
    },
  },

  /**
   * AWS API calls as custom resources, each with a policy for its user. All policies are on the role of one function,
   * so IAM would refuse more than about 40 of them. The codes must be in the template.
   */
  awsCustomResource: {
    perStack: 247,
    declare(stack, subjects) {
      for (const subject of subjects) {
        const statement = new iam.PolicyStatement({ actions: MFA_ACTIONS, resources: [subject.user.userArn] });
        new AwsCustomResource(stack, `Mfa${subject.index}`, {
          ...callsOf(subject),
          policy: AwsCustomResourcePolicy.fromStatements([statement]),
        });
      }
    },
  },

  /** AWS API calls as custom resources, with one role for all users. */
  awsCustomResourceSharedRole: {
    perStack: 490,
    declare(stack, subjects) {
      const role = new iam.Role(stack, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
      role.addToPolicy(new iam.PolicyStatement({ actions: MFA_ACTIONS, resources: [userArn('*')] }));
      for (const subject of subjects) {
        new AwsCustomResource(stack, `Mfa${subject.index}`, { ...callsOf(subject), role });
      }
    },
  },

  /** A custom function that each synthesis bundles, with one policy for all enrollments. */
  nodejsFunction: {
    perStack: 490,
    declare(stack, subjects) {
      const handler = new NodejsFunction(stack, 'Function', {
        entry: join(ROOT, 'lambda', 'index.ts'),
        depsLockFilePath: join(ROOT, 'package-lock.json'),
        projectRoot: ROOT,
        runtime: lambda.Runtime.NODEJS_20_X,
      });
      handler.addToRolePolicy(
        new iam.PolicyStatement({
          actions: [...MFA_ACTIONS, 'iam:ListMFADevices', 'iam:ResyncMFADevice'],
          resources: [userArn('*')],
        }),
      );
      handler.addToRolePolicy(
        new iam.PolicyStatement({
          actions: ['secretsmanager:GetSecretValue'],
          resources: [seedSecretArn('*')],
        }),
      );
      for (const { index, user, serialNumber, seedSecret } of subjects) {
        new CustomResource(stack, `Mfa${index}`, {
          serviceToken: handler.functionArn,
          resourceType: 'Custom::MfaEnrollment',
          properties: {
            UserName: user.userName,
            SerialNumber: serialNumber,
            SeedSecretArn: seedSecret.secretArn,
          },
        });
      }
    },
  },
} satisfies Record<string, Contender>;

export type ContenderName = keyof typeof CONTENDERS;

/** Declares enrollments in as many stacks as the contender needs. */
export function declareFleet(app: App, name: ContenderName, enrollments: number): void {
  const contender: Contender = CONTENDERS[name];
  const { perStack } = contender;
  for (let first = 0; first < enrollments; first += perStack) {
    const stack = new Stack(app, `Fleet${first}`, { env: ENVIRONMENT });
    contender.declare(stack, subjectsIn(stack, first, Math.min(perStack, enrollments - first)));
  }
}

const MFA_ACTIONS = ['iam:EnableMFADevice', 'iam:DeactivateMFADevice'];

function enroll(stack: Stack, subjects: readonly Subject[], provider: MfaEnrollmentProvider): void {
  for (const { index, user, serialNumber, seedSecret } of subjects) {
    new MfaEnrollment(stack, `Mfa${index}`, {
      user,
      device: VirtualMfaDevice.fromVirtualMfaDeviceAttributes(stack, `Device${index}`, { serialNumber, seedSecret }),
      // Explicit, because synthesis warns about imported users without a removal policy.
      removalPolicy: RemovalPolicy.DESTROY,
      provider,
    });
  }
}

/** CloudFormation reads the codes from the user's secret. */
function callsOf({ user: { userName }, serialNumber, seedSecret }: Subject) {
  const device = { UserName: userName, SerialNumber: serialNumber };
  const code = (key: string) => seedSecret.secretValueFromJson(key).unsafeUnwrap();
  return {
    // Also called on create. Without it, a change of the user or device would have no effect.
    onUpdate: {
      service: 'IAM',
      action: 'enableMFADevice',
      parameters: { ...device, AuthenticationCode1: code('first'), AuthenticationCode2: code('second') },
      physicalResourceId: PhysicalResourceId.of(`${userName}Mfa`),
    },
    onDelete: { service: 'IAM', action: 'deactivateMFADevice', parameters: device },
    installLatestAwsSdk: false,
  };
}

function subjectsIn(stack: Stack, first: number, count: number): Subject[] {
  return Array.from({ length: count }, (_, offset) => {
    const index = first + offset;
    const name = `user-${String(index).padStart(4, '0')}`;
    return {
      index,
      user: iam.User.fromUserArn(stack, `User${index}`, userArn(name)),
      serialNumber: `arn:aws:iam::${ENVIRONMENT.account}:mfa/${name}`,
      seedSecret: secretsmanager.Secret.fromSecretPartialArn(stack, `Seed${index}`, seedSecretArn(name)),
    };
  });
}

function seedSecretArn(name: string): string {
  return `arn:aws:secretsmanager:${ENVIRONMENT.region}:${ENVIRONMENT.account}:secret:mfa/${name}`;
}

function userArn(name: string): string {
  return `arn:aws:iam::${ENVIRONMENT.account}:user/staff/${name}`;
}
