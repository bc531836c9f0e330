import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build as bundle, type BuildOptions, type Plugin } from 'esbuild';

const ROOT = join(__dirname, '..', '..');

/** A way to ship the function. */
export interface Contender {
  readonly name: string;
  readonly file: string;
  readonly bytes: number;
  readonly gzipBytes: number;
}

/** As NodejsFunction bundles where the SDK comes along: `main` before `module`, nothing left out. */
const BY_DEFAULT: BuildOptions = {
  entryPoints: [join(ROOT, 'lambda', 'index.ts')],
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  mainFields: ['main', 'module'],
  logLevel: 'error',
};

const withoutSdk: Plugin = {
  name: 'without-sdk',
  setup(build) {
    build.onResolve({ filter: /^\.\/aws$/ }, () => ({ path: join(__dirname, 'bare-aws.ts') }));
  },
};

/**
 * The function as it is shipped (`built`); the same source as NodejsFunction bundles it (`default`), and that minified,
 * which loads faster (`minified`); and with requests written by hand in the SDK's place (`bare`), which is the floor.
 *
 * @param folder takes the bundles
 */
export async function contenders(folder: string): Promise<Contender[]> {
  const bundled = async (name: string, options: BuildOptions) => {
    const outfile = join(folder, `${name}.js`);
    await bundle({ ...BY_DEFAULT, ...options, outfile });
    return contender(name, outfile);
  };
  return [
    contender('built', join(ROOT, 'dist', 'function', 'index.js')),
    await bundled('default', {}),
    await bundled('minified', { minify: true }),
    await bundled('bare', { minify: true, mainFields: ['module', 'main'], plugins: [withoutSdk] }),
  ];
}

function contender(name: string, file: string): Contender {
  const content = readFileSync(file);
  return { name, file, bytes: content.length, gzipBytes: gzipSync(content, { level: 9 }).length };
}
