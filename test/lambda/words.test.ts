import { deviceClaimKey, enrollmentClaimKey, SEED_VERSION_KEY } from '../../lib/contract';
import { CallGivenUp, OutOfTime } from '../../lambda/aws/attempts';
import { Failure, failureOf, reasonOf } from '../../lambda/failure';
import { type Action, CallError, SecretText } from '../../lambda/aws/ports';
import { resourceIn } from '../../lambda/custom-resources';
import { NotASeedError, parseSeed } from '../../lambda/seed';
import { codePairAt, stepAt } from '../../lambda/totp';
import {
  type Answer,
  DEVICE_LOGICAL_ID,
  type Fault,
  LOGICAL_ID,
  refuse,
  serialNumberOf,
  Stage,
  STACK_UUID,
} from './stage';

const SECRET = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mfa/alice-AbCdEf';
const SUBJECT = resourceIn({
  ...new Stage().event('Create'),
  ResourceProperties: { ...new Stage().properties(), SeedSecretArn: SECRET },
}).subject;

const givenUp = (action: Action, code?: string, httpStatus?: number) =>
  new CallGivenUp(new CallError(action, code, httpStatus));

const parse = (line: string) => JSON.parse(line) as Record<string, unknown>;

/** The complete messages are in the snapshot, so that a change of one is reviewed. */
describe('messages about enrollments change only on purpose', () => {
  test.each<[string, unknown]>([
    ['no response', givenUp('iam:EnableMFADevice')],
    ['a failure of AWS', givenUp('iam:TagMFADevice', 'ServiceFailure', 500)],
    ['throttling', givenUp('iam:TagMFADevice', 'Throttling', 400)],
    ['a user that is re-created', givenUp('iam:EnableMFADevice', 'EntityTemporarilyUnmodifiable', 409)],
    ['a denied call on the user', givenUp('iam:EnableMFADevice', 'AccessDenied', 403)],
    ['a denied list of devices', givenUp('iam:ListMFADevices', 'AccessDenied', 403)],
    ['a denied list of tags', givenUp('iam:ListMFADeviceTags', 'AccessDenied', 403)],
    ['a denied call that tags', givenUp('iam:TagMFADevice', 'AccessDenied', 403)],
    ['a denied call that untags', givenUp('iam:UntagMFADevice', 'AccessDenied', 403)],
    ['denied access to the secret', givenUp('secretsmanager:GetSecretValue', 'AccessDenied', 400)],
    ['a missing user', givenUp('iam:ListMFADevices', 'NoSuchEntity', 404)],
    ['a missing device', givenUp('iam:TagMFADevice', 'NoSuchEntity', 404)],
    ['a missing user or device', givenUp('iam:EnableMFADevice', 'NoSuchEntity', 404)],
    ['eight devices', givenUp('iam:EnableMFADevice', 'LimitExceeded', 409)],
    ['fifty tags', givenUp('iam:TagMFADevice', 'LimitExceeded', 409)],
    ['a missing secret', givenUp('secretsmanager:GetSecretValue', 'ResourceNotFound', 400)],
    ['a key that cannot decrypt', givenUp('secretsmanager:GetSecretValue', 'DecryptionFailure', 400)],
    ['a secret that is scheduled for deletion', givenUp('secretsmanager:GetSecretValue', 'InvalidRequest', 400)],
    ['invalid values', givenUp('iam:EnableMFADevice', 'ValidationError', 400)],
    ['an unknown code', givenUp('iam:EnableMFADevice', 'SomethingNew', 400)],
    ['a secret without a seed', new NotASeedError('it is empty')],
    ['a timeout before any call', new OutOfTime()],
    [
      'a timeout after refused codes',
      new OutOfTime(new CallError('iam:EnableMFADevice', 'InvalidAuthenticationCode', 403)),
    ],
    ['an unexpected error', new RangeError('never shown')],
    ['a thrown value that is not an error', 'never shown'],
  ])('%s', (_, error) => {
    const { because, errorCode } = failureOf(error, SUBJECT);
    expect({ ...because, errorCode }).toMatchSnapshot();
  });

  test.each(['Create', 'Update', 'Delete'] as const)('a failed %s', (request) => {
    const failure = new Failure({ cause: 'this is why', next: 'do this' }, 'Why');
    expect(reasonOf(request, SUBJECT, failure, 'nothing was changed')).toMatchSnapshot();
  });

  describe('that depend on the state', () => {
    let stage: Stage;
    beforeEach(() => {
      stage = new Stage();
    });
    afterEach(() => stage.expectSecrecy());

    const failures: Record<string, () => Promise<Answer>> = {
      'a secret with the seed of another device': () => {
        const SeedSecretArn = stage.createSecret('mfa/bob', stage.createDevice('bob'));
        return stage.request('Create', { ResourceProperties: stage.properties({ SeedSecretArn }) });
      },
      'a device that somebody else enabled': async () => {
        await stage.request('Create');
        for (const key of Object.keys(stage.tags())) {
          stage.iam.call('UntagMFADevice', { SerialNumber: stage.serialNumber, TagKeys: [key] });
        }
        return stage.request('Create');
      },
      'a device of another user': async () => {
        await stage.request('Create');
        stage.iam.call('CreateUser', { UserName: 'bob' });
        const ResourceProperties = stage.properties({ UserName: 'bob' });
        return stage.request('Create', { LogicalResourceId: 'MfaEnrollmentBob0A1B2C3D', ResourceProperties });
      },
      'a changed user': () => stage.request('Update', { ResourceProperties: stage.properties({ UserName: 'bob' }) }),
    };

    test.each(Object.entries(failures))('%s', async (_, fail) => {
      const { Reason = '' } = await fail();
      const { errorCode } = stage.left.map(parse).findLast((line) => line.message === 'request failed') ?? {};
      // The suffix of a secret's ARN is random.
      expect({ Reason: Reason.replace(/(:secret:mfa\/\w+)-\w{6}/g, '$1-AbCdEf'), errorCode }).toMatchSnapshot();
    });
  });
});

