import { type DeviceProperties } from '../../../lib/contract';
import * as failures from '../../../lambda/device/failures';

const propertiesOf = (name: string, OwnSecret?: string): DeviceProperties => ({
  SerialNumber: `arn:aws:iam::123456789012:mfa/${name}`,
  SeedSecretArn: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mfa/alice-AbCdEf',
  OwnSecret,
});
const nextOf = (name: string, ownSecret?: string) => failures.gone(propertiesOf(name, ownSecret)).because.next;
const SEED = '0123456789abcdef-0123456789-1a2b3c4d-0000-4000-8000-000000000001';
const OTHER = '33333333-4444-5555-6666-777777777777';

describe('what to do for a new device', () => {
  test.each([
    ['Stack-alice-eu-west-1-1a2b3c4d-1', 2],
    ['Stack-alice-eu-west-1-1a2b3c4d-19', 20],
  ])('%s of this library names the next generation', (name, next) => {
    expect(nextOf(name, 'true')).toBe(`create a new device: set 'generation' to ${next}`);
  });

  test.each([
    ['Stack-alice-eu-west-1-1a2b3c4d-1', undefined],
    ['Stack-alice-eu-west-1-1a2b3c4d-1', 'false'],
    ['alice', 'true'],
    ['alice-1', 'true'],
    ['alice-a-1', 'true'],
    ['alice-mobilePh-1', 'true'],
    ['alice-1a2b3c4d-x', 'true'],
    ['alice-1a2b3c4d-1-phone', 'true'],
  ])('%s with OwnSecret %s leaves it open', (name, ownSecret) => {
    expect(nextOf(name, ownSecret)).toMatch(/^create a new device: raise 'generation', or use another name/);
  });
});

describe('a seed that is no longer the current version', () => {
  const replaced = (version: string, current: string | undefined) =>
    failures.seedReplaced(propertiesOf('alice'), version, current);

  test('is made current by a command, which removes the label from the version that has it', () => {
    const { because, errorCode } = replaced(SEED, OTHER);
    expect(because.cause).toMatch(
      /^the current version of secret \S+ is not the seed of device \S+: somebody wrote to/,
    );
    expect(because.next).toContain(`--move-to-version-id ${SEED} --remove-from-version-id ${OTHER}`);
    expect(errorCode).toBe('SeedReplaced');
  });

  test('is made current by a command if no version is', () => {
    const { next } = replaced(SEED, undefined).because;
    expect(next).toMatch(new RegExp(`--move-to-version-id ${SEED}$`));
  });

  test.each([
    [`${SEED} --x`, OTHER],
    [SEED, `${OTHER}; x`],
    [SEED, `--x-${OTHER}`],
  ])('is shown without a command if an id is not safe in one: %s, %s', (version, current) => {
    const { because, errorCode } = replaced(version, current);
    expect(because.cause).toContain('with a version id that is not a UUID');
    expect(because.next).not.toMatch(/--x|; x|--move/);
    expect(errorCode).toBe('SeedReplaced');
  });
});
