import type { AuthorizationRequest } from '../../../local/iam';
import { SecretsManager } from '../../../local/secrets-manager';
import { ACCOUNT, errorOf, seededRandom } from '../iam/fixture';
import { ManualClock } from '../iam/manual-clock';

const REGION = 'us-east-1';
const PARTIAL_ARN = `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:mfa/alice`;
const TOKEN = 'a'.repeat(32);
const DAY_MS = 24 * 60 * 60 * 1000;
const ALICE = { SecretId: 'mfa/alice' };
const DENY_READING = {
  Statement: { Effect: 'Deny', Principal: '*', Action: 'secretsmanager:GetSecretValue', Resource: '*' },
};

/** A Secrets Manager that records its authorization requests and denies the given actions. */
function setUp(denied: string[] = [], random = seededRandom()) {
  const clock = new ManualClock();
  const requests: AuthorizationRequest[] = [];
  const secrets = new SecretsManager({
    clock,
    accountId: ACCOUNT,
    region: REGION,
    random,
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

  test.each(['mfa/alice-??????', `${PARTIAL_ARN}-??????`, `${PARTIAL_ARN}-*`, 'mfa/al ice', 'mfa/alice\n'])(
    'refuses a name or an ARN with characters that no name has: %j',
    (SecretId) => {
      const { create, get } = setUp();
      create();
      expect(errorOf(() => get({ SecretId })).code).toBe('ValidationException');
    },
  );

  test('does not find a secret by a partial ARN that ends in a hyphen and six letters or digits, like a complete one', () => {
    const { secrets, create, get } = setUp();
    const { ARN } = create({ Name: 'mfa/john-miller', SecretString: 'first' });
    create({ Name: 'mfa/john-mill', SecretString: 'other' });
    const prefix = ARN.slice(0, ARN.indexOf('mfa/'));
    for (const SecretId of ['mfa/john-miller', ARN]) {
      expect(get({ SecretId })).toMatchObject({ ARN });
    }
    expect(errorOf(() => get({ SecretId: `${prefix}mfa/john-miller` })).code).toBe('ResourceNotFoundException');
    expect(get({ SecretId: `${prefix}mfa/john-mill` })).toMatchObject({ SecretString: 'other' });
    expect(secrets.secretNames).toEqual(['mfa/john-miller', 'mfa/john-mill']);
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
    expect(secrets.call('DescribeSecret', ALICE)).toMatchObject({ DeletedDate: new Date(clock.now()) });
    secrets.call('RestoreSecret', ALICE);
    expect(get()).toMatchObject({ SecretString: 'first' });
    secrets.call('DeleteSecret', { ...ALICE, RecoveryWindowInDays: 7 });
    clock.advance(7 * DAY_MS);
    expect(errorOf(get).code).toBe('ResourceNotFoundException');
    expect(create({ SecretString: 'new' })).toHaveProperty('ARN');
  });

  test('with a delay of deletion only marks a secret, even if forced', () => {
    const { secrets, clock, create, get, put } = setUp();
    create();
    secrets.call('PutResourcePolicy', { ...ALICE, ResourcePolicy: JSON.stringify(DENY_READING) });
    secrets.delays = { deletion: 5_000 };
    const force = () => secrets.call('DeleteSecret', { ...ALICE, ForceDeleteWithoutRecovery: true });
    const askedAt = new Date(clock.now());
    expect(force()).toMatchObject({ Name: 'mfa/alice', DeletionDate: askedAt });
    clock.advance(4_999);
    expect(secrets.call('DescribeSecret', ALICE)).toMatchObject({ DeletedDate: askedAt });
    const calls = [
      get,
      () => put('second'),
      ...['PutResourcePolicy', 'GetResourcePolicy', 'DeleteResourcePolicy', 'RestoreSecret'].map(
        (action) => () =>
          secrets.call(action, {
            ...ALICE,
            ...(action === 'PutResourcePolicy' && { ResourcePolicy: JSON.stringify(DENY_READING) }),
          }),
      ),
      () => secrets.call('TagResource', { ...ALICE, Tags: [{ Key: 'k', Value: 'v' }] }),
      () => secrets.call('UntagResource', { ...ALICE, TagKeys: ['k'] }),
    ];
    for (const call of calls) {
      expect(errorOf(call)).toEqual({
        code: 'InvalidRequestException',
        status: 400,
        message: "You can't perform this operation on the secret because it was marked for deletion.",
      });
    }
    expect(errorOf(create)).toEqual({
      code: 'InvalidRequestException',
      status: 400,
      message: "You can't create this secret because a secret with this name is already scheduled for deletion.",
    });
    expect(force()).toMatchObject({ DeletionDate: askedAt });
    clock.advance(1);
    expect(errorOf(() => secrets.call('DescribeSecret', ALICE)).code).toBe('ResourceNotFoundException');
    expect(create()).toHaveProperty('ARN');
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

describe('the policy of a secret', () => {
  test('can be read until it is deleted', () => {
    const { secrets, create } = setUp();
    create();
    const ResourcePolicy = JSON.stringify(DENY_READING);
    secrets.call('PutResourcePolicy', { ...ALICE, ResourcePolicy });
    expect(secrets.call('GetResourcePolicy', ALICE)).toMatchObject({ Name: 'mfa/alice', ResourcePolicy });
    secrets.call('DeleteResourcePolicy', ALICE);
    expect(secrets.call('GetResourcePolicy', ALICE)).not.toHaveProperty('ResourcePolicy');
  });
});

describe('ListSecrets', () => {
  const namesOf = ({ SecretList }: Record<string, unknown>) =>
    (SecretList as { Name: string }[]).map(({ Name }) => Name);

  function setUpThree() {
    const all = setUp();
    all.create({ Name: 'c', Tags: [{ Key: 'team', Value: 'Staff' }] });
    all.create({ Name: 'a', Tags: [{ Key: 'team', Value: 'Stage' }] });
    all.create({ Name: 'b', SecretString: 'first', ClientRequestToken: TOKEN });
    return all;
  }

  test('returns ARNs, tags, and the stages of versions, and no values', () => {
    const { secrets } = setUpThree();
    const { SecretList } = secrets.call('ListSecrets', {}) as { SecretList: object[] };
    expect(SecretList).toMatchObject([
      { Name: 'a', Tags: [{ Key: 'team', Value: 'Stage' }] },
      { Name: 'b', SecretVersionsToStages: { [TOKEN]: ['AWSCURRENT'] } },
      { Name: 'c', ARN: expect.stringMatching(/:secret:c-\w{6}$/) as string },
    ]);
    expect(JSON.stringify(SecretList)).not.toContain('first');
  });

  test('returns pages of the requested size', () => {
    const { secrets } = setUpThree();
    const first = secrets.call('ListSecrets', { MaxResults: 2 });
    expect(namesOf(first)).toEqual(['a', 'b']);
    const second = secrets.call('ListSecrets', { MaxResults: 2, NextToken: first.NextToken });
    expect(namesOf(second)).toEqual(['c']);
    expect(second).not.toHaveProperty('NextToken');
  });

  test.each([
    ['tag-value', 'Sta', ['a', 'c']],
    ['tag-value', 'Staff', ['c']],
    ['tag-value', 'staff', []],
    ['tag-key', 'team', ['a', 'c']],
    ['name', 'b', ['b']],
  ])('returns the secrets whose %s begins with %s', (Key, value, names) => {
    expect(namesOf(setUpThree().secrets.call('ListSecrets', { Filters: [{ Key, Values: [value] }] }))).toEqual(names);
  });

  test('fails with filters that are not supported locally', () => {
    const { secrets } = setUpThree();
    for (const filter of [
      { Key: 'all', Values: ['a'] },
      { Key: 'name', Values: ['!a'] },
    ]) {
      expect(errorOf(() => secrets.call('ListSecrets', { Filters: [filter] })).message).toContain('not supported');
    }
  });

  test('returns secrets that are scheduled for deletion only on request', () => {
    const { secrets } = setUpThree();
    secrets.call('DeleteSecret', { SecretId: 'b' });
    expect(namesOf(secrets.call('ListSecrets', {}))).toEqual(['a', 'c']);
    expect(namesOf(secrets.call('ListSecrets', { IncludePlannedDeletion: true }))).toEqual(['a', 'b', 'c']);
  });

  test('is authorized on all resources', () => {
    const { secrets, requests } = setUp();
    secrets.call('ListSecrets', {});
    expect(requests).toMatchObject([{ action: 'secretsmanager:ListSecrets', resource: '*' }]);
  });
});

describe('with stale reads', () => {
  const STALENESS = 8_000;

  /** What a read returns that sees the latest state, and one that sees the state of `STALENESS` ago. */
  function setUpStale() {
    let byte: number | undefined;
    const random = seededRandom();
    const all = setUp([], (bytes) => (byte === undefined ? random(bytes) : Buffer.alloc(bytes, byte)));
    all.secrets.delays = { reads: STALENESS };
    const extremes = (action: string, input: object = ALICE) =>
      [0, 255].map((each) => {
        byte = each;
        try {
          return all.secrets.call(action, { ...input });
        } catch (error) {
          return (error as { code: string }).code;
        } finally {
          byte = undefined;
        }
      });
    return { ...all, extremes };
  }

  test('a secret exists and has its value as of some moment within the staleness', () => {
    const { clock, create, put, extremes } = setUpStale();
    const { ARN } = create({ SecretString: 'first' });
    expect(extremes('GetSecretValue', { SecretId: ARN })).toMatchObject([
      { SecretString: 'first' },
      'ResourceNotFoundException',
    ]);
    clock.advance(60_000);
    put('second', TOKEN);
    expect(extremes('GetSecretValue')).toMatchObject([{ SecretString: 'second' }, { SecretString: 'first' }]);
    const [latest, oldest] = extremes('DescribeSecret') as [object, object];
    expect(latest).toHaveProperty(['VersionIdsToStages', TOKEN]);
    expect(oldest).not.toHaveProperty(['VersionIdsToStages', TOKEN]);
    clock.advance(STALENESS);
    expect(extremes('GetSecretValue')).toMatchObject([{ SecretString: 'second' }, { SecretString: 'second' }]);
  });

  test('a deleted secret is marked or gone as of some moment', () => {
    const { secrets, clock, create, extremes } = setUpStale();
    create();
    clock.advance(60_000);
    secrets.delays = { reads: STALENESS, deletion: 2_000 };
    secrets.call('DeleteSecret', { ...ALICE, ForceDeleteWithoutRecovery: true });
    const [marked, before] = extremes('DescribeSecret');
    expect(marked).toHaveProperty('DeletedDate');
    expect(before).not.toHaveProperty('DeletedDate');
    expect(extremes('GetSecretValue')).toMatchObject(['InvalidRequestException', { SecretString: 'first' }]);
    clock.advance(2_000 + STALENESS / 2);
    expect(extremes('DescribeSecret')[0]).toBe('ResourceNotFoundException');
    expect(extremes('GetSecretValue')[1]).toMatchObject({ SecretString: 'first' });
    clock.advance(STALENESS);
    expect(extremes('DescribeSecret')[1]).toBe('ResourceNotFoundException');
  });

  test('calls that change something act on the latest state', () => {
    const { secrets, create, put } = setUpStale();
    create();
    put('second', TOKEN);
    expect(put('second', TOKEN).VersionId).toBe(TOKEN);
    secrets.call('DeleteSecret', { ...ALICE, ForceDeleteWithoutRecovery: true });
    expect(errorOf(() => put('third')).code).toBe('ResourceNotFoundException');
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
    secrets.call('PutResourcePolicy', { ...ALICE, ResourcePolicy: JSON.stringify(DENY_READING) });
    get();
    const request = { action: 'secretsmanager:GetSecretValue', resource: ARN, context: new Map() };
    expect(requests.at(-1)?.resourcePolicy?.verdict(request)).toBe('deny');
    secrets.call('DeleteResourcePolicy', ALICE);
    get();
    expect(requests.at(-1)?.resourcePolicy).toBeUndefined();
  });

  test('of DeleteSecret are checked against the complete ARN and include the policy of the secret', () => {
    const { secrets, requests, create } = setUp();
    const { ARN } = create();
    secrets.call('PutResourcePolicy', { ...ALICE, ResourcePolicy: JSON.stringify(DENY_READING) });
    secrets.call('DeleteSecret', { ...ALICE, ForceDeleteWithoutRecovery: true });
    expect(requests.at(-1)).toMatchObject({ action: 'secretsmanager:DeleteSecret', resource: ARN });
    expect(requests.at(-1)?.resourcePolicy).toBeDefined();
    const denied = setUp(['secretsmanager:DeleteSecret']);
    denied.create();
    expect(errorOf(() => denied.secrets.call('DeleteSecret', ALICE)).code).toBe('AccessDeniedException');
    expect(denied.secrets.secretNames).toEqual(['mfa/alice']);
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
  expect(errorOf(() => secrets.call('RotateSecret', {}))).toMatchObject({ code: 'InvalidAction' });
  expect(errorOf(() => secrets.call('GetSecretValue', { ...ALICE, Version: '1' })).message).toContain("'Version'");
});

describe('ListSecrets', () => {
  test('lists what DescribeSecret shows, without secrets that are scheduled for deletion unless it is asked for them', () => {
    const { secrets, create } = setUp();
    create();
    const { VersionIdsToStages, ...described } = secrets.call('DescribeSecret', ALICE);
    expect(secrets.call('ListSecrets', {})).toEqual({
      SecretList: [{ ...described, SecretVersionsToStages: VersionIdsToStages }],
    });
    secrets.call('DeleteSecret', ALICE);
    expect(secrets.call('ListSecrets', {}).SecretList).toEqual([]);
    expect(secrets.call('ListSecrets', { IncludePlannedDeletion: true }).SecretList).toMatchObject([
      { Name: 'mfa/alice', DeletedDate: expect.any(Date) as Date },
    ]);
  });

  test('is paged', () => {
    const { secrets } = setUp();
    ['a', 'b', 'c'].forEach((Name) => secrets.call('CreateSecret', { Name }));
    const first = secrets.call('ListSecrets', { MaxResults: 2 });
    expect(first.SecretList).toHaveLength(2);
    const second = secrets.call('ListSecrets', { MaxResults: 2, NextToken: first.NextToken });
    expect(second.SecretList).toHaveLength(1);
    expect(second).not.toHaveProperty('NextToken');
    expect(errorOf(() => secrets.call('ListSecrets', { MaxResults: 101 }))).toMatchObject({
      code: 'ValidationException',
    });
    expect(errorOf(() => secrets.call('ListSecrets', { NextToken: 'x' }))).toMatchObject({
      code: 'InvalidNextTokenException',
    });
  });
});

describe('UpdateSecretVersionStage', () => {
  /** A secret with three versions, of which the oldest has no label any more. */
  function withThree() {
    const { secrets } = setUp();
    const [first, second, third] = ['1', '2', '3'].map((digit) => digit.repeat(36));
    secrets.call('CreateSecret', { Name: 'mfa/alice', SecretString: 'one', ClientRequestToken: first });
    for (const [token, text] of [
      [second, 'two'],
      [third, 'three'],
    ]) {
      secrets.call('PutSecretValue', { ...ALICE, SecretString: text, ClientRequestToken: token });
    }
    const move = (MoveToVersionId?: string, RemoveFromVersionId?: string) =>
      secrets.call('UpdateSecretVersionStage', {
        ...ALICE,
        VersionStage: 'AWSCURRENT',
        ...(MoveToVersionId !== undefined && { MoveToVersionId }),
        ...(RemoveFromVersionId !== undefined && { RemoveFromVersionId }),
      });
    return { secrets, move, first: first!, second: second!, third: third! };
  }

  test('makes a deprecated version current again, and the current one the previous', () => {
    const { secrets, move, first, third } = withThree();
    move(first, third);
    expect(secrets.call('DescribeSecret', ALICE).VersionIdsToStages).toEqual({
      [first]: ['AWSCURRENT'],
      [third]: ['AWSPREVIOUS'],
    });
    expect(secrets.call('GetSecretValue', ALICE)).toMatchObject({ SecretString: 'one' });
  });

  test('is refused unless it names the version that has the label', () => {
    const { move, first, second, third } = withThree();
    expect(errorOf(() => move(first))).toMatchObject({ code: 'InvalidParameterException' });
    expect(errorOf(() => move(first, second))).toMatchObject({ code: 'InvalidParameterException' });
    expect(errorOf(() => move('4'.repeat(36), third))).toMatchObject({ code: 'ResourceNotFoundException' });
  });

  test('moves AWSCURRENT, and never removes it', () => {
    const { secrets, move, third } = withThree();
    expect(errorOf(() => move(undefined, third))).toMatchObject({
      code: 'InvalidParameterException',
      message: expect.stringContaining('completely removed') as string,
    });
    expect(secrets.call('GetSecretValue', ALICE)).toMatchObject({ SecretString: 'three' });
  });

  test('ListSecretVersionIds lists deprecated versions only if it is asked for them', () => {
    const { secrets, first, second, third } = withThree();
    const ids = (input: object) =>
      (secrets.call('ListSecretVersionIds', { ...ALICE, ...input }).Versions as { VersionId: string }[]).map(
        ({ VersionId }) => VersionId,
      );
    expect(ids({})).toEqual([second, third]);
    expect(ids({ IncludeDeprecated: true })).toEqual([first, second, third]);
    expect(ids({ IncludeDeprecated: true, MaxResults: 2 })).toEqual([first, second]);
  });
});
