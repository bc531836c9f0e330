// Writes dist/sbom.cdx.json: the packages whose code is bundled, with their versions, licenses and the hashes of their
// archives, in CycloneDX. The package contains it. It has no time and no random number, so each build writes the same bytes.
import { Buffer } from 'node:buffer';
import { readFile, writeFile } from 'node:fs/promises';
import { Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library';
import { bundledPackages } from './bundled-packages.mjs';

const readJson = async (file) => JSON.parse(await readFile(file, 'utf8'));
const lockfile = await readJson('package-lock.json');

function component({ name, version, license }, integrity) {
  const [group, ownName] = name.startsWith('@') ? name.split('/') : [undefined, name];
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
  const [, algorithm, digest] = /^(sha512)-(\S+)$/.exec(integrity ?? '') ?? [];
  return new Models.Component(Enums.ComponentType.Library, ownName, {
    bomRef: purl,
    group,
    version,
    purl,
    licenses: new Models.LicenseRepository([
      / (AND|OR|WITH) /.test(license) ? new Models.LicenseExpression(license) : new Models.SpdxLicense(license),
    ]),
    hashes: new Models.HashDictionary(
      algorithm === undefined ? [] : [[Enums.HashAlgorithm['SHA-512'], Buffer.from(digest, 'base64').toString('hex')]],
    ),
  });
}

const root = component(await readJson('package.json'));
const bom = new Models.Bom({ metadata: new Models.Metadata({ component: root }) });
for (const directory of await bundledPackages()) {
  const bundled = component(await readJson(`${directory}/package.json`), lockfile.packages[directory].integrity);
  bom.components.add(bundled);
  root.dependencies.add(bundled.bomRef);
}
const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
await writeFile('dist/sbom.cdx.json', `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`);
