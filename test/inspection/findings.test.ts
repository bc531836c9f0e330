import { RemovalPolicy, type Stack } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { VirtualMfaDevice } from '../../lib';
import { DEVICE_CLAIM_PREFIX, ENROLLMENT_CLAIM_PREFIX, SEED_PREFIX } from '../../lib/contract';
import { CallError } from '../../lambda/aws/ports';
import { FINDING_CODES } from '../../inspection/report';
import { codesOf, enroll, InspectedAccount } from './account';

let account: InspectedAccount;
/** Ann's device, which her enrollment has created. */
let device: string;

beforeEach(async () => {
  account = new InspectedAccount();
  expect(await account.deploy((stack) => enroll(stack, 'ann'))).toMatchObject({ status: 'CREATE_COMPLETE' });
  [device = ''] = account.serialNumbers;
});

/** Declares what `account` was deployed with, and Ben. */
const declareBoth = (stack: Stack) => {
  enroll(stack, 'ann');
  enroll(stack, 'ben');
};

/** Lets each Delete fail after it has said that it leaves. */
function failDeletes(): void {
  account.faultOf = (action, { RequestType }) =>
    RequestType === 'Delete' && /Untag|Deactivate|DeleteVirtual/.test(action)
      ? { error: new CallError(action, 'AccessDenied', 403), effect: false }
      : undefined;
}

test('nothing is found after a deployment, and the enrollment is ok', async () => {
  const inspection = await account.inspect();
  expect(inspection).toMatchObject({ findings: [], undecided: [], missed: [], isComplete: true });
  expect(inspection.rows).toMatchObject([
    { kind: 'enrollment', userName: 'ann', serialNumber: device, stackName: 'Stack', region: 'us-east-1', state: 'ok' },
  ]);
  expect(inspection.rows[0]!.enabledAt).toBeLessThanOrEqual(account.clock.now());
});

test('a device that somebody deactivated is DEVICE_OFF', async () => {
  account.deactivate(device, 'ann');
  const { findings, rows } = await account.inspect();
  expect(findings).toMatchObject([{ code: 'DEVICE_OFF', subject: { userName: 'ann', serialNumber: device } }]);
  expect(findings[0]!.next).toContain("Raise 'recheck'");
  expect(rows).toMatchObject([{ state: 'finding', codes: ['DEVICE_OFF'] }]);
});

test('a device that somebody deleted is DEVICE_MISSING once, and the next generation is named', async () => {
  account.deactivate(device, 'ann');
  account.iam.call('DeleteVirtualMFADevice', { SerialNumber: device });
  const { findings, rows } = await account.inspect();
  expect(findings).toMatchObject([{ code: 'DEVICE_MISSING', subject: { serialNumber: device } }]);
  expect(findings[0]!.next).toContain("raise 'generation': 2 if");
  expect(rows).toMatchObject([{ state: 'finding', codes: ['DEVICE_MISSING'] }]);
});

test('a device that somebody enabled for another user is DEVICE_ON_OTHER_USER, and no unexpected device of that user', async () => {
  await account.deploy(declareBoth);
  account.deactivate(device, 'ann');
  await account.enable(device, 'ben', account.seedIn(account.secretArnOf()));
  const { findings } = await account.inspect();
  expect(findings).toMatchObject([{ code: 'DEVICE_ON_OTHER_USER', subject: { userName: 'ann' } }]);
});

test('an enrollment whose user was deleted is USER_MISSING', async () => {
  account.deactivate(device, 'ann');
  account.iam.call('DeleteUser', { UserName: 'ann' });
  expect((await account.inspect()).findings).toMatchObject([{ code: 'USER_MISSING', subject: { userName: 'ann' } }]);
});

test('an enrollment whose claim was removed is CLAIM_MISSING', async () => {
  account.untag(device, ENROLLMENT_CLAIM_PREFIX);
  expect((await account.inspect()).findings).toMatchObject([{ code: 'CLAIM_MISSING', subject: { userName: 'ann' } }]);
});

test('a device whose claim was removed is DEVICE_CLAIM_MISSING, and no orphan', async () => {
  account.untag(device, DEVICE_CLAIM_PREFIX);
  expect((await account.inspect()).findings).toMatchObject([
    { code: 'DEVICE_CLAIM_MISSING', subject: { serialNumber: device } },
  ]);
});

