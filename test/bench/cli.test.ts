import process from 'node:process';
import { cliPart } from '../../bench/cli/cli';
import { isMissed } from '../../bench/figure';

test('the command line is measured alone, with a note, if the tools of the script are not installed', async () => {
  const { PATH } = process.env;
  const notes: string[] = [];
  const note = (text: string) => void notes.push(text);
  try {
    process.env.PATH = '';
    const figures = await cliPart.measure({ nodes: [process.execPath], runs: 1, note });
    expect(figures.map(({ name }) => name)).toEqual(['cli.size', 'cli.gzip', 'cli.code.time']);
    expect(figures.filter(isMissed)).toEqual([]);
  } finally {
    process.env.PATH = PATH;
  }
  expect(notes).toEqual(['cli: code is not compared with a script, because these are not installed: aws, oathtool']);
});
