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
  stackOutput: (stackName, outputName, region = 'here') => `${stackName} ${outputName} ${region}`,
};
const value = (source: Json) => resolve(parse(source, 'test'), scope);

describe('an intrinsic function', () => {
  test.each<[string, Json, Json | undefined]>([
    ['Ref returns a parameter', { Ref: 'Name' }, 'alice'],
    ['Ref returns a list parameter', { Ref: 'Names' }, ['alice', 'bob']],
    ['Ref returns a pseudo parameter', { Ref: 'AWS::Region' }, 'eu-central-1'],
    ['Ref returns the physical id of a resource', { Ref: 'User' }, 'user-1'],
    ['Ref returns undefined for AWS::NoValue', { Ref: 'AWS::NoValue' }, undefined],
    ['AWS::NoValue is omitted from objects', { A: { Ref: 'AWS::NoValue' }, B: 1 }, { B: 1 }],
    ['AWS::NoValue is omitted from lists', [{ Ref: 'AWS::NoValue' }, 1], [1]],
    ['Fn::GetAtt returns an attribute', { 'Fn::GetAtt': ['User', 'Arn'] }, 'arn:user'],
    ['Fn::GetAtt accepts a string', { 'Fn::GetAtt': 'User.Arn' }, 'arn:user'],
    ['Fn::GetAtt follows a dotted path', { 'Fn::GetAtt': ['User', 'Outputs.O'] }, 'deep'],
    [
      'Fn::Sub replaces names',
      { 'Fn::Sub': '${Name} in ${AWS::Region}: ${User} ${User.Arn}' },
      'alice in eu-central-1: user-1 arn:user',
    ],
    ['Fn::Sub replaces its own variables', { 'Fn::Sub': ['${V}-${Name}', { V: { Ref: 'User' } }] }, 'user-1-alice'],
    ['Fn::Sub unescapes ${!…}', { 'Fn::Sub': 'a ${!Name} b' }, 'a ${Name} b'],
    ['Fn::Join joins strings and numbers', { 'Fn::Join': ['-', ['a', 1, { Ref: 'Name' }]] }, 'a-1-alice'],
    ['Fn::Join joins a list parameter', { 'Fn::Join': [',', { Ref: 'Names' }] }, 'alice,bob'],
    ['Fn::Select accepts an index as a string', { 'Fn::Select': ['1', { Ref: 'Names' }] }, 'bob'],
    ['Fn::Split splits a string', { 'Fn::Split': ['-', 'a-b'] }, ['a', 'b']],
    ['Fn::If returns the first value if the condition is true', { 'Fn::If': ['Yes', 'y', 'n'] }, 'y'],
    [
      'Fn::If returns the second value if the condition is false',
      { 'Fn::If': ['No', 'y', { 'Fn::If': ['Yes', 'inner', 'n'] }] },
      'inner',
    ],
    ['Fn::FindInMap returns a mapped value', { 'Fn::FindInMap': ['Map', { Ref: 'AWS::Region' }, 'Key'] }, 'mapped'],
    ['Fn::Base64 encodes a string', { 'Fn::Base64': 'text' }, 'dGV4dA=='],
    ['Fn::ImportValue returns an export', { 'Fn::ImportValue': { 'Fn::Sub': '${Name}-x' } }, 'imported alice-x'],
  ])('%s', (_rule, source, expected) => {
    expect(value(source)).toEqual(expected);
  });

  test.each<[string, Json, RegExp]>([
    [
      'Fn::Select beyond the end of a list',
      { 'Fn::Select': [2, ['a', 'b']] },
      /index 2 is out of range, the list has 2 values/,
    ],
    [
      'Fn::FindInMap with unknown keys',
      { 'Fn::FindInMap': ['Map', 'x', 'Key'] },
      /no value found under 'Map', 'x', 'Key'/,
    ],
    ['Fn::Join of a string', { 'Fn::Join': ['', { Ref: 'Name' }] }, /expected a list, got a string/],
    ['Fn::Join of a list with an object', { 'Fn::Join': ['', [{ a: 1 }]] }, /expected a string, got an object/],
    ['Fn::If with one value', { 'Fn::If': ['Yes', 'y'] }, /Fn::If in test: expected a list of 3/],
    ['Fn::GetAtt without an attribute', { 'Fn::GetAtt': 'User' }, /does not name an attribute/],
    ['a function next to another key', { 'Fn::Join': ['', []], Other: 1 }, /must be the only key/],
  ])('%s is an error', (_rule, source, message) => {
    expect(() => value(source)).toThrow(message);
  });

  test('refers to the names in it, except in the branch of Fn::If that is not taken', () => {
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

  test('can compare values, and combine conditions declared before or after it', () => {
    expect(
      evaluate({
        Both: { 'Fn::And': [{ Condition: 'Yes' }, no] },
        Either: { 'Fn::Or': [{ Condition: 'Yes' }, no] },
        Neither: { 'Fn::Not': [{ Condition: 'Either' }] },
        Yes: yes,
      }),
    ).toEqual({ Both: false, Either: true, Neither: false, Yes: true });
  });

  test('can compare strings with numbers and mapped values', () => {
    expect(
      evaluate({
        Number: { 'Fn::Equals': ['1', 1] },
        Mapped: { 'Fn::Equals': [{ 'Fn::FindInMap': ['Map', { Ref: 'AWS::Region' }, 'Key'] }, 'mapped'] },
      }),
    ).toEqual({ Number: true, Mapped: true });
  });

  test.each<[string, Record<string, Json>, RegExp]>([
    ['that depends on itself', { A: { Condition: 'B' }, B: { 'Fn::Not': [{ Condition: 'A' }] } }, /depends on itself/],
    ['that refers to an unknown condition', { A: { Condition: 'Missing' } }, /unresolved condition 'Missing'/],
    ['that refers to a resource', { A: { 'Fn::Equals': [{ Ref: 'User' }, 'x'] } }, /Ref 'User' has no value/],
    ['that is not a condition function', { A: 'true' }, /is not a single condition function/],
  ])('%s is an error', (_rule, section, message) => {
    expect(() => evaluate(section)).toThrow(message);
  });
});
