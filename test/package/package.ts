/**
 * What a user gets: `npm run package-test` packs the package as the last build left it, checks that the tarball holds
 * what it should and nothing else, and installs it into empty projects with the oldest and the newest aws-cdk-lib that
 * it supports. There, apps in TypeScript and in both kinds of JavaScript synthesize with nothing but Node.js on the path.
 * What needs the newest aws-cdk-lib is checked here, too: findings.ts, references.ts.
 *
 * It installs from the npm registry, so `npm test` does not run it.
 */
import assert from 'node:assert/strict';
import { access, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import process from 'node:process';
import { APPS, TYPES } from './apps';
import { checkFindings } from './findings';
import { type Flags, type Project, run, synthesize, type Validation } from './project';
import { checkLogicalIds, templatesByReference } from './references';

const repository = path.join(__dirname, '..', '..');

async function main(): Promise<void> {
  const started = performance.now();
  const directory = await mkdtemp(path.join(os.tmpdir(), 'package-'));
  try {
    const { tarball, files } = await pack(directory);
    assert.deepEqual(files, await expectedFiles(), 'what npm packs');
    write(`packs ${files.length} files`);

    const expectedHash = await assetHashOf(repository, await synthesizeFromRepository(directory));
    const nodeOnly = await pathWithNodeOnly(directory);
    const tryOut = async (name: string, packages: readonly string[]) => {
      const project = await install(path.join(directory, name), nodeOnly, [tarball, ...packages]);
      await checkApps(project, expectedHash);
      await checkCommandLine(project);
      return project;
    };
    // Side by side, because an installation mostly waits.
    const [oldest, newest] = await Promise.all([
      tryOut('oldest', [`aws-cdk-lib@${await oldestCdk()}`]).then(templatesByReference),
      tryOut('newest', ['aws-cdk-lib@2', 'cdk-nag@3']).then(async (project) => {
        await checkFindings(project);
        write(
          `aws-cdk-lib ${project.cdkVersion}: cdk-nag 3 reports nothing, with and without the recommended feature flags`,
        );
        return templatesByReference(project);
      }),
    ]);
    checkLogicalIds(oldest, newest);
    write(
      'logical ids are equal under strong, both and weak references, with and without the recommended feature flags',
    );
    write(`took ${((performance.now() - started) / 1000).toFixed(0)} s`);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The apps of a project synthesize to the same resources and the same function as in the repository. */
async function checkApps(project: Project, expectedHash: string): Promise<void> {
  for (const [language, file, validation, flags] of await appsOf(project)) {
    const { out } = await synthesize(project, file, `cdk.out.${language}.${flags}`, validation, flags);
    const which = `${language}, flags: ${flags}, with aws-cdk-lib ${project.cdkVersion}`;
    assert.equal(await assetHashOf(project.directory, out), expectedHash, `the asset's hash, ${which}`);
    assert.deepEqual(await typesIn(out), TYPES, `the resources, ${which}`);
    write(
      `aws-cdk-lib ${project.cdkVersion}: ${language} synthesizes, flags: ${flags}, asset ${expectedHash.slice(0, 12)}`,
    );
  }
}

/** The command of the package runs under its name, and finds nothing but Node.js. */
async function checkCommandLine({ directory }: Project): Promise<void> {
  const { version } = JSON.parse(await readFile(path.join(repository, 'package.json'), 'utf8')) as { version: string };
  const command = path.join(directory, 'node_modules', '.bin', 'cdk-mfa-enrollment');
  const { stdout } = await run(command, ['--version'], { cwd: directory });
  assert.equal(stdout, `${version}\n`, 'what cdk-mfa-enrollment --version prints');
}

async function pack(into: string): Promise<{ tarball: string; files: string[] }> {
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', into], {
    cwd: repository,
  });
  const [packed] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  return { tarball: path.join(into, packed.filename), files: packed.files.map((file) => file.path).sort() };
}

/** One module and its types for each source of the library, and no source; the rest by name. */
async function expectedFiles(): Promise<string[]> {
  const sources = (await readdir(path.join(repository, 'lib'), { recursive: true }))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .map((file) => file.slice(0, -'.ts'.length));
  return [
    '.jsii',
    'LICENSE',
    'THIRD-PARTY-NOTICES',
    'README.md',
    'dist/cli/cdk-mfa-enrollment.js',
    'dist/function/index.js',
    'dist/sbom.cdx.json',
    'package.json',
    'rosetta/default.ts-fixture',
    'rosetta/imports.ts-fixture',
    ...sources.flatMap((source) => [`lib/${source}.d.ts`, `lib/${source}.js`]),
  ].sort();
}

/** The oldest aws-cdk-lib that is supported, as the manifest says it: nothing else says it. */
async function oldestCdk(): Promise<string> {
  const manifest = JSON.parse(await readFile(path.join(repository, 'package.json'), 'utf8')) as {
    peerDependencies: Record<string, string>;
  };
  return manifest.peerDependencies['aws-cdk-lib']!.replace('^', '');
}

async function install(directory: string, nodeOnly: string, packages: readonly string[]): Promise<Project> {
  await mkdir(directory);
  await writeFile(path.join(directory, 'package.json'), JSON.stringify({ name: 'empty', private: true }));
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel', 'error'];
  await run('npm', ['install', ...quiet, ...packages], { cwd: directory });
  await assert.rejects(access(path.join(directory, 'node_modules', 'esbuild')), 'esbuild is installed');
  const { version } = JSON.parse(
    await readFile(path.join(directory, 'node_modules', 'aws-cdk-lib', 'package.json'), 'utf8'),
  ) as { version: string };
  return { directory, cdkVersion: version, nodeOnly };
}

/** The apps, each with the file that Node.js runs. Without flags, their templates are equal, so validating one is enough. */
async function appsOf({
  directory,
}: Project): Promise<[language: string, file: string, validation: Validation, flags: Flags][]> {
  for (const [file, text] of Object.entries(APPS)) {
    await writeFile(path.join(directory, file), text);
  }
  const compiler = path.join(repository, 'node_modules', 'typescript', 'bin', 'tsc');
  const types = path.join(repository, 'node_modules', '@types');
  await run(
    process.execPath,
    [compiler, 'app.ts', '--outDir', 'compiled', '--strict', '--skipLibCheck', '--module', 'node16'].concat([
      '--target',
      'es2022',
      '--typeRoots',
      types,
      '--types',
      'node',
    ]),
    { cwd: directory },
  );
  return [
    ['typescript', 'compiled/app.js', 'strict', 'none'],
    ['typescript', 'compiled/app.js', 'strict', 'recommended'],
    ['require', 'app.cjs', 'none', 'none'],
    ['import', 'app.mjs', 'none', 'none'],
  ];
}

async function synthesizeFromRepository(directory: string): Promise<string> {
  const out = path.join(directory, 'cdk.out');
  await run(process.execPath, ['--import', 'tsx', path.join('bin', 'app.ts')], {
    cwd: repository,
    env: { ...process.env, CDK_OUTDIR: out },
  });
  return out;
}

/** The types of the resources in the app's template. */
async function typesIn(assembly: string): Promise<string[]> {
  const template = JSON.parse(await readFile(path.join(assembly, 'Empty.template.json'), 'utf8')) as {
    Resources: Record<string, { Type: string }>;
  };
  return Object.values(template.Resources)
    .map(({ Type }) => Type)
    .filter((type) => type !== 'AWS::CDK::Metadata')
    .sort();
}

/** The hash of the function's code, as the assembly's list of assets has it. */
async function assetHashOf(base: string, assembly: string): Promise<string> {
  const [list] = (await readdir(path.resolve(base, assembly))).filter((file) => file.endsWith('.assets.json'));
  const { files } = JSON.parse(await readFile(path.resolve(base, assembly, list!), 'utf8')) as {
    files: Record<string, { source: { packaging: string } }>;
  };
  const hashes = Object.entries(files).filter(([, { source }]) => source.packaging === 'zip');
  assert.equal(hashes.length, 1, 'assets with code');
  return hashes[0]![0];
}

/** A path on which there is neither Docker nor a bundler, nor anything else that a synthesis could start. */
async function pathWithNodeOnly(directory: string): Promise<string> {
  const bin = path.join(directory, 'bin');
  await mkdir(bin);
  await symlink(process.execPath, path.join(bin, 'node'));
  return bin;
}

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}

void main();
