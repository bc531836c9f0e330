import https from 'node:https';
import * as http from 'node:http';
import { inspect } from 'node:util';
import { SdkIam, SdkSeedStore } from '../../../lambda/aws/sdk';
import { type Action, CallError, SecretText } from '../../../lambda/aws/ports';
import { CodePair, type Step } from '../../../lambda/totp';
import { LoopbackServer, reset, type Respond } from './loopback-server';
import { shortenSocketTimeouts } from './socket-timeouts';

const DEVICE = 'arn:aws:iam::123456789012:mfa/alice';
const SECRET = secretArnIn('eu-west-3');
const SEED = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
const VERSION = '0123456789abcdef-0123456789-00000000-0000-4000-8000-0000000000aa';
const CODES = new CodePair(['135791', '246802'], 0 as Step);
const TAG = { key: 'cdk-mfa-enrollment:enrollment:1/A', value: 'enabled eu-west-1 Staging & more' };

const OTHER_TAG = { key: 'owner', value: '' };

function secretArnIn(region: string): string {
  return `arn:aws:secretsmanager:${region}:123456789012:secret:mfa/alice-AbCdEf`;
}

/** All calls of the ports. */
const IAM_CALLS: Record<string, (iam: SdkIam) => Promise<unknown>> = {
  'iam:ListMFADevices': (iam) => iam.listMFADevices('alice'),
  'iam:ListMFADeviceTags': (iam) => iam.listMFADeviceTags(DEVICE),
  'iam:TagMFADevice': (iam) => iam.tagMFADevice(DEVICE, [TAG, OTHER_TAG]),
  'iam:UntagMFADevice': (iam) => iam.untagMFADevice(DEVICE, [TAG.key, OTHER_TAG.key]),
  'iam:EnableMFADevice': (iam) => iam.enableMFADevice('alice', DEVICE, CODES),
  'iam:ResyncMFADevice': (iam) => iam.resyncMFADevice('alice', DEVICE, CODES),
  'iam:DeactivateMFADevice': (iam) => iam.deactivateMFADevice('alice', DEVICE),
  'iam:CreateVirtualMFADevice': (iam) => iam.createVirtualMFADevice({ path: '/staff/', name: 'alice' }, [TAG]),
  'iam:DeleteVirtualMFADevice': (iam) => iam.deleteVirtualMFADevice(DEVICE),
};
const CALLS: [Action, () => Promise<unknown>][] = [
  ...Object.entries(IAM_CALLS).map(([action, call]): [Action, () => Promise<unknown>] => [
    action as Action,
    () => call(iam),
  ]),
  ['secretsmanager:GetSecretValue', () => seeds.read(SECRET)],
  ['secretsmanager:PutSecretValue', () => seeds.write(SECRET, new SecretText(SEED), VERSION)],
  ['secretsmanager:DescribeSecret', () => seeds.versions(SECRET)],
  ['secretsmanager:DeleteSecret', () => seeds.delete(SECRET)],
];
const ENABLE = () => iam.enableMFADevice('alice', DEVICE, CODES);
const READ = () => seeds.read(SECRET);

let server: LoopbackServer;
let now: number;
let iam: SdkIam;
let seeds: SdkSeedStore;

beforeEach(async () => {
  server = await LoopbackServer.listen();
  setEnvironment({});
  now = 1_000;
  iam = new SdkIam({ now: () => now, sleep: () => Promise.reject(new Error('a port does not wait')) });
  seeds = new SdkSeedStore();
});
afterEach(async () => {
  jest.useRealTimers();
  jest.restoreAllMocks();
  await server.close();
});

/** The environment of Lambda with the server as AWS, without the machine's own AWS configuration. */
function setEnvironment(changes: Record<string, string | undefined>): void {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'));
  const aws = {
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_ENDPOINT_URL_IAM: server.url(),
    AWS_ENDPOINT_URL_SECRETS_MANAGER: server.url(),
    AWS_CONFIG_FILE: '/nonexistent',
    AWS_SHARED_CREDENTIALS_FILE: '/nonexistent',
    AWS_EC2_METADATA_DISABLED: 'true',
    ...changes,
  };
  const given = Object.entries(aws).filter(([, value]) => value !== undefined);
  jest.replaceProperty(process, 'env', Object.fromEntries([...kept, ...given]));
}

