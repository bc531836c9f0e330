import type * as Index from '../../lambda/index';
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

/** Loads the function as a new environment does, which reads its variables then. */
async function load(variables: Record<string, string>): Promise<typeof Index.handler> {
  jest.resetModules();
  jest.replaceProperty(process, 'env', { ...process.env, ...variables });
  return (await import('../../lambda/index')).handler;
}
const loadLocally = () => load({ CDK_MFA_ENROLLMENT_LOCAL: 'true' });

/** A request that is refused without a call to AWS. */
const refused = () =>
  new Stage().event('Create', {
    ResourceType: 'Custom::Other',
    ResponseURL: `${server.url()}/answer?X-Amz-Signature=1`,
  });

test('the handler responds over HTTP and logs the duration', async () => {
  const handler = await loadLocally();
  await handler(refused(), CONTEXT);
  expect(server.requests).toHaveLength(1);
  expect(JSON.parse(server.requests[0]!.body) as Answer).toMatchObject({ Status: 'FAILED' });
  const last = JSON.parse(lines.at(-1)!) as Record<string, unknown>;
  expect(last).toMatchObject({ message: 'responding', status: 'FAILED' });
  expect(last.ms).toBeGreaterThanOrEqual(0);
  expect(mockSleep).not.toHaveBeenCalled();
});

test('pauses are in milliseconds of the system clock', async () => {
  server.respond = (response) => response.writeHead(server.requests.length < 3 ? 503 : 200).end();
  const handler = await loadLocally();
  await handler(refused(), CONTEXT);
  expect(mockSleep.mock.calls).toEqual([[500], [1_000]]);
});

test('the handler responds to this machine only if the local AWS says so', async () => {
  const handler = await load({ CDK_MFA_ENROLLMENT_LOCAL: '1' });
  await expect(handler(refused(), CONTEXT)).rejects.toThrow("the response URL can't be used: not https");
  expect(server.requests).toEqual([]);
});
