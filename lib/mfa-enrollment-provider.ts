import * as path from 'node:path';
import { Duration } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct, type IConstruct } from 'constructs';
import { RemovalPolicy, Stack, Token } from './private/cdk';
import { quoted } from './checks';
import { EVENT_AGE, FUNCTION_TIMEOUT } from './contract';
import { type MfaEnrollmentPathScope } from './path-scope';
import { type AcknowledgedWildcard, acknowledgeWildcards } from './private/acknowledged-findings';
import { type Service } from './private/custom-resource';
import { Declarations } from './private/declarations';
import { keyOf, literal } from './private/identity';
import { deriveLogicalIds, extendLogicalIds, keepLogicalIds } from './private/logical-id';
import { connectionsOf } from './private/network';
import { PathScope } from './private/path-scope';
import { ALL_DEVICES, allDevices, claimStatements, allow, RolePolicies, type Statement } from './private/policies';
import { problemOfKind, problemOfNames, problemOfList, problemOfNumber, problemOfType, refuse } from './private/props';
import { problemsOfRetrySettings } from './private/retry-settings';

/**
 * Id of the provider that `getOrCreate` creates. It is part of every logical id below it and never changes: a new id
 * would mean a new function, and with it a new resource for every enrollment of every stack.
 */
const SINGLETON_ID = 'MfaEnrollmentProvider';

/** The default runtime; releases raise it. Written as text, because older aws-cdk-lib versions have no constant for it. */
const DEFAULT_RUNTIME = 'nodejs24.x';

/** The oldest major version of Node.js that the bundle runs on. */
const OLDEST_NODE = 20;

/** The function's bundle, built when the package is built, never by the consumer. */
const FUNCTION_DIRECTORY = path.join(__dirname, '..', 'dist', 'function');

/** Memory in MiB. Lambda assigns CPU by memory; with less, a cold start takes seconds. */
const MEMORY_SIZE = 256;

/**
 * A provider of this stack, of another stack, or an imported one.
 */
export interface IMfaEnrollmentProvider extends IConstruct {
  /**
   * What a custom resource names as its `ServiceToken`: the ARN of the function.
   *
   * @attribute
   */
  readonly serviceToken: string;

  /**
   * The role of the function.
   */
  readonly role: iam.IRole;

  /**
   * What enrollments and devices need of the provider.
   *
   * @internal
   */
  readonly _service: Service;
}

/**
 * Attributes of a provider that another app, or a template without the CDK, has deployed.
 */
export interface MfaEnrollmentProviderAttributes {
  /**
   * The ARN of the function.
   */
  readonly serviceToken: string;

  /**
   * The ARN of the function's role.
   */
  readonly roleArn: string;

  /**
   * The path scope that the provider was deployed with. It is required: this app can't add policies to the role.
   */
  readonly pathScope: MfaEnrollmentPathScope;
}

/**
 * Properties of an `MfaEnrollmentProvider`.
 */
export interface MfaEnrollmentProviderProps {
  /**
   * The role of the function.
   *
   * The provider attaches policies with exactly what is needed, unless the role is imported and immutable
   * (`Role.fromRoleArn(..., { mutable: false })`, `role.withoutPolicyUpdates()`). Grant such a role what
   * docs/permissions.md lists. Another role means another function, and a new resource for each enrollment and device.
   *
   * @default - a new role that Lambda can assume, without managed policies
   */
  readonly role?: iam.IRole;

  /**
   * The VPC of the function. From there it must reach IAM, Secrets Manager and the S3 bucket to which CloudFormation's
   * response URLs point. IAM has interface endpoints in few regions, so most regions need a NAT gateway.
   *
   * Enrollments and devices depend on the VPC and on its endpoints, as far as the provider's stack declares them.
   *
   * @default - the function runs outside of any VPC
   */
  readonly vpc?: ec2.IVpc;

  /**
   * The subnets of the function. Only with `vpc`.
   *
   * @default - the VPC's default selection
   */
  readonly vpcSubnets?: ec2.SubnetSelection;

  /**
   * The security groups of the function's network interfaces. Only with `vpc`.
   *
   * @default - with `vpc`, a new security group that allows all outbound and no inbound traffic
   */
  readonly securityGroups?: ec2.ISecurityGroup[];

  /**
   * The runtime of the function: Node.js, version 20 or later.
   *
   * @default - `nodejs24.x`; releases of this library raise it
   */
  readonly runtime?: lambda.Runtime;

  /**
   * The log group of the function. The function logs names, request types, error codes and durations. It never logs
   * an event, a seed or a code.
   *
   * @default - a new log group that keeps logs for one year and is deleted with the provider
   */
  readonly logGroup?: logs.ILogGroup;

