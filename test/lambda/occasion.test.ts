import { type OccasionSource, occasionOf } from '../../lambda/occasion';
import { responseUrl } from './stage';

const DECLARATION = { logicalId: 'Alice', stackName: 'Staging', stackUuid: '1', region: 'eu-west-1' };
const PARTS = ['alice', 'arn:aws:iam::123456789012:mfa/alice'];
const ID = PARTS.join('|');

const occasion = (source: Partial<OccasionSource>) =>
  occasionOf(
    { RequestType: 'Create', RequestId: '1', ResponseURL: 'https://example.com/', ...source },
    PARTS,
    DECLARATION,
  );

describe('the time at which CloudFormation sent a request', () => {
  const sentAt = (parameters: Record<string, string>) => occasion({ ResponseURL: responseUrl(parameters) }).sentAt;

  test.each<[string, Record<string, string>, number | undefined]>([
    ['X-Amz-Date', { 'X-Amz-Date': '20261126T150000Z' }, Date.UTC(2026, 10, 26, 15)],
    ['Expires less two hours', { Expires: '1795705200' }, 1_795_698_000_000],
    [
      'X-Amz-Date rather than Expires',
      { Expires: '1795705200', 'X-Amz-Date': '20261126T150000Z' },
      Date.UTC(2026, 10, 26, 15),
    ],
    ['Expires if X-Amz-Date is no time', { Expires: '1795705200', 'X-Amz-Date': 'today' }, 1_795_698_000_000],
    ['unknown without either', { 'X-Amz-Expires': '7200' }, undefined],
    ['unknown if X-Amz-Date is no date', { 'X-Amz-Date': '20261326T150000Z' }, undefined],
    ['unknown if Expires is a duration', { Expires: '7200' }, undefined],
    ['unknown if Expires is in milliseconds', { Expires: '1795705200000' }, undefined],
  ])('is %s', (_, parameters, time) => {
    expect(sentAt(parameters)).toBe(time);
  });
});

test('a Create that was just sent has not failed', () => {
  expect(occasion({}).hasFailed).toBe(false);
});

describe('the creation id of a Create', () => {
  test('is its time and a hash of its request id and its response URL', () => {
    const ResponseURL = responseUrl({ 'X-Amz-Date': '20261126T150000Z' });
    const { creation } = occasion({ ResponseURL });
    expect(creation).toMatch(/^20261126T150000Z-[0-9a-f]{8}$/);
    expect(occasion({ ResponseURL }).creation).toBe(creation);
    expect(occasion({ ResponseURL, RequestId: '2' }).creation).not.toBe(creation);
    expect(occasion({ ResponseURL: `${ResponseURL}&X-Amz-Signature=1` }).creation).not.toBe(creation);
  });

  test('is the hash alone if the time is unknown', () => {
    // printf '1 https://example.com/' | sha256sum
    expect(occasion({}).creation).toBe('2611bc2f');
  });

  test('is not read from a physical id', () => {
    expect(occasion({ PhysicalResourceId: `${ID}|ffffffff` }).creation).toBe(occasion({}).creation);
  });
});

describe.each(['Update', 'Delete'] as const)('the creation id of an %s', (RequestType) => {
  const read = (PhysicalResourceId?: string) => occasion({ RequestType, PhysicalResourceId });

  test.each([
    [`${ID}|20261126T150000Z-1a2b3c4d`, '20261126T150000Z-1a2b3c4d', false],
    [`${ID}|20261126T150000Z-1a2b3c4d|failed`, '20261126T150000Z-1a2b3c4d', true],
    [`${ID}|1a2b3c4d`, '1a2b3c4d', false],
    ['Staging-Alice-1ABCDEFGHIJKL', undefined, false],
    [`bob|${PARTS[1]}|1a2b3c4d`, undefined, false],
    [ID, undefined, false],
    [`${ID}|failed`, undefined, false],
    [`${ID}|1a2b3c4d|refused`, undefined, false],
    [undefined, undefined, false],
  ])('with the physical id %s is %s', (id, creation, hasFailed) => {
    expect(read(id)).toMatchObject({ creation, hasFailed });
  });
});
