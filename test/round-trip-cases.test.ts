import { App, CfnParameter, Fn, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import { MfaEnrollment, MfaEnrollmentProvider, VirtualMfaDevice } from '../lib';
import { Region } from './region';

/* What people do with several stacks, names and paths, deployed to the local AWS. */

let account: Region;
beforeEach(() => {
  account = new Region('eu-west-1');
});

/** The reasons of failed resources of one type. */
const failuresOf = (type: string) =>
  account.events.flatMap((event) =>
    event.type === type && event.status.endsWith('_FAILED') && event.reason !== undefined ? [event.reason] : [],
  );
const arnOfSecret = (SecretId: string) => account.secretsManager.call('DescribeSecret', { SecretId }).ARN as string;

describe('a secret whose name ends in a hyphen and six letters', () => {
  test('works as the seed of an imported device, and of a declared one, by its name', async () => {
    const { serialNumber, seed } = account.createDevice('john');
    account.createSecret('mfa/john-miller', seed);
    account.createSecret('mfa/jane-miller');
    // Secrets Manager would take the partial ARN of mfa/john-miller for the complete one of this secret.
    account.createSecret('mfa/john', 'another');
    const deployed = await account.deploy((stack) => {
      const john = iam.User.fromUserName(
        stack,
        'John',
        new iam.User(stack, 'JohnMiller', { userName: 'john' }).userName,
      );
      const device = VirtualMfaDevice.fromVirtualMfaDeviceAttributes(stack, 'JohnDevice', {
        serialNumber,
        seedSecret: Secret.fromSecretNameV2(stack, 'JohnSeed', 'mfa/john-miller'),
      });
      new MfaEnrollment(stack, 'JohnMfa', { user: john, device });
      const jane = new iam.User(stack, 'Jane', { userName: 'jane' });
      const seedSecret = Secret.fromSecretNameV2(stack, 'JaneSeed', 'mfa/jane-miller');
      new MfaEnrollment(stack, 'JaneMfa', {
        user: jane,
        device: new VirtualMfaDevice(stack, 'JaneDevice', { virtualMfaDeviceName: 'jane', seedSecret }),
      });
    });
    expect(deployed).toMatchObject({ status: 'CREATE_COMPLETE' });
    expect(account.enabled.sort()).toEqual(['jane jane', 'john john']);
    expect(await account.destroy()).toMatchObject({ status: 'DELETE_COMPLETE' });
    expect(account.enabled).toEqual([]);
  });

  test('works under a path scope, and to take back a retained device', async () => {
    account.iam.call('CreateUser', { UserName: 'john', Path: '/staff/' });
    const declare = (stack: Stack, seedSecret?: ISecret) => {
      const pathScope = { userPath: '/staff/', devicePath: '/staff/' };
      const provider = new MfaEnrollmentProvider(stack, 'Provider', { pathScope });
      const removalPolicy = RemovalPolicy.RETAIN;
      const user = iam.User.fromUserArn(stack, 'User', `arn:aws:iam::${Region.accountId}:user/staff/john`);
      const virtualMfaDeviceName = 'john-miller';
      const device = new VirtualMfaDevice(stack, 'Device', {
        virtualMfaDeviceName,
        provider,
        seedSecret,
        removalPolicy,
      });
      new MfaEnrollment(stack, 'Mfa', { user, device, provider, removalPolicy });
    };
    expect(await account.deploy((stack) => declare(stack))).toMatchObject({ status: 'CREATE_COMPLETE' });
    await account.destroy();
    expect(account.secrets).toEqual(['mfa/staff/john-miller']);
    const again = await account.deploy((stack) =>
      declare(stack, Secret.fromSecretNameV2(stack, 'Seed', 'mfa/staff/john-miller')),
    );
    expect(again).toMatchObject({ status: 'CREATE_COMPLETE' });
    expect(account.enabled).toEqual(['john staff/john-miller']);
  });
});

describe('a user with a path whose ARN is a token', () => {
  beforeEach(() => void account.iam.call('CreateUser', { UserName: 'carol', Path: '/auditors/' }));
  const arn = `arn:aws:iam::${Region.accountId}:user/auditors/carol`;

  test.each<[string, (stack: Stack) => string]>([
    ['CfnUser.attrArn', (stack) => new iam.CfnUser(stack, 'Dave', { userName: 'dave', path: '/auditors/eu/' }).attrArn],
    ['a parameter', (stack) => new CfnParameter(stack, 'Arn', { default: arn }).valueAsString],
    ['Fn.importValue', () => Fn.importValue('CarolArn')],
  ])('is enrolled by its name: %s', async (how, userArn) => {
    const exporting = new App();
    const users = new Stack(exporting, 'Users');
    new StringParameter(users, 'Note', { stringValue: 'x' });
    users.exportValue(new CfnParameter(users, 'Arn', { default: arn }).valueAsString, { name: 'CarolArn' });
    const template = Template.fromStack(users).toJSON();
    await account.clock.run(account.cloudFormation.createStack({ stackName: 'Users', template, parameters: {} }));

    const deployed = await account.deploy(
      (stack) => new MfaEnrollment(stack, 'Mfa', { user: iam.User.fromUserArn(stack, 'Imported', userArn(stack)) }),
    );
    expect(deployed).toMatchObject({ status: 'CREATE_COMPLETE' });
    const name = how === 'CfnUser.attrArn' ? 'dave' : 'carol';
    expect(account.enabled).toEqual([expect.stringMatching(new RegExp(`^${name} Staff-`))]);
    expect(await account.destroy()).toMatchObject({ status: 'DELETE_COMPLETE' });
    expect(account.enabled).toEqual([]);
  });
});

describe('renaming a user', () => {
  const declare = (userName: string, generation?: number) => (stack: Stack) => {
    const device = new VirtualMfaDevice(stack, 'Device', { generation });
    new MfaEnrollment(stack, 'Mfa', { user: new iam.User(stack, 'User', { userName }), device });
  };

  test('with an explicit device fails, and the message names generation: 2 in the same deployment', async () => {
    await account.deploy(declare('alice'));
    const before = account.enabled;
    expect(await account.deploy(declare('alicia'))).toMatchObject({ status: 'UPDATE_ROLLBACK_COMPLETE' });
    expect(account.enabled).toEqual(before);
    expect(failuresOf('Custom::MfaEnrollment')).toContainEqual(
      expect.stringMatching(
        /is claimed for another user: .* create a new device for this user \(if you renamed the user, in the same deployment: raise 'generation', or set another 'virtualMfaDeviceName'\)/,
      ),
    );
  });

  test('with an explicit device works with generation: 2 in the same deployment', async () => {
    await account.deploy(declare('alice'));
    account.enabledAfterRequests.length = 0;
    expect(await account.deploy(declare('alicia', 2))).toMatchObject({ status: 'UPDATE_COMPLETE' });
    expect(account.enabled).toEqual([expect.stringMatching(/^alicia Staff-Device-eu-west-1-.*-2$/)]);
    expect(account.enabledAfterRequests).not.toContain(0);
    expect(account.devices).toHaveLength(1);
    expect(account.iam.state().users.map(({ userName }) => userName)).toEqual(['alicia']);
  });
});

describe('a retained stack that is deployed again under its own name', () => {
  beforeEach(() => void account.iam.call('CreateUser', { UserName: 'alice' }));
  const declare = (isScoped: boolean, seedSecretArn?: string) => (stack: Stack) => {
    const pathScope = { userPath: '/', devicePath: '/staff/' };
    const provider = new MfaEnrollmentProvider(stack, 'Provider', isScoped ? { pathScope } : {});
    const removalPolicy = RemovalPolicy.RETAIN;
    const seedSecret =
      seedSecretArn === undefined ? undefined : Secret.fromSecretCompleteArn(stack, 'Seed', seedSecretArn);
    const device = new VirtualMfaDevice(stack, 'Device', {
      virtualMfaDeviceName: 'alice',
      provider,
      removalPolicy,
      seedSecret,
    });
    const user = iam.User.fromUserName(stack, 'User', 'alice');
    new MfaEnrollment(stack, 'Mfa', { user, device, provider, removalPolicy });
  };

  test.each([
    ['with a path scope', true, 'AWS::SecretsManager::Secret', /the secret mfa\/staff\/alice already exists/],
    [
      'without a path scope',
      false,
      'Custom::VirtualMfaDevice',
      /was created with another secret than .* Next: use the secret that the device was created with/,
    ],
  ])('fails, changes nothing, and says why: %s', async (_, isScoped, type, reason) => {
    await account.deploy(declare(isScoped));
    await account.destroy();
    const before = [account.enabled, account.devices, account.secrets];
    account.events.length = 0;
    expect(await account.deploy(declare(isScoped))).toMatchObject({ status: 'ROLLBACK_COMPLETE' });
    expect(failuresOf(type)).toContainEqual(expect.stringMatching(reason));
    expect([account.enabled, account.devices, account.secrets]).toEqual(before);
  });

  test.each([true, false])(
    'works with the retained secret, as the documentation says (path scope: %s)',
    async (isScoped) => {
      await account.deploy(declare(isScoped));
      await account.destroy();
      const before = [account.enabled, account.devices, account.secrets];
      account.enabledAfterRequests.length = 0;
      const deployed = await account.deploy(declare(isScoped, arnOfSecret(account.secrets[0]!)));
      expect(deployed).toMatchObject({ status: 'CREATE_COMPLETE' });
      expect([account.enabled, account.devices, account.secrets]).toEqual(before);
      expect(account.enabledAfterRequests).not.toContain(0);
    },
  );

  test('works after what was retained is removed by hand', async () => {
    await account.deploy(declare(true));
    await account.destroy();
    const [SerialNumber] = account.iam.state().devices.map(({ serialNumber }) => serialNumber);
    account.iam.call('DeactivateMFADevice', { UserName: 'alice', SerialNumber });
    account.iam.call('DeleteVirtualMFADevice', { SerialNumber });
    account.secretsManager.call('DeleteSecret', { SecretId: account.secrets[0], ForceDeleteWithoutRecovery: true });
    expect(await account.deploy(declare(true))).toMatchObject({ status: 'CREATE_COMPLETE' });
    expect(account.enabled).toEqual(['alice staff/alice']);
  });
});

describe('restrictSeedReaders and a retained device', () => {
  beforeEach(() => void account.iam.call('CreateUser', { UserName: 'alice' }));
  const declare = (seedSecretArn?: string) => (stack: Stack) => {
    const removalPolicy = RemovalPolicy.RETAIN;
    const seedSecret =
      seedSecretArn === undefined ? undefined : Secret.fromSecretCompleteArn(stack, 'Seed', seedSecretArn);
    const device = new VirtualMfaDevice(stack, 'Device', { virtualMfaDeviceName: 'alice', removalPolicy, seedSecret });
    if (seedSecret === undefined) {
      device.restrictSeedReaders(new iam.Role(stack, 'Reader', { assumedBy: new iam.AccountRootPrincipal() }));
    }
    const user = iam.User.fromUserName(stack, 'User', 'alice');
    new MfaEnrollment(stack, 'Mfa', { user, device, removalPolicy });
  };

  test('the function of a new stack is denied, and the message names restrictSeedReaders and what to do before', async () => {
    await account.deploy(declare(), 'Former');
    await account.destroy('Former');
    const [secret = ''] = account.secrets;
    account.events.length = 0;
    expect(await account.deploy(declare(arnOfSecret(secret)))).toMatchObject({ status: 'ROLLBACK_COMPLETE' });
    expect(failuresOf('Custom::MfaEnrollment')).toContainEqual(
      expect.stringMatching(/GetSecretValue on secret .* is denied .*restrictSeedReaders.*docs\/break-glass\.md/),
    );
    expect(account.enabled).toEqual(['alice alice']);

    // What docs/break-glass.md says.
    account.secretsManager.call('DeleteResourcePolicy', { SecretId: secret });
    await account.destroy();
    expect(await account.deploy(declare(arnOfSecret(secret)))).toMatchObject({ status: 'CREATE_COMPLETE' });
    expect(account.enabled).toEqual(['alice alice']);
  });
});

describe('weak references between two stacks (defaultCrossStackReferences)', () => {
  const env = { account: Region.accountId, region: 'eu-west-1' };
  const userOf = (stack: Stack) => new iam.User(stack, 'Alice', { userName: 'alice' });

  /** The templates with `Fn::GetStackOutput` for each export, as aws-cdk-lib writes weak references. */
  const templatesOf = (generation: number) => {
    const app = new App({ analyticsReporting: false, context: { 'aws:cdk:disable-asset-staging': true } });
    const producer = new Stack(app, 'Producer', { env });
    const consumer = new Stack(app, 'Consumer', { env });
    const device = new VirtualMfaDevice(producer, 'Device', { generation });
    new MfaEnrollment(consumer, 'Mfa', { user: userOf(producer), device });
    return Object.fromEntries(
      [producer, consumer].map(({ stackName }) => {
        const template = Template.fromStack(stackName === 'Producer' ? producer : consumer).toJSON();
        const weak = JSON.stringify(template, (_, value: unknown) => {
          const { 'Fn::ImportValue': name, Export: _export, ...rest } = Object(value) as Record<string, unknown>;
          if (typeof name === 'string') {
            const OutputName = name.replace('Producer:', '');
            return { 'Fn::GetStackOutput': { StackName: 'Producer', OutputName } };
          }
          return _export === undefined ? value : rest;
        });
        return [stackName, JSON.parse(weak) as Record<string, unknown>];
      }),
    );
  };
  const deploy = (stackName: string, generation: number) => {
    const request = { stackName, template: templatesOf(generation)[stackName]!, parameters: {} };
    const exists = account.cloudFormation.describeStack(stackName) !== undefined;
    return account.clock.run(
      exists ? account.cloudFormation.updateStack(request) : account.cloudFormation.createStack(request),
    );
  };

  test('the templates have them, and no exports', () => {
    const text = JSON.stringify(templatesOf(1));
    expect(text).toContain('Fn::GetStackOutput');
    expect(text).not.toMatch(/Fn::ImportValue|"Export"/);
  });

  test('rotating in the producer, then in the consumer, always leaves the user an enabled device', async () => {
    for (const stack of ['Producer', 'Consumer']) {
      expect(await deploy(stack, 1)).toMatchObject({ status: 'CREATE_COMPLETE' });
    }
    const [before] = account.enabled;
    account.enabledAfterRequests.length = 0;

    // The former device is enabled, so it stays with its seed, although CloudFormation no longer knows it.
    expect(await deploy('Producer', 2)).toMatchObject({ status: 'UPDATE_COMPLETE' });
    expect(account.enabled).toEqual([before]);
    expect(account.devices).toHaveLength(2);
    expect(account.secrets).toHaveLength(2);
    expect(failuresOf('Custom::VirtualMfaDevice')).toContainEqual(
      expect.stringMatching(/is enabled for a user \(DeleteConflict\), and these enrollments claim it: .*Consumer/),
    );

    expect(await deploy('Consumer', 2)).toMatchObject({ status: 'UPDATE_COMPLETE' });
    expect(account.enabled).toEqual([expect.stringMatching(/^alice Producer-Device-eu-west-1-.*-2$/)]);
    expect(account.enabledAfterRequests).not.toContain(0);
    expect(account.devices).toHaveLength(2);
  });

  test('removing the consumer, then the producer, leaves nothing', async () => {
    await deploy('Producer', 1);
    await deploy('Consumer', 1);
    expect(await account.destroy('Consumer')).toMatchObject({ status: 'DELETE_COMPLETE' });
    expect(await account.destroy('Producer')).toMatchObject({ status: 'DELETE_COMPLETE' });
    expect([account.devices, account.secrets, account.iam.state().users]).toEqual([[], [], []]);
  });
});
