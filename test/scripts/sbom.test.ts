import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const ROOT = join(__dirname, '..', '..');

interface Sbom {
  readonly components: readonly Component[];
}
interface Component {
  readonly purl: string;
  readonly licenses: unknown;
  readonly hashes?: unknown;
}

/** What the script writes for a project with these files. */
function sbomOf(files: Readonly<Record<string, unknown>>): { readonly sbom: Sbom; readonly text: string } {
  const project = mkdtempSync(join(tmpdir(), 'sbom-'));
  try {
    for (const [file, content] of Object.entries(files)) {
      mkdirSync(dirname(join(project, file)), { recursive: true });
      writeFileSync(join(project, file), JSON.stringify(content));
    }
    const script = join(ROOT, 'scripts', 'write-sbom.mjs');
    const { stderr } = spawnSync(process.execPath, [script], { cwd: project, encoding: 'utf8' });
    expect(stderr).toBe('');
    const text = readFileSync(join(project, 'dist', 'sbom.cdx.json'), 'utf8');
    return { sbom: JSON.parse(text) as Sbom, text };
  } finally {
    rmSync(project, { recursive: true });
  }
}

const metafile = (...inputs: [string, number][]) => ({
  outputs: { bundle: { inputs: Object.fromEntries(inputs.map(([file, bytesInOutput]) => [file, { bytesInOutput }])) } },
});
/** The hash of an archive as a lockfile has it: 64 equal bytes. */
const integrity = (byte: string) => `sha512-${Buffer.from(byte.repeat(64), 'hex').toString('base64')}`;
const PROJECT = {
  'package.json': { name: 'library', version: '1.0.0', license: 'Apache-2.0' },
  'package-lock.json': {
    packages: {
      'node_modules/used': { integrity: integrity('00') },
      'node_modules/used/node_modules/@team/part': { integrity: integrity('ab') },
      'node_modules/unused': { integrity: integrity('00') },
    },
  },
  'node_modules/used/package.json': { name: 'used', version: '2.0.0', license: 'MIT' },
  'node_modules/used/node_modules/@team/part/package.json': {
    name: '@team/part',
    version: '3.0.0',
    license: '(MIT OR Apache-2.0)',
  },
  'node_modules/unused/package.json': { name: 'unused', version: '4.0.0', license: 'MIT' },
  'dist/function.meta.json': metafile(['node_modules/used/index.js', 10], ['node_modules/unused/index.js', 0]),
  'dist/other.meta.json': metafile(['node_modules/used/node_modules/@team/part/dist/index.js', 5], ['lambda/x.ts', 7]),
};

test('the list of bundled versions (SBOM) has the packages whose code is in a bundle, and no others', () => {
  expect(sbomOf(PROJECT).sbom.components).toMatchObject([
    {
      purl: 'pkg:npm/%40team/part@3.0.0',
      licenses: [{ expression: '(MIT OR Apache-2.0)' }],
      hashes: [{ alg: 'SHA-512', content: 'ab'.repeat(64) }],
    },
    {
      purl: 'pkg:npm/used@2.0.0',
      licenses: [{ license: { id: 'MIT' } }],
      hashes: [{ alg: 'SHA-512', content: '00'.repeat(64) }],
    },
  ]);
});

test('each build writes the same bytes, without a time or a random number', () => {
  const { text } = sbomOf(PROJECT);
  expect(sbomOf(PROJECT).text).toBe(text);
  expect(text).not.toMatch(/serialNumber|timestamp/);
});

test('what the package contains lists the versions that the lockfile pins', () => {
  const { components } = JSON.parse(readFileSync(join(ROOT, 'dist', 'sbom.cdx.json'), 'utf8')) as Sbom;
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string }>;
  };
  const pinned = Object.entries(packages).map(
    ([directory, { version }]) =>
      `pkg:npm/${directory.replace(/^.*node_modules\//, '').replace('@', '%40')}@${version}`,
  );
  const purls = components.map(({ purl }) => purl);
  expect(pinned).toEqual(expect.arrayContaining(purls));
  expect(purls.filter((purl) => /\/(client-iam|client-secrets-manager|otplib)@/.test(purl))).toHaveLength(3);
  expect(components.filter(({ hashes }) => hashes === undefined)).toEqual([]);
});
