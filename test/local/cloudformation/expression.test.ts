import { parse, references } from '../../../local/cloudformation/expression';
import type { Json } from '../../../local/cloudformation/json';
import { evaluateConditions } from '../../../local/cloudformation/conditions';
import { resolve, type Scope } from '../../../local/cloudformation/resolve';

const scope: Scope = {
  parameters: new Map<string, string | string[]>([
    ['Name', 'alice'],
    ['Names', ['alice', 'bob']],
  ]),
  pseudoParameters: new Map<string, Json>([['AWS::Region', 'eu-central-1']]),
  mappings: { Map: { 'eu-central-1': { Key: 'mapped', List: ['x'] } } },
  conditions: new Map([
    ['Yes', true],
    ['No', false],
  ]),
  resource: (logicalId) =>
    logicalId === 'User'
      ? { physicalId: 'user-1', attributes: { Arn: 'arn:user', Outputs: { O: 'deep' } } }
      : undefined,
  importValue: (exportName) => `imported ${exportName}`,
};
const value = (source: Json) => resolve(parse(source, 'test'), scope);

describe('an intrinsic function', () => {
  test.each<[string, Json, Json | undefined]>([
    ['Ref answers a parameter', { Ref: 'Name' }, 'alice'],
    ['Ref answers a list parameter', { Ref: 'Names' }, ['alice', 'bob']],
    ['Ref answers a pseudo parameter', { Ref: 'AWS::Region' }, 'eu-central-1'],
    ['Ref answers the physical id of a resource', { Ref: 'User' }, 'user-1'],
    ['Ref AWS::NoValue is nothing at all', { Ref: 'AWS::NoValue' }, undefined],
    ['NoValue is left out of objects', { A: { Ref: 'AWS::NoValue' }, B: 1 }, { B: 1 }],
    ['NoValue is left out of lists', [{ Ref: 'AWS::NoValue' }, 1], [1]],
    ['Fn::GetAtt answers an attribute', { 'Fn::GetAtt': ['User', 'Arn'] }, 'arn:user'],
    ['Fn::GetAtt takes text', { 'Fn::GetAtt': 'User.Arn' }, 'arn:user'],
    ['Fn::GetAtt follows dots', { 'Fn::GetAtt': ['User', 'Outputs.O'] }, 'deep'],
    [
      'Fn::Sub puts in names',
      { 'Fn::Sub': '${Name} in ${AWS::Region}: ${User} ${User.Arn}' },
      'alice in eu-central-1: user-1 arn:user',
    ],
    ['Fn::Sub has variables of its own', { 'Fn::Sub': ['${V}-${Name}', { V: { Ref: 'User' } }] }, 'user-1-alice'],
    ['Fn::Sub leaves ${!…} alone', { 'Fn::Sub': 'a ${!Name} b' }, 'a ${Name} b'],
    ['Fn::Join joins, numbers too', { 'Fn::Join': ['-', ['a', 1, { Ref: 'Name' }]] }, 'a-1-alice'],
    ['Fn::Join joins a list parameter', { 'Fn::Join': [',', { Ref: 'Names' }] }, 'alice,bob'],
    ['Fn::Select takes an index as text', { 'Fn::Select': ['1', { Ref: 'Names' }] }, 'bob'],
    ['Fn::Split splits', { 'Fn::Split': ['-', 'a-b'] }, ['a', 'b']],
    ['Fn::If takes a side', { 'Fn::If': ['Yes', 'y', 'n'] }, 'y'],
    ['Fn::If takes the other', { 'Fn::If': ['No', 'y', { 'Fn::If': ['Yes', 'inner', 'n'] }] }, 'inner'],
    ['Fn::FindInMap finds', { 'Fn::FindInMap': ['Map', { Ref: 'AWS::Region' }, 'Key'] }, 'mapped'],
    ['Fn::Base64 encodes', { 'Fn::Base64': 'text' }, 'dGV4dA=='],
    ['Fn::ImportValue imports', { 'Fn::ImportValue': { 'Fn::Sub': '${Name}-x' } }, 'imported alice-x'],
  ])('%s', (_rule, source, expected) => {
    expect(value(source)).toEqual(expected);
  });

  test.each<[string, Json, RegExp]>([
    ['Fn::Select past the end', { 'Fn::Select': [2, ['a', 'b']] }, /cannot select index 2 of 2/],
    ['Fn::FindInMap of what is not there', { 'Fn::FindInMap': ['Map', 'x', 'Key'] }, /nothing under 'Map', 'x', 'Key'/],
    ['Fn::Join of what is no list', { 'Fn::Join': ['', { Ref: 'Name' }] }, /needs a list where a string stands/],
    ['Fn::Join of an object', { 'Fn::Join': ['', [{ a: 1 }]] }, /needs a string where an object stands/],
    ['Fn::If with too few sides', { 'Fn::If': ['Yes', 'y'] }, /Fn::If in test needs a list of 3/],
    ['Fn::GetAtt without an attribute', { 'Fn::GetAtt': 'User' }, /names no attribute/],
    ['a function beside other keys', { 'Fn::Join': ['', []], Other: 1 }, /stands beside other keys/],
  ])('%s is an error', (_rule, source, message) => {
    expect(() => value(source)).toThrow(message);
  });

  test('refers to what it names, and on the side of Fn::If that is taken only', () => {
    const source: Json = {
      A: { 'Fn::Sub': ['${One.Arn} ${Local} ${!Two}', { Local: { Ref: 'Three' } }] },
      B: { 'Fn::If': ['No', { Ref: 'Four' }, { 'Fn::GetAtt': ['Five', 'Arn'] }] },
    };
    expect([...references(parse(source, 'test'), scope.conditions)]).toEqual(['One', 'Three', 'Five']);
  });
});

describe('a condition', () => {
  const evaluate = (section: Record<string, Json>) => Object.fromEntries(evaluateConditions(section, scope));
  const yes = { 'Fn::Equals': [{ Ref: 'Name' }, 'alice'] };
  const no = { 'Fn::Equals': [{ Ref: 'Name' }, 'bob'] };

  test('compares, and combines others, before or after them', () => {
    expect(
      evaluate({
        Both: { 'Fn::And': [{ Condition: 'Yes' }, no] },
        Either: { 'Fn::Or': [{ Condition: 'Yes' }, no] },
        Neither: { 'Fn::Not': [{ Condition: 'Either' }] },
        Yes: yes,
      }),
    ).toEqual({ Both: false, Either: true, Neither: false, Yes: true });
  });

  test('compares text with numbers and mapped values', () => {
    expect(
      evaluate({
        Number: { 'Fn::Equals': ['1', 1] },
        Mapped: { 'Fn::Equals': [{ 'Fn::FindInMap': ['Map', { Ref: 'AWS::Region' }, 'Key'] }, 'mapped'] },
      }),
    ).toEqual({ Number: true, Mapped: true });
  });

  test.each<[string, Record<string, Json>, RegExp]>([
    ['that depends on itself', { A: { Condition: 'B' }, B: { 'Fn::Not': [{ Condition: 'A' }] } }, /depends on itself/],
    ['that names no other', { A: { Condition: 'Missing' } }, /unresolved condition 'Missing'/],
    ['that reads a resource', { A: { 'Fn::Equals': [{ Ref: 'User' }, 'x'] } }, /Ref 'User' refers to nothing/],
    ['that is no condition', { A: 'true' }, /is not a single condition function/],
  ])('%s is an error', (_rule, section, message) => {
    expect(() => evaluate(section)).toThrow(message);
  });
});
