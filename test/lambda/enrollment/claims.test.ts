import { enrollmentClaimKey } from '../../../lib/contract';
import { Claims } from '../../../lambda/enrollment/claims';

const ours = enrollmentClaimKey('11111111-1111-1111-1111-111111111111', 'MfaEnrollmentAlice0A1B2C3D');
const theirs = enrollmentClaimKey('22222222-2222-2222-2222-222222222222', 'MfaEnrollmentAlice0A1B2C3D');
const claims = (tags: Record<string, string>) =>
  new Claims(
    Object.entries(tags).map(([key, value]) => ({ key, value })),
    ours,
  );

test('only claims of enrollments count', () => {
  const foreign = claims({
    owner: 'enabled',
    'cdk-mfa-enrollment:device:x/y': 'enabled',
    'cdk-mfa-enrollment:seed-version': 'enabled',
  });
  expect(foreign.none).toBe(true);
  expect(foreign.kindToJoin).toBe('adopted');
});

test('the region and the stack name in a claim have no effect', () => {
  expect(claims({ [ours]: 'enabled eu-west-1 Staging' }).ours).toBe('enabled');
  expect(claims({ [ours]: 'adopted eu-west-1 enabled' }).ours).toBe('adopted');
});

test('a claim of an unknown kind counts as adopted', () => {
  expect(claims({ [ours]: 'rotated eu-west-1 Staging' })).toMatchObject({
    ours: 'adopted',
    none: false,
    oursIsTheLast: true,
  });
});

test('a joining enrollment claims as enabled if any claim does', () => {
  expect(claims({ [theirs]: 'adopted' }).kindToJoin).toBe('adopted');
  expect(claims({ [theirs]: 'enabled' }).kindToJoin).toBe('enabled');
  expect(claims({ [ours]: 'enabled', [theirs]: 'adopted' }).kindToJoin).toBe('enabled');
});

test('the own claim is the last if it exists and no other does', () => {
  expect(claims({}).oursIsTheLast).toBe(false);
  expect(claims({ [theirs]: 'enabled' }).oursIsTheLast).toBe(false);
  expect(claims({ [ours]: 'enabled', [theirs]: 'adopted' }).oursIsTheLast).toBe(false);
  expect(claims({ [ours]: 'enabled', owner: 'alice' }).oursIsTheLast).toBe(true);
});
