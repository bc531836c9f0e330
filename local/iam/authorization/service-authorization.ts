import type { CloudFormationAction } from '../../cloudformation/api-parameters';
import type { SecretsManagerAction } from '../../secrets-manager/parameters';
import type { IamAction } from '../inputs';

/** The kind of resource that an action is authorized against; `*` for actions without a resource. */
export type ResourceType = 'user' | 'mfa' | 'role' | '*';

/** How one action is authorized. */
export interface ActionAuthorization {
  readonly resource: ResourceType;
  /** Whether the request contains `aws:RequestTag/…`, from its `Tags`. */
  readonly requestTags?: true;
  /** Whether the request contains `aws:TagKeys`, from its `Tags` or `TagKeys`. */
  readonly tagKeys?: true;
  /** The action that must be allowed on the same resource, too, if the request contains `Tags`. */
  readonly tagging?: string;
}

/**
 * How each action of IAM is authorized, from the published service authorization data. It lists only condition keys
 * that depend on the request; policies that use `aws:ResourceTag/…` and `iam:…` keys are rejected by name.
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags_virtual-mfa.html
 */
export const IAM_AUTHORIZATION: Readonly<Record<IamAction, ActionAuthorization>> = {
  CreateUser: { resource: 'user', requestTags: true, tagKeys: true, tagging: 'iam:TagUser' },
  GetUser: { resource: 'user' },
  ListUsers: { resource: '*' },
  UpdateUser: { resource: 'user' },
  DeleteUser: { resource: 'user' },

  EnableMFADevice: { resource: 'user' },
  ResyncMFADevice: { resource: 'user' },
  DeactivateMFADevice: { resource: 'user' },
  ListMFADevices: { resource: 'user' },
  GetMFADevice: { resource: 'user' },
  CreateVirtualMFADevice: { resource: 'mfa', requestTags: true, tagKeys: true, tagging: 'iam:TagMFADevice' },
  DeleteVirtualMFADevice: { resource: 'mfa' },
  ListVirtualMFADevices: { resource: '*' },
  TagMFADevice: { resource: 'mfa', requestTags: true, tagKeys: true },
  UntagMFADevice: { resource: 'mfa', tagKeys: true },
  ListMFADeviceTags: { resource: 'mfa' },

  CreateRole: { resource: 'role', requestTags: true, tagKeys: true, tagging: 'iam:TagRole' },
  GetRole: { resource: 'role' },
  DeleteRole: { resource: 'role' },
  PutRolePolicy: { resource: 'role' },
  GetRolePolicy: { resource: 'role' },
  DeleteRolePolicy: { resource: 'role' },
  ListRolePolicies: { resource: 'role' },
  AttachRolePolicy: { resource: 'role' },
  DetachRolePolicy: { resource: 'role' },
  ListAttachedRolePolicies: { resource: 'role' },
};

/**
 * How one action of Secrets Manager is authorized: against the secret, and against its customer-managed key if any. `*`
 * marks an action without a resource.
 */
export interface SecretActionAuthorization {
  readonly requestTags?: true;
  readonly tagKeys?: true;
  /** Whether the request contains `secretsmanager:VersionId` and `secretsmanager:VersionStage`. */
  readonly version?: true;
  /** The actions that must be allowed on a customer-managed key, via Secrets Manager. */
  readonly keyActions?: readonly ('kms:Decrypt' | 'kms:GenerateDataKey')[];
}

/**
 * How each action of Secrets Manager is authorized.
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
 */
export const SECRETS_MANAGER_AUTHORIZATION: Readonly<Record<SecretsManagerAction, SecretActionAuthorization | '*'>> = {
  CreateSecret: { requestTags: true, tagKeys: true, keyActions: ['kms:GenerateDataKey', 'kms:Decrypt'] },
  GetSecretValue: { version: true, keyActions: ['kms:Decrypt'] },
  PutSecretValue: { keyActions: ['kms:GenerateDataKey', 'kms:Decrypt'] },
  DescribeSecret: {},
  ListSecretVersionIds: {},
  UpdateSecretVersionStage: { version: true },
  ListSecrets: '*',
  DeleteSecret: {},
  RestoreSecret: {},
  TagResource: { requestTags: true, tagKeys: true },
  UntagResource: { tagKeys: true },
  PutResourcePolicy: {},
  GetResourcePolicy: {},
  DeleteResourcePolicy: {},
};

/**
 * How each action of CloudFormation is authorized: against the stack, or without a resource.
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudformation.html
 */
export const CLOUDFORMATION_AUTHORIZATION: Readonly<Record<CloudFormationAction, 'stack' | '*'>> = {
  DescribeStacks: 'stack',
  ListStacks: '*',
  ListStackResources: 'stack',
};