describe('messages about devices change only on purpose', () => {
  let stage: Stage;
  beforeEach(() => {
    stage = new Stage();
  });
  afterEach(() => stage.expectSecrecy());

  const phone = serialNumberOf('phone');
  const remove = (TagKeys: string[]) => stage.iam.call('UntagMFADevice', { SerialNumber: phone, TagKeys });
  const write = (SecretString: string) =>
    stage.secretsManager.call('PutSecretValue', { SecretId: stage.phoneSecretArn, SecretString });
  const enable = (claims: object[] = []) => {
    const { SecretString } = stage.secretsManager.call('GetSecretValue', { SecretId: stage.phoneSecretArn });
    const [first, second] = codePairAt(
      parseSeed(new SecretText(SecretString as string)),
      stepAt(stage.clock.now()),
    ).reveal();
    const codes = { AuthenticationCode1: first, AuthenticationCode2: second };
    stage.iam.call('EnableMFADevice', { UserName: 'alice', SerialNumber: phone, ...codes });
    if (claims.length > 0) {
      stage.iam.call('TagMFADevice', { SerialNumber: phone, Tags: claims });
    }
  };
  const always =
    (...actions: Action[]): Fault =>
    (action) =>
      actions.includes(action) ? 'lose answer' : undefined;

  const failures: Record<string, () => Promise<Answer>> = {
    'a device that somebody else created': () => {
      stage.createDevice('phone');
      return stage.deviceRequest('Create');
    },
    'a secret with the seed of another device': async () => {
      await stage.deviceRequest('Create');
      return stage.deviceRequest('Create', { SerialNumber: serialNumberOf('tablet') });
    },
    'a secret that is scheduled for deletion': () => {
      stage.secretsManager.call('DeleteSecret', { SecretId: stage.phoneSecretArn });
      return stage.deviceRequest('Create');
    },
    'a missing secret': () =>
      stage.deviceRequest('Create', { SeedSecretArn: stage.phoneSecretArn.replace('phone', 'none') }),
    'denied writing to the secret': () => {
      stage.fault = refuse('secretsmanager:PutSecretValue', 'AccessDenied', 400);
      return stage.deviceRequest('Create');
    },
    'denied reading of the secret': () => {
      stage.fault = refuse('secretsmanager:DescribeSecret', 'AccessDenied', 400);
      return stage.deviceRequest('Create');
    },
    'a key that cannot encrypt': () => {
      stage.fault = refuse('secretsmanager:PutSecretValue', 'EncryptionFailure', 400);
      return stage.deviceRequest('Create');
    },
    'a secret with too many versions': () => {
      stage.fault = refuse('secretsmanager:PutSecretValue', 'LimitExceeded', 400);
      return stage.deviceRequest('Create');
    },
    'an account with too many devices': () => {
      stage.fault = refuse('iam:CreateVirtualMFADevice', 'LimitExceeded', 409);
      return stage.deviceRequest('Create');
    },
    'lost responses until the timeout': () => {
      stage.fault = always('iam:CreateVirtualMFADevice');
      return stage.deviceRequest('Create');
    },
    'lost requests of a deletion until the timeout': async () => {
      await stage.deviceRequest('Create');
      stage.fault = (action) => (action === 'iam:DeleteVirtualMFADevice' ? 'lose request' : undefined);
      return stage.deviceRequest('Delete');
    },
    'a seed that was never stored': () => {
      stage.iam.call('CreateVirtualMFADevice', {
        VirtualMFADeviceName: 'phone',
        Tags: [
          { Key: deviceClaimKey(STACK_UUID, DEVICE_LOGICAL_ID), Value: '' },
          { Key: SEED_VERSION_KEY, Value: 'none' },
        ],
      });
      return stage.deviceRequest('Create');
    },
    'a secret that somebody else writes to at the same time': () => {
      stage.fault = (action) => (action === 'secretsmanager:PutSecretValue' ? () => void write('x') : undefined);
      return stage.deviceRequest('Create');
    },
    'another secret': async () => {
      await stage.deviceRequest('Create');
      return stage.deviceRequest('Update', { SeedSecretArn: stage.createSecret('mfa/other') });
    },
    'a seed that was overwritten twice': async () => {
      await stage.deviceRequest('Create');
      write('by hand');
      write('by hand again');
      return stage.deviceRequest('Update');
    },
    'a seed that was overwritten': async () => {
      await stage.deviceRequest('Create');
      write('by hand');
      return stage.deviceRequest('Update');
    },
    'a device without its seed version': async () => {
      await stage.deviceRequest('Create');
      remove([SEED_VERSION_KEY]);
      return stage.deviceRequest('Update');
    },
    'a device that many enrollments claim': async () => {
      await stage.deviceRequest('Create');
      stage.fault = refuse('iam:DeleteVirtualMFADevice', 'DeleteConflict', 409);
      for (const name of ['A', 'B', 'C', 'D', 'E']) {
        const Tags = [{ Key: enrollmentClaimKey(STACK_UUID, name), Value: 'enabled eu-west-1 Staging' }];
        stage.iam.call('TagMFADevice', { SerialNumber: phone, Tags });
      }
      return stage.deviceRequest('Delete');
    },
    'a missing device': async () => {
      await stage.deviceRequest('Create');
      stage.iam.call('DeleteVirtualMFADevice', { SerialNumber: phone });
      return stage.deviceRequest('Update');
    },
    'denied writing of tags': async () => {
      await stage.deviceRequest('Create');
      stage.fault = refuse('iam:TagMFADevice', 'AccessDenied', 403);
      return stage.deviceRequest('Update', { Tags: [{ Key: 'owner', Value: 'alice' }] });
    },
    'a tag whose response is lost and that is then denied': async () => {
      await stage.deviceRequest('Create');
      stage.fault = (action, call) =>
        action === 'iam:TagMFADevice'
          ? call === 1
            ? 'lose answer'
            : new CallError(action, 'LimitExceeded', 409)
          : undefined;
      return stage.deviceRequest('Update', { Tags: [{ Key: 'owner', Value: 'alice' }] });
    },
    'a changed serial number': () => stage.deviceRequest('Update', { SerialNumber: serialNumberOf('tablet') }),
    'a device that somebody else enabled': async () => {
      await stage.deviceRequest('Create');
      enable();
      return stage.deviceRequest('Delete');
    },
    'a device that an enrollment enabled': async () => {
      await stage.deviceRequest('Create');
      enable([{ Key: enrollmentClaimKey(STACK_UUID, LOGICAL_ID), Value: 'enabled eu-west-1 Staging' }]);
      return stage.deviceRequest('Delete');
    },
    'denied deletion of the device': async () => {
      await stage.deviceRequest('Create');
      stage.fault = refuse('iam:DeleteVirtualMFADevice', 'AccessDenied', 403);
      return stage.deviceRequest('Delete');
    },
    'denied withdrawal of the claim': async () => {
      await stage.deviceRequest('Create');
      await stage.deviceRequest('Create', {}, { LogicalResourceId: 'VirtualMfaDeviceRenamed0A1B2C3D' });
      stage.fault = refuse('iam:UntagMFADevice', 'AccessDenied', 403);
      return stage.deviceRequest('Delete');
    },
  };

  test.each(Object.entries(failures))('%s', async (_, fail) => {
    const { Reason = '' } = await fail();
    const { errorCode } = stage.left.map(parse).findLast((line) => line.message === 'request failed') ?? {};
    // The suffixes of ARNs, their hashes in the ids of versions, and the ids of foreign versions are random.
    const steady = Reason.replace(/(:secret:mfa\/\w+)-\w{6}/g, '$1-AbCdEf')
      .replace(/(?<=move-to-version-id [0-9a-f]{16}-)[0-9a-f]{10}/, '<secret>')
      .replace(/(?<=remove-from-version-id )[0-9a-f-]{36}/, '<version>');
    expect({ Reason: steady, errorCode }).toMatchSnapshot();
  });

  test('the log of Create, Update and Delete of a device changes only on purpose', async () => {
    await stage.deviceRequest('Create');
    await stage.deviceRequest('Update', { Tags: [{ Key: 'owner', Value: 'alice' }] });
    await stage.deviceRequest('Create', {}, { LogicalResourceId: 'VirtualMfaDeviceRenamed0A1B2C3D' });
    await stage.deviceRequest('Delete');
    await stage.deviceRequest('Delete');
    await stage.deviceRequest('Delete', {}, { LogicalResourceId: 'VirtualMfaDeviceRenamed0A1B2C3D' });
    await stage.deviceRequest('Delete');
    const lines = stage.left.map(parse).filter(({ message }) => message !== undefined);
    expect(
      lines.map(({ message, requestType, serialNumber }) => [requestType, message, serialNumber === phone]),
    ).toEqual([
      ['Create', 'request received', true],
      ['Create', 'device made', true],
      ['Create', 'seed stored', true],
      ['Create', 'answering', true],
      ['Update', 'request received', true],
      ['Update', 'answering', true],
      ['Create', 'request received', true],
      ['Create', 'answering', true],
      ['Delete', 'request received', true],
      ['Delete', 'others declare the device, it stays', true],
      ['Delete', 'answering', true],
      ['Delete', 'request received', true],
      ['Delete', 'no claim of ours, nothing to undo', true],
      ['Delete', 'answering', true],
      ['Delete', 'request received', true],
      ['Delete', 'device deleted', true],
      ['Delete', 'answering', true],
      ['Delete', 'request received', true],
      ['Delete', 'the device is gone, nothing to undo', true],
      ['Delete', 'answering', true],
    ]);
  });
});

test('a failure with a message is not changed', () => {
  const failure = new Failure({ cause: 'this is why', next: 'do this' }, 'Why');
  expect(failureOf(failure, SUBJECT)).toBe(failure);
});
