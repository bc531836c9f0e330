// Says whose licences are not permissive, of all that `npm ci` installs.
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { permissive } from './licences.mjs';

const { packages } = JSON.parse(await readFile('package-lock.json', 'utf8'));
for (const [directory, { license }] of Object.entries(packages)) {
  if (!permissive(license)) {
    process.stderr.write(`${directory}: the licence '${license}' is not a permissive one\n`);
    process.exitCode = 1;
  }
}