async function failureOf(call: Promise<unknown>): Promise<CallError> {
  const failure: unknown = await call.then(
    () => 'none',
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(CallError);
  return failure as CallError;
}

function answer(status: number, body: string, headers: http.OutgoingHttpHeaders = {}): Respond {
  return (response) => response.writeHead(status, headers).end(body);
}

function iamResult(action: string, result: string): string {
  return `<${action}Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><${action}Result>${result}</${action}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></${action}Response>`;
}

function iamError(status: number, code: string, message = 'text'): Respond {
  return answer(
    status,
    `<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>1</RequestId></ErrorResponse>`,
  );
}

function secretsError(status: number, code: string): Respond {
  return answer(status, JSON.stringify({ __type: code, Message: 'text' }));
}

const DEVICES = iamResult(
  'ListMFADevices',
  `<MFADevices><member><UserName>alice</UserName><SerialNumber>${DEVICE}</SerialNumber></member></MFADevices><IsTruncated>false</IsTruncated>`,
);
const SECRET_VALUE = JSON.stringify({ ARN: SECRET, Name: 'mfa/alice', SecretString: SEED });

function parametersOf(body: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(body));
}

describe('a request contains the action and the parameters', () => {
  const user = { UserName: 'alice' };
  const device = { SerialNumber: DEVICE };
  const codes = { AuthenticationCode1: '135791', AuthenticationCode2: '246802' };
  test.each<[string, Record<string, string>]>([
    ['ListMFADevices', user],
    ['ListMFADeviceTags', device],
    [
      'TagMFADevice',
      {
        ...device,
        'Tags.member.1.Key': TAG.key,
        'Tags.member.1.Value': TAG.value,
        'Tags.member.2.Key': OTHER_TAG.key,
        'Tags.member.2.Value': OTHER_TAG.value,
      },
    ],
    ['UntagMFADevice', { ...device, 'TagKeys.member.1': TAG.key, 'TagKeys.member.2': OTHER_TAG.key }],
    ['EnableMFADevice', { ...user, ...device, ...codes }],
    ['ResyncMFADevice', { ...user, ...device, ...codes }],
    ['DeactivateMFADevice', { ...user, ...device }],
    [
      'CreateVirtualMFADevice',
      {
        Path: '/staff/',
        VirtualMFADeviceName: 'alice',
        'Tags.member.1.Key': TAG.key,
        'Tags.member.1.Value': TAG.value,
      },
    ],
    ['DeleteVirtualMFADevice', device],
  ])('%s', async (name, parameters) => {
    server.respond = answer(200, iamResult(name, ''));
    await IAM_CALLS[`iam:${name}`]?.(iam);
    expect(server.requests.map(({ body }) => parametersOf(body))).toEqual([
      { Action: name, Version: '2010-05-08', ...parameters },
    ]);
  });

  test('GetSecretValue', async () => {
    server.respond = answer(200, SECRET_VALUE);
    expect((await READ()).reveal()).toBe(SEED);
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]?.headers['x-amz-target']).toBe('secretsmanager.GetSecretValue');
    expect(JSON.parse(server.requests[0]?.body ?? '')).toEqual({ SecretId: SECRET });
  });

  test('PutSecretValue', async () => {
    server.respond = answer(200, JSON.stringify({ ARN: SECRET, Name: 'mfa/alice', VersionId: VERSION }));
    await seeds.write(SECRET, new SecretText(SEED), VERSION);
    expect(server.requests.map(({ headers }) => headers['x-amz-target'])).toEqual(['secretsmanager.PutSecretValue']);
    expect(JSON.parse(server.requests[0]?.body ?? '')).toEqual({
      SecretId: SECRET,
      SecretString: SEED,
      ClientRequestToken: VERSION,
    });
  });

  test('DeleteSecret, without recovery', async () => {
    server.respond = answer(200, JSON.stringify({ ARN: SECRET, Name: 'mfa/alice' }));
    await seeds.delete(SECRET);
    expect(server.requests.map(({ headers }) => headers['x-amz-target'])).toEqual(['secretsmanager.DeleteSecret']);
    expect(JSON.parse(server.requests[0]?.body ?? '')).toEqual({ SecretId: SECRET, ForceDeleteWithoutRecovery: true });
  });

  test('DescribeSecret', async () => {
    server.respond = answer(200, JSON.stringify({ ARN: SECRET, Name: 'mfa/alice' }));
    await seeds.versions(SECRET);
    expect(server.requests.map(({ headers }) => headers['x-amz-target'])).toEqual(['secretsmanager.DescribeSecret']);
    expect(JSON.parse(server.requests[0]?.body ?? '')).toEqual({ SecretId: SECRET });
  });
});

