import type { AuthorizationRequest } from '../../../local/iam';
import { SecretsManager } from '../../../local/secrets-manager';
import { ACCOUNT, refusal, seededRandom } from '../iam/fixture';
import { TurnedClock } from '../iam/turned-clock';

const REGION = 'us-east-1';
const PARTIAL_ARN = `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:mfa/alice`;
const TOKEN = 'a'.repeat(32);
const DAY_MS = 24 * 60 * 60 * 1000;
const ALICE = { SecretId: 'mfa/alice' };

/** A Secrets Manager that writes down what it asks about, and refuses the actions named. */
function setUp(refused: string[] = []) {
  const clock = new TurnedClock();
  const asked: AuthorizationRequest[] = [];
  const secrets = new SecretsManager({
    clock,
    accountId: ACCOUNT,
    region: REGION,
    random: seededRandom(),
    authorize: (_caller, request) => {
      asked.push(request);
      return refused.includes(request.action) ? `refused: ${request.action}` : undefined;
    },
  });
  const create = (more: Record<string, unknown> = { SecretString: 'first' }) =>
    secrets.call('CreateSecret', { Name: 'mfa/alice', ...more }) as { ARN: string; VersionId: string };
  const get = (more: Record<string, unknown> = {}) => secrets.call('GetSecretValue', { ...ALICE, ...more });
  const put = (SecretString: string, ClientRequestToken?: string) =>
    secrets.call('PutSecretValue', { ...ALICE, SecretString, ClientRequestToken }) as { VersionId: string };
  return { secrets, clock, asked, create, get, put };
}

describe('reading', () => {
  test('finds a secret by name, by ARN, and by ARN without its six last characters', () => {
    const { create, get } = setUp();
    const { ARN } = create();
    expect(ARN).toMatch(new RegExp(`^${PARTIAL_ARN}-[A-Za-z0-9]{6}$`));
    for (const SecretId of ['mfa/alice', ARN, PARTIAL_ARN]) {
      expect(get({ SecretId })).toMatchObject({ ARN, SecretString: 'first', VersionStages: ['AWSCURRENT'] });
    }
  });

  test('gives bytes back as bytes', () => {
    const { create, get } = setUp();
    create({ SecretBinary: Buffer.from([0, 255]) });
    expect(get()).toMatchObject({ SecretBinary: Buffer.from([0, 255]) });
    expect(get()).not.toHaveProperty('SecretString');
  });

  test('an unknown secret is refused', () => {
    expect(refusal(setUp().get)).toEqual({
      code: 'ResourceNotFoundException',
      status: 400,
      message: "Secrets Manager can't find the specified secret.",
    });
  });

  test('a secret without a value has no current version', () => {
    const { create, get } = setUp();
    create({});
    expect(refusal(get)).toMatchObject({
      code: 'ResourceNotFoundException',
      message: "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
    });
  });

  test('a version is found by id, and only with a label that it bears', () => {
    const { create, get, put } = setUp();
    const { VersionId } = create();
    put('second');
    expect(get({ VersionId })).toMatchObject({ SecretString: 'first' });
    expect(get({ VersionId, VersionStage: 'AWSPREVIOUS' })).toMatchObject({ SecretString: 'first' });
    expect(refusal(() => get({ VersionId, VersionStage: 'AWSCURRENT' })).code).toBe('InvalidRequestException');
    expect(refusal(() => get({ VersionId: TOKEN })).message).toContain(`for VersionId: ${TOKEN}`);
  });
});

