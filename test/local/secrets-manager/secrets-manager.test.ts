import type { AuthorizationRequest } from '../../../local/iam';
import { SecretsManager } from '../../../local/secrets-manager';
import { ACCOUNT, errorOf, seededRandom } from '../iam/fixture';
import { ManualClock } from '../iam/manual-clock';

const REGION = 'us-east-1';
const PARTIAL_ARN = `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:mfa/alice`;
const TOKEN = 'a'.repeat(32);
const DAY_MS = 24 * 60 * 60 * 1000;
const ALICE = { SecretId: 'mfa/alice' };

/** A Secrets Manager that records its authorization requests and denies the given actions. */
function setUp(denied: string[] = []) {
  const clock = new ManualClock();
  const requests: AuthorizationRequest[] = [];
  const secrets = new SecretsManager({
    clock,
    accountId: ACCOUNT,
    region: REGION,
    random: seededRandom(),
    authorize: (_caller, request) => {
      requests.push(request);
      return denied.includes(request.action) ? `denied: ${request.action}` : undefined;
    },
  });
  const create = (more: Record<string, unknown> = { SecretString: 'first' }) =>
    secrets.call('CreateSecret', { Name: 'mfa/alice', ...more }) as { ARN: string; VersionId: string };
  const get = (more: Record<string, unknown> = {}) => secrets.call('GetSecretValue', { ...ALICE, ...more });
  const put = (SecretString: string, ClientRequestToken?: string) =>
    secrets.call('PutSecretValue', { ...ALICE, SecretString, ClientRequestToken }) as { VersionId: string };
  return { secrets, clock, requests, create, get, put };
}

describe('GetSecretValue', () => {
  test('finds a secret by name, by ARN, and by ARN without the random suffix', () => {
    const { create, get } = setUp();
    const { ARN } = create();
    expect(ARN).toMatch(new RegExp(`^${PARTIAL_ARN}-[A-Za-z0-9]{6}$`));
    for (const SecretId of ['mfa/alice', ARN, PARTIAL_ARN]) {
      expect(get({ SecretId })).toMatchObject({ ARN, SecretString: 'first', VersionStages: ['AWSCURRENT'] });
    }
  });

  test('returns bytes as bytes', () => {
    const { create, get } = setUp();
    create({ SecretBinary: Buffer.from([0, 255]) });
    expect(get()).toMatchObject({ SecretBinary: Buffer.from([0, 255]) });
    expect(get()).not.toHaveProperty('SecretString');
  });

  test('fails if the secret does not exist', () => {
    expect(errorOf(setUp().get)).toEqual({
      code: 'ResourceNotFoundException',
      status: 400,
      message: "Secrets Manager can't find the specified secret.",
    });
  });

  test('fails if the secret has no value', () => {
    const { create, get } = setUp();
    create({});
    expect(errorOf(get)).toMatchObject({
      code: 'ResourceNotFoundException',
      message: "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
    });
  });

  test('finds a version by id, and only with a staging label that the version has', () => {
    const { create, get, put } = setUp();
    const { VersionId } = create();
    put('second');
    expect(get({ VersionId })).toMatchObject({ SecretString: 'first' });
    expect(get({ VersionId, VersionStage: 'AWSPREVIOUS' })).toMatchObject({ SecretString: 'first' });
    expect(errorOf(() => get({ VersionId, VersionStage: 'AWSCURRENT' })).code).toBe('InvalidRequestException');
    expect(errorOf(() => get({ VersionId: TOKEN })).message).toContain(`for VersionId: ${TOKEN}`);
  });
});