test('creating a device returns the decoded seed', async () => {
  const seed = Buffer.from(SEED).toString('base64');
  const device = `<SerialNumber>${DEVICE}</SerialNumber><Base32StringSeed>${seed}</Base32StringSeed>`;
  server.respond = answer(200, iamResult('CreateVirtualMFADevice', `<VirtualMFADevice>${device}</VirtualMFADevice>`));
  expect((await iam.createVirtualMFADevice({ path: '/', name: 'alice' }, [])).reveal()).toBe(SEED);
});

describe('the description of a secret', () => {
  const described = async (more: object) => {
    server.respond = answer(200, JSON.stringify({ ARN: SECRET, Name: 'mfa/alice', ...more }));
    return seeds.versions(SECRET);
  };

  test('contains its name with the random suffix of its ARN', async () => {
    expect(await described({})).toEqual({
      uniqueName: 'mfa/alice-AbCdEf',
      current: undefined,
      staged: [],
      isDeleted: false,
    });
  });

  test('contains the versions and the current one', async () => {
    const VersionIdsToStages = { first: ['AWSPREVIOUS'], [VERSION]: ['other', 'AWSCURRENT'], third: [] };
    expect(await described({ VersionIdsToStages })).toMatchObject({
      current: VERSION,
      staged: ['first', VERSION, 'third'],
    });
  });

  test('has an empty name if the response leaves out its ARN', async () => {
    expect(await described({ ARN: undefined })).toMatchObject({ uniqueName: '' });
  });

  test('says whether it is scheduled for deletion', async () => {
    expect(await described({ DeletedDate: 1_800_000_000 })).toMatchObject({ isDeleted: true });
  });
});

