import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SCRIPT = join(__dirname, '..', '..', 'scripts', 'pack.mjs');
const BUNDLE = 'dist/function/index.js';

/** The digests of the project before a test changes it. */
let digests: string | undefined;
let project: string;
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'packed-'));
  mkdirSync(join(project, 'dist', 'function'), { recursive: true });
  mkdirSync(join(project, 'out'));
  write('package.json', JSON.stringify({ name: 'packed', version: '1.0.0', files: ['dist'] }));
  write(BUNDLE, 'exports.handler = () => 1;\n');
  digests ??= run('--list').stdout;
  write('tested.sha256', digests);
});
afterEach(() => rmSync(project, { recursive: true }));

function write(file: string, text: string): void {
  writeFileSync(join(project, file), text);
}

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, ...args], { cwd: project, encoding: 'utf8' });
  return { status, stdout, stderr };
}

const pack = () => run('--expect', 'tested.sha256', '--to', 'out');
const packed = () => readdirSync(join(project, 'out'));

test('the package is packed if each file is the one that was tested', () => {
  expect(pack()).toEqual({ status: 0, stdout: 'packed-1.0.0.tgz\n', stderr: '' });
  expect(packed()).toEqual(['packed-1.0.0.tgz']);
});

test('a changed byte in dist/ before packing is an error that names the file, and nothing is packed', () => {
  write(BUNDLE, 'exports.handler = () => 2;\n');
  const { status, stderr } = pack();
  expect(status).toBe(1);
  expect(stderr).toMatch(
    /^not packed: the files differ from those in 'tested\.sha256':\n {2}dist\/function\/index\.js: /,
  );
  expect(packed()).toEqual([]);
});

test.each<[string, () => void, string]>([
  ['an additional file', () => write('dist/more.js', ''), 'dist/more.js: expected no such file, found e3b0c44298fc'],
  ['a missing file', () => rmSync(join(project, BUNDLE)), `${BUNDLE}: expected`],
  [
    'another manifest',
    () => write('package.json', JSON.stringify({ name: 'packed', version: '1.0.0', files: ['dist'], bin: 'x.js' })),
    'package.json: expected',
  ],
])('%s is an error, too', (_what, change, problem) => {
  change();
  const { status, stderr } = pack();
  expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining(problem) as string });
  expect(packed()).toEqual([]);
});

test('a changed file is found if its path holds two spaces', () => {
  write('dist/a  b.js', '1;\n');
  write('tested.sha256', run('--list').stdout);
  expect(pack().status).toBe(0);
  write('dist/a  b.js', '2;\n');
  const { status, stderr } = pack();
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: expect.stringMatching(/^ {2}dist\/a {2}b\.js: expected [0-9a-f]{64}, found [0-9a-f]{64}$/m) as string,
  });
});

test('an empty list of digests is an error', () => {
  write('tested.sha256', '');
  expect(pack().status).toBe(1);
  expect(packed()).toEqual([]);
});

test.each([[[]], [['--list', '--expect', 'tested.sha256']]])('%j is no command', (args) => {
  const { status, stderr } = run(...args);
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: expect.stringContaining('expected one of --list and --expect FILE') as string,
  });
});
