import { Annotations, Fn, type IResolvable } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { type Construct } from 'constructs';
import { MARK_PREFIX, TAG_KEY_PREFIX } from '../contract';
import { CfnPolicy, type CfnResource, Lazy, Stack, Token } from './cdk';
import { type AcknowledgedWildcard } from './acknowledged-findings';
import { Declarations, type InlinePolicy, resolvedDocument } from './declarations';
import { literalText } from './identity';

/** A statement of an IAM policy, as JSON. */
export interface Statement {
  readonly Action: string | readonly string[];
  readonly Effect: 'Allow';
  readonly Resource: string;
  readonly Condition?: Conditions;
}

/** Operators, and what each compares. */
export type Conditions = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;

/** Allows actions on one resource, or on those that a wildcard in its ARN covers. */
export function allow(actions: readonly string[], resource: string, conditions?: Conditions): Statement {
  const [first = '', ...others] = actions;
  return {
    Action: others.length === 0 ? first : actions,
    Effect: 'Allow',
    Resource: resource,
    ...(conditions && { Condition: conditions }),
  };
}

/** Requests about tags whose keys all match one of these patterns. */
function onlyTagKeys(...patterns: readonly string[]): Conditions {
  return ofTagKeys('ForAllValues:StringLike', patterns);
}

/** Requests about tags none of whose keys matches this pattern. */
export function noTagKeys(pattern: string): Conditions {
  return ofTagKeys('ForAllValues:StringNotLike', [pattern]);
}

function ofTagKeys(operator: string, [first = '', ...others]: readonly string[]): Conditions {
  return {
    [operator]: { 'aws:TagKeys': others.length === 0 ? first : [first, ...others] },
    // An empty set of keys would satisfy ForAllValues.
    Null: { 'aws:TagKeys': 'false' },
  };
}

/** The keys of the tags of one stack's resources. */
function claimKeysOf(stack: Stack): string {
  return `${TAG_KEY_PREFIX}*:${uuidOf(stack)}/*`;
}

/** The ARN of every virtual MFA device in the account. */
export function allDevices(stack: Stack): string {
  return stack.formatArn({ service: 'iam', region: '', resource: 'mfa', resourceName: '*' });
}

export const ALL_DEVICES: AcknowledgedWildcard = {
  resource: 'mfa/*',
  reason: 'All devices: to read their tags, and to write tags with keys of this stack only.',
};

/** What writing the tags of one stack's resources takes, and removing marks of others that are over. */
export function claimStatements(stack: Stack, devices: string): Statement[] {
  return [
    allow(['iam:TagMFADevice'], devices, onlyTagKeys(claimKeysOf(stack))),
    allow(['iam:UntagMFADevice'], devices, onlyTagKeys(claimKeysOf(stack), `${MARK_PREFIX}*`)),
  ];
}

/** The end of a stack's id, which distinguishes it from all others. */
function uuidOf(stack: Stack): string {
  return Fn.select(2, Fn.split('/', stack.stackId));
}

/** The context key that `Role.customizeRoles` sets. */
const CUSTOMIZED_ROLES = '@aws-cdk/iam:customizeRoles';

/**
 * Characters that the inline policies of one role can have in total.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
 */
const ROLE_POLICY_LENGTH = 10_240;

/**
 * The policies that one provider puts on its role.
 *
 * There are two kinds. A role that the provider creates takes `CfnPolicy` with JSON: there are as many as enrollments,
 * and an L2 policy for each makes their synthesis a fifth slower, which misses a bound of the bench. A role that the
 * app passes in takes L2 policies, because only these respect roles that are immutable or created elsewhere.
 */
export class RolePolicies {
  /** The role that the provider creates. */
  public readonly ownRole?: iam.CfnRole;
  /** Those of all providers that use the role. */
  private readonly all: InlinePolicy[];

  /** @param isOwn whether the provider creates the role */
  constructor(
    private readonly provider: Construct,
    private readonly role: iam.IRole,
    isOwn: boolean,
  ) {
    if (isOwn && provider.node.tryGetContext(CUSTOMIZED_ROLES) === undefined) {
      this.ownRole = role.node.defaultChild as iam.CfnRole;
    }
    this.all = Declarations.of(provider).policiesOn(role);
  }

  public add(scope: Construct, id: string, statements: readonly Statement[]): InlinePolicy {
    const policy =
      this.ownRole === undefined ? this.attached(scope, id, statements) : policyOf(this.ownRole, scope, id, statements);
    policy.resource.policyName = this.nameOf(policy.resource);
    this.all.push(policy);
    return policy;
  }

