// Type-checks the TypeScript examples in docs/, each in the fixture that jsii-rosetta uses for README.md and docstrings.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import ts from 'typescript';

const root = path.join(import.meta.dirname, '..');

/** Virtual files, by path. They are in the repository's root, so that imports resolve as in an app. */
const examples = new Map();
for (const page of readdirSync(path.join(root, 'docs')).filter((file) => file.endsWith('.md'))) {
  const text = readFileSync(path.join(root, 'docs', page), 'utf8');
  for (const { groups, index } of text.matchAll(/^```ts(?: fixture=(?<fixture>\S+))?\n(?<code>[^]*?)^```$/gm)) {
    const line = text.slice(0, index).split('\n').length;
    const fixture = readFileSync(path.join(root, 'rosetta', `${groups.fixture ?? 'default'}.ts-fixture`), 'utf8');
    // An example's own imports belong at the top of the file.
    const imports = groups.code.match(/^import .*;$/gm) ?? [];
    const body = groups.code.replace(/^import .*;$/gm, '');
    examples.set(
      path.join(root, `docs.${page}.${line}.ts`),
      [...imports, fixture.replace('/// here', body)].join('\n'),
    );
  }
}

const options = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.CommonJS,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  types: ['node'],
  paths: { 'cdk-mfa-enrollment': [path.join(root, 'lib', 'index')] },
};
const host = ts.createCompilerHost(options);
const { fileExists, readFile, getSourceFile } = host;
host.fileExists = (file) => examples.has(file) || fileExists(file);
host.readFile = (file) => examples.get(file) ?? readFile(file);
host.getSourceFile = (file, ...rest) =>
  examples.has(file) ? ts.createSourceFile(file, examples.get(file), ...rest) : getSourceFile(file, ...rest);

const program = ts.createProgram([...examples.keys()], options, host);
const problems = ts.getPreEmitDiagnostics(program);
process.stdout.write(ts.formatDiagnosticsWithColorAndContext(problems, host));
process.stdout.write(`${examples.size} examples in docs/, ${problems.length} errors\n`);
process.exitCode = problems.length > 0 || examples.size === 0 ? 1 : 0;
