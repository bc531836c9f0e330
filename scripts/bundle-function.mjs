// Bundles the function into the one file that the construct ships as its asset: the same bytes in every folder, on
// every platform and version of Node.js, so that the asset's hash stays what it is.
import { readFile, rm, writeFile } from 'node:fs/promises';
import { build } from 'esbuild';

/** Left to be imported at run time, which never happens. Only what is imported lazily may stand here. */
const EXTERNAL = [
  // For operations whose input or output is a stream of events. IAM and Secrets Manager have none.
  '@smithy/core/event-streams',
];

/** Modules of the SDK, and what it gets in place of each. */
const IN_PLACE = {
  // The chain of all places where credentials can be: files, single sign-on, the metadata of an instance. The clients
  // are given those of the environment, the only ones that Lambda has; without any, the SDK has an error of its own.
  '@aws-sdk/credential-provider-node': 'export const defaultProvider = undefined;',
  // Settings in the files that people have for AWS clients, and Lambda has not: none is there, so the environment's
  // count, or the SDK's own.
  './fromSharedConfigFiles': 'export const fromSharedConfigFiles = () => () => Promise.reject({ tryNextLink: true });',
  // SHA-256 for a Node.js without OpenSSL, which could not speak HTTPS either.
  './Sha256Js': 'export const Sha256Js = undefined;',
  // Ways of retrying, which the environment would choose from: the clients are given one that never does.
  '../util-retry/AdaptiveRetryStrategy': 'export const AdaptiveRetryStrategy = undefined;',
  '../util-retry/StandardRetryStrategy': 'export const StandardRetryStrategy = undefined;',
  // Asks the metadata of an instance for the region, which Lambda has in the environment. Nothing is known there.
  './getInstanceMetadataRegion': 'export const getInstanceMetadataRegion = async () => undefined;',
  '../config-resolver/regionConfig/getInstanceMetadataRegion':
    'export const getInstanceMetadataRegion = async () => undefined;',
  // Warns, in the function's log, that later versions of the SDK will need a later Node.js: this one stays as it is.
  './emitWarningIfUnsupportedVersion': 'export const state = {}, emitWarningIfUnsupportedVersion = () => {};',
};

/** Leaves out of the SDK's clients what the function makes no use of. */
const trimmed = {
  name: 'trimmed',
  setup({ onResolve, onLoad }) {
    for (const path of Object.keys(IN_PLACE)) {
      onResolve({ filter: new RegExp(`^${path.replaceAll('.', '\\.')}$`) }, () => ({ path, namespace: 'in-place' }));
    }
    onLoad({ filter: /.*/, namespace: 'in-place' }, ({ path }) => ({ contents: IN_PLACE[path] }));

    // A class and a schema for each error that a service can answer to any of its operations. For an error without, the
    // SDK throws the service's base class with AWS's code for a name; code and status are all that the function reads.
    onLoad({ filter: /[\\/]@aws-sdk[\\/]client-[^\\/]+[\\/]dist-es[\\/]schemas[\\/]\w+\.js$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replaceAll(
        /^export var \w+\$ = \[.*\n(?: .*\n)*\];\nn0_registry\.registerError\(.*\);\n/gm,
        '',
      ),
    }));

    // The clients import the whole of it to name their version in the user agent.
    onLoad({ filter: /[\\/]@aws-sdk[\\/]client-[^\\/]+[\\/]package\.json$/ }, async ({ path }) => ({
      contents: JSON.stringify({ version: JSON.parse(await readFile(path, 'utf8')).version }),
      loader: 'json',
    }));
  },
};

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
  external: EXTERNAL,
  plugins: [trimmed],
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
});
// What the bundle is made of: beside the asset, not in it.
await writeFile('dist/function.meta.json', JSON.stringify(metafile));
