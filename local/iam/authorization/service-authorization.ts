import type { SecretsManagerAction } from '../../secrets-manager/parameters';
import type { IamAction } from '../inputs';

/** The kind of resource that an action is authorised against; `*` for actions that know none. */
export type ResourceType = 'user' | 'mfa' | 'role' | '*';

/** How one action is authorised. */
export interface ActionAuthorization {
  readonly resource: ResourceType;
  /** Whether the request carries `aws:RequestTag/…`, from its `Tags`. */
  readonly requestTags?: true;
  /** Whether the request carries `aws:TagKeys`, from its `Tags` or `TagKeys`. */
  readonly tagKeys?: true;
  /** What must be allowed as well where the request carries `Tags`, on the same resource. */
  readonly tagging?: string;
}

/**
 * How each action of IAM is authorised, from the published service authorization data. Of the condition keys it lists
 * those that carry what the request says; `aws:ResourceTag/…` and `iam:…` keys are refused by name in policies.
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

/** How one action of Secrets Manager is authorised: against the secret, and on its key where it has one of its own. */
export interface SecretActionAuthorization {
  readonly requestTags?: true;
  readonly tagKeys?: true;
  /** Whether the request carries `secretsmanager:VersionId` and `secretsmanager:VersionStage`. */
  readonly version?: true;
  /** What is needed on a customer-managed key, by way of Secrets Manager. */
  readonly keyActions?: readonly ('kms:Decrypt' | 'kms:GenerateDataKey')[];
}

/**
 * How each action of Secrets Manager is authorised.
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
 */
export const SECRETS_MANAGER_AUTHORIZATION: Readonly<Record<SecretsManagerAction, SecretActionAuthorization>> = {
  CreateSecret: { requestTags: true, tagKeys: true, keyActions: ['kms:GenerateDataKey', 'kms:Decrypt'] },
  GetSecretValue: { version: true, keyActions: ['kms:Decrypt'] },
  PutSecretValue: { keyActions: ['kms:GenerateDataKey', 'kms:Decrypt'] },
  DescribeSecret: {},
  DeleteSecret: {},
  RestoreSecret: {},
  TagResource: { requestTags: true, tagKeys: true },
  UntagResource: { tagKeys: true },
  PutResourcePolicy: {},
  DeleteResourcePolicy: {},
};