describe('a list', () => {
  /** Responds with one page after the other, without checking the marker. */
  function pages(action: string, contents: string[]): Respond {
    return (response) => {
      const page = server.requests.length;
      const more =
        page < contents.length
          ? `<IsTruncated>true</IsTruncated><Marker>after ${page}</Marker>`
          : '<IsTruncated>false</IsTruncated>';
      response.end(iamResult(action, `${contents[page - 1]}${more}`));
    };
  }
  const markers = () => server.requests.map(({ body }) => parametersOf(body).Marker);
  const devices = (...serialNumbers: string[]) =>
    `<MFADevices>${serialNumbers.map((it) => `<member><SerialNumber>${it}</SerialNumber></member>`).join('')}</MFADevices>`;
  const tags = (...keys: string[]) =>
    `<Tags>${keys.map((key) => `<member><Key>${key}</Key><Value>of ${key}</Value></member>`).join('')}</Tags>`;

  test('of devices includes all pages', async () => {
    server.respond = pages('ListMFADevices', [devices('first', 'second'), devices(), devices('third')]);
    expect((await iam.listMFADevices('alice')).map(({ serialNumber }) => serialNumber)).toEqual([
      'first',
      'second',
      'third',
    ]);
    expect(markers()).toEqual([undefined, 'after 1', 'after 2']);
  });

  test('of devices says since when each is enabled', async () => {
    const enabled = (name: string, date: string) => `<member><SerialNumber>${name}</SerialNumber>${date}</member>`;
    const both = enabled('dated', '<EnableDate>2026-01-01T12:00:10Z</EnableDate>') + enabled('undated', '');
    server.respond = pages('ListMFADevices', [`<MFADevices>${both}</MFADevices>`]);
    expect(await iam.listMFADevices('alice')).toEqual([
      { serialNumber: 'dated', enabledAt: Date.UTC(2026, 0, 1, 12, 0, 10) },
      { serialNumber: 'undated', enabledAt: 0 },
    ]);
  });

  test('has an empty text for what the response leaves out', async () => {
    server.respond = pages('ListMFADevices', ['<MFADevices><member><UserName>alice</UserName></member></MFADevices>']);
    expect(await iam.listMFADevices('alice')).toEqual([{ serialNumber: '', enabledAt: 0 }]);
    const halves = '<member><Key>a</Key></member><member><Value>b</Value></member>';
    server.respond = answer(200, iamResult('ListMFADeviceTags', `<Tags>${halves}</Tags>`));
    expect(await iam.listMFADeviceTags(DEVICE)).toEqual([
      { key: 'a', value: '' },
      { key: '', value: 'b' },
    ]);
  });

  test('with pages without end fails as if no response came', async () => {
    server.respond = answer(200, iamResult('ListMFADevices', '<IsTruncated>true</IsTruncated><Marker>on</Marker>'));
    expect(await failureOf(iam.listMFADevices('alice'))).toMatchObject({ code: undefined, effectUnknown: true });
    expect(server.requests).toHaveLength(10);
    server.respond = answer(200, iamResult('ListMFADeviceTags', '<IsTruncated>true</IsTruncated><Marker>on</Marker>'));
    expect(await failureOf(iam.listMFADeviceTags(DEVICE))).toMatchObject({ code: undefined, effectUnknown: true });
    expect(server.requests).toHaveLength(20);
  });

  test('may have ten pages', async () => {
    server.respond = pages(
      'ListMFADeviceTags',
      Array.from('abcdefghij', (letter) => tags(letter)),
    );
    expect(await iam.listMFADeviceTags(DEVICE)).toHaveLength(10);
  });

  test('of tags includes all pages', async () => {
    server.respond = pages('ListMFADeviceTags', [tags('a'), tags('b', 'c')]);
    expect(await iam.listMFADeviceTags(DEVICE)).toEqual([
      { key: 'a', value: 'of a' },
      { key: 'b', value: 'of b' },
      { key: 'c', value: 'of c' },
    ]);
    expect(markers()).toEqual([undefined, 'after 1']);
  });

  test('fails if one page fails', async () => {
    const first = pages('ListMFADevices', [devices('first'), devices('second')]);
    server.respond = (response, request) =>
      server.requests.length === 1 ? first(response, request) : iamError(400, 'Throttling')(response, request);
    expect(await failureOf(iam.listMFADevices('alice'))).toMatchObject({ code: 'Throttling' });
  });

  test('may be empty', async () => {
    server.respond = pages('ListMFADevices', ['<MFADevices/>']);
    expect(await iam.listMFADevices('alice')).toEqual([]);
    server.respond = answer(200, iamResult('ListMFADeviceTags', '<Tags/><IsTruncated>false</IsTruncated>'));
    expect(await iam.listMFADeviceTags(DEVICE)).toEqual([]);
  });

  test('is empty if the response contains none', async () => {
    server.respond = answer(200, iamResult('ListMFADevices', ''));
    expect(await iam.listMFADevices('alice')).toEqual([]);
    server.respond = answer(200, iamResult('ListMFADeviceTags', ''));
    expect(await iam.listMFADeviceTags(DEVICE)).toEqual([]);
  });

  test('ends if AWS says so, even with a marker', async () => {
    const last = '<IsTruncated>false</IsTruncated><Marker>end</Marker>';
    server.respond = answer(200, iamResult('ListMFADevices', devices('first') + last));
    expect(await iam.listMFADevices('alice')).toHaveLength(1);
    server.respond = answer(200, iamResult('ListMFADeviceTags', tags('a') + last));
    expect(await iam.listMFADeviceTags(DEVICE)).toHaveLength(1);
    expect(markers()).toEqual([undefined, undefined]);
  });
});

describe('the SDK never retries', () => {
  describe.each(CALLS)('%s', (action, call) => {
    const refusal = action.startsWith('iam:') ? iamError : secretsError;
    test.each<[string, Respond]>([
      ['500', refusal(500, 'InternalFailure')],
      ['503', refusal(503, 'ServiceUnavailable')],
      ['throttling', refusal(400, 'ThrottlingException')],
      ['429 without a body', answer(429, '')],
      ['a wrong clock', refusal(403, 'RequestTimeTooSkewed')],
      ['expired credentials', refusal(403, 'ExpiredTokenException')],
      ['a reset connection', reset],
    ])('after %s', async (_, respond) => {
      setEnvironment({ AWS_MAX_ATTEMPTS: '3' });
      server.respond = respond;
      expect(await failureOf(call())).toMatchObject({ action });
      expect(server.requests).toHaveLength(1);
    });
  });
});

