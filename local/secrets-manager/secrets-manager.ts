import { randomBytes } from 'node:crypto';
import { AwsError } from '../aws-error';
import type { Clock } from '../clock';
import { violationsOf } from '../constraints';
import type { Authorizer, Caller } from '../iam/authorization/caller';
import { History, momentOfRead } from '../iam/delays';
import { parsePolicy } from '../iam/authorization/policy';
import { tagContext } from '../iam/authorization/request-tags';
import { SECRETS_MANAGER_AUTHORIZATION } from '../iam/authorization/service-authorization';
import {
  isSecretsManagerAction,
  SECRETS_MANAGER_PARAMETERS,
  type SecretFilter,
  type SecretsManagerAction,
  type SecretsManagerInputs,
} from './parameters';
import { Secret, type SecretValue, type SecretVersion } from './secret';

const DAY_MS = 24 * 60 * 60 * 1000;
const DEFAULT_RECOVERY_DAYS = 30;
/** The page size of ListSecrets if the caller specifies none. */
const DEFAULT_RESULTS = 100;
const SUFFIX_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const SUFFIX_LENGTH = 6;
/** How the name in a complete ARN ends. Secrets Manager takes every ARN that ends like this for a complete one. */
const COMPLETE_ARN = /-[A-Za-z0-9]{6}$/;
/** The actions whose reads can be stale. */
const READS: ReadonlySet<SecretsManagerAction> = new Set(['DescribeSecret', 'GetSecretValue', 'ListSecrets'] as const);

/** Options of {@link SecretsManager}. */
export interface SecretsManagerOptions {
  readonly clock: Clock;
  /** 12 digits. */
  readonly accountId: string;
  /** @default aws */
  readonly partition?: string;
  readonly region: string;
  /** Source of version ids and ARN suffixes. @default node:crypto */
  readonly random?: (bytes: number) => Buffer;
  /** Decides whether a call is allowed. */
  readonly authorize: Authorizer;
}

/** Faults that tests can inject. */
export interface SecretsManagerFaults {
  /** Milliseconds of the clock's time until a new version is visible. */
  newVersion?: number;
  /** Names of the secrets whose key can't decrypt them. */
  undecryptable?: ReadonlySet<string>;
}

/** How long Secrets Manager takes, in milliseconds of the clock's time. An absent delay is 0. */
export interface SecretsManagerDelays {
  /**
   * How stale DescribeSecret and GetSecretValue can be: each shows the whole secret as of some moment in this time. A
   * read can show an older state than the read before it.
   */
  reads?: number;
  /** How long a secret that is deleted without recovery is only marked for deletion. */
  deletion?: number;
  /** How old the state is that ListSecrets shows. AWS documents up to five minutes. */
  lists?: number;
}

/** Output in the API's shape: times are `Date`, blobs are `Buffer`. */
export type Output = Record<string, unknown>;

/** Handlers get the moment that the call sees: now, or earlier for a stale read. */
type Handlers = { readonly [A in SecretsManagerAction]: (input: SecretsManagerInputs[A], moment: number) => Output };

/** The Secrets Manager of one account and region, as far as seeds of virtual MFA devices need it. Synchronous. */
export class SecretsManager {
  readonly region: string;
  /** Can be changed at any time, and applies to earlier writes, too. */
  faults: SecretsManagerFaults = {};
  /** Can be changed at any time. */
  delays: SecretsManagerDelays = {};
  /** Every state of every secret, by name. A recorded secret never changes. */
  private readonly secrets = new Map<string, History<Secret | undefined>>();
  private readonly clock: Clock;
  private readonly accountId: string;
  private readonly partition: string;
  private readonly random: (bytes: number) => Buffer;
  private readonly authorize: Authorizer;

  constructor({ clock, accountId, partition = 'aws', region, random = randomBytes, authorize }: SecretsManagerOptions) {
    this.clock = clock;
    this.accountId = accountId;
    this.partition = partition;
    this.region = region;
    this.random = random;
    this.authorize = authorize;
  }

  /** Names of the secrets that are not scheduled for deletion. Not an AWS action. */
  get secretNames(): readonly string[] {
    return this.secretsAt(this.clock.now())
      .filter(({ deletion }) => deletion === undefined)
      .map(({ name }) => name);
  }

