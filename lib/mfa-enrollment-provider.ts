import * as path from 'node:path';
import { Aws, CfnElement, Duration, Fn, Lazy, RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct, IDependable } from 'constructs';
import { EVENT_AGE, FUNCTION_TIMEOUT, TAG_KEY_PREFIX } from './contract';
import { ExplainedWildcard, explainWildcards } from './explained-wildcards';

/**
 * Id of the provider that `getOrCreate` makes. It is part of every logical id below it and never changes:
 * a new id would mean a new function, and with it a new resource for every enrollment of every stack.
 */
const SINGLETON_ID = 'MfaEnrollmentProvider';

/** The runtime that functions get by default; releases raise it. Named by its text, as older aws-cdk-lib versions know no constant for it. */
const DEFAULT_RUNTIME = 'nodejs24.x';

/** The oldest major version of Node.js that the bundle runs on. */
const OLDEST_NODE = 20;

/** The function's bundle, built when the package is built, never by the consumer. */
const FUNCTION_DIRECTORY = path.join(__dirname, '..', 'dist', 'function');

/** Memory in MiB. Lambda gives a function CPU by its memory; less makes a cold start last seconds. */
const MEMORY_SIZE = 256;

/**
 * Properties of an `MfaEnrollmentProvider`.
 */
export interface MfaEnrollmentProviderProps {
  /**
   * The role that the function runs as.
   *
   * Policies with exactly what is needed are attached to it, unless it is imported and not mutable
   * (`Role.fromRoleArn(..., { mutable: false })`, `role.withoutPolicyUpdates()`): then grant it what the README lists.
   *
   * @default - a new role that Lambda can assume, with no managed policy
   */
  readonly role?: iam.IRole;

  /**
   * The VPC that the function runs in. From there it must reach IAM, Secrets Manager and the S3 bucket that
   * CloudFormation takes answers at; IAM has interface endpoints in few regions, so this needs a NAT gateway in most.
   *
   * @default - the function runs outside of any VPC
   */
  readonly vpc?: ec2.IVpc;

  /**
   * The subnets to run in. Only with `vpc`.
   *
   * @default - the VPC's default selection
   */
  readonly vpcSubnets?: ec2.SubnetSelection;

  /**
   * The security groups of the function's network interfaces. Only with `vpc`.
   *
   * @default - with `vpc`, a new security group that allows everything out and nothing in
   */
  readonly securityGroups?: ec2.ISecurityGroup[];

  /**
   * The function's runtime: a Node.js runtime, version 20 or later.
   *
   * @default - `nodejs24.x`; releases of this library raise it
   */
  readonly runtime?: lambda.Runtime;

  /**
   * The log group that the function writes to. The function logs names, request types, error codes and
   * durations; never an event, a seed or a code.
   *
   * @default - a new log group that keeps logs for one year and is deleted with the provider
   */
  readonly logGroup?: logs.ILogGroup;
}

/**
 * The Lambda function behind `MfaEnrollment`: it answers CloudFormation itself, without the provider framework.
 *
 * One per stack is enough, and enrollments make it by themselves. Declare one to run it as a role, in a VPC or with a
 * log group of your own.
 *
 * An enrollment that is given another provider becomes a new resource: the device stays enabled throughout.
 *
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-custom-resources.html
 */
export class MfaEnrollmentProvider extends Construct {
  /**
   * The provider that the enrollments of a stack share, made on first use.
   *
   * @param scope any construct in the stack
   */
  public static getOrCreate(scope: Construct): MfaEnrollmentProvider {
    const stack = Stack.of(scope);
    const existing = stack.node.tryFindChild(SINGLETON_ID);
    return existing === undefined
      ? new MfaEnrollmentProvider(stack, SINGLETON_ID)
      : (existing as MfaEnrollmentProvider);
  }

  /**
   * What a custom resource names as its `ServiceToken`: the function's ARN.
   */
  public readonly serviceToken: string;

  /**
   * The function.
   */
  public readonly function: lambda.IFunction;

  /**
   * The role that the function runs as.
   */
  public readonly role: iam.IRole;

  /**
   * What a custom resource of this provider depends on: retry attempts and event age are a resource of their own, and
   * a request that comes before they are in force could be delivered twice, or after CloudFormation has given it up.
   * Behind it stand the function, its role and its policy.
   *
   * @internal
   */
  public readonly _inForce: IDependable;

