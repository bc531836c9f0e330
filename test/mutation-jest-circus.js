const { existsSync, mkdirSync, readFileSync, writeFileSync } = require('node:fs');
const { dirname, join } = require('node:path');
const { createEmptyTestResult } = require('@jest/test-result');
const { default: circus } = require('jest-circus/runner');

/** Stands for the tests of a file that is not loaded. */
const NONE = { ancestorTitles: [], failureMessages: [], fullName: '', status: 'pending', title: '' };

/** The mutant that a test has killed already. */
let killed;

/**
 * For StrykerJS: loads only files with a test that covers the mutant, and none after one test has failed. Jest would load
 * every file that imports the mutated one, which takes most of the time. StrykerJS accepts only runners with jest-circus in
 * their names.
 */
module.exports = async function run(globalConfig, config, environment, runtime, testPath, ...others) {
  const mutant = process.env.__STRYKER_ACTIVE_MUTANT__;
  // The first run, without a mutant, notes the names of all tests.
  const names = join(config.rootDir, 'reports', `${testPath.replace(/[^\w.]+/g, '-')}.json`);
  if (mutant !== undefined && existsSync(names)) {
    const pattern = new RegExp(globalConfig.testNamePattern, 'i');
    const isCovering = JSON.parse(readFileSync(names, 'utf8')).some((name) => pattern.test(name));
    if (!isCovering || mutant === killed) {
      return { ...createEmptyTestResult(), numPendingTests: 1, testFilePath: testPath, testResults: [NONE] };
    }
  }
  const result = await circus(globalConfig, config, environment, runtime, testPath, ...others);
  if (mutant === undefined) {
    mkdirSync(dirname(names), { recursive: true });
    writeFileSync(names, JSON.stringify(result.testResults.map(({ fullName }) => fullName)));
  } else if (result.numFailingTests > 0) {
    killed = mutant;
  }
  return result;
};