describe('writing a value', () => {
  test('makes the new version current and the former current version previous', () => {
    const { secrets, create, put, get } = setUp();
    const first = create();
    const second = put('second');
    const third = put('third');
    expect(get()).toMatchObject({ SecretString: 'third' });
    expect(get({ VersionStage: 'AWSPREVIOUS' })).toMatchObject({ SecretString: 'second' });
    const described = secrets.call('DescribeSecret', ALICE);
    expect(described.VersionIdsToStages).toEqual({
      [second.VersionId]: ['AWSPREVIOUS'],
      [third.VersionId]: ['AWSCURRENT'],
    });
    expect(JSON.stringify(described)).not.toMatch(/first|second|third/);
    expect(get({ VersionId: first.VersionId })).toMatchObject({ SecretString: 'first' });
  });

  test('uses the token as the version’s id, and changes nothing if token and value are repeated', () => {
    const { create, put, get } = setUp();
    create();
    expect(put('second', TOKEN).VersionId).toBe(TOKEN);
    put('third');
    expect(put('second', TOKEN).VersionId).toBe(TOKEN);
    expect(get()).toMatchObject({ SecretString: 'third' });
  });

  test('fails if the token is repeated with another value', () => {
    const { create, put } = setUp();
    create();
    put('second', TOKEN);
    expect(errorOf(() => put('other', TOKEN))).toMatchObject({ code: 'ResourceExistsException', status: 400 });
  });

  test('CreateSecret returns the same secret if its token is repeated, and fails on a name conflict otherwise', () => {
    const { create } = setUp();
    const first = create({ SecretString: 'first', ClientRequestToken: TOKEN });
    expect(create({ SecretString: 'first', ClientRequestToken: TOKEN })).toEqual(first);
    expect(errorOf(create)).toEqual({
      code: 'ResourceExistsException',
      status: 400,
      message: 'The operation failed because the secret mfa/alice already exists.',
    });
  });

  test('fails with both text and bytes, or with neither, and quotes no value', () => {
    const { secrets, create } = setUp();
    expect(errorOf(() => create({ SecretString: 'marked', SecretBinary: Buffer.from('marked') }))).toEqual({
      code: 'InvalidParameterException',
      status: 400,
      message: "You can't specify both a binary secret value and a string secret value in the same secret.",
    });
    create();
    expect(errorOf(() => secrets.call('PutSecretValue', ALICE)).code).toBe('InvalidRequestException');
    expect(errorOf(() => create({ SecretString: 'marked'.repeat(20_000) })).message).not.toContain('marked');
  });
});

describe('the tags of a secret', () => {
  test('can be added, changed, and removed by key', () => {
    const { secrets, create } = setUp();
    create({ Tags: [{ Key: 'team', Value: 'red' }] });
    const tags = () => secrets.call('DescribeSecret', ALICE).Tags;
    secrets.call('TagResource', { ...ALICE, Tags: [{ Key: 'cost', Value: '42' }] });
    secrets.call('TagResource', { ...ALICE, Tags: [{ Key: 'team', Value: 'blue' }] });
    expect(tags()).toEqual([
      { Key: 'cost', Value: '42' },
      { Key: 'team', Value: 'blue' },
    ]);
    secrets.call('UntagResource', { ...ALICE, TagKeys: ['cost', 'unknown'] });
    expect(tags()).toEqual([{ Key: 'team', Value: 'blue' }]);
  });
});

describe('DeleteSecret', () => {
  test('makes a secret unusable, and restorable until the recovery window ends', () => {
    const { secrets, clock, create, get, put } = setUp();
    create();
    expect(secrets.call('DeleteSecret', { ...ALICE, RecoveryWindowInDays: 7 })).toMatchObject({
      DeletionDate: new Date(clock.now() + 7 * DAY_MS),
    });
    const marked = {
      code: 'InvalidRequestException',
      status: 400,
      message: "You can't perform this operation on the secret because it was marked for deletion.",
    };
    expect(errorOf(get)).toEqual(marked);
    expect(errorOf(() => put('second'))).toEqual(marked);
    expect(errorOf(create).code).toBe('InvalidRequestException');
    expect(secrets.call('DescribeSecret', ALICE)).toHaveProperty('DeletedDate');
    secrets.call('RestoreSecret', ALICE);
    expect(get()).toMatchObject({ SecretString: 'first' });
    secrets.call('DeleteSecret', { ...ALICE, RecoveryWindowInDays: 7 });
    clock.advance(7 * DAY_MS);
    expect(errorOf(get).code).toBe('ResourceNotFoundException');
    expect(create({ SecretString: 'new' })).toHaveProperty('ARN');
  });

  test('deletes immediately if forced, and fails if a recovery window is given, too', () => {
    const { secrets, create, get } = setUp();
    create();
    const force = { ...ALICE, ForceDeleteWithoutRecovery: true };
    expect(errorOf(() => secrets.call('DeleteSecret', { ...force, RecoveryWindowInDays: 7 })).code).toBe(
      'InvalidParameterException',
    );
    secrets.call('DeleteSecret', force);
    expect(errorOf(get).code).toBe('ResourceNotFoundException');
  });
});

