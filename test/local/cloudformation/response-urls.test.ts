import { ResponseUrls, type UrlSignature } from '../../../local/cloudformation';
import { bytes, numbers } from '../../../local/random';
import { ManualClock } from '../iam/manual-clock';
import { custom, World } from './world';

const REQUEST = { stackId: 's', requestId: 'r', logicalId: 'L' };
const BODY = JSON.stringify({
  Status: 'SUCCESS',
  StackId: 's',
  RequestId: 'r',
  LogicalResourceId: 'L',
  PhysicalResourceId: 'p',
});
const AT = Date.UTC(2023, 10, 23, 7, 41, 57, 999);

function open(signature?: UrlSignature) {
  const urls = new ResponseUrls(new ManualClock(AT), bytes(numbers(1)), undefined, signature);
  return { urls, ...urls.open(REQUEST) };
}

describe('a response URL', () => {
  test('is presigned for two hours with the time at which it was created', () => {
    const { url } = open();
    expect(url).toMatch(/^https:\/\/[^/]+\/[0-9a-f]{64}\?/);
    expect(Object.fromEntries(new URL(url).searchParams)).toEqual({
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Date': '20231123T074157Z',
      'X-Amz-SignedHeaders': 'host',
      'X-Amz-Credential': expect.stringMatching(/^AKIA[0-9A-F]{16}\/20231123\/[a-z0-9-]+\/s3\/aws4_request$/) as string,
      'X-Amz-Expires': '7200',
      'X-Amz-Signature': expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    });
  });

  test('can have the older signature, with the time at which it expires', () => {
    expect(Object.fromEntries(new URL(open('expires').url).searchParams)).toEqual({
      AWSAccessKeyId: expect.stringMatching(/^AKIA[0-9A-F]{16}$/) as string,
      Expires: String(Math.floor(AT / 1000) + 7_200),
      Signature: expect.stringMatching(/^[0-9a-zA-Z+/]+=*$/) as string,
    });
  });

  test('can have no signature', () => {
    expect(open('none').url).toMatch(/^https:\/\/[^/]+\/[0-9a-f]{64}$/);
  });

  test.each(['date', 'expires', 'none'] as const)('with the signature %s accepts one upload', async (signature) => {
    const { urls, url, response } = open(signature);
    expect(urls.isPending(url)).toBe(true);
    expect(urls.put(url, BODY)).toBe(200);
    expect(await response).toMatchObject({ physicalId: 'p' });
    expect(urls.isPending(url)).toBe(false);
  });

  test('accepts an upload to its path and query', () => {
    const { urls, url } = open();
    expect(urls.put(url.slice(url.indexOf('/', 'https://'.length)), BODY)).toBe(200);
  });

  test('rejects an upload without its signature, or with another', () => {
    const { urls, url } = open();
    expect(urls.put(url.slice(0, url.indexOf('?')), BODY)).toBe(403);
    expect(urls.put(`${url}0`, BODY)).toBe(403);
    expect(urls.isPending(url)).toBe(true);
  });
});

test('custom resources get response URLs with the signature of the account', async () => {
  const world = new World({ signature: 'expires' });
  await world.create({ A: custom() });
  expect(new URL(world.requests[0]!.ResponseURL).searchParams.get('Expires')).toMatch(/^\d+$/);
});
