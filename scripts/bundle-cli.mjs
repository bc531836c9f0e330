// Bundles the command line into one file, which needs Node.js and nothing else. The bytes are the same in every folder, on
// every platform and with every version of Node.js.
import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import process from 'node:process';
import { build } from 'esbuild';

/** Modules of dependencies, and the source that is bundled instead. */
const REPLACED = {
  // otplib computes HMACs in JavaScript by default. The command line uses node:crypto, like the function.
  '@otplib/plugin-crypto-noble':
    "export { crypto, NodeCryptoPlugin as NobleCryptoPlugin } from '@otplib/plugin-crypto-node';",
  // Computes SHA-256 if Node.js has no OpenSSL. Without OpenSSL, HTTPS fails anyway.
  './Sha256Js': 'export const Sha256Js = undefined;',
  // Warns that future versions of the SDK need a later Node.js. The bundled version never changes.
  './emitWarningIfUnsupportedVersion': 'export const state = {}, emitWarningIfUnsupportedVersion = () => {};',
};

/** Leaves out the parts of dependencies that the command line does not use. */
const trimmed = {
  name: 'trimmed',
  setup({ onResolve, onLoad }) {
    for (const path of Object.keys(REPLACED)) {
      onResolve({ filter: new RegExp(`^${path.replaceAll('.', '\\.')}$`) }, () => ({ path, namespace: 'replaced' }));
    }
    onLoad({ filter: /.*/, namespace: 'replaced' }, ({ path }) => ({
      contents: REPLACED[path],
      resolveDir: process.cwd(),
    }));

    // The index of a client exports every operation, and esbuild keeps all of them if the client is loaded lazily. Take
    // each name that a source imports from its own module instead.
    onResolve({ filter: /^@aws-sdk\/client-[^/]+$/ }, async ({ path: client, importer }) => {
      if (/[\\/]node_modules[\\/]/.test(importer)) {
        return undefined;
      }
      const source = await readFile(importer, 'utf8');
      const names = [...source.matchAll(new RegExp(`import \\{([^}]*)\\} from '${client}'`, 'g'))]
        .flatMap(([, list]) => list.split(','))
        .map((name) => name.trim())
        .filter((name) => name !== '' && !name.startsWith('type '));
      return { path: `${client}:${names.join()}`, namespace: 'client' };
    });
    onLoad({ filter: /.*/, namespace: 'client' }, ({ path }) => {
      const [client, names] = path.split(':');
      const exports = names.split(',').map((name) => {
        const [kind] = /(?:Client|Command|ServiceException)$/.exec(name) ?? [];
        const folder = { Client: '', Command: 'commands/', ServiceException: 'models/' }[kind];
        if (folder === undefined) {
          throw new Error(`'${name}' of ${client}: expected a client, a command, or a ServiceException`);
        }
        return `export { ${name} } from './node_modules/${client}/dist-es/${folder}${name}';`;
      });
      return { contents: exports.join('\n'), resolveDir: process.cwd() };
    });

    // Every error of a service has a class and a schema. Without them, the SDK throws the service's base class, named by
    // AWS's error code. The commands read only that code and the status.
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

const outdir = 'dist/cli';
const { name, version } = JSON.parse(await readFile('package.json', 'utf8'));

await rm(outdir, { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: { [name]: 'cli/main.ts' },
  outdir,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  mainFields: ['module', 'main'],
  define: { VERSION: JSON.stringify(version) },
  banner: { js: '#!/usr/bin/env node' },
  plugins: [trimmed],
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
});
await chmod(`${outdir}/${name}.js`, 0o755);
// Lists the sources of the bundle. It lies beside the published folder, not in it.
await writeFile('dist/cli.meta.json', JSON.stringify(metafile));
