import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ReceivedRequest, type Respond } from '../lambda/aws/loopback-server';
import { BuiltFunction, LAMBDA_ENVIRONMENT, type Outcome } from './built-function';

let built: BuiltFunction;
beforeAll(async () => {
  built = await BuiltFunction.open();
  writeSharedConfiguration();
});
afterAll(() => built.close());

/** Writes the shared configuration of a developer's machine, with other credentials. Lambda has none. */
function writeSharedConfiguration(): void {
  mkdirSync(join(built.folder, '.aws'));
  writeFileSync(
    join(built.folder, '.aws', 'credentials'),
    '[default]\naws_access_key_id = AKIAFILE\naws_secret_access_key = file\n',
  );
  writeFileSync(
    join(built.folder, '.aws', 'config'),
    [
      '[default]\nregion = ap-south-1\nretry_mode = adaptive\ndefaults_mode = auto\n',
      '[profile process]\ncredential_process = /bin/false\n',
      '[profile sso]\nsso_session = main\nsso_account_id = 123456789012\nsso_role_name = Admin\n',
      '[sso-session main]\nsso_region = eu-west-1\nsso_start_url = https://example.com/start\n',
      '[profile role]\nrole_arn = arn:aws:iam::123456789012:role/Admin\nsource_profile = default\n',
    ].join('\n'),
  );
}

