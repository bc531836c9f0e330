import { declarationOf, problemOfStackId } from '../../lambda/declaration';

const UUID = '11111111-2222-3333-4444-555555555555';
const declared = (StackId: string) => declarationOf({ StackId, LogicalResourceId: 'Alice' });

test('a stack id says region, name and UUID of the stack', () => {
  expect(declared(`arn:aws:cloudformation:eu-west-1:123456789012:stack/Staging/${UUID}`)).toEqual({
    logicalId: 'Alice',
    region: 'eu-west-1',
    stackName: 'Staging',
    stackUuid: UUID,
  });
});

test('what a stack id does not say is empty', () => {
  expect(declared('unknown')).toEqual({ logicalId: 'Alice', region: '', stackName: '', stackUuid: '' });
});

test('only a whole UUID is one', () => {
  expect(problemOfStackId(UUID)).toBeUndefined();
  expect(problemOfStackId(UUID.toUpperCase().replaceAll('1', 'A'))).toBeUndefined();
  for (const wrong of ['', 'unknown', `1${UUID}`, `${UUID}1`, UUID.replace('-', '')]) {
    expect(problemOfStackId(wrong)).toMatch(/StackId/);
  }
});
