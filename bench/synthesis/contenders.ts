import { join } from 'node:path';
import { type App, CustomResource, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { AwsCustomResource, AwsCustomResourcePolicy, PhysicalResourceId } from 'aws-cdk-lib/custom-resources';
import { MfaEnrollment, MfaEnrollmentProvider } from '../../lib';

/** Resources that CloudFormation takes in one stack. https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html */
const STACK_RESOURCES = 500;
/** The account and the region of every stack. */
const ENVIRONMENT = { account: '123456789012', region: 'eu-west-1' };

const ROOT = join(__dirname, '..', '..');

/** What an app has in hand for each enrollment: it is there already, so that nothing else is measured. */
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

/** With policies of their own, so many enrollments go on one role: more do not fit into what IAM takes. */
const PER_PROVIDER = 25;
const PROVIDER_RESOURCES = 5;

const CONTENDERS = {
  /** One policy for all. */
  scoped: {
    perStack: 490,
    declare(stack, subjects) {
      const provider = new MfaEnrollmentProvider(stack, 'Fleet', {
        scope: { userPath: '/staff/', devicePath: '/' },
      });
      enroll(stack, subjects, provider);
    },
  },

  /** Policies of their own, on as many providers as it takes. */
  ownPolicy: {
    perStack: Math.floor(STACK_RESOURCES / (2 * PER_PROVIDER + PROVIDER_RESOURCES)) * PER_PROVIDER,
    declare(stack, subjects) {
      for (let begun = 0; begun < subjects.length; begun += PER_PROVIDER) {
        const provider = new MfaEnrollmentProvider(stack, `Provider${begun / PER_PROVIDER}`);
        enroll(stack, subjects.slice(begun, begun + PER_PROVIDER), provider);
      }
    },
  },

  /**
   * AWS's own calls as custom resources, each with a policy for its user, which all are on the role of the one function:
   * IAM would refuse more than about forty of them. And codes have to be known at synthesis.
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

  /** The same with a role that may do it for all users. */
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

  /** A function of one's own, bundled at each synthesis, with one policy for all. */
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

/** Declares enrollments over as many stacks as the contender needs. */
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
      serialNumber,
      seedSecret,
      // The default, said aloud, as synthesis asks for it of imported users.
      removalPolicy: RemovalPolicy.DESTROY,
      provider,
    });
  }
}

/** The codes are those that somebody has stored in the user's secret, and that CloudFormation reads. */
function callsOf({ user: { userName }, serialNumber, seedSecret }: Subject) {
  const device = { UserName: userName, SerialNumber: serialNumber };
  const code = (key: string) => seedSecret.secretValueFromJson(key).unsafeUnwrap();
  return {
    // Called for a create, too: without it, another user or device would change nothing.
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
  return Array.from({ length: count }, (_, place) => {
    const index = first + place;
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