function accessKeyOf(request: ReceivedRequest | undefined): string | undefined {
  return request?.headers.authorization?.match(/Credential=(\w+)\//)?.[1];
}

function scopeOf(request: ReceivedRequest | undefined): string | undefined {
  return request?.headers.authorization?.match(/Credential=\w+\/\d+\/([^,]+)\/aws4_request/)?.[1];
}

const seed: Respond = (response) => response.end(JSON.stringify({ SecretString: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP' }));

/** Expects that the Create ran to its expected failure, because the secret holds no seed, without warnings. */
function expectWholeCreate({ answer, iam, secretsManager, exitCode, stderr }: Outcome): void {
  expect(answer.Reason).toContain('holds no seed');
  expect(iam).toBeDefined();
  expect(secretsManager).toBeDefined();
  expect(exitCode).toBe(0);
  expect(stderr).toBe('');
}

describe("requests are signed with the credentials of the function's role in an environment with", () => {
  test.each<[string, NodeJS.ProcessEnv]>([
    ['no other settings', {}],
    ['a profile', { AWS_PROFILE: 'process' }],
    ['a profile that does not exist', { AWS_PROFILE: 'nobody' }],
    ['shared configuration files', { AWS_SDK_LOAD_CONFIG: '1' }],
    [
      'shared configuration files that are missing',
      { AWS_CONFIG_FILE: '/nonexistent', AWS_SHARED_CREDENTIALS_FILE: '/nonexistent' },
    ],
    ['credentials of a container', { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://127.0.0.1:1/credentials' }],
    ['a web identity token', { AWS_WEB_IDENTITY_TOKEN_FILE: '/token', AWS_ROLE_ARN: 'arn:r' }],
    ['other modes of the SDK', { AWS_DEFAULTS_MODE: 'auto', AWS_RETRY_MODE: 'adaptive', AWS_MAX_ATTEMPTS: '5' }],
  ])('%s', async (_, changes) => {
    const outcome = await built.create({ ...LAMBDA_ENVIRONMENT, ...changes });
    expectWholeCreate(outcome);
    for (const request of [outcome.iam, outcome.secretsManager]) {
      expect(accessKeyOf(request)).toBe('ASIAROLE');
      expect(request?.headers['x-amz-security-token']).toBe('session');
    }
  });
});

test('the bundle sends its requests to Secrets Manager as JSON', async () => {
  const { secretsManager } = await built.create(LAMBDA_ENVIRONMENT);
  expect(JSON.parse(secretsManager!.body)).toEqual({
    SecretId: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mfa/alice-AbCdEf',
  });
});

test('requests carry the trace of the invocation', async () => {
  const trace = { AWS_LAMBDA_FUNCTION_NAME: 'Provider', _X_AMZN_TRACE_ID: 'Root=1-2-3' };
  const { iam, secretsManager } = await built.create({ ...LAMBDA_ENVIRONMENT, ...trace });
  expect([iam, secretsManager].map((request) => request?.headers['x-amzn-trace-id'])).toEqual([
    'Root=1-2-3',
    'Root=1-2-3',
  ]);
});

describe('nothing is sent and the stack event says what to do in an environment with', () => {
  test.each<[string, NodeJS.ProcessEnv]>([
    ['no credentials', {}],
    ['only an access key id', { AWS_ACCESS_KEY_ID: 'ASIAROLE' }],
    ['only a secret access key', { AWS_SECRET_ACCESS_KEY: 'secret' }],
    ['empty credentials', { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' }],
    ['only the credentials of a profile', { AWS_PROFILE: 'default' }],
    ['only the credentials of a process', { AWS_PROFILE: 'process' }],
    ['only the credentials of single sign-on', { AWS_PROFILE: 'sso' }],
    ['only the credentials of another role', { AWS_PROFILE: 'role', AWS_SDK_LOAD_CONFIG: '1' }],
    ['only the credentials of a container', { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://127.0.0.1:1/credentials' }],
    ['only a web identity token', { AWS_WEB_IDENTITY_TOKEN_FILE: '/token', AWS_ROLE_ARN: 'arn:r' }],
  ])('%s', async (_, environment) => {
    const { answer, iam, secretsManager, exitCode, stderr } = await built.create({
      AWS_REGION: 'eu-west-1',
      ...environment,
    });
    expect(answer.Status).toBe('FAILED');
    expect(answer.Reason).toMatch(/could not be sent \(CredentialsProviderError\)\. State: nothing was changed\./);
    expect(answer.Reason).toContain("Next: check the function's role, region and environment variables");
    expect([iam, secretsManager]).toEqual([undefined, undefined]);
    expect(exitCode).toBe(0);
    expect(stderr).not.toMatch(/Error|Cannot find/);
  });
});

test.each(['/nonexistent', undefined])(
  'the stack event says what to do if only a configuration file sets the region: %s',
  async (file) => {
    const environment = { ...LAMBDA_ENVIRONMENT, AWS_REGION: undefined, AWS_CONFIG_FILE: file };
    built.respondNext({ secretsManager: seed });
    const { answer, iam, exitCode } = await built.create(environment);
    expect(answer.Reason).toMatch(/iam:ListMFADevice\w+ could not be sent \(RequestNotSent\)/);
    expect(iam).toBeUndefined();
    expect(exitCode).toBe(0);
  },
);

// https://docs.aws.amazon.com/general/latest/gr/iam-service.html and the pages of the regions
describe('the endpoints of each partition are used', () => {
  test.each([
    ['eu-west-1', 'iam.amazonaws.com', 'us-east-1', 'amazonaws.com'],
    ['cn-northwest-1', 'iam.cn-north-1.amazonaws.com.cn', 'cn-north-1', 'amazonaws.com.cn'],
    ['us-gov-east-1', 'iam.us-gov.amazonaws.com', 'us-gov-west-1', 'amazonaws.com'],
    ['us-iso-west-1', 'iam.us-iso-east-1.c2s.ic.gov', 'us-iso-east-1', 'c2s.ic.gov'],
    ['us-isob-east-1', 'iam.us-isob-east-1.sc2s.sgov.gov', 'us-isob-east-1', 'sc2s.sgov.gov'],
    ['eu-isoe-west-1', 'iam.eu-isoe-west-1.cloud.adc-e.uk', 'eu-isoe-west-1', 'cloud.adc-e.uk'],
    ['us-isof-east-1', 'iam.us-isof-south-1.csp.hci.ic.gov', 'us-isof-south-1', 'csp.hci.ic.gov'],
    ['eusc-de-east-1', 'iam.eusc-de-east-1.amazonaws.eu', 'eusc-de-east-1', 'amazonaws.eu'],
  ])('%s: %s, signed for %s', async (region, iamHost, signingRegion, suffix) => {
    const outcome = await built.create({ ...LAMBDA_ENVIRONMENT, AWS_REGION: region }, region);
    expectWholeCreate(outcome);
    expect(outcome.iam?.headers.host).toBe(iamHost);
    expect(scopeOf(outcome.iam)).toBe(`${signingRegion}/iam`);
    expect(outcome.secretsManager?.headers.host).toBe(`secretsmanager.${region}.${suffix}`);
    expect(scopeOf(outcome.secretsManager)).toBe(`${region}/secretsmanager`);
  });
});

// https://aws.amazon.com/compliance/fips/
test.each([
  ['us-west-2', 'iam-fips.amazonaws.com', 'us-east-1'],
  ['us-gov-east-1', 'iam.us-gov.amazonaws.com', 'us-gov-west-1'],
])('FIPS endpoints are used in %s: %s, and that of Secrets Manager', async (region, iamHost, signingRegion) => {
  const environment = { ...LAMBDA_ENVIRONMENT, AWS_REGION: region, AWS_USE_FIPS_ENDPOINT: 'true' };
  const outcome = await built.create(environment, region);
  expectWholeCreate(outcome);
  expect(outcome.iam?.headers.host).toBe(iamHost);
  expect(scopeOf(outcome.iam)).toBe(`${signingRegion}/iam`);
  expect(outcome.secretsManager?.headers.host).toBe(`secretsmanager-fips.${region}.amazonaws.com`);
});

describe('a custom endpoint', () => {
  const IAM = 'iam.amazonaws.com';
  const SECRETS_MANAGER = 'secretsmanager.eu-west-1.amazonaws.com';
  test.each([
    ['AWS_ENDPOINT_URL', 'loopback', 'loopback'],
    ['AWS_ENDPOINT_URL_IAM', 'loopback', SECRETS_MANAGER],
    ['AWS_ENDPOINT_URL_SECRETS_MANAGER', IAM, 'loopback'],
  ])('in %s sends requests to %s and %s', async (variable, iamHost, secretsManagerHost) => {
    const outcome = await built.create({ ...LAMBDA_ENVIRONMENT, [variable]: built.url });
    expectWholeCreate(outcome);
    const hosts = [outcome.iam, outcome.secretsManager].map((request) =>
      request?.headers.host === new URL(built.url).host ? 'loopback' : request?.headers.host,
    );
    expect(hosts).toEqual([iamHost, secretsManagerHost]);
  });
});

describe('errors of AWS are identified by their code', () => {
  const iamError =
    (code: string): Respond =>
    (response) =>
      response
        .writeHead(409)
        .end(`<ErrorResponse><Error><Code>${code}</Code><Message>text</Message></Error></ErrorResponse>`);
  const secretsError =
    (type: string): Respond =>
    (response) =>
      response.writeHead(400).end(JSON.stringify({ __type: type, Message: 'text' }));

  test.each([
    ['LimitExceeded', /\(LimitExceeded\)/],
    ['ValidationError', /iam:ListMFADevice\w+ as invalid \(ValidationError\)/],
    ['InvalidInput', /iam:ListMFADevice\w+ failed with InvalidInput/],
    ['CodeOfTomorrow', /iam:ListMFADevice\w+ failed with CodeOfTomorrow/],
  ])('IAM: %s', async (code, reason) => {
    built.respondNext({ iam: iamError(code), secretsManager: seed });
    expect((await built.create(LAMBDA_ENVIRONMENT)).answer.Reason).toMatch(reason);
  });

  test.each([
    ['DecryptionFailure', /can't be decrypted \(DecryptionFailure\)/],
    ['InvalidRequestException', /\(InvalidRequestException\)/],
    ['com.amazonaws.secretsmanager#InvalidRequestException', /\(InvalidRequestException\)/],
    ['InvalidParameterException', /secretsmanager:GetSecretValue failed with InvalidParameter/],
    ['CodeOfTomorrow', /secretsmanager:GetSecretValue failed with CodeOfTomorrow/],
  ])('Secrets Manager: %s', async (type, reason) => {
    built.respondNext({ secretsManager: secretsError(type) });
    expect((await built.create(LAMBDA_ENVIRONMENT)).answer.Reason).toMatch(reason);
  });
});