  /**
   * A whole number from 0. Raise it, and the next deployment checks every enrollment and device of this provider,
   * except enrollments with a `recheck` of their own and their default devices: a device that somebody deactivated is
   * enabled again, and missing claims are written again.
   *
   * @default 0
   */
  readonly recheck?: number;

  /**
   * Grants access by paths, for many users. Enrollments and devices then have no policies of their own, and one that is
   * known to be outside of the path scope is an error. Without a path scope, one role has room for the policies of about 8
   * users with devices, or of about 25 enrollments of existing devices.
   *
   * With another path scope, the old policy stays in force until cleanup is done.
   *
   * @default - each enrollment and each device has its own policy, for its user, its device and its secret
   */
  readonly pathScope?: MfaEnrollmentPathScope;
}

/**
 * The Lambda function behind `MfaEnrollment` and `VirtualMfaDevice`. It responds to CloudFormation directly, without the
 * provider framework.
 *
 * Each stack creates one when it needs one. Declare a provider to customize the function: its role, VPC, log group or
 * path scope.
 *
 * An enrollment or a device with another provider is a new resource. The device itself stays as it is, and enabled
 * throughout.
 *
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-custom-resources.html
 */
export class MfaEnrollmentProvider extends Construct implements IMfaEnrollmentProvider {
  /**
   * The provider that the enrollments and devices of a stack share, created on first use.
   *
   * @param scope any construct in the stack
   */
  public static getOrCreate(scope: Construct): MfaEnrollmentProvider {
    const stack = Stack.of(scope);
    const existing = stack.node.tryFindChild(SINGLETON_ID) as MfaEnrollmentProvider | undefined;
    return existing ?? new MfaEnrollmentProvider(stack, SINGLETON_ID);
  }

  /**
   * Imports a provider with a path scope that another app, or a template without the CDK, has deployed in this account
   * and region.
   *
   * @param scope the scope of the construct
   * @param id the id of the construct
   * @param attrs its attributes
   */
  public static fromMfaEnrollmentProviderAttributes(
    scope: Construct,
    id: string,
    attrs: MfaEnrollmentProviderAttributes,
  ): IMfaEnrollmentProvider {
    return new ImportedProvider(scope, id, attrs);
  }

  /**
   * What a custom resource names as its `ServiceToken`: the ARN of the function.
   */
  public readonly serviceToken: string;

  /**
   * The role of the function.
   */
  public readonly role: iam.IRole;

  /**
   * @internal
   */
  public readonly _service: Service;

  private readonly handler: lambda.Function;
  private isHandlerKnown = false;