  /** Naming the role in the policy's `roles` would attach it even to a role that is immutable. */
  private attached(scope: Construct, id: string, statements: readonly Statement[]): InlinePolicy {
    const policy = new AttachedPolicy(scope, id, {
      statements: statements.map((statement) => iam.PolicyStatement.fromJson(statement)),
    });
    this.role.attachInlinePolicy(policy);
    return policy;
  }

  /**
   * A role that is passed in, or that of another stack's provider, may serve several stacks, which would overwrite and
   * delete each other's policies if these had one name. The stack's uuid distinguishes them, in two regions too.
   */
  private nameOf({ logicalId, stack }: CfnResource): string {
    return this.ownRole !== undefined && stack === Stack.of(this.provider)
      ? logicalId
      : `${logicalId}-${uuidOf(stack)}`;
  }

  /** IAM refuses what is too much for one role only in the middle of a deployment. */
  public problems(): string[] {
    const { least, likely } = lengthOf(this.all.filter(({ isInTemplate }) => isInTemplate));
    const remedy =
      "use a provider with a 'pathScope', which needs one policy for all of them, or several providers, each with its own role";
    if (least > ROLE_POLICY_LENGTH) {
      return [
        `the policies on its role have at least ${least} characters, and IAM allows ${ROLE_POLICY_LENGTH} in total: ${remedy}`,
      ];
    }
    if (likely > ROLE_POLICY_LENGTH / 2) {
      const consequence =
        likely > ROLE_POLICY_LENGTH
          ? 'the deployment will most likely fail'
          : 'an update that replaces them needs twice as many';
      Annotations.of(this.provider).addWarningV2(
        'cdk-mfa-enrollment:rolePolicyLength',
        `the policies on its role have about ${likely} characters, IAM allows ${ROLE_POLICY_LENGTH} in total, and ${consequence}: ${remedy}`,
      );
    }
    return [];
  }
}

function policyOf(role: iam.CfnRole, scope: Construct, id: string, statements: readonly Statement[]): InlinePolicy {
  const document = { Version: '2012-10-17', Statement: statements };
  const isLiteral = !Token.isUnresolved(JSON.stringify(document));
  const policyDocument = isLiteral ? unsearched(document) : document;
  const resource = new CfnPolicy(scope, id, { policyName: '', policyDocument, roles: [role.ref] });
  return { resource, document, isLiteral, isInTemplate: true };
}

/**
 * A stack that is being prepared is searched for tokens. What holds none is kept out of the search, which takes 6 % of
 * the synthesis of many enrollments. A bound of the synthesis bench needs this.
 */
function unsearched(value: object): IResolvable {
  return Lazy.uncachedAny({ produce: ({ preparing }) => (preparing ? {} : value) });
}

/** A policy that knows whether the role accepted it. */
class AttachedPolicy extends iam.Policy implements InlinePolicy {
  public readonly isLiteral = false;
  public isInTemplate = false;

  public get resource(): iam.CfnPolicy {
    return this.node.defaultChild as iam.CfnPolicy;
  }

  public override attachToRole(role: iam.IRole): void {
    this.isInTemplate = true;
    super.attachToRole(role);
  }
}

/** The length that stands in for a value that only a deployment knows: most are ARNs, or the greater part of one. */
const LIKELY_LENGTH = 80;
/** At their shortest. */
const PSEUDO_PARAMETERS: Readonly<Record<string, string>> = {
  'AWS::Partition': 'aws',
  'AWS::AccountId': '123456789012',
  'AWS::Region': 'us-east-1',
};
/** A NUL, as JSON writes it. */
const UNKNOWN = '\\u0000';

/** How many characters policy documents will have, without white space, which IAM does not count. */
function lengthOf(policies: readonly InlinePolicy[]): { readonly least: number; readonly likely: number } {
  const known = (_: string, value: unknown) => (isIntrinsic(value) ? literalText(value, PSEUDO_PARAMETERS) : value);
  const text = policies
    .map((policy) => JSON.stringify(resolvedDocument(policy), policy.isLiteral ? undefined : known))
    .join('');
  const unknown = text.split(UNKNOWN).length - 1;
  const least = text.length - unknown * UNKNOWN.length;
  return { least, likely: least + unknown * LIKELY_LENGTH };
}

function isIntrinsic(value: unknown): value is object {
  return typeof value === 'object' && value !== null && /^(Ref|Fn::\w+)$/.test(Object.keys(value)[0] ?? '');
}
