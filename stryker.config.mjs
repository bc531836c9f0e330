import process from 'node:process';
import jestConfig from './jest.config.js';

/**
 * `npm run mutation` breaks the function in many small ways and reports what its tests don't notice. It takes half an hour.
 *
 * @type {import('@stryker-mutator/api/core').PartialStrykerOptions}
 */
export default {
  mutate: ['lambda/**/*.ts'],
  testRunner: 'jest',
  jest: {
    config: {
      ...jestConfig,
      // These tests state the function's rules. Any other test would notice a mutant only by accident.
      // Jest finds the tests of a mutated file by imports, and follows them only through files below the roots.
      roots: ['test', 'lambda', 'lib', 'local'].map((folder) => `<rootDir>/${folder}`),
      testMatch: ['<rootDir>/test/lambda/**/*.test.ts'],
      testEnvironment: './test/mutation-environment.js',
      testRunner: './test/mutation-jest-circus.js',
    },
  },
  coverageAnalysis: 'perTest',
  concurrency: 2,
  // A slow mutant must not count as one that never ends.
  timeoutMS: 20_000,
  thresholds: { high: 95, low: 93, break: 93 },
  reporters: ['clear-text', process.stdout.isTTY ? 'progress' : 'progress-append-only'],
  clearTextReporter: { allowColor: process.stdout.isTTY === true, reportTests: false },
  tempDirName: '.stryker-tmp',
  // Large, and not used by these tests.
  ignorePatterns: ['dist', 'cdk.out', 'coverage', 'lib/**/*.js', 'lib/**/*.d.ts'],
};
