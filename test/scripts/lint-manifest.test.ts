import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SCRIPT = join(__dirname, '..', '..', 'scripts', 'lint-manifest.mjs');

/** The parts of a project that the script reads. */
const PROJECT = {
  otplib: '^13.5.0' as string | undefined,
  imported: 'otplib',
  cli: '^2.1148.0' as string | undefined,
  installedCli: '2.1148.1' as string | undefined,
  license: 'MIT' as string | undefined,
};

/** What the script prints about a project, line by line. */
function problemsOf(changes: Partial<typeof PROJECT>): string[] {
  const { otplib, imported, cli, installedCli, license } = { ...PROJECT, ...changes };
  const directory = mkdtempSync(join(tmpdir(), 'lint-manifest-'));
  try {
    const write = (file: string, content: unknown) => {
      writeFileSync(join(directory, file), typeof content === 'string' ? content : JSON.stringify(content));
    };
    mkdirSync(join(directory, 'lambda'));
    write('package.json', { devDependencies: { otplib, 'aws-cdk': cli } });
    write('package-lock.json', {
      packages: {
        'node_modules/aws-cdk': { version: installedCli, license: 'Apache-2.0' },
        'node_modules/x': { license },
      },
    });
    write('lambda/seed.ts', "import { ScureBase32Plugin } from 'otplib';\n");
    write('lambda/totp.ts', `import { generateSync } from '${imported}';\n`);
    const { status, stderr } = spawnSync(process.execPath, [SCRIPT], { cwd: directory, encoding: 'utf8' });
    const problems = stderr.split('\n').slice(0, -1);
    expect(status).toBe(problems.length > 0 ? 1 : 0);
    return problems;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('accepts otplib by its name, the CDK CLI 2.x and permissive licenses', () => {
  expect(problemsOf({})).toEqual([]);
});

test.each<[string, Partial<typeof PROJECT>, string[]]>([
  ['a manifest without otplib', { otplib: undefined }, ["package.json: devDependencies: expected 'otplib'"]],
  ['a part of otplib', { imported: '@otplib/totp' }, ["lambda/totp.ts: expected an import from 'otplib'"]],
  ['a range of another major version of the CDK CLI', { cli: '^3.0.0' }, ["aws-cdk: range '^3.0.0': expected 2.x"]],
  ['a range that allows any version of the CDK CLI', { cli: '>=2.0.0' }, ["aws-cdk: range '>=2.0.0': expected 2.x"]],
  ['another version of the CDK CLI', { installedCli: '3.0.0' }, ["aws-cdk: installed '3.0.0': expected 2.x"]],
  [
    'no CDK CLI',
    { cli: undefined, installedCli: undefined },
    ["aws-cdk: range 'undefined': expected 2.x", "aws-cdk: installed 'undefined': expected 2.x"],
  ],
  [
    'a license that is not permissive',
    { license: 'GPL-3.0-only' },
    ["node_modules/x: license 'GPL-3.0-only': expected a permissive one (scripts/licenses.mjs)"],
  ],
  [
    'a package without a license',
    { license: undefined },
    ["node_modules/x: license 'undefined': expected a permissive one (scripts/licenses.mjs)"],
  ],
])('refuses %s', (_, changes, problems) => {
  expect(problemsOf(changes)).toEqual(problems);
});
