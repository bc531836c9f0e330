import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import {
  CreateUserCommand,
  CreateVirtualMFADeviceCommand,
  DeleteConflictException,
  DeleteUserCommand,
  EnableMFADeviceCommand,
  EntityAlreadyExistsException,
  IAMClient,
  InvalidAuthenticationCodeException,
  LimitExceededException,
  ListMFADevicesCommand,
  ListMFADeviceTagsCommand,
  ListRolesCommand,
  ListVirtualMFADevicesCommand,
  NoSuchEntityException,
  paginateListVirtualMFADevices,
  ServiceFailureException,
  TagMFADeviceCommand,
  UntagMFADeviceCommand,
} from '@aws-sdk/client-iam';
import {
  CreateSecretCommand,
  DecryptionFailure,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetResourcePolicyCommand,
  GetSecretValueCommand,
  InvalidRequestException,
  ResourceNotFoundException,
  RotateSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { XMLParser } from 'fast-xml-parser';
import { AwsError } from '../../../local/aws-error';
import { type CompletedCall, AwsServer, type Fault, type IncomingCall } from '../../../local/http';
import { type Caller, Iam, TRUST_POLICY } from '../../../local/iam';
import { SecretsManager } from '../../../local/secrets-manager';
import { ACCOUNT, decoded, seededRandom, withCodes } from '../iam/fixture';
import { ManualClock } from '../iam/manual-clock';

const HANDLER: Caller = { arn: `arn:aws:sts::${ACCOUNT}:assumed-role/handler/function`, roleName: 'handler' };

let clock: ManualClock;
let iam: Iam;
let server: AwsServer;
let url: string;
let secretsManager: SecretsManager;
let iamClient: IAMClient;
let secretsClient: SecretsManagerClient;
let faultOf: (call: IncomingCall) => Fault | undefined;
let calls: CompletedCall[];

function clientOptions(accessKeyId = 'test') {
  return {
    endpoint: url,
    region: 'us-east-1',
    credentials: { accessKeyId, secretAccessKey: 'test' },
    maxAttempts: 1,
  };
}

beforeEach(async () => {
  clock = new ManualClock();
  iam = new Iam({ clock, accountId: ACCOUNT, random: seededRandom() });
  secretsManager = new SecretsManager({
    clock,
    accountId: ACCOUNT,
    region: 'us-east-1',
    authorize: (caller, request) => iam.denialReason(caller, request),
  });
  faultOf = () => undefined;
  calls = [];
  server = new AwsServer({
    iam,
    secretsManagers: [secretsManager],
    clock,
    callerOf: (accessKeyId) => (accessKeyId === 'HANDLER' ? HANDLER : undefined),
    faultOf: (call) => faultOf(call),
    onCall: (call) => calls.push(call),
  });
  ({ url } = await server.start());
  iamClient = new IAMClient(clientOptions());
  secretsClient = new SecretsManagerClient(clientOptions());
});

afterEach(async () => {
  iamClient.destroy();
  secretsClient.destroy();
  await server.close();
});

/** Sends a request that no SDK would send. */
async function send(
  { headers = {}, ...init }: RequestInit & { headers?: Record<string, string> },
  { path = '/', service = 'iam' } = {},
): Promise<{ status: number; headers: Headers; text: string }> {
  const authorization = `AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=00`;
  const response = await fetch(url + path, { ...init, headers: { authorization, ...headers } });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

function parseXml(xml: string): unknown {
  return new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '@', parseTagValue: false }).parse(xml);
}

async function createDevice(name: string) {
  const { VirtualMFADevice } = await iamClient.send(new CreateVirtualMFADeviceCommand({ VirtualMFADeviceName: name }));
  const serialNumber = VirtualMFADevice?.SerialNumber ?? '';
  return { serialNumber, seed: decoded(Buffer.from(VirtualMFADevice?.Base32StringSeed ?? []).toString()) };
}

function codesFor(userName: string, device: { serialNumber: string; seed: Buffer }) {
  return withCodes(userName, device, clock.now()) as {
    UserName: string;
    SerialNumber: string;
    AuthenticationCode1: string;
    AuthenticationCode2: string;
  };
}