describe('a secret that somebody wrote to is SEED_OVERWRITTEN', () => {
  const write = (text: string) =>
    account.secretsManager.call('PutSecretValue', { SecretId: account.secretArnOf(), SecretString: text });

  test('with the command that restores the version with the seed', async () => {
    const seed = account.seedIn(account.secretArnOf());
    const [version = ''] = Object.values(account.tagsOf(device)).filter((value) => /^[0-9a-f]{16}-/.test(value));
    write('manual edit');
    const { findings } = await account.inspect();
    expect(findings).toMatchObject([{ code: 'SEED_OVERWRITTEN', subject: { secretArn: account.secretArnOf() } }]);
    expect(findings[0]!.command).toContain(`--version-stage AWSCURRENT --move-to-version-id ${version}`);
    expect(JSON.stringify(findings)).not.toContain(seed);
  });

  test('with a new device if that version has no staging label any more', async () => {
    write('manual edit');
    write('another one');
    const { findings } = await account.inspect();
    expect(codesOf({ findings } as never)).toEqual(['SEED_OVERWRITTEN']);
    expect(findings[0]!.next).toContain("raise 'generation': 2 if");
    expect(findings[0]!.command).toContain('--include-deprecated');
  });
});

test('a secret with the seed of another device is SEED_OF_OTHER_DEVICE', async () => {
  await account.deploy(declareBoth);
  const [ofAnn, ofBen] = account.cloudFormation
    .describeStack('Stack')!
    .resources.filter(({ type }) => type === 'AWS::SecretsManager::Secret')
    .map(({ physicalId }) => physicalId);
  const { VersionId } = account.secretsManager.call('GetSecretValue', { SecretId: ofBen });
  account.secretsManager.call('PutSecretValue', {
    SecretId: ofAnn,
    SecretString: account.seedIn(ofBen!),
    ClientRequestToken: VersionId,
  });
  expect((await account.inspect()).findings).toMatchObject([{ code: 'SEED_OF_OTHER_DEVICE' }]);
});

test('a secret that somebody deleted is SECRET_MISSING', async () => {
  account.secretsManager.call('DeleteSecret', { SecretId: account.secretArnOf(), ForceDeleteWithoutRecovery: true });
  expect((await account.inspect()).findings).toMatchObject([
    { code: 'SECRET_MISSING', subject: { secretArn: account.secretArnOf() } },
  ]);
});

test('a secret that can still be restored is SECRET_SCHEDULED_FOR_DELETION, and the command restores it', async () => {
  account.secretsManager.call('DeleteSecret', { SecretId: account.secretArnOf() });
  const { findings } = await account.inspect();
  expect(findings).toMatchObject([{ code: 'SECRET_SCHEDULED_FOR_DELETION' }]);
  expect(findings[0]!.command).toBe(
    `aws secretsmanager restore-secret --region us-east-1 --secret-id ${account.secretArnOf()}`,
  );
  account.secretsManager.call('RestoreSecret', { SecretId: account.secretArnOf() });
  expect((await account.inspect()).findings).toEqual([]);
});

describe('a further device on an enrolled user', () => {
  test('is UNEXPECTED_DEVICE if nobody declares it', async () => {
    const { serialNumber, seed } = account.createDevice('phone');
    await account.enable(serialNumber, 'ann', seed);
    const { findings, rows } = await account.inspect();
    expect(findings).toMatchObject([{ code: 'UNEXPECTED_DEVICE', subject: { userName: 'ann', serialNumber } }]);
    expect(rows).toMatchObject([{ state: 'finding', codes: ['UNEXPECTED_DEVICE'] }]);
  });

  test('is UNEXPECTED_DEVICE if it is a passkey or a hardware token, without a look at its tags', async () => {
    const passkey = 'arn:aws:iam::123456789012:u2f/user/ann/key-ABC';
    const { findings } = await account.inspect({}, undefined, (action, call) =>
      Promise.resolve().then(() => {
        const output = call();
        return action === 'iam:ListMFADevices'
          ? {
              ...output,
              MFADevices: [...(output.MFADevices as object[]), { SerialNumber: passkey, EnableDate: new Date(0) }],
            }
          : output;
      }),
    );
    expect(findings).toMatchObject([{ code: 'UNEXPECTED_DEVICE', subject: { serialNumber: passkey } }]);
  });

  test('is UNEXPECTED_DEVICE if the claims on it are of another user', async () => {
    const { serialNumber, seed } = account.createDevice('phone');
    const key = `${ENROLLMENT_CLAIM_PREFIX}01234567-89ab-cdef-0123-456789abcdef/Mfa`;
    const value = 'enabled ben 20260101T000000Z-12345678 eu-west-1 Elsewhere';
    account.iam.call('TagMFADevice', { SerialNumber: serialNumber, Tags: [{ Key: key, Value: value }] });
    await account.enable(serialNumber, 'ann', seed);
    expect(codesOf(await account.inspect())).toEqual(['UNEXPECTED_DEVICE']);
  });

  test('is no finding on a user who is not enrolled', async () => {
    const { serialNumber, seed } = account.createDevice('phone');
    await account.enable(serialNumber, 'eve', seed);
    expect((await account.inspect()).findings).toEqual([]);
  });

  test('is no finding if another stack enrolls it', async () => {
    await account.deploy((stack) => enroll(stack, 'ann'), 'Other');
    expect(await account.inspect()).toMatchObject({ findings: [], undecided: [] });
  });

  test('is undecided if it has a claim of a stack that was not inspected', async () => {
    await account.deploy((stack) => enroll(stack, 'ann'), 'Other');
    const { findings, undecided } = await account.inspect({ stacks: ['Stack'] });
    expect(findings).toEqual([]);
    expect(undecided).toMatchObject([{ code: 'CLAIM_NOT_CHECKED', subject: { stackName: 'Other', userName: 'ann' } }]);
  });
});

