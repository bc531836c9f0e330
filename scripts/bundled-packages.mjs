import { readdir, readFile } from 'node:fs/promises';

/**
 * The directories of the packages whose code the build has bundled, sorted. esbuild lists the sources of each bundle in
 * dist/*.meta.json. A bundle holds less than what is installed.
 */
export async function bundledPackages() {
  const lists = (await readdir('dist')).filter((file) => file.endsWith('.meta.json'));
  const bundles = await Promise.all(lists.map(async (file) => JSON.parse(await readFile(`dist/${file}`, 'utf8'))));
  const directories = bundles
    .flatMap(({ outputs }) => Object.values(outputs))
    .flatMap(({ inputs }) => Object.entries(inputs))
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .flatMap(([file]) => /^.*\bnode_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file) ?? []);
  return [...new Set(directories)].sort();
}