describe("an error has AWS's code, without `Exception`, and the status", () => {
  test.each([
    [404, 'NoSuchEntity', 'NoSuchEntity'],
    [404, 'NoSuchEntityException', 'NoSuchEntity'],
    [403, 'InvalidAuthenticationCode', 'InvalidAuthenticationCode'],
    [403, 'InvalidAuthenticationCodeException', 'InvalidAuthenticationCode'],
    [409, 'EntityAlreadyExists', 'EntityAlreadyExists'],
    [409, 'EntityTemporarilyUnmodifiable', 'EntityTemporarilyUnmodifiable'],
    [409, 'ConcurrentModification', 'ConcurrentModification'],
    [409, 'LimitExceeded', 'LimitExceeded'],
    [400, 'Throttling', 'Throttling'],
    [400, 'ThrottlingException', 'Throttling'],
    [403, 'AccessDenied', 'AccessDenied'],
    [403, 'AccessDeniedException', 'AccessDenied'],
    [400, 'ValidationError', 'ValidationError'],
    [400, 'CodeOfTomorrow', 'CodeOfTomorrow'],
    [400, 'ExceptionsOfTomorrow', 'ExceptionsOfTomorrow'],
    [400, 'No code but a text', 'UnknownError'],
    [400, 'Code\u009b31m', 'UnknownError'],
  ])('IAM: %i %s', async (httpStatus, wireCode, code) => {
    server.respond = iamError(httpStatus, wireCode);
    expect(await failureOf(ENABLE())).toMatchObject({
      action: 'iam:EnableMFADevice',
      code,
      httpStatus,
      effectUnknown: false,
    });
  });

  test.each([
    [400, 'ResourceNotFoundException', 'ResourceNotFound'],
    [400, 'com.amazonaws.secretsmanager#ResourceNotFoundException', 'ResourceNotFound'],
    [400, 'InvalidRequestException', 'InvalidRequest'],
    [400, 'DecryptionFailure', 'DecryptionFailure'],
    [400, 'DecryptionFailureException', 'DecryptionFailure'],
    [400, 'AccessDeniedException', 'AccessDenied'],
    [400, 'ThrottlingException', 'Throttling'],
  ])('Secrets Manager: %i %s', async (httpStatus, wireCode, code) => {
    server.respond = secretsError(httpStatus, wireCode);
    expect(await failureOf(READ())).toMatchObject({
      action: 'secretsmanager:GetSecretValue',
      code,
      httpStatus,
      effectUnknown: false,
    });
  });

  test('the effect of a call is unknown after an internal failure of AWS', async () => {
    server.respond = iamError(500, 'ServiceFailure');
    expect(await failureOf(ENABLE())).toMatchObject({ code: 'ServiceFailure', httpStatus: 500, effectUnknown: true });
    server.respond = secretsError(500, 'InternalServiceErrorException');
    expect(await failureOf(READ())).toMatchObject({
      code: 'InternalServiceError',
      httpStatus: 500,
      effectUnknown: true,
    });
  });
});

describe('the effect of a call', () => {
  const wholes: [string, () => Promise<unknown>, string][] = [
    ['IAM', () => iam.listMFADevices('alice'), DEVICES],
    ['Secrets Manager', READ, SECRET_VALUE],
  ];
  describe.each(wholes)('to %s', (_, call, whole) => {
    const half = whole.slice(0, whole.length / 2);

    test('is known after a complete response', async () => {
      server.respond = answer(200, whole);
      await expect(call()).resolves.toBeDefined();
    });

    test.each<[string, Respond]>([
      ['5xx in well-formed HTML', answer(503, '<html><body>busy</body></html>')],
      ['5xx in HTML', answer(502, '<html><body><hr>bad gateway</body></html>')],
      ['5xx in plain text', answer(503, 'busy')],
      ['5xx without a body', answer(500, '')],
      ['a truncated response', answer(200, half)],
      ['a truncated error', answer(403, '<ErrorResponse><Error><Code>AccessDenied')],
      ['plain text', answer(200, 'welcome')],
      ['a reset connection', reset],
      ['a connection that closes without a response', (response) => response.destroy()],
      [
        'a connection that closes in the middle of a response',
        (response) => {
          response.writeHead(200, { 'content-length': whole.length });
          response.write(half, () => response.destroy());
        },
      ],
    ])('is unknown after %s', async (_name, respond) => {
      server.respond = respond;
      expect(await failureOf(call())).toMatchObject({ effectUnknown: true });
      expect(server.requests).toHaveLength(1);
    });

    test('is unknown after a refused connection', async () => {
      await server.close();
      expect(await failureOf(call())).toMatchObject({ code: undefined, effectUnknown: true });
    });
  });
});