describe('writing', () => {
  test('makes the new version current and the one before previous', () => {
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

  test('takes the token for the version’s id; the same again with the same value changes nothing', () => {
    const { create, put, get } = setUp();
    create();
    expect(put('second', TOKEN).VersionId).toBe(TOKEN);
    put('third');
    expect(put('second', TOKEN).VersionId).toBe(TOKEN);
    expect(get()).toMatchObject({ SecretString: 'third' });
  });

  test('the same token with another value is refused', () => {
    const { create, put } = setUp();
    create();
    put('second', TOKEN);
    expect(refusal(() => put('other', TOKEN))).toMatchObject({ code: 'ResourceExistsException', status: 400 });
  });

  test('a creation that is repeated with its token finds what it made; without, the name is taken', () => {
    const { create } = setUp();
    const first = create({ SecretString: 'first', ClientRequestToken: TOKEN });
    expect(create({ SecretString: 'first', ClientRequestToken: TOKEN })).toEqual(first);
    expect(refusal(create)).toEqual({
      code: 'ResourceExistsException',
      status: 400,
      message: 'The operation failed because the secret mfa/alice already exists.',
    });
  });

  test('text and bytes at once, or neither, are refused, without quoting either', () => {
    const { secrets, create } = setUp();
    expect(refusal(() => create({ SecretString: 'marked', SecretBinary: Buffer.from('marked') }))).toEqual({
      code: 'InvalidParameterException',
      status: 400,
      message: "You can't specify both a binary secret value and a string secret value in the same secret.",
    });
    create();
    expect(refusal(() => secrets.call('PutSecretValue', ALICE)).code).toBe('InvalidRequestException');
    expect(refusal(() => create({ SecretString: 'marked'.repeat(20_000) })).message).not.toContain('marked');
  });
});

describe('tagging', () => {
  test('adds tags, changes the values of those that stand, and removes by key', () => {
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

describe('deleting', () => {
  test('marks a secret, which then can’t be used but restored, until its time is over', () => {
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
    expect(refusal(get)).toEqual(marked);
    expect(refusal(() => put('second'))).toEqual(marked);
    expect(refusal(create).code).toBe('InvalidRequestException');
    expect(secrets.call('DescribeSecret', ALICE)).toHaveProperty('DeletedDate');
    secrets.call('RestoreSecret', ALICE);
    expect(get()).toMatchObject({ SecretString: 'first' });
    secrets.call('DeleteSecret', { ...ALICE, RecoveryWindowInDays: 7 });
    clock.turn(7 * DAY_MS);
    expect(refusal(get).code).toBe('ResourceNotFoundException');
    expect(create({ SecretString: 'new' })).toHaveProperty('ARN');
  });

  test('by force removes it at once, and is refused together with a recovery window', () => {
    const { secrets, create, get } = setUp();
    create();
    const force = { ...ALICE, ForceDeleteWithoutRecovery: true };
    expect(refusal(() => secrets.call('DeleteSecret', { ...force, RecoveryWindowInDays: 7 })).code).toBe(
      'InvalidParameterException',
    );
    secrets.call('DeleteSecret', force);
    expect(refusal(get).code).toBe('ResourceNotFoundException');
  });
});

describe('rights', () => {
  const KEY_ARN = `arn:aws:kms:${REGION}:${ACCOUNT}:key/11111111-2222-3333-4444-555555555555`;

  test('a secret is authorised with its whole ARN, however it is named', () => {
    const { asked, create, get } = setUp();
    const { ARN } = create();
    get({ SecretId: 'mfa/alice' });
    get({ SecretId: PARTIAL_ARN, VersionStage: 'AWSCURRENT' });
    expect(asked.slice(-2)).toEqual([
      { action: 'secretsmanager:GetSecretValue', resource: ARN, context: {} },
      {
        action: 'secretsmanager:GetSecretValue',
        resource: ARN,
        context: { 'secretsmanager:VersionStage': ['AWSCURRENT'] },
      },
    ]);
  });

  test.each(['mfa/alice', PARTIAL_ARN])('one that nobody knows, named as %s, with any six characters', (SecretId) => {
    const { asked, get } = setUp();
    refusal(() => get({ SecretId }));
    expect(asked.at(-1)?.resource).toMatch(new RegExp(`^${PARTIAL_ARN}-[A-Za-z0-9]{6}$`));
  });

  test('the policy of the secret itself decides with the caller’s, until it is removed', () => {
    const { secrets, asked, create, get } = setUp();
    const { ARN } = create();
    const Statement = { Effect: 'Deny', Principal: '*', Action: 'secretsmanager:GetSecretValue', Resource: '*' };
    secrets.call('PutResourcePolicy', { ...ALICE, ResourcePolicy: JSON.stringify({ Statement }) });
    get();
    const request = { action: 'secretsmanager:GetSecretValue', resource: ARN, context: new Map() };
    expect(asked.at(-1)?.resourcePolicy?.verdict(request)).toBe('deny');
    secrets.call('DeleteResourcePolicy', ALICE);
    get();
    expect(asked.at(-1)?.resourcePolicy).toBeUndefined();
  });

  test('a refusal is AWS’s', () => {
    const { create, get } = setUp(['secretsmanager:GetSecretValue']);
    create();
    expect(refusal(get)).toEqual({
      code: 'AccessDeniedException',
      status: 400,
      message: 'refused: secretsmanager:GetSecretValue',
    });
  });

  test('a customer-managed key is asked about too, by way of Secrets Manager', () => {
    const { asked, create, get } = setUp(['kms:Decrypt']);
    create({});
    expect(asked.filter(({ action }) => action.startsWith('kms:'))).toEqual([]);
    expect(refusal(get).code).toBe('ResourceNotFoundException');
    expect(refusal(() => create({ KmsKeyId: KEY_ARN })).message).toBe('Access to KMS is not allowed');
    expect(asked.at(-1)).toEqual({
      action: 'kms:Decrypt',
      resource: KEY_ARN,
      context: { 'kms:ViaService': [`secretsmanager.${REGION}.amazonaws.com`] },
    });
  });

  test('a key named by its id is the account’s, and AWS’s own needs no permission', () => {
    const { asked, create } = setUp();
    create({ KmsKeyId: KEY_ARN.slice(KEY_ARN.lastIndexOf('/') + 1) });
    expect(asked.at(-1)?.resource).toBe(KEY_ARN);
    const managed = setUp(['kms:Decrypt']);
    expect(managed.create({ KmsKeyId: 'alias/aws/secretsmanager' })).toHaveProperty('ARN');
  });
});

describe('faults', () => {
  test('a key that decrypts nothing', () => {
    const { secrets, create, get } = setUp();
    create();
    secrets.faults = { undecryptable: new Set(['mfa/alice']) };
    expect(refusal(get)).toMatchObject({ code: 'DecryptionFailure', status: 400 });
    expect(secrets.call('DescribeSecret', ALICE)).toHaveProperty('ARN');
  });

  test('a version just written is not found for as long as that is set to last', () => {
    const { secrets, clock, create, get, put } = setUp();
    create();
    clock.turn(60_000);
    secrets.faults = { newVersion: 5_000 };
    expect(get()).toMatchObject({ SecretString: 'first' });
    put('second');
    expect(refusal(get)).toMatchObject({
      code: 'ResourceNotFoundException',
      message: "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
    });
    clock.turn(5_000);
    expect(get()).toMatchObject({ SecretString: 'second' });
  });
});

test('the names for the local tools leave out what is scheduled for deletion', () => {
  const { secrets, create } = setUp();
  create();
  expect(secrets.secretNames).toEqual(['mfa/alice']);
  secrets.call('DeleteSecret', ALICE);
  expect(secrets.secretNames).toEqual([]);
});

test('an action or a parameter that is not known is refused by name', () => {
  const { secrets } = setUp();
  expect(refusal(() => secrets.call('ListSecrets', {}))).toMatchObject({ code: 'InvalidAction' });
  expect(refusal(() => secrets.call('GetSecretValue', { ...ALICE, Version: '1' })).message).toContain("'Version'");
});
