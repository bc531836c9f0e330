// Compiles the construct library, and bundles the function that it ships as an asset.
import { execFileSync } from 'node:child_process';
import process from 'node:process';

const jsii = ['node_modules/jsii/bin/jsii', '--generate-tsconfig', 'tsconfig.jsii.json', '--fail-on-warnings'];
execFileSync(process.execPath, jsii, {
  stdio: 'inherit',
  // We support versions of Node.js for longer than jsii does.
  env: { ...process.env, JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION: '20' },
});

await import('./bundle-function.mjs');
