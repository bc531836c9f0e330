// Writes THIRD-PARTY-NOTICES: the packages whose code is bundled into the function and the command line, with the texts of
// their licenses.
//
// Versions are left out, so that an upgrade of a dependency changes the manifest and the lockfile only.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { bundledPackages } from './bundled-packages.mjs';
import { isPermissive } from './licenses.mjs';

/** The packages that each text applies to. Many packages share a text. */
const packagesByText = new Map();
for (const directory of await bundledPackages()) {
  const { name, license } = JSON.parse(await readFile(`${directory}/package.json`, 'utf8'));
  if (!isPermissive(license)) {
    throw new Error(`bundled package '${name}': license '${license}': expected a permissive one`);
  }
  for (const file of await licenseFilesOf(directory, name, license)) {
    const text = (await readFile(file, 'utf8')).replace(/[ \t\r]+$/gm, '').replace(/^\n+|\n+$/g, '');
    packagesByText.set(text, (packagesByText.get(text) ?? new Set()).add(`${name} (${license})`));
  }
}

async function licenseFilesOf(directory, name, license) {
  const files = (await readdir(directory)).filter((file) => /^(licen[cs]e|notice|copying)\b/i.test(file)).sort();
  if (files.length > 0) {
    return files.map((file) => `${directory}/${file}`);
  }
  if (license !== 'Apache-2.0') {
    throw new Error(`bundled package '${name}': no file with the text of its license '${license}'`);
  }
  // The text of Apache-2.0 names no copyright holder, so our copy serves any package.
  return ['LICENSE'];
}

const rule = '-'.repeat(80);
const sections = [...packagesByText].map(([text, packages]) => [...packages].join('\n') + `\n\n${text}\n`);
await writeFile(
  'THIRD-PARTY-NOTICES',
  ['The function and the command line of cdk-mfa-enrollment contain code of the packages below.\n', ...sections].join(
    `\n${rule}\n\n`,
  ),
);