describe('a resource whose Delete did not finish', () => {
  test('leaves an ORPHANED_CLAIM on a device that stays', async () => {
    const { serialNumber, seed } = account.createDevice('imported');
    account.createSecret('mfa/imported', seed);
    const declare = (stack: Stack) => {
      const seedSecret = Secret.fromSecretNameV2(stack, 'Seed', 'mfa/imported');
      const imported = VirtualMfaDevice.fromVirtualMfaDeviceAttributes(stack, 'Dev', { serialNumber, seedSecret });
      enroll(stack, 'ann');
      enroll(stack, 'ben', { device: imported });
    };
    await account.deploy(declare);
    failDeletes();
    await account.deploy((stack) => enroll(stack, 'ann'));
    const { findings } = await account.inspect();
    expect(findings).toMatchObject([{ code: 'ORPHANED_CLAIM', subject: { serialNumber, stackName: 'Stack' } }]);
    expect(findings[0]!.command).toMatch(
      /^aws iam deactivate-mfa-device --user-name ben .* && aws iam untag-mfa-device .* --tag-keys cdk-mfa-enrollment:enrollment:/,
    );
  });

  test('leaves an ORPHANED_DEVICE', async () => {
    await account.deploy(declareBoth);
    failDeletes();
    await account.deploy((stack) => enroll(stack, 'ann'));
    expect((await account.inspect()).findings).toMatchObject([
      { code: 'ORPHANED_DEVICE', subject: { userName: 'ben' } },
    ]);
  });
});

test('a device that this library created is ORPHANED_DEVICE if its claims were removed before its stack was', async () => {
  account.untag(device, 'cdk-mfa-enrollment:device:');
  account.untag(device, 'cdk-mfa-enrollment:enrollment:');
  await account.clock.run(account.cloudFormation.deleteStack('Stack'));
  expect((await account.inspect()).findings).toMatchObject([
    { code: 'ORPHANED_DEVICE', subject: { serialNumber: device, userName: 'ann' } },
  ]);
});

describe('undecided, and no finding, is', () => {
  test('what a removal policy may have retained', async () => {
    await account.deploy((stack) => {
      enroll(stack, 'ann');
      enroll(stack, 'ben', { removalPolicy: RemovalPolicy.RETAIN });
    });
    await account.deploy((stack) => enroll(stack, 'ann'));
    const { findings, undecided, isComplete } = await account.inspect();
    expect(findings).toEqual([]);
    expect(new Set(undecided.map(({ code }) => code))).toEqual(new Set(['CLAIM_PERHAPS_RETAINED']));
    expect(isComplete).toBe(true);
  });

  test('the seed of a device that this library did not create', async () => {
    const { serialNumber, seed } = account.createDevice('imported');
    account.createSecret('mfa/imported', seed);
    await account.deploy((stack) => {
      const seedSecret = Secret.fromSecretNameV2(stack, 'Seed', 'mfa/imported');
      const imported = VirtualMfaDevice.fromVirtualMfaDeviceAttributes(stack, 'Dev', { serialNumber, seedSecret });
      enroll(stack, 'ann', { device: imported });
    });
    const { findings, rows, isComplete } = await account.inspect();
    expect(findings).toEqual([]);
    expect(rows).toMatchObject([{ state: 'unknown', codes: ['SEED_NOT_CHECKED'] }]);
    expect(isComplete).toBe(true);
  });

  test('a seed whose version is no longer in the tags', async () => {
    account.untag(device, SEED_PREFIX);
    expect(await account.inspect()).toMatchObject({
      findings: [],
      undecided: [{ code: 'SEED_VERSION_MISSING', subject: { serialNumber: device } }],
    });
  });

  test('a claim of a region that was not inspected', async () => {
    const key = `${ENROLLMENT_CLAIM_PREFIX}01234567-89ab-cdef-0123-456789abcdef/Mfa`;
    const value = 'enabled ann 20260101T000000Z-12345678 eu-west-1 Elsewhere';
    account.iam.call('TagMFADevice', { SerialNumber: device, Tags: [{ Key: key, Value: value }] });
    expect(await account.inspect()).toMatchObject({
      findings: [],
      undecided: [{ code: 'CLAIM_NOT_CHECKED', subject: { region: 'eu-west-1', stackName: 'Elsewhere' } }],
    });
  });

  test('a seed whose secret is not in the inspected regions', async () => {
    account.createSecret('mfa/own');
    await account.deploy((stack) => {
      const seedSecret = Secret.fromSecretNameV2(stack, 'Own', 'mfa/own');
      enroll(stack, 'ann', { device: new VirtualMfaDevice(stack, 'Device', { seedSecret }) });
    });
    expect(await account.inspect()).toMatchObject({ findings: [], undecided: [] });
    account.secretsManager.call('DeleteSecret', { SecretId: 'mfa/own', ForceDeleteWithoutRecovery: true });
    expect(await account.inspect()).toMatchObject({ findings: [], undecided: [{ code: 'SECRET_NOT_FOUND' }] });
  });
});

