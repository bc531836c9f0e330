import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build as bundle, type BuildOptions, type Plugin } from 'esbuild';

const ROOT = join(__dirname, '..', '..');

/** A bundle of the function. */
export interface Contender {
  readonly name: string;
  readonly file: string;
  readonly bytes: number;
  readonly gzipBytes: number;
}

/** The options of NodejsFunction if it bundles the SDK: `main` before `module`, nothing external. */
const DEFAULT_OPTIONS: BuildOptions = {
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
    build.onResolve({ filter: /^\.\/aws\/sdk$/ }, () => ({ path: join(__dirname, 'bare-aws.ts') }));
  },
};

/**
 * Bundles the function in four ways: as published (`built`), as NodejsFunction does (`default`), the same minified
 * (`minified`), and without the SDK (`bare`), which is the lower limit.
 *
 * @param folder for the bundles
 */
export async function contenders(folder: string): Promise<Contender[]> {
  const bundled = async (name: string, options: BuildOptions) => {
    const outfile = join(folder, `${name}.js`);
    await bundle({ ...DEFAULT_OPTIONS, ...options, outfile });
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