  constructor(scope: Construct, id: string, props: MfaEnrollmentProviderProps = {}) {
    super(scope, id);
    validate(this, props);

    this.role =
      props.role ?? new iam.Role(this, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
    const stack = Stack.of(this);
    const policies = new RolePolicies(this, this.role, props.role === undefined);
    const logGroup =
      props.logGroup ??
      new logs.LogGroup(this, 'LogGroup', {
        retention: logs.RetentionDays.ONE_YEAR,
        removalPolicy: RemovalPolicy.DESTROY,
      });

    const policy = policies.add(this, 'Policy', [
      allow(['logs:CreateLogStream', 'logs:PutLogEvents'], logGroup.logGroupArn),
      ...(props.pathScope === undefined
        ? [allow(['iam:ListMFADeviceTags'], allDevices(stack)), ...claimStatements(stack, allDevices(stack))]
        : []),
      ...(props.vpc === undefined ? [] : networkInterfaceStatements(this)),
    ]);
    acknowledgeWildcards(policy, [
      ...(props.pathScope === undefined ? [ALL_DEVICES] : []),
      ...(props.vpc === undefined ? [] : ALL_NETWORK_INTERFACES),
    ]);

    const handler = (this.handler = new lambda.Function(this, 'Function', {
      description: 'Enables virtual MFA devices of IAM users for CloudFormation (cdk-mfa-enrollment)',
      code: Declarations.of(this).codeIn(Stack.of(this), FUNCTION_DIRECTORY),
      handler: 'index.handler',
      runtime: props.runtime ?? new lambda.Runtime(DEFAULT_RUNTIME, lambda.RuntimeFamily.NODEJS),
      memorySize: MEMORY_SIZE,
      timeout: Duration.seconds(FUNCTION_TIMEOUT),
      role: this.role,
      logGroup,
      vpc: props.vpc,
      vpcSubnets: props.vpcSubnets,
      securityGroups: props.securityGroups,
    }));
    if (props.vpc !== undefined) {
      // Lambda refuses a function in a VPC until its role can create network interfaces.
      handler.node.addDependency(policy.resource);
    }
    const cfnFunction = handler.node.defaultChild as lambda.CfnFunction;
    this.serviceToken = cfnFunction.attrArn;
    const retrySettings = new lambda.EventInvokeConfig(this, 'EventInvokeConfig', {
      function: handler,
      maxEventAge: Duration.seconds(EVENT_AGE),
      retryAttempts: 0,
    }).node.defaultChild as lambda.CfnEventInvokeConfig;
    if (props.vpc !== undefined) {
      // Every custom resource depends on the retry settings, so it also waits for the connections to AWS.
      retrySettings.node.addDependency(connectionsOf(this, props.vpc, props.securityGroups ?? []));
    }

    // With another role it is another function, because cleanup needs the old one with its role and its policies.
    const { role } = props;
    const roleKey = (reader: Stack) => role && keyOf(reader, role.roleArn);
    extendLogicalIds(this, [cfnFunction, retrySettings], roleKey);
    // A path scope takes grants away that cleanup still needs.
    extendLogicalIds(this, [policy.resource], (reader) =>
      props.pathScope === undefined ? roleKey(reader) : { role: roleKey(reader), scoped: true },
    );
    if (policies.ownRole !== undefined) {
      keepLogicalIds(this, [policies.ownRole]);
    }

    const pathScope = props.pathScope === undefined ? undefined : new PathScope(this, props.pathScope);
    const addPolicy: Service['addPolicy'] = (target, statements, wildcards) => {
      const added = policies.add(target, target === this ? 'PathScopePolicy' : 'Policy', statements);
      acknowledgeWildcards(added, wildcards);
      return added;
    };
    const granted = pathScope && addPolicy(this, pathScope.statements(), pathScope.wildcards());
    if (pathScope !== undefined && granted !== undefined) {
      deriveLogicalIds(this, pathScope.identity(this.serviceToken), { MfaEnrollmentPathScope: granted.resource });
    }
    this._service = {
      serviceToken: this.serviceToken,
      stack,
      pathScope,
      recheck: props.recheck,
      inForce: [
        retrySettings,
        ...[policy, granted].flatMap((each) => (each?.isInTemplate === true ? [each.resource] : [])),
      ],
      addPolicy,
    };
    this.node.addValidation({
      validate: () => [
        ...policies.problems(),
        // Looks at every construct of the stack, which takes a share of the synthesis of many providers.
        ...(this.isHandlerKnown ? problemsOfRetrySettings(cfnFunction, retrySettings) : []),
      ],
    });
  }

  /**
   * The function.
   */
  public get function(): lambda.IFunction {
    this.isHandlerKnown = true;
    return this.handler;
  }
}

class ImportedProvider extends Construct implements IMfaEnrollmentProvider {
  public readonly serviceToken: string;
  public readonly role: iam.IRole;
  public readonly _service: Service;

