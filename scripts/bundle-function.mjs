// Bundles the function into one file, which the construct ships as its asset. The bytes are the same in every folder, on
// every platform and with every version of Node.js, so that the asset's hash is stable.
import { readFile, rm, writeFile } from 'node:fs/promises';
import process from 'node:process';
import { build } from 'esbuild';

/** Not bundled and never loaded at run time. List only packages that are imported lazily. */
const EXTERNAL = [
  // Serves operations that stream events. IAM and Secrets Manager have none.
  '@smithy/core/event-streams',
];

/** Modules of dependencies, and the source that is bundled instead. */
const REPLACED = {
  // otplib computes HMACs in JavaScript by default. The function uses node:crypto.
  '@otplib/plugin-crypto-noble':
    "export { crypto, NodeCryptoPlugin as NobleCryptoPlugin } from '@otplib/plugin-crypto-node';",
  // Looks for credentials everywhere: files, single sign-on, instance metadata. Lambda has them in the environment only,
  // and the clients read them there. If there are none, the SDK throws an error of its own.
  '@aws-sdk/credential-provider-node': 'export const defaultProvider = undefined;',
  // Reads settings from the AWS config files, which Lambda does not have.
  './fromSharedConfigFiles': 'export const fromSharedConfigFiles = () => () => Promise.reject({ tryNextLink: true });',
  // Computes SHA-256 if Node.js has no OpenSSL. Without OpenSSL, HTTPS fails anyway.
  './Sha256Js': 'export const Sha256Js = undefined;',
  // Retry strategies that the environment can select, and the loop around them. The clients never retry.
  '../util-retry/AdaptiveRetryStrategy': 'export const AdaptiveRetryStrategy = undefined;',
  '../util-retry/StandardRetryStrategy': 'export const StandardRetryStrategy = undefined;',
  './middleware-retry/retryMiddleware': `
    export const retryMiddlewareOptions = { name: 'retryMiddleware', step: 'finalizeRequest', priority: 'high', override: true };
    export const bindRetryMiddleware = () => undefined;
    export const bindGetRetryPlugin = () => () => ({
      applyToStack: (stack) => stack.add((next) => (args) => next(args), retryMiddlewareOptions),
    });`,
  // Formats the headers of signed events in streams. IAM and Secrets Manager have none.
  './HeaderFormatter': 'export class HeaderFormatter {}',
  // Keeps what belongs to one of several invocations at the same time. Lambda runs one at a time here.
  '@aws/lambda-invoke-store': 'export const InvokeStore = { getInstanceAsync: async () => undefined };',
  // Writes requests to Secrets Manager into buffers of bytes. They consist of strings and booleans.
  './JsonShapeSerializer2': `
    export class JsonShapeSerializer2 {
      setSerdeContext() {}
      write(schema, value) { this.value = value; }
      flush() { const { value } = this; this.value = undefined; return JSON.stringify(value); }
    }`,
  // Asks the instance metadata for the region. Lambda has the region in the environment.
  './getInstanceMetadataRegion': 'export const getInstanceMetadataRegion = async () => undefined;',
  '../config-resolver/regionConfig/getInstanceMetadataRegion':
    'export const getInstanceMetadataRegion = async () => undefined;',
  // Logs inputs and outputs, seeds among them, if a client has a logger. These have none.
  './middleware-logger/loggerMiddleware':
    'export const getLoggerPlugin = () => ({ applyToStack: () => undefined }), loggerMiddleware = undefined, loggerMiddlewareOptions = undefined;',
  './schemaLogFilter': 'export const schemaLogFilter = () => undefined;',
  // Names of S3 buckets in endpoints.
  '../service-customizations': 'export const resolveParamsForS3 = undefined;',
  // Logs a warning that future versions of the SDK need a later Node.js. The bundled version never changes.
  './emitWarningIfUnsupportedVersion': 'export const state = {}, emitWarningIfUnsupportedVersion = () => {};',
};

/** Leaves out the parts of dependencies that the function does not use. */
const trimmed = {
  name: 'trimmed',
  setup({ onResolve, onLoad }) {
    for (const path of Object.keys(REPLACED)) {
      onResolve({ filter: new RegExp(`^${path.replaceAll('.', '\\.')}$`) }, () => ({ path, namespace: 'replaced' }));
    }
    onLoad({ filter: /.*/, namespace: 'replaced' }, ({ path }) => ({
      contents: REPLACED[path],
      resolveDir: process.cwd(),
    }));

    // Every error of a service has a class and a schema. Without them, the SDK throws the service's base class, named by
    // AWS's error code. The function reads only that code and the status.
    onLoad({ filter: /[\\/]@aws-sdk[\\/]client-[^\\/]+[\\/]dist-es[\\/]schemas[\\/]\w+\.js$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replaceAll(
        /^export var \w+\$ = \[.*\n(?: .*\n)*\];\nn0_registry\.registerError\(.*\);\n/gm,
        '',
      ),
    }));

    // Names of regions, for people.
    onLoad({ filter: /[\\/]util-endpoints[\\/]lib[\\/]aws[\\/]partitions\.js$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replaceAll(/"description": "[^"]*"/g, ''),
    }));

    // The clients import their package.json for one field: the version in the user agent.
    onLoad({ filter: /[\\/]@aws-sdk[\\/]client-[^\\/]+[\\/]package\.json$/ }, async ({ path }) => ({
      contents: JSON.stringify({ version: JSON.parse(await readFile(path, 'utf8')).version }),
      loader: 'json',
    }));
  },
};

const outdir = 'dist/function';

await rm(outdir, { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: { index: 'lambda/index.ts' },
  outdir,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  // esbuild removes unused code from the ES modules of the SDK and otplib, but not from their CommonJS builds.
  mainFields: ['module', 'main'],
  external: EXTERNAL,
  plugins: [trimmed],
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
});
// Lists the sources of the bundle. It lies beside the asset, not in it.
await writeFile('dist/function.meta.json', JSON.stringify(metafile));
