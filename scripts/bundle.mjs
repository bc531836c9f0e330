// Bundles an entry point into one file. The bytes are the same in every folder, on every platform and with every version of
// Node.js.
import { readFile, rm, writeFile } from 'node:fs/promises';
import process from 'node:process';
import { build } from 'esbuild';

/** Modules of dependencies, and the source that each bundle has instead. */
const REPLACED = {
  // otplib computes HMACs in JavaScript by default.
  '@otplib/plugin-crypto-noble':
    "export { crypto, NodeCryptoPlugin as NobleCryptoPlugin } from '@otplib/plugin-crypto-node';",
  // Computes SHA-256 if Node.js has no OpenSSL. Without OpenSSL, HTTPS fails anyway.
  './Sha256Js': 'export const Sha256Js = undefined;',
  // Warns that future versions of the SDK need a later Node.js. The bundled version never changes.
  './emitWarningIfUnsupportedVersion': 'export const state = {}, emitWarningIfUnsupportedVersion = () => {};',
};

/**
 * Writes a bundle, and beside its folder the list of its sources.
 *
 * @param outdir the folder of the bundle, which is emptied first
 * @param replaced more modules of dependencies, and the source that is bundled instead
 * @param plugins more plugins of esbuild
 * @param options more options of esbuild
 */
export async function bundle({ outdir, replaced = {}, plugins = [], ...options }) {
  await rm(outdir, { recursive: true, force: true });
  const { metafile } = await build({
    outdir,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    // esbuild removes unused code from the ES modules of the SDK and otplib, but not from their CommonJS builds.
    mainFields: ['module', 'main'],
    plugins: [trimmed({ ...REPLACED, ...replaced }), ...plugins],
    minify: true,
    legalComments: 'none',
    logLevel: 'warning',
    metafile: true,
    ...options,
  });
  await writeFile(`${outdir}.meta.json`, JSON.stringify(metafile));
}

/** Leaves out the parts of dependencies that nobody uses. */
function trimmed(replaced) {
  return {
    name: 'trimmed',
    setup({ onResolve, onLoad }) {
      for (const path of Object.keys(replaced)) {
        onResolve({ filter: new RegExp(`^${path.replaceAll('.', '\\.')}$`) }, () => ({ path, namespace: 'replaced' }));
      }
      onLoad({ filter: /.*/, namespace: 'replaced' }, ({ path }) => ({
        contents: replaced[path],
        resolveDir: process.cwd(),
      }));

      // Every error of a service has a class and a schema. Without them, the SDK throws the service's base class, named by
      // AWS's error code. Only that code and the status are read.
      onLoad({ filter: /[\\/]@aws-sdk[\\/]client-[^\\/]+[\\/]dist-es[\\/]schemas[\\/]\w+\.js$/ }, async ({ path }) => ({
        contents: (await readFile(path, 'utf8')).replaceAll(
          /^export var \w+\$ = \[.*\n(?: .*\n)*\];\nn0_registry\.registerError\(.*\);\n/gm,
          '',
        ),
      }));

      // The SDK imports package.json files for one field: the version in the user agent.
      onLoad({ filter: /[\\/]@aws-sdk[\\/][^\\/]+[\\/]package\.json$/ }, async ({ path }) => ({
        contents: JSON.stringify({ version: JSON.parse(await readFile(path, 'utf8')).version }),
        loader: 'json',
      }));
    },
  };
}