test('a resource with an operation in progress is skipped, and so are its device and its claims', async () => {
  account.deactivate(device, 'ann');
  account.fault = ({ type }) => (type === 'Custom::VirtualMfaDevice' ? account.clock.sleep(3_600_000) : undefined);
  const updating = account.deploy(declareBoth);
  await account.clock.run(account.clock.sleep(600_000));
  const inspection = await account.inspect();
  expect(inspection.findings).toMatchObject([{ code: 'DEVICE_OFF' }]);
  expect(inspection.rows).toMatchObject([{ userName: 'ann', state: 'finding' }]);
  expect(inspection.missed).toEqual([]);
  await updating;
});

test('an enrollment that is being deleted is neither expected nor orphaned', async () => {
  account.fault = ({ action, type }) =>
    action === 'delete' && type.startsWith('Custom::') ? account.clock.sleep(3_600_000) : undefined;
  const deletion = account.clock.run(account.cloudFormation.deleteStack('Stack'));
  await account.clock.run(account.clock.sleep(600_000));
  const { findings, undecided, rows } = await account.inspect();
  expect([...findings, ...undecided]).toEqual([]);
  expect(rows).toMatchObject([{ userName: 'ann', state: 'in progress' }]);
  await deletion;
});

test('what looks wrong once is looked at again ten seconds later', async () => {
  let looks = 0;
  const startedAt = account.clock.now();
  const { findings, rows } = await account.inspect({}, undefined, (action, call) =>
    Promise.resolve().then(() => {
      const output = call();
      return action === 'iam:ListMFADevices' && ++looks === 1 ? { ...output, MFADevices: [] } : output;
    }),
  );
  expect(findings).toEqual([]);
  expect(rows).toMatchObject([{ state: 'ok' }]);
  expect(looks).toBe(2);
  expect(account.clock.now() - startedAt).toBeGreaterThanOrEqual(10_000);
});

test('a deployment that begins during an inspection is no finding', async () => {
  let deployment: Promise<unknown> | undefined;
  const { findings } = await account.inspect({}, undefined, (action, call) => {
    if (action === 'iam:ListMFADevices' && deployment === undefined) {
      // Replaces the device, as raising the generation does.
      deployment = account.deploy((stack) => enroll(stack, 'ann', { generation: 2 }));
      return account.clock.sleep(600_000).then(call);
    }
    return Promise.resolve().then(call);
  });
  await deployment;
  expect(findings).toEqual([]);
  expect(account.enabled).toEqual([expect.stringMatching(/-2$/)]);
});

test('no text of a finding holds control characters that a tag brought in', async () => {
  const key = `${ENROLLMENT_CLAIM_PREFIX}01234567-89ab-cdef-0123-456789abcdef/Mfa`;
  const tags = await account.inspect({}, undefined, (action, call) =>
    Promise.resolve().then(() => {
      const output = call();
      const spoofed = { Key: key, Value: 'enabled ann x eu-west-1 \u001b[2Jspoofed' };
      return action === 'iam:ListMFADeviceTags' ? { Tags: [...(output.Tags as object[]), spoofed] } : output;
    }),
  );
  // eslint-disable-next-line no-control-regex
  expect(tags.undecided.map(({ message }) => message).join()).not.toMatch(/\u001b/);
  expect(tags.undecided).toHaveLength(1);
});

test('the codes of findings are stable', () => {
  expect(FINDING_CODES).toMatchInlineSnapshot(`
    [
      "DEVICE_OFF",
      "DEVICE_MISSING",
      "DEVICE_ON_OTHER_USER",
      "USER_MISSING",
      "CLAIM_MISSING",
      "DEVICE_CLAIM_MISSING",
      "SEED_OVERWRITTEN",
      "SEED_OF_OTHER_DEVICE",
      "SECRET_MISSING",
      "SECRET_SCHEDULED_FOR_DELETION",
      "UNEXPECTED_DEVICE",
      "ORPHANED_CLAIM",
      "ORPHANED_DEVICE",
    ]
  `);
});
