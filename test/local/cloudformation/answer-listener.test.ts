import { AnswerDesk, AnswerListener } from '../../../local/cloudformation';
import { SkippingClock } from '../../../local/clock';
import { deliver } from '../../../lambda/delivery';
import { seededRandom } from './world';

describe('the response URLs on loopback', () => {
  const listener = new AnswerListener();
  const request = { stackId: 's', requestId: 'r', logicalId: 'L' };
  const body = JSON.stringify({
    Status: 'SUCCESS',
    StackId: 's',
    RequestId: 'r',
    LogicalResourceId: 'L',
    PhysicalResourceId: 'p',
  });
  let desk: AnswerDesk;

  beforeAll(async () => {
    desk = new AnswerDesk(new SkippingClock(), seededRandom(), await listener.start());
    listener.serveFor(desk);
  });
  afterAll(() => listener.close());

  test('take one upload without a content type', async () => {
    const { url, answered } = desk.open(request);
    await deliver(url, body);
    expect(await answered).toEqual({ status: 'SUCCESS', physicalId: 'p', attributes: {} });
  });

  test('refuse, as presigned URLs do, an upload that names a content type', async () => {
    const { url } = desk.open(request);
    const response = await fetch(url, { method: 'PUT', body, headers: { 'content-type': 'application/json' } });
    expect(response.status).toBe(403);
  });

  test('refuse other methods, and URLs that nobody was given', async () => {
    const { url } = desk.open(request);
    expect((await fetch(url)).status).toBe(403);
    await expect(deliver(`${url}0`, body)).rejects.toThrow('403');
  });
});