test.each(CALLS)('%s: status 429 without a body is a refusal', async (_, call) => {
  server.respond = answer(429, '');
  expect(await failureOf(call())).toMatchObject({ httpStatus: 429, effectUnknown: false });
});

describe('nothing is sent, and the error has a code that says so,', () => {
  test.each(CALLS)('%s without credentials', async (_, call) => {
    setEnvironment({ AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined });
    expect(await failureOf(call())).toMatchObject({
      code: 'CredentialsProviderError',
      httpStatus: undefined,
      effectUnknown: false,
    });
    expect(server.requests).toEqual([]);
  });

  test.each<[string, () => Promise<unknown>]>([
    ['iam:EnableMFADevice', ENABLE],
    ['secretsmanager:GetSecretValue', () => seeds.read(secretArnIn(''))],
  ])('%s without a region', async (_, call) => {
    setEnvironment({ AWS_REGION: undefined });
    expect(await failureOf(call())).toMatchObject({ code: 'RequestNotSent', effectUnknown: false });
    expect(server.requests).toEqual([]);
  });
});

describe("AWS's time", () => {
  const AT = Date.UTC(2026, 8, 1, 12, 0, 29);
  const dated = (status: number, body: string, epochMs: number) =>
    answer(status, body, { date: new Date(epochMs).toUTCString() });
  const undated: Respond = (response) => {
    response.sendDate = false;
    response.end(DEVICES);
  };

  test('is unknown before the first response', async () => {
    expect(() => iam.awsTime()).toThrow('AWS has not answered yet');
    server.respond = reset;
    await failureOf(iam.listMFADevices('alice'));
    expect(() => iam.awsTime()).toThrow('AWS has not answered yet');
  });

  test.each<[string, number, string]>([
    ['a success', 200, DEVICES],
    ['an error', 403, '<ErrorResponse><Error><Code>InvalidAuthenticationCode</Code></Error></ErrorResponse>'],
    ['an error of the load balancer', 503, 'busy'],
    ['a truncated response', 200, DEVICES.slice(0, 200)],
  ])('is the date of %s', async (_, status, body) => {
    server.respond = dated(status, body, AT);
    await iam.listMFADevices('alice').catch(() => undefined);
    expect(iam.awsTime()).toBe(AT);
  });

  test("advances with the function's clock", async () => {
    server.respond = dated(200, DEVICES, AT);
    await iam.listMFADevices('alice');
    now += 1_250;
    expect(iam.awsTime()).toBe(AT + 1_250);
  });

  test('is taken from the latest response', async () => {
    server.respond = dated(200, DEVICES, AT);
    await iam.listMFADevices('alice');
    now += 10_000;
    server.respond = dated(403, '', AT + 7_000);
    await failureOf(ENABLE());
    expect(iam.awsTime()).toBe(AT + 7_000);
  });

  test.each<[string, Respond]>([
    ['no date', undated],
    ['an invalid date', answer(200, DEVICES, { date: 'today' })],
  ])('is not changed by a response with %s', async (_, respond) => {
    server.respond = dated(200, DEVICES, AT);
    await iam.listMFADevices('alice');
    now += 10_000;
    server.respond = respond;
    await iam.listMFADevices('alice');
    expect(iam.awsTime()).toBe(AT + 10_000);
  });
});