  /**
   * Executes one action.
   *
   * @param action the API's name of the action
   * @param input the parameters in the API's shape
   * @param caller who signed the call; an administrator if absent
   * @throws AwsError as AWS would return it; parameters are checked first, then permissions, then the state
   */
  call(action: string, input: Readonly<Record<string, unknown>>, caller?: Caller): Output {
    if (!isSecretsManagerAction(action)) {
      throw new AwsError('InvalidAction', 400, `Could not find operation ${action} for version 2017-10-17`);
    }
    const violations = violationsOf(SECRETS_MANAGER_PARAMETERS[action], input);
    if (violations !== undefined) {
      throw new AwsError('ValidationException', 400, violations);
    }
    const staleness = READS.has(action) ? (this.delays.reads ?? 0) : 0;
    const moment = momentOfRead(this.clock.now(), staleness, this.random);
    this.requireAllowed(action, input, caller, moment);
    return (this.handlers[action] as (input: unknown, moment: number) => Output)(input, moment);
  }

  private readonly handlers: Handlers = {
    CreateSecret: (input) => {
      const id = input.ClientRequestToken ?? this.newVersionId();
      const existing = this.find(input.Name);
      const secret = existing === undefined ? this.newSecret(input) : this.repeatedCreation(existing.copy(), id);
      const value = valueOf(input);
      const version = value === undefined ? undefined : secret.put(id, value, this.clock.now());
      this.record(secret);
      return {
        ARN: secret.arn,
        Name: secret.name,
        ...(version === undefined ? {} : { VersionId: version.id }),
      };
    },
    GetSecretValue: (input, moment) => {
      const secret = this.getUsable(input.SecretId, moment);
      const version = this.versionIn(secret, input, moment);
      if (this.faults.undecryptable?.has(secret.name)) {
        throw new AwsError(
          'DecryptionFailure',
          400,
          "Secrets Manager can't decrypt the protected secret text using the provided KMS key.",
        );
      }
      return {
        ARN: secret.arn,
        Name: secret.name,
        VersionId: version.id,
        ...version.value,
        VersionStages: [...version.stages],
        CreatedDate: new Date(version.createdAt),
      };
    },
    PutSecretValue: (input) => {
      const secret = this.getUsable(input.SecretId).copy();
      const value = valueOf(input);
      if (value === undefined) {
        throw new AwsError('InvalidRequestException', 400, 'You must provide either SecretString or SecretBinary.');
      }
      const version = secret.put(input.ClientRequestToken ?? this.newVersionId(), value, this.clock.now());
      this.record(secret);
      return { ARN: secret.arn, Name: secret.name, VersionId: version.id, VersionStages: [...version.stages] };
    },
    DescribeSecret: ({ SecretId }, moment) => {
      const secret = this.get(SecretId, moment);
      return { ...described(secret), VersionIdsToStages: this.stagesOf(secret, moment) };
    },
    ListSecretVersionIds: ({ SecretId, IncludeDeprecated = false, ...page }) => {
      const secret = this.get(SecretId);
      const { items, NextToken } = pageOf(secret.allVersions(IncludeDeprecated), page);
      return {
        ARN: secret.arn,
        Name: secret.name,
        Versions: items.map(({ id, stages, createdAt }) => ({
          VersionId: id,
          VersionStages: [...stages],
          CreatedDate: new Date(createdAt),
        })),
        ...(NextToken !== undefined && { NextToken }),
      };
    },
    UpdateSecretVersionStage: ({ SecretId, VersionStage, MoveToVersionId, RemoveFromVersionId }) => {
      const secret = this.getUsable(SecretId).copy();
      secret.moveStage(VersionStage, MoveToVersionId, RemoveFromVersionId);
      return this.recorded(secret);
    },
    ListSecrets: ({ Filters = [], IncludePlannedDeletion = false, ...page }) => {
      const moment = this.clock.now() - (this.delays.lists ?? 0);
      const all = this.secretsAt(moment)
        .filter(({ deletion }) => deletion === undefined || IncludePlannedDeletion)
        .filter((secret) => Filters.every((filter) => matches(secret, filter)))
        .sort((a, b) => a.createdAt - b.createdAt || (a.arn < b.arn ? -1 : 1));
      const { items, NextToken } = pageOf(all, page);
      return {
        SecretList: items.map((secret) => ({
          ...described(secret),
          SecretVersionsToStages: this.stagesOf(secret, moment),
        })),
        ...(NextToken !== undefined && { NextToken }),
      };
    },
    DeleteSecret: ({ SecretId, RecoveryWindowInDays, ForceDeleteWithoutRecovery = false }) => {
      if (ForceDeleteWithoutRecovery && RecoveryWindowInDays !== undefined) {
        throw new AwsError(
          'InvalidParameterException',
          400,
          "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
        );
      }
      const secret = this.get(SecretId).copy();
      const isRestorable = !ForceDeleteWithoutRecovery;
      if (isRestorable) {
        requireNotDeleted(secret);
      }
      // A repeated deletion without recovery takes no longer than the first.
      if (secret.deletion?.isRestorable !== false) {
        const askedAt = this.clock.now();
        const recovery = (RecoveryWindowInDays ?? DEFAULT_RECOVERY_DAYS) * DAY_MS;
        const endsAt = askedAt + (isRestorable ? recovery : (this.delays.deletion ?? 0));
        secret.deletion = { askedAt, endsAt, isRestorable };
        this.record(secret);
      }
      const { askedAt, endsAt } = secret.deletion;
      return { ARN: secret.arn, Name: secret.name, DeletionDate: new Date(isRestorable ? endsAt : askedAt) };
    },
    RestoreSecret: ({ SecretId }) => {
      const secret = this.get(SecretId).copy();
      if (secret.deletion?.isRestorable === false) {
        requireNotDeleted(secret);
      }
      delete secret.deletion;
      return this.recorded(secret);
    },
    TagResource: ({ SecretId, Tags }) => {
      const secret = this.getUsable(SecretId).copy();
      secret.tag(Tags);
      this.record(secret);
      return {};
    },
    UntagResource: ({ SecretId, TagKeys }) => {
      const secret = this.getUsable(SecretId).copy();
      secret.untag(TagKeys);
      this.record(secret);
      return {};
    },
    PutResourcePolicy: ({ SecretId, ResourcePolicy }) => {
      const secret = this.getUsable(SecretId).copy();
      secret.policy = { document: ResourcePolicy, parsed: parsePolicy(ResourcePolicy, 'resource') };
      return this.recorded(secret);
    },
    GetResourcePolicy: ({ SecretId }) => {
      const { arn, name, policy } = this.getUsable(SecretId);
      return { ARN: arn, Name: name, ...(policy === undefined ? {} : { ResourcePolicy: policy.document }) };
    },
    DeleteResourcePolicy: ({ SecretId }) => {
      const secret = this.getUsable(SecretId).copy();
      delete secret.policy;
      return this.recorded(secret);
    },
  };

