import { ENROLLMENT_CLAIM_PREFIX, tagKey, SEED_PREFIX } from '../../lib/contract';
import { CallGivenUp, OutOfTime } from '../../lambda/aws/attempts';
import { Failure, failureOf, reasonOf } from '../../lambda/failure';
import { type Action, CallError } from '../../lambda/aws/ports';
import { resourceIn } from '../../lambda/custom-resources';
import { NotASeedError } from '../../lambda/seed';
import {
  type Answer,
  DEVICE_LOGICAL_ID,
  type Fault,
  INVENTED,
  LOGICAL_ID,
  OTHER_STACK,
  refuse,
  serialNumberOf,
  Stage,
  STACK_UUID,
} from './stage';

/** Key of the tag with the version that holds the seed. */
const SEED_KEY = tagKey(SEED_PREFIX, STACK_UUID, DEVICE_LOGICAL_ID);

const LONGEST = 550;
const RENAMED = { LogicalResourceId: 'VirtualMfaDeviceRenamed0A1B2C3D' };
const SECRET = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mfa/alice-AbCdEf';
const SUBJECT = resourceIn({
  ...new Stage().event('Create'),
  ResourceProperties: { ...new Stage().properties(), SeedSecretArn: SECRET },
}).subject;

const givenUp = (action: Action, code?: string, httpStatus?: number) =>
  new CallGivenUp(new CallError(action, code, httpStatus));

