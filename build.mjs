// Compiles the construct library, and bundles the function into the one file that the construct ships as its asset.
import { execFileSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import process from 'node:process';
import { build } from 'esbuild';

const jsii = ['node_modules/jsii/bin/jsii', '--generate-tsconfig', 'tsconfig.jsii.json', '--fail-on-warnings'];
execFileSync(process.execPath, jsii, {
  stdio: 'inherit',
  // We support versions of Node.js for longer than jsii does.
  env: { ...process.env, JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION: '20' },
});

// Minified output does not depend on the folder, the platform or the version of Node.js, so that the asset's hash is
// the same from every build.
const outdir = 'dist/function';

await rm(outdir, { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: { index: 'lambda/index.ts' },
  outdir,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  // The ES modules of the SDK and of otplib can be shaken; their CommonJS builds can't.
  mainFields: ['module', 'main'],
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
});
// What is in the bundle, for the notices: beside the asset, not in it.
await writeFile(`${outdir}.meta.json`, JSON.stringify(metafile));
