const { TestEnvironment } = require('jest-environment-node');

/** The mutant that a test has killed already. */
let killed;

/** For StrykerJS: one failing test is enough for a mutant, so that the rest of its tests are skipped. */
module.exports = class MutationEnvironment extends TestEnvironment {
  handleTestEvent(event) {
    const mutant = process.env.__STRYKER_ACTIVE_MUTANT__;
    if (event.name === 'test_start' && mutant !== undefined && mutant === killed) {
      event.test.mode = 'skip';
    } else if (event.name === 'test_done' && event.test.errors.length > 0) {
      killed = mutant;
    }
  }
};
