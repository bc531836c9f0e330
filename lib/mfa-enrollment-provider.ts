import * as path from 'node:path';
import { Annotations, Aws, Duration, Fn } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { CfnPolicy, type CfnResource, RemovalPolicy, Stack, Token } from './private/cdk';
import { EVENT_AGE, FUNCTION_TIMEOUT, TAG_KEY_PREFIX } from './contract';
import { type ExplainedWildcard, explainWildcards } from './private/acknowledged-findings';
import { literalText } from './private/identity';
import { deriveLogicalIds, keepLogicalIds } from './private/logical-id';
import { literal } from './private/prop-checks';
import { ProviderScope } from './private/path-scope';
import { allow, type Statement } from './private/statement';

/**
 * Id of the provider that `getOrCreate` makes. It is part of every logical id below it and never changes:
 * a new id would mean a new function, and with it a new resource for every enrollment of every stack.
 */
const SINGLETON_ID = 'MfaEnrollmentProvider';

/** The runtime that functions get by default; releases raise it. Named by its text, as older aws-cdk-lib versions know no constant for it. */
const DEFAULT_RUNTIME = 'nodejs24.x';

/** The context key by which `Role.customizeRoles` says that it is in force. */
const CUSTOMIZED_ROLES = '@aws-cdk/iam:customizeRoles';

/** The oldest major version of Node.js that the bundle runs on. */
const OLDEST_NODE = 20;

/** The function's bundle, built when the package is built, never by the consumer. */
const FUNCTION_DIRECTORY = path.join(__dirname, '..', 'dist', 'function');

/** Memory in MiB. Lambda gives a function CPU by its memory; less makes a cold start last seconds. */
const MEMORY_SIZE = 256;

/**
 * Characters that the inline policies of one role may have in all.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
 */
const ROLE_POLICY_LENGTH = 10_240;

/**
 * What a provider may reach: users, devices and secrets by their paths and names, whoever declares them.
 */
export interface MfaEnrollmentProviderScope {
  /**
   * The IAM path below which the users are. It begins and ends with `/`; `/` covers all users of the account.
   */
  readonly userPath: string;

  /**
   * The IAM path below which the devices are. It begins and ends with `/`.
   */
  readonly devicePath: string;

  /**
   * What the names of the seed secrets begin with, in the account and the region of the provider.
   *
   * @default - `mfa` and the device path, such as `mfa/staff/`: what a `VirtualMfaDevice` calls its secrets
   */
  readonly seedSecretPrefix?: string;

  /**
   * The customer-managed keys that encrypt seed secrets.
   *
   * @default - none: the key that AWS manages needs no grant
   */
  readonly encryptionKeys?: kms.IKey[];
}

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

  /**
   * What the function may reach, by paths and names: for many users. Enrollments and devices then have no policies of
   * their own, of which one role carries those of about ten users with devices, or of twenty-five enrollments alone; and
   * one that is known to be outside is an error.
   *
   * With another scope, the old grant stands until what is removed with it is cleaned up.
   *
   * @default - each enrollment and each device has a policy of its own, for its user, its device and its secret
   */
  readonly scope?: MfaEnrollmentProviderScope;
}

/**
 * The Lambda function behind `MfaEnrollment` and `VirtualMfaDevice`: it answers CloudFormation itself, without the
 * provider framework.
 *
 * One per stack is enough, and enrollments and devices make it by themselves. Declare one to run it as a role, in a VPC
 * or with a log group of your own.
 *
 * An enrollment or a device that is given another provider becomes a new resource: the device stays as it is, and
 * enabled throughout.
 *
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-custom-resources.html
 */
export class MfaEnrollmentProvider extends Construct {
  /**
   * The provider that the enrollments and devices of a stack share, made on first use.
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
   * What every custom resource of this provider depends on: retry attempts and event age are a resource of their own,
   * and a request that comes before they are in force could be delivered twice, or after CloudFormation has given it
   * up. Behind it stand the function, its role and its policy.
   */
  private readonly inForce: CfnResource;

  /**
   * What enrollments and devices are checked against.
   *
   * @internal
   */
  public readonly _scope?: ProviderScope;

  /** Those on the role: other providers may have it, too. */
  private readonly policies: InlinePolicy[];
  /** The role that this provider makes; `undefined` where it is handed in, or made elsewhere by `Role.customizeRoles`. */
  private readonly ownRole?: iam.CfnRole;

