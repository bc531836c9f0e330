import { CallGivenUp, OutOfTime } from '../../lambda/attempts';
import { Failure, failureOf, reasonOf } from '../../lambda/failure';
import { Action, CallError } from '../../lambda/ports';
import { resourceIn } from '../../lambda/custom-resources';
import { NotASeedError } from '../../lambda/seed';
import { Answer, Stage } from './stage';

const SECRET = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mfa/alice-AbCdEf';
const SUBJECT = resourceIn({
  ...new Stage().event('Create'),
  ResourceProperties: { ...new Stage().properties(), SeedSecretArn: SECRET },
}).subject;

const givenUp = (action: Action, code?: string, httpStatus?: number) =>
  new CallGivenUp(new CallError(action, code, httpStatus));

const parse = (line: string) => JSON.parse(line) as Record<string, unknown>;

/** These sentences are read at night, in a stack event: whoever changes one reads it whole in the snapshot. */
describe('what an operator reads changes only on purpose', () => {
  test.each<[string, unknown]>([
    ['no answer', givenUp('iam:EnableMFADevice')],
    ['AWS failing', givenUp('iam:TagMFADevice', 'ServiceFailure', 500)],
    ['throttling', givenUp('iam:TagMFADevice', 'Throttling', 400)],
    ['a user that is made again', givenUp('iam:EnableMFADevice', 'EntityTemporarilyUnmodifiable', 409)],
    ['a denied call on the user', givenUp('iam:EnableMFADevice', 'AccessDenied', 403)],
    ['a denied reading of the devices', givenUp('iam:ListMFADevices', 'AccessDenied', 403)],
    ['a denied reading of the tags', givenUp('iam:ListMFADeviceTags', 'AccessDenied', 403)],
    ['a denied tagging', givenUp('iam:TagMFADevice', 'AccessDenied', 403)],
    ['a denied untagging', givenUp('iam:UntagMFADevice', 'AccessDenied', 403)],
    ['a denied secret', givenUp('secretsmanager:GetSecretValue', 'AccessDenied', 400)],
    ['a user that is missing', givenUp('iam:ListMFADevices', 'NoSuchEntity', 404)],
    ['a device that is missing', givenUp('iam:TagMFADevice', 'NoSuchEntity', 404)],
    ['one of them missing', givenUp('iam:EnableMFADevice', 'NoSuchEntity', 404)],
    ['eight devices', givenUp('iam:EnableMFADevice', 'LimitExceeded', 409)],
    ['fifty tags', givenUp('iam:TagMFADevice', 'LimitExceeded', 409)],
    ['no secret', givenUp('secretsmanager:GetSecretValue', 'ResourceNotFound', 400)],
    ['a key that does not decrypt', givenUp('secretsmanager:GetSecretValue', 'DecryptionFailure', 400)],
    ['a secret that is to be deleted', givenUp('secretsmanager:GetSecretValue', 'InvalidRequest', 400)],
    ['invalid values', givenUp('iam:EnableMFADevice', 'ValidationError', 400)],
    ['an unknown code', givenUp('iam:EnableMFADevice', 'SomethingNew', 400)],
    ['no seed', new NotASeedError('it is empty')],
    ['no time, before any call', new OutOfTime()],
    [
      'no time, after refused codes',
      new OutOfTime(new CallError('iam:EnableMFADevice', 'InvalidAuthenticationCode', 403)),
    ],
    ['an error that nobody foresaw', new RangeError('never shown')],
    ['what is no error', 'never shown'],
  ])('%s', (_, error) => {
    const { because, errorCode } = failureOf(error, SUBJECT);
    expect({ ...because, errorCode }).toMatchSnapshot();
  });

  test.each(['Create', 'Update', 'Delete'] as const)('a failed %s, as a whole', (request) => {
    const failure = new Failure({ cause: 'this is why', next: 'do this' }, 'Why');
    expect(reasonOf(request, SUBJECT, failure, 'nothing was changed')).toMatchSnapshot();
  });

  describe('where the state decides', () => {
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
      'an enrollment that is to become another': () =>
        stage.request('Update', { ResourceProperties: stage.properties({ UserName: 'bob' }) }),
    };

    test.each(Object.entries(failures))('%s', async (_, fail) => {
      const { Reason = '' } = await fail();
      const { errorCode } = stage.left.map(parse).findLast((line) => line.message === 'request failed') ?? {};
      // The end of a secret's ARN is random.
      expect({ Reason: Reason.replace(/(:secret:mfa\/\w+)-\w{6}/g, '$1-AbCdEf'), errorCode }).toMatchSnapshot();
    });
  });
});

test('a failure that has its words keeps them', () => {
  const failure = new Failure({ cause: 'this is why', next: 'do this' }, 'Why');
  expect(failureOf(failure, SUBJECT)).toBe(failure);
});