describe('the SDK client of IAM', () => {
  test('creates a device and enables it', async () => {
    await iamClient.send(new CreateUserCommand({ UserName: 'alice', Path: '/team/' }));
    const device = await createDevice('alice');
    await iamClient.send(new EnableMFADeviceCommand(codesFor('alice', device)));
    const { MFADevices, IsTruncated } = await iamClient.send(new ListMFADevicesCommand({ UserName: 'alice' }));
    expect(MFADevices).toEqual([
      { UserName: 'alice', SerialNumber: device.serialNumber, EnableDate: new Date(clock.now()) },
    ]);
    expect(IsTruncated).toBe(false);
    const { VirtualMFADevices } = await iamClient.send(new ListVirtualMFADevicesCommand({}));
    expect(VirtualMFADevices?.[0]?.User?.Arn).toBe(`arn:aws:iam::${ACCOUNT}:user/team/alice`);
  });

  test('sends and receives lists, including empty ones', async () => {
    const { serialNumber: SerialNumber } = await createDevice('alice');
    const Tags = Array.from({ length: 11 }, (_, index) => ({
      Key: `k${10 + index}`,
      Value: index === 0 ? '' : 'a b+ü',
    }));
    const read = async () => (await iamClient.send(new ListMFADeviceTagsCommand({ SerialNumber }))).Tags;
    expect(await read()).toEqual([]);
    await iamClient.send(new TagMFADeviceCommand({ SerialNumber, Tags }));
    expect(await read()).toEqual(Tags);
    await iamClient.send(new UntagMFADeviceCommand({ SerialNumber, TagKeys: Tags.slice(1).map(({ Key }) => Key) }));
    expect(await read()).toEqual(Tags.slice(0, 1));
    await iamClient.send(new UntagMFADeviceCommand({ SerialNumber, TagKeys: [] }));
    expect(await read()).toEqual(Tags.slice(0, 1));
  });

  test('paginates over every device exactly once', async () => {
    const created: string[] = [];
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      created.push((await createDevice(name)).serialNumber);
    }
    const seen: (string | undefined)[] = [];
    for await (const page of paginateListVirtualMFADevices({ client: iamClient, pageSize: 2 }, {})) {
      seen.push(...(page.VirtualMFADevices ?? []).map(({ SerialNumber }) => SerialNumber));
    }
    expect(seen).toEqual(created);
  });

  test('receives errors as typed exceptions with their HTTP status', async () => {
    await iamClient.send(new CreateUserCommand({ UserName: 'alice' }));
    const device = await createDevice('alice');
    const codes = codesFor('alice', device);
    const wrong = { ...codes, AuthenticationCode1: codes.AuthenticationCode2 };
    const thrown = (call: Promise<unknown>) => call.catch((error: unknown) => error);
    const invalid = await thrown(iamClient.send(new EnableMFADeviceCommand(wrong)));
    expect(invalid).toBeInstanceOf(InvalidAuthenticationCodeException);
    expect(invalid).toMatchObject({
      message: 'Authentication code for device is not valid.',
      $fault: 'client',
      $metadata: { httpStatusCode: 403, requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string },
    });
    const unknown = await thrown(iamClient.send(new ListMFADevicesCommand({ UserName: 'bob' })));
    expect(unknown).toBeInstanceOf(NoSuchEntityException);
    await iamClient.send(new EnableMFADeviceCommand(codes));
    const twice = await thrown(iamClient.send(new EnableMFADeviceCommand(codes)));
    expect(twice).toBeInstanceOf(EntityAlreadyExistsException);
    const inUse = await thrown(iamClient.send(new DeleteUserCommand({ UserName: 'alice' })));
    expect(inUse).toBeInstanceOf(DeleteConflictException);
    faultOf = () => ({ before: new AwsError('LimitExceeded', 409, 'enough') });
    expect(await thrown(iamClient.send(new EnableMFADeviceCommand(codes)))).toBeInstanceOf(LimitExceededException);
    faultOf = () => ({ before: new AwsError('ServiceFailure', 500, 'broken') });
    expect(await thrown(iamClient.send(new EnableMFADeviceCommand(codes)))).toBeInstanceOf(ServiceFailureException);
  });
});

