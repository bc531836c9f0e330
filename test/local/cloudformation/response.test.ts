import { validateResponse, MAX_RESPONSE_BYTES } from '../../../local/cloudformation/response';

const request = { stackId: 'stack', requestId: 'request', logicalId: 'Thing' };
const VALID_RESPONSE = {
  Status: 'SUCCESS',
  StackId: 'stack',
  RequestId: 'request',
  LogicalResourceId: 'Thing',
  PhysicalResourceId: 'id',
};
const judgeWith = (override: object) => validateResponse(JSON.stringify({ ...VALID_RESPONSE, ...override }), request);

describe('the response of a custom resource', () => {
  test('contains the physical id and the attributes', () => {
    expect(judgeWith({ Data: { A: 1 }, NoEcho: true })).toEqual({
      accepted: true,
      response: { status: 'SUCCESS', physicalId: 'id', attributes: { A: 1 } },
    });
  });

  test('with status FAILED fails with CloudFormation’s message and its own physical id', () => {
    expect(judgeWith({ Status: 'FAILED', Reason: 'because' })).toEqual({
      accepted: true,
      response: {
        status: 'FAILED',
        physicalId: 'id',
        reason:
          'Received response status [FAILED] from custom resource. Message returned: because (RequestId: request)',
      },
    });
  });

  test.each(['Status', 'StackId', 'RequestId', 'LogicalResourceId'])('is ignored if %s is wrong or missing', (key) => {
    for (const value of ['other', undefined]) {
      expect(judgeWith({ [key]: value })).toMatchObject({
        accepted: false,
        ignoredBecause: expect.stringContaining(key) as string,
      });
    }
  });

  test('has at most 4,096 bytes', () => {
    const empty = JSON.stringify({ ...VALID_RESPONSE, Reason: '' }).length;
    expect(judgeWith({ Reason: 'x'.repeat(MAX_RESPONSE_BYTES - empty) })).toMatchObject({
      response: { status: 'SUCCESS' },
    });
    expect(judgeWith({ Reason: 'x'.repeat(MAX_RESPONSE_BYTES - empty + 1) })).toMatchObject({
      response: { status: 'FAILED', reason: 'Response object is too long.' },
    });
  });

  test('is measured in bytes, not in characters', () => {
    expect(judgeWith({ Reason: 'ü'.repeat(2_048) })).toMatchObject({
      response: { reason: 'Response object is too long.' },
    });
  });

  test.each(['', undefined, 7, 'x'.repeat(1_025)])('fails if its physical id is %p', (PhysicalResourceId) => {
    expect(judgeWith({ PhysicalResourceId })).toEqual({
      accepted: true,
      response: { status: 'FAILED', reason: 'Invalid PhysicalResourceId' },
    });
  });

  test('can have a physical id of 1,024 characters', () => {
    expect(judgeWith({ PhysicalResourceId: 'x'.repeat(1_024) })).toMatchObject({ response: { status: 'SUCCESS' } });
  });

  test.each(['', 'nonsense', '[]', '"text"'])('fails if it is %p instead of a JSON object', (body) => {
    expect(validateResponse(body, request)).toMatchObject({ response: { reason: 'Response is not valid JSON.' } });
  });

  test('fails if its attributes are not an object', () => {
    expect(judgeWith({ Data: 'x' })).toMatchObject({ response: { status: 'FAILED', reason: 'Data is not an object' } });
  });
});
