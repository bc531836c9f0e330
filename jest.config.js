/** @type {import('jest').Config} */
module.exports = {
  roots: ['<rootDir>/test'],
  testEnvironment: 'node',
  // No test is about time: what takes long does so on a busy machine.
  testTimeout: 120_000,
  // The sources, never what an earlier build left beside them.
  moduleFileExtensions: ['ts', 'js', 'json', 'node'],
  transform: {
    '^.+\\.[tj]s$': ['@swc/jest', { jsc: { target: 'es2022' }, module: { type: 'commonjs' } }],
  },
  // What otplib stands on comes as ES modules only, which Jest can't require on every Node.js that we support.
  transformIgnorePatterns: ['/node_modules/(?!@scure/)'],
};
