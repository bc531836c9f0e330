// The AWS SDK warns in every worker that future versions need a Node.js later than 20. Tests run on Node.js 20 on purpose,
// because the library supports it. The SDK's own switch is an environment variable, which some tests clear.
const { emitWarning } = process;
process.emitWarning = (warning, ...options) => {
  if (!String(warning).startsWith('NodeVersionSupportWarning:')) {
    emitWarning.call(process, warning, ...options);
  }
};
