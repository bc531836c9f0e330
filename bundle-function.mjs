// Bundles the function into the one file that the construct ships as its asset: the same bytes in every folder, on
// every platform and version of Node.js, so that the asset's hash stays what it is.
import { readFile, rm, writeFile } from 'node:fs/promises';
import { build } from 'esbuild';

/** Left to be imported at run time, which never happens. Only what is imported lazily may stand here. */
const EXTERNAL = [
  // For operations whose input or output is a stream of events. IAM and Secrets Manager have none.
  '@smithy/core/event-streams',
];

/** Modules of which the SDK gets, in place of the one thing that it takes from them, `undefined`, or what stands here. */
const ABSENT = {
  // The chain of all places where credentials can be: files, single sign-on, the metadata of an instance. The clients
  // are given those of the environment, the only ones that Lambda has; without any, the SDK has an error of its own.
  '@aws-sdk/credential-provider-node': 'defaultProvider',
  // SHA-256 for a Node.js without OpenSSL, which could not speak HTTPS either.
  './Sha256Js': 'Sha256Js',
  // Ways of retrying, which the environment would choose from: the clients are given one that never does.
  '../util-retry/AdaptiveRetryStrategy': 'AdaptiveRetryStrategy',
  '../util-retry/StandardRetryStrategy': 'StandardRetryStrategy',
  // Asks the metadata of an instance for the region, which Lambda has in the environment. Nothing is known there.
  './getInstanceMetadataRegion': 'getInstanceMetadataRegion',
  '../config-resolver/regionConfig/getInstanceMetadataRegion': 'getInstanceMetadataRegion',
};
const IN_PLACE = { getInstanceMetadataRegion: 'async () => undefined' };

/** Leaves out of the SDK's clients what the function makes no use of. */
const trimmed = {
  name: 'trimmed',
  setup({ onResolve, onLoad }) {
    for (const path of Object.keys(ABSENT)) {
      onResolve({ filter: new RegExp(`^${path.replaceAll('.', '\\.')}$`) }, () => ({ path, namespace: 'absent' }));
    }
    onLoad({ filter: /.*/, namespace: 'absent' }, ({ path }) => ({
      contents: `export const ${ABSENT[path]} = ${IN_PLACE[ABSENT[path]]};`,
    }));

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
