import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Metafile } from 'esbuild';
import { BUNDLE } from './account';

const ROOT = join(__dirname, '..', '..');
const NAME = 'cdk-mfa-enrollment';
const metafile = JSON.parse(readFileSync(join(ROOT, 'dist', 'cli.meta.json'), 'utf8')) as Metafile;
const { inputs, imports } = metafile.outputs[`dist/cli/${NAME}.js`]!;

function bytesOf(source: RegExp): number {
  return Object.entries(inputs)
    .filter(([path]) => source.test(path))
    .reduce((sum, [, { bytesInOutput }]) => sum + bytesInOutput, 0);
}

test('the command line is one executable file of at most 400,000 bytes', () => {
  expect(readdirSync(join(ROOT, 'dist', 'cli'))).toEqual([`${NAME}.js`]);
  expect(statSync(BUNDLE).size).toBeLessThanOrEqual(400_000);
  expect(statSync(BUNDLE).mode & 0o111).toBe(0o111);
  expect(readFileSync(BUNDLE, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
});

test('the manifest offers it under the name of the package', () => {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Record<string, unknown>;
  expect(manifest).toMatchObject({ name: NAME, bin: { [NAME]: `dist/cli/${NAME}.js` } });
  expect(manifest.files).toContain('dist/cli');
  expect(manifest).not.toHaveProperty('dependencies');
});

test('the bundle imports only modules of Node.js', () => {
  expect(imports.filter(({ path }) => !builtinModules.includes(path.replace(/^node:/, '')))).toEqual([]);
});

test.each(['env', 'http', 'ini', 'login', 'process', 'sso', 'web-identity'])(
  'the bundle has credentials from: %s',
  (source) => {
    expect(bytesOf(new RegExp(`/credential-provider-${source}/`))).toBeGreaterThan(0);
  },
);

test('the bundle has credentials from instance and container metadata', () => {
  expect(bytesOf(/\/credential-provider-imds\//)).toBeGreaterThan(0);
});

test('otplib computes its HMAC with node:crypto', () => {
  expect(bytesOf(/\/@otplib\/plugin-crypto-node\//)).toBeGreaterThan(0);
  expect(bytesOf(/node_modules\/(?:@noble|@otplib\/plugin-crypto-noble)\//)).toBe(0);
});

test('a build in another folder, with linked packages, produces the same bytes', async () => {
  const parent = mkdtempSync(join(tmpdir(), 'bundle-'));
  const folder = join(parent, 'else where', 'deeper');
  mkdirSync(folder, { recursive: true });
  for (const source of [
    'scripts/bundle.mjs',
    'scripts/bundle-cli.mjs',
    'package.json',
    'tsconfig.json',
    'cli',
    'inspection',
    'lambda',
    'lib',
  ]) {
    cpSync(join(ROOT, source), join(folder, source), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  await promisify(execFile)(process.execPath, ['scripts/bundle-cli.mjs'], { cwd: folder });
  const [here, there] = [ROOT, folder].map((root) => readFileSync(join(root, 'dist', 'cli', `${NAME}.js`)));
  rmSync(parent, { recursive: true });
  expect(there!.equals(here!)).toBe(true);
});
