import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as iam from 'aws-cdk-lib/aws-iam';
import { MfaEnrollment } from '../../lib';
import { AwsError } from '../../local/aws-error';
import { CommandLineAccount, type Run, templateWith } from './account';

const HOUR_MS = 60 * 60 * 1000;
/** What a server may say about a request that it refuses. AWS quotes parts of requests. */
const AWS_TEXT = 'Text of AWS';

const ALICE = templateWith((stack) => {
  new MfaEnrollment(stack, 'AliceMfa', { user: new iam.User(stack, 'Alice', { userName: 'alice' }) });
});

let account: CommandLineAccount;
let seed: string;
let secret: string;

beforeEach(async () => {
  account = new CommandLineAccount();
  await account.open();
  await account.deploy(ALICE);
  secret = account.secretsManager.secretNames[0]!;
  seed = account.textOf(secret);
  await account.advanceToNextStep();
});

afterEach(() => account.close());

function printed(code: string): Run {
  return { status: 0, stdout: `${code}\n`, stderr: '' };
}

describe('code', () => {
  test("prints the code of a user's device, as otplib computes it, and nothing else", async () => {
    const run = await account.run(['code', '--user', 'alice']);
    expect(run).toEqual(printed(account.codeNow(seed)));
    expect(run.stdout).toMatch(/^\d{6}\n$/);
    expect(account.calls).toEqual(['ListMFADevices', 'ListMFADeviceTags', 'ListSecrets', 'GetSecretValue']);
  });

  test.each([
    ['an hour ahead', HOUR_MS],
    ['an hour behind', -HOUR_MS],
  ])("follows AWS's clock if the machine's is %s, and IAM accepts a pair of its codes", async (_name, aheadMs) => {
    // The first attempt tells AWS's time.
    const AWS_MAX_ATTEMPTS = '2';
    const { serialNumber } = account.iam.state().devices[0]!;
    const codes: string[] = [];
    for (const options of [
      ['--user', 'alice'],
      ['--secret', secret],
    ]) {
      await account.advanceToNextStep();
      const run = await account.run(['code', ...options], { AWS_MAX_ATTEMPTS }, aheadMs);
      expect(run).toEqual(printed(account.codeNow(seed)));
      codes.push(run.stdout.trim());
    }
    expect(() =>
      account.iam.call('ResyncMFADevice', {
        UserName: 'alice',
        SerialNumber: serialNumber,
        AuthenticationCode1: codes[0],
        AuthenticationCode2: codes[1],
      }),
    ).not.toThrow();
  });

  test('IAM accepts a pair of two codes', async () => {
    const { serialNumber } = account.iam.state().devices[0]!;
    const first = (await account.run(['code', '--user', 'alice'])).stdout.trim();
    await account.advanceToNextStep();
    const second = (await account.run(['code', '--user', 'alice'])).stdout.trim();
    expect(() =>
      account.iam.call('ResyncMFADevice', {
        UserName: 'alice',
        SerialNumber: serialNumber,
        AuthenticationCode1: first,
        AuthenticationCode2: second,
      }),
    ).not.toThrow();
  });

  test('reads a secret by name, by ARN in any region, and by a key of a JSON secret', async () => {
    account.iam.call('CreateUser', { UserName: 'bob' });
    account.enableByHand('bob', (text) => JSON.stringify({ seed: text, note: 'by hand' }));
    const bobsSeed = (JSON.parse(account.textOf('mfa/bob')) as { seed: string }).seed;
    const { ARN } = account.secretsManager.call('DescribeSecret', { SecretId: secret });
    expect(await account.run(['code', '--secret', secret])).toEqual(printed(account.codeNow(seed)));
    expect(await account.run(['code', '--secret', String(ARN)], { AWS_REGION: 'us-east-2' })).toEqual(
      printed(account.codeNow(seed)),
    );
    expect(await account.run(['code', '--secret', secret, '--region', 'eu-west-1'], { AWS_REGION: undefined })).toEqual(
      printed(account.codeNow(seed)),
    );
    expect(await account.run(['code', '--secret', 'mfa/bob', '--field', 'seed'])).toEqual(
      printed(account.codeNow(bobsSeed)),
    );
  });

  test("finds the secret in the region of the device's claim, without a region of its own", async () => {
    expect(await account.run(['code', '--user', 'alice'], { AWS_REGION: undefined })).toEqual(
      printed(account.codeNow(seed)),
    );
  });

  test('prints the code of the device even if its secret was overwritten', async () => {
    account.secretsManager.call('PutSecretValue', { SecretId: secret, SecretString: 'A'.repeat(64) });
    expect(await account.run(['code', '--user', 'alice'])).toEqual(printed(account.codeNow(seed)));
  });

  test('needs only the permissions that its help names', async () => {
    const Action = [
      'iam:ListMFADevices',
      'iam:ListMFADeviceTags',
      'secretsmanager:ListSecrets',
      'secretsmanager:GetSecretValue',
    ];
    account.allow({ Effect: 'Allow', Action, Resource: '*' });
    expect(await account.runAsRole('code', '--user', 'alice')).toEqual(printed(account.codeNow(seed)));
    const { stdout: help } = await account.run(['code', '--help']);
    for (const action of Action) {
      expect(help).toContain(action);
    }
  });

  test('with --secret needs only permission to read it', async () => {
    const { ARN } = account.secretsManager.call('DescribeSecret', { SecretId: secret });
    account.allow({ Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: ARN });
    expect(await account.runAsRole('code', '--secret', secret)).toEqual(printed(account.codeNow(seed)));
    const denied = await account.runAsRole('code', '--user', 'alice');
    expect(denied).toMatchObject({ status: 1, stdout: '' });
    expect(denied.stderr).toContain('iam:ListMFADevices');
  });

  describe('takes credentials and region from the AWS config files', () => {
    let folder: string;

    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'aws-config-'));
    });

    afterEach(() => rmSync(folder, { recursive: true }));

    /** Runs with the profile, and with nothing of AWS in the environment. */
    function runWithProfile(...lines: string[]): Promise<Run> {
      writeFileSync(join(folder, 'config'), ['[profile custodian]', ...lines, ''].join('\n'));
      return account.run(['code', '--secret', secret], {
        AWS_CONFIG_FILE: join(folder, 'config'),
        AWS_SHARED_CREDENTIALS_FILE: join(folder, 'none'),
        AWS_PROFILE: 'custodian',
        AWS_REGION: undefined,
        AWS_ACCESS_KEY_ID: undefined,
        AWS_SECRET_ACCESS_KEY: undefined,
      });
    }

    test('of a profile with keys', async () => {
      const run = await runWithProfile('region = eu-west-1', 'aws_access_key_id = A', 'aws_secret_access_key = B');
      expect(run).toEqual(printed(account.codeNow(seed)));
    });

    test('of a profile with a credential process', async () => {
      const keys = JSON.stringify({ Version: 1, AccessKeyId: 'A', SecretAccessKey: 'B' });
      writeFileSync(join(folder, 'keys.json'), keys);
      const run = await runWithProfile('region = eu-west-1', `credential_process = cat ${join(folder, 'keys.json')}`);
      expect(run).toEqual(printed(account.codeNow(seed)));
    });

    test('and says how to sign in if the session of IAM Identity Center is over', async () => {
      const { status, stderr } = await runWithProfile(
        'region = eu-west-1',
        'sso_start_url = https://example.invalid/start',
        'sso_region = eu-west-1',
        'sso_account_id = 123456789012',
        'sso_role_name = Custodian',
      );
      expect(status).toBe(1);
      expect(stderr).toContain("run 'aws sso login' first");
    });
  });

  const hasOathtool = (() => {
    try {
      execFileSync('oathtool', ['--version'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  })();

  (hasOathtool ? test : test.skip)('prints what oathtool prints for the same time', async () => {
    const now = `@${Math.floor(account.clock.now() / 1000)}`;
    const expected = execFileSync('oathtool', ['--totp', '--base32', '--now', now, '-'], { input: seed });
    expect((await account.run(['code', '--user', 'alice'])).stdout).toBe(expected.toString());
  });
});

describe('a failure exits with 1, says what to do, and quotes neither a seed nor AWS', () => {
  const refusing =
    (action: string, code: string, status = 400) =>
    () => {
      account.faultOfCall = (call) =>
        call.action === action ? { before: new AwsError(code, status, `${AWS_TEXT} ${seed}`) } : undefined;
    };

  test.each<[string, string, () => void, string[], Record<string, string | undefined>?]>([
    ['permission denied', 'access denied', refusing('GetSecretValue', 'AccessDeniedException'), ['--user', 'alice']],
    ['devices denied', 'access denied', refusing('ListMFADevices', 'AccessDenied', 403), ['--user', 'alice']],
    [
      'list denied',
      'name the secret with --secret',
      refusing('ListSecrets', 'AccessDeniedException'),
      ['--user', 'alice'],
    ],
    ['throttled', 'too many calls', refusing('GetSecretValue', 'ThrottlingException'), ['--user', 'alice']],
    [
      'an error of AWS',
      'AWS error InternalServiceError (HTTP 500)',
      refusing('GetSecretValue', 'InternalServiceError', 500),
      ['--secret', 'x'],
    ],
    [
      'expired credentials',
      'does not accept the credentials',
      refusing('GetSecretValue', 'ExpiredTokenException'),
      ['--secret', 'x'],
    ],
    ['a key that is off', 'KMS key', refusing('GetSecretValue', 'DecryptionFailure'), ['--secret', 'x']],
    ['no such secret', 'no such secret', () => undefined, ['--secret', 'nobody']],
    ['no such user', "user 'nobody' does not exist", () => undefined, ['--user', 'nobody']],
    [
      'a user without a device',
      'no enabled virtual MFA device',
      () => account.iam.call('CreateUser', { UserName: 'carol' }),
      ['--user', 'carol'],
    ],
    [
      'a deleted secret',
      'scheduled for deletion',
      () => account.secretsManager.call('DeleteSecret', { SecretId: secret }),
      ['--secret', 'SECRET'],
    ],
    [
      'a device that the library did not create',
      'Name the secret with --secret',
      () => {
        account.iam.call('CreateUser', { UserName: 'bob' });
        account.enableByHand('bob');
      },
      ['--user', 'bob'],
    ],
    [
      'a secret that holds no seed',
      'is not a seed',
      () => account.secretsManager.call('CreateSecret', { Name: 'broken', SecretString: `${seed}0` }),
      ['--secret', 'broken'],
    ],
    [
      'a JSON secret without --field',
      '--field',
      () => account.secretsManager.call('CreateSecret', { Name: 'json', SecretString: JSON.stringify({ seed }) }),
      ['--secret', 'json'],
    ],
    [
      'a lost connection',
      'no response',
      () => {
        account.faultOfCall = () => ({ lost: 'after' });
      },
      ['--user', 'alice'],
    ],
    ['no connection', 'no response', () => undefined, ['--secret', 'x'], { AWS_ENDPOINT_URL: 'http://127.0.0.1:9' }],
    ['no region', 'AWS_REGION', () => undefined, ['--secret', 'x'], { AWS_REGION: undefined }],
    [
      'no credentials',
      'could not load AWS credentials',
      () => undefined,
      ['--secret', 'x'],
      { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined },
    ],
    ['a region that is none', 'no usable AWS region', () => undefined, ['--secret', 'x'], { AWS_REGION: 'a/b' }],
  ])('%s', async (_name, expected, arrange, args, environment = {}) => {
    arrange();
    const named = args.map((arg) => (arg === 'SECRET' ? secret : arg));
    const run = await account.run(['code', ...named], environment);
    expect(run).toMatchObject({ status: 1, stdout: '' });
    expect(run.stderr).toContain(expected);
    expect(run.stderr).toMatch(/^cdk-mfa-enrollment code: [^\n]*\n$/);
    expect(run.stderr).not.toContain(AWS_TEXT);
  });

  test('several devices that the library created', async () => {
    const second = templateWith((stack) => {
      new MfaEnrollment(stack, 'AliceMfa', { user: iam.User.fromUserName(stack, 'Alice', 'alice') });
    }, 'Second');
    await account.deploy(second, 'Second');
    const run = await account.run(['code', '--user', 'alice']);
    expect(run).toMatchObject({ status: 1, stdout: '' });
    expect(run.stderr).toContain('several enabled devices');
    for (const { serialNumber } of account.iam.state().devices) {
      expect(run.stderr).toContain(serialNumber);
    }
  });

  test.each([
    ['as a secret', ['code', '--secret']],
    ['as a user', ['code', '--user']],
    ['as a field', ['code', '--secret', 'x', '--field']],
    ['as an argument', ['code', '--user', 'alice', '--valid-for']],
  ])('a seed that somebody types %s', async (_name, args) => {
    const typed = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
    const run = await account.run([...args, typed]);
    expect(run).toMatchObject({ status: 1, stdout: '' });
    expect(run.stderr).not.toContain(typed.slice(0, 12));
  });
});

describe('status', () => {
  test.each([
    ['is right', 0],
    ['is an hour ahead', HOUR_MS],
    ['is an hour behind', -HOUR_MS],
  ])("finds that all is well if the machine's clock %s", async (_name, aheadMs) => {
    const run = await account.run(['status'], {}, aheadMs);
    expect(run).toMatchObject({ status: 0, stderr: '' });
    expect(run.stdout).toMatch(/^ {2}alice .* ok$/m);
    const json = await account.run(['status', '--json', '--stack', 'Staff', '--region', 'eu-west-1'], {}, aheadMs);
    expect(JSON.parse(json.stdout)).toMatchObject({ version: 1, complete: true, findings: [] });
    expect(account.calls).not.toContain('GetSecretValue');
  });

  test('exits with 3 if nothing may be looked at', async () => {
    account.allow({ Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: '*' });
    const run = await account.runAsRole('status');
    expect(run).toMatchObject({ status: 3, stderr: '' });
    expect(run.stdout).toContain('Not inspected: cloudformation:ListStacks not allowed (AccessDenied)');
  });

  test.each<[string, string, string[], Record<string, string | undefined>]>([
    ['no region', 'AWS_REGION', [], { AWS_REGION: undefined }],
    ['an invalid region', "invalid --region 'eu': expected a region", ['--region', 'eu'], {}],
    [
      'no credentials',
      'could not load AWS credentials',
      [],
      { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined },
    ],
    ['no such stack', "no stack 'Nobody'", ['--stack', 'Nobody'], {}],
  ])('exits with 1 and says what to do: %s', async (_name, expected, args, environment) => {
    const run = await account.run(['status', ...args], environment);
    expect(run).toMatchObject({ status: 1, stdout: '' });
    expect(run.stderr).toContain(expected);
    expect(run.stderr).toMatch(/^cdk-mfa-enrollment status: /);
  });
});

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s ends a call that is under way, with 130', async (signal) => {
  account.faultOfCall = () => {
    account.child!.kill(signal);
    // Never ends, because nobody advances AWS's clock.
    return { delayMs: 1 };
  };
  expect(await account.run(['code', '--user', 'alice'])).toEqual({ status: 130, stdout: '', stderr: '' });
});

test('qr refuses to show a seed anywhere but on a terminal, and does not read it', async () => {
  const run = await account.run(['qr', '--user', 'alice']);
  expect(run).toMatchObject({ status: 1, stdout: '' });
  expect(run.stderr).toContain('terminal');
  expect(account.calls).toEqual([]);
});
