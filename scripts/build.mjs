// Compiles the construct library, then bundles the function that the library ships as an asset, and the command line.
import { execFileSync } from 'node:child_process';
import { readdir, rm } from 'node:fs/promises';
import process from 'node:process';

// What an earlier build compiled from sources that have moved would be packed, too.
for (const file of await readdir('lib', { recursive: true })) {
  if (/\.(js|d\.ts)$/.test(file)) {
    await rm(`lib/${file}`);
  }
}

const jsii = ['node_modules/jsii/bin/jsii', '--generate-tsconfig', 'tsconfig.jsii.json', '--fail-on-warnings'];
execFileSync(process.execPath, jsii, {
  stdio: 'inherit',
  // This library supports versions of Node.js for longer than jsii does.
  env: { ...process.env, JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION: '20' },
});

await import('./bundle-function.mjs');
await import('./bundle-cli.mjs');
