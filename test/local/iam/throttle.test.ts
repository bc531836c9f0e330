import { TRUST_POLICY } from '../../../local/iam';
import { newIam } from './fixture';

const role = { arn: 'arn:aws:sts::123456789012:assumed-role/Function/session', roleName: 'Function' };

test('a role that exceeds the rate limit is throttled, and succeeds after it has waited', () => {
  const { iam, clock } = newIam();
  iam.call('CreateRole', { RoleName: 'Function', AssumeRolePolicyDocument: TRUST_POLICY });
  const document = { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: 'iam:ListUsers', Resource: '*' } };
  iam.call('PutRolePolicy', { RoleName: 'Function', PolicyName: 'P', PolicyDocument: JSON.stringify(document) });
  iam.throttle = { perSecond: 2, burst: 3 };
  const list = () => iam.call('ListUsers', {}, role);

  for (let call = 1; call <= 3; call++) {
    list();
  }
  expect(list).toThrow(expect.objectContaining({ code: 'Throttling', status: 400 }) as Error);
  clock.advance(500);
  expect(list).not.toThrow();
  expect(list).toThrow('Rate exceeded');
  clock.advance(60_000);
  for (let call = 1; call <= 3; call++) {
    list();
  }
  expect(list).toThrow('Rate exceeded');
});

test('calls of administrators are not throttled', () => {
  const { iam } = newIam();
  iam.throttle = { perSecond: 1, burst: 1 };
  for (let call = 1; call <= 5; call++) {
    expect(() => iam.call('ListUsers', {})).not.toThrow();
  }
});
