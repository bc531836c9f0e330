import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const DIRECTORY = join(__dirname, '..', '..', '.github', 'workflows');
const textOf = (file: string) => readFileSync(join(DIRECTORY, file), 'utf8');

/** The text of each job of the release, by its id. */
const JOBS = Object.fromEntries(
  textOf('release.yml')
    .split(/^jobs:\n/m)[1]!
    .split(/^(?= {2}\w+:\n)/m)
    .map((text) => [/^ *(\w+):/.exec(text)?.[1] ?? '', text.replace(/^ *#.*\n/gm, '')]),
);

/** The commands that a job runs. */
function commandsOf(job: string): string[] {
  return [...(JOBS[job] ?? '').matchAll(/^ +(?:- )?run: (.*)$/gm)].map(([, command]) => command ?? '');
}

const needs = (job: string) => /^ {4}needs: (.*)$/m.exec(JOBS[job] ?? '')?.[1];

test('the release has five jobs, each after the one before', () => {
  const jobs = ['tag', 'gate', 'pack', 'npm', 'github'];
  expect(Object.keys(JOBS)).toEqual(jobs);
  expect(jobs.map(needs)).toEqual([undefined, ...jobs.slice(0, -1)]);
});

test('a tag is released only if it is on main and names the version of the manifest', () => {
  expect(JOBS['tag']).toContain('fetch-depth: 0');
  expect(commandsOf('tag')).toEqual([
    'git merge-base --is-ancestor "$GITHUB_SHA" origin/main',
    `test "$GITHUB_REF_NAME" = "v$(node -p 'require("./package.json").version')"`,
  ]);
});

test('gate and pack are two jobs: only digests leave the one that runs code of unpinned packages', () => {
  expect(commandsOf('gate')).toEqual(['bash .ci/run', 'node scripts/pack.mjs --list > tested.sha256']);
  expect([...JOBS['gate']!.matchAll(/^ +path: (.*)$/gm)].map(([, path]) => path)).toEqual(['tested.sha256']);
});

test('the job that packs runs no installation script, builds afresh, and compares the digests', () => {
  expect(commandsOf('pack')).toEqual([
    'npm ci --ignore-scripts',
    'npm run build',
    'node scripts/pack.mjs --expect tested/tested.sha256',
  ]);
});

test('the job that can publish runs no code of the repository and of its dependencies', () => {
  expect(JOBS['npm']).not.toContain('actions/checkout');
  expect(commandsOf('npm')).toEqual(['npm publish ./*.tgz --provenance --access public --ignore-scripts']);
  expect(Object.keys(JOBS).filter((job) => JOBS[job]?.includes('id-token: write'))).toEqual(['npm']);
});

test('the release has the command line and the package as they were compared, and its job runs no code of the repository', () => {
  expect(JOBS['pack']).toMatch(/path: \|\n +\*\.tgz\n +dist\/cli\/cdk-mfa-enrollment\.js\n/);
  expect(JOBS['github']).not.toContain('actions/checkout');
  expect(commandsOf('github')).toEqual([
    'gh release create "$GITHUB_REF_NAME" --repo "$GITHUB_REPOSITORY" --verify-tag --generate-notes ./*.tgz dist/cli/cdk-mfa-enrollment.js',
  ]);
  expect(Object.keys(JOBS).filter((job) => JOBS[job]?.includes('contents: write'))).toEqual(['github']);
});

test.each(readdirSync(DIRECTORY))('%s names each action by its commit, and keeps no credentials', (file) => {
  const text = textOf(file);
  const actions = [...text.matchAll(/uses: (.*)/g)].map(([, action]) => action);
  expect(actions.filter((action) => !/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v[\d.]+$/.test(action ?? ''))).toEqual([]);
  const count = (needle: RegExp) => [...text.matchAll(needle)].length;
  expect(count(/persist-credentials: false/g)).toBe(count(/actions\/checkout@/g));
  expect(text).toMatch(/^permissions:\n {2}contents: read$/m);
});
