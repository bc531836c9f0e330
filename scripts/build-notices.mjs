// Writes THIRD-PARTY-NOTICES: whose code is bundled into the function, and under which licences. What was really
// bundled is what counts, as build.mjs left it in dist/function.meta.json, not what is installed.
//
// Versions are left out, so that an upgrade of a dependency touches the manifest and the lockfile only.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { permissive } from './licences.mjs';

const { outputs } = JSON.parse(await readFile('dist/function.meta.json', 'utf8'));
const directories = new Set(
  Object.values(outputs)
    .flatMap(({ inputs }) => Object.entries(inputs))
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .flatMap(([file]) => /^.*\bnode_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file) ?? []),
);

/** By text, the packages that it stands in: most of them share few texts. */
const packagesByText = new Map();
for (const directory of [...directories].sort()) {
  const { name, license } = JSON.parse(await readFile(`${directory}/package.json`, 'utf8'));
  if (!permissive(license)) {
    throw new Error(`'${name}' is bundled under the licence '${license}': only permissive ones are allowed`);
  }
  for (const file of await textsOf(directory, name, license)) {
    const text = (await readFile(file, 'utf8')).replace(/[ \t\r]+$/gm, '').replace(/^\n+|\n+$/g, '');
    packagesByText.set(text, (packagesByText.get(text) ?? new Set()).add(`${name} (${license})`));
  }
}

async function textsOf(directory, name, license) {
  const files = (await readdir(directory)).filter((file) => /^(licen[cs]e|notice|copying)\b/i.test(file)).sort();
  if (files.length > 0) {
    return files.map((file) => `${directory}/${file}`);
  }
  if (license !== 'Apache-2.0') {
    throw new Error(`'${name}' is bundled but comes with no text of its licence, '${license}'`);
  }
  // Its text names no holder of rights, so that any copy is the package's own.
  return ['LICENSE'];
}

const rule = '-'.repeat(80);
const sections = [...packagesByText].map(([text, packages]) => [...packages].join('\n') + `\n\n${text}\n`);
await writeFile(
  'THIRD-PARTY-NOTICES',
  ['The function of cdk-mfa-enrollment contains code of the packages below.\n', ...sections].join(`\n${rule}\n\n`),
);