describe('the SDK client of Secrets Manager', () => {
  test('receives text, bytes and times unchanged', async () => {
    await secretsClient.send(new CreateSecretCommand({ Name: 'text', SecretString: 'ü' }));
    await secretsClient.send(new CreateSecretCommand({ Name: 'bytes', SecretBinary: Buffer.from([0, 255]) }));
    const text = await secretsClient.send(new GetSecretValueCommand({ SecretId: 'text' }));
    expect(text).toMatchObject({ SecretString: 'ü', CreatedDate: new Date(clock.now()) });
    const bytes = await secretsClient.send(new GetSecretValueCommand({ SecretId: 'bytes' }));
    expect(Buffer.from(bytes.SecretBinary ?? [])).toEqual(Buffer.from([0, 255]));
    const { VersionIdsToStages } = await secretsClient.send(new DescribeSecretCommand({ SecretId: 'text' }));
    expect(VersionIdsToStages).toEqual({ [text.VersionId ?? '']: ['AWSCURRENT'] });
  });

  test('deletes a secret without recovery, which is only marked for deletion at first', async () => {
    secretsManager.delays = { deletion: 5_000 };
    await secretsClient.send(new CreateSecretCommand({ Name: 'mfa', SecretString: 'x' }));
    const deleted = await secretsClient.send(
      new DeleteSecretCommand({ SecretId: 'mfa', ForceDeleteWithoutRecovery: true }),
    );
    expect(deleted.DeletionDate).toEqual(new Date(clock.now()));
    const described = await secretsClient.send(new DescribeSecretCommand({ SecretId: 'mfa' }));
    expect(described.DeletedDate).toEqual(new Date(clock.now()));
    const get = () => secretsClient.send(new GetSecretValueCommand({ SecretId: 'mfa' }));
    await expect(get()).rejects.toBeInstanceOf(InvalidRequestException);
    await expect(secretsClient.send(new GetResourcePolicyCommand({ SecretId: 'mfa' }))).rejects.toBeInstanceOf(
      InvalidRequestException,
    );
    clock.advance(5_000);
    await expect(get()).rejects.toBeInstanceOf(ResourceNotFoundException);
  });

  test('receives errors as typed exceptions', async () => {
    const get = () => secretsClient.send(new GetSecretValueCommand({ SecretId: 'mfa' }));
    await expect(get()).rejects.toBeInstanceOf(ResourceNotFoundException);
    await secretsClient.send(new CreateSecretCommand({ Name: 'mfa', SecretString: 'x' }));
    secretsManager.faults = { undecryptable: new Set(['mfa']) };
    await expect(get()).rejects.toBeInstanceOf(DecryptionFailure);
  });
});

describe('the caller', () => {
  test('of a known access key is its role, in both services', async () => {
    const iamHandler = new IAMClient(clientOptions('HANDLER'));
    const secretsHandler = new SecretsManagerClient(clientOptions('HANDLER'));
    await expect(iamHandler.send(new ListMFADevicesCommand({ UserName: 'alice' }))).rejects.toMatchObject({
      name: 'AccessDenied',
      message: expect.stringContaining(
        `User: ${HANDLER.arn} is not authorized to perform: iam:ListMFADevices`,
      ) as string,
      $metadata: { httpStatusCode: 403 },
    });
    await expect(secretsHandler.send(new GetSecretValueCommand({ SecretId: 'mfa' }))).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining(
        'because no identity-based policy allows the secretsmanager:GetSecretValue',
      ) as string,
    });
    iamHandler.destroy();
    secretsHandler.destroy();
  });

  test('must be named: a request without a signature, or without a scope in it, is an error', async () => {
    const anonymous = await fetch(url, { method: 'POST', body: 'Action=ListUsers&Version=2010-05-08' });
    expect(anonymous.status).toBe(403);
    expect(await anonymous.text()).toContain('<Code>MissingAuthenticationToken</Code>');
    const unscoped = await send({ method: 'POST', headers: { authorization: 'Basic dGVzdA==' } });
    expect(unscoped).toMatchObject({ status: 400, text: expect.stringContaining('IncompleteSignature') as string });
  });

  test('of an unsupported service or region gets an error that names that service or region', async () => {
    expect((await send({ method: 'POST' }, { service: 'sts' })).text).toContain('service sts is not supported');
    const elsewhere = new SecretsManagerClient({ ...clientOptions(), region: 'eu-west-1' });
    await expect(elsewhere.send(new GetSecretValueCommand({ SecretId: 'x' }))).rejects.toMatchObject({
      message: 'secretsmanager is not served in region eu-west-1, only in: us-east-1',
    });
    elsewhere.destroy();
  });
});

