import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Metafile } from 'esbuild';
import { ASSET } from './built-function';

const ROOT = join(__dirname, '..', '..');
const metafile = JSON.parse(readFileSync(join(ROOT, 'dist', 'function.meta.json'), 'utf8')) as Metafile;
const { inputs, imports } = metafile.outputs['dist/function/index.js']!;

/** How many bytes of the bundle come from matching sources. */
function bytesOf(source: RegExp): number {
  return Object.entries(inputs)
    .filter(([path]) => source.test(path))
    .reduce((sum, [, { bytesInOutput }]) => sum + bytesInOutput, 0);
}

test('the asset is one file of at most 215,000 bytes', () => {
  expect(readdirSync(ASSET)).toEqual(['index.js']);
  expect(statSync(join(ASSET, 'index.js')).size).toBeLessThanOrEqual(215_000);
});

test('the bundle imports only modules of Node.js and, lazily, event streams', () => {
  const others = imports.filter(({ path }) => !builtinModules.includes(path.replace(/^node:/, '')));
  expect(others.map(({ kind, path }) => `${kind} ${path}`)).toEqual(['dynamic-import @smithy/core/event-streams']);
});

test.each(['client-iam', 'client-secrets-manager'])('no operation of %s streams events', (client) => {
  const schemas = readFileSync(join(ROOT, 'node_modules/@aws-sdk', client, 'dist-es/schemas/schemas_0.js'), 'utf8');
  expect(schemas).toContain('"error"');
  expect(schemas).not.toContain('"streaming"');
});

test.each([
  ['credentials from outside the environment', /credential-provider-(?!env\/)|nested-clients|token-providers/],
  ['settings from files', /shared-ini-file-loader/],
  ['hashes in JavaScript', /Sha256Js\.js$|@noble/],
  ["classes for AWS's errors", /client-[^/]+\/dist-es\/models\/errors\.js$/],
  ['CommonJS builds', /dist-cjs|\.cjs$/],
])('the bundle has no %s', (_, source) => {
  expect(bytesOf(source)).toBe(0);
});

test('otplib computes its HMAC with node:crypto', () => {
  expect(bytesOf(/\/otplib\//)).toBeGreaterThan(0);
  expect(bytesOf(/\/@otplib\/plugin-crypto-node\//)).toBeGreaterThan(0);
  expect(bytesOf(/\/@otplib\/plugin-crypto-noble\//)).toBe(0);
});

test("of each client's package.json, the bundle holds only the version", () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'node_modules/@aws-sdk/client-iam/package.json'), 'utf8')) as {
    version: string;
  };
  expect(readFileSync(join(ASSET, 'index.js'), 'utf8')).toContain(version);
  expect(bytesOf(/client-[^/]+\/package\.json$/)).toBeLessThan(100);
});

test('a build in another folder, with linked packages, produces the same bytes', async () => {
  const parent = mkdtempSync(join(tmpdir(), 'bundle-'));
  const folder = join(parent, 'else where', 'deeper');
  mkdirSync(folder, { recursive: true });
  for (const source of ['scripts', 'package.json', 'tsconfig.json', 'lambda', 'lib']) {
    cpSync(join(ROOT, source), join(folder, source), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  await promisify(execFile)(process.execPath, ['scripts/bundle-function.mjs'], { cwd: folder });
  const [here, there] = [ROOT, folder].map((root) => readFileSync(join(root, 'dist', 'function', 'index.js')));
  rmSync(parent, { recursive: true });
  expect(there!.equals(here!)).toBe(true);
});