describe('permissions', () => {
  const KEY_ARN = `arn:aws:kms:${REGION}:${ACCOUNT}:key/11111111-2222-3333-4444-555555555555`;

  test('are checked against the complete ARN of a secret, however the call names it', () => {
    const { requests, create, get } = setUp();
    const { ARN } = create();
    get({ SecretId: 'mfa/alice' });
    get({ SecretId: PARTIAL_ARN, VersionStage: 'AWSCURRENT' });
    expect(requests.slice(-2)).toEqual([
      { action: 'secretsmanager:GetSecretValue', resource: ARN, context: {} },
      {
        action: 'secretsmanager:GetSecretValue',
        resource: ARN,
        context: { 'secretsmanager:VersionStage': ['AWSCURRENT'] },
      },
    ]);
  });

  test.each(['mfa/alice', PARTIAL_ARN])(
    'are checked against the ARN with any suffix if the secret does not exist: %s',
    (SecretId) => {
      const { requests, get } = setUp();
      errorOf(() => get({ SecretId }));
      expect(requests.at(-1)?.resource).toMatch(new RegExp(`^${PARTIAL_ARN}-[A-Za-z0-9]{6}$`));
    },
  );

  test('include the policy of the secret until it is deleted', () => {
    const { secrets, requests, create, get } = setUp();
    const { ARN } = create();
    const Statement = { Effect: 'Deny', Principal: '*', Action: 'secretsmanager:GetSecretValue', Resource: '*' };
    secrets.call('PutResourcePolicy', { ...ALICE, ResourcePolicy: JSON.stringify({ Statement }) });
    get();
    const request = { action: 'secretsmanager:GetSecretValue', resource: ARN, context: new Map() };
    expect(requests.at(-1)?.resourcePolicy?.verdict(request)).toBe('deny');
    secrets.call('DeleteResourcePolicy', ALICE);
    get();
    expect(requests.at(-1)?.resourcePolicy).toBeUndefined();
  });

  test('that are missing fail a call with the message of IAM', () => {
    const { create, get } = setUp(['secretsmanager:GetSecretValue']);
    create();
    expect(errorOf(get)).toEqual({
      code: 'AccessDeniedException',
      status: 400,
      message: 'denied: secretsmanager:GetSecretValue',
    });
  });

  test('on a customer-managed key are checked, too, via Secrets Manager', () => {
    const { requests, create, get } = setUp(['kms:Decrypt']);
    create({});
    expect(requests.filter(({ action }) => action.startsWith('kms:'))).toEqual([]);
    expect(errorOf(get).code).toBe('ResourceNotFoundException');
    expect(errorOf(() => create({ KmsKeyId: KEY_ARN })).message).toBe('Access to KMS is not allowed');
    expect(requests.at(-1)).toEqual({
      action: 'kms:Decrypt',
      resource: KEY_ARN,
      context: { 'kms:ViaService': [`secretsmanager.${REGION}.amazonaws.com`] },
    });
  });

  test('on a key given by id are checked against the account’s key, and AWS’s own key needs none', () => {
    const { requests, create } = setUp();
    create({ KmsKeyId: KEY_ARN.slice(KEY_ARN.lastIndexOf('/') + 1) });
    expect(requests.at(-1)?.resource).toBe(KEY_ARN);
    const managed = setUp(['kms:Decrypt']);
    expect(managed.create({ KmsKeyId: 'alias/aws/secretsmanager' })).toHaveProperty('ARN');
  });
});

describe('an injected fault', () => {
  test('makes the key of a secret unable to decrypt it', () => {
    const { secrets, create, get } = setUp();
    create();
    secrets.faults = { undecryptable: new Set(['mfa/alice']) };
    expect(errorOf(get)).toMatchObject({ code: 'DecryptionFailure', status: 400 });
    expect(secrets.call('DescribeSecret', ALICE)).toHaveProperty('ARN');
  });

  test('hides a new version until the delay is over', () => {
    const { secrets, clock, create, get, put } = setUp();
    create();
    clock.advance(60_000);
    secrets.faults = { newVersion: 5_000 };
    expect(get()).toMatchObject({ SecretString: 'first' });
    put('second');
    expect(errorOf(get)).toMatchObject({
      code: 'ResourceNotFoundException',
      message: "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
    });
    clock.advance(5_000);
    expect(get()).toMatchObject({ SecretString: 'second' });
  });
});

test('secretNames omits secrets that are scheduled for deletion', () => {
  const { secrets, create } = setUp();
  create();
  expect(secrets.secretNames).toEqual(['mfa/alice']);
  secrets.call('DeleteSecret', ALICE);
  expect(secrets.secretNames).toEqual([]);
});

test('an unknown action or parameter is an error that names it', () => {
  const { secrets } = setUp();
  expect(errorOf(() => secrets.call('ListSecrets', {}))).toMatchObject({ code: 'InvalidAction' });
  expect(errorOf(() => secrets.call('GetSecretValue', { ...ALICE, Version: '1' })).message).toContain("'Version'");
});
