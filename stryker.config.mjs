import process from 'node:process';
import jestConfig from './jest.config.js';

/**
 * How well the tests of the function notice what is broken in it: `npm run mutation`, which takes half an hour.
 *
 * @type {import('@stryker-mutator/api/core').PartialStrykerOptions}
 */
export default {
  mutate: ['lambda/**/*.ts'],
  testRunner: 'jest',
  jest: {
    config: {
      ...jestConfig,
      // The tests beside the function state its rules; what else would notice a mutant, does so by accident.
      testMatch: ['<rootDir>/test/lambda/**/*.test.ts'],
      testEnvironment: './test/mutation-environment.js',
    },
  },
  coverageAnalysis: 'perTest',
  concurrency: 2,
  // A mutant that is only slow must not count as one that never ends.
  timeoutMS: 20_000,
  thresholds: { high: 95, low: 90, break: 90 },
  reporters: ['clear-text', process.stdout.isTTY ? 'progress' : 'progress-append-only'],
  clearTextReporter: { allowColor: process.stdout.isTTY === true, reportTests: false },
  tempDirName: '.stryker-tmp',
  // Of no use to these tests, and large.
  ignorePatterns: ['dist', 'cdk.out', 'coverage', 'lib/**/*.js', 'lib/**/*.d.ts'],
};
