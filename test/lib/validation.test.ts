import { CfnParameter, Lazy, NestedStack, RemovalPolicy, type Stack, Tags } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { MfaEnrollmentProvider, VirtualMfaDevice, type VirtualMfaDeviceProps } from '../../lib';
import {
  type Declaration,
  DEVICE,
  devices,
  enroll,
  enrollMade,
  enrollments,
  ENV,
  literalStack,
  newApp,
  newStack,
  only,
} from './fixture';

const ACCOUNT = '123456789012';
const HIDDEN = '(not shown: it may be a seed)';
const DEVICE_EXPECTED = `expected the ARN of a virtual MFA device, such as '${DEVICE}'`;
const named = (userName: string) => (stack: Stack) => ({ user: iam.User.fromUserName(stack, 'Imported', userName) });
const device = (serialNumber: string) => () => ({ serialNumber });

describe('an error about an enrollment names the construct, the prop, the value and what is expected', () => {
  test.each<[string, (stack: Stack) => Declaration, string]>([
    [
      'a user name with a space',
      named('al ice'),
      "'user': invalid IAM user name 'al ice': expected 1 to 64 letters, digits and characters of +=,.@_-",
    ],
    ['a user name of 65 characters', named('a.'.repeat(33)), `'user': invalid IAM user name '${'a.'.repeat(33)}'`],
    [
      'the invalid name of a declared user',
      (stack) => ({ user: new iam.User(stack, 'Owned', { userName: 'al/ice' }) }),
      "'user': invalid IAM user name 'al/ice': expected 1 to 64",
    ],
    [
      'a user ARN with a wildcard',
      (stack) => ({ user: iam.User.fromUserArn(stack, 'Imported', `arn:aws:iam::${ACCOUNT}:user/*/alice`) }),
      `'user': invalid user ARN 'arn:aws:iam::${ACCOUNT}:user/*/alice': expected one user, without wildcards`,
    ],
    [
      'a removal policy that takes a snapshot',
      () => ({ removalPolicy: RemovalPolicy.SNAPSHOT }),
      "'removalPolicy': invalid value 'snapshot': expected RemovalPolicy.DESTROY, RETAIN or RETAIN_ON_UPDATE_OR_DELETE",
    ],
  ])('%s', (_what, props, words) => {
    const stack = newStack();
    expect(() => enroll(stack, props(stack))).toThrow(`[Stack/AliceMfa] ${words}`);
  });
});

