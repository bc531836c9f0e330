// Bundles the command line into one file, which needs Node.js and nothing else.
import { chmod, readFile } from 'node:fs/promises';
import process from 'node:process';
import { bundle } from './bundle.mjs';

/**
 * The index of a client exports every operation, and esbuild keeps all of them if the client is loaded lazily. Takes each
 * name that a source imports from its own module instead.
 */
const usedOperations = {
  name: 'used-operations',
  setup({ onResolve, onLoad }) {
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
  },
};

const outdir = 'dist/cli';
const { name, version } = JSON.parse(await readFile('package.json', 'utf8'));

await bundle({
  entryPoints: { [name]: 'cli/main.ts' },
  outdir,
  plugins: [usedOperations],
  define: { VERSION: JSON.stringify(version) },
  banner: { js: '#!/usr/bin/env node' },
});
await chmod(`${outdir}/${name}.js`, 0o755);
