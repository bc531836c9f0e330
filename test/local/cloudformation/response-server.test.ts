import { ResponseUrls, ResponseServer } from '../../../local/cloudformation';
import { SkippingClock } from '../../../local/clock';
import { deliver } from '../../../lambda/delivery';
import { bytes, numbers } from '../../../local/random';

describe('a response URL on loopback', () => {
  const listener = new ResponseServer();
  const request = { stackId: 's', requestId: 'r', logicalId: 'L' };
  const body = JSON.stringify({
    Status: 'SUCCESS',
    StackId: 's',
    RequestId: 'r',
    LogicalResourceId: 'L',
    PhysicalResourceId: 'p',
  });
  let desk: ResponseUrls;

  beforeAll(async () => {
    desk = new ResponseUrls(new SkippingClock(), bytes(numbers(1)), await listener.start());
    listener.serveFor(desk);
  });
  afterAll(() => listener.close());

  test('accepts an upload without a content type', async () => {
    const { url, response } = desk.open(request);
    await deliver(url, body);
    expect(await response).toEqual({ status: 'SUCCESS', physicalId: 'p', attributes: {} });
  });

  test('rejects an upload with a content type, like a presigned URL', async () => {
    const { url } = desk.open(request);
    const response = await fetch(url, { method: 'PUT', body, headers: { 'content-type': 'application/json' } });
    expect(response.status).toBe(403);
  });

  test('rejects other methods, and requests to unknown URLs', async () => {
    const { url } = desk.open(request);
    expect((await fetch(url)).status).toBe(403);
    await expect(deliver(url.replace('?', '0?'), body)).rejects.toThrow('403');
    expect((await fetch(url.slice(0, url.indexOf('?')), { method: 'PUT', body: Buffer.from(body) })).status).toBe(403);
  });
});