describe('the Host of a request', () => {
  /** Sends a signed request with another `Host`, which `fetch` does not allow. */
  async function sendTo(host: string): Promise<{ status?: number; text: string }> {
    const { port } = new URL(url);
    const authorization =
      'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/secretsmanager/aws4_request, SignedHeaders=host, Signature=00';
    const message = request({
      port,
      host: '127.0.0.1',
      method: 'POST',
      headers: { host, authorization, 'x-amz-target': 'secretsmanager.GetSecretValue' },
    });
    message.end(JSON.stringify({ SecretId: 'mfa' }));
    const [response] = (await once(message, 'response')) as [IncomingMessage];
    let text = '';
    for await (const chunk of response) {
      text += String(chunk);
    }
    return { status: response.statusCode, text };
  }

  beforeEach(() => secretsClient.send(new CreateSecretCommand({ Name: 'mfa', SecretString: 'MARKEDSEED' })));

  test.each([
    'rebound.example',
    'rebound.example:80',
    '127.0.0.1.rebound.example',
    'localhost.example',
    '[::1]',
    '0.0.0.0',
  ])('%s is refused, because a web page that rebinds its own name to this machine could read seeds', async (host) => {
    const { status, text } = await sendTo(host);
    expect(status).toBe(421);
    expect(text).toContain(`Host &apos;${host}&apos; is not this machine: expected 127.0.0.1 or localhost`);
    expect(text).not.toContain('MARKEDSEED');
    expect(calls.filter(({ action }) => action === 'GetSecretValue')).toEqual([]);
  });

  test.each(['127.0.0.1', '127.0.0.1:8080', 'localhost', 'LOCALHOST:8080'])('%s is this machine', async (host) => {
    expect(await sendTo(host)).toMatchObject({ status: 200, text: expect.stringContaining('MARKEDSEED') as string });
  });
});

describe('an operation that the local AWS does not have gets an honest answer, with the supported operations', () => {
  test('ListRoles', async () => {
    await expect(iamClient.send(new ListRolesCommand({}))).rejects.toMatchObject({
      name: 'InvalidAction',
      message: expect.stringMatching(
        /^ListRoles is not supported by the local AWS\. Supported operations of IAM: .*\bCreateUser, .*\bListUsers, .*\.$/,
      ) as string,
    });
  });

  test('RotateSecret', async () => {
    await expect(secretsClient.send(new RotateSecretCommand({ SecretId: 'mfa' }))).rejects.toMatchObject({
      name: 'InvalidAction',
      message: expect.stringMatching(
        /^RotateSecret is not supported by the local AWS\. Supported operations of Secrets Manager: CreateSecret, .*\bPutSecretValue, .*\.$/,
      ) as string,
    });
  });

  test('a version of an API that AWS does not have gets the answer of AWS', async () => {
    const { text } = await send({ method: 'GET' }, { path: '/?Action=ListUsers&Version=2011-01-01' });
    expect(text).toContain('Could not find operation ListUsers for version 2011-01-01');
  });
});

describe('the XML of IAM', () => {
  const NAMESPACE = 'https://iam.amazonaws.com/doc/2010-05-08/';

  test('contains the output, for GET and for POST', async () => {
    iam.call('CreateUser', { UserName: 'alice' });
    const parameters = 'Action=ListUsers&Version=2010-05-08&MaxItems=1';
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const responses = [
      await send({ method: 'GET' }, { path: `/?${parameters}` }),
      await send({ method: 'POST', body: parameters, headers: form }),
    ];
    for (const { status, headers, text } of responses) {
      expect(status).toBe(200);
      expect(headers.get('content-type')).toBe('text/xml');
      expect(parseXml(text)).toEqual({
        ListUsersResponse: {
          '@xmlns': NAMESPACE,
          ListUsersResult: {
            Users: {
              member: {
                Path: '/',
                UserName: 'alice',
                UserId: expect.stringMatching(/^AIDA/) as string,
                Arn: `arn:aws:iam::${ACCOUNT}:user/alice`,
                CreateDate: '2026-01-01T12:00:10Z',
              },
            },
            IsTruncated: 'false',
          },
          ResponseMetadata: { RequestId: headers.get('x-amzn-requestid') },
        },
      });
    }
  });

  test('has no result element if there is no output', async () => {
    iam.call('CreateUser', { UserName: 'alice' });
    const { text } = await send({ method: 'POST', body: 'Action=DeleteUser&Version=2010-05-08&UserName=alice' });
    expect(Object.keys((parseXml(text) as Record<string, object>).DeleteUserResponse ?? {}).sort()).toEqual([
      '@xmlns',
      'ResponseMetadata',
    ]);
  });

  test('encodes the Base32 seed in Base64, like every blob', async () => {
    const { text } = await send({
      method: 'POST',
      body: 'Action=CreateVirtualMFADevice&Version=2010-05-08&VirtualMFADeviceName=a',
    });
    const [, seed = ''] = /<Base32StringSeed>(.*)<\/Base32StringSeed>/.exec(text) ?? [];
    expect(Buffer.from(seed, 'base64').toString()).toMatch(/^[A-Z2-7]{64}$/);
  });

  test('says whose fault an error is, and escapes its message', async () => {
    const bad = await send({ method: 'POST', body: 'Action=GetUser&Version=2010-05-08&UserName=%3Ca%26b%3E' });
    expect(bad.status).toBe(400);
    expect(bad.text).toContain('&lt;a&amp;b&gt;');
    expect(parseXml(bad.text)).toEqual({
      ErrorResponse: {
        '@xmlns': NAMESPACE,
        Error: {
          Type: 'Sender',
          Code: 'ValidationError',
          Message: expect.stringContaining("Value '<a&b>' at 'userName'") as string,
        },
        RequestId: bad.headers.get('x-amzn-requestid'),
      },
    });
    faultOf = () => ({ before: new AwsError('ServiceUnavailable', 503, 'later') });
    const broken = await send({ method: 'GET' }, { path: '/?Action=ListUsers&Version=2010-05-08' });
    expect(broken).toMatchObject({ status: 503, text: expect.stringContaining('<Type>Receiver</Type>') as string });
  });
});