describe('a secret', () => {
  test('that is binary is read as UTF-8', async () => {
    const text = 'otpauth://totp/Zoë?secret=JBSWY3DP';
    server.respond = answer(200, JSON.stringify({ ARN: SECRET, SecretBinary: Buffer.from(text).toString('base64') }));
    expect((await READ()).reveal()).toBe(text);
  });

  const inRegion = (name: string) => `arn:aws:secretsmanager:eu-west-3:123456789012:secret:${name}`;
  test.each([
    ['a complete ARN by that', inRegion('mfa/alice-AbCdEf'), inRegion('mfa/alice-AbCdEf')],
    ['a partial ARN by that', inRegion('mfa/alice'), inRegion('mfa/alice')],
    [
      'an ARN whose six characters are not known by the partial one',
      inRegion('mfa/alice-??????'),
      inRegion('mfa/alice'),
    ],
    [
      'a name that ends in a hyphen and six letters by its name, because the partial ARN is taken for a complete one',
      inRegion('mfa/john-miller-??????'),
      'mfa/john-miller',
    ],
  ])('is asked for with %s', async (_, secretArn, SecretId) => {
    server.respond = answer(200, SECRET_VALUE);
    await seeds.read(secretArn);
    await seeds.versions(secretArn);
    await seeds.write(secretArn, new SecretText('seed'), VERSION);
    await seeds.delete(secretArn);
    expect(server.requests.map(({ body }) => (JSON.parse(body) as { SecretId: string }).SecretId)).toEqual(
      Array.from({ length: 4 }, () => SecretId),
    );
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual(
      Array.from({ length: 4 }, () => expect.stringContaining('/eu-west-3/secretsmanager/') as string),
    );
  });

  test('is read over the connection of the call before, if it is in the same region', async () => {
    const ports = new Set<number | undefined>();
    server.respond = (response, request) => {
      ports.add(response.socket?.remotePort);
      answer(200, SECRET_VALUE)(response, request);
    };
    await READ();
    await READ();
    expect(ports.size).toBe(1);
  });

  test('is read in the region of its ARN', async () => {
    server.respond = answer(200, SECRET_VALUE);
    for (const region of ['eu-west-3', 'us-gov-west-1', 'eu-west-3']) {
      await seeds.read(secretArnIn(region));
    }
    const scopes = server.requests.map(({ headers }) => headers.authorization?.split('/').slice(2, 4).join('/'));
    expect(scopes).toEqual(['eu-west-3/secretsmanager', 'us-gov-west-1/secretsmanager', 'eu-west-3/secretsmanager']);
  });
});

test.each<[string, () => Promise<unknown>, string]>([
  ['IAM', () => iam.listMFADevices('alice'), DEVICES],
  ['Secrets Manager', READ, SECRET_VALUE],
])('each call uses the current credentials of the environment: %s', async (_, call, whole) => {
  server.respond = answer(200, whole);
  await call();
  setEnvironment({ AWS_ACCESS_KEY_ID: 'renewed', AWS_SESSION_TOKEN: 'session', AWS_PROFILE: 'other' });
  await call();
  const [first, second] = server.requests.map(({ headers }) => headers);
  expect(first?.authorization).toContain('Credential=test/');
  expect(first?.['x-amz-security-token']).toBeUndefined();
  expect(second?.authorization).toContain('Credential=renewed/');
  expect(second?.['x-amz-security-token']).toBe('session');
});

describe('the endpoint', () => {
  test('of each service can be set by its own variable', async () => {
    const other = await LoopbackServer.listen();
    setEnvironment({ AWS_ENDPOINT_URL_SECRETS_MANAGER: other.url() });
    server.respond = answer(200, DEVICES);
    other.respond = answer(200, SECRET_VALUE);
    await iam.listMFADevices('alice');
    await READ();
    await other.close();
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([
      expect.stringContaining('/iam/aws4_request'),
    ]);
    expect(other.requests.map(({ headers }) => headers.authorization)).toEqual([
      expect.stringContaining('/secretsmanager/aws4_request'),
    ]);
  });

  test.each([
    ['eu-west-1', 'iam.amazonaws.com', 'us-east-1/iam'],
    ['cn-north-1', 'iam.cn-north-1.amazonaws.com.cn', 'cn-north-1/iam'],
    ['us-gov-east-1', 'iam.us-gov.amazonaws.com', 'us-gov-west-1/iam'],
  ])('of IAM for a function in %s is %s, signed for %s', async (region, host, scope) => {
    setEnvironment({ AWS_REGION: region, AWS_ENDPOINT_URL_IAM: undefined });
    server.respond = answer(200, DEVICES);
    const hosts = redirectToServer();
    await iam.listMFADevices('alice');
    expect(hosts).toEqual([host]);
    expect(server.requests[0]?.headers.authorization).toContain(`/${scope}/aws4_request`);
  });

  test('of Secrets Manager is in the region of the secret', async () => {
    setEnvironment({ AWS_ENDPOINT_URL_SECRETS_MANAGER: undefined });
    server.respond = answer(200, SECRET_VALUE);
    const hosts = redirectToServer();
    await READ();
    expect(hosts).toEqual(['secretsmanager.eu-west-3.amazonaws.com']);
  });

  /** Redirects HTTPS requests to the server, and returns the original hosts. */
  function redirectToServer(): (string | null | undefined)[] {
    const hosts: (string | null | undefined)[] = [];
    const port = Number(new URL(server.url()).port);
    jest.spyOn(https, 'request').mockImplementation(((
      options: https.RequestOptions,
      onResponse: (response: http.IncomingMessage) => void,
    ) => {
      hosts.push(options.host);
      return http.request({ ...options, host: '127.0.0.1', port, agent: false }, onResponse);
    }) as typeof https.request);
    return hosts;
  }
});