  private requireAllowed(
    action: SecretsManagerAction,
    input: Readonly<Record<string, unknown>>,
    caller: Caller | undefined,
    moment: number,
  ): void {
    const authorization = SECRETS_MANAGER_AUTHORIZATION[action];
    if (authorization === '*') {
      const reason = this.authorize(caller, { action: `secretsmanager:${action}`, resource: '*' });
      if (reason !== undefined) {
        throw new AwsError('AccessDeniedException', 400, reason);
      }
      return;
    }
    const { version, keyActions, ...carries } = authorization;
    const named = input as { SecretId?: string; Name?: string; KmsKeyId?: string };
    const id = named.SecretId ?? named.Name ?? '';
    const secret = this.find(id, moment);
    const refusal = this.authorize(caller, {
      action: `secretsmanager:${action}`,
      resource: secret?.arn ?? this.arnOfUnknown(id),
      context: { ...tagContext(carries, input), ...(version ? versionContext(input) : {}) },
      resourcePolicy: secret?.policy?.parsed,
    });
    if (refusal !== undefined) {
      throw new AwsError('AccessDeniedException', 400, refusal);
    }
    const keyArn = secret?.keyArn ?? this.keyArnOf(named.KmsKeyId);
    const keyRefused = keyActions?.some(
      (keyAction) => keyArn !== undefined && this.isKeyRefused(caller, keyAction, keyArn),
    );
    if (keyRefused === true) {
      throw new AwsError('AccessDeniedException', 400, 'Access to KMS is not allowed');
    }
  }

