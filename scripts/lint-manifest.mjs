// Checks what package.json and package-lock.json install. Prints each problem, and fails if there is one.
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { isPermissive } from './licenses.mjs';

const { devDependencies } = JSON.parse(await readFile('package.json', 'utf8'));
const { packages } = JSON.parse(await readFile('package-lock.json', 'utf8'));
const problems = [];

for (const [directory, { license }] of Object.entries(packages)) {
  if (!isPermissive(license)) {
    problems.push(`${directory}: license '${license}': expected a permissive one (scripts/licenses.mjs)`);
  }
}

// The codes come from otplib. Named by its parts only (@otplib/…), it would not show as a dependency.
if (devDependencies.otplib === undefined) {
  problems.push("package.json: devDependencies: expected 'otplib'");
}
for (const file of ['lambda/seed.ts', 'lambda/totp.ts']) {
  if (!/^import .* from 'otplib';$/m.test(await readFile(file, 'utf8'))) {
    problems.push(`${file}: expected an import from 'otplib'`);
  }
}

// Version 3.0.0 of the CDK CLI was published by accident and is deprecated.
const cli = { range: devDependencies['aws-cdk'], installed: packages['node_modules/aws-cdk']?.version };
for (const [source, version] of Object.entries(cli)) {
  if (!/^\^?2\.\d+\.\d+$/.test(version)) {
    problems.push(`aws-cdk: ${source} '${version}': expected 2.x`);
  }
}

for (const problem of problems) {
  process.stderr.write(`${problem}\n`);
  process.exitCode = 1;
}
