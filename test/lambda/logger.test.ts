import { bound, LineLogger, type LogFields } from '../../lambda/logger';
import { LOGICAL_ID, refuse, Stage } from './stage';

const parse = (line: string) => JSON.parse(line) as Record<string, unknown>;

describe('a line', () => {
  const lineOf = (...line: Parameters<LineLogger['log']>): string => {
    const lines: string[] = [];
    new LineLogger((written) => lines.push(written)).log(...line);
    expect(lines).toHaveLength(1);
    return lines[0]!;
  };

  test('is one JSON object with the given fields', () => {
    const fields: LogFields = {
      requestId: '1',
      requestType: 'Create',
      logicalId: 'Alice',
      userName: 'alice',
      serialNumber: 'arn',
      action: 'iam:TagMFADevice',
      attempt: 2,
      errorCode: 'Throttling',
      status: 'FAILED',
    };
    expect(parse(lineOf('call failed', fields))).toEqual({ message: 'call failed', ...fields });
    expect(lineOf('request received')).toBe('{"message":"request received"}');
  });

  test('contains whole milliseconds', () => {
    expect(parse(lineOf('answering', { ms: 1_234.567 }))).toEqual({ message: 'answering', ms: 1_235 });
  });

  test('contains only the allowed fields', () => {
    const event = { ResponseURL: 'https://signed', seed: 'JBSWY3DP' } as LogFields;
    expect(lineOf('request received', event)).toBe('{"message":"request received"}');
  });
});

test('a bound logger adds its fields to every line, unless the line overrides them', () => {
  const lines: unknown[] = [];
  const logger = bound({ log: (...line) => lines.push(line) }, { requestId: '1', attempt: 0 });
  logger.log('request received');
  logger.log('call failed', { attempt: 2 });
  expect(lines).toEqual([
    ['request received', { requestId: '1', attempt: 0 }],
    ['call failed', { requestId: '1', attempt: 2 }],
  ]);
});

describe('a request', () => {
  let stage: Stage;
  beforeEach(() => {
    stage = new Stage();
  });
  afterEach(() => stage.expectSecrecy());

  /** The lines of the requests, without the fields that every line has. */
  function logged(request: Record<string, unknown>): Record<string, unknown>[] {
    const lines = stage.left.map(parse).filter((line) => 'message' in line);
    return lines.map((line) => {
      expect(line).toMatchObject(request);
      return Object.fromEntries(Object.entries(line).filter(([field]) => !(field in request)));
    });
  }
  const every = (requestType: string) => ({
    requestId: 'b1c2d3e4-0000-0000-0000-000000000000',
    requestType,
    logicalId: LOGICAL_ID,
    userName: 'alice',
    serialNumber: stage.serialNumber,
  });

  test('logs its receipt, failed calls and response, each with the ids of the request', async () => {
    stage.fault = refuse('iam:TagMFADevice', 'Throttling', 400, [1, 2]);
    await stage.request('Create');
    expect(logged(every('Create'))).toEqual([
      { message: 'request received' },
      { message: 'call failed', action: 'iam:TagMFADevice', errorCode: 'Throttling', attempt: 1 },
      { message: 'call failed', action: 'iam:TagMFADevice', errorCode: 'Throttling', attempt: 2 },
      { message: 'device enabled' },
      // 75% of the pauses of 0.5 s and 1 s.
      { message: 'answering', status: 'SUCCESS', ms: 1_125 },
    ]);
  });

  test('that fails logs the error code', async () => {
    stage.fault = refuse('iam:TagMFADevice', 'LimitExceeded', 409);
    await stage.request('Create');
    expect(logged(every('Create')).slice(-2)).toEqual([
      { message: 'request failed', errorCode: 'LimitExceeded' },
      { message: 'answering', status: 'FAILED', ms: 0 },
    ]);
  });

  test('with invalid properties logs InvalidProperty', async () => {
    await stage.request('Create', { ResourceType: 'Custom::Other' });
    expect(logged(every('Create'))).toContainEqual({ message: 'request failed', errorCode: 'InvalidProperty' });
  });

  test('logs each failed delivery of its response', async () => {
    let deliveries = 0;
    stage.deliver = () => (++deliveries < 3 ? Promise.reject(new Error('broken')) : Promise.resolve());
    await stage.request('Update', { PhysicalResourceId: 'another' });
    expect(logged(every('Update')).slice(-2)).toEqual([
      { message: 'answer not delivered', attempt: 1 },
      { message: 'answer not delivered', attempt: 2 },
    ]);
  });

  test('of type Delete logs why it undoes nothing', async () => {
    await stage.request('Delete');
    expect(logged(every('Delete'))).toContainEqual({ message: 'no claim of ours, nothing to undo' });
  });

  test('of type Delete logs why the device stays enabled', async () => {
    await stage.request('Create', { LogicalResourceId: 'Other' });
    await stage.request('Create');
    stage.left.length = 0;
    await stage.request('Delete');
    expect(logged(every('Delete'))).toContainEqual({ message: 'others rely on the device, it stays enabled' });
  });

  test('of type Delete with an invented physical id logs what it waits for', async () => {
    await stage.request('Delete', { PhysicalResourceId: 'Staging-Alice-1ABCDEFGHIJKL' });
    const [, waiting] = logged(every('Delete'));
    expect(waiting).toEqual({ message: 'waiting for a Create that may still be under way' });
  });
});