/** What a reason says besides commands, ARNs and the keys of tags, which are as long as the names in them. */
function expectShort(reason: string): void {
  const [before] = reason.split(/; then(?: deploy again|, if the creation)/);
  const said = before!
    .replace(/aws (?:iam|secretsmanager|cloudformation) [^,()]*?(?=[,()]|\. |\.$| &&|$)/g, '')
    .replace(/arn:\S*/g, '')
    .replace(/cdk-mfa-enrollment:\w+:[^' ]*/g, '');
  expect(said.length).toBeLessThanOrEqual(LONGEST);
}

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
    expect(
      reasonOf(request, SUBJECT, failure, { stateLeft: 'nothing was changed', creation: '20260101T120000Z-1a2b3c4d' }),
    ).toMatchSnapshot();
  });

  test('a failed Delete of a device that is gone, and whose secret is not its own, leaves nothing to do', () => {
    const failure = new Failure({ cause: 'this is why', next: 'do this' }, 'Why');
    const left = { stateLeft: 'the device does not exist', isDeviceGone: true, creation: undefined };
    expect(reasonOf('Delete', SUBJECT, failure, left)).toContain('troubleshooting.md): nothing is left to do. From');
  });

  test('a failed Delete with an invented id compares the time of the claim', () => {
    const failure = new Failure({ cause: 'this is why', next: 'do this' }, 'Why');
    const reason = reasonOf('Delete', SUBJECT, failure, { stateLeft: 'unknown', creation: undefined });
    expect(reason).toContain('is missing, or the time in its value is before this deployment, nothing is left to do.');
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
      'a device that somebody else enabled': () => {
        stage.enable();
        return stage.request('Create');
      },
      'a device that an enrollment of another user claims': async () => {
        await stage.request('Create');
        stage.iam.call('CreateUser', { UserName: 'bob' });
        return stage.request('Create', { ...OTHER_STACK, ResourceProperties: stage.properties({ UserName: 'bob' }) });
      },
      'a device of another user': async () => {
        stage.enable();
        stage.iam.call('CreateUser', { UserName: 'bob' });
        const ResourceProperties = stage.properties({ UserName: 'bob' });
        return stage.request('Create', { LogicalResourceId: 'MfaEnrollmentBob0A1B2C3D', ResourceProperties });
      },
      'a changed user': async () => {
        await stage.request('Create');
        return stage.request('Update', { ResourceProperties: stage.properties({ UserName: 'bob' }) });
      },
      'a stack of another engine': () => stage.request('Create', { StackId: 'unknown' }),
      'an invalid user name': () =>
        stage.request('Create', { ResourceProperties: stage.properties({ UserName: 'al ice' }) }),
      'an unknown resource type': () => stage.request('Create', { ResourceType: 'Custom::Other' }),
      'a Create that its Delete overtook': async () => {
        const create = stage.event('Create');
        await stage.pass(1_000);
        await stage.request('Delete', INVENTED);
        return stage.send(create);
      },
      'denied deactivation': async () => {
        await stage.request('Create');
        stage.fault = refuse('iam:DeactivateMFADevice', 'AccessDenied', 403);
        return stage.request('Delete');
      },
      'lost responses until the timeout': () => {
        stage.fault = (action) =>
          /Enable|List|Resync/.test(action) && stage.calls.length > 4 ? 'lose answer' : undefined;
        return stage.request('Create');
      },
      'a denied mark and withdrawal of the claim': async () => {
        await stage.request('Create');
        stage.fault = (action) =>
          /Tag|Untag/.test(action) && !/List/.test(action) ? new CallError(action, 'AccessDenied', 403) : undefined;
        return stage.request('Delete');
      },
    };

    test.each(Object.entries(failures))('%s', async (_, fail) => {
      const { Reason = '' } = await fail();
      const { errorCode } = stage.log.findLast((line) => line.message === 'request failed') ?? {};
      // The suffix of a secret's ARN is random.
      expect({ Reason: Reason.replace(/(:secret:mfa\/\w+)-\w{6}/g, '$1-AbCdEf'), errorCode }).toMatchSnapshot();
      expectShort(Reason);
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
  const OWN = { OwnSecret: 'true' };
  const CLAIM = 'enabled alice 20260101T120000Z-1a2b3c4d eu-west-1 Staging';
  const write = (SecretString: string) =>
    stage.secretsManager.call('PutSecretValue', { SecretId: stage.phoneSecretArn, SecretString });
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
      const create = stage.deviceEvent('Create');
      stage.fault = (action) =>
        /Put|DeleteVirtual/.test(action) ? new CallError(action, 'SomethingNew', 400) : undefined;
      return stage.send(create).then(() => stage.send(create));
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
      stage.untag(SEED_KEY, phone);
      return stage.deviceRequest('Update');
    },
    'a device that many enrollments claim': async () => {
      await stage.deviceRequest('Create');
      stage.fault = refuse('iam:DeleteVirtualMFADevice', 'DeleteConflict', 409);
      for (const name of ['A', 'B', 'C', 'D', 'E']) {
        stage.tag(tagKey(ENROLLMENT_CLAIM_PREFIX, STACK_UUID, name), CLAIM, phone);
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
    'a changed serial number': async () => {
      await stage.deviceRequest('Create');
      return stage.deviceRequest('Update', { SerialNumber: serialNumberOf('tablet') });
    },
    'a device that somebody else enabled': async () => {
      await stage.deviceRequest('Create');
      stage.enable(phone, stage.phoneSecretArn);
      return stage.deviceRequest('Delete');
    },
    'a device that an enrollment enabled': async () => {
      await stage.deviceRequest('Create');
      stage.enable(phone, stage.phoneSecretArn);
      stage.tag(tagKey(ENROLLMENT_CLAIM_PREFIX, STACK_UUID, LOGICAL_ID), CLAIM, phone);
      return stage.deviceRequest('Delete');
    },
    'denied deletion of the device': async () => {
      await stage.deviceRequest('Create');
      stage.fault = refuse('iam:DeleteVirtualMFADevice', 'AccessDenied', 403);
      return stage.deviceRequest('Delete');
    },
    'denied deletion of its own secret': async () => {
      await stage.deviceRequest('Create', OWN);
      stage.fault = refuse('secretsmanager:DeleteSecret', 'AccessDenied', 400);
      return stage.deviceRequest('Delete', OWN);
    },
    'a device that another stack deleted meanwhile': async () => {
      await stage.deviceRequest('Create');
      stage.fault = (action) =>
        action === 'iam:TagMFADevice'
          ? () => stage.iam.call('DeleteVirtualMFADevice', { SerialNumber: phone })
          : undefined;
      return stage.deviceRequest('Create', {}, RENAMED);
    },
    'a secret that is gone in an Update': async () => {
      await stage.deviceRequest('Create');
      stage.secretsManager.call('DeleteSecret', { SecretId: 'mfa/phone', ForceDeleteWithoutRecovery: true });
      return stage.deviceRequest('Update', { Tags: [{ Key: 'owner', Value: 'alice' }] });
    },
    'denied withdrawal of the claim': async () => {
      await stage.deviceRequest('Create');
      await stage.deviceRequest('Create', {}, RENAMED);
      stage.fault = refuse('iam:UntagMFADevice', 'AccessDenied', 403);
      return stage.deviceRequest('Delete');
    },
  };

  test.each(Object.entries(failures))('%s', async (_, fail) => {
    const { Reason = '' } = await fail();
    const { errorCode } = stage.log.findLast((line) => line.message === 'request failed') ?? {};
    // The suffixes of ARNs, their hashes in the ids of versions, and the ids of foreign versions are random.
    const steady = Reason.replace(/(:secret:mfa\/\w+)-\w{6}/g, '$1-AbCdEf')
      .replace(/(?<=version(?:-id)? [0-9a-f]{16}-)[0-9a-f]{10}/g, '<secret>')
      .replace(/(?<=remove-from-version-id )[0-9a-f-]{36}/, '<version>');
    expect({ Reason: steady, errorCode }).toMatchSnapshot();
    expectShort(Reason);
  });

  test('the log of Create, Update and Delete of a device changes only on purpose', async () => {
    await stage.deviceRequest('Create');
    await stage.deviceRequest('Update', { Tags: [{ Key: 'owner', Value: 'alice' }] });
    await stage.deviceRequest('Create', {}, RENAMED);
    await stage.deviceRequest('Delete');
    await stage.deviceRequest('Delete');
    await stage.deviceRequest('Delete', {}, RENAMED);
    await stage.deviceRequest('Delete');
    expect(
      stage.log.map(({ message, requestType, serialNumber }) => [requestType, message, serialNumber === phone]),
    ).toEqual([
      ['Create', 'request received', true],
      ['Create', 'device created', true],
      ['Create', 'seed stored', true],
      ['Create', 'responding', true],
      ['Update', 'request received', true],
      ['Update', 'responding', true],
      ['Create', 'request received', true],
      ['Create', 'responding', true],
      ['Delete', 'request received', true],
      ['Delete', 'others declare the device, it stays', true],
      ['Delete', 'responding', true],
      ['Delete', 'request received', true],
      ['Delete', 'no claim of this resource, nothing to undo', true],
      ['Delete', 'responding', true],
      ['Delete', 'request received', true],
      ['Delete', 'device deleted', true],
      ['Delete', 'responding', true],
      ['Delete', 'request received', true],
      ['Delete', 'the device does not exist', true],
      ['Delete', 'responding', true],
    ]);
  });
});

test('a failure with a message is not changed', () => {
  const failure = new Failure({ cause: 'this is why', next: 'do this' }, 'Why');
  expect(failureOf(failure, SUBJECT)).toBe(failure);
});