  constructor(scope: Construct, id: string, props: MfaEnrollmentProviderProps = {}) {
    super(scope, id);
    validate(this, props);

    this.role =
      props.role ?? new iam.Role(this, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
    if (props.role === undefined && this.node.tryGetContext(CUSTOMIZED_ROLES) === undefined) {
      this.ownRole = this.role.node.defaultChild as iam.CfnRole;
    }
    this.policies = policiesOn.get(this.role) ?? [];
    policiesOn.set(this.role, this.policies);
    const logGroup =
      props.logGroup ??
      new logs.LogGroup(this, 'LogGroup', {
        retention: logs.RetentionDays.ONE_YEAR,
        removalPolicy: RemovalPolicy.DESTROY,
      });

    const policy = this.addPolicy(this, 'Policy', [
      allow(['logs:CreateLogStream', 'logs:PutLogEvents'], logGroup.logGroupArn),
      ...(props.scope === undefined ? claimStatements(this) : []),
      ...(props.vpc === undefined ? [] : networkInterfaceStatements(this)),
    ]);
    explainWildcards(policy.resource, [
      ...(props.scope === undefined ? [ALL_DEVICES] : []),
      ...(props.vpc === undefined ? [] : ALL_NETWORK_INTERFACES),
    ]);

    const handler = new lambda.Function(this, 'Function', {
      description: 'Enables virtual MFA devices of IAM users for CloudFormation (cdk-mfa-enrollment)',
      code: functionCode(Stack.of(this)),
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
    handler.node.addDependency(policy.resource);
    this.function = handler;
    const resource = handler.node.defaultChild as lambda.CfnFunction;
    this.serviceToken = resource.attrArn;
    const eventInvokeConfig = new lambda.EventInvokeConfig(this, 'EventInvokeConfig', {
      function: handler,
      maxEventAge: Duration.seconds(EVENT_AGE),
      retryAttempts: 0,
    });
    this.inForce = eventInvokeConfig.node.defaultChild as CfnResource;
    keepLogicalIds(this, [resource, this.inForce, ...(this.ownRole === undefined ? [] : [this.ownRole])]);
    if (props.scope !== undefined) {
      this._scope = new ProviderScope(this, props.scope);
      const grant = this.grant(this, 'ScopePolicy', this._scope.statements(), this._scope.wildcards());
      deriveLogicalIds(this, this._scope.identity(this.serviceToken), { MfaEnrollmentScope: grant.policy });
      this.inForce = grant.inForce;
    }
    this.node.addValidation({ validate: () => this.problemsOfPolicies() });
  }

  /**
   * Grants one custom resource what it needs, by a policy of its own, which `cdk diff` lists; or by the scope's.
   *
   * @internal
   */
  public _grant(
    scope: Construct,
    statements: Statement[],
    wildcards: ExplainedWildcard[],
  ): Partial<Grant> & Pick<Grant, 'inForce'> {
    return this._scope === undefined ? this.grant(scope, 'Policy', statements, wildcards) : { inForce: this.inForce };
  }

  private grant(scope: Construct, id: string, statements: Statement[], wildcards: ExplainedWildcard[]): Grant {
    const policy = this.addPolicy(scope, id, statements);
    explainWildcards(policy.resource, wildcards);
    // In this order, and not both side by side: the custom resource's own dependency is then one, whatever its path is.
    policy.resource.node.addDependency(this.inForce);
    return {
      policy: policy.resource,
      inForce: policy.isAttachedToRole ? policy.resource : this.inForce,
    };
  }

  private addPolicy(scope: Construct, id: string, statements: Statement[]): InlinePolicy {
    const policy =
      this.ownRole === undefined
        ? this.attachedPolicy(scope, id, statements)
        : policyOf(this.ownRole, scope, id, statements);
    policy.resource.policyName = this.nameOf(policy.resource);
    this.policies.push(policy);
    return policy;
  }

  /** Naming the role in the policy's `roles` would attach it even to a role that is not mutable. */
  private attachedPolicy(scope: Construct, id: string, statements: Statement[]): InlinePolicy {
    const policy = new RolePolicy(scope, id, {
      statements: statements.map((statement) => iam.PolicyStatement.fromJson(statement)),
    });
    this.role.attachInlinePolicy(policy);
    return policy;
  }

  /**
   * In the stack of a role that this provider makes, the logical id is enough of a name. A role that is handed in, or
   * that of another stack's provider, may serve several stacks, which would overwrite and delete each other's policies
   * if they named them alike. The stack's uuid tells them apart, in two regions too.
   */
  private nameOf({ logicalId, stack }: CfnPolicy): string {
    return this.ownRole !== undefined && stack === Stack.of(this)
      ? logicalId
      : `${logicalId}-${Fn.select(2, Fn.split('/', Aws.STACK_ID))}`;
  }

  /** IAM refuses what is too much for one role only in the middle of a deployment. */
  private problemsOfPolicies(): string[] {
    const { least, likely } = lengthOf(
      this.policies
        .filter(({ isAttachedToRole }) => isAttachedToRole)
        .map(({ document, resource }) => resource.stack.resolve(document) as unknown),
    );
    const remedy =
      "give enrollments and devices a 'provider' with a 'scope', which needs one policy for all of them, or several with a role for each";
    if (least > ROLE_POLICY_LENGTH) {
      return [
        `the policies on its role have at least ${least} characters, and IAM allows ${ROLE_POLICY_LENGTH} in all: ${remedy}`,
      ];
    }
    if (likely > ROLE_POLICY_LENGTH / 2) {
      const consequence =
        likely > ROLE_POLICY_LENGTH
          ? 'the deployment will most likely fail'
          : 'an update that replaces them needs twice as many';
      Annotations.of(this).addWarningV2(
        'cdk-mfa-enrollment:rolePolicyLength',
        `the policies on its role have about ${likely} characters, IAM allows ${ROLE_POLICY_LENGTH} in all, and ${consequence}: ${remedy}`,
      );
    }
    return [];
  }
}

/** What only a deployment knows stands for an ARN, mostly, or for the greater part of one. */
const LIKELY_LENGTH = 80;
/** At their shortest. */
const PSEUDO_PARAMETERS: Readonly<Record<string, string>> = {
  'AWS::Partition': 'aws',
  'AWS::AccountId': '123456789012',
  'AWS::Region': 'us-east-1',
};

/** How many characters policy documents will have, without white space, which IAM does not count. */
function lengthOf(resolved: readonly unknown[]): { readonly least: number; readonly likely: number } {
  const text = JSON.stringify(resolved, (_, value: unknown) => (isIntrinsic(value) ? textOf(value) : value));
  const unknown = text.split(UNKNOWN).length - 1;
  const least = text.length - unknown * UNKNOWN.length;
  return { least, likely: least + unknown * LIKELY_LENGTH };
}

/** A NUL, as it stands in JSON. */
const UNKNOWN = '\\u0000';

function textOf(value: object): string {
  const known = JSON.stringify(value).replace(
    /\{"Ref":"(AWS::\w+)"\}/g,
    (reference, name: string) => JSON.stringify(PSEUDO_PARAMETERS[name]) ?? reference,
  );
  return literalText(JSON.parse(known));
}

function isIntrinsic(value: unknown): value is object {
  return typeof value === 'object' && value !== null && /^(Ref|Fn::\w+)$/.test(Object.keys(value)[0] ?? '');
}

/** The policies of all providers on each role. */
const policiesOn = new WeakMap<iam.IRole, InlinePolicy[]>();

const functionCodes = new WeakMap<Stack, lambda.Code>();

/** The function's code, an asset that all providers of a stack share. */
function functionCode(stack: Stack): lambda.Code {
  const code = functionCodes.get(stack) ?? lambda.Code.fromAsset(FUNCTION_DIRECTORY);
  functionCodes.set(stack, code);
  return code;
}

/** What one custom resource is granted. */
interface Grant {
  /** The resource that grants it. */
  readonly policy: CfnResource;
  /**
   * What the custom resource depends on. CloudFormation deletes the custom resource before what it depends on: it is
   * granted until clean-up has used it.
   */
  readonly inForce: CfnResource;
}

/** A policy on the function's role. */
interface InlinePolicy {
  readonly resource: CfnPolicy;
  readonly document: unknown;
  /** Whether it takes part in the template. */
  readonly isAttachedToRole: boolean;
}

/**
 * A policy on a role that the app makes here, without what aws-cdk-lib's own does beside it: there are as many as
 * enrollments, and with it their synthesis took a fifth longer.
 */
function policyOf(role: iam.CfnRole, scope: Construct, id: string, statements: Statement[]): InlinePolicy {
  const document = { Version: '2012-10-17', Statement: statements };
  const resource = new CfnPolicy(scope, id, { policyName: '', policyDocument: document, roles: [role.ref] });
  return { resource, document, isAttachedToRole: true };
}

/** A policy that a role takes or does not, as one that is not mutable. */
class RolePolicy extends iam.Policy implements InlinePolicy {
  public isAttachedToRole = false;

  public get resource(): CfnPolicy {
    return this.node.defaultChild as CfnPolicy;
  }

  public override attachToRole(role: iam.IRole): void {
    this.isAttachedToRole = true;
    super.attachToRole(role);
  }
}

const ALL_DEVICES: ExplainedWildcard = {
  resource: 'mfa/*',
  reason: 'One statement for all devices, to read their tags, and to write tags whose keys are of this library only.',
};

function claimStatements(scope: Construct): Statement[] {
  const devices = Stack.of(scope).formatArn({ service: 'iam', region: '', resource: 'mfa', resourceName: '*' });
  return [
    allow(['iam:ListMFADeviceTags'], devices),
    allow(['iam:TagMFADevice', 'iam:UntagMFADevice'], devices, {
      'ForAllValues:StringLike': { 'aws:TagKeys': `${TAG_KEY_PREFIX}*` },
      // An empty set of keys would satisfy ForAllValues.
      Null: { 'aws:TagKeys': 'false' },
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

function validate(scope: Construct, props: MfaEnrollmentProviderProps): void {
  const account = literal(Stack.of(scope).account);
  const roleAccount = literal(props.role?.principalAccount);
  if (account !== undefined && roleAccount !== undefined && account !== roleAccount) {
    throw new Error(
      `'role' is in account ${roleAccount}, but the stack is in account ${account}: a function runs as a role of its own account`,
    );
  }
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
