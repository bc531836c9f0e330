import { judge, MAX_ANSWER_BYTES } from '../../../local/cloudformation/answer';

const request = { stackId: 'stack', requestId: 'request', logicalId: 'Thing' };
const right = {
  Status: 'SUCCESS',
  StackId: 'stack',
  RequestId: 'request',
  LogicalResourceId: 'Thing',
  PhysicalResourceId: 'id',
};
const judged = (change: object) => judge(JSON.stringify({ ...right, ...change }), request);

describe('an answer', () => {
  test('hands over its physical id and its attributes', () => {
    expect(judged({ Data: { A: 1 }, NoEcho: true })).toEqual({
      effective: true,
      answer: { status: 'SUCCESS', physicalId: 'id', attributes: { A: 1 } },
    });
  });

  test('that FAILED says why in the words of CloudFormation, and keeps its physical id', () => {
    expect(judged({ Status: 'FAILED', Reason: 'because' })).toEqual({
      effective: true,
      answer: {
        status: 'FAILED',
        physicalId: 'id',
        reason:
          'Received response status [FAILED] from custom resource. Message returned: because (RequestId: request)',
      },
    });
  });

  test.each(['Status', 'StackId', 'RequestId', 'LogicalResourceId'])('is ignored with another %s, or none', (key) => {
    for (const value of ['other', undefined]) {
      expect(judged({ [key]: value })).toMatchObject({ effective: false, why: expect.stringContaining(key) as string });
    }
  });

  test('may have exactly 4,096 bytes, and not one more', () => {
    const empty = JSON.stringify({ ...right, Reason: '' }).length;
    expect(judged({ Reason: 'x'.repeat(MAX_ANSWER_BYTES - empty) })).toMatchObject({ answer: { status: 'SUCCESS' } });
    expect(judged({ Reason: 'x'.repeat(MAX_ANSWER_BYTES - empty + 1) })).toMatchObject({
      answer: { status: 'FAILED', reason: 'Response object is too long.' },
    });
  });

  test('is measured in bytes, not in characters', () => {
    expect(judged({ Reason: 'ü'.repeat(2_048) })).toMatchObject({ answer: { reason: 'Response object is too long.' } });
  });

  test.each(['', undefined, 7, 'x'.repeat(1_025)])('fails with %p as its physical id', (PhysicalResourceId) => {
    expect(judged({ PhysicalResourceId })).toEqual({
      effective: true,
      answer: { status: 'FAILED', reason: 'Invalid PhysicalResourceId' },
    });
  });

  test('may have a physical id of 1,024 characters', () => {
    expect(judged({ PhysicalResourceId: 'x'.repeat(1_024) })).toMatchObject({ answer: { status: 'SUCCESS' } });
  });

  test.each(['', 'nonsense', '[]', '"text"'])('fails where it is %p and no JSON object', (body) => {
    expect(judge(body, request)).toMatchObject({ answer: { reason: 'Response is not valid JSON.' } });
  });

  test('fails where its attributes are no object', () => {
    expect(judged({ Data: 'x' })).toMatchObject({ answer: { status: 'FAILED', reason: 'Data is not an object' } });
  });
});