  constructor(scope: Construct, id: string, attrs: MfaEnrollmentProviderAttributes) {
    super(scope, id);
    refuse(this, 'attrs', problemOfType('object', attrs) ?? problemOfNames(attrs, ATTRIBUTES));
    refuse(this, 'serviceToken', problemOfFunctionArn(attrs.serviceToken, Stack.of(this)));
    refuse(
      this,
      'roleArn',
      problemOfRoleArn(attrs.roleArn, accountIn(attrs.serviceToken) ?? literal(Stack.of(this).account)),
    );
    this.serviceToken = attrs.serviceToken;
    this.role = iam.Role.fromRoleArn(this, 'Role', attrs.roleArn, { mutable: false });
    this._service = {
      serviceToken: attrs.serviceToken,
      stack: Stack.of(this),
      pathScope: new PathScope(this, attrs.pathScope),
      inForce: [],
      addPolicy: () => {
        throw new Error('an imported provider has a path scope, so nothing adds a policy');
      },
    };
  }
}

const ALL_NETWORK_INTERFACES: AcknowledgedWildcard[] = [
  { resource: '*', reason: 'IAM accepts only * for ec2:Describe actions; for the Lambda service only.' },
  {
    resource: '*/*',
    reason: 'Lambda creates network interfaces with ids that nobody knows; for the Lambda service only.',
  },
];

/**
 * What Lambda needs to put a function into a VPC. The service acts as the function's role; the function's own calls
 * carry `lambda:SourceFunctionArn` and are not allowed any of this.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
 */
function networkInterfaceStatements(scope: Construct): Statement[] {
  const conditions = { Null: { 'lambda:SourceFunctionArn': 'true' } };
  return [
    // These know no resources: IAM accepts only `*` for them.
    allow(['ec2:DescribeNetworkInterfaces', 'ec2:DescribeSubnets'], '*', conditions),
    allow(
      [
        'ec2:AssignPrivateIpAddresses',
        'ec2:CreateNetworkInterface',
        'ec2:DeleteNetworkInterface',
        'ec2:UnassignPrivateIpAddresses',
      ],
      Stack.of(scope).formatArn({ service: 'ec2', resource: '*', resourceName: '*' }),
      conditions,
    ),
  ];
}

const ATTRIBUTES: Record<keyof MfaEnrollmentProviderAttributes, true> = {
  serviceToken: true,
  roleArn: true,
  pathScope: true,
};

const PROPS: Record<keyof MfaEnrollmentProviderProps, true> = {
  role: true,
  vpc: true,
  vpcSubnets: true,
  securityGroups: true,
  runtime: true,
  logGroup: true,
  recheck: true,
  pathScope: true,
};

function validate(scope: Construct, props: MfaEnrollmentProviderProps): void {
  const fail = (prop: string, problem: string | undefined) => refuse(scope, prop, problem);
  fail('props', problemOfType('object', props) ?? problemOfNames(props, PROPS));
  for (const kind of ['role', 'vpc', 'runtime', 'logGroup'] as const) {
    if (props[kind] !== undefined) {
      fail(kind, problemOfKind(kind, props[kind]));
    }
  }
  if (props.recheck !== undefined) {
    fail('recheck', problemOfNumber(props.recheck, 0));
  }
  const account = literal(Stack.of(scope).account);
  const roleAccount = literal(props.role?.principalAccount);
  if (account !== undefined && roleAccount !== undefined && account !== roleAccount) {
    fail(
      'role',
      `invalid value '${props.role?.node.path}' in account ${roleAccount}: expected a role in account ${account}, which is the stack's`,
    );
  }
  const { name } = props.runtime ?? { name: DEFAULT_RUNTIME };
  if (!Token.isUnresolved(name) && Number(/^nodejs(\d+)\.x$/.exec(name)?.[1] ?? 0) < OLDEST_NODE) {
    fail(
      'runtime',
      `invalid value '${name}': expected a Node.js runtime from version ${OLDEST_NODE}, such as '${DEFAULT_RUNTIME}'`,
    );
  }
  for (const prop of ['vpcSubnets', 'securityGroups'] as const) {
    if (props[prop] !== undefined && props.vpc === undefined) {
      fail(prop, "is set without 'vpc': expected both or neither");
    }
  }
  if (props.vpcSubnets !== undefined) {
    fail('vpcSubnets', problemOfType('object', props.vpcSubnets));
  }
  if (props.securityGroups !== undefined) {
    fail('securityGroups', problemOfList('securityGroup', props.securityGroups));
  }
}

/** CloudFormation calls a function in the region of the stack only. */
function problemOfFunctionArn(arn: string, { account, region }: Stack): string | undefined {
  const problem = problemOfType('string', arn);
  if (problem !== undefined || literal(arn) === undefined) {
    return problem;
  }
  const [, itsRegion, itsAccount] = /^arn:[^:]+:lambda:([^:]+):(\d{12}):function:./.exec(arn) ?? [];
  if (itsRegion === undefined || itsAccount === undefined) {
    return `invalid value ${quoted(arn)}: expected the ARN of a Lambda function`;
  }
  for (const [what, theirs, ours] of [
    ['region', itsRegion, literal(region)],
    ['account', itsAccount, literal(account)],
  ] as const) {
    if (ours !== undefined && theirs !== ours) {
      return `invalid value ${quoted(arn)} in ${what} ${theirs}: expected a function in ${what} ${ours}, which is the stack's`;
    }
  }
  return undefined;
}

/** @param account of the function, as far as it is known */
function problemOfRoleArn(arn: string, account: string | undefined): string | undefined {
  const problem = problemOfType('string', arn);
  if (problem !== undefined || literal(arn) === undefined) {
    return problem;
  }
  if (!/^arn:[^:]+:iam::\d{12}:role\/[^*?\s]+$/.test(arn)) {
    return `invalid value ${quoted(arn)}: expected the ARN of a role`;
  }
  return account === undefined || accountIn(arn) === account
    ? undefined
    : `invalid value ${quoted(arn)}: expected a role in account ${account}, which is the function's`;
}

/** The account in an ARN, as far as it is known. */
function accountIn(arn: string): string | undefined {
  return literal(arn)?.split(':')[4];
}
