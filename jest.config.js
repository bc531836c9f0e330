/** @type {import('jest').Config} */
module.exports = {
  roots: ['<rootDir>/test'],
  testEnvironment: 'node',
  // By default Jest leaves one core idle, which is half of a machine with two.
  maxWorkers: '100%',
  // Generous, because a busy machine makes any test slow. No test depends on how long something takes.
  testTimeout: 120_000,
  // TypeScript first: the build leaves compiled files beside the sources.
  moduleFileExtensions: ['ts', 'js', 'json', 'node'],
  // The HMAC that scripts/bundle.mjs bundles.
  moduleNameMapper: { '^@otplib/plugin-crypto-noble$': '@otplib/plugin-crypto-node' },
  setupFiles: ['<rootDir>/test/silence-node-version-warning.js'],
  transform: {
    '^.+\\.[tj]s$': ['@swc/jest', { jsc: { target: 'es2022' }, module: { type: 'commonjs' } }],
  },
  // otplib depends on @scure/base. It ships ES modules only, which Jest can't load on every supported Node.js.
  transformIgnorePatterns: ['/node_modules/(?!@scure/)'],
};