describe('a malformed request is an error', () => {
  test.each([
    ['no action', 'Version=2010-05-08', 'MissingAction'],
    ['an unknown action', 'Action=ListGroups&Version=2010-05-08', 'InvalidAction'],
    ['another version', 'Action=ListUsers&Version=2011-01-01', 'InvalidAction'],
    ['an unknown parameter', 'Action=ListUsers&Version=2010-05-08&Color=red', 'ValidationError'],
    ['a number that is not one', 'Action=ListUsers&Version=2010-05-08&MaxItems=ten', 'ValidationError'],
  ])('with %s', async (_, body, code) => {
    expect(await send({ method: 'POST', body })).toMatchObject({
      status: 400,
      text: expect.stringContaining(`<Code>${code}</Code>`) as string,
    });
  });

  test('if its method is neither GET nor POST', async () => {
    expect((await send({ method: 'PUT', body: '' })).status).toBe(405);
  });

  test('if its body exceeds 1 MiB', async () => {
    const { status, text } = await send({ method: 'POST', body: 'x'.repeat(1024 * 1024 + 1) });
    expect({ status, text }).toMatchObject({ status: 413, text: expect.stringContaining('1048576') as string });
  });

  test.each([
    ['invalid JSON', 'secretsmanager.GetSecretValue', '{"SecretString":"marked', 'SerializationException'],
    ['JSON that is not an object', 'secretsmanager.GetSecretValue', '"marked"', 'SerializationException'],
    ['an unknown action', 'secretsmanager.RotateSecret', '{}', 'InvalidAction'],
    ['another service’s target', 'AmazonSSM.GetParameter', '{}', 'InvalidAction'],
  ])('to Secrets Manager, with %s', async (_, target, body, code) => {
    const response = await send(
      { method: 'POST', body, headers: { 'x-amz-target': target } },
      { service: 'secretsmanager' },
    );
    expect(response.status).toBe(400);
    expect(response.headers.get('x-amzn-errortype')).toBe(code);
    expect(JSON.parse(response.text)).toMatchObject({ __type: code });
    expect(response.text).not.toContain('marked');
  });

  test('a policy that the local IAM can’t evaluate is an internal failure that names the unsupported element', async () => {
    iam.call('CreateRole', { RoleName: 'r', AssumeRolePolicyDocument: TRUST_POLICY });
    const document = JSON.stringify({ Statement: { Effect: 'Allow', Action: '*', Resource: '*', Principal: '*' } });
    const body = `Action=PutRolePolicy&Version=2010-05-08&RoleName=r&PolicyName=p&PolicyDocument=${encodeURIComponent(document)}`;
    const { status, text } = await send({ method: 'POST', body });
    expect({ status, text }).toMatchObject({ status: 500, text: expect.stringContaining('Principal') as string });
  });
});

test('the Date header has the time of the clock, in error responses too', async () => {
  clock.advance(90_000);
  const expected = 'Thu, 01 Jan 2026 12:01:40 GMT';
  const good = await send({ method: 'GET' }, { path: '/?Action=ListUsers&Version=2010-05-08' });
  const bad = await send({ method: 'GET' }, { path: '/' });
  expect([good.headers.get('date'), bad.headers.get('date')]).toEqual([expected, expected]);
});