describe('an error about an imported device names the construct, the prop, the value and what is expected', () => {
  test.each<[string, (stack: Stack) => Declaration, string]>([
    [
      'a secret ARN with a wildcard',
      (stack) => ({ seedSecret: Secret.fromSecretNameV2(stack, 'S', 'mfa/*') }),
      `'seedSecret': invalid secret ARN 'arn:aws:secretsmanager:eu-central-1:${ACCOUNT}:secret:mfa/*': expected one secret, without wildcards`,
    ],
    ['an empty serial number', device(''), `'serialNumber': invalid serial number '': ${DEVICE_EXPECTED}, of 9 to 256`],
    [
      'a serial number of 257 characters',
      device(`${DEVICE}${'x.'.repeat(111)}`.slice(0, 257)),
      `'serialNumber': invalid serial number '${`${DEVICE}${'x.'.repeat(111)}`.slice(0, 257)}': ${DEVICE_EXPECTED}, of 9 to 256`,
    ],
    [
      'a serial number with a space',
      device(`${DEVICE} 2`),
      `'serialNumber': invalid serial number '${DEVICE} 2': ${DEVICE_EXPECTED}, of 9 to 256 letters, digits`,
    ],
    [
      'a serial number that ends in a line break',
      device(`${DEVICE}\n`),
      `'serialNumber': invalid serial number '${DEVICE} ': ${DEVICE_EXPECTED}, of 9 to 256 letters, digits`,
    ],
    ...(
      [
        ['a hardware token', 'GAHT12345678'],
        ['a security key', `arn:aws:iam::${ACCOUNT}:u2f/user/alice/key-AB`],
        ['an SMS device', `arn:aws:iam::${ACCOUNT}:sms-mfa/alice`],
        ['a device without a name', `arn:aws:iam::${ACCOUNT}:mfa/`],
        ['an ARN with a region', `arn:aws:iam:us-east-1:${ACCOUNT}:mfa/alice`],
        ['an ARN with an account of 11 digits', 'arn:aws:iam::12345678901:mfa/alice'],
      ] as const
    ).map(([what, serialNumber]): [string, () => Declaration, string] => [
      what,
      device(serialNumber),
      `'serialNumber': invalid serial number '${serialNumber}': ${DEVICE_EXPECTED}; hardware tokens and security keys`,
    ]),
    ...[`arn:aws:iam::${ACCOUNT}:root`, `arn:aws:iam::${ACCOUNT}:mfa/root-account-mfa-device`].map(
      (serialNumber): [string, () => Declaration, string] => [
        `the MFA of the root user: ${serialNumber}`,
        device(serialNumber),
        `'serialNumber': invalid serial number '${serialNumber}': expected a device of an IAM user; the MFA of the root user can't be enabled by API`,
      ],
    ),
    [
      'an empty key of a JSON secret',
      () => ({ seedSecretField: '' }),
      "'seedSecretField': invalid key of a JSON secret '': expected a key, or nothing if the whole secret is the seed",
    ],
    [
      'a seed as the key of a JSON secret, which is not shown',
      () => ({ seedSecretField: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP' }),
      `'seedSecretField': invalid key of a JSON secret ${HIDDEN}: expected the name of the key; the seed itself belongs only in the secret`,
    ],
  ])('%s', (_what, props, words) => {
    const stack = literalStack();
    expect(() => enroll(stack, props(stack))).toThrow(`[Stack/AliceMfaDevice] ${words}`);
  });

  test('a long key of a JSON secret is not taken for a seed', () => {
    const enrollWith = (seedSecretField: string) => () => enroll(newStack(), { seedSecretField });
    expect(enrollWith('virtual-mfa-device-seed-of-break-glass-user-2')).not.toThrow();
    expect(enrollWith('VIRTUAL_MFA_DEVICE_SEED_OF_BREAK_GLASS')).not.toThrow();
  });
});

describe('the serial number of another resource is an error', () => {
  const secretArn = `arn:aws:secretsmanager:eu-central-1:${ACCOUNT}:secret:mfa/alice-AbCdEf`;

  test.each([
    ["a user's ARN", `arn:aws:iam::${ACCOUNT}:user/alice`],
    ["a secret's ARN", secretArn],
    ['a bare name', 'alice.smith'],
  ])('%s', (_what, serialNumber) => {
    expect(() => enroll(newStack(), { serialNumber })).toThrow(
      `[Stack/AliceMfaDevice] 'serialNumber': invalid serial number '${serialNumber}': ${DEVICE_EXPECTED}`,
    );
  });

  test('a bare name of fewer than 9 characters', () => {
    expect(() => enroll(newStack(), { serialNumber: 'alice' })).toThrow(
      `[Stack/AliceMfaDevice] 'serialNumber': invalid serial number 'alice': ${DEVICE_EXPECTED}`,
    );
  });

  test.each<[string, (stack: Stack) => string, string]>([
    [
      'the ARN of an imported user, as a token',
      (stack) => iam.User.fromUserName(stack, 'Bob', 'bob').userArn,
      "serial number 'arn:…:iam::…:user/bob'",
    ],
    [
      'the ARN of an imported secret, as a token',
      (stack) => Secret.fromSecretNameV2(stack, 'S', 'mfa/bob').secretArn,
      "serial number 'arn:…:secretsmanager:…:…:secret:mfa/bob'",
    ],
    ['the ARN of a declared user', (stack) => new iam.User(stack, 'Bob').userArn, "value 'Stack/Bob/Resource'"],
    ['the ARN of a declared secret', (stack) => new Secret(stack, 'S').secretArn, "value 'Stack/S/Resource'"],
  ])('%s', (_what, serialNumber, shown) => {
    const stack = newStack();
    expect(() => enroll(stack, { serialNumber: serialNumber(stack) })).toThrow(
      `[Stack/AliceMfa] 'device': invalid ${shown}: expected the ARN of a virtual MFA device`,
    );
  });
});

describe('a seed secret with an invalid name or ARN is an error', () => {
  const at = (name: string) => `arn:aws:secretsmanager:eu-central-1:${ACCOUNT}:secret:${name}`;

  test.each<[string, (stack: Stack) => Declaration['seedSecret'], string]>([
    [
      'fromSecretNameV2 with an ARN',
      (stack) => Secret.fromSecretNameV2(stack, 'S', at('mfa/alice')),
      `invalid secret name '${at('mfa/alice')}': expected a name; import a secret by its complete ARN with Secret.fromSecretCompleteArn`,
    ],
    [
      'fromSecretPartialArn with a complete ARN',
      (stack) => Secret.fromSecretPartialArn(stack, 'S', at('mfa/alice-AbCdEf')),
      `invalid partial ARN of a secret '${at('mfa/alice-AbCdEf')}': expected no hyphen and six characters at its end; import a complete ARN with Secret.fromSecretCompleteArn`,
    ],
    [
      'an empty name',
      (stack) => Secret.fromSecretNameV2(stack, 'S', ''),
      "invalid secret name '': expected 1 to 512 letters, digits and characters of /_+=.@!-",
    ],
    [
      'a name with a space',
      (stack) => Secret.fromSecretNameV2(stack, 'S', 'mfa/alice smith'),
      "invalid secret name 'mfa/alice smith': expected 1 to 512",
    ],
    [
      'a name that ends in a newline',
      (stack) => Secret.fromSecretNameV2(stack, 'S', 'mfa/alice\n'),
      "invalid secret name 'mfa/alice ': expected 1 to 512",
    ],
    [
      'a name of 513 characters',
      (stack) => Secret.fromSecretNameV2(stack, 'S', 'a/'.repeat(257)),
      "invalid secret name 'a/a/a/",
    ],
    [
      'an undefined name',
      (stack) => Secret.fromSecretNameV2(stack, 'S', undefined as never),
      "invalid secret ARN 'arn:",
    ],
    [
      'the ARN of a user',
      (stack) => Secret.fromSecretCompleteArn(stack, 'S', `arn:aws:iam::${ACCOUNT}:user/bob-a1b2c3`),
      `invalid secret ARN 'arn:aws:iam::${ACCOUNT}:user/bob-a1b2c3': expected arn:aws:secretsmanager:<region>:<account>:secret:<name>`,
    ],
    [
      'the ARN of a parameter',
      (stack) => Secret.fromSecretPartialArn(stack, 'S', 'arn:aws:ssm:eu-central-1:123456789012:parameter:seeds'),
      "invalid secret ARN 'arn:aws:ssm:eu-central-1:123456789012:parameter:seeds': expected arn:aws:secretsmanager:",
    ],
    [
      'the ARN of something else of Secrets Manager',
      (stack) => Secret.fromSecretPartialArn(stack, 'S', `arn:aws:secretsmanager:eu-central-1:${ACCOUNT}:policy:x`),
      `invalid secret ARN 'arn:aws:secretsmanager:eu-central-1:${ACCOUNT}:policy:x': expected arn:aws:secretsmanager:`,
    ],
    [
      'an ARN without an account',
      (stack) => Secret.fromSecretCompleteArn(stack, 'S', 'arn:aws:secretsmanager:eu-central-1::secret:mfa/a-AbCdEf'),
      "invalid secret ARN 'arn:aws:secretsmanager:eu-central-1::secret:mfa/a-AbCdEf': expected arn:aws:secretsmanager:",
    ],
    [
      'a name in place of an ARN',
      (stack) => Secret.fromSecretAttributes(stack, 'S', { secretPartialArn: at('mfa/alice smith') }),
      "invalid secret name 'mfa/alice smith': expected 1 to 512",
    ],
  ])('%s', (_what, seedSecret, words) => {
    for (const env of [undefined, ENV]) {
      const stack = newStack({ env });
      expect(() => enroll(stack, { seedSecret: seedSecret(stack) })).toThrow(
        `[Stack/AliceMfaDevice] 'seedSecret': ${words}`,
      );
      const own = newStack({ env });
      expect(() => new VirtualMfaDevice(own, 'Own', { seedSecret: seedSecret(own) })).toThrow(
        `[Stack/Own] 'seedSecret': ${words}`,
      );
    }
  });

  test.each<[string, (stack: Stack) => Declaration['seedSecret']]>([
    [
      'fromSecretNameV2 with a name that ends in a hyphen and six characters',
      (stack) => Secret.fromSecretNameV2(stack, 'S', 'mfa/john-miller'),
    ],
    ['fromSecretPartialArn with a partial ARN', (stack) => Secret.fromSecretPartialArn(stack, 'S', at('mfa/alice'))],
    [
      'fromSecretCompleteArn with a complete ARN',
      (stack) => Secret.fromSecretCompleteArn(stack, 'S', at('mfa/alice-AbCdEf')),
    ],
    [
      'a name that only the deployment knows',
      (stack) => Secret.fromSecretNameV2(stack, 'S', new CfnParameter(stack, 'Name').valueAsString),
    ],
    [
      'an ARN that only the deployment knows',
      (stack) => Secret.fromSecretCompleteArn(stack, 'S', new CfnParameter(stack, 'Arn').valueAsString),
    ],
    ['a name of a secret that AWS manages', (stack) => Secret.fromSecretNameV2(stack, 'S', 'rds!cluster-1')],
    ['a name of 512 characters', (stack) => Secret.fromSecretNameV2(stack, 'S', 'a/'.repeat(256))],
  ])('%s passes', (_what, seedSecret) => {
    for (const stack of [newStack(), newStack({ env: ENV })]) {
      expect(() => enroll(stack, { seedSecret: seedSecret(stack) })).not.toThrow();
    }
  });

  describe('in another account, a name that ends in a hyphen and six letters', () => {
    const foreign = (name: string) => `arn:aws:secretsmanager:eu-central-1:999999999999:secret:${name}`;
    const inOtherAccount = (name: string) => {
      const app = newApp();
      const secrets = newStack({ env: { ...ENV, account: '999999999999' } }, app, 'Secrets');
      return { stack: newStack({ env: ENV }, app), seedSecret: Secret.fromSecretNameV2(secrets, 'S', name) };
    };
    const words =
      "invalid partial ARN of secret 'mfa/john-miller' in another account: expected a complete ARN, because the name ends in a hyphen and six characters";

    test('is an error, because Secrets Manager finds no secret of another account by its name', () => {
      const { stack, seedSecret } = inOtherAccount('mfa/john-miller');
      expect(() => enroll(stack, { seedSecret })).toThrow(`[Stack/AliceMfa] 'device': ${words}`);
      expect(() => new VirtualMfaDevice(stack, 'Own', { seedSecret })).toThrow(`[Stack/Own] 'seedSecret': ${words}`);
    });

    test('passes with a complete ARN, and so does another name', () => {
      const { stack, seedSecret } = inOtherAccount('mfa/john');
      enroll(stack, { seedSecret }, 'ByName');
      const complete = Secret.fromSecretCompleteArn(stack, 'S', foreign('mfa/john-miller-AbCdEf'));
      enroll(stack, { seedSecret: complete, serialNumber: `${DEVICE}2` }, 'ByArn');
      expect(Object.keys(enrollments(stack))).toHaveLength(2);
    });
  });

  describe('a generated password as a seed is a warning', () => {
    const warnings = (declare: (stack: Stack) => Declaration) => {
      const stack = newStack();
      enroll(stack, declare(stack));
      return Annotations.fromStack(stack)
        .findWarning('/Stack/AliceMfa', Match.stringLikeRegexp('Secrets Manager generates the value'))
        .map(({ entry }) => entry.data);
    };
    const generated = { generateSecretString: { secretStringTemplate: '{}', generateStringKey: 'password' } };

    test.each<[string, (stack: Stack) => Declaration]>([
      ['a whole secret', (stack) => ({ seedSecret: new Secret(stack, 'S') })],
      ['a whole secret that is generated as JSON', (stack) => ({ seedSecret: new Secret(stack, 'S', generated) })],
      [
        'the generated key of a JSON secret',
        (stack) => ({ seedSecret: new Secret(stack, 'S', generated), seedSecretField: 'password' }),
      ],
    ])('%s', (_what, declare) => {
      expect(warnings(declare)).toEqual([
        expect.stringMatching(/'Stack\/S'.*not the seed of a device.*\[ack: cdk-mfa-enrollment:generatedSecret\]/),
      ]);
    });

    test('another key of a JSON secret is not', () => {
      expect(warnings((stack) => ({ seedSecret: new Secret(stack, 'S', generated), seedSecretField: 'seed' }))).toEqual(
        [],
      );
    });

    test('a secret that a VirtualMfaDevice overwrites is not', () => {
      expect(
        warnings((stack) => ({ device: new VirtualMfaDevice(stack, 'Own', { seedSecret: new Secret(stack, 'S') }) })),
      ).toEqual([]);
    });
  });

  describe('a key ARN with a wildcard', () => {
    const key = `arn:aws:kms:eu-central-1:${ACCOUNT}:key/*`;
    const expected = `invalid key ARN '${key}': expected one key, without wildcards`;
    const keyIn = (stack: Stack) => kms.Key.fromKeyArn(stack, 'Key', key);

    test('as the encryptionKey of an imported secret', () => {
      const stack = newStack({ env: ENV });
      const seedSecret = Secret.fromSecretAttributes(stack, 'S', {
        secretCompleteArn: at('mfa/alice-AbCdEf'),
        encryptionKey: keyIn(stack),
      });
      expect(() => enroll(stack, { seedSecret })).toThrow(`[Stack/AliceMfaDevice] 'seedSecret': ${expected}`);
      expect(() => new VirtualMfaDevice(stack, 'Own', { seedSecret })).toThrow(`[Stack/Own] 'seedSecret': ${expected}`);
    });

    test('as the encryptionKey of a device', () => {
      const stack = newStack({ env: ENV });
      expect(() => new VirtualMfaDevice(stack, 'Own', { encryptionKey: keyIn(stack) })).toThrow(
        `[Stack/Own] 'encryptionKey': ${expected}`,
      );
    });

    test('as one of the encryptionKeys of a path scope', () => {
      const stack = newStack({ env: ENV });
      const pathScope = { userPath: '/staff/', devicePath: '/staff/', encryptionKeys: [keyIn(stack)] };
      expect(() => new MfaEnrollmentProvider(stack, 'Provider', { pathScope })).toThrow(
        `[Stack/Provider] 'pathScope.encryptionKeys': ${expected}`,
      );
    });
  });
});

describe('restrictSeedReaders on an imported secret is an error, because there addToResourcePolicy adds nothing and says nothing', () => {
  const words =
    "'restrictSeedReaders': invalid secret 'Stack/Seed': expected a secret that the app declares, because an imported one takes no resource policy";
  const reader = (stack: Stack) => new iam.Role(stack, 'Reader', { assumedBy: new iam.AccountRootPrincipal() });
  const seed = (stack: Stack) => Secret.fromSecretNameV2(stack, 'Seed', 'mfa/alice');

  test('of an imported device', () => {
    const stack = newStack();
    const imported = VirtualMfaDevice.fromVirtualMfaDeviceAttributes(stack, 'Device', {
      serialNumber: DEVICE,
      seedSecret: seed(stack),
    });
    expect(() => imported.restrictSeedReaders(reader(stack))).toThrow(`[Stack/Device] ${words}`);
  });

  test('of a declared device', () => {
    const stack = newStack();
    const declared = new VirtualMfaDevice(stack, 'Device', { seedSecret: seed(stack) });
    expect(() => declared.restrictSeedReaders(reader(stack))).toThrow(`[Stack/Device] ${words}`);
  });
});

describe('a valid enrollment passes', () => {
  test.each<[string, (stack: Stack) => Declaration]>([
    ['a user name of 64 characters of every kind', named(`${'a'.repeat(57)}_+=,.@-`)],
    ['a serial number of 256 characters', device(`${DEVICE}${'x'.repeat(256 - DEVICE.length)}`)],
    ['a device with a path', device(`arn:aws:iam::${ACCOUNT}:mfa/team/eu/alice`)],
    ['a user name that is a token', (s) => named(new CfnParameter(s, 'Name').valueAsString)(s)],
    ['a serial number that is a token', (s) => device(new CfnParameter(s, 'Device').valueAsString)()],
    [
      'a serial number of an AWS::IAM::VirtualMFADevice',
      (s) => device(new iam.CfnVirtualMFADevice(s, 'Device', { users: [] }).attrSerialNumber)(),
    ],
    [
      'a key of a JSON secret that is a token',
      (s) => ({ seedSecretField: new CfnParameter(s, 'Field').valueAsString }),
    ],
    ['a user ARN that is a token', (s) => byToken(s)],
  ])('%s', (_what, props) => {
    for (const stack of [newStack(), newStack({ env: ENV })]) {
      enroll(stack, props(stack));
      expect(Object.keys(enrollments(stack))).toHaveLength(1);
    }
  });

  function byToken(stack: Stack): Declaration {
    return { user: iam.User.fromUserArn(stack, 'Imported', new CfnParameter(stack, 'Arn').valueAsString) };
  }
});

describe('account and partition', () => {
  const OTHER = 'arn:aws:iam::999999999999:mfa/alice';
  const inAccount = `[Stack/AliceMfa] 'device': invalid serial number '${OTHER}': expected a device in account ${ACCOUNT}; device, user and stack must be in one account`;

  test('a device in another account than the stack is an error', () => {
    expect(() => enroll(newStack({ env: ENV }), { serialNumber: OTHER })).toThrow(inAccount);
  });

  test('a device in another account than its user is an error if only the account of the user is known', () => {
    const stack = newStack();
    const user = iam.User.fromUserArn(stack, 'Imported', `arn:aws:iam::${ACCOUNT}:user/alice`);
    expect(() => enroll(stack, { user, serialNumber: OTHER })).toThrow(inAccount);
  });

  const userInAccount = (path: string) =>
    `[Stack/AliceMfa] 'user': invalid value '${path}' in account 999999999999: expected a user in account ${ACCOUNT}, which is the stack's`;

  test('a user imported from another account is an error', () => {
    const stack = newStack({ env: ENV });
    const user = iam.User.fromUserArn(stack, 'Imported', 'arn:aws:iam::999999999999:user/alice');
    expect(() => enroll(stack, { user })).toThrow(userInAccount('Stack/Imported'));
  });

  test('a user that the app declares in another account is an error', () => {
    const app = newApp();
    const users = newStack({ env: { account: '999999999999', region: 'eu-central-1' } }, app, 'Users');
    const stack = newStack({ env: ENV }, app);
    expect(() => enroll(stack, { user: new iam.User(users, 'Alice') })).toThrow(userInAccount('Users/Alice'));
  });

  test('a user imported by an ARN in place of its name is an error', () => {
    const stack = literalStack();
    const user = iam.User.fromUserName(stack, 'Imported', `arn:aws:iam::${ACCOUNT}:user/alice`);
    expect(() => enroll(stack, { user })).toThrow(
      `[Stack/AliceMfa] 'user': invalid user name in 'arn:aws:iam::${ACCOUNT}:user/arn:aws:iam::${ACCOUNT}:user/alice': expected a name; import a user by its ARN with User.fromUserArn`,
    );
  });

  test('a role in another account than the stack of the provider is an error', () => {
    const stack = newStack({ env: ENV });
    const role = iam.Role.fromRoleArn(stack, 'Role', 'arn:aws:iam::999999999999:role/mfa');
    expect(() => new MfaEnrollmentProvider(stack, 'Provider', { role })).toThrow(
      `[Stack/Provider] 'role': invalid value 'Stack/Role' in account 999999999999: expected a role in account ${ACCOUNT}, which is the stack's`,
    );
  });

  test('a stack without an account accepts a device in any account', () => {
    expect(() => enroll(newStack(), { serialNumber: OTHER })).not.toThrow();
  });

  const PARTITIONS = [
    ['aws', 'eu-central-1'],
    ['aws-cn', 'cn-north-1'],
    ['aws-us-gov', 'us-gov-west-1'],
    ['aws-iso', 'us-iso-east-1'],
    ['aws-iso-b', 'us-isob-east-1'],
    ['aws-eusc', 'eusc-de-east-1'],
    ['aws-of-tomorrow', 'xx-nowhere-1'],
  ] as const;

  test.each(PARTITIONS)(
    'partition %s: a device passes in a stack of its partition, with or without a region',
    (partition, region) => {
      const serialNumber = `arn:${partition}:iam::${ACCOUNT}:mfa/alice`;
      for (const stack of [newStack(), newStack({ env: { account: ACCOUNT, region } })]) {
        enroll(stack, { serialNumber });
        expect(Object.keys(enrollments(stack))).toHaveLength(1);
      }
    },
  );

  test.each(PARTITIONS.slice(0, 3))('partition %s: the template does not name the partition', (_partition, region) => {
    const stack = newStack({ env: { account: ACCOUNT, region } });
    enroll(stack, {
      serialNumber: stack.formatArn({ service: 'iam', region: '', resource: 'mfa', resourceName: 'a' }),
    });
    expect(JSON.stringify(Template.fromStack(stack).toJSON())).not.toMatch(/arn:aws|amazonaws\.com\.cn/);
  });

  test.each([true, false])(
    'a device in another partition than the region of the stack is an error, with literal partitions %s',
    (literals) => {
      const context = { '@aws-cdk/core:enablePartitionLiterals': literals };
      const stack = newStack({ env: { account: ACCOUNT, region: 'cn-north-1' } }, newApp(context));
      expect(() => enroll(stack)).toThrow(
        `[Stack/AliceMfa] 'device': invalid serial number '${DEVICE}': expected a device in partition 'aws-cn', which is the stack's`,
      );
    },
  );
});

describe('a device that a stack enrolls twice is an error', () => {
  const enrolledTwice = (first = 'Stack/First', second = 'Stack/Second') =>
    `[${second}] 'device': invalid value '${second}Device': expected a device that the stack enrolls once, but '${first}' enrolls it, too`;

  test.each<[string, (stack: Stack) => Declaration]>([
    ['for one user', () => ({})],
    ['for two users', (s) => ({ user: new iam.User(s, 'Bob') })],
    ['by two spellings of its ARN', (s) => ({ serialNumber: `arn:${s.partition}:iam::${s.account}:mfa/alice` })],
    ['by two providers', (s) => ({ provider: new MfaEnrollmentProvider(s, 'Other') })],
  ])('%s', (_how, props) => {
    const stack = newStack();
    enroll(stack, {}, 'First');
    enroll(stack, props(stack), 'Second');
    expect(() => Template.fromStack(stack)).toThrow(enrolledTwice());
  });

  test('by a serial number that only the deployment knows', () => {
    const stack = newStack();
    const serialNumber = new CfnParameter(stack, 'Device').valueAsString;
    enroll(stack, { serialNumber }, 'First');
    enroll(stack, { serialNumber }, 'Second');
    expect(() => Template.fromStack(stack)).toThrow(enrolledTwice());
  });

  describe('two enrollments of one declared device, one of them by a literal ARN', () => {
    type Enroll = (stack: Stack, device: VirtualMfaDevice, id: string) => void;
    const byReference: Enroll = (stack, declared, id) => enroll(stack, { device: declared }, id);
    const byAttributes: Enroll = (stack, { serialNumber }, id) => enroll(stack, { serialNumber }, id);
    const byLiteralArn: Enroll = (stack, { virtualMfaDeviceName }, id) =>
      enroll(stack, { serialNumber: `arn:aws:iam::${ACCOUNT}:mfa/${virtualMfaDeviceName}` }, id);

    test.each<[string, Enroll, Enroll]>([
      ['the reference first', byReference, byLiteralArn],
      ['the literal ARN first', byLiteralArn, byReference],
      ['the literal ARN first, then an import of the serial number', byLiteralArn, byAttributes],
      ['the reference first, then an import of the serial number', byReference, byAttributes],
    ])('%s', (_order, first, second) => {
      for (const [env, virtualMfaDeviceName] of [
        [undefined, 'alice'],
        [ENV, 'alice'],
        // The name of the region as it is, and as a token.
        [ENV, undefined],
      ] as const) {
        const stack = newStack({ env });
        const declared = new VirtualMfaDevice(stack, 'Device', { virtualMfaDeviceName });
        first(stack, declared, 'First');
        second(stack, declared, 'Second');
        expect(() => Template.fromStack(stack)).toThrow(
          /\[Stack\/Second\] 'device': .*expected a device that the stack enrolls once, but 'Stack\/First' enrolls it, too/,
        );
      }
    });

    test('in either order of the device and the enrollment by its literal ARN', () => {
      const stack = newStack({ env: ENV });
      enroll(stack, {}, 'First');
      enroll(stack, { device: new VirtualMfaDevice(stack, 'Device', { virtualMfaDeviceName: 'alice' }) }, 'Second');
      expect(() => Template.fromStack(stack)).toThrow("but 'Stack/First' enrolls it, too");
    });
  });

  test('two devices of one user pass', () => {
    const stack = newStack();
    enroll(stack, {}, 'First');
    enroll(stack, { serialNumber: `${DEVICE}2` }, 'Second');
    expect(Object.keys(enrollments(stack))).toHaveLength(2);
  });

  test('one device and one user pass in two stacks and in their nested stacks', () => {
    const app = newApp();
    const stacks = [newStack({}, app, 'One'), newStack({}, app, 'Two')];
    stacks.push(...stacks.map((stack) => new NestedStack(stack, 'Nested')));
    for (const stack of stacks) {
      enroll(stack, { user: iam.User.fromUserName(stack, 'Imported', 'alice') });
    }
    for (const stack of stacks) {
      expect(Object.keys(enrollments(stack))).toHaveLength(1);
    }
  });

  test('a second synthesis of an app passes', () => {
    const app = newApp();
    enroll(newStack({}, app));
    app.synth();
    expect(() => app.synth({ force: true })).not.toThrow();
  });
});

describe('more devices for one user than IAM allows are an error', () => {
  const enrollMany = (
    count: number,
    user: (stack: Stack, index: number) => iam.IUser | undefined = () => undefined,
  ) => {
    const stack = newStack();
    for (let index = 1; index <= count; index++) {
      enroll(stack, { serialNumber: `${DEVICE}${index}`, user: user(stack, index) }, `Mfa${index}`);
    }
    return () => Template.fromStack(stack);
  };

  test('nine devices for one user are an error', () => {
    expect(enrollMany(9)).toThrow(
      "[Stack/Mfa9] 'user': 9 devices for one user are too many: expected at most 8, which is IAM's limit",
    );
  });

  test('nine devices for one user that is imported nine times are an error', () => {
    expect(enrollMany(9, (stack, index) => iam.User.fromUserName(stack, `Imported${index}`, 'alice'))).toThrow(
      "'user': 9 devices for one user are too many",
    );
  });

  test('eight devices for one user pass', () => {
    expect(enrollMany(8)).not.toThrow();
  });

  test('nine devices for two users pass', () => {
    expect(
      enrollMany(9, (stack, index) => iam.User.fromUserName(stack, `Imported${index}`, `user${index % 2}`)),
    ).not.toThrow();
  });
});

describe('an enrollment of a device of another stack is a warning', () => {
  const warnings = (stack: Stack) =>
    Annotations.fromStack(stack)
      .findWarning('/Enrollments/AliceMfa', Match.stringLikeRegexp('belongs to another stack'))
      .map(({ entry }) => entry.data);
  const WARNING = [
    expect.stringMatching(/declare both in one stack.*\[ack: cdk-mfa-enrollment:deviceOfAnotherStack\]/),
  ];
  const stacks = (devicesEnv = ENV, enrollmentsEnv = ENV) => {
    const app = newApp();
    return [
      newStack({ env: devicesEnv }, app, 'Devices'),
      newStack({ env: enrollmentsEnv }, app, 'Enrollments'),
    ] as const;
  };
  const alice = { virtualMfaDeviceName: 'alice' };

  test('by reference', () => {
    const [owner, stack] = stacks();
    enroll(stack, { device: new VirtualMfaDevice(owner, 'Device', alice) });
    expect(warnings(stack)).toEqual(WARNING);
  });

  test('by an import of its serial number', () => {
    const [owner, stack] = stacks();
    const { serialNumber, seedSecret } = new VirtualMfaDevice(owner, 'Device', alice);
    enroll(stack, { serialNumber, seedSecret });
    expect(warnings(stack)).toEqual(WARNING);
  });

  test('by a literal ARN, before or after the device is declared', () => {
    const [owner, stack] = stacks();
    new VirtualMfaDevice(owner, 'Device', alice);
    enroll(stack);
    expect(warnings(stack)).toEqual(WARNING);
    const [laterOwner, earlierStack] = stacks();
    enroll(earlierStack);
    new VirtualMfaDevice(laterOwner, 'Device', alice);
    expect(warnings(earlierStack)).toEqual(WARNING);
  });

  test('by a literal ARN of a device whose name has the region of its stack', () => {
    const [owner, stack] = stacks({ ...ENV, region: 'us-east-1' });
    const { virtualMfaDeviceName } = new VirtualMfaDevice(owner, 'Device');
    enroll(stack, { serialNumber: `arn:aws:iam::${ACCOUNT}:mfa/${virtualMfaDeviceName}` });
    expect(warnings(stack)).toEqual(WARNING);
  });

  test('a device of the same stack gets no warning, although another stack declares the same device', () => {
    const [other, stack] = stacks();
    new VirtualMfaDevice(other, 'Device', alice);
    enrollMade(stack, alice);
    expect(warnings(stack)).toEqual([]);
  });

  test('a device of the same name in another account gets no warning', () => {
    const [other, stack] = stacks({ ...ENV, account: '999999999999' });
    new VirtualMfaDevice(other, 'Device', alice);
    enroll(stack);
    expect(warnings(stack)).toEqual([]);
  });

  test('a device whose name has another region gets no warning', () => {
    const [other, stack] = stacks({ ...ENV, region: 'us-east-1' });
    new VirtualMfaDevice(other, 'Device', { virtualMfaDeviceName: 'alice-us-east-1' });
    enroll(stack, { serialNumber: `${DEVICE}-${ENV.region}` });
    expect(warnings(stack)).toEqual([]);
  });
});

describe('an error about a declared device names the construct, the prop, the value and what is expected', () => {
  const secretNamed = (stack: Stack, name = 'mfa/alice') => Secret.fromSecretNameV2(stack, 'S', name);
  const NAME = 'expected 1 to 226 letters, digits and characters of +=,.@_-, never the seed';
  const PATH = "expected a path that begins and ends with '/', such as '/' or '/staff/'";
  const GENERATION = 'expected a whole number from 1';

  test.each<[string, (stack: Stack) => VirtualMfaDeviceProps, string]>([
    ...(
      [
        ['an empty name', ''],
        ['a name with a space', 'al ice'],
        ['a name with a path', 'staff/alice'],
        ['a name with a wildcard', '*'],
      ] as const
    ).map(([what, virtualMfaDeviceName]): [string, () => VirtualMfaDeviceProps, string] => [
      what,
      () => ({ virtualMfaDeviceName }),
      `'virtualMfaDeviceName': invalid device name '${virtualMfaDeviceName}': ${NAME}`,
    ]),
    [
      'a name that ends in a line break',
      () => ({ virtualMfaDeviceName: 'alice\n' }),
      `'virtualMfaDeviceName': invalid device name 'alice ': ${NAME}`,
    ],
    [
      'a name of 227 characters',
      () => ({ virtualMfaDeviceName: `${'a.'.repeat(113)}a` }),
      `'virtualMfaDeviceName': invalid device name '${'a.'.repeat(113)}a': ${NAME}`,
    ],
    [
      'the seed as a name, which is not shown',
      () => ({ virtualMfaDeviceName: 'R6WTJO5QYHWQSX57DNIMWDSIPBNAGDK262G4DJEVPS5VQPB4DZNAECT4SHRQOJN3' }),
      `'virtualMfaDeviceName': invalid device name ${HIDDEN}: ${NAME}`,
    ],
    [
      'a name that makes the serial number too long',
      () => ({ virtualMfaDeviceName: `${'a.'.repeat(110)}a`, path: '/staff/' }),
      `'virtualMfaDeviceName': path '/staff/' and name '${'a.'.repeat(110)}a' make a serial number of 257 characters: expected at most 256`,
    ],
    [
      "the name of the root user's device",
      () => ({ virtualMfaDeviceName: 'root-account-mfa-device' }),
      `'virtualMfaDeviceName': invalid device name 'root-account-mfa-device': expected a device of an IAM user; the MFA of the root user can't be enabled by API`,
    ],
    ...(
      [
        ['a path that does not begin with a slash', 'staff/'],
        ['a path that does not end with a slash', '/staff'],
        ['an empty path', ''],
        ['a path with an empty part', '/staff//eu/'],
        ['a path with a wildcard', '/*/'],
      ] as const
    ).map(([what, path]): [string, () => VirtualMfaDeviceProps, string] => [
      what,
      () => ({ path }),
      `'path': invalid path '${path}': ${PATH}`,
    ]),
    [
      'a path that leaves no room for the default name',
      () => ({ path: `/${'a.'.repeat(110)}/` }),
      `'path': path '/${'a.'.repeat(110)}/' and name 'Stack-AliceDevice-`,
    ],
    ...[0, -1, 1.5, NaN, Infinity, 2 ** 53].map((generation): [string, () => VirtualMfaDeviceProps, string] => [
      `generation ${generation}`,
      () => ({ generation }),
      `'generation': invalid value ${generation}: ${GENERATION}`,
    ]),
    [
      'a generation of a named device',
      () => ({ generation: 2, virtualMfaDeviceName: 'alice' }),
      "'generation': is set together with 'virtualMfaDeviceName', which it is not part of: to rotate, use another name",
    ],
    [
      "a generation with the caller's secret",
      (stack) => ({ generation: 1, seedSecret: secretNamed(stack) }),
      "'generation': is set together with 'seedSecret', where the new seed would overwrite the only copy of the old one: to rotate, use another secret",
    ],
    [
      "a key with the caller's secret",
      (stack) => ({ encryptionKey: new kms.Key(stack, 'Key'), seedSecret: secretNamed(stack) }),
      "'encryptionKey': is set together with 'seedSecret', which has its own key: expected one of them",
    ],
    [
      'a secret ARN with a wildcard',
      (stack) => ({ seedSecret: secretNamed(stack, 'mfa/*') }),
      `'seedSecret': invalid secret ARN 'arn:aws:secretsmanager:eu-central-1:${ACCOUNT}:secret:mfa/*': expected one secret, without wildcards`,
    ],
    [
      'a removal policy that takes a snapshot',
      () => ({ removalPolicy: RemovalPolicy.SNAPSHOT }),
      "'removalPolicy': invalid value 'snapshot': expected RemovalPolicy.DESTROY, RETAIN or RETAIN_ON_UPDATE_OR_DELETE",
    ],
  ])('%s', (_what, props, words) => {
    const stack = literalStack();
    expect(() => new VirtualMfaDevice(stack, 'AliceDevice', props(stack))).toThrow(`[Stack/AliceDevice] ${words}`);
  });

  test.each<[string, (stack: Stack) => VirtualMfaDeviceProps]>([
    ['a name of every kind of character', () => ({ virtualMfaDeviceName: 'Az09_+=,.@-' })],
    ['the longest name', () => ({ virtualMfaDeviceName: 'a'.repeat(226) })],
    ['a path of every kind of character', () => ({ path: '/Az09_+=:,.@-/eu/' })],
    ['a serial number of 256 characters', () => ({ virtualMfaDeviceName: 'a'.repeat(220), path: '/staff/' })],
    ['a name and a path that are tokens', (s) => tokens(s)],
    ['the highest generation', () => ({ generation: Number.MAX_SAFE_INTEGER })],
  ])('%s passes', (_what, props) => {
    for (const stack of [newStack(), newStack({ env: ENV })]) {
      enrollMade(stack, props(stack));
      expect(Object.keys(devices(stack))).toHaveLength(1);
    }
  });

  test('the default name counts with the region if that is known', () => {
    const path = `/${'a'.repeat(185)}/`;
    expect(() => new VirtualMfaDevice(newStack(), 'AliceDevice', { path })).not.toThrow();
    expect(() => new VirtualMfaDevice(newStack({ env: ENV }), 'AliceDevice', { path })).toThrow(
      /'path': path .* make a serial number of 257 characters: expected at most 256/,
    );
  });

  function tokens(stack: Stack): VirtualMfaDeviceProps {
    return {
      virtualMfaDeviceName: new CfnParameter(stack, 'Name').valueAsString,
      path: Lazy.string({ produce: () => '/staff/' }),
    };
  }

  test.each([
    ['region', { account: ACCOUNT, region: 'us-east-1' }, 'us-east-1', 'eu-central-1'],
    ['account', { account: '999999999999', region: 'eu-central-1' }, '999999999999', ACCOUNT],
  ])('a provider in another %s', (what, env, theirs, ours) => {
    const words = `'provider': invalid value 'Elsewhere/Provider' in ${what} ${theirs}: expected a provider in ${what} ${ours}, which is the stack's`;
    const app = newApp();
    const provider = new MfaEnrollmentProvider(newStack({ env }, app, 'Elsewhere'), 'Provider');
    const stack = newStack({ env: ENV }, app);
    expect(() => new VirtualMfaDevice(stack, 'AliceDevice', { provider })).toThrow(`[Stack/AliceDevice] ${words}`);
    expect(() => enroll(stack, { provider })).toThrow(`[Stack/AliceMfa] ${words}`);
  });
});

describe('tags of a device are checked at synthesis', () => {
  const tagged = (tags: Record<string, string>) => {
    const stack = newStack();
    const device = new VirtualMfaDevice(stack, 'AliceDevice');
    for (const [key, value] of Object.entries(tags)) {
      Tags.of(device).add(key, value, { includeResourceTypes: ['Custom::VirtualMfaDevice'] });
    }
    return () => Template.fromStack(stack);
  };
  const KEY = 'expected 1 to 128 letters, digits, spaces and characters of _.:/=+-@';

  test.each<[string, Record<string, string>, string | RegExp]>([
    [
      'a key of this library',
      { 'cdk-mfa-enrollment:mine': 'x' },
      "'tags': invalid tag key 'cdk-mfa-enrollment:mine': expected a key that does not begin with 'cdk-mfa-enrollment:', which this library reserves",
    ],
    [
      'a key of this library in another case',
      { 'CDK-mfa-Enrollment:x': 'x' },
      "'tags': invalid tag key 'CDK-mfa-Enrollment:x': expected a key that does not begin with 'cdk-mfa-enrollment:'",
    ],
    ['a key that IAM does not accept', { 'team#': 'x' }, `'tags': invalid tag key 'team#': ${KEY}`],
    [
      'a key of 129 characters',
      { [`${'k.'.repeat(64)}k`]: 'x' },
      `'tags': invalid tag key '${'k.'.repeat(64)}k': ${KEY}`,
    ],
    [
      'a value that IAM does not accept',
      { team: 'x;y' },
      "'tags': invalid value 'x;y' for tag 'team': expected up to 256 letters, digits, spaces",
    ],
  ])('%s is an error', (_what, tags, words) => {
    expect(tagged(tags)).toThrow(words);
    expect(tagged(tags)).toThrow("[Stack/AliceDevice] 'tags'");
  });

  test('the error names every invalid tag', () => {
    expect(tagged({ 'a#': 'x', 'b#': 'x' })).toThrow(/invalid tag key 'a#'[^]*invalid tag key 'b#'/);
  });

  test('Tags.of(app) with CostCenter and a device with costcenter pass, because device tags are case-sensitive', () => {
    const app = newApp();
    const stack = newStack({}, app);
    const device = new VirtualMfaDevice(stack, 'AliceDevice');
    Tags.of(app).add('CostCenter', 'x', { includeResourceTypes: ['Custom::VirtualMfaDevice'] });
    Tags.of(device).add('costcenter', 'y', { includeResourceTypes: ['Custom::VirtualMfaDevice'] });
    expect(only(stack, 'Custom::VirtualMfaDevice').Properties['Tags']).toEqual(
      expect.arrayContaining([
        { Key: 'CostCenter', Value: 'x' },
        { Key: 'costcenter', Value: 'y' },
      ]),
    );
  });

  test('letters, digits, spaces and the other characters that IAM accepts pass, and so does a token as a value', () => {
    const value = Lazy.string({ produce: () => 'x;y' });
    expect(tagged({ 'Kostenstelle Süd_.:/=+-@': '', team: value })).not.toThrow();
  });
});

describe('a device that a stack declares twice is an error', () => {
  const words =
    "[Stack/Second] 'virtualMfaDeviceName': invalid value '/alice': expected a device that the stack declares once, but 'Stack/First' declares it, too";

  test.each<[string, (stack: Stack) => VirtualMfaDeviceProps]>([
    ['with the same props', () => ({})],
    ['with two providers', (s) => ({ provider: new MfaEnrollmentProvider(s, 'Other') })],
    ['with two secrets', (s) => ({ seedSecret: new Secret(s, 'Own') })],
  ])('%s', (_how, props) => {
    const stack = newStack();
    new VirtualMfaDevice(stack, 'First', { virtualMfaDeviceName: 'alice' });
    new VirtualMfaDevice(stack, 'Second', { virtualMfaDeviceName: 'alice', ...props(stack) });
    expect(() => Template.fromStack(stack)).toThrow(words);
  });

  test('with one secret, which adds no second error', () => {
    const stack = newStack();
    const props = { virtualMfaDeviceName: 'alice', seedSecret: new Secret(stack, 'Own') };
    new VirtualMfaDevice(stack, 'First', props);
    new VirtualMfaDevice(stack, 'Second', props);
    expect(() => Template.fromStack(stack)).toThrow(words);
    expect(() => Template.fromStack(stack)).not.toThrow(/'seedSecret'/);
  });

  test('two devices with one secret are an error', () => {
    const stack = newStack();
    const seedSecret = new Secret(stack, 'Own');
    new VirtualMfaDevice(stack, 'First', { seedSecret });
    new VirtualMfaDevice(stack, 'Second', { seedSecret });
    expect(() => Template.fromStack(stack)).toThrow(
      "[Stack/Second] 'seedSecret': invalid value 'Stack/Own': expected a secret for this device only, but it takes the seed of 'Stack/First'",
    );
  });

  test('devices of one name pass with two paths, in two stacks and in nested stacks', () => {
    const app = newApp();
    const stacks = [newStack({}, app, 'One'), newStack({}, app, 'Two')];
    for (const stack of [...stacks, ...stacks.map((one) => new NestedStack(one, 'Nested'))]) {
      new VirtualMfaDevice(stack, 'First', { virtualMfaDeviceName: 'alice' });
      new VirtualMfaDevice(stack, 'Second', { virtualMfaDeviceName: 'alice', path: '/staff/' });
    }
    expect(Object.keys(devices(stacks[0] as Stack))).toHaveLength(2);
  });

  test('a second synthesis of an app passes', () => {
    const app = newApp();
    enrollMade(newStack({}, app));
    app.synth();
    expect(() => app.synth({ force: true })).not.toThrow();
  });
});
