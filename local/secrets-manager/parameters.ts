import type { ActionParameters, Constraint, Parameters } from '../constraints';

// From the service model of API version 2017-10-17. The pattern of names is from CreateSecret's documentation.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_Operations.html
const NAME = '[A-Za-z0-9\\-/_+=.@!]+';
// Names and ARNs. That other characters are refused is not in the model, but was seen.
const secretId: Constraint = { type: 'string', min: 1, max: 2048, pattern: '[A-Za-z0-9\\-/_+=.@!:]+' };
const token: Constraint = { type: 'string', min: 32, max: 64 };
const stage: Constraint = { type: 'string', min: 1, max: 256 };
const page: Parameters = {
  MaxResults: { type: 'integer', min: 1, max: 100 },
  NextToken: { type: 'string', min: 1, max: 4096 },
};
const value: Parameters = {
  SecretString: { type: 'string', min: 1, max: 65536, sensitive: true },
  SecretBinary: { type: 'blob' },
};

interface Value {
  readonly SecretString?: string;
  readonly SecretBinary?: Buffer;
}

const tagKey: Constraint = { type: 'string', min: 1, max: 128 };
const tags: Constraint = {
  type: 'list',
  max: 50,
  of: {
    type: 'structure',
    members: { Key: tagKey, Value: { type: 'string', max: 256 } },
    required: ['Key', 'Value'],
  },
};

/** A tag of a secret. */
export interface SecretTag {
  readonly Key: string;
  readonly Value: string;
}

/** A condition on listed secrets. */
export interface SecretFilter {
  readonly Key: string;
  readonly Values: readonly string[];
}

interface OfSecret {
  readonly SecretId: string;
}

/** Parameters by action, after validation against `SECRETS_MANAGER_PARAMETERS`. */
export interface SecretsManagerInputs {
  CreateSecret: Value & {
    readonly Name: string;
    readonly ClientRequestToken?: string;
    readonly Description?: string;
    readonly KmsKeyId?: string;
    readonly Tags?: readonly SecretTag[];
  };
  GetSecretValue: OfSecret & { readonly VersionId?: string; readonly VersionStage?: string };
  PutSecretValue: OfSecret & Value & { readonly ClientRequestToken?: string };
  DescribeSecret: OfSecret;
  ListSecretVersionIds: OfSecret & {
    readonly IncludeDeprecated?: boolean;
    readonly MaxResults?: number;
    readonly NextToken?: string;
  };
  UpdateSecretVersionStage: OfSecret & {
    readonly VersionStage: string;
    readonly MoveToVersionId?: string;
    readonly RemoveFromVersionId?: string;
  };
  ListSecrets: {
    readonly Filters?: readonly SecretFilter[];
    readonly IncludePlannedDeletion?: boolean;
    readonly MaxResults?: number;
    readonly NextToken?: string;
  };
  DeleteSecret: OfSecret & { readonly RecoveryWindowInDays?: number; readonly ForceDeleteWithoutRecovery?: boolean };
  RestoreSecret: OfSecret;
  TagResource: OfSecret & { readonly Tags: readonly SecretTag[] };
  UntagResource: OfSecret & { readonly TagKeys: readonly string[] };
  PutResourcePolicy: OfSecret & { readonly ResourcePolicy: string };
  GetResourcePolicy: OfSecret;
  DeleteResourcePolicy: OfSecret;
}

/** An action that the local Secrets Manager supports. */
export type SecretsManagerAction = keyof SecretsManagerInputs;

/** The actions that the local Secrets Manager supports, and the parameters of each. */
export const SECRETS_MANAGER_PARAMETERS: Readonly<Record<SecretsManagerAction, ActionParameters>> = {
  CreateSecret: action(
    {
      Name: { type: 'string', min: 1, max: 512, pattern: NAME },
      ClientRequestToken: token,
      Description: { type: 'string', max: 2048 },
      KmsKeyId: { type: 'string', min: 1, max: 2048 },
      Tags: tags,
      ...value,
    },
    ['Name'],
  ),
  GetSecretValue: action({ SecretId: secretId, VersionId: token, VersionStage: stage }, ['SecretId']),
  PutSecretValue: action({ SecretId: secretId, ClientRequestToken: token, ...value }, ['SecretId']),
  DescribeSecret: action({ SecretId: secretId }, ['SecretId']),
  ListSecretVersionIds: action({ SecretId: secretId, IncludeDeprecated: { type: 'boolean' }, ...page }, ['SecretId']),
  UpdateSecretVersionStage: action(
    { SecretId: secretId, VersionStage: stage, MoveToVersionId: token, RemoveFromVersionId: token },
    ['SecretId', 'VersionStage'],
  ),
  ListSecrets: action(
    {
      Filters: {
        type: 'list',
        max: 10,
        of: {
          type: 'structure',
          members: {
            Key: {
              type: 'string',
              values: ['description', 'name', 'tag-key', 'tag-value', 'primary-region', 'owning-service', 'all'],
            },
            Values: {
              type: 'list',
              max: 10,
              of: { type: 'string', min: 1, max: 512, pattern: '!?[a-zA-Z0-9 :_@/+=.\\-!]{1,512}' },
            },
          },
          required: ['Key', 'Values'],
        },
      },
      IncludePlannedDeletion: { type: 'boolean' },
      MaxResults: { type: 'integer', min: 1, max: 100 },
      NextToken: { type: 'string', min: 1, max: 4096 },
    },
    [],
  ),
  DeleteSecret: action(
    {
      SecretId: secretId,
      RecoveryWindowInDays: { type: 'integer', min: 7, max: 30 },
      ForceDeleteWithoutRecovery: { type: 'boolean' },
    },
    ['SecretId'],
  ),
  RestoreSecret: action({ SecretId: secretId }, ['SecretId']),
  TagResource: action({ SecretId: secretId, Tags: tags }, ['SecretId', 'Tags']),
  UntagResource: action({ SecretId: secretId, TagKeys: { type: 'list', max: 50, of: tagKey } }, [
    'SecretId',
    'TagKeys',
  ]),
  PutResourcePolicy: action({ SecretId: secretId, ResourcePolicy: { type: 'string', min: 1, max: 20480 } }, [
    'SecretId',
    'ResourcePolicy',
  ]),
  GetResourcePolicy: action({ SecretId: secretId }, ['SecretId']),
  DeleteResourcePolicy: action({ SecretId: secretId }, ['SecretId']),
};

export function isSecretsManagerAction(action: string): action is SecretsManagerAction {
  return Object.hasOwn(SECRETS_MANAGER_PARAMETERS, action);
}

function action(members: Parameters, required: readonly string[]): ActionParameters {
  return { members, required };
}