describe('with a tolerance for the time of signatures', () => {
  const TOLERANCE_MS = 300_000;
  let strict: AwsServer;
  let strictUrl: string;

  beforeEach(async () => {
    strict = new AwsServer({ iam, secretsManagers: [secretsManager], clock, signatureToleranceMs: TOLERANCE_MS });
    ({ url: strictUrl } = await strict.start());
  });

  afterEach(() => strict.close());

  test.each([
    ['iam', -TOLERANCE_MS, 200, ''],
    ['iam', TOLERANCE_MS, 200, ''],
    ['iam', -TOLERANCE_MS - 1_000, 403, '<Code>SignatureDoesNotMatch</Code>'],
    ['secretsmanager', TOLERANCE_MS + 1_000, 400, 'InvalidSignatureException'],
  ])('a call to %s that is signed %i ms off gets status %i', async (service, offMs, status, code) => {
    const date = new Date(clock.now() + offMs).toISOString().replace(/[-:]|\.\d+/g, '');
    const response = await fetch(`${strictUrl}/?Action=ListUsers&Version=2010-05-08`, {
      headers: {
        authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=00`,
        'x-amz-date': date,
      },
    });
    expect(response.status).toBe(status);
    expect(await response.text()).toContain(code);
  });
});

describe('an injected fault', () => {
  const create = () => iamClient.send(new CreateUserCommand({ UserName: 'alice' }));
  const users = () => iam.state().users.length;

  test('returns an error and does not execute the call', async () => {
    faultOf = ({ service, action }) =>
      service === 'iam' && action === 'CreateUser' ? { before: new AwsError('Throttling', 400, 'Rate exceeded') } : {};
    await expect(create()).rejects.toMatchObject({ name: 'Throttling' });
    expect(users()).toBe(0);
  });

  test('drops the connection before the call is executed', async () => {
    faultOf = () => ({ lost: 'before' });
    await expect(create()).rejects.toThrow('socket hang up');
    expect(users()).toBe(0);
  });

  test('drops the connection after the call is executed', async () => {
    faultOf = () => ({ lost: 'after' });
    await expect(create()).rejects.toThrow('socket hang up');
    expect(users()).toBe(1);
  });

  test('delays the call on the clock', async () => {
    faultOf = () => ({ delayMs: 12_000 });
    await create();
    expect(calls).toEqual([
      {
        service: 'iam',
        action: 'CreateUser',
        ms: 12_000,
        accessKeyId: expect.any(String) as string,
        caller: undefined,
      },
    ]);
  });
});

describe('a completed call is reported', () => {
  test('with its error, and without its input and output', async () => {
    await createDevice('alice');
    await expect(
      iamClient.send(
        new EnableMFADeviceCommand({
          UserName: 'alice',
          SerialNumber: `arn:aws:iam::${ACCOUNT}:mfa/alice`,
          AuthenticationCode1: '111111',
          AuthenticationCode2: '222222',
        }),
      ),
    ).rejects.toBeInstanceOf(NoSuchEntityException);
    expect(calls).toEqual([
      {
        service: 'iam',
        action: 'CreateVirtualMFADevice',
        ms: 0,
        accessKeyId: expect.any(String) as string,
        caller: undefined,
      },
      {
        service: 'iam',
        action: 'EnableMFADevice',
        ms: 0,
        errorCode: 'NoSuchEntity',
        accessKeyId: expect.any(String) as string,
        caller: undefined,
      },
    ]);
  });

  test('even if its response was lost', async () => {
    faultOf = () => ({ lost: 'after' });
    await expect(iamClient.send(new CreateUserCommand({ UserName: 'alice' }))).rejects.toThrow();
    expect(calls).toMatchObject([{ action: 'CreateUser', errorCode: 'ConnectionLost' }]);
  });
});

test('closing the server drops open connections and frees the port', async () => {
  await send({ method: 'GET' }, { path: '/?Action=ListUsers&Version=2010-05-08' });
  const port = Number(new URL(url).port);
  await server.close();
  await expect(fetch(url)).rejects.toThrow();
  server = new AwsServer({ iam, secretsManagers: [], clock, port });
  expect(await server.start()).toEqual({ url, port });
  const second = new AwsServer({ iam, secretsManagers: [], clock, port });
  await expect(second.start()).rejects.toMatchObject({ code: 'EADDRINUSE' });
});
