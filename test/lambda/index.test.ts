import { handler } from '../../lambda/index';
import { type Answer, Stage } from './stage';
import { LoopbackServer } from './aws/loopback-server';

const mockSleep = jest.fn((_ms: number) => Promise.resolve());
jest.mock('node:timers/promises', () => ({ setTimeout: (ms: number) => mockSleep(ms) }));

const CONTEXT = { getRemainingTimeInMillis: () => 15 * 60_000 };

let server: LoopbackServer;
let lines: string[];
beforeEach(async () => {
  server = await LoopbackServer.listen();
  lines = [];
  jest.spyOn(console, 'log').mockImplementation((line: string) => lines.push(line));
  mockSleep.mockClear();
});
afterEach(async () => {
  jest.restoreAllMocks();
  await server.close();
});

/** A request that is refused without a call to AWS. */
const refused = () =>
  new Stage().event('Create', {
    ResourceType: 'Custom::Other',
    ResponseURL: `${server.url()}/answer?X-Amz-Signature=1`,
  });

test('the handler responds over HTTP and logs the duration', async () => {
  await handler(refused(), CONTEXT);
  expect(server.requests).toHaveLength(1);
  expect(JSON.parse(server.requests[0]!.body) as Answer).toMatchObject({ Status: 'FAILED' });
  const last = JSON.parse(lines.at(-1)!) as Record<string, unknown>;
  expect(last).toMatchObject({ message: 'answering', status: 'FAILED' });
  expect(last.ms).toBeGreaterThanOrEqual(0);
  expect(mockSleep).not.toHaveBeenCalled();
});

test('pauses are in milliseconds of the system clock', async () => {
  server.respond = (response) => response.writeHead(server.requests.length < 3 ? 503 : 200).end();
  await handler(refused(), CONTEXT);
  expect(mockSleep.mock.calls).toEqual([[500], [1_000]]);
});
