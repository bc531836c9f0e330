import { AwsError } from '../aws-error';
import { parsePolicy, type Policy, requireStatements } from './authorization/policy';
import type { AccountContext } from './context';
import { History } from './delays';
import { type Page, type PageRequest, pageOf } from './pages';
import { type Tag, Tags } from './tags';

/**
 * The maximum size of all inline policies of a role, in characters.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
 */
const MAX_POLICY_CHARACTERS = 10_240;

/** The maximum number of managed policies of a role. */
const MAX_MANAGED_POLICIES = 10;

/** An IAM role. */
export interface Role {
  readonly id: string;
  readonly name: string;
  readonly path: string;
  readonly createdAt: number;
  readonly assumeRolePolicyDocument: string;
  readonly description: string | undefined;
  readonly maxSessionDuration: number;
  readonly tags: Tags;
  /** Documents by policy name, as written. */
  readonly inlinePolicies: Map<string, string>;
  /** ARNs of managed policies. They are listed but grant nothing, because their documents are unknown here. */
  readonly managedPolicies: Set<string>;
}

interface PolicyInput {
  readonly RoleName: string;
  readonly PolicyName: string;
}

/** The roles of one account. */
export class Roles {
  private readonly roles = new Map<string, Role>();
  /** The policies in force, by role name. They outlive a deleted policy or role for as long as propagation takes. */
  private readonly inForce = new Map<string, History<readonly Policy[]>>();

  constructor(private readonly context: AccountContext) {}

  create(input: {
    RoleName: string;
    AssumeRolePolicyDocument: string;
    Path?: string;
    Description?: string;
    MaxSessionDuration?: number;
    Tags?: readonly Tag[];
  }): Role {
    const taken = this.all.some((role) => role.name.toLowerCase() === input.RoleName.toLowerCase());
    if (taken) {
      throw new AwsError('EntityAlreadyExists', 409, `Role with name ${input.RoleName} already exists.`);
    }
    requireStatements(input.AssumeRolePolicyDocument);
    const tags = new Tags('insensitive');
    tags.put(input.Tags ?? []);
    const role: Role = {
      id: this.context.uniqueId('AROA'),
      name: input.RoleName,
      path: input.Path ?? '/',
      createdAt: this.context.clock.now(),
      assumeRolePolicyDocument: input.AssumeRolePolicyDocument,
      description: input.Description,
      maxSessionDuration: input.MaxSessionDuration ?? 3600,
      tags,
      inlinePolicies: new Map(),
      managedPolicies: new Set(),
    };
    this.roles.set(role.name, role);
    return role;
  }

  find(name: string): Role | undefined {
    return this.roles.get(name);
  }

  get(name: string): Role {
    const role = this.find(name);
    if (role === undefined) {
      throw new AwsError('NoSuchEntity', 404, `The role with name ${name} cannot be found.`);
    }
    return role;
  }

  delete(name: string): void {
    const role = this.get(name);
    if (role.managedPolicies.size > 0) {
      throw new AwsError('DeleteConflict', 409, 'Cannot delete entity, must detach all policies first.');
    }
    if (role.inlinePolicies.size > 0) {
      throw new AwsError('DeleteConflict', 409, 'Cannot delete entity, must delete policies first.');
    }
    this.roles.delete(name);
  }

  putPolicy({ RoleName, PolicyName, PolicyDocument }: PolicyInput & { PolicyDocument: string }): void {
    const role = this.get(RoleName);
    parsePolicy(PolicyDocument);
    const documents = new Map(role.inlinePolicies).set(PolicyName, PolicyDocument);
    const characters = [...documents.values()].join('').replace(/\s/g, '').length;
    if (characters > MAX_POLICY_CHARACTERS) {
      throw new AwsError(
        'LimitExceeded',
        409,
        `Maximum policy size of ${MAX_POLICY_CHARACTERS} bytes exceeded for role ${RoleName}`,
      );
    }
    role.inlinePolicies.set(PolicyName, PolicyDocument);
    this.propagate(role);
  }

  policy({ RoleName, PolicyName }: PolicyInput): string {
    const document = this.get(RoleName).inlinePolicies.get(PolicyName);
    if (document === undefined) {
      throw new AwsError('NoSuchEntity', 404, `The role policy with name ${PolicyName} cannot be found.`);
    }
    return document;
  }

  deletePolicy(input: PolicyInput): void {
    this.policy(input);
    const role = this.get(input.RoleName);
    role.inlinePolicies.delete(input.PolicyName);
    this.propagate(role);
  }

  listPolicies({ RoleName, ...request }: PageRequest & { RoleName: string }): Page<string> {
    return pageOf([...this.get(RoleName).inlinePolicies.keys()], (name) => name, request);
  }

  attach(roleName: string, policyArn: string): void {
    const { managedPolicies } = this.get(roleName);
    if (!managedPolicies.has(policyArn) && managedPolicies.size >= MAX_MANAGED_POLICIES) {
      throw new AwsError('LimitExceeded', 409, `Cannot exceed quota for PoliciesPerRole: ${MAX_MANAGED_POLICIES}`);
    }
    managedPolicies.add(policyArn);
  }

  detach(roleName: string, policyArn: string): void {
    if (!this.get(roleName).managedPolicies.delete(policyArn)) {
      throw new AwsError('NoSuchEntity', 404, `Policy ${policyArn} was not found.`);
    }
  }

  listManagedPolicies({ RoleName, ...request }: PageRequest & { RoleName: string }): Page<string> {
    return pageOf([...this.get(RoleName).managedPolicies], (arn) => arn, request);
  }

  /** The policies of a role that are in force now, that is, those that have propagated. */
  policiesInForce(roleName: string): readonly Policy[] {
    const { clock, delays } = this.context;
    return this.inForce.get(roleName)?.at(clock.now() - (delays.policy ?? 0)) ?? [];
  }

  arnOf(role: Role): string {
    return this.context.arn('role', role.path, role.name);
  }

  /** All roles, sorted by name. */
  get all(): Role[] {
    return [...this.roles.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  private propagate(role: Role): void {
    const inForce = this.inForce.get(role.name) ?? new History<readonly Policy[]>([]);
    inForce.write(
      [...role.inlinePolicies.values()].map((document) => parsePolicy(document)),
      this.context.clock.now(),
    );
    this.inForce.set(role.name, inForce);
  }
}
