import process from 'node:process';
import { requestsPart } from '../../bench/requests/requests';
import { scriptPart } from '../../bench/script/script';

const nodes = [process.execPath];

test('Create, Update and Delete of an enrollment take five, two and six calls', async () => {
  const figures = await requestsPart.measure({ nodes, runs: 1, note: () => undefined });
  const calls = figures.filter(({ name }) => name.endsWith('.calls'));
  expect(calls.map(({ name, value }) => [name, value])).toEqual([
    ['requests.create.calls', 5],
    ['requests.update.calls', 2],
    ['requests.delete.calls', 6],
  ]);
  expect(figures.filter(({ value }) => !(value > 0))).toEqual([]);
});

test('the script part is skipped with a note if its tools are not installed', async () => {
  const { PATH } = process.env;
  const notes: string[] = [];
  try {
    process.env.PATH = '';
    expect(await scriptPart.measure({ nodes, runs: 1, note: (text) => void notes.push(text) })).toEqual([]);
  } finally {
    process.env.PATH = PATH;
  }
  expect(notes).toEqual(['script: not measured, because these are not installed: aws, oathtool']);
});