  private isKeyRefused(caller: Caller | undefined, action: string, keyArn: string): boolean {
    const context = { 'kms:ViaService': [`secretsmanager.${this.region}.amazonaws.com`] };
    return this.authorize(caller, { action, resource: keyArn, context }) !== undefined;
  }

  private stagesOf(secret: Secret, moment: number): Record<string, string[]> {
    return secret.versionIdsToStages(moment - (this.faults.newVersion ?? 0));
  }

  private newSecret(input: SecretsManagerInputs['CreateSecret']): Secret {
    return new Secret(
      input.Name,
      `${this.arnPrefix()}${input.Name}-${this.newSuffix()}`,
      this.clock.now(),
      input.Description,
      this.keyArnOf(input.KmsKeyId),
      input.Tags ?? [],
    );
  }

  /** The secret that an earlier CreateSecret with the same token created. */
  private repeatedCreation(existing: Secret, versionId: string): Secret {
    if (existing.deletion !== undefined) {
      throw new AwsError(
        'InvalidRequestException',
        400,
        "You can't create this secret because a secret with this name is already scheduled for deletion.",
      );
    }
    if (existing.version(versionId) === undefined) {
      throw new AwsError(
        'ResourceExistsException',
        400,
        `The operation failed because the secret ${existing.name} already exists.`,
      );
    }
    return existing;
  }

  /**
   * Finds a secret by name, by ARN, or by ARN without the random suffix, unless the name itself ends like a suffix.
   *
   * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html#ARN_secretnamehyphen
   */
  private find(id: string, moment = this.clock.now()): Secret | undefined {
    const known = this.secretsAt(moment);
    const partialArn = (name: string) => (COMPLETE_ARN.test(name) ? undefined : this.arnPrefix() + name);
    return known.find(({ name, arn }) => id === name || id === arn || id === partialArn(name));
  }

  /** The secrets that exist at a moment. */
  private secretsAt(moment: number): Secret[] {
    return [...this.secrets.values()]
      .map((history) => history.at(moment))
      .filter((secret) => secret !== undefined && moment < (secret.deletion?.endsAt ?? Infinity)) as Secret[];
  }

  /** Makes a changed secret visible to reads from now on. */
  private record(secret: Secret): void {
    const history = this.secrets.get(secret.name) ?? new History<Secret | undefined>(undefined);
    history.write(secret, this.clock.now());
    this.secrets.set(secret.name, history);
  }

  private recorded(secret: Secret): Output {
    this.record(secret);
    return { ARN: secret.arn, Name: secret.name };
  }

  private get(id: string, moment?: number): Secret {
    const secret = this.find(id, moment);
    if (secret === undefined) {
      throw new AwsError('ResourceNotFoundException', 400, "Secrets Manager can't find the specified secret.");
    }
    return secret;
  }

  private getUsable(id: string, moment?: number): Secret {
    const secret = this.get(id, moment);
    requireNotDeleted(secret);
    return secret;
  }

  private versionIn(
    secret: Secret,
    { VersionId, VersionStage }: { readonly VersionId?: string; readonly VersionStage?: string },
    moment: number,
  ): SecretVersion {
    const label = VersionStage ?? 'AWSCURRENT';
    const version = VersionId === undefined ? secret.stage(label) : secret.version(VersionId);
    if (version === undefined || moment - version.createdAt < (this.faults.newVersion ?? 0)) {
      const missing = VersionId === undefined ? `staging label: ${label}` : `VersionId: ${VersionId}`;
      throw new AwsError(
        'ResourceNotFoundException',
        400,
        `Secrets Manager can't find the specified secret value for ${missing}`,
      );
    }
    if (VersionStage !== undefined && !version.stages.has(VersionStage)) {
      throw new AwsError(
        'InvalidRequestException',
        400,
        'You provided a VersionStage that is not associated to the provided VersionId.',
      );
    }
    return version;
  }

  /**
   * The ARN of a secret that doesn't exist. Its random suffix is unknown; any six characters match a policy's `??????`.
   */
  private arnOfUnknown(id: string): string {
    const arn = id.startsWith('arn:') ? id : this.arnPrefix() + id;
    return COMPLETE_ARN.test(arn) ? arn : `${arn}-${'A'.repeat(SUFFIX_LENGTH)}`;
  }

