import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Metafile } from 'esbuild';
import { ASSET } from './built-function';

const ROOT = join(__dirname, '..', '..');
const metafile = JSON.parse(readFileSync(join(ROOT, 'dist', 'function.meta.json'), 'utf8')) as Metafile;
const { inputs, imports } = metafile.outputs['dist/function/index.js']!;

/** Of how many bytes of the bundle a source is the origin. */
function bytesOf(source: RegExp): number {
  return Object.entries(inputs)
    .filter(([path]) => source.test(path))
    .reduce((sum, [, { bytesInOutput }]) => sum + bytesInOutput, 0);
}

test('the asset is one file of 215,000 bytes at most', () => {
  expect(readdirSync(ASSET)).toEqual(['index.js']);
  expect(statSync(join(ASSET, 'index.js')).size).toBeLessThanOrEqual(215_000);
});

test('beside Node.js, the bundle imports nothing but event streams, and those lazily', () => {
  const beside = imports.filter(({ path }) => !builtinModules.includes(path.replace(/^node:/, '')));
  expect(beside.map(({ kind, path }) => `${kind} ${path}`)).toEqual(['dynamic-import @smithy/core/event-streams']);
});

test.each(['client-iam', 'client-secrets-manager'])('no operation of %s streams', (client) => {
  const schemas = readFileSync(join(ROOT, 'node_modules/@aws-sdk', client, 'dist-es/schemas/schemas_0.js'), 'utf8');
  expect(schemas).toContain('"error"');
  expect(schemas).not.toContain('"streaming"');
});

test.each([
  ['credentials from elsewhere than the environment', /credential-provider-(?!env\/)|nested-clients|token-providers/],
  ['settings in files', /shared-ini-file-loader/],
  ['SHA-256 in JavaScript', /Sha256Js\.js$|@noble/],
  ["classes of AWS's errors", /client-[^/]+\/dist-es\/models\/errors\.js$/],
  ['CommonJS', /dist-cjs|\.cjs$/],
])('nothing in the bundle is %s', (_, source) => {
  expect(bytesOf(source)).toBe(0);
});

test("of the clients' package.json, the bundle has the version", () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'node_modules/@aws-sdk/client-iam/package.json'), 'utf8')) as {
    version: string;
  };
  expect(readFileSync(join(ASSET, 'index.js'), 'utf8')).toContain(version);
  expect(bytesOf(/client-[^/]+\/package\.json$/)).toBeLessThan(100);
});

test('in another folder, with linked packages, the bytes are the same', async () => {
  const parent = mkdtempSync(join(tmpdir(), 'bundle-'));
  const folder = join(parent, 'else where', 'deeper');
  mkdirSync(folder, { recursive: true });
  for (const source of ['scripts/bundle-function.mjs', 'package.json', 'tsconfig.json', 'lambda', 'lib']) {
    cpSync(join(ROOT, source), join(folder, source), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  await promisify(execFile)(process.execPath, ['scripts/bundle-function.mjs'], { cwd: folder });
  const [here, there] = [ROOT, folder].map((root) => readFileSync(join(root, 'dist', 'function', 'index.js')));
  rmSync(parent, { recursive: true });
  expect(there!.equals(here!)).toBe(true);
});
