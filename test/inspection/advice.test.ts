import type { Stack } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { VirtualMfaDevice } from '../../lib';
import { DEVICE_CLAIM_PREFIX, ENROLLMENT_CLAIM_PREFIX, SEED_PREFIX } from '../../lib/contract';
import { CallError } from '../../lambda/aws/ports';
import type { Finding } from '../../inspection/report';
import { codesOf, enroll, InspectedAccount } from './account';

/*
 * What a finding says to do next works: afterward an inspection no longer finds it.
 */

let account: InspectedAccount;
let device: string;
beforeEach(async () => {
  account = new InspectedAccount();
  await account.deploy(declareBoth);
  device = account.serialNumbers.find((serialNumber) => serialNumber.includes('ann'))!;
});

function declareBoth(stack: Stack): void {
  enroll(stack, 'ann');
  enroll(stack, 'ben');
}

const secretArn = () =>
  account.cloudFormation
    .describeStack('Stack')!
    .resources.find(({ type, logicalId }) => type === 'AWS::SecretsManager::Secret' && /ann/i.test(logicalId))!
    .physicalId;

/** Runs the command of a finding on the local AWS, as the AWS CLI would. */
function follow({ command = '' }: Pick<Finding, 'command'>): unknown {
  return command.split(' && ').map((each) => {
    const [, program, service, operation = '', rest] = /^(aws) (\S+) (\S+) (.*)$/.exec(each) ?? [];
    expect(program).toBe('aws');
    const options = rest!.split(/ ?--/).slice(1);
    const input = Object.fromEntries(
      options.map((option) => {
        const [name = '', value] = option.split(' ');
        const parameter = name.split('-').map(capitalized).join('');
        return [parameter, name === 'tag-keys' ? [value] : (value ?? true)];
      }),
    );
    const { Region, ...others } = input;
    const action = operation.split('-').map(capitalized).join('').replace('Mfa', 'MFA');
    if (service === 'secretsmanager') {
      expect(Region).toBe('us-east-1');
      return account.secretsManager.call(action, others);
    }
    return account.iam.call(action, others);
  });
}