  private arnPrefix(): string {
    return `arn:${this.partition}:secretsmanager:${this.region}:${this.accountId}:secret:`;
  }

  /** The customer-managed key of a new secret. AWS's own key needs no permission. */
  private keyArnOf(keyId: string | undefined): string | undefined {
    if (keyId === undefined || keyId === 'alias/aws/secretsmanager') {
      return undefined;
    }
    if (keyId.includes('alias/')) {
      throw new AwsError(
        'InvalidParameterException',
        400,
        `KmsKeyId ${keyId}: aliases are not supported locally, use the key's id or ARN`,
      );
    }
    return keyId.startsWith('arn:') ? keyId : `arn:${this.partition}:kms:${this.region}:${this.accountId}:key/${keyId}`;
  }

  private newSuffix(): string {
    return [...this.random(SUFFIX_LENGTH)]
      .map((byte) => SUFFIX_ALPHABET.charAt(byte % SUFFIX_ALPHABET.length))
      .join('');
  }

  private newVersionId(): string {
    const hex = this.random(16).toString('hex');
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  }
}

/** One page of a list, and the token of the next. */
function pageOf<T>(
  all: readonly T[],
  { MaxResults = DEFAULT_RESULTS, NextToken }: { readonly MaxResults?: number; readonly NextToken?: string },
): { readonly items: readonly T[]; readonly NextToken?: string } {
  const [, from = '0'] = /^from:(\d+)$/.exec(Buffer.from(NextToken ?? '', 'base64url').toString()) ?? [];
  if (NextToken !== undefined && from === '0') {
    throw new AwsError('InvalidNextTokenException', 400, 'Invalid token. Please check and try again.');
  }
  const end = Number(from) + MaxResults;
  return {
    items: all.slice(Number(from), end),
    ...(end < all.length && { NextToken: Buffer.from(`from:${end}`).toString('base64url') }),
  };
}

/** What is known of a secret besides its versions. */
function described(secret: Secret): Output {
  return {
    ARN: secret.arn,
    Name: secret.name,
    ...(secret.description === undefined ? {} : { Description: secret.description }),
    ...(secret.keyArn === undefined ? {} : { KmsKeyId: secret.keyArn }),
    LastChangedDate: new Date(secret.changedAt),
    ...(secret.deletion === undefined ? {} : { DeletedDate: new Date(secret.deletion.askedAt) }),
    Tags: secret.tags,
    CreatedDate: new Date(secret.createdAt),
  };
}

function versionContext(input: Readonly<Record<string, unknown>>): Record<string, readonly string[]> {
  const { VersionId, VersionStage } = input as { VersionId?: string; VersionStage?: string };
  return {
    ...(VersionId === undefined ? {} : { 'secretsmanager:VersionId': [VersionId] }),
    ...(VersionStage === undefined ? {} : { 'secretsmanager:VersionStage': [VersionStage] }),
  };
}

function valueOf({ SecretString, SecretBinary }: SecretValue): SecretValue | undefined {
  if (SecretString !== undefined && SecretBinary !== undefined) {
    throw new AwsError(
      'InvalidParameterException',
      400,
      "You can't specify both a binary secret value and a string secret value in the same secret.",
    );
  }
  if (SecretString !== undefined) {
    return { SecretString };
  }
  return SecretBinary === undefined ? undefined : { SecretBinary };
}

function requireNotDeleted({ deletion }: Secret): void {
  if (deletion !== undefined) {
    throw new AwsError(
      'InvalidRequestException',
      400,
      "You can't perform this operation on the secret because it was marked for deletion.",
    );
  }
}

/** Filters match the start of a text. A filter with several values needs one of them. */
function matches(secret: Secret, { Key, Values }: SecretFilter): boolean {
  const texts = {
    name: [secret.name],
    'tag-key': secret.tags.map((tag) => tag.Key),
    'tag-value': secret.tags.map((tag) => tag.Value),
  }[Key];
  if (texts === undefined || Values.some((value) => value.startsWith('!'))) {
    throw new AwsError(
      'InvalidParameterException',
      400,
      `Filter ${Key} with ${Values.join()} is not supported locally`,
    );
  }
  return texts.some((text) => Values.some((value) => text.startsWith(value)));
}