describe('a call times out', () => {
  test('after 10 s without the headers of a response', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'performance'] });
    const arrived = new Promise<void>((resolve) => (server.respond = () => resolve()));
    let isOver = false;
    const failure = failureOf(ENABLE()).finally(() => (isOver = true));
    await arrived;
    await jest.advanceTimersByTimeAsync(9_900);
    expect(isOver).toBe(false);
    await jest.advanceTimersByTimeAsync(200);
    expect(await failure).toMatchObject({ code: undefined, effectUnknown: true });
  });

  test('after a pause of 10 s in the middle of a response', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'performance'] });
    const asked = shortenSocketTimeouts();
    const stalled = new Promise<void>((resolve) => {
      server.respond = (response) => {
        response.writeHead(200, { 'content-length': DEVICES.length });
        response.write(DEVICES.slice(0, 100), () => resolve());
      };
    });
    const failure = failureOf(iam.listMFADevices('alice'));
    await stalled;
    // The SDK starts long timeouts some seconds late.
    await jest.advanceTimersByTimeAsync(4_000);
    expect(await failure).toMatchObject({ code: undefined, effectUnknown: true });
    expect(asked).toContain(10_000);
  });

  test('after 5 s without a connection, in both clients', async () => {
    server.respond = answer(200, SECRET_VALUE);
    await READ();
    server.respond = answer(200, DEVICES);
    await iam.listMFADevices('alice');
    const { client } = iam as unknown as { client: ClientInside };
    const { clients } = seeds as unknown as { clients: Map<string, ClientInside> };
    for (const { config } of [client, ...clients.values()]) {
      expect(config.requestHandler.httpHandlerConfigs()).toMatchObject({
        connectionTimeout: 5_000,
        requestTimeout: 10_000,
        throwOnRequestTimeout: true,
        socketTimeout: 10_000,
      });
    }
    expect(clients.size).toBe(1);
  });

  interface ClientInside {
    readonly config: { readonly requestHandler: { httpHandlerConfigs(): object } };
  }
});

describe('an error contains no text from AWS', () => {
  /** Everything that printing an error can show. */
  function shown(error: CallError): string {
    return [error.message, error.stack, inspect(error, { showHidden: true, depth: null, getters: true })].join('\n');
  }

  test.each([
    ['truncated', `{"SecretString":"${SEED}`],
    ['not quoted', `{"SecretString":${SEED}}`],
    ['only the seed', SEED],
  ])('if the JSON of a secret is invalid: %s', async (_, body) => {
    server.respond = answer(200, body);
    const failure = await failureOf(READ());
    expect(failure.cause).toBeUndefined();
    expect(shown(failure)).not.toContain(SEED.slice(0, 6));
  });

  test.each([
    [403, 'InvalidAuthenticationCode'],
    [400, 'ValidationError'],
    [400, 'CodeOfTomorrow'],
    [500, 'ServiceFailure'],
  ])('if the message quotes the codes: %i %s', async (status, code) => {
    server.respond = iamError(status, code, 'values 135791 and 246802 failed to satisfy');
    const failure = await failureOf(ENABLE());
    expect(failure.cause).toBeUndefined();
    expect(failure.message).toBe(`iam:EnableMFADevice: ${code}`);
    expect(shown(failure)).not.toMatch(/135791|246802|satisfy/);
  });

  test('if an invalid error quotes the codes', async () => {
    server.respond = answer(403, '<ErrorResponse><Error><Message>135791 246802');
    expect(shown(await failureOf(ENABLE()))).not.toMatch(/135791|246802/);
  });
});
