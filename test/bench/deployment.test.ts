import { creationSeconds } from '../../bench/deployment/creation-time';
import { deploymentPart } from '../../bench/deployment/deployment';
import { longestChain } from '../../bench/deployment/longest-chain';
import { oneLineFigures } from '../../bench/deployment/one-line';

const role = { Type: 'AWS::IAM::Role' };
const topic = (Properties: object) => ({ Type: 'AWS::SNS::Topic', Properties });

test.each([
  ['AWS::IAM::Role', 16],
  ['AWS::IAM::Policy', 16],
  ['AWS::IAM::ManagedPolicy', 16],
  ['AWS::IAM::User', 16],
  ['AWS::Lambda::Function', 6],
  ['AWS::Lambda::EventInvokeConfig', 3],
  ['Custom::MfaEnrollment', 3],
  ['AWS::CloudFormation::CustomResource', 3],
  ['AWS::SecretsManager::Secret', 2],
  ['AWS::Logs::LogGroup', 2],
])('creating %s takes %d s', (type, seconds) => {
  expect(creationSeconds(type)).toBe(seconds);
});

test.each<[string, object]>([
  ['Ref', { Nested: [{ Ref: 'Role' }] }],
  ['Fn::GetAtt with a list', { Name: { 'Fn::GetAtt': ['Role', 'Arn'] } }],
  ['Fn::GetAtt with a string', { Name: { 'Fn::GetAtt': 'Role.Arn' } }],
  ['Fn::Sub with a logical id', { Name: { 'Fn::Sub': 'a-${Role}' } }],
  ['Fn::Sub with an attribute', { Name: { 'Fn::Sub': ['a-${Role.Arn}', {}] } }],
  ['a variable of Fn::Sub', { Name: { 'Fn::Sub': ['a-${Name}', { Name: { Ref: 'Role' } }] } }],
  ['a reference inside Fn::Join', { Name: { 'Fn::Join': ['-', ['a', { Ref: 'Role' }]] } }],
])('%s makes a resource wait for the other', (_, properties) => {
  const chain = { seconds: 18, logicalIds: ['Role', 'Topic'] };
  expect(longestChain({ Topic: topic(properties), Role: role })).toEqual(chain);
});

test.each(['Role', ['Role']])('DependsOn %j makes a resource wait for the other', (DependsOn) => {
  expect(longestChain({ Topic: { Type: 'AWS::SNS::Topic', DependsOn }, Role: role }).seconds).toBe(18);
});

test.each<[string, object]>([
  ['a parameter', { Ref: 'Parameter' }],
  ['a pseudo parameter', { 'Fn::Sub': '${AWS::Region}' }],
  ['an escaped variable', { 'Fn::Sub': '${!Role}' }],
  ['a variable that is named like a resource', { 'Fn::Sub': ['${Role}', { Role: 'a' }] }],
])('%s is no dependency', (_, name) => {
  expect(longestChain({ Topic: topic({ Name: name }), Role: role }).logicalIds).toEqual(['Role']);
});

test('the longest chain is the one that takes most time, not the one with most resources', () => {
  const chain = longestChain({
    A: topic({}),
    B: topic({ Name: { Ref: 'A' } }),
    C: topic({ Name: [{ Ref: 'B' }, { Ref: 'Role' }] }),
    Role: role,
  });
  expect(chain).toEqual({ seconds: 18, logicalIds: ['Role', 'C'] });
});

test('a circular dependency is an error', () => {
  const circular = { A: topic({ Name: { Ref: 'B' } }), B: topic({ Name: { Ref: 'A' } }) };
  expect(() => longestChain(circular)).toThrow('circular dependency: A > B > A');
});

test('the longest chain of the example has a bound of 45 s and is listed in the notes', async () => {
  const notes: string[] = [];
  const figures = await deploymentPart.measure({ nodes: [], runs: 1, note: (text) => void notes.push(text) });
  expect(figures[0]).toEqual({
    name: 'deployment.example.longestChain',
    value: expect.any(Number) as number,
    unit: 's',
    atMost: 45,
  });
  expect(notes.join()).toMatch(/AWS::IAM::Role > .*Custom::MfaEnrollment$/);
});

test('the requests of the one-line enrollment have bounds for their calls and for the seconds of a Delete', async () => {
  const figures = await oneLineFigures();
  expect(figures.map(({ name, unit, atMost }) => [name, unit, atMost])).toEqual([
    ['deployment.oneLine.deploy', 's', undefined],
    ['deployment.oneLine.destroy', 's', undefined],
    ['deployment.oneLine.device.create.calls', 'count', 7],
    ['deployment.oneLine.device.create.time', 's', undefined],
    ['deployment.oneLine.enrollment.create.calls', 'count', 6],
    ['deployment.oneLine.enrollment.create.time', 's', undefined],
    ['deployment.oneLine.enrollment.delete.calls', 'count', 6],
    ['deployment.oneLine.enrollment.delete.time', 's', 3],
    ['deployment.oneLine.device.delete.calls', 'count', 8],
    ['deployment.oneLine.device.delete.time', 's', 3],
  ]);
});

test('the requests of the one-line enrollment stay within their bounds', async () => {
  const figures = await oneLineFigures();
  expect(figures.filter(({ value, atMost = Infinity }) => value > atMost)).toEqual([]);
});
