import { bound, LineLogger, type LogFields } from '../../lambda/logger';
import { DeliveryError } from '../../lambda/delivery';
import { LOGICAL_ID, MINUTE, refuse, Stage } from './stage';

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
    expect(parse(lineOf('responding', { ms: 1_234.567 }))).toEqual({ message: 'responding', ms: 1_235 });
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
    return stage.log.map((line) => {
      expect(line).toMatchObject(request);
      return Object.fromEntries(Object.entries(line).filter(([field]) => !(field in request)));
    });
  }
  const every = (requestType: string) => ({
    requestId: expect.stringMatching(/^b1c2d3e4-/) as unknown,
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
      // 75% of two pauses of 1 s, because the tags that it has read are fresh.
      { message: 'responding', status: 'SUCCESS', ms: 1_500 },
    ]);
  });

  test('that fails logs the error code', async () => {
    stage.fault = refuse('iam:TagMFADevice', 'LimitExceeded', 409);
    await stage.request('Create');
    expect(logged(every('Create')).slice(-2)).toEqual([
      { message: 'request failed', errorCode: 'LimitExceeded' },
      { message: 'responding', status: 'FAILED', ms: 0 },
    ]);
  });

  test('with invalid properties logs InvalidProperty', async () => {
    await stage.request('Create', { ResourceType: 'Custom::Other' });
    expect(logged(every('Create'))).toContainEqual({ message: 'request failed', errorCode: 'InvalidProperty' });
  });

  test('logs each failed delivery of its response, and why it failed', async () => {
    let deliveries = 0;
    const failures = [new DeliveryError('status 503'), new Error('quotes the URL')];
    stage.deliver = () => {
      const failure = failures[deliveries++];
      return failure === undefined ? Promise.resolve() : Promise.reject(failure);
    };
    await stage.request('Update', { PhysicalResourceId: 'another' });
    expect(logged(every('Update')).slice(-2)).toEqual([
      { message: 'response not delivered', attempt: 1, errorCode: 'status 503' },
      { message: 'response not delivered', attempt: 2, errorCode: 'unknown error' },
    ]);
  });

  test('of type Delete logs why it undoes nothing', async () => {
    await stage.request('Delete');
    expect(logged(every('Delete'))).toContainEqual({ message: 'no claim of this resource, nothing to undo' });
  });

  test('of type Delete logs why the device stays enabled', async () => {
    await stage.request('Create', { LogicalResourceId: 'Other' });
    await stage.pass(MINUTE);
    await stage.request('Create');
    stage.left.length = 0;
    await stage.request('Delete');
    expect(logged(every('Delete'))).toContainEqual({ message: 'others rely on the device, it stays enabled' });
  });
});
