// Bundles the function into the one file that the construct ships as its asset. Minified output does not depend on
// the folder, the platform or the version of Node.js, so that the asset's hash is the same from every build.
import { rm } from 'node:fs/promises';
import { build } from 'esbuild';

const outdir = 'dist/function';

await rm(outdir, { recursive: true, force: true });
await build({
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
});
