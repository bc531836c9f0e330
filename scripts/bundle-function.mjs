// Bundles the function into one file, which the construct ships as its asset. The same bytes keep the asset's hash stable.
import { readFile } from 'node:fs/promises';
import { bundle } from './bundle.mjs';

/** Not bundled and never loaded at run time. List only packages that are imported lazily. */
const EXTERNAL = [
  // Serves operations that stream events. IAM and Secrets Manager have none.
  '@smithy/core/event-streams',
];

/** Modules of dependencies, and the source that is bundled instead. */
const REPLACED = {
  // Looks for credentials everywhere: files, single sign-on, instance metadata. Lambda has them in the environment only,
  // and the clients read them there. If there are none, the SDK throws an error of its own.
  '@aws-sdk/credential-provider-node': 'export const defaultProvider = undefined;',
  // Reads settings from the AWS config files, which Lambda does not have.
  './fromSharedConfigFiles': 'export const fromSharedConfigFiles = () => () => Promise.reject({ tryNextLink: true });',
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
};

/** Leaves out the names of regions, which are for people. */
const namelessRegions = {
  name: 'nameless-regions',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]util-endpoints[\\/]lib[\\/]aws[\\/]partitions\.js$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replaceAll(/"description": "[^"]*"/g, ''),
    }));
  },
};

await bundle({
  entryPoints: { index: 'lambda/index.ts' },
  outdir: 'dist/function',
  replaced: REPLACED,
  plugins: [namelessRegions],
  external: EXTERNAL,
});