  constructor(scope: Construct, id: string, props: MfaEnrollmentProviderProps = {}) {
    super(scope, id);
    validate(props);

    this.role =
      props.role ?? new iam.Role(this, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
    const logGroup =
      props.logGroup ??
      new logs.LogGroup(this, 'LogGroup', {
        retention: logs.RetentionDays.ONE_YEAR,
        removalPolicy: RemovalPolicy.DESTROY,
      });

    const policy = this._attachPolicy(this, 'Policy', [
      new iam.PolicyStatement({
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [logGroup.logGroupArn],
      }),
      ...claimStatements(this),
      ...(props.vpc === undefined ? [] : networkInterfaceStatements(this)),
    ]);
    explainWildcards(policy, [ALL_DEVICES, ...(props.vpc === undefined ? [] : ALL_NETWORK_INTERFACES)]);

    const handler = new lambda.Function(this, 'Function', {
      description: 'Enables virtual MFA devices of IAM users for CloudFormation (cdk-mfa-enrollment)',
      code: lambda.Code.fromAsset(FUNCTION_DIRECTORY),
      handler: 'index.handler',
      runtime: props.runtime ?? new lambda.Runtime(DEFAULT_RUNTIME, lambda.RuntimeFamily.NODEJS),
      memorySize: MEMORY_SIZE,
      timeout: Duration.seconds(FUNCTION_TIMEOUT),
      role: this.role,
      logGroup,
      vpc: props.vpc,
      vpcSubnets: props.vpcSubnets,
      securityGroups: props.securityGroups,
    });
    // Lambda refuses a function in a VPC until its role may make network interfaces, and a request that ran before
    // the policy stood would find its calls denied.
    handler.node.addDependency(policy);
    this.function = handler;
    this.serviceToken = handler.functionArn;
    this._inForce = new lambda.EventInvokeConfig(this, 'EventInvokeConfig', {
      function: handler,
      maxEventAge: Duration.seconds(EVENT_AGE),
      retryAttempts: 0,
    });
  }

  /**
   * Attaches a policy of its own to the function's role. What needs it depends on it, and so it stands until clean-up
   * has used it; and `cdk diff` lists what it grants.
   *
   * @internal
   */
  public _attachPolicy(scope: Construct, id: string, statements: iam.PolicyStatement[]): RolePolicy {
    const policy: RolePolicy = new RolePolicy(scope, id, {
      statements,
      policyName: stackUniqueName(() => policy.node.defaultChild as CfnElement),
    });
    // Naming the role in the policy's `roles` would attach it even to a role that is not mutable.
    this.role.attachInlinePolicy(policy);
    return policy;
  }
}

/** A policy that knows whether it takes part in the template: a role that is not mutable takes none. */
class RolePolicy extends iam.Policy {
  public isAttachedToRole = false;

  public override attachToRole(role: iam.IRole): void {
    this.isAttachedToRole = true;
    super.attachToRole(role);
  }
}

/**
 * A role that is handed in, or that of another stack's provider, may serve several stacks, which would overwrite and
 * delete each other's policies if they named them alike. The stack's uuid tells them apart, in two regions too.
 */
function stackUniqueName(element: () => CfnElement): string {
  const stackUuid = Fn.select(2, Fn.split('/', Aws.STACK_ID));
  return Lazy.uncachedString({ produce: () => `${element().logicalId}-${stackUuid}` });
}

const ALL_DEVICES: ExplainedWildcard = {
  resource: 'mfa/*',
  reason: 'One statement for all devices, to read their tags, and to write tags whose keys are of this library only.',
};

function claimStatements(scope: Construct): iam.PolicyStatement[] {
  const devices = Stack.of(scope).formatArn({ service: 'iam', region: '', resource: 'mfa', resourceName: '*' });
  return [
    new iam.PolicyStatement({ actions: ['iam:ListMFADeviceTags'], resources: [devices] }),
    new iam.PolicyStatement({
      actions: ['iam:TagMFADevice', 'iam:UntagMFADevice'],
      resources: [devices],
      // An empty set of keys would satisfy ForAllValues.
      conditions: {
        'ForAllValues:StringLike': { 'aws:TagKeys': `${TAG_KEY_PREFIX}*` },
        Null: { 'aws:TagKeys': 'false' },
      },
    }),
  ];
}

const ALL_NETWORK_INTERFACES: ExplainedWildcard[] = [
  { resource: '*', reason: 'IAM accepts only * for ec2:Describe actions; for the Lambda service only.' },
  { resource: '*/*', reason: 'Lambda makes network interfaces whose ids nobody knows; for the Lambda service only.' },
];

/**
 * What Lambda needs to put a function into a VPC. The service acts as the function's role; the function's own calls
 * carry `lambda:SourceFunctionArn` and are not allowed any of this.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
 */
function networkInterfaceStatements(scope: Construct): iam.PolicyStatement[] {
  const conditions = { Null: { 'lambda:SourceFunctionArn': 'true' } };
  return [
    // These know no resources: IAM accepts only `*` for them.
    new iam.PolicyStatement({
      actions: ['ec2:DescribeNetworkInterfaces', 'ec2:DescribeSubnets'],
      resources: ['*'],
      conditions,
    }),
    new iam.PolicyStatement({
      actions: [
        'ec2:CreateNetworkInterface',
        'ec2:DeleteNetworkInterface',
        'ec2:AssignPrivateIpAddresses',
        'ec2:UnassignPrivateIpAddresses',
      ],
      resources: [Stack.of(scope).formatArn({ service: 'ec2', resource: '*', resourceName: '*' })],
      conditions,
    }),
  ];
}

function validate(props: MfaEnrollmentProviderProps): void {
  const { name } = props.runtime ?? { name: DEFAULT_RUNTIME };
  if (!Token.isUnresolved(name) && Number(/^nodejs(\d+)\.x$/.exec(name)?.[1] ?? 0) < OLDEST_NODE) {
    throw new Error(
      `'runtime' is '${name}': a Node.js runtime from version ${OLDEST_NODE} is needed, such as '${DEFAULT_RUNTIME}'`,
    );
  }
  for (const prop of ['vpcSubnets', 'securityGroups'] as const) {
    if (props[prop] !== undefined && props.vpc === undefined) {
      throw new Error(`'${prop}' is given without 'vpc': it has a meaning only for a function in a VPC`);
    }
  }
}