function capitalized(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

async function onlyFinding(code: Finding['code']): Promise<Finding> {
  const { findings } = await account.inspect();
  expect(findings.map((finding) => finding.code)).toEqual([code]);
  return findings[0]!;
}

async function nothingIsFound(): Promise<void> {
  expect(codesOf(await account.inspect())).toEqual([]);
}

test('DEVICE_ON_OTHER_USER: no command takes what may be the only MFA of that user', async () => {
  account.deactivate(device, 'ann');
  await account.enable(device, 'eve', account.seedIn(secretArn()));
  expect(await onlyFinding('DEVICE_ON_OTHER_USER')).not.toHaveProperty('command');
});

test('UNEXPECTED_DEVICE: the command deactivates it', async () => {
  const { serialNumber, seed } = account.createDevice('phone');
  await account.enable(serialNumber, 'ann', seed);
  follow(await onlyFinding('UNEXPECTED_DEVICE'));
  await nothingIsFound();
});

test('UNEXPECTED_DEVICE: no command deactivates it before the declared device is enabled', async () => {
  const { serialNumber, seed } = account.createDevice('phone');
  await account.enable(serialNumber, 'ann', seed);
  account.deactivate(device, 'ann');
  const { findings } = await account.inspect();
  expect(findings.map(({ code }) => code)).toEqual(['DEVICE_OFF', 'UNEXPECTED_DEVICE']);
  expect(findings[1]!.next).toContain('without MFA');
  expect(findings[1]).not.toHaveProperty('command');
  await account.enable(device, 'ann', account.seedIn(secretArn()));
  follow(await onlyFinding('UNEXPECTED_DEVICE'));
});

test('SEED_OVERWRITTEN: the command makes the seed current again', async () => {
  const seed = account.seedIn(secretArn());
  account.secretsManager.call('PutSecretValue', { SecretId: secretArn(), SecretString: 'manual edit' });
  follow(await onlyFinding('SEED_OVERWRITTEN'));
  await nothingIsFound();
  expect(account.seedIn(secretArn())).toBe(seed);
});

test('SEED_OVERWRITTEN more than once: the command lists the version that holds the seed', async () => {
  const seedVersion = account.secretsManager.call('GetSecretValue', { SecretId: secretArn() }).VersionId;
  for (const SecretString of ['manual edit', 'another one']) {
    account.secretsManager.call('PutSecretValue', { SecretId: secretArn(), SecretString });
  }
  expect(JSON.stringify(follow(await onlyFinding('SEED_OVERWRITTEN')))).toContain(seedVersion);
});

test('SEED_OF_OTHER_DEVICE: the command makes the own seed current again', async () => {
  const other = account.cloudFormation
    .describeStack('Stack')!
    .resources.find(({ type, physicalId }) => type === 'AWS::SecretsManager::Secret' && physicalId !== secretArn())!;
  const { SecretString, VersionId } = account.secretsManager.call('GetSecretValue', { SecretId: other.physicalId });
  account.secretsManager.call('PutSecretValue', {
    SecretId: secretArn(),
    SecretString,
    ClientRequestToken: VersionId,
  });
  follow(await onlyFinding('SEED_OF_OTHER_DEVICE'));
  await nothingIsFound();
});

test('SEED_OF_OTHER_DEVICE: no command moves the labels of a secret that two devices share', async () => {
  const [ofAnn, ofBen] = ['ann', 'ben'].map((name) => {
    const serialNumber = account.serialNumbers.find((each) => each.includes(name))!;
    const [, version = ''] = Object.entries(account.tagsOf(serialNumber)).find(([key]) => key.startsWith(SEED_PREFIX))!;
    return version;
  });
  // The hash of the device is Ben's, and that of the secret is Ann's.
  const ClientRequestToken = ofBen!.slice(0, 16) + ofAnn!.slice(16);
  account.secretsManager.call('PutSecretValue', { SecretId: secretArn(), SecretString: 'of Ben', ClientRequestToken });
  const found = await onlyFinding('SEED_OF_OTHER_DEVICE');
  expect(found).not.toHaveProperty('command');
  expect(found.next).toContain('share');
});

test('SECRET_SCHEDULED_FOR_DELETION: the command restores it', async () => {
  account.secretsManager.call('DeleteSecret', { SecretId: secretArn() });
  follow(await onlyFinding('SECRET_SCHEDULED_FOR_DELETION'));
  await nothingIsFound();
});

test.each(['DEVICE_MISSING', 'SECRET_MISSING'] as const)('%s: the next generation is a new device', async (code) => {
  if (code === 'DEVICE_MISSING') {
    account.deactivate(device, 'ann');
    account.iam.call('DeleteVirtualMFADevice', { SerialNumber: device });
  } else {
    account.secretsManager.call('DeleteSecret', { SecretId: secretArn(), ForceDeleteWithoutRecovery: true });
  }
  const [, generation] = /raise 'generation': (\d+) if/.exec((await onlyFinding(code)).next) ?? [];
  const { status } = await account.deploy((stack) => {
    enroll(stack, 'ann', { generation: Number(generation) });
    enroll(stack, 'ben');
  });
  expect(status).toBe('UPDATE_COMPLETE');
  await nothingIsFound();
});

test.each([
  ['DEVICE_OFF', () => account.deactivate(device, 'ann')],
  ['CLAIM_MISSING', () => account.untag(device, ENROLLMENT_CLAIM_PREFIX)],
  ['DEVICE_CLAIM_MISSING', () => account.untag(device, DEVICE_CLAIM_PREFIX)],
] as const)('%s: a higher recheck repairs it', async (code, happen) => {
  happen();
  expect((await onlyFinding(code)).next).toMatch(/^Raise 'recheck'/);
  const { status } = await account.deploy((stack) => {
    enroll(stack, 'ann', { recheck: 1 });
    enroll(stack, 'ben');
  });
  expect(status).toBe('UPDATE_COMPLETE');
  await nothingIsFound();
});

test('USER_MISSING: the enrollment can be removed', async () => {
  account.deactivate(device, 'ann');
  account.iam.call('DeleteUser', { UserName: 'ann' });
  expect((await onlyFinding('USER_MISSING')).next).toMatch(/^Remove enrollment /);
  expect(await account.deploy((stack) => enroll(stack, 'ben'))).toMatchObject({ status: 'UPDATE_COMPLETE' });
  await nothingIsFound();
});

describe('after a Delete that failed', () => {
  beforeEach(() => {
    account.faultOf = (action, { RequestType }) =>
      RequestType === 'Delete' && /Untag|Deactivate|DeleteVirtual/.test(action)
        ? { error: new CallError(action, 'AccessDenied', 403), effect: false }
        : undefined;
  });

  test('ORPHANED_DEVICE: the command deletes it', async () => {
    await account.deploy((stack) => enroll(stack, 'ben'));
    follow(await onlyFinding('ORPHANED_DEVICE'));
    await nothingIsFound();
    expect(account.serialNumbers).not.toContain(device);
  });

  test('ORPHANED_CLAIM: the command removes it, and deactivates the device', async () => {
    const { serialNumber, seed } = account.createDevice('imported');
    account.createSecret('mfa/imported', seed);
    await account.deploy((stack) => {
      declareBoth(stack);
      const seedSecret = Secret.fromSecretNameV2(stack, 'Seed', 'mfa/imported');
      const imported = VirtualMfaDevice.fromVirtualMfaDeviceAttributes(stack, 'Dev', { serialNumber, seedSecret });
      enroll(stack, 'eve', { device: imported });
    });
    await account.deploy(declareBoth);
    follow(await onlyFinding('ORPHANED_CLAIM'));
    await nothingIsFound();
    expect(account.enabled).not.toContain(serialNumber);
  });
});
